package report

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/lethe-audit/lethe/finding"
)

// Collector is a [Handler] that keeps a stream for [Build]. It keeps no
// evidence: reports do not decide again.
type Collector struct {
	config   *finding.Config
	findings []*finding.Finding
	tables   []*finding.Table
	done     *finding.Done
}

// Config keeps the configuration.
func (c *Collector) Config(m *finding.Config) error {
	if c.config != nil {
		return fmt.Errorf("report: a second configuration")
	}
	var err error
	c.config, err = asStored(m, allValid(m.Classes))
	return err
}

// Finding keeps a copy of a finding.
func (c *Collector) Finding(m *finding.Finding) error {
	f, err := asStored(m, utf8.ValidString(m.Scope.Name) && utf8.ValidString(m.ID) && utf8.ValidString(m.Variant))
	if err != nil {
		return err
	}
	if e := f.Evidence; e != nil {
		f.Evidence = &finding.Evidence{Examples: e.Examples, TotalExamples: e.TotalExamples, Pairs: e.Pairs}
	}
	c.findings = append(c.findings, f)
	return nil
}

// Table keeps a copy of a table as it reads when it was stored: every number
// a float64.
func (c *Collector) Table(m *finding.Table) error {
	t, err := asStored(m, false)
	if err != nil {
		return err
	}
	c.tables = append(c.tables, t)
	return nil
}

// Done ends the stream.
func (c *Collector) Done(m *finding.Done) error {
	if c.config == nil {
		return fmt.Errorf("report: a stream without a configuration")
	}
	c.done = m
	return nil
}

// asStored copies a message. Unless it is known to be clean it goes through
// JSON, so that a live message reads exactly as its stored line: numbers of
// any type become float64, and bytes that are no text become U+FFFD.
func asStored[T any](m *T, clean bool) (*T, error) {
	out := *m
	if clean {
		return &out, nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	var back T
	if err := json.Unmarshal(b, &back); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return &back, nil
}

func allValid(texts []string) bool {
	for _, s := range texts {
		if !utf8.ValidString(s) {
			return false
		}
	}
	return true
}

// variants are the names of the variants that are compared with the baseline, in
// order: not those that are a variant with one layer restored.
func (c *Collector) variants() []string {
	var out []string
	for _, p := range c.config.Populations[1:] {
		if p.Kind != "restored" {
			out = append(out, p.Name)
		}
	}
	return out
}

func (c *Collector) baseline() string { return c.config.Populations[0].Name }

func (c *Collector) population(name string) *finding.Population {
	for i := range c.config.Populations {
		if c.config.Populations[i].Name == name {
			return &c.config.Populations[i]
		}
	}
	return nil
}

// query picks findings; empty fields match everything.
type query struct {
	check, question, variant string
	scope                    finding.ScopeKind
}

func (q query) matches(f *finding.Finding) bool {
	return (q.check == "" || f.Check == q.check) && (q.question == "" || f.Question == q.question) &&
		(q.variant == "" || f.Variant == q.variant) && (q.scope == "" || f.Scope.Kind == q.scope)
}

func (c *Collector) find(q query) []*finding.Finding {
	var out []*finding.Finding
	for _, f := range c.findings {
		if q.matches(f) {
			out = append(out, f)
		}
	}
	return out
}

// one is the first finding that matches, or nil.
func (c *Collector) one(q query) *finding.Finding {
	for _, f := range c.findings {
		if q.matches(f) {
			return f
		}
	}
	return nil
}

// table is the first table of that name and variant, or nil.
func (c *Collector) table(name, variant string) *finding.Table {
	for _, t := range c.tables {
		if t.Name == name && t.Variant == variant {
			return t
		}
	}
	return nil
}
