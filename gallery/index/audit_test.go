package index

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// made is an audit whose rows are counted here in the simplest way, one
// example at a time.
type made struct {
	cfg   *finding.Config
	table *prediction.Table
	rows  [][]finding.ExampleRow // by variant
	file  []byte
}

// plan is what an audit is made of.
type plan struct {
	n, classes  int
	members     []int // the baseline first
	attributes  int
	shifts      int
	highest     bool // ties go to the highest class
	positions   bool // the predictions have no ids
	hard        float64
	seed        uint64
	classPrefix string
}

func defaultPlan() plan {
	return plan{n: 700, classes: 5, members: []int{5, 4, 1}, attributes: 2, shifts: 2, hard: 0.5, seed: 1, classPrefix: "class "}
}

func (p plan) make(t testing.TB) *made {
	t.Helper()
	m := &made{table: p.table()}
	m.cfg = p.config(m.table)
	for v := 1; v < len(p.members); v++ {
		m.rows = append(m.rows, m.count(v))
	}
	m.write(t)
	return m
}

func (p plan) config(t *prediction.Table) *finding.Config {
	c := &finding.Config{Protocol: 1, Classes: t.Classes, Examples: p.n, Settings: finding.Settings{Ties: "lowest"}}
	if p.highest {
		c.Settings.Ties = "highest"
	}
	for i := range t.Variants {
		v := &t.Variants[i]
		c.Populations = append(c.Populations, finding.Population{Name: v.Name, Kind: string(v.Kind), Level: v.Level, Members: make([]finding.MemberInfo, len(v.Members))})
	}
	for i := range t.Shifts {
		s := &t.Shifts[i]
		c.Shifts = append(c.Shifts, finding.ShiftInfo{Name: s.Shift.Name, Paired: s.Shift.Paired, Examples: s.Table.Len()})
	}
	return c
}

// table draws predictions: examples differ in how hard they are, and wrong
// answers go to one of two labels, so that there are ties and flips.
func (p plan) table() *prediction.Table {
	random := rand.New(rand.NewPCG(p.seed, 1))
	t := &prediction.Table{Labels: prediction.NewColumn(p.n, p.classes)}
	for c := range p.classes {
		t.Classes = append(t.Classes, fmt.Sprintf("%s%d", p.classPrefix, c))
	}
	hardness := make([]float64, p.n)
	for i := range p.n {
		t.Labels.Set(i, random.IntN(p.classes))
		if random.Float64() < p.hard {
			hardness[i] = random.Float64()
		}
		id := fmt.Sprintf("test/%s%05d.PNG", []string{"", "Ä", "cat<b>", "CAT&"}[random.IntN(4)], i)
		if !p.positions {
			t.IDs = append(t.IDs, dataset.ExampleID(id))
		}
	}
	for a := range p.attributes {
		t.Attributes = append(t.Attributes, p.attribute(random, a))
	}
	t.Variants = p.variants(random, t.Labels, hardness, 0)
	for s := range p.shifts {
		shifted := &prediction.Table{Classes: t.Classes, IDs: t.IDs, Labels: t.Labels, Variants: p.variants(random, t.Labels, hardness, 0.2*float64(s+1))}
		sh, err := prediction.ParseShift(fmt.Sprintf("fog:%d", s+1))
		if err == nil {
			err = t.AddShift(shifted, sh)
		}
		if err != nil {
			panic(err)
		}
	}
	return t
}

func (p plan) attribute(random *rand.Rand, a int) prediction.Attribute {
	out := prediction.Attribute{Name: []string{"light", "a=b&c", "device"}[a%3], Codes: make([]int32, p.n)}
	for v := range 2 + a {
		out.Values = append(out.Values, []string{"day", "night", "", "100 % = all"}[v%4])
	}
	for i := range out.Codes {
		out.Codes[i] = int32(random.IntN(len(out.Values)+1)) - 1
	}
	return out
}

func (p plan) variants(random *rand.Rand, labels prediction.Column, hardness []float64, worse float64) []prediction.Variant {
	var out []prediction.Variant
	for v, k := range p.members {
		level := float64(v) / 10
		x := prediction.Variant{Name: fmt.Sprintf("pruned-%d", v), Kind: prediction.KindPruned, Level: &level}
		if v == 0 {
			x.Name, x.Kind = "dense", prediction.KindDense
		}
		for m := range k {
			c := prediction.NewColumn(p.n, p.classes)
			for i := range p.n {
				label := labels.At(i)
				if random.Float64() < hardness[i]*(0.6+0.2*float64(v))+worse {
					label = (label + 1 + i%2 + random.IntN(2)) % p.classes
				}
				c.Set(i, label)
			}
			x.Members = append(x.Members, prediction.Member{Name: fmt.Sprint(m), Predicted: c})
		}
		out = append(out, x)
	}
	return out
}

