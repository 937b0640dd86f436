// Package sarif writes a gate's result as SARIF 2.1.0, which code scanning reads:
// a rule of the policy is a rule, a scope that failed or stayed undecided a result,
// located at the rule's line in the policy file.
//
// A fail is an error, an undecided scope a warning, one that the policy counts as
// passed a note. Effect, limits, P and n are properties of the result. GitHub shows
// 5,000 results of a run; here the worst are kept and a notification says how many
// were left out.
package sarif

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/words"
)

// Options are the settings of [Write].
type Options struct {
	Results int // results a run may have, at least 1; more are counted in a notification
}

// DefaultOptions keep 1,000 results.
func DefaultOptions() Options { return Options{Results: 1000} }

type log struct {
	Schema  string `json:"$schema"`
	Version string `json:"version"`
	Runs    []run  `json:"runs"`
}

type run struct {
	Tool        tool         `json:"tool"`
	Invocations []invocation `json:"invocations"`
	Results     []result     `json:"results"`
	Properties  any          `json:"properties,omitempty"`
}

type tool struct {
	Driver driver `json:"driver"`
}

type driver struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Rules   []rule `json:"rules"`
}

type rule struct {
	ID               string  `json:"id"`
	ShortDescription message `json:"shortDescription"`
	FullDescription  message `json:"fullDescription"`
	Help             message `json:"help"`
}

type message struct {
	Text string `json:"text"`
}

type invocation struct {
	Successful    bool           `json:"executionSuccessful"`
	Notifications []notification `json:"toolExecutionNotifications,omitempty"`
}

type notification struct {
	Level   string  `json:"level"`
	Message message `json:"message"`
}

type result struct {
	RuleID      string            `json:"ruleId"`
	RuleIndex   int               `json:"ruleIndex"`
	Kind        string            `json:"kind"`
	Level       string            `json:"level"`
	Message     message           `json:"message"`
	Locations   []location        `json:"locations"`
	Fingerprint map[string]string `json:"partialFingerprints"`
	Properties  any               `json:"properties,omitempty"`
}

type location struct {
	Physical physical  `json:"physicalLocation"`
	Logical  []logical `json:"logicalLocations,omitempty"`
}

type physical struct {
	Artifact artifact `json:"artifactLocation"`
	Region   region   `json:"region"`
}

type artifact struct {
	URI string `json:"uri"`
}

type region struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn,omitempty"`
}

type logical struct {
	Name string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

// numbers are what a result rests on. Losses are shares of all or, for a relative
// margin, of the baseline; positive is worse.
type numbers struct {
	Verdict  gate.Verdict   `json:"verdict"`
	Variant  string         `json:"variant"`
	Scope    string         `json:"scope"`
	Finding  string         `json:"finding"`
	Loss     *float64       `json:"loss,omitempty"`
	Low      *float64       `json:"lossLow,omitempty"`
	High     *float64       `json:"lossHigh,omitempty"`
	Margin   float64        `json:"margin"`
	Unit     string         `json:"marginUnit,omitempty"`
	Alpha    float64        `json:"alpha"`
	PWithin  *float64       `json:"pWithin,omitempty"`
	PBeyond  *float64       `json:"pBeyond,omitempty"`
	Adjusted *float64       `json:"pBeyondAdjusted,omitempty"`
	N        int            `json:"n"`
	KBase    int            `json:"membersBaseline"`
	K        int            `json:"membersVariant"`
	Covers   finding.Covers `json:"covers,omitempty"`
	Reason   finding.Reason `json:"reason,omitempty"`
	Needed   *gate.Needed   `json:"needed,omitempty"`
}

// Write writes the result.
func Write(w io.Writer, r *gate.Result, o Options) error {
	var out run
	name, version, _ := strings.Cut(r.Tool, " ")
	out.Tool.Driver = driver{Name: name, Version: version, Rules: []rule{}}
	out.Results = []result{}
	index := map[string]int{}
	out.doubts(r, index)
	out.rules(r, index)
	left := out.scopes(r, index, max(o.Results, 1))
	inv := invocation{Successful: true}
	if left > 0 {
		inv.Notifications = []notification{{"warning", message{words.More(left) + " results of this gate are not in this file; lethe gate --format json has all"}}}
	}
	out.Invocations = []invocation{inv}
	out.Properties = map[string]any{"verdict": r.Verdict, "policy": text(r.Policy), "headline": text(words.Headline(r))}
	doc := log{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []run{out}}
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("sarif: %w", err)
	}
	return nil
}

