package gate

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
	"github.com/lethe-audit/lethe/internal/strictyaml"
)

// Parse reads a policy (doc/format/policy.md). file names it in errors. Faults
// are told together, each an [*Error] with its line.
func Parse(file string, data []byte) (*Policy, error) {
	r := newReader(file, data)
	body := r.document(data)
	if body == nil {
		return nil, r.err()
	}
	p := r.policy(body)
	if err := r.err(); err != nil {
		return nil, err
	}
	return p, nil
}

func policyKeys() []string {
	return []string{"version", "name", "policy", "variants", "min_joined", "defaults", "rules"}
}

func defaultKeys() []string {
	return []string{"test", "alpha", "adjust", "min_n", "on_undecided", "covers"}
}

func ruleKeys() []string {
	return append([]string{"name", "metric", "scope", "over", "margin", "floor", "weights", "only", "except"}, defaultKeys()...)
}

func (r *reader) policy(body ast.Node) *Policy {
	p := &Policy{Name: r.file, File: r.file, MinJoined: DefaultMinJoined}
	entries := r.mapping(body, "a policy")
	base := DefaultRule()
	for _, e := range entries { // before the rules, wherever they stand
		if e.key == "defaults" {
			r.defaults(e.value, &base)
		}
	}
	for _, e := range entries {
		if r.known(e, policyKeys()) {
			r.policyKey(p, e, base)
		}
	}
	r.check(p, body)
	return p
}

func (r *reader) policyKey(p *Policy, e entry, base Rule) {
	switch e.key {
	case "version":
		r.version(e)
	case "name":
		p.Name, _ = r.scalar(e.value)
	case "policy":
		r.extend(p, e)
	case "variants":
		p.Variants = r.names(e.value, "variants")
	case "min_joined":
		if v, ok := r.percent(e.value); ok {
			p.MinJoined = v
		}
	case "rules":
		for _, n := range r.sequence(e.value, "rules") {
			if rule, ok := r.rule(n, base); ok {
				p.add(rule)
			}
		}
	}
}

// add appends a rule; a rule of a pack with the same name is replaced.
func (p *Policy) add(rule Rule) {
	for i := range p.Rules {
		if old := &p.Rules[i]; old.Name == rule.Name && old.pack != rule.pack {
			*old = rule
			return
		}
	}
	p.Rules = append(p.Rules, rule)
}

// check tells what is wrong with the policy as a whole.
func (r *reader) check(p *Policy, body ast.Node) {
	if len(r.errs) > 0 {
		return
	}
	if len(p.Rules) == 0 {
		r.fault(position(body), "there are no rules: a gate without rules would pass anything; write rules: or name a pack by policy:")
	}
	first := map[string]Location{}
	for _, rule := range p.Rules {
		if at, ok := first[rule.Name]; ok {
			r.fault(&token.Position{Line: rule.At.Line, Column: rule.At.Column}, "two rules are named %q, the first in line %d; give them names", rule.Name, at.Line)
		}
		first[rule.Name] = rule.At
	}
}

func (r *reader) version(e entry) {
	s, ok := r.scalar(e.value)
	if !ok {
		return
	}
	v, err := strconv.Atoi(s)
	switch {
	case err != nil || v < 1:
		r.fault(position(e.value), "version %q, want a number from 1", s)
	case v > PolicyVersion:
		r.fault(position(e.value), "version %d of the policy format, this program reads up to %d: use a newer lethe", v, PolicyVersion)
	}
}

// extend takes over the rules of a pack.
func (r *reader) extend(p *Policy, e entry) {
	name, ok := r.scalar(e.value)
	if !ok {
		return
	}
	pack, err := Pack(name)
	if err != nil {
		r.fault(position(e.value), "%s", strictyaml.Unknown("pack", name, PackNames()))
		return
	}
	own := p.Rules
	p.Rules = nil
	for _, rule := range pack.Rules {
		at := position(e.value)
		rule.At, rule.pack = Location{r.file, at.Line, at.Column}, name
		p.Rules = append(p.Rules, rule)
	}
	for _, rule := range own {
		p.add(rule)
	}
	if p.Name == r.file {
		p.Name = pack.Name
	}
}

func (r *reader) defaults(n ast.Node, base *Rule) {
	for _, e := range r.mapping(n, "defaults") {
		if r.known(e, defaultKeys()) {
			r.ruleKey(base, e)
		}
	}
	check := *base
	check.Name, check.Metric, check.Scope, check.Margin = "defaults", "accuracy", Overall, Margin{0.01, Points}
	if check.Test == Difference {
		check.Margin = Margin{}
	}
	if field, text := check.fault(); text != "" {
		r.fault(r.place(n, field), "%s", text)
	}
}

