// Package reporttest makes findings streams for the tests of report formats:
// every check, every outcome and every awkward name, at any size. The numbers
// are drawn from a seeded generator; they are shaped like an audit's, and mean
// nothing.
package reporttest

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lethe-audit/lethe/finding"
)

// Spec says how large a stream is.
type Spec struct {
	Classes   int
	Variants  []string // after the baseline
	Subgroups int
	Members   int
	Paper     bool
	Void      bool // the first variant is identical to the baseline
	Scores    bool // calibration tables
	Title     string

	Corruptions int  // of the published 19 at five severities, and a natural shift; 0: no shifted data
	OnlyShifts  bool // leave all other checks but accuracy out
}

// Small is a stream with everything in it, small enough for golden files.
func Small() Spec {
	return Spec{Classes: 10, Variants: []string{"int8", "pruned-70", "pruned-90"}, Subgroups: 6, Members: 30, Scores: true}
}

// Large is the largest stream that reports are promised to stay small for.
func Large() Spec {
	return Spec{Classes: 1000, Variants: []string{"int8", "int4", "pruned-50", "pruned-70", "pruned-90", "pruned-95"}, Subgroups: 20, Members: 30, Scores: true, Corruptions: 19}
}

// names are the first class names: real ones, and some that must be escaped,
// aligned or cut.
var names = []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "<script>alert(1)</script>",
	"a | b \\ `c` *d*", "日本語クラス名", "an extremely long class name that no column of a table has room for, really"}

// stream collects the messages of one stream.
type stream struct {
	spec     Spec
	rng      *rand.Rand
	classes  []string
	messages []finding.Message
	tally    finding.Tally
}

// Stream makes the messages of a stream.
func Stream(spec Spec) []finding.Message {
	s := &stream{spec: spec, rng: rand.New(rand.NewPCG(7, 11))}
	for c := range spec.Classes {
		name := fmt.Sprintf("class %04d", c)
		if c < len(names) {
			name = names[c]
		}
		s.classes = append(s.classes, name)
	}
	s.messages = append(s.messages, finding.Message{Config: s.config()})
	for t, v := range spec.Variants {
		s.variant(t, v)
	}
	if !spec.OnlyShifts {
		s.curves()
		s.frontier()
	}
	s.messages = append(s.messages, finding.Message{Done: s.tally.Done(10000 * len(spec.Variants))})
	return s.messages
}

// Stored is the stream of a spec as it is stored.
func Stored(t testing.TB, spec Spec) []byte {
	t.Helper()
	return Bytes(t, Stream(spec))
}

