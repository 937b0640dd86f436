package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/gate"
	"github.com/spf13/cobra"
)

// The exit codes of a gate that decided; they are the same for every format.
const (
	ExitGateFailed = 1 // the gate failed
	ExitUndecided  = 3 // not enough evidence to decide
)

const gateExitHelp = `
Exit codes:
  0    the gate passed
  1    the gate failed
  2    usage, configuration or data error: nothing was decided
  3    not enough evidence to decide
  130  interrupted`

// errVerdict is a gate's answer that is no pass: it was printed already.
type errVerdict struct{ code int }

func (e errVerdict) Error() string { return fmt.Sprintf("the gate's exit code is %d", e.code) }

// verdictError is the error that a verdict ends with; nil for a pass.
func verdictError(v gate.Verdict) error {
	switch v {
	case gate.Pass:
		return nil
	case gate.Fail:
		return errVerdict{ExitGateFailed}
	}
	return errVerdict{ExitUndecided}
}

// gateOptions are the flags of lethe gate.
type gateOptions struct {
	policy   string
	variants []string
	output   gateOutput
	ratchet  ratchetOptions
	init     bool
	from     string
	file     string
	force    bool
}

func (a *app) newGate() *cobra.Command {
	var o gateOptions
	c := &cobra.Command{
		Use:   "gate FINDINGS|AUDIT_DIR --policy FILE|PACK",
		Short: "Decide whether a compressed model may ship: pass, fail, or not enough evidence",
		Long: `Gate decides the rules of a policy from the findings of an audit. A rule passes
where a larger loss is ruled out for every class or group it is about, each at its
level; it fails where one is shown to lose more, after Holm's correction; else
there is not enough evidence, and what would decide is said. A void audit (the
same predictions, a baseline at chance, too few joined rows) never passes.

With --ratchet FILE the losses of the first run that does not fail are kept, and
later runs fail where one has grown beyond chance, whatever the policy allows. To
accept a larger loss, delete its entry from FILE, or FILE.

A policy is a YAML file (doc/format/policy.md) or one of these packs:
` + packList() + `
--init prints a commented policy to begin with (of the pack named by --policy);
given an audit, it says first which rules cannot pass at its number of examples.
--from reads the accuracy goals of another tool (` + strings.Join(toolNames(), ", ") + `)
and prints them as a policy.
` + gateExitHelp,
		Example: `  lethe gate audit --policy no-class-worse-than-2pp
  lethe gate audit --policy policy.yaml --junit gate.xml --sarif gate.sarif --markdown gate.md
  lethe gate audit --policy near-lossless --annotations --step-summary summary.md
  lethe gate audit --policy policy.yaml --ratchet ratchet.json --ratchet-update
  lethe gate --init -o my-policy.yaml
  lethe gate --init audit --policy near-lossless
  lethe gate --from olive olive.json`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, list []string) error { return a.runGate(c, list, &o) },
	}
	s := c.Flags()
	s.StringVar(&o.policy, "policy", "", "policy `FILE`, or the name of a pack")
	s.StringSliceVar(&o.variants, "variant", nil, "judge these `VARIANTS` only, separated by commas")
	o.output.add(c)
	o.ratchet.add(c)
	s.BoolVar(&o.init, "init", false, "print a commented policy to begin with")
	s.StringVar(&o.from, "from", "", "read the goals of another `TOOL` and print them as a policy")
	s.StringVarP(&o.file, "output", "o", "", "with --init or --from: write the policy to `FILE`")
	s.BoolVar(&o.force, "force", false, "replace FILE if it is there")
	_ = c.RegisterFlagCompletionFunc("policy", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return gate.PackNames(), cobra.ShellCompDirectiveDefault
	})
	_ = c.RegisterFlagCompletionFunc("from", cobra.FixedCompletions(toolNames(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

func packList() string { return "  " + strings.Join(gate.PackNames(), ", ") + "\n" }

func (a *app) runGate(c *cobra.Command, list []string, o *gateOptions) error {
	usage := func(format string, args ...any) error { return errUsage{fmt.Errorf(format, args...), c.CommandPath()} }
	switch {
	case o.init && o.from != "":
		return usage("--init and --from both print a policy: choose one")
	case o.init:
		return a.runGateInit(list, o)
	case o.from != "":
		if len(list) != 1 {
			return usage("--from %s needs the tool's file", o.from)
		}
		return a.runGateFrom(list[0], o)
	case o.file != "" || o.force:
		return usage("-o and --force belong to --init and --from; --format and --file say where a verdict goes")
	case len(list) == 0:
		return usage("which findings? give an audit directory or a findings.jsonl file")
	case o.policy == "":
		return usage("--policy FILE or a pack is required; the packs are %s", strings.Join(gate.PackNames(), ", "))
	}
	if err := o.output.check(); err != nil {
		return err
	}
	if err := o.ratchet.check(c.CommandPath()); err != nil {
		return err
	}
	return a.decide(list[0], o, func(r *gate.Result) error { return a.writeGate(r, &o.output) })
}

// decide reads policy and findings, decides, writes the verdict and then the ratchet.
// The error is the verdict's exit code.
func (a *app) decide(name string, o *gateOptions, write func(*gate.Result) error) error {
	p, err := readPolicy(o.policy)
	if err != nil {
		return err
	}
	variants := o.variants
	if len(variants) == 0 {
		variants = p.Variants
	}
	held, err := readRatchet(&o.ratchet, name, variants)
	if err != nil {
		return err
	}
	audit, err := openAudit(name)
	if err != nil {
		return err
	}
	r, err := gate.Judge(p, audit, gate.Options{Variants: o.variants})
	if err != nil {
		return err
	}
	if err := held.judge(r); err != nil {
		return err
	}
	if err := write(r); err != nil {
		return err
	}
	if err := held.write(r.Verdict, a.log); err != nil {
		return err
	}
	return verdictError(r.Verdict)
}

// readPolicy reads a pack, or a file.
func readPolicy(name string) (*gate.Policy, error) {
	if slices.Contains(gate.PackNames(), name) {
		return gate.Pack(name)
	}
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(name, `/\.`) {
		_, err := gate.Pack(name) // says which packs there are
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return gate.Parse(name, data)
}

// openAudit reads the stream of an audit directory, or a stream by itself.
func openAudit(name string) (*gate.Audit, error) {
	file := name
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		file = filepath.Join(name, findingsFile)
	}
	in, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	audit, err := gate.Read(bufio.NewReaderSize(in, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return audit, nil
}
