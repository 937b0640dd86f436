package browsertest

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Violation is a rule that a page breaks, as axe-core says it.
type Violation struct {
	Rule   string   `json:"id"`
	Impact string   `json:"impact"`
	Help   string   `json:"help"`
	Nodes  []string `json:"nodes"` // selectors and what is wrong there, at most 5
	Total  int      `json:"total"`
}

func (v Violation) String() string {
	return fmt.Sprintf("%s (%s): %s; %d places:\n\t%s", v.Rule, v.Impact, v.Help, v.Total, strings.Join(v.Nodes, "\n\t"))
}

// Audit checks the page as it stands, opened parts of it included, against the
// rules of WCAG 2.0 to 2.2, levels A and AA, and axe-core's best practices; any
// violation fails the test. What is hidden is not checked: open it first.
func (p *Page) Audit() {
	p.tb.Helper()
	for _, v := range p.Violations() {
		p.tb.Errorf("browsertest: %s: %s", p.window.Name(), v)
	}
}

// Violations are the rules that the page breaks.
func (p *Page) Violations() []Violation {
	p.tb.Helper()
	p.inject()
	var out []Violation
	p.Eval(`axe.run(document, {
		runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
		resultTypes: ["violations"]
	}).then(function (r) {
		return r.violations.map(function (v) {
			return { id: v.id, impact: v.impact, help: v.help, total: v.nodes.length,
				nodes: v.nodes.slice(0, 5).map(function (n) { return n.target.join(" ") + ": " + n.failureSummary.replace(/\s+/g, " ") + " " + n.html.slice(0, 160); }) };
		});
	})`, &out)
	return out
}

// inject runs axe-core in the page, which its content security policy allows
// to a debugger.
func (p *Page) inject() {
	p.tb.Helper()
	var loaded bool
	p.Eval(`typeof axe === "object"`, &loaded)
	if loaded {
		return
	}
	source, err := os.ReadFile(axe(p.tb))
	if err != nil {
		p.tb.Fatalf("browsertest: %v", err)
	}
	p.Eval(string(source)+"\n;true", &loaded)
}

// OpenDetails opens every part of the page that can be folded away.
func (p *Page) OpenDetails() {
	p.tb.Helper()
	p.Eval(`document.querySelectorAll("details").forEach(function (d) { d.open = true; })`, nil)
}

// NeedsAxe skips the test where axe-core is absent.
func NeedsAxe(tb testing.TB) {
	tb.Helper()
	axe(tb)
}
