package frontier_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/audit/frontier"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

const classes = 4

// variant is a planted candidate: the share of right answers of each class that
// it loses, and its sizes.
type variant struct {
	loss  [classes]float64
	zstd  int64
	bytes int64
	bits  int
}

// ladder is a baseline of 1,000 bytes that is right nine times in ten, and
// candidates.
func ladder(perClass int, variants ...variant) *prediction.Table {
	n := perClass * classes
	table := audittest.Table(audittest.Spec{Examples: n, Classes: classes, Members: []int{1}, Seed: 5})
	r := rand.New(rand.NewPCG(1, 2))
	base := &table.Variants[0].Members[0]
	base.Predicted = prediction.NewColumn(n, classes)
	for i := range n {
		p := table.Labels.At(i)
		if r.Float64() < 0.1 {
			p = (p + 1) % classes
		}
		base.Predicted.Set(i, p)
	}
	facts := func(name string, bytes, zstd int64, bits int) *prediction.ModelFacts {
		return &prediction.ModelFacts{WeightsDigest: name, Bytes: bytes, BytesZstd: zstd, Layers: []prediction.LayerFacts{{Name: "conv", Parameters: 100, Bits: bits}}}
	}
	base.Facts = facts("base", 1100, 1000, 32)
	for v, x := range variants {
		m := prediction.Member{Name: fmt.Sprint("m", v), Predicted: prediction.NewColumn(n, classes), Facts: facts(fmt.Sprint(v), x.bytes, x.zstd, x.bits)}
		for i := range n {
			p := base.Predicted.At(i)
			if y := table.Labels.At(i); p == y && r.Float64() < x.loss[y] {
				p = (p + 2) % classes
			}
			m.Predicted.Set(i, p)
		}
		table.Variants = append(table.Variants, prediction.Variant{Name: fmt.Sprint("v", v), Kind: prediction.KindQuantized, Members: []prediction.Member{m}})
	}
	return table
}

// The smallest variant within the margin is chosen; neither a smaller one that
// harms a class, nor one that is undecided, nor one that was not compressed.
func TestChoice(t *testing.T) {
	table := ladder(4000,
		variant{loss: [classes]float64{0, 0.001, 0, 0}, zstd: 500, bytes: 600, bits: 16},
		variant{loss: [classes]float64{0.004, 0.002, 0, 0}, zstd: 300, bytes: 600, bits: 8},
		variant{loss: [classes]float64{0.022, 0, 0, 0}, zstd: 200, bytes: 600, bits: 8},
		variant{loss: [classes]float64{0.2, 0, 0.1, 0}, zstd: 100, bytes: 600, bits: 4},
		variant{zstd: 50, bytes: 600, bits: 32},
	)
	c := audittest.Run(t, frontier.New(), table, audit.DefaultOptions())
	for v, want := range []finding.Outcome{finding.NotDetected, finding.NotDetected, finding.NotMeasurable, finding.Worse} {
		if f := c.Find(t, fmt.Sprintf("frontier/within-margin/v%d/overall", v)); f.Outcome != want {
			t.Errorf("v%d: %s, want %s (%v, at most %v)", v, f.Outcome, want, *f.Estimate, *f.Bound)
		}
	}
	f := c.Find(t, "frontier/choice//overall")
	if f.Variant != "v1" || math.Abs(*f.Estimate-0.3) > 1e-12 {
		t.Errorf("chosen %s at %v of the size", f.Variant, *f.Estimate)
	}
	rows := c.Get(t, "frontier", "").Rows
	if len(rows) != 6 || rows[0][0] != "base" && rows[0][0] != table.Variants[0].Name || rows[5][8] != string(frontier.Void) {
		t.Errorf("rows %v", rows)
	}
	for _, row := range rows {
		if chosen := row[10] == "yes"; chosen != (row[0] == "v1") {
			t.Errorf("%v: chosen %v", row[0], chosen)
		}
	}
}

// Nobody on the front is beaten, and everybody else is.
func TestPareto(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	var variants []variant
	for range 12 {
		variants = append(variants, variant{loss: [classes]float64{r.Float64() / 5, r.Float64() / 5}, zstd: 100 + r.Int64N(800), bytes: 900, bits: 8})
	}
	table := ladder(300, variants...)
	v, err := audit.NewView(table, audit.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	c, err := frontier.Choose(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	on := 0
	for _, p := range c.Points {
		beaten := false
		for _, q := range c.Points {
			beaten = beaten || q.Packed <= p.Packed && *q.Worst >= *p.Worst && (q.Packed != p.Packed || *q.Worst != *p.Worst)
		}
		if beaten == p.Pareto {
			t.Errorf("%s: beaten %v, on the front %v", p.Variant, beaten, p.Pareto)
		}
		if p.Pareto {
			on++
		}
	}
	if on < 2 || on == len(c.Points) {
		t.Errorf("%d of %d points are on the front: the test shows nothing", on, len(c.Points))
	}
}

// Nothing is chosen where nothing is within the margin, and nothing is said of a
// single candidate or without files.
func TestNothingToChoose(t *testing.T) {
	bad := variant{loss: [classes]float64{0.3, 0, 0, 0}, zstd: 100, bytes: 600, bits: 8}
	c := audittest.Run(t, frontier.New(), ladder(500, bad, bad), audit.DefaultOptions())
	if f := c.Find(t, "frontier/choice//overall"); f.Reason != finding.NoneWithin || f.Variant != "" {
		t.Errorf("%+v", f)
	}
	if c := audittest.Run(t, frontier.New(), ladder(500, bad), audit.DefaultOptions()); len(c.Findings) != 0 {
		t.Errorf("one candidate: %v", c.IDs())
	}
	table := ladder(500, bad, bad)
	table.Variants[0].Members[0].Facts = nil
	if c := audittest.Run(t, frontier.New(), table, audit.DefaultOptions()); len(c.Findings) != 0 {
		t.Errorf("no files: %v", c.IDs())
	}
}
