package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/lethe-audit/lethe/evidence"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/spf13/cobra"
)

// ratchetOptions are the flags of a ratchet, which gate and compare share.
type ratchetOptions struct {
	file   string
	update bool
}

func (o *ratchetOptions) add(c *cobra.Command) {
	s := c.Flags()
	s.StringVar(&o.file, "ratchet", "", "hold losses to those in `FILE`: written by the first run that does not fail; later runs fail where one has grown beyond chance")
	s.BoolVar(&o.update, "ratchet-update", false, "after a run that does not fail, tighten the ratchet: losses that shrank beyond chance, and new classes")
}

func (o *ratchetOptions) check(command string) error {
	if o.update && o.file == "" {
		return errUsage{errors.New("--ratchet-update needs --ratchet FILE"), command}
	}
	return nil
}

// ratchetAlpha is the level at which a ratchet fails.
const ratchetAlpha = 0.05

// ratchet is a ratchet that was read, and the audit that it is compared with.
type ratchet struct {
	options  *ratchetOptions
	was      *evidence.Ratchet // nil: this is the first run
	audit    *evidence.Audit
	variants []string // that are judged; empty: all
}

// readRatchet reads the file, before anything is decided; nil without one.
func readRatchet(o *ratchetOptions, auditName string, variants []string) (*ratchet, error) {
	if o.file == "" {
		return nil, nil
	}
	r := &ratchet{options: o, variants: variants}
	data, err := os.ReadFile(o.file)
	if err == nil {
		r.was, err = evidence.ReadRatchet(bytes.NewReader(data))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("ratchet: %s: %w", o.file, err)
	}
	if r.audit, err = readAudit(auditName); err != nil {
		return nil, err
	}
	r.audit = r.audit.Of(variants)
	return r, nil
}

// judge adds the ratchet's answers to a verdict. The first run has nothing to be held
// to.
func (r *ratchet) judge(res *gate.Result) error {
	if r == nil || r.was == nil {
		return nil
	}
	holds, err := r.was.Of(r.variants).Check(r.audit, 0, ratchetAlpha)
	if err != nil {
		return fmt.Errorf("%s: %w", r.options.file, err)
	}
	list := make([]gate.Recorded, len(holds))
	for i := range holds {
		list[i] = recordedOf(&holds[i])
	}
	res.AddRatchet(r.options.file, ratchetAlpha, list)
	return nil
}

func recordedOf(h *evidence.Hold) gate.Recorded {
	e := &h.Accepted
	out := gate.Recorded{
		Variant: e.Variant, Question: e.Question, Scope: finding.Scope{Kind: finding.ScopeKind(e.Kind), Name: e.Scope},
		Was: e.Loss, Now: h.Loss, N: e.N, Verdict: gate.Undecided, Reason: h.Code,
	}
	if h.Now != nil {
		out.Scope, out.Finding, out.N = h.Now.Scope, h.Now.ID, h.Now.N
	}
	if h.Tested {
		out.Covers = e.Covers
		out.Low, out.High = e.Loss+h.Decision.Low, e.Loss+h.Decision.High
		out.P, out.Adjusted = &h.Decision.PBeyond, &h.Holm
	}
	switch {
	case h.Held():
		out.Verdict, out.Reason = gate.Pass, ""
	case h.Tested:
		out.Verdict = gate.Fail
	}
	return out
}

// write writes the first ratchet, or tightens it where that is asked for. What a gate
// refuses is not recorded.
func (r *ratchet) write(v gate.Verdict, log *slog.Logger) error {
	if r == nil || r.was != nil && !r.options.update {
		return nil
	}
	name := r.options.file
	if v == gate.Fail {
		log.Warn(fmt.Sprintf("ratchet: %s is not written: the gate failed", name))
		return nil
	}
	var next *evidence.Ratchet
	var said string
	var err error
	if r.was == nil {
		said = "written"
		next, err = evidence.NewRatchet(r.audit)
	} else {
		said = "tightened"
		next, err = r.was.Tighten(r.audit, ratchetAlpha)
	}
	if err != nil {
		return err
	}
	if err := atomicfile.Write(name, next.Write); err != nil {
		return fmt.Errorf("ratchet: %w", err)
	}
	log.Info(fmt.Sprintf("ratchet: %s is %s: %s", name, said, num.Plural(len(next.Entries), "loss", "losses")))
	return nil
}
