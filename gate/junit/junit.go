// Package junit writes a gate's result as JUnit XML, which CI systems read: a
// suite for each rule and variant, a case for each of its scopes.
//
// A failed scope is a failure, an undecided one an error (there was not enough
// evidence to run it to an end), or skipped where the policy counts undecided as
// passed; the system-out of a case redoes it in numbers. Doubts about the audit
// itself are a suite of their own. Readers of JUnit keep every case in memory, so
// that their number is capped: the worst are kept, and a last case says how many
// passed ones or others were left out.
package junit

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/words"
)

// Options are the settings of [Write].
type Options struct {
	Cases int // cases a suite may have, at least 1; more are summed up in one
}

// DefaultOptions keep 200 cases a suite.
func DefaultOptions() Options { return Options{Cases: 200} }

type suites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Suites   []suite  `xml:"testsuite"`
}

type suite struct {
	Name       string     `xml:"name,attr"`
	Tests      int        `xml:"tests,attr"`
	Failures   int        `xml:"failures,attr"`
	Errors     int        `xml:"errors,attr"`
	Skipped    int        `xml:"skipped,attr"`
	Properties []property `xml:"properties>property"`
	Cases      []testcase `xml:"testcase"`
}

type property struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type testcase struct {
	Name    string   `xml:"name,attr"`
	Class   string   `xml:"classname,attr"`
	Skipped *string  `xml:"skipped,omitempty"`
	Error   *problem `xml:"error,omitempty"`
	Failure *problem `xml:"failure,omitempty"`
	Out     string   `xml:"system-out,omitempty"`
}

type problem struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// Write writes the result.
func Write(w io.Writer, r *gate.Result, o Options) error {
	doc := suites{Name: "lethe gate " + clean(r.Policy)}
	if len(r.Doubts) > 0 {
		doc.Suites = append(doc.Suites, doubts(r))
	}
	for i := range r.Rules {
		doc.Suites = append(doc.Suites, ruleSuite(&r.Rules[i], max(o.Cases, 1)))
	}
	for i := range doc.Suites {
		s := &doc.Suites[i]
		s.count()
		doc.Tests += s.Tests
		doc.Failures += s.Failures
		doc.Errors += s.Errors
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("junit: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *suite) count() {
	s.Tests = len(s.Cases)
	for i := range s.Cases {
		c := &s.Cases[i]
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
}

func doubts(r *gate.Result) suite {
	s := suite{Name: "the audit itself", Properties: []property{{"policy", clean(r.Policy)}}}
	for _, d := range r.Doubts {
		c := testcase{Name: clean(strings.TrimSpace(d.Code + " " + d.Variant)), Class: "lethe.audit"}
		p := &problem{Type: d.Code, Message: clean(d.Text)}
		if d.Verdict == gate.Fail {
			c.Failure = p
		} else {
			c.Error = p
		}
		s.Cases = append(s.Cases, c)
	}
	return s
}

func ruleSuite(rr *gate.RuleResult, most int) suite {
	s := suite{Name: clean(rr.Rule.Name + " [" + rr.Variant + "]"), Properties: []property{
		{"verdict", words.Verdict(rr.Verdict)}, {"asks", clean(words.Ask(&rr.Rule))}, {"how", clean(words.How(rr))},
	}}
	if o := words.Override(rr); o != "" {
		s.Properties = append(s.Properties, property{"override", o})
	}
	for i := range rr.Scopes {
		if i == most-1 && len(rr.Scopes) > most {
			s.Cases = append(s.Cases, more(rr, i))
			break
		}
		s.Cases = append(s.Cases, scopeCase(rr, &rr.Scopes[i]))
	}
	return s
}

func scopeCase(rr *gate.RuleResult, sc *gate.ScopeResult) testcase {
	line := clean(words.Line(rr, sc))
	c := testcase{Name: clean(sc.Name()), Class: class(rr), Out: line}
	c.mark(sc.Verdict, rr, line)
	return c
}

// mark makes a case fail, be in error, or be skipped.
func (c *testcase) mark(v gate.Verdict, rr *gate.RuleResult, line string) {
	p := &problem{Type: string(v), Message: line}
	switch {
	case v == gate.Fail:
		c.Failure = p
	case v == gate.Undecided && rr.Override && rr.Verdict == gate.Fail:
		p.Message = "undecided, counted as a fail by on_undecided: " + line
		c.Failure = p
	case v == gate.Undecided && rr.Override:
		text := "undecided, counted as a pass by on_undecided: " + line
		c.Skipped, c.Out = &text, ""
	case v == gate.Undecided:
		c.Error = p
	}
}

// more is the case for the scopes from number i on; they are worst first, so that
// it is as bad as the first of them.
func more(rr *gate.RuleResult, i int) testcase {
	n := map[gate.Verdict]int{}
	for _, s := range rr.Scopes[i:] {
		n[s.Verdict]++
	}
	text := fmt.Sprintf("%s: %d beyond the margin, %d undecided, %d within", words.More(len(rr.Scopes)-i), n[gate.Fail], n[gate.Undecided], n[gate.Pass])
	c := testcase{Name: words.More(len(rr.Scopes) - i), Class: class(rr), Out: text}
	c.mark(rr.Scopes[i].Verdict, rr, text)
	return c
}

func class(rr *gate.RuleResult) string {
	return clean("lethe." + rr.Variant + "." + rr.Rule.Name)
}

// clean leaves out what XML cannot hold.
func clean(s string) string { return words.Clean(s) }
