package evidence

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/equivalence"
	"github.com/lethe-audit/lethe/stat/multiple"
)

// RatchetVersion is the version of the ratchet's file (doc/format/evidence.md).
//
//	1  first version
const RatchetVersion = 1

const ratchetSchema = "lethe-ratchet"

// Ratchet is the losses that were accepted once, one for each question, variant
// and scope. A later audit is held to them: what was harmed already may stay so,
// and nothing may slip further. It only ever tightens.
type Ratchet struct {
	Schema  string     `json:"schema"`
	Version int        `json:"version"`
	Tool    string     `json:"tool"` // of the audit it was last made from
	Entries []Accepted `json:"entries"`
}

// Accepted is one recorded loss, baseline minus variant, positive is worse.
type Accepted struct {
	Variant  string         `json:"variant"`
	Question string         `json:"question"`
	Kind     string         `json:"kind"`            // of the scope
	Scope    string         `json:"scope,omitempty"` // its name, "" for overall
	Loss     float64        `json:"loss"`            // a difference of shares
	StdErr   *float64       `json:"std_err,omitempty"`
	DoF      *float64       `json:"dof,omitempty"` // absent: normal
	Covers   finding.Covers `json:"covers,omitempty"`
	N        int            `json:"n"`
}

// Hold is what an audit says of one entry.
type Hold struct {
	Accepted Accepted             // what was recorded
	Now      *finding.Finding     // of the same scope; nil: none
	Loss     *float64             // now; nil where the audit cannot say
	Slip     *float64             // now minus recorded, positive is worse
	Verdict  equivalence.Verdict  // Within: not slipped by more than the slack; Beyond: slipped
	Decision equivalence.Decision // meaningful where Tested is true
	Tested   bool
	Holm     float64        // PBeyond corrected for all entries; it decides Beyond
	Reason   string         // why it was not tested
	Code     finding.Reason // the same, typed
}

// Of is the ratchet of some variants; all of it for none.
func (r *Ratchet) Of(variants []string) *Ratchet {
	if len(variants) == 0 {
		return r
	}
	out := *r
	out.Entries = slices.DeleteFunc(slices.Clone(r.Entries), func(e Accepted) bool { return !slices.Contains(variants, e.Variant) })
	return &out
}

// ratchets reports whether a finding is a loss that a ratchet records.
func ratchets(f *finding.Finding) bool {
	return (f.Question == "harm" || f.Question == "accuracy") && f.Unit == finding.Difference && f.Estimate != nil
}

// NewRatchet records the losses of an audit. It fails on one without any.
func NewRatchet(a *Audit) (*Ratchet, error) {
	r := &Ratchet{Schema: ratchetSchema, Version: RatchetVersion, Tool: a.Config.Tool}
	for i := range a.Findings {
		if f := &a.Findings[i]; ratchets(f) {
			r.Entries = append(r.Entries, acceptedOf(f))
		}
	}
	if len(r.Entries) == 0 {
		return nil, errors.New("evidence: ratchet: the audit has no losses to record: want the checks summary, classimpact or slice")
	}
	r.sort()
	return r, nil
}

func acceptedOf(f *finding.Finding) Accepted {
	// 0 - x: the loss of an estimate of 0 is 0, not the -0 that the file would show.
	e := Accepted{Variant: f.Variant, Question: f.Question, Kind: string(f.Scope.Kind), Scope: f.Scope.Name, Loss: 0 - *f.Estimate, N: f.N}
	if f.Evidence != nil {
		e.StdErr, e.DoF = f.Evidence.StdErr, f.Evidence.DoF
	}
	if f.Interval != nil {
		e.Covers = f.Interval.Covers
	}
	return e
}

func (e *Accepted) less(o *Accepted) int {
	return cmp.Or(cmp.Compare(e.Variant, o.Variant), cmp.Compare(e.Question, o.Question), cmp.Compare(e.Kind, o.Kind), cmp.Compare(e.Scope, o.Scope))
}

