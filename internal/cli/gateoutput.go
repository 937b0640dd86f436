package cli

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/annotations"
	"github.com/lethe-audit/lethe/gate/gitlab"
	"github.com/lethe-audit/lethe/gate/json"
	"github.com/lethe-audit/lethe/gate/junit"
	"github.com/lethe-audit/lethe/gate/markdown"
	"github.com/lethe-audit/lethe/gate/mlflow"
	"github.com/lethe-audit/lethe/gate/modelcard"
	"github.com/lethe-audit/lethe/gate/openmetrics"
	"github.com/lethe-audit/lethe/gate/sarif"
	"github.com/lethe-audit/lethe/gate/text"
	"github.com/lethe-audit/lethe/gate/wandb"
	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/lethe-audit/lethe/internal/progress"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// gateFormat is one format of a gate's result.
type gateFormat struct {
	name  string // of --format and of the flag that names a file
	about string
	write func(a *app, w io.Writer, r *gate.Result, o *gateOutput) error
}

// gateFormats are the formats besides text.
func gateFormats() []gateFormat {
	plain := func(f func(io.Writer, *gate.Result) error) func(*app, io.Writer, *gate.Result, *gateOutput) error {
		return func(_ *app, w io.Writer, r *gate.Result, _ *gateOutput) error { return f(w, r) }
	}
	return []gateFormat{
		{"json", "every number as JSON", plain(json.Write)},
		{"junit", "JUnit XML, one case a rule and scope", plain(func(w io.Writer, r *gate.Result) error { return junit.Write(w, r, junit.DefaultOptions()) })},
		{"sarif", "SARIF 2.1.0, at the rule's line in the policy", plain(func(w io.Writer, r *gate.Result) error { return sarif.Write(w, r, sarif.DefaultOptions()) })},
		{"markdown", "Markdown for a comment on a pull request, under 64 KiB", plain(func(w io.Writer, r *gate.Result) error { return markdown.Write(w, r, markdown.DefaultOptions()) })},
		{"gitlab", "GitLab's code quality JSON", plain(func(w io.Writer, r *gate.Result) error { return gitlab.Write(w, r, gitlab.DefaultOptions()) })},
		{"openmetrics", "OpenMetrics text for dashboards", plain(func(w io.Writer, r *gate.Result) error { return openmetrics.Write(w, r, openmetrics.DefaultOptions()) })},
		{"model-card", "a section for a model card", plain(func(w io.Writer, r *gate.Result) error {
			return modelcard.WriteSection(w, r, modelcard.DefaultOptions())
		})},
		{"model-index", "the model-index of a model card's YAML", plain(func(w io.Writer, r *gate.Result) error { return modelcard.WriteIndex(w, r, modelcard.DefaultOptions()) })},
		{"mlflow", "the body of MLflow's runs/log-batch; MLFLOW_RUN_ID names the run", (*app).writeMLflow},
		{"wandb", "CSV that W&B takes as a table", plain(func(w io.Writer, r *gate.Result) error {
			_, err := wandb.Write(w, r, wandb.DefaultOptions())
			return err
		})},
	}
}

// gateOutput says how and where a verdict is written.
type gateOutput struct {
	format      string
	all         bool
	color       string
	annotations bool
	summary     string
	files       map[string]*string // by format
}

func (o *gateOutput) add(c *cobra.Command) {
	s := c.Flags()
	names := []string{"text"}
	o.files = map[string]*string{}
	for _, f := range gateFormats() {
		names = append(names, f.name)
		o.files[f.name] = s.String(f.name, "", "write "+f.about+", to `FILE`")
	}
	s.StringVar(&o.format, "format", "text", "format of what is printed: "+strings.Join(names, ", "))
	s.BoolVar(&o.all, "all", false, "print every class and group in text")
	s.StringVar(&o.color, "color", "auto", "colours in text: auto, always or never (NO_COLOR is honoured)")
	s.BoolVar(&o.annotations, "annotations", false, "print GitHub workflow commands too: at most ten, worst first")
	s.StringVar(&o.summary, "step-summary", "", "append Markdown to `FILE`, such as $GITHUB_STEP_SUMMARY (under 1 MiB)")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
}

// check says what is wrong with the flags, before anything is read.
func (o *gateOutput) check() error {
	if o.color != "auto" && o.color != "always" && o.color != "never" {
		return errUsage{fmt.Errorf("--color %q, want auto, always or never", o.color), "lethe gate"}
	}
	if o.format == "text" {
		return nil
	}
	var names []string
	for _, f := range gateFormats() {
		if f.name == o.format {
			return nil
		}
		names = append(names, f.name)
	}
	return errUsage{fmt.Errorf("--format %q, want text, %s", o.format, strings.Join(names, ", ")), "lethe gate"}
}

// writeGate writes the files, then what is printed, so that a file that cannot be
// written is told before a verdict.
func (a *app) writeGate(r *gate.Result, o *gateOutput) error {
	for _, f := range gateFormats() {
		name := *o.files[f.name]
		if name == "" {
			continue
		}
		if err := atomicfile.Write(name, func(w io.Writer) error { return f.write(a, w, r, o) }); err != nil {
			return err
		}
	}
	if o.summary != "" {
		if err := appendSummary(o.summary, r); err != nil {
			return err
		}
	}
	if err := a.printGate(r, o); err != nil {
		return err
	}
	if o.annotations {
		return annotations.Write(a.io.Out, r, annotations.DefaultOptions())
	}
	return nil
}

// printGate prints the verdict in the chosen format.
func (a *app) printGate(r *gate.Result, o *gateOutput) error {
	for _, f := range gateFormats() {
		if f.name == o.format {
			return f.write(a, a.io.Out, r, o)
		}
	}
	opts := text.DefaultOptions()
	if o.all {
		opts.Rows = 0
	}
	opts.Color = o.color == "always" || o.color == "auto" && a.io.Env("NO_COLOR") == "" && progress.Terminal(a.io.Out)
	if f, ok := a.io.Out.(*os.File); ok && progress.Terminal(a.io.Out) {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			opts.Width = width
		}
	}
	return text.Write(a.io.Out, r, opts)
}

// appendSummary adds the verdict to a step's summary, which other tools write to as
// well.
func appendSummary(name string, r *gate.Result) (err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("step summary: %w", err)
	}
	defer func() {
		if e := f.Close(); err == nil && e != nil {
			err = fmt.Errorf("step summary: %w", e)
		}
	}()
	return markdown.Write(f, r, markdown.SummaryOptions())
}

// writeMLflow takes the run and the time from the environment, so that equal
// findings give equal bytes elsewhere.
func (a *app) writeMLflow(w io.Writer, r *gate.Result, _ *gateOutput) error {
	o := mlflow.Options{RunID: a.io.Env("MLFLOW_RUN_ID")}
	if s := a.io.Env("SOURCE_DATE_EPOCH"); s != "" {
		seconds, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return fmt.Errorf("SOURCE_DATE_EPOCH %q, want seconds since 1970", s)
		}
		o.Timestamp = seconds * 1000
	}
	return mlflow.Write(w, r, o)
}