// Bytes is the stream as it is stored.
func Bytes(t testing.TB, messages []finding.Message) []byte {
	t.Helper()
	var b bytes.Buffer
	w := finding.NewWriter(&b)
	for i := range messages {
		var err error
		if d := messages[i].Done; d != nil {
			err = w.Done(d)
		} else {
			err = w.Write(&messages[i])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func (s *stream) config() *finding.Config {
	c := &finding.Config{
		Protocol: finding.ProtocolVersion, Tool: "lethe v0.0.0-test", Title: s.spec.Title, Mode: "default",
		Settings: finding.Settings{Alpha: 0.05, FDR: "bh", Margin: 0.02, Level: 0.95, Shift: "member", Ties: "lowest", Seed: 1, MinN: 10, Depth: 2, Resample: true, Replicate: 9999},
		Checks:   []string{"compression", "summary", "classimpact", "slice", "flip", "pie", "confusion", "curve", "longtail", "calibration", "attribution", "frontier"},
		Classes:  s.classes, Attributes: []string{"sex", "age"}, Examples: 100 * s.spec.Classes,
		Inputs: []finding.InputDigest{{Path: "predictions/dense.csv", Digest: "sha256:8d74beec1be996322ad76813bafb92d40839895d6dd7ee808b17ca201eac98be", Role: "predictions"}},
		Join:   finding.Join{ByPosition: true, Notes: []string{"arrays have no ids: row i is example i"}},
		Warnings: []finding.Warning{
			{Code: "joined-by-position", Text: "The sources have no example ids: row i of each file was taken to be example i."},
		},
	}
	switch {
	case s.spec.OnlyShifts:
		c.Checks = []string{"summary", "robust"}
	case s.spec.Corruptions > 0:
		c.Checks = append(c.Checks, "robust")
	}
	if s.spec.Paper {
		c.Mode, c.Settings.FDR, c.Settings.Shift, c.Settings.Ties = "paper", "none", "population", "highest"
	}
	for range s.classes {
		c.ClassSizes = append(c.ClassSizes, 100)
	}
	c.Populations = append(c.Populations, s.population("dense", "dense", nil, ""))
	for i, v := range s.spec.Variants {
		kind, level, pairing := "pruned", finding.Float(0.5+0.1*float64(i)), "independent"
		if v[:3] == "int" {
			kind, level, pairing = "quantized", finding.Float(8), "paired by lineage"
		}
		c.Populations = append(c.Populations, s.population(v, kind, level, pairing))
	}
	return c
}

func (s *stream) population(name, kind string, level *float64, pairing string) finding.Population {
	p := finding.Population{Name: name, Kind: kind, Level: level, Pairing: pairing}
	for k := range s.spec.Members {
		seed := int64(k)
		p.Members = append(p.Members, finding.MemberInfo{Name: fmt.Sprintf("%s-%02d", name, k), Seed: &seed, Lineage: fmt.Sprintf("ckpt-%02d", k), Accuracy: 0.9 + 0.01*s.rng.Float64()})
	}
	return p
}

func (s *stream) add(f finding.Finding) {
	f.Baseline = "dense"
	f.ID = fmt.Sprintf("%s/%s/%s/%s:%s", f.Check, f.Question, f.Variant, f.Scope.Kind, f.Scope.Name)
	if f.Scope.Kind == "" {
		f.Scope.Kind = finding.Overall
	}
	if f.N == 0 {
		f.N = 100
	}
	f.KBase, f.K = s.spec.Members, s.spec.Members
	s.tally.Finding(&f)
	s.messages = append(s.messages, finding.Message{Finding: &f})
}

func (s *stream) table(t finding.Table) {
	s.tally.Table()
	s.messages = append(s.messages, finding.Message{Table: &t})
}

func (s *stream) test(variant, name string, p float64, family int) *finding.Test {
	why := "no member shares a lineage with the baseline: populations were trained independently"
	if variant[:3] == "int" {
		name, why = "paired t", "30 lineages have members on both sides: differences within a lineage are compared"
	}
	return &finding.Test{Name: name, Why: why, Statistic: finding.Float(-2.5), DoF: finding.Float(58), P: finding.Float(p),
		Q: finding.Float(math.Min(1, p*3)), Holm: finding.Float(math.Min(1, p*float64(family))), BY: finding.Float(math.Min(1, p*8)),
		Family: &finding.Family{Name: "by group, " + variant, Size: family}}
}

func interval(v, half float64) *finding.Interval {
	return &finding.Interval{Low: v - half, High: v + half, Level: 0.95, Covers: finding.Both, Method: "two-way variance components"}
}

// variant emits what every check says of one variant; later variants are worse.
func (s *stream) variant(t int, name string) {
	if s.spec.Void && t == 0 {
		s.add(finding.Finding{Check: "summary", Question: "vacuity", Variant: name, Metric: "share of changed predictions", Unit: finding.Share, Estimate: finding.Float(0),
			Outcome: finding.Failed, Reason: finding.Identical, Warnings: []finding.Warning{{Code: "identical", Text: "The candidate " + name + " gives the baseline's predictions for every example: it was not compressed, or the wrong file was read."}}})
	}
	if s.spec.Corruptions > 0 {
		s.shifts(t, name)
	}
	if s.spec.OnlyShifts {
		s.accuracy(t, name)
		return
	}
	s.modelFiles(t, name)
	s.accuracy(t, name)
	shift := -0.004 * float64(t+1)
	for c, class := range s.classes {
		s.group("classimpact", name, finding.Scope{Kind: finding.Class, Class: finding.Int(c), Name: class}, shift, len(s.classes), c)
	}
	for g := range s.spec.Subgroups {
		scope := finding.Scope{Kind: finding.Subgroup, Name: fmt.Sprintf("sex=%d & age=%d", g%2, g/2), Groups: []finding.Group{{Attribute: "sex", Value: fmt.Sprint(g % 2)}, {Attribute: "age", Value: fmt.Sprint(g / 2)}}}
		s.group("slice", name, scope, shift, s.spec.Subgroups, g)
	}
	s.flips(t, name)
	s.pies(t, name)
	s.confusion(name)
	s.add(finding.Finding{Check: "longtail", Question: "class-frequency", Variant: name, Metric: "rank correlation of recall change and training frequency", Unit: finding.Plain,
		Outcome: finding.NotMeasurable, Reason: finding.NoTrainCounts, Word: finding.CannotSay, Needed: "the labels of the training set (--train-labels)"})
	s.calibration(t, name)
	if t == 0 {
		s.attribution(name)
	}
}

func (s *stream) accuracy(t int, name string) {
	d := -0.004 * float64(t+1)
	f := finding.Finding{Check: "summary", Question: "accuracy", Variant: name, Metric: "accuracy difference", Unit: finding.Difference, Estimate: &d,
		BaseValue: finding.Float(0.905), Value: finding.Float(0.905 + d), Interval: interval(d, 0.003), Test: s.test(name, "Welch t", 1e-4, 1), Outcome: finding.Worse, Word: finding.Harmed, N: 100 * s.spec.Classes}
	if t == 0 {
		f.Outcome, f.Word, f.MDE = finding.NotDetected, finding.NoDifference, finding.Float(0.005)
	}
	s.add(f)
	f.Question, f.Test, f.Outcome, f.Word = "non-inferiority", &finding.Test{Name: "non-inferiority t, one-sided", Why: "the loss is compared with the margin", P: finding.Float(0.0004)}, finding.NotDetected, finding.WithinMargin
	f.Reference, f.MDE = finding.Float(-0.02), nil
	s.add(f)
}

// group emits harm, disproportion and non-inferiority of one group; every
// seventh is at its ceiling.
func (s *stream) group(check, variant string, scope finding.Scope, shift float64, family, index int) {
	d := shift + 0.012*s.rng.NormFloat64()
	se := 0.004 + 0.003*s.rng.Float64()
	p := math.Erfc(math.Abs(d) / se / math.Sqrt2)
	f := finding.Finding{Check: check, Question: "harm", Variant: variant, Scope: scope, Metric: "recall difference", Unit: finding.Difference,
		Estimate: &d, BaseValue: finding.Float(0.9), Value: finding.Float(0.9 + d), Interval: interval(d, 2*se), Test: s.test(variant, "Welch t", p, family)}
	more := f
	v := d - shift
	more.Question, more.Metric, more.Estimate, more.Interval = "disproportion", "normalized recall difference", &v, interval(v, 2*se)
	more.BaseValue, more.Value = finding.Float(0.01), finding.Float(0.01+v)
	q := *f.Test.Q
	switch {
	case index%7 == 6:
		f.Outcome, f.Reason, f.Word, f.Test, f.Bound = finding.NotMeasurable, finding.Ceiling, finding.CannotSay, nil, finding.Float(0.0295)
		f.Needed = "more examples"
	case q > 0.05:
		f.Outcome, f.Word, f.MDE = finding.NotDetected, finding.NoDifference, finding.Float(2.8*se)
	case d < 0:
		f.Outcome, f.Word = finding.Worse, finding.Harmed
	default:
		f.Outcome, f.Word = finding.Better, finding.Gained
	}
	more.Outcome, more.Word = finding.NotDetected, finding.NoDifference
	if f.Outcome == finding.Worse && v < -0.01 {
		more.Outcome, more.Word = finding.Worse, finding.HarmedMore
	}
	if s.spec.Paper && math.Abs(v) > 0.01 {
		more.Word = finding.SignificantRaw
		more.Outcome = finding.Worse
		if v > 0 {
			more.Outcome = finding.Better
		}
	}
	s.add(f)
	s.add(more)
	ni := f
	ni.Question, ni.MDE, ni.Bound, ni.Needed, ni.Reason = "non-inferiority", nil, nil, "", ""
	ni.Outcome, ni.Word = finding.NotDetected, finding.WithinMargin
	if d-2*se < -0.02 {
		ni.Outcome, ni.Reason, ni.Word, ni.Needed = finding.NotMeasurable, finding.Undecided, finding.CannotSay, "about 60 members per population would decide it"
	}
	s.add(ni)
}

// Tiny is the smallest stream with everything in it: one model on each side.
func Tiny() Spec {
	return Spec{Classes: 3, Variants: []string{"int8"}, Subgroups: 2, Members: 4, Scores: true, Title: "A <title> & more"}
}