func (r *Ratchet) sort() {
	slices.SortStableFunc(r.Entries, func(x, y Accepted) int { return x.less(&y) })
}

// scopeKey tells recorded losses apart.
type scopeKey struct{ variant, question, kind, scope string }

func (e *Accepted) key() scopeKey { return scopeKey{e.Variant, e.Question, e.Kind, e.Scope} }

// losses are the findings that a ratchet compares, by key, estimated or not.
func (a *Audit) losses() map[scopeKey]*finding.Finding {
	out := map[scopeKey]*finding.Finding{}
	for i := range a.Findings {
		f := &a.Findings[i]
		k := scopeKey{f.Variant, f.Question, string(f.Scope.Kind), f.Scope.Name}
		if out[k] == nil {
			out[k] = f
		}
	}
	return out
}

// Check compares an audit with what was accepted: a scope has slipped if its loss
// grew by more than slack (a difference of shares, at least 0), with Holm's
// correction at alpha over all entries; it holds if the growth is shown to be
// smaller than the slack, each at alpha. Entries that the audit has no finding of
// are not tested, so they never hold: dropping a class is no way to pass.
func (r *Ratchet) Check(a *Audit, slack, alpha float64) ([]Hold, error) {
	if !(slack >= 0 && slack < 1) || !(alpha > 0 && alpha < 0.5) {
		return nil, fmt.Errorf("evidence: ratchet: slack %v and alpha %v, want a share of at least 0 and a level below 0.5", slack, alpha)
	}
	now := a.losses()
	holds := make([]Hold, len(r.Entries))
	var p []float64
	var tested []int
	for i := range r.Entries {
		h, err := r.Entries[i].hold(now[r.Entries[i].key()], slack, alpha)
		if err != nil {
			return nil, err
		}
		holds[i] = h
		if h.Tested {
			p, tested = append(p, h.Decision.PBeyond), append(tested, i)
		}
	}
	if len(p) == 0 {
		return holds, nil
	}
	holm, err := multiple.Holm(p)
	if err != nil {
		return nil, fmt.Errorf("evidence: ratchet: %w", err)
	}
	for j, i := range tested {
		h := &holds[i]
		h.Holm = holm[j]
		switch {
		case h.Holm <= alpha:
			h.Verdict = equivalence.Beyond
		case h.Decision.PWithin <= alpha:
			h.Verdict = equivalence.Within
		}
	}
	return holds, nil
}

// hold compares one entry with the finding of the same scope.
func (e *Accepted) hold(f *finding.Finding, slack, alpha float64) (Hold, error) {
	h := Hold{Accepted: *e, Now: f}
	switch {
	case f == nil:
		h.Reason, h.Code = "the audit has no finding for it", finding.NotComputed
		return h, nil
	case f.Estimate == nil:
		h.Reason, h.Code = "the audit cannot say: "+string(f.Reason), f.Reason
		return h, nil
	}
	now := acceptedOf(f)
	slip := now.Loss - e.Loss
	h.Loss, h.Slip = &now.Loss, &slip
	switch {
	case e.StdErr == nil && now.StdErr == nil && slip <= 0:
		h.Reason, h.Code = "no answer changed then or now", finding.NoMemberVariance
		return h, nil
	case e.Covers != now.Covers && e.Covers != "" && now.Covers != "":
		h.Reason, h.Code = fmt.Sprintf("the recorded interval covers %s, this one %s", e.Covers, now.Covers), finding.NotIndependent
		return h, nil
	}
	se, dof := difference(e, &now)
	d, err := equivalence.Decide(slip, se, dof, slack, alpha)
	if err != nil {
		return h, fmt.Errorf("evidence: ratchet: %s: %w", f.ID, err)
	}
	h.Decision, h.Tested = d, true
	return h, nil
}

