package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/lethe-audit/lethe/evidence"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/internal/texttab"
	"github.com/spf13/cobra"
)

// diffOptions are the flags of lethe diff.
type diffOptions struct {
	format  string
	file    string
	alpha   float64
	all     bool
	renames []string
}

// diffRows is how many rows of a kind of change are shown unless all are asked for.
const diffRows = 15

func (a *app) newDiff() *cobra.Command {
	o := diffOptions{alpha: evidence.DefaultOptions().Alpha}
	c := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Compare two audits: what became worse, better or newly decided",
		Long: `Diff compares the findings of two audits (directories or findings.jsonl files).
An answer can change by chance, so the change of every estimate is tested too;
"beyond chance" says which changes are more than that. The two audits are taken
as independent: where they share a baseline or examples the test is cautious.
` + exitHelp,
		Example: `  lethe diff audit-v1 audit-v2
  lethe diff audit-v1 audit-v2 --format markdown
  lethe diff old new --rename int8=int8-v2`,
		Args: args(cobra.ExactArgs(2)),
		RunE: func(_ *cobra.Command, list []string) error { return a.runDiff(list[0], list[1], &o) },
	}
	s := c.Flags()
	s.StringVar(&o.format, "format", "text", "format: text, json or markdown")
	s.StringVar(&o.file, "file", "", "write to `FILE` instead of standard output")
	s.Float64Var(&o.alpha, "alpha", o.alpha, "false discovery rate of changed estimates")
	s.BoolVar(&o.all, "all", false, "list every row, unchanged ones too")
	s.StringArrayVar(&o.renames, "rename", nil, "a variant that has another name in NEW: `OLD=NEW`")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"text", "json", "markdown"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (a *app) runDiff(before, after string, o *diffOptions) error {
	opts := evidence.DefaultOptions()
	opts.Alpha = o.alpha
	for _, r := range o.renames {
		from, to, ok := strings.Cut(r, "=")
		if !ok || from == "" || to == "" {
			return errUsage{fmt.Errorf("--rename %q: want OLD=NEW", r), "lethe diff"}
		}
		if opts.Rename == nil {
			opts.Rename = map[string]string{}
		}
		opts.Rename[from] = to
	}
	write := map[string]func(io.Writer, *evidence.Diff, bool) error{
		"text": writeDiffText, "json": writeDiffJSON, "markdown": writeDiffMarkdown, "md": writeDiffMarkdown,
	}[o.format]
	if write == nil {
		return errUsage{fmt.Errorf("--format %q, want text, json or markdown", o.format), "lethe diff"}
	}
	old, err := readAudit(before)
	if err != nil {
		return err
	}
	now, err := readAudit(after)
	if err != nil {
		return err
	}
	d, err := evidence.Compare(old, now, opts)
	if err != nil {
		return err
	}
	return a.toFile(o.file, func(w io.Writer) error { return write(w, d, o.all) })
}

// readAudit reads the findings of an audit directory or of a file.
func readAudit(name string) (*evidence.Audit, error) {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		name = filepath.Join(name, findingsFile)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() // opened for reading: nothing is lost
	audit, err := evidence.ReadAudit(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return audit, nil
}

func writeDiffJSON(w io.Writer, d *evidence.Diff, _ bool) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	return e.Encode(d)
}

// diffSection is one kind of change as it is printed.
type diffSection struct {
	change evidence.Change
	head   string
	rows   [][]string
	total  int
}

func diffColumns() []texttab.Column {
	return []texttab.Column{
		{Head: "variant", Min: 8}, {Head: "scope", Min: 10}, {Head: "question", Min: 8},
		{Head: "before"}, {Head: "now"}, {Head: "change", Right: true}, {Head: "95 % interval", Drop: 2}, {Head: "beyond chance"},
	}
}