// doubts are results about the audit itself.
func (out *run) doubts(r *gate.Result, index map[string]int) {
	for _, d := range r.Doubts {
		id := "audit/" + d.Code
		if _, ok := index[id]; !ok {
			index[id] = len(out.Tool.Driver.Rules)
			out.Tool.Driver.Rules = append(out.Tool.Driver.Rules, rule{id, message{"The audit itself must mean something"},
				message{"A gate never passes on an audit that is void: " + d.Code + "."}, message{"Check which files were given to lethe audit."}})
		}
		level := "error"
		if d.Verdict != gate.Fail {
			level = "warning"
		}
		out.Results = append(out.Results, result{
			RuleID: id, RuleIndex: index[id], Kind: "fail", Level: level, Message: message{text(d.Text)},
			Locations: []location{{Physical: physical{artifact{uri(r.File)}, region{StartLine: 1}}}}, Fingerprint: fingerprint(id, d.Variant),
		})
	}
}

func (out *run) rules(r *gate.Result, index map[string]int) {
	for i := range r.Rules {
		rr := &r.Rules[i]
		if _, ok := index[rr.Rule.Name]; ok {
			continue
		}
		index[rr.Rule.Name] = len(out.Tool.Driver.Rules)
		ask := text(words.Ask(&rr.Rule))
		out.Tool.Driver.Rules = append(out.Tool.Driver.Rules, rule{text(rr.Rule.Name), message{ask}, message{ask + ". " + words.How(rr)},
			message{"lethe explain " + checkOf(rr) + " says how the numbers come about."}})
	}
}

func checkOf(rr *gate.RuleResult) string {
	if len(rr.Scopes) == 0 {
		return ""
	}
	check, _, _ := strings.Cut(rr.Scopes[0].Finding, "/")
	return check
}

// scopes are the results that are no pass, worst first; left is how many did not
// fit.
func (out *run) scopes(r *gate.Result, index map[string]int, most int) (left int) {
	for _, c := range words.Worst(r) {
		switch {
		case c.Scope.Verdict == gate.Pass:
		case len(out.Results) >= most:
			left++
		default:
			out.Results = append(out.Results, scopeResult(c, index[c.Rule.Rule.Name]))
		}
	}
	return left
}

func scopeResult(c words.Case, at int) result {
	rr, s := c.Rule, c.Scope
	level := map[int]string{words.Failed: "error", words.Open: "warning", words.Overridden: "note"}[c.Weight()]
	line := max(rr.Rule.At.Line, 1)
	p := numbers{
		Verdict: s.Verdict, Variant: text(rr.Variant), Scope: text(s.Name()), Finding: text(s.Finding), Margin: s.Margin, Unit: string(rr.Rule.Margin.Unit), Alpha: rr.Rule.Alpha,
		PWithin: s.PWithin, PBeyond: s.PBeyond, Adjusted: s.Adjusted, N: s.N, KBase: s.KBase, K: s.K, Covers: s.Covers, Reason: s.Reason, Needed: s.Needed,
	}
	if s.Loss != nil {
		p.Loss, p.Low, p.High = s.Loss, &s.Low, &s.High
	}
	return result{
		RuleID: text(rr.Rule.Name), RuleIndex: at, Kind: "fail", Level: level,
		Message:     message{text(rr.Rule.Name + " [" + rr.Variant + "]: " + words.Line(rr, s))},
		Locations:   []location{{physical{artifact{uri(rr.Rule.At.File)}, region{line, rr.Rule.At.Column}}, []logical{{text(rr.Variant + "/" + s.Name()), "object"}}}},
		Fingerprint: fingerprint(rr.Rule.Name, rr.Variant, s.Finding), Properties: p,
	}
}

// fingerprint tells the same result again in another run.
func fingerprint(parts ...string) map[string]string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return map[string]string{"lethe/v1": hex.EncodeToString(sum[:16])}
}

// uri is a file name as a relative reference.
func uri(name string) string {
	if name == "" {
		name = "policy"
	}
	return (&url.URL{Path: strings.TrimPrefix(filepath.ToSlash(name), "/")}).EscapedPath()
}

func text(s string) string { return words.Clean(s) }
