package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/gallery"
	"github.com/lethe-audit/lethe/gallery/mark"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/internal/texttab"
	"github.com/spf13/cobra"
)

// marksOptions are the flags of lethe marks.
type marksOptions struct {
	format, out, data, marks string
	verdicts                 []string
	partly, force            bool
}

// noteOnly stands for marks that are a note without a verdict.
const noteOnly = "none"

func (a *app) newMarks() *cobra.Command {
	var o marksOptions
	c := &cobra.Command{
		Use:   "marks AUDIT_DIR",
		Short: "List or export what people marked in the gallery",
		Long: `Marks lists what people said of examples on the page of 'lethe serve', or exports
it, also while that page is open:

  text         a table to read
  csv, jsonl   a row, a line a mark, with what the audit says of the example
  fiftyone     a FiftyOne dataset: samples.json and the images
  labelstudio  Label Studio: tasks.json, a labelling config and the images
  folder       a regression set: the confirmed examples by class, to run the next
               model on

The last three hold the images, so they need --data and -o: a folder, or a zip
file if the name ends in .zip. doc/format/marks.md describes all of them.
` + exitHelp,
		Example: `  lethe marks audit
  lethe marks audit --format csv -o marks.csv
  lethe marks audit --verdict mislabelled,ambiguous --format jsonl
  lethe marks audit --format fiftyone --data cifar10:cifar-10-batches-bin -o marked
  lethe marks audit --format folder --data cifar10:cifar-10-batches-bin -o regression.zip`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, dirs []string) error { return a.runMarks(c.Context(), dirs[0], &o) },
	}
	s := c.Flags()
	s.StringVar(&o.format, "format", formatMarksText, "print or write this `FORMAT`: "+strings.Join(marksFormats(), ", "))
	s.StringVarP(&o.out, "output", "o", "", "write to `PATH`: a file, or a folder or zip file for formats with images")
	s.StringSliceVar(&o.verdicts, "verdict", nil, "only marks with these `VERDICTS`: "+strings.Join(verdictNames(), ", ")+" (a note alone); default all, for folder confirmed")
	s.StringVar(&o.data, "data", "", "the images, as a data `SOURCE` (KIND:PATH, see 'lethe data list')")
	s.BoolVar(&o.partly, "partly", false, "go on where --data lacks some of the audit's examples")
	s.StringVar(&o.marks, "marks", "", "read marks from `FILE` (default AUDIT_DIR/marks.jsonl)")
	s.BoolVar(&o.force, "force", false, "replace PATH if it is there")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(marksFormats(), cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("verdict", cobra.FixedCompletions(verdictNames(), cobra.ShellCompDirectiveNoFileComp))
	c.ValidArgsFunction = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
	return c
}

const formatMarksText = "text"

func marksFormats() []string {
	out := []string{formatMarksText}
	for _, f := range mark.Formats() {
		out = append(out, string(f))
	}
	return out
}

func verdictNames() []string {
	var out []string
	for _, v := range mark.Verdicts() {
		out = append(out, string(v))
	}
	return append(out, noteOnly)
}

// parse checks the flags that need no file. format is "" for text.
func (o *marksOptions) parse() (format mark.Format, verdicts []mark.Verdict, err error) {
	usage := func(f string, args ...any) error { return errUsage{fmt.Errorf(f, args...), "lethe marks"} }
	for _, name := range o.verdicts {
		v := mark.None
		if name != noteOnly {
			if v, err = mark.ParseVerdict(name); err != nil || v == mark.None {
				return "", nil, usage("--verdict %q%s: want %s", name, dataset.Suggestion(name, verdictNames()), strings.Join(verdictNames(), ", "))
			}
		}
		verdicts = append(verdicts, v)
	}
	if o.format == formatMarksText {
		return "", verdicts, nil
	}
	if format, err = mark.ParseFormat(o.format); err != nil {
		return "", nil, usage("--format %q%s: want %s", o.format, dataset.Suggestion(o.format, marksFormats()), strings.Join(marksFormats(), ", "))
	}
	if format.NeedsImages() && o.data == "" {
		return "", nil, usage("--format %s holds the images: give the audited data, such as --data cifar10:DIR", format)
	}
	if format.NeedsImages() && o.out == "" {
		return "", nil, usage("--format %s is a folder: give -o DIR, or -o FILE.zip", format)
	}
	return format, verdicts, nil
}

func (a *app) runMarks(ctx context.Context, dir string, o *marksOptions) (err error) {
	format, verdicts, err := o.parse()
	if err != nil {
		return err
	}
	if err := isAuditDir(dir); err != nil {
		return err
	}
	if o.marks == "" {
		o.marks = filepath.Join(dir, mark.FileName)
	}
	if err := o.free(format); err != nil {
		return err
	}
	marks, err := mark.Read(o.marks)
	if err != nil {
		return err
	}
	g := &gallerySession{app: a, o: &serveOptions{data: o.data, partly: o.partly}, dir: dir}
	defer func() { err = errors.Join(err, g.close()) }()
	for _, step := range []func(context.Context) error{g.openFindings, g.openRows, g.openData} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	e := &mark.Export{Marks: marks, Verdicts: verdicts, Classes: g.index.Classes(), Baseline: g.index.Baseline().Name,
		Facts: func(m mark.Mark) (mark.Facts, bool) { return gallery.Facts(g.index, m) }}
	if g.source != nil {
		e.Image = g.source.image
	}
	if format == "" {
		return a.toFile(o.out, func(w io.Writer) error {
			_, err := io.WriteString(w, marksText(e, o.marks))
			return err
		})
	}
	return a.exportMarks(ctx, e, format, o)
}

