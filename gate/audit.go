package gate

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/strictyaml"
)

// Audit is what a gate needs of a stream of findings. It is a handler of the
// stream: Config first, then Finding and Table, then Done.
type Audit struct {
	config   *finding.Config
	findings map[key][]*finding.Finding
	void     []*finding.Finding
	wanted   map[source]bool
	proof    map[string]Proof // by variant
	done     bool
}

type key struct {
	source
	variant string
}

// NewAudit returns an empty audit.
func NewAudit() *Audit {
	a := &Audit{findings: map[key][]*finding.Finding{}, wanted: map[source]bool{}, proof: map[string]Proof{}}
	for _, m := range metrics() {
		for _, s := range m.sources {
			a.wanted[s] = true
		}
	}
	return a
}

// Read reads a stream of findings. It fails on one that is damaged, cut, or of a
// newer protocol.
func Read(r io.Reader) (*Audit, error) {
	in, a := finding.NewReader(r), NewAudit()
	for {
		m, err := in.Next()
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err != nil {
			return nil, err
		}
		switch {
		case m.Config != nil:
			err = a.Config(m.Config)
		case m.Finding != nil:
			err = a.Finding(m.Finding)
		case m.Done != nil:
			err = a.Done(m.Done)
		}
		if err != nil {
			return nil, err
		}
	}
}

// Config takes the opening message.
func (a *Audit) Config(c *finding.Config) error { a.config = c; return nil }

// Finding keeps a finding that some metric is read from, or that voids the audit.
func (a *Audit) Finding(f *finding.Finding) error {
	if f.Outcome == finding.Failed {
		a.void = append(a.void, f)
		return nil
	}
	if f.Check == "compression" && f.Question == "proof" {
		a.proof[f.Variant] = proofOf(f)
	}
	if s := (source{f.Check, f.Question}); a.wanted[s] {
		a.findings[key{s, f.Variant}] = append(a.findings[key{s, f.Variant}], f)
	}
	return nil
}

// Table is not needed.
func (a *Audit) Table(*finding.Table) error { return nil }

// Done says that the stream is whole.
func (a *Audit) Done(*finding.Done) error { a.done = true; return nil }

// variants are the variants that a policy or a caller asks about.
func (a *Audit) variants(p *Policy, asked []string) ([]string, error) {
	var all []string
	for _, v := range a.config.Populations[1:] {
		if v.Kind != "restored" { // a variant with one layer put back: no candidate
			all = append(all, v.Name)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("gate: the audit has a baseline and no variant: there is nothing to judge")
	}
	if len(asked) == 0 {
		asked = p.Variants
	}
	if len(asked) == 0 {
		return all, nil
	}
	for _, v := range asked {
		if !slices.Contains(all, v) {
			return nil, &Error{At: Location{File: p.File}, Text: strictyaml.Unknown("variant", v, all)}
		}
	}
	var out []string
	for _, v := range all {
		if slices.Contains(asked, v) {
			out = append(out, v)
		}
	}
	return out, nil
}

func (a *Audit) ran(check string) bool { return slices.Contains(a.config.Checks, check) }

// pairCells are the cells of one pair of models over all examples, where known.
func (a *Audit) pairCells(variant string) *finding.PairedCells {
	for _, f := range a.findings[key{source{"summary", "accuracy"}, variant}] {
		if f.Evidence != nil {
			return f.Evidence.Pairs
		}
	}
	return nil
}

// smallPrefix begins the name of the one finding about all subgroups of an
// attribute, or of a combination, that have too few examples.
const smallPrefix = "small subgroups of "

// of are the findings that a rule is about, in the order of the audit, with those
// that it leaves out by name.
func (a *Audit) of(r *Rule, m *metric, variant string) (found []*finding.Finding, leftOut []string, err error) {
	s := r.scope()
	from := m.sources[s]
	var all []string
	for _, f := range a.findings[key{from, variant}] {
		if !a.belongs(&f.Scope, s) {
			continue
		}
		name := scopeName(&f.Scope)
		all = append(all, name)
		switch {
		case slices.Contains(r.Except, name):
			leftOut = append(leftOut, name)
		case len(r.Only) == 0 || slices.Contains(r.Only, name):
			found = append(found, f)
		}
	}
	if len(all) == 0 {
		return nil, nil, r.error(a.absent(r, from, variant))
	}
	for _, list := range [][]string{r.Only, r.Except, sortedKeys(r.Weights)} {
		for _, name := range list {
			if !slices.Contains(all, name) {
				return nil, nil, r.error(strictyaml.Unknown(string(s), name, all))
			}
		}
	}
	if len(found) == 0 {
		return nil, nil, r.error(fmt.Sprintf("every %s is left out by name: the rule says nothing", s))
	}
	return found, leftOut, nil
}

// belongs reports whether a finding's scope is one of those of a rule.
func (a *Audit) belongs(f *finding.Scope, s Scope) bool {
	switch s {
	case Overall:
		return f.Kind == finding.Overall
	case Class:
		return f.Kind == finding.Class
	case Corruption:
		return f.Name != ""
	}
	if f.Kind != finding.Subgroup {
		return false
	}
	attributes := len(f.Groups)
	if of, small := strings.CutPrefix(f.Name, smallPrefix); small && attributes == 0 {
		if attributes = 2; slices.Contains(a.config.Attributes, of) {
			attributes = 1
		}
	}
	return attributes == 1 && s == Subgroup || attributes > 1 && s == Slice
}

// absent says why there is nothing to evaluate a rule on: it must not pass.
func (a *Audit) absent(r *Rule, from source, variant string) string {
	text := fmt.Sprintf("the audit has no findings of %s by %s for %s", r.Metric, r.scope(), variant)
	switch {
	case !a.ran(from.check):
		return fmt.Sprintf("%s: its check %s was not run (it ran %s)", text, from.check, strings.Join(a.config.Checks, ", "))
	case a.config.Mode == "paper" && from.question == "harm":
		return text + ": it was made with --paper, which asks about disparity alone; audit again without"
	case (r.scope() == Subgroup || r.scope() == Slice) && len(a.config.Attributes) == 0:
		return text + ": its examples have no attributes"
	case r.scope() == Slice && a.config.Settings.Depth < 2:
		return text + ": it was made with --depth 1, which crosses no attributes"
	case r.Metric == "fpr" || r.Metric == "fnr":
		return text + ": it has no positive class; audit again with --positive"
	case r.Metric == "pie-excess":
		return text + ": it has no noise floor, which needs two independent baseline members"
	case r.Metric == "ece" || r.Metric == "overconfidence" || r.Metric == "kl" || r.Metric == "js":
		return text + ": it has no scores"
	}
	return text
}

// error is a rule that cannot be evaluated.
func (r *Rule) error(text string) error {
	return &Error{At: r.At, Text: fmt.Sprintf("rule %q cannot be evaluated: %s", r.Name, text)}
}
