package summary

import (
	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// topK describes the top-5 accuracy of baseline and variant where all members
// recorded at least five classes in order of score, or all scores.
func topK(v *audit.View, t int, out audit.Sink) error {
	const k = 5
	if len(v.Table.Classes) <= k {
		return nil
	}
	base, ok, err := topAccuracy(v, 0, k)
	if err != nil || !ok {
		return err
	}
	variant, ok, err := topAccuracy(v, t, k)
	if err != nil || !ok {
		return err
	}
	scope := finding.Scope{Kind: finding.Overall}
	name := v.Table.Variants[t].Name
	return out.Finding(finding.Finding{
		ID: audit.ID(Name, "top-5", name, scope), Check: Name, Question: "top-5", Scope: scope,
		Baseline: v.Table.Baseline().Name, Variant: name, Metric: "top-5 accuracy difference", Unit: finding.Difference,
		BaseValue: &base, Value: &variant, Estimate: finding.Float(variant - base), Outcome: finding.Described,
		N: v.Table.Len(), KBase: len(v.Table.Variants[0].Members), K: len(v.Table.Variants[t].Members),
	})
}

// topAccuracy is the mean share of examples whose true class is among the k
// classes of highest score; ok is false where a member did not record them.
func topAccuracy(v *audit.View, t, k int) (share float64, ok bool, err error) {
	members := v.Table.Variants[t].Members
	for m := range members {
		right, ok, err := topRight(v.Table, &members[m], k)
		if err != nil || !ok {
			return 0, false, err
		}
		share += float64(right) / float64(v.Table.Len()) / float64(len(members))
	}
	return share, true, nil
}

func topRight(t *prediction.Table, m *prediction.Member, k int) (right int, ok bool, err error) {
	switch {
	case len(m.TopK) >= k:
		for i := range t.Len() {
			for _, c := range m.TopK[:k] {
				if c.At(i) == t.Labels.At(i) {
					right++
					break
				}
			}
		}
		return right, true, nil
	case m.Scores == nil:
		return 0, false, nil
	}
	classes := len(t.Classes)
	const rows = 256
	buf := make([]float32, rows*classes)
	for from := 0; from < t.Len(); from += rows {
		n := min(rows, t.Len()-from)
		if err := m.Scores.Rows(from, buf[:n*classes]); err != nil {
			return 0, false, err
		}
		for i := range n {
			if rank(buf[i*classes:(i+1)*classes], t.Labels.At(from+i)) < k {
				right++
			}
		}
	}
	return right, true, nil
}

// rank counts the classes that come before the true one: a higher score, or
// the same score and a lower class number.
func rank(scores []float32, truth int) (before int) {
	for c, s := range scores {
		if s > scores[truth] || s == scores[truth] && c < truth {
			before++
		}
	}
	return before
}