// free says that there is something in the way of the output, before any work.
func (o *marksOptions) free(f mark.Format) error {
	if o.out == "" || o.force {
		return nil
	}
	if _, err := os.Lstat(o.out); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = fmt.Errorf("%s is there already: --force replaces it", o.out)
		}
		return err
	}
	return nil
}

func (a *app) exportMarks(ctx context.Context, e *mark.Export, f mark.Format, o *marksOptions) error {
	chosen := e.Chosen(f)
	if len(chosen) == 0 && f.NeedsImages() {
		return fmt.Errorf("%s: nothing to export: none of its %s %s", o.marks, num.Plural(len(e.Marks), "mark", "marks"), chosenWords(e.Verdicts, f))
	}
	var (
		s   mark.Summary
		err error
	)
	if f.NeedsImages() && !strings.HasSuffix(strings.ToLower(o.out), ".zip") {
		s, err = e.Dir(ctx, o.out, f, o.force)
	} else {
		err = a.toFile(o.out, func(w io.Writer) error {
			var err error
			s, err = e.Write(ctx, w, f)
			return err
		})
	}
	if err != nil {
		return err
	}
	for _, lack := range []struct {
		ids  []dataset.ExampleID
		what string
	}{{s.Missing, "without an image"}, {s.NoTruth, "that the audit does not know"}} {
		if n := len(lack.ids); n > 0 {
			a.log.Warn(fmt.Sprintf("left out %s %s: %s", num.Plural(n, "example", "examples"), lack.what, quoted(lack.ids)))
		}
	}
	if o.out != "" {
		a.log.Info(fmt.Sprintf("%s: %s", o.out, num.Plural(s.Marks, "mark", "marks")))
	}
	return nil
}

// chosenWords end "none of its 3 marks".
func chosenWords(verdicts []mark.Verdict, f mark.Format) string {
	if verdicts == nil && f == mark.Folder {
		return "is confirmed (--verdict chooses others)"
	}
	if verdicts == nil {
		return "is left"
	}
	var names []string
	for _, v := range verdicts {
		names = append(names, verdictName(v))
	}
	return "has the verdict " + strings.Join(names, " or ")
}

func quoted(ids []dataset.ExampleID) string {
	var names []string
	for _, id := range ids[:min(len(ids), firstIDs)] {
		names = append(names, fmt.Sprintf("%q", id))
	}
	return strings.Join(names, ", ") + etc(len(ids), len(names))
}

func verdictName(v mark.Verdict) string {
	if v == mark.None {
		return noteOnly
	}
	return string(v)
}

// marksText is a table of marks for people.
func marksText(e *mark.Export, file string) string {
	var b bytes.Buffer
	chosen := e.Chosen(mark.CSV)
	count := map[mark.Verdict]int{}
	for _, m := range chosen {
		count[m.Verdict]++
	}
	fmt.Fprintf(&b, "%s in %s", num.Plural(len(chosen), "mark", "marks"), texttab.Clean(file))
	sep := ": "
	for _, v := range append(mark.Verdicts(), mark.None) {
		if n := count[v]; n > 0 {
			fmt.Fprintf(&b, "%s%s %s", sep, num.Count(n), map[bool]string{true: "note only", false: string(v)}[v == mark.None])
			sep = ", "
		}
	}
	b.WriteString("\n")
	if len(chosen) == 0 {
		return b.String()
	}
	t := texttab.Table{Columns: []texttab.Column{{Head: "example", Min: 12}, {Head: "verdict"}, {Head: "given class", Min: 8}, {Head: e.Baseline, Min: 8, Drop: 1},
		{Head: "variant", Min: 8, Drop: 2}, {Head: "says", Min: 8, Drop: 1}, {Head: "by", Min: 6, Drop: 3}, {Head: "note", Min: 16}}}
	for _, m := range chosen {
		f, _ := e.Facts(m)
		row := []string{string(m.ID), string(m.Verdict), f.Truth, voted(f.Base, f.BaseVotes, f.BaseK), m.Variant, voted(f.Label, f.Votes, f.K), m.By, m.Note}
		for i := range row {
			row[i] = texttab.Clean(row[i])
		}
		t.Rows = append(t.Rows, row)
	}
	text, left := t.Format("  ", 120)
	b.WriteString("\n" + text)
	if len(left) > 0 {
		fmt.Fprintf(&b, "\nLeft out for width: %s; --format csv has them.\n", strings.Join(left, ", "))
	}
	return b.String()
}

// voted is a modal label and the members behind it: "cat 29/30".
func voted(label string, votes, k int) string {
	if k == 0 {
		return ""
	}
	return fmt.Sprintf("%s %d/%d", label, votes, k)
}
