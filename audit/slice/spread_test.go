package slice

import (
	"math"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/prediction"
)

// plainSpread computes CEV and SDE of two populations the plain way.
func plainSpread(t *prediction.Table, base, variant []prediction.Member) (cev, sde float64) {
	rate := func(members []prediction.Member, c int) (fpr, fnr float64) {
		for _, m := range members {
			fp, fn, neg, pos := 0.0, 0.0, 0.0, 0.0
			for i := range t.Len() {
				y, x := t.Labels.At(i) == c, m.Predicted.At(i) == c
				switch {
				case y:
					pos++
					if !x {
						fn++
					}
				default:
					neg++
					if x {
						fp++
					}
				}
			}
			fpr += fp / neg / float64(len(members))
			fnr += fn / pos / float64(len(members))
		}
		return fpr, fnr
	}
	var d [][2]float64
	for c := range t.Classes {
		p0, n0 := rate(base, c)
		p1, n1 := rate(variant, c)
		d = append(d, [2]float64{(p1 - p0) / p0, (n1 - n0) / n0})
	}
	var m [2]float64
	for _, x := range d {
		m[0] += x[0] / float64(len(d))
		m[1] += x[1] / float64(len(d))
	}
	for _, x := range d {
		cev += (math.Pow(x[0]-m[0], 2) + math.Pow(x[1]-m[1], 2)) / float64(len(d))
		sde += math.Abs(x[1]-x[0]) / float64(len(d))
	}
	return cev, sde
}

func TestSpreadAgainstPlainCounting(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 600, Classes: 4, Members: []int{2, 3}, Accuracy: []float64{0.8, 0.7}, Seed: 5})
	got := audittest.Run(t, New(), table, audit.DefaultOptions())
	base, variant := table.Variants[0].Members, table.Variants[1].Members
	cev, sde := plainSpread(table, base, variant)
	// all 10 ways to choose the baseline's 2 of 5 members
	all := append(append([]prediction.Member{}, base...), variant...)
	meanCEV, meanSDE, reached := 0.0, 0.0, 0.0
	for i := range all {
		for j := range i {
			b := []prediction.Member{all[j], all[i]}
			var v []prediction.Member
			for k := range all {
				if k != i && k != j {
					v = append(v, all[k])
				}
			}
			x, y := plainSpread(table, b, v)
			meanCEV += x / 10
			meanSDE += y / 10
			if x >= cev-1e-12 {
				reached++
			}
		}
	}
	f, g := got.Find(t, "slice/cev/pruned-1/overall"), got.Find(t, "slice/sde/pruned-1/overall")
	if !near(*f.Estimate, cev) || !near(*g.Estimate, sde) || !near(*f.Reference, meanCEV) || !near(*g.Reference, meanSDE) {
		t.Errorf("CEV %v (%v), SDE %v (%v), want %v (%v), %v (%v)", *f.Estimate, *f.Reference, *g.Estimate, *g.Reference, cev, meanCEV, sde, meanSDE)
	}
	if !near(*f.Test.P, reached/10) {
		t.Errorf("p %v, want %v", *f.Test.P, reached/10)
	}
}

func TestSpreadWithSharedLineage(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 600, Classes: 4, Members: []int{3, 3}, Accuracy: []float64{0.8, 0.7}, Lineage: true, Seed: 5})
	got := audittest.Run(t, New(), table, audit.DefaultOptions())
	base, variant := table.Variants[0].Members, table.Variants[1].Members
	want := 0.0
	for mask := range 8 {
		var b, v []prediction.Member
		for l := range 3 {
			if mask>>l&1 == 0 {
				b, v = append(b, base[l]), append(v, variant[l])
			} else {
				b, v = append(b, variant[l]), append(v, base[l])
			}
		}
		cev, _ := plainSpread(table, b, v)
		want += cev / 8
	}
	if f := got.Find(t, "slice/cev/pruned-1/overall"); !near(*f.Reference, want) {
		t.Errorf("reference %v, want %v", *f.Reference, want)
	}
}

// Under no effect the estimate is on average its reference and p is uniform.
func TestReferenceUnderNoEffect(t *testing.T) {
	const runs = 150
	estimate, reference, square, small := 0.0, 0.0, 0.0, 0
	for seed := range uint64(runs) {
		table := audittest.Table(audittest.Spec{Examples: 250, Classes: 4, Members: []int{4, 4}, Accuracy: []float64{0.7, 0.7}, Seed: 1000 + seed})
		f := audittest.Run(t, New(), table, audit.DefaultOptions()).Find(t, "slice/sde/pruned-1/overall")
		d := *f.Estimate - *f.Reference
		estimate += *f.Estimate / runs
		reference += *f.Reference / runs
		square += d * d / runs
		if *f.Test.P <= 0.2 {
			small++
		}
	}
	se := math.Sqrt(square / runs)
	if math.Abs(estimate-reference) > 3*se || estimate < 0.01 {
		t.Errorf("mean estimate %v, mean reference %v, standard error %v", estimate, reference, se)
	}
	// binomial(150, .2): mean 30, sd 4.9
	if small < 15 || small > 45 {
		t.Errorf("p at or below .2 in %d of %d runs", small, runs)
	}
}

// A class without errors in the baseline cannot be a reference of a relative
// change; without two others there is nothing to measure.
func TestSpreadWithoutErrors(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 200, Classes: 3, Members: []int{2, 2}, Accuracy: []float64{1, 0.8}, Seed: 12})
	f := audittest.Run(t, New(), table, audit.DefaultOptions()).Find(t, "slice/cev/pruned-1/overall")
	if f.Outcome != "not_measurable" || f.Estimate != nil {
		t.Errorf("%+v", f)
	}
}