// diffSections are the kinds of change that have rows, each cut to diffRows.
func diffSections(d *evidence.Diff, all bool) []diffSection {
	heads := map[evidence.Change]string{
		evidence.GotWorse: "Worse", evidence.GotBetter: "Better", evidence.NewlyDecided: "Newly decided",
		evidence.LostDecision: "No longer said", evidence.Appeared: "Only in the new audit",
		evidence.Vanished: "Only in the old audit", evidence.Unchanged: "Unchanged",
	}
	var out []diffSection
	for _, c := range evidence.Changes() {
		if d.Counts[c] == 0 || c == evidence.Unchanged && !all {
			continue
		}
		s := diffSection{change: c, head: heads[c], total: d.Counts[c]}
		for i := range d.Rows {
			if d.Rows[i].Change == c && (all || len(s.rows) < diffRows) {
				s.rows = append(s.rows, diffCells(&d.Rows[i]))
			}
		}
		out = append(out, s)
	}
	return out
}

func diffCells(r *evidence.Row) []string {
	side := r.New
	if side == nil {
		side = r.Old
	}
	scope := r.Scope.Name
	if scope == "" {
		scope = string(r.Scope.Kind)
	}
	change, bounds, beyond := "-", "-", "cannot say"
	if r.Old == nil || r.New == nil || r.Delta == nil && r.Question == "non-inferiority" {
		beyond = "-"
	}
	if d := r.Delta; d != nil {
		beyond = "no"
		if d.Beyond {
			beyond = "yes, " + num.Q(d.Q)
		}
		if r.Unit == finding.Difference {
			change, bounds = num.PP(d.Value), num.PPBounds(d.Low, d.High)
		} else {
			change, bounds = num.Number(d.Value), num.Bounds(d.Low, d.High)
		}
	}
	return []string{side.Variant, scope, r.Question, answer(r.Old), answer(r.New), change, bounds, beyond}
}

// answer is what one audit said, in words.
func answer(s *evidence.State) string {
	switch {
	case s == nil:
		return "-"
	case s.Word != "":
		return string(s.Word)
	case s.Outcome == finding.NotDetected:
		return string(finding.NoDifference)
	}
	return strings.ReplaceAll(string(s.Outcome), "_", " ")
}

func diffSummary(d *evidence.Diff) string {
	return fmt.Sprintf("%d worse, %d better, %d newly decided, %d no longer said, %d new, %d gone, %d unchanged",
		d.Counts[evidence.GotWorse], d.Counts[evidence.GotBetter], d.Counts[evidence.NewlyDecided], d.Counts[evidence.LostDecision],
		d.Counts[evidence.Appeared], d.Counts[evidence.Vanished], d.Counts[evidence.Unchanged])
}

func writeDiffText(w io.Writer, d *evidence.Diff, all bool) error {
	var b strings.Builder
	fmt.Fprintln(&b, diffSummary(d))
	for _, n := range d.Warnings {
		b.WriteString(texttab.Wrap("note: "+texttab.Clean(n), "", "      ", 100))
	}
	for _, s := range diffSections(d, all) {
		fmt.Fprintf(&b, "\n%s (%d)\n", s.head, s.total)
		for _, row := range s.rows {
			for i := range row {
				row[i] = texttab.Clean(row[i])
			}
		}
		t := texttab.Table{Columns: diffColumns(), Rows: s.rows}
		text, _ := t.Format("  ", 0)
		b.WriteString(text)
		if left := s.total - len(s.rows); left > 0 {
			fmt.Fprintf(&b, "  and %s (--all lists them)\n", num.Plural(left, "more", "more"))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeDiffMarkdown(w io.Writer, d *evidence.Diff, all bool) error {
	var b strings.Builder
	cell := strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;", ">", "&gt;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`)
	fmt.Fprintf(&b, "## What changed between two audits\n\n%s\n", diffSummary(d))
	for _, n := range d.Warnings {
		fmt.Fprintf(&b, "\n> %s\n", cell.Replace(n))
	}
	for _, s := range diffSections(d, all) {
		fmt.Fprintf(&b, "\n### %s (%d)\n\n", s.head, s.total)
		var heads, rule []string
		for _, c := range diffColumns() {
			heads, rule = append(heads, c.Head), append(rule, "---")
		}
		fmt.Fprintf(&b, "| %s |\n| %s |\n", strings.Join(heads, " | "), strings.Join(rule, " | "))
		for _, row := range s.rows {
			for i := range row {
				row[i] = cell.Replace(texttab.Clean(row[i]))
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		}
		if left := s.total - len(s.rows); left > 0 {
			fmt.Fprintf(&b, "\n…and %d more\n", left)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
