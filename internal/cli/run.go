// Package cli is the command line: it reads flags, wires the packages
// together and turns errors into exit codes. One file a command; wire.go lists
// every implementation that commands can name.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// The exit codes, the same for every command and output format.
const (
	ExitOK          = 0   // done, or the gate passed
	ExitError       = 2   // usage, configuration or data error
	ExitInterrupted = 130 // interrupted
)

const exitHelp = `
Exit codes:
  0    done
  2    usage, configuration or data error; nothing was written
  130  interrupted; nothing was written`

// IO is what a command may read and write.
type IO struct {
	In       io.Reader
	Out, Err io.Writer
	Env      func(string) string
}

// app is what all commands share.
type app struct {
	io        IO
	version   string
	quiet     bool
	logFormat string
	log       *slog.Logger
}

// errUsage marks an error in flags or arguments: the message ends with a hint
// to the command's help.
type errUsage struct {
	err  error
	help string
}

func (e errUsage) Error() string { return e.err.Error() }
func (e errUsage) Unwrap() error { return e.err }

// Run runs the command line and returns the exit code.
func Run(ctx context.Context, args []string, streams IO, version string) int {
	a := &app{io: streams, version: versionOf(version)}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return ExitOK
	case ctx.Err() != nil || errors.Is(err, context.Canceled):
		fmt.Fprintln(streams.Err, "lethe: interrupted")
		return ExitInterrupted
	}
	var verdict errVerdict
	if errors.As(err, &verdict) {
		return verdict.code
	}
	fmt.Fprintf(streams.Err, "lethe: %v\n", err)
	var u errUsage
	if errors.As(err, &u) && u.help != "" {
		fmt.Fprintf(streams.Err, "See: %s --help\n", u.help)
	}
	return ExitError
}

func versionOf(linked string) string {
	if linked != "" {
		return linked
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}

// tool is the program and its version as findings name it.
func (a *app) tool() string { return "lethe " + a.version }

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "lethe",
		Short: "Audit what a neural network forgets when it is compressed",
		Long: `Lethe audits what a classifier forgets when it is pruned or quantized: which
classes, subgroups and examples pay, how sure that is, and what could not be
decided. It reads predictions that any framework wrote.`,
		Example: `  lethe audit --labels labels.npy --baseline dense=fp32.npy --candidate int8=int8.npy -o audit
  lethe audit predictions.csv -o audit
  lethe report audit --format markdown
  lethe explain pie`,
		Version:       a.version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			return a.openLog()
		},
	}
	root.SetVersionTemplate("lethe {{.Version}}\n")
	root.PersistentFlags().BoolVarP(&a.quiet, "quiet", "q", false, "no progress and no notices on standard error")
	root.PersistentFlags().StringVar(&a.logFormat, "log-format", "text", "notices on standard error: text or json")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return errUsage{err, c.CommandPath()} })
	root.AddCommand(a.newAudit(), a.newReport(), a.newServe(), a.newMarks(), a.newStudy(), a.newGate(), a.newImport(), a.newData(), a.newCorrupt(), a.newTrain(), a.newInspect(), a.newCompress(), a.newPredict(), a.newRun(), a.newStatus(), a.newCompare(), a.newBlame(), a.newExplain(), a.newDemo(), a.newDiff(), a.newVerify(), a.newPower(), a.newKLD(), a.newVersion())
	return root
}

func (a *app) openLog() error {
	level := slog.LevelInfo
	if a.quiet {
		level = slog.LevelError
	}
	switch a.logFormat {
	case "text":
		a.log = slog.New(plainHandler{w: a.io.Err, level: level})
	case "json":
		a.log = slog.New(slog.NewJSONHandler(a.io.Err, &slog.HandlerOptions{Level: level}))
	default:
		return errUsage{fmt.Errorf("--log-format %q, want text or json", a.logFormat), "lethe"}
	}
	return nil
}

func (a *app) newVersion() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  lethe version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.io.Out, a.tool())
			return err
		},
	}
}

// args wraps an argument check so that a failure points to the help.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, list []string) error {
		if err := check(c, list); err != nil {
			return errUsage{err, c.CommandPath()}
		}
		return nil
	}
}