// tally counts the votes of some members on one example.
func tally(members []prediction.Member, i, classes int, highest bool) (votes []int, mode int, tied bool) {
	votes = make([]int, classes)
	for k := range members {
		votes[members[k].Predicted.At(i)]++
	}
	most := slices.Max(votes)
	first, last, times := -1, -1, 0
	for c, n := range votes {
		if n == most {
			if first < 0 {
				first = c
			}
			last = c
			times++
		}
	}
	if highest {
		first = last
	}
	return votes, first, times > 1
}

func voteText(votes []int) string {
	var order []int
	for c, n := range votes {
		if n > 0 {
			order = append(order, c)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return votes[b] - votes[a] })
	var out []string
	for _, c := range order {
		out = append(out, fmt.Sprintf("%d:%d", c, votes[c]))
	}
	return strings.Join(out, " ")
}

// count makes the rows of variant v.
func (m *made) count(v int) []finding.ExampleRow {
	t, highest := m.table, m.cfg.Settings.Ties == "highest"
	base, of := t.Variants[0].Members, t.Variants[v].Members
	k0, kt := len(base), len(of)
	out := make([]finding.ExampleRow, t.Len())
	for i := range out {
		b, mode0, tied0 := tally(base, i, len(t.Classes), highest)
		w, modeT, tiedT := tally(of, i, len(t.Classes), highest)
		truth := t.Labels.At(i)
		r := finding.ExampleRow{
			ID: string(t.ID(i)), Row: int64(i), Variant: t.Variants[v].Name, Label: int32(truth),
			BaseModal: int32(mode0), VariantModal: int32(modeT), Tie: tied0 || tiedT, PIE: mode0 != modeT, Flip: finding.FlipNone,
			BaseVotes: int32(b[truth]), VariantVotes: int32(w[truth]), BaseTop: int32(b[mode0]), VariantTop: int32(w[modeT]),
			BaseK: int32(k0), VariantK: int32(kt), Votes: voteText(b) + "|" + voteText(w),
		}
		sorted := slices.Clone(b)
		slices.Sort(sorted)
		r.Margin = float64(sorted[len(b)-1]-sorted[len(b)-2]) / float64(k0)
		d := 0
		for c := range b {
			x := b[c]*kt - w[c]*k0
			d += max(x, -x)
		}
		r.Taxicab = float64(d) / (float64(k0) * float64(kt))
		switch {
		case r.PIE && mode0 == truth:
			r.Flip = finding.FlipRightToWrong
		case r.PIE && modeT == truth:
			r.Flip = finding.FlipWrongToRight
		case r.PIE:
			r.Flip = finding.FlipWrongToWrong
		}
		if d > 0 && i%5 != 0 { // numbers that only have to come back as they are
			r.P, r.Q = finding.Float(1/(1+float64(d))), finding.Float(min(1, 3/(1+float64(d+i%3))))
			r.Changed = *r.Q < 0.2
			if r.PIE {
				r.CertifiedP, r.CertifiedQ = finding.Float(1/(2+float64(d))), finding.Float(2/(2+float64(d)))
				r.Certified = *r.CertifiedQ < 0.15
			}
		}
		out[i] = r
	}
	return out
}

func (m *made) write(t testing.TB) {
	t.Helper()
	var b bytes.Buffer
	w := finding.NewExampleWriter(&b)
	for _, rows := range m.rows {
		for i := range rows {
			if err := w.Write(&rows[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	m.file = b.Bytes()
}

func (m *made) reader(t testing.TB) *finding.ExampleReader {
	t.Helper()
	r, err := finding.NewExampleReader(bytes.NewReader(m.file), int64(len(m.file)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// index builds the index of the audit, everything read.
func (m *made) index(t testing.TB) *Index {
	t.Helper()
	x, err := Build(context.Background(), Input{Config: m.cfg, Examples: m.reader(t), Table: m.table})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	if err := x.Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
	return x
}
