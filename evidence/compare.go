package evidence

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/multiple"
	"github.com/lethe-audit/lethe/stat/tail"
)

// Change is what happened to a finding.
type Change string

// The changes, in the order they are reported.
const (
	GotWorse     Change = "worse"          // the answer or, beyond chance, the estimate is worse
	NewlyDecided Change = "newly decided"  // there was no answer, there is one now
	LostDecision Change = "no longer said" // there was an answer, there is none now
	GotBetter    Change = "better"         // the answer or, beyond chance, the estimate is better
	Appeared     Change = "new"            // only in the new audit
	Vanished     Change = "gone"           // only in the old audit
	Unchanged    Change = "unchanged"
)

// Changes lists all changes in the order they are reported.
func Changes() []Change {
	return []Change{GotWorse, NewlyDecided, LostDecision, GotBetter, Appeared, Vanished, Unchanged}
}

// Options are the settings of [Compare].
type Options struct {
	Alpha  float64           // false discovery rate of changed estimates, in (0, 1)
	Level  float64           // level of the intervals of changes, in (0, 1)
	Rename map[string]string // name of a variant in the old audit -> in the new one
}

// DefaultOptions are 5 % and 95 %.
func DefaultOptions() Options { return Options{Alpha: 0.05, Level: 0.95} }

// Diff is what changed between two audits.
type Diff struct {
	OldTool  string         `json:"old_tool"`
	NewTool  string         `json:"new_tool"`
	Counts   map[Change]int `json:"counts"`
	Rows     []Row          `json:"rows"`               // by change, then the largest first
	Warnings []string       `json:"warnings,omitempty"` // why the two may not be comparable
}

// State is one side of a row.
type State struct {
	Variant  string          `json:"variant"`
	Outcome  finding.Outcome `json:"outcome"`
	Reason   finding.Reason  `json:"reason,omitempty"`
	Word     finding.Word    `json:"word,omitempty"`
	Estimate *float64        `json:"estimate,omitempty"`
	StdErr   *float64        `json:"std_err,omitempty"`
	N        int             `json:"n"`
}

// Row is one finding in both audits.
type Row struct {
	Change   Change        `json:"change"`
	Check    string        `json:"check"`
	Question string        `json:"question"`
	Scope    finding.Scope `json:"scope"`
	Metric   string        `json:"metric"`
	Unit     finding.Unit  `json:"unit"`
	Old      *State        `json:"old,omitempty"` // nil for new findings
	New      *State        `json:"new,omitempty"` // nil for findings that are gone
	Delta    *Delta        `json:"delta,omitempty"`
	NoDelta  string        `json:"no_delta,omitempty"` // why the change of the estimate was not tested
}

