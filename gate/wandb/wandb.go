// Package wandb writes a gate's result as CSV, one row for each scope, which W&B
// takes as a table (wandb.Table(dataframe=pandas.read_csv(...))). W&B shows 200,000
// rows of a table; the worst are kept.
package wandb

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/words"
)

// Options are the settings of [Write].
type Options struct {
	Rows int // rows at most, at least 1
}

// DefaultOptions keep what W&B shows.
func DefaultOptions() Options { return Options{Rows: 200_000} }

// Columns are the names of the columns. Losses and margins are shares (nats where the
// unit is nats), positive is worse; a number that is not there is an empty cell.
func Columns() []string {
	return []string{"policy", "rule", "variant", "rule_verdict", "scope", "verdict", "answer", "loss", "loss_low", "loss_high", "margin", "unit",
		"base", "value", "p_within", "p_beyond", "p_beyond_adjusted", "n", "members_base", "members_variant", "covers", "finding"}
}

// Write writes the result. left is how many scopes did not fit.
func Write(w io.Writer, r *gate.Result, o Options) (left int, err error) {
	out := csv.NewWriter(w)
	if err := out.Write(Columns()); err != nil {
		return 0, fmt.Errorf("wandb: %w", err)
	}
	for i, c := range words.Worst(r) {
		if i >= max(o.Rows, 1) {
			left++
			continue
		}
		if err := out.Write(row(r, c)); err != nil {
			return 0, fmt.Errorf("wandb: %w", err)
		}
	}
	out.Flush()
	return left, out.Error()
}

func row(r *gate.Result, c words.Case) []string {
	rr, s := c.Rule, c.Scope
	num := func(v *float64) string {
		if v == nil {
			return ""
		}
		return strconv.FormatFloat(*v, 'g', -1, 64)
	}
	var low, high *float64
	if s.Loss != nil {
		low, high = &s.Low, &s.High
	}
	return []string{
		words.Clean(r.Policy), words.Clean(rr.Rule.Name), words.Clean(rr.Variant), string(rr.Verdict), words.Clean(s.Name()), string(s.Verdict), words.Answer(&rr.Rule, s),
		num(s.Loss), num(low), num(high), num(&s.Margin), string(rr.Rule.Margin.Unit), num(s.Base), num(s.Value),
		num(s.PWithin), num(s.PBeyond), num(s.Adjusted), strconv.Itoa(s.N), strconv.Itoa(s.KBase), strconv.Itoa(s.K), string(s.Covers), words.Clean(s.Finding),
	}
}