// rule reads one rule and judges it; false where it has a fault.
func (r *reader) rule(n ast.Node, base Rule) (Rule, bool) {
	before := len(r.errs)
	rule := base
	at := position(n)
	if at != nil {
		rule.At = Location{r.file, at.Line, at.Column}
	}
	for _, e := range r.mapping(n, "a rule") {
		if r.known(e, ruleKeys()) {
			r.ruleKey(&rule, e)
		}
	}
	if len(r.errs) > before {
		return rule, false
	}
	rule.complete()
	if field, text := rule.fault(); text != "" {
		r.fault(r.place(n, field), "%s", text)
		return rule, false
	}
	return rule, true
}

// complete fills in what follows from the rest.
func (r *Rule) complete() {
	if m, ok := metricNamed(r.Metric); ok && r.Scope == Worst && r.Over == "" {
		for _, s := range []Scope{Class, Subgroup} {
			if _, has := m.sources[s]; has && r.Over == "" {
				r.Over = s
			}
		}
	}
	if r.Name == "" && r.Metric != "" {
		r.Name = r.Metric + "-" + string(r.Scope)
	}
}

// place is where a field's value stands in a rule, or the rule itself.
func (r *reader) place(n ast.Node, field string) *token.Position {
	if m, ok := n.(*ast.MappingNode); ok {
		for _, v := range m.Values {
			if t := v.Key.GetToken(); t != nil && t.Value == field {
				return position(v.Value)
			}
		}
	}
	return position(n)
}

func (r *reader) ruleKey(rule *Rule, e entry) {
	switch e.key {
	case "margin":
		r.margin(rule, e.value)
		return
	case "floor":
		if v, ok := r.percent(e.value); ok {
			rule.Floor = &v
		}
		return
	case "weights":
		r.weights(rule, e.value)
		return
	case "only":
		rule.Only = r.names(e.value, "names")
		return
	case "except":
		rule.Except = r.names(e.value, "names")
		return
	}
	s, ok := r.scalar(e.value)
	if !ok {
		return
	}
	switch e.key {
	case "name":
		rule.Name = s
	case "metric":
		rule.Metric = s
	case "scope":
		rule.Scope = Scope(s)
	case "over":
		rule.Over = Scope(s)
	case "test":
		rule.Test = testNamed(s)
	case "adjust":
		rule.Adjust = Adjust(s)
	case "covers":
		rule.Covers = Covers(s)
	case "on_undecided":
		rule.OnUndecided = Verdict(s)
	case "alpha":
		rule.Alpha = r.number(e.value, s)
	case "min_n":
		n, err := strconv.Atoi(s)
		if err != nil {
			r.fault(position(e.value), "min_n is %q, want a whole number", s)
		}
		rule.MinN = n
	}
}

// testNamed knows the short names that other tools use.
func testNamed(s string) Test {
	switch s {
	case "ni":
		return NonInferiority
	case "tost":
		return Equivalence
	case "diff":
		return Difference
	}
	return Test(s)
}

func (r *reader) number(n ast.Node, s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		r.fault(position(n), "%q is no number", s)
	}
	return v
}

func (r *reader) margin(rule *Rule, n ast.Node) {
	s, ok := r.scalar(n)
	if !ok {
		return
	}
	m, err := ParseMargin(s)
	if err != nil {
		r.fault(position(n), "%s", err)
		return
	}
	rule.Margin = m
}

// ParseMargin reads a margin with its unit: "2pp", "5%rel", "0.01nats". "2 %"
// could mean points, a share of the baseline or a fraction, so it is refused.
func ParseMargin(s string) (Margin, error) {
	for _, u := range []struct {
		unit  Unit
		scale float64
	}{{Points, 100}, {Relative, 100}, {Nats, 1}} {
		text, ok := strings.CutSuffix(s, string(u.unit))
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return Margin{}, fmt.Errorf("margin %q: %q is no number", s, strings.TrimSpace(text))
		}
		return Margin{v / u.scale, u.unit}, nil
	}
	return Margin{}, fmt.Errorf("margin %q has no unit that can be told: write pp for percentage points or %%rel for percent of the baseline's value, such as 2pp or 2%%rel", s)
}

// percent reads a share that is written in percent.
func (r *reader) percent(n ast.Node) (float64, bool) {
	s, ok := r.scalar(n)
	if !ok {
		return 0, false
	}
	text, ok := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if !ok || err != nil || !(v >= 0 && v <= 100) {
		r.fault(position(n), "%q, want a share in percent with its sign, such as 90%%", s)
		return 0, false
	}
	return v / 100, true
}

func (r *reader) weights(rule *Rule, n ast.Node) {
	rule.Weights = map[string]float64{}
	for _, e := range r.mapping(n, "weights") {
		if s, ok := r.scalar(e.value); ok {
			rule.Weights[e.key] = r.number(e.value, s)
		}
	}
}
