// Command results writes the tables of doc/results.md from audits:
//
//	go run ./examples/results [-doc FILE] NAME=AUDIT[,PAPER]...
//
// NAME is an experiment's, AUDIT a directory that lethe audit or lethe run wrote,
// PAPER one that lethe audit --paper wrote of the same predictions. The document
// is written by people, but what is between a line
//
//	<!-- NAME TABLE -->
//
// and the next <!-- end --> is replaced by that table of that experiment. Tables
// of experiments that are not named stay as they are.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/atomicfile"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "results:", err)
		os.Exit(2)
	}
}

func run(args []string) error {
	fs := flag.NewFlagSet("results", flag.ContinueOnError)
	doc := fs.String("doc", "doc/results.md", "the document")
	if err := fs.Parse(args); err != nil {
		return err
	}
	audits := map[string]*audits{}
	for _, arg := range fs.Args() {
		name, dirs, ok := strings.Cut(arg, "=")
		if !ok {
			return fmt.Errorf("%q: want NAME=AUDIT or NAME=AUDIT,PAPER", arg)
		}
		a, err := load(dirs)
		if err != nil {
			return err
		}
		audits[name] = a
	}
	text, err := os.ReadFile(*doc)
	if err != nil {
		return err
	}
	out, err := fill(text, audits)
	if err != nil {
		return fmt.Errorf("%s: %w", *doc, err)
	}
	return atomicfile.Write(*doc, func(w io.Writer) error { _, err := w.Write(out); return err })
}

// audits are the audits of one experiment.
type audits struct {
	audit *stream
	paper *stream // nil if not given
}

// stream is what an audit found.
type stream struct {
	config   *finding.Config
	findings []*finding.Finding
	tables   []*finding.Table
}

func load(dirs string) (*audits, error) {
	first, second, both := strings.Cut(dirs, ",")
	a, err := read(first)
	if err != nil || !both {
		return &audits{audit: a}, err
	}
	p, err := read(second)
	return &audits{audit: a, paper: p}, err
}

func read(dir string) (s *stream, err error) {
	f, err := os.Open(filepath.Join(dir, "findings.jsonl"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	s = &stream{}
	for r := finding.NewReader(f); ; {
		m, err := r.Next()
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		case m.Config != nil:
			s.config = m.Config
		case m.Finding != nil:
			s.findings = append(s.findings, m.Finding)
		case m.Table != nil:
			s.tables = append(s.tables, m.Table)
		case m.Done != nil:
			return s, nil
		}
	}
}

// variants are the names of the populations but the baseline.
func (s *stream) variants() []string {
	var out []string
	for _, p := range s.config.Populations[1:] {
		out = append(out, p.Name)
	}
	return out
}

// all are the findings of a check's question about a variant in scopes of a kind.
func (s *stream) all(check, question, variant string, kind finding.ScopeKind) []*finding.Finding {
	var out []*finding.Finding
	for _, f := range s.findings {
		if f.Check == check && f.Question == question && f.Variant == variant && f.Scope.Kind == kind {
			out = append(out, f)
		}
	}
	return out
}

// one is the first of them, nil for none.
func (s *stream) one(check, question, variant string, kind finding.ScopeKind) *finding.Finding {
	if found := s.all(check, question, variant, kind); len(found) > 0 {
		return found[0]
	}
	return nil
}

// fill replaces the tables of a document.
func fill(doc []byte, experiments map[string]*audits) ([]byte, error) {
	var out bytes.Buffer
	lines := strings.SplitAfter(string(doc), "\n")
	for i := 0; i < len(lines); i++ {
		out.WriteString(lines[i])
		fields := strings.Fields(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(lines[i]), "<!--"), "-->"))
		if !strings.HasPrefix(lines[i], "<!--") || len(fields) != 2 {
			continue
		}
		end := slices.IndexFunc(lines[i:], func(l string) bool { return strings.TrimSpace(l) == "<!-- end -->" })
		if end < 0 {
			return nil, fmt.Errorf("line %d: no <!-- end --> after it", i+1)
		}
		a := experiments[fields[0]]
		if a == nil {
			continue
		}
		draw, ok := drawers()[fields[1]]
		if !ok {
			return nil, fmt.Errorf("line %d: no table is called %q", i+1, fields[1])
		}
		t, err := draw(a)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		t.write(&out)
		i += end - 1
	}
	return out.Bytes(), nil
}

// drawers are the tables by name.
func drawers() map[string]func(*audits) (*table, error) {
	return map[string]func(*audits) (*table, error){
		"classes": classesTable, "each-class": eachClassTable, "pies": piesTable, "longtail": longtailTable,
		"subgroups": subgroupsTable, "shifts": shiftsTable, "severities": severitiesTable,
	}
}

// table is a table in Markdown.
type table struct {
	head  []string
	right []bool // columns of numbers
	rows  [][]string
	notes []string
}

func columns(head ...string) *table {
	t := &table{}
	for _, h := range head {
		t.right = append(t.right, strings.HasPrefix(h, ">"))
		t.head = append(t.head, strings.TrimPrefix(h, ">"))
	}
	return t
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) write(out *bytes.Buffer) {
	line := func(cells []string) { fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | ")) }
	out.WriteString("\n")
	line(t.head)
	rule := make([]string, len(t.head))
	for i := range rule {
		rule[i] = "---"
		if t.right[i] {
			rule[i] = "---:"
		}
	}
	line(rule)
	for _, r := range t.rows {
		line(r)
	}
	for _, n := range t.notes {
		fmt.Fprintf(out, "\n%s\n", n)
	}
	out.WriteString("\n")
}
