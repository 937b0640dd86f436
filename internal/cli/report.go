package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/spf13/cobra"
)

// reportOptions are the flags of lethe report.
type reportOptions struct {
	output   outputFlags
	file     string
	examples string
	variant  string
	gallery  galleryFlags
}

func (a *app) newReport() *cobra.Command {
	var o reportOptions
	c := &cobra.Command{
		Use:   "report DIR|FINDINGS [STUDY...]",
		Short: "Render an audit again, or list its examples",
		Long: `Report renders the findings of an audit directory, or of a findings.jsonl file,
in any format. The same findings give the same bytes as when they were made.

With --gallery N and --data SRC an HTML report shows the pictures of the N
examples that are forgotten most, shared out among the variants, inside the one
file: as many as keep it under 5 MB.

Studies of the audit that are closed (lethe study) are named after it: what
people judged becomes a section of the report.

With --examples it lists examples instead, from the directory's
examples.parquet: pie (modal label changed), changed (vote distribution
changed, false discovery controlled), certified (majority label changed, the
same), right_to_wrong, wrong_to_right, wrong_to_other, or all; and, from
triage.parquet, relabel: labels to look at again, the likeliest wrong first, with
the label to put in their place (lethe explain triage).
` + exitHelp,
		Example: `  lethe report audit
  lethe report audit --all
  lethe report audit --format html --file report.html
  lethe report audit --format html --gallery 200 --data cifar10:cifar-10-batches-bin --file report.html
  lethe report audit --format markdown
  lethe report audit study --format html --file report.html
  lethe report audit --examples pie --format csv
  lethe report audit --examples certified --variant int8 --format parquet --file certified.parquet
  lethe report audit --examples relabel --format csv --file relabel.csv`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			if o.output.studies = list[1:]; o.examples != "" {
				if len(list) > 1 {
					return errUsage{fmt.Errorf("--examples lists those of one audit directory, not of %s", list[1]), c.CommandPath()}
				}
				return a.runExamples(list[0], &o)
			}
			return a.runReport(c, list[0], &o)
		},
	}
	o.output.add(c)
	o.gallery.add(c, true)
	s := c.Flags()
	s.StringVar(&o.file, "file", "", "write to `FILE` instead of standard output")
	s.StringVar(&o.examples, "examples", "", "list examples of a `KIND` as csv or parquet")
	s.StringVar(&o.variant, "variant", "", "list examples of this `VARIANT` only")
	_ = c.RegisterFlagCompletionFunc("examples", cobra.FixedCompletions(append(finding.ExampleKinds(), relabelKind), cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (a *app) runReport(c *cobra.Command, name string, o *reportOptions) error {
	f, err := o.output.chosen()
	if err == nil {
		err = o.gallery.check(c.CommandPath())
	}
	if err != nil {
		return err
	}
	if o.gallery.n > 0 && f != formatHTML {
		return errUsage{fmt.Errorf("--gallery with --format %s: only html has pictures", f), c.CommandPath()}
	}
	findings := name
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		findings = filepath.Join(name, findingsFile)
		o.output.dir = name
	} else if err == nil && o.gallery.n > 0 {
		return errUsage{fmt.Errorf("--gallery with %s: the examples are listed in an audit's directory, name that", name), c.CommandPath()}
	}
	page, done, err := a.galleryPage(c.Context(), &o.gallery, name)
	if err != nil {
		return err
	}
	defer done()
	o.output.page = page
	return a.toFile(o.file, func(w io.Writer) error { return a.render(findings, f, o.output, w) })
}

// toFile writes to a file, whole or not at all, or to standard output.
func (a *app) toFile(name string, write func(io.Writer) error) error {
	if name == "" {
		return write(a.io.Out)
	}
	return atomicfile.Write(name, write)
}

func (a *app) runExamples(dir string, o *reportOptions) error {
	var csv bool
	switch o.output.format {
	case "csv", "text":
		csv = true
	case "parquet":
	default:
		return errUsage{fmt.Errorf("--examples with --format %q, want csv or parquet", o.output.format), "lethe report"}
	}
	if o.examples == relabelKind {
		return a.runRelabel(dir, o, csv)
	}
	match, err := finding.ExampleFilter(o.examples, o.variant)
	if err != nil {
		return errUsage{err, "lethe report"}
	}
	in, err := os.Open(filepath.Join(dir, examplesFile))
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	rows, err := finding.NewExampleReader(in, info.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", in.Name(), err)
	}
	defer rows.Close()
	return a.toFile(o.file, func(w io.Writer) error {
		var sink finding.ExampleSink = finding.NewExampleWriter(w)
		if csv {
			sink = finding.NewExampleCSV(w)
		}
		return finding.CopyExamples(sink, rows, match)
	})
}