// Held reports whether the entry is known not to have grown, or was tested without
// showing that it has. Entries without a finding are not held.
func (h *Hold) Held() bool {
	return h.Verdict != equivalence.Beyond && (h.Tested || h.Slip != nil && *h.Slip <= 0)
}

// variance is that of the loss. Where no answer changed there is no standard error,
// and the chance of that loss counts as that of a single changed answer.
func (e *Accepted) variance() float64 {
	if e.StdErr != nil && *e.StdErr > 0 {
		return *e.StdErr * *e.StdErr
	}
	n := float64(max(1, e.N))
	return 1 / (n * n)
}

// difference is the standard error of the difference of two losses, taken as
// independent, and Welch's degrees of freedom.
func difference(x, y *Accepted) (se, dof float64) {
	u, v := x.variance(), y.variance()
	sum := 0.0
	for _, part := range []struct {
		v   float64
		dof *float64
	}{{u, x.DoF}, {v, y.DoF}} {
		if part.dof != nil && u+v > 0 {
			sum += part.v / (u + v) * part.v / (u + v) / *part.dof
		}
	}
	dof = math.Inf(1)
	if sum > 0 {
		dof = 1 / sum
	}
	return math.Sqrt(u + v), dof
}

// Tighten is the ratchet after an audit that was accepted: entries whose loss
// became smaller beyond chance take the new loss, scopes without an entry get
// one, all others stay. Taking every smaller loss instead would, over many
// audits, record the luckiest of them.
func (r *Ratchet) Tighten(a *Audit, alpha float64) (*Ratchet, error) {
	fresh, err := NewRatchet(a)
	if err != nil {
		return nil, err
	}
	out := &Ratchet{Schema: ratchetSchema, Version: RatchetVersion, Tool: a.Config.Tool}
	now, recorded := a.losses(), map[scopeKey]bool{}
	for i := range r.Entries {
		e := r.Entries[i]
		recorded[e.key()] = true
		h, err := e.hold(now[e.key()], 0, alpha)
		if err != nil {
			return nil, err
		}
		if h.Tested && h.Decision.Verdict == equivalence.Within {
			e = acceptedOf(now[e.key()])
		}
		out.Entries = append(out.Entries, e)
	}
	for i := range fresh.Entries {
		e := &fresh.Entries[i]
		if !recorded[e.key()] {
			out.Entries = append(out.Entries, *e)
		}
	}
	out.sort()
	return out, nil
}

// Write writes the ratchet's file.
func (r *Ratchet) Write(w io.Writer) error { return encode(w, r) }

// ReadRatchet reads a ratchet's file.
func ReadRatchet(in io.Reader) (*Ratchet, error) {
	r := new(Ratchet)
	if err := decode(in, ratchetSchema, RatchetVersion, r); err != nil {
		return nil, fmt.Errorf("evidence: ratchet: %w", err)
	}
	for i := range r.Entries {
		e := &r.Entries[i]
		bad := e.StdErr != nil && *e.StdErr < 0 || e.DoF != nil && *e.DoF <= 0
		if bad || e.Question == "" || e.Variant == "" || math.Abs(e.Loss) > 1 {
			return nil, fmt.Errorf("evidence: ratchet: entry %d: want a question, a variant, a loss in [-1, 1], a standard error from 0 and degrees of freedom above 0", i+1)
		}
	}
	r.sort()
	return r, nil
}

func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// decode reads one JSON document of a schema up to a version; the version is
// looked at first, because another one may have other types.
func decode(in io.Reader, schema string, version int, v any) error {
	b, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	var head struct {
		Schema  string
		Version int
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return err
	}
	if head.Schema != schema {
		return fmt.Errorf("want schema %q, got %q", schema, head.Schema)
	}
	if head.Version < 1 || head.Version > version {
		return fmt.Errorf("want version 1 to %d, got %d: it was written by another release", version, head.Version)
	}
	return json.Unmarshal(b, v)
}