// Delta is the change of an estimate.
type Delta struct {
	Value  float64 `json:"value"` // new minus old
	StdErr float64 `json:"std_err"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Level  float64 `json:"level"`
	P      float64 `json:"p"`      // two-sided
	Q      float64 `json:"q"`      // Benjamini-Hochberg within the family
	Beyond bool    `json:"beyond"` // Q is at most alpha
	Better bool    `json:"better"` // the direction; meaningful where Beyond is true
	dof    float64
}

// key tells findings apart; variant is the new audit's name.
type key struct{ check, question, variant, kind, scope, metric string }

// Compare says what changed from the old audit to the new one. Swapping the two
// turns worse into better and negates every change.
func Compare(before, after *Audit, o Options) (*Diff, error) {
	if !(o.Alpha > 0 && o.Alpha < 1 && o.Level > 0 && o.Level < 1) {
		return nil, fmt.Errorf("evidence: alpha %v and level %v, want shares between 0 and 1", o.Alpha, o.Level)
	}
	rename, warnings, err := pairVariants(before, after, o.Rename)
	if err != nil {
		return nil, err
	}
	d := &Diff{OldTool: before.Config.Tool, NewTool: after.Config.Tool, Counts: map[Change]int{}}
	d.Warnings = append(warnings, incomparable(before, after)...)
	old := index(before, rename)
	seen := map[key]bool{}
	for i := range after.Findings {
		f := &after.Findings[i]
		k := keyOf(f, f.Variant)
		if seen[k] || !compared(f) && !compared(old[k]) {
			continue
		}
		seen[k] = true
		d.Rows = append(d.Rows, rowOf(old[k], f, o))
	}
	for i := range before.Findings {
		f := &before.Findings[i]
		k := keyOf(f, renamed(rename, f.Variant))
		if !seen[k] && compared(f) {
			seen[k] = true
			d.Rows = append(d.Rows, rowOf(f, nil, o))
		}
	}
	if err := d.finish(o); err != nil {
		return nil, err
	}
	return d, nil
}

func keyOf(f *finding.Finding, variant string) key {
	return key{f.Check, f.Question, variant, string(f.Scope.Kind), f.Scope.Name, f.Metric}
}

func renamed(rename map[string]string, variant string) string {
	if to, ok := rename[variant]; ok {
		return to
	}
	return variant
}

func index(a *Audit, rename map[string]string) map[key]*finding.Finding {
	out := make(map[key]*finding.Finding, len(a.Findings))
	for i := range a.Findings {
		f := &a.Findings[i]
		k := keyOf(f, renamed(rename, f.Variant))
		if out[k] == nil {
			out[k] = f
		}
	}
	return out
}

// compared leaves out what is described and no answer.
func compared(f *finding.Finding) bool {
	return f != nil && direction(f.Question) != 0 && f.Outcome != finding.Described
}

func stateOf(f *finding.Finding) *State {
	if f == nil {
		return nil
	}
	s := &State{Variant: f.Variant, Outcome: f.Outcome, Reason: f.Reason, Word: f.Word, Estimate: f.Estimate, N: f.N}
	if f.Evidence != nil {
		s.StdErr = f.Evidence.StdErr
	}
	return s
}

func rowOf(before, after *finding.Finding, o Options) Row {
	f := after
	if f == nil {
		f = before
	}
	r := Row{Check: f.Check, Question: f.Question, Scope: f.Scope, Metric: f.Metric, Unit: f.Unit, Old: stateOf(before), New: stateOf(after)}
	if before != nil && after != nil {
		r.Delta, r.NoDelta = deltaOf(before, after, o)
	}
	return r
}

// deltaOf tests the change of an estimate, or says why it does not.
func deltaOf(before, after *finding.Finding, o Options) (*Delta, string) {
	switch {
	case shares(after.Question):
		return nil, "the estimate is that of the question above it"
	case before.Estimate == nil || after.Estimate == nil:
		return nil, "an estimate is missing"
	}
	old, now := before.Evidence, after.Evidence
	if old == nil || now == nil || old.StdErr == nil || now.StdErr == nil {
		return nil, "a standard error is missing"
	}
	if covers(before) != covers(after) {
		return nil, "the intervals cover different chance: " + covers(before) + ", and " + covers(after)
	}
	u, v := *old.StdErr**old.StdErr, *now.StdErr**now.StdErr
	if !(u+v > 0) {
		return nil, "no standard error is above 0"
	}
	d := &Delta{Value: *after.Estimate - *before.Estimate, StdErr: math.Sqrt(u + v), Level: o.Level}
	part := func(x float64, dof *float64) float64 {
		if dof == nil {
			return 0 // normal
		}
		return x / (u + v) * x / (u + v) / *dof
	}
	d.dof = math.Inf(1)
	if s := part(u, old.DoF) + part(v, now.DoF); s > 0 {
		d.dof = 1 / s
	}
	d.P = min(1, tail.TwoSidedT(d.Value/d.StdErr, d.dof))
	half := tail.StudentTQuantile((1-o.Level)/2, d.dof) * d.StdErr
	d.Low, d.High = d.Value-half, d.Value+half
	d.Better = d.Value*float64(direction(after.Question)) > 0
	return d, ""
}

func covers(f *finding.Finding) string {
	if f.Interval == nil {
		return "(not said)"
	}
	return string(f.Interval.Covers)
}

// finish corrects for the many tests, decides each row and sorts them.
func (d *Diff) finish(o Options) error {
	families := map[[4]string][]*Delta{}
	for i := range d.Rows {
		if r := &d.Rows[i]; r.Delta != nil {
			k := [4]string{r.Check, r.Question, string(r.Scope.Kind), r.New.Variant}
			families[k] = append(families[k], r.Delta)
		}
	}
	for _, list := range families {
		p := make([]float64, len(list))
		for i, x := range list {
			p[i] = x.P
		}
		q, err := multiple.BenjaminiHochberg(p)
		if err != nil {
			return fmt.Errorf("evidence: %w", err)
		}
		for i, x := range list {
			x.Q, x.Beyond = q[i], q[i] <= o.Alpha
		}
	}
	order := map[Change]int{}
	for i, c := range Changes() {
		order[c], d.Counts[c] = i, 0
	}
	for i := range d.Rows {
		d.Rows[i].Change = d.Rows[i].change()
		d.Counts[d.Rows[i].Change]++
	}
	slices.SortStableFunc(d.Rows, func(x, y Row) int {
		return cmp.Or(cmp.Compare(order[x.Change], order[y.Change]), cmp.Compare(y.size(), x.size()))
	})
	return nil
}

// change decides a row: a change of the estimate beyond chance outranks a change
// of the answer, which may be chance.
func (r *Row) change() Change {
	switch {
	case r.Old == nil:
		return Appeared
	case r.New == nil:
		return Vanished
	case r.Delta != nil && r.Delta.Beyond && r.Delta.Better:
		return GotBetter
	case r.Delta != nil && r.Delta.Beyond:
		return GotWorse
	case !decided(r.Old.Outcome) && decided(r.New.Outcome):
		return NewlyDecided
	case decided(r.Old.Outcome) && !decided(r.New.Outcome):
		return LostDecision
	case rank(r.New.Outcome) < rank(r.Old.Outcome):
		return GotWorse
	case rank(r.New.Outcome) > rank(r.Old.Outcome):
		return GotBetter
	}
	return Unchanged
}

// size is how much of a change a row is, 0 where that is not known.
func (r *Row) size() float64 {
	switch {
	case r.Delta != nil:
		return math.Abs(r.Delta.Value)
	case r.Old != nil && r.New != nil && r.Old.Estimate != nil && r.New.Estimate != nil:
		return math.Abs(*r.New.Estimate - *r.Old.Estimate)
	}
	return 0
}
