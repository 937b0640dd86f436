package slice

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// in reports whether example i is in the subgroup.
func in(t *prediction.Table, s finding.Scope, i int) bool {
	for _, g := range s.Groups {
		a := t.Attributes[slices.IndexFunc(t.Attributes, func(a prediction.Attribute) bool { return a.Name == g.Attribute })]
		if c := a.Codes[i]; c < 0 || a.Values[c] != g.Value {
			return false
		}
	}
	return true
}

// plain holds the means over members of one variant, counted the plain way.
type plain struct {
	n, positives                  int
	accuracy, fpr, fnr, precision float64
}

func count(t *prediction.Table, v int, s finding.Scope, positive int) plain {
	var p plain
	members := t.Variants[v].Members
	for _, m := range members {
		n, right, pos, neg, fp, tp := 0, 0, 0, 0, 0, 0
		for i := range t.Len() {
			if !in(t, s, i) {
				continue
			}
			y, x := t.Labels.At(i), m.Predicted.At(i)
			n++
			if y == x {
				right++
			}
			switch {
			case y == positive && x == positive:
				pos++
				tp++
			case y == positive:
				pos++
			case x == positive:
				neg++
				fp++
			default:
				neg++
			}
		}
		k := float64(len(members))
		p.n, p.positives = n, pos
		p.accuracy += float64(right) / float64(n) / k
		p.fpr += float64(fp) / float64(neg) / k
		p.fnr += float64(pos-tp) / float64(pos) / k
		p.precision += float64(tp) / float64(tp+fp) / k
	}
	return p
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-12 }

func TestAgainstPlainCounting(t *testing.T) {
	for _, lineage := range []bool{false, true} {
		table := audittest.Table(audittest.Spec{Examples: 1500, Classes: 4, Members: []int{5, 5}, Accuracy: []float64{0.85, 0.7}, Attributes: []int{2, 3}, Lineage: lineage, Seed: 9})
		for i := 0; i < table.Len(); i += 7 {
			table.Attributes[1].Codes[i] = -1
		}
		o := audit.DefaultOptions()
		o.Positive = 2
		got := audittest.Run(t, New(), table, o)
		subgroups := 0
		for _, f := range got.Findings {
			if f.Scope.Kind != finding.Subgroup {
				continue
			}
			b, v := count(table, 0, f.Scope, 2), count(table, 1, f.Scope, 2)
			base, value, n := b.accuracy, v.accuracy, b.n
			switch f.Question {
			case "harm":
				subgroups++
			case "fpr":
				base, value, n = b.fpr, v.fpr, b.n-b.positives
			case "fnr":
				base, value, n = b.fnr, v.fnr, b.positives
			case "precision":
				base, value = b.precision, v.precision
			default:
				continue
			}
			if f.N != n || !near(*f.BaseValue, base) || !near(*f.Value, value) || !near(*f.Estimate, value-base) {
				t.Errorf("%s: n %d, %v to %v (%v), want n %d, %v to %v", f.ID, f.N, *f.BaseValue, *f.Value, *f.Estimate, n, base, value)
			}
			if f.Interval != nil && !(f.Interval.Low <= *f.Estimate && *f.Estimate <= f.Interval.High) {
				t.Errorf("%s: %v outside %+v", f.ID, *f.Estimate, f.Interval)
			}
		}
		if subgroups != 2+3+6 {
			t.Errorf("%d subgroups, want 11", subgroups)
		}
	}
}

func TestTableRows(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 1500, Classes: 2, Members: []int{5, 4}, Accuracy: []float64{0.85, 0.7}, Attributes: []int{2, 3}, Seed: 9})
	got := audittest.Run(t, New(), table, audit.DefaultOptions())
	x := got.Get(t, "subgroups", "pruned-1")
	at := func(name string) int {
		return slices.IndexFunc(x.Columns, func(c finding.Column) bool { return c.Name == name })
	}
	for _, row := range x.Rows {
		name := row[0].(string)
		f := got.Find(t, "slice/harm/pruned-1/subgroup:"+name)
		b, v := count(table, 0, f.Scope, 1), count(table, 1, f.Scope, 1)
		for column, want := range map[string]float64{
			"accuracy_base": b.accuracy, "accuracy": v.accuracy, "difference": v.accuracy - b.accuracy,
			"error_relative": ((1 - v.accuracy) - (1 - b.accuracy)) / (1 - b.accuracy),
			"fpr_base":       b.fpr, "fpr": v.fpr, "fpr_relative": (v.fpr - b.fpr) / b.fpr,
			"fnr_base": b.fnr, "fnr": v.fnr, "fnr_relative": (v.fnr - b.fnr) / b.fnr,
			"precision_base": b.precision, "precision": v.precision,
			"excess_gap": -*got.Find(t, "slice/disproportion/pruned-1/subgroup:"+name).Estimate,
		} {
			if y := row[at(column)].(float64); math.Abs(y-want) > 1e-10 {
				t.Errorf("%s, %s: %v, want %v", name, column, y, want)
			}
		}
	}
	if len(x.Rows) != 11 {
		t.Errorf("%d rows", len(x.Rows))
	}
}

// What is a false positive for one class is a false negative for the other.
func TestPositiveAndNegativeMirror(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 900, Classes: 2, Members: []int{4, 4}, Accuracy: []float64{0.85, 0.7}, Attributes: []int{3}, Seed: 2})
	o := audit.DefaultOptions()
	assumed := audittest.Run(t, New(), table, o)
	o.Positive = 0
	zero := audittest.Run(t, New(), table, o)
	for _, v := range table.Attributes[0].Values {
		a := assumed.Find(t, "slice/fpr/pruned-1/subgroup:a0="+v)
		b := zero.Find(t, "slice/fnr/pruned-1/subgroup:a0="+v)
		if *a.Estimate != *b.Estimate || a.N != b.N || *a.Test.P != *b.Test.P {
			t.Errorf("%v and %v", *a.Estimate, *b.Estimate)
		}
		if a.Outcome == finding.Worse && *a.Estimate < 0 || a.Outcome == finding.Better && *a.Estimate > 0 {
			t.Errorf("%s with an estimate of %v", a.Outcome, *a.Estimate)
		}
		warned := func(f finding.Finding) bool {
			return slices.ContainsFunc(f.Warnings, func(w finding.Warning) bool { return w.Code == "positive-class" })
		}
		if !warned(a) || warned(b) {
			t.Error("only an assumed positive class is warned about")
		}
	}
}

func TestPlantedSubgroup(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 4000, Classes: 5, Members: []int{8, 8}, Accuracy: []float64{0.9, 0.9}, Attributes: []int{2, 3}, Seed: 21})
	for k := range table.Variants[1].Members {
		rng := rand.New(rand.NewPCG(uint64(k), 4))
		for i := range table.Len() {
			if table.Attributes[0].Codes[i] == 1 && table.Attributes[1].Codes[i] == 2 && rng.Float64() < 0.15 {
				table.Variants[1].Members[k].Predicted.Set(i, (table.Labels.At(i)+1)%5)
			}
		}
	}
	got := audittest.Run(t, New(), table, audit.DefaultOptions())
	for _, a := range []string{"v0", "v1"} {
		for _, b := range []string{"v0", "v1", "v2"} {
			name := "a0=" + a + " & a1=" + b
			h := got.Find(t, "slice/harm/pruned-1/subgroup:"+name)
			d := got.Find(t, "slice/disproportion/pruned-1/subgroup:"+name)
			planted := a == "v1" && b == "v2"
			if (h.Outcome == finding.Worse) != planted || (d.Word == finding.HarmedMore) != planted {
				t.Errorf("%s: %s, %q", name, h.Outcome, d.Word)
			}
			if h.Test.Family.Size != 6 || !strings.Contains(h.Test.Family.Name, "a0 x a1") {
				t.Errorf("family %+v", h.Test.Family)
			}
		}
	}
}

// An attribute with two values makes one disproportion test.
func TestTwoValuesAreOneTest(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 800, Classes: 3, Members: []int{6, 6}, Accuracy: []float64{0.9, 0.8}, Attributes: []int{2}, Seed: 3})
	got := audittest.Run(t, New(), table, audit.DefaultOptions())
	a := got.Find(t, "slice/disproportion/pruned-1/subgroup:a0=v0")
	b := got.Find(t, "slice/disproportion/pruned-1/subgroup:a0=v1")
	if *b.Estimate < 0 {
		a, b = b, a // told by the group that lost more
	}
	if a.Test == nil || a.Test.Family.Size != 1 || b.Reason != finding.ComplementOfOther || b.Test != nil {
		t.Errorf("%+v and %s", a.Test, b.Reason)
	}
}

func TestOnePairUsesMcNemar(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 800, Classes: 3, Members: []int{1, 1}, Accuracy: []float64{0.9, 0.7}, Attributes: []int{2}, Seed: 3})
	got := audittest.Run(t, New(), table, audit.DefaultOptions())
	f := got.Find(t, "slice/harm/pruned-1/subgroup:a0=v0")
	if f.Test == nil || f.Test.Name != "exact McNemar" || f.Evidence.Pairs.N() != int64(f.N) {
		t.Errorf("%+v", f.Test)
	}
	if f := got.Find(t, "slice/cev/pruned-1/overall"); f.Reference != nil || f.Test != nil {
		t.Error("one pair of models has no reference for CEV")
	}
}

func TestSmallSubgroupsAreCounted(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 300, Classes: 3, Members: []int{3, 3}, Attributes: []int{2, 1}, Seed: 3})
	file := prediction.Attribute{Name: "file", Codes: make([]int32, 300)}
	for i := range file.Codes { // a value for every example, but two large ones
		file.Codes[i] = int32(min(i, 250))
	}
	for i := range 251 {
		file.Values = append(file.Values, fmt.Sprint("f", i))
	}
	table.Attributes = append(table.Attributes, file)
	got := audittest.Run(t, New(), table, audit.DefaultOptions())
	f := got.Find(t, "slice/harm/pruned-1/subgroup:small subgroups of file")
	if f.Reason != finding.TooFewExamples || f.N != 250 || !strings.Contains(f.Needed, "250 subgroups") {
		t.Errorf("%+v", f)
	}
	if f := got.Find(t, "slice/harm//overall:a1"); f.Reason != finding.NothingToMeasure {
		t.Errorf("an attribute with one value: %+v", f)
	}
	if n := len(got.Findings); n > 30 {
		t.Errorf("%d findings", n)
	}
}

func TestNoAttributes(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 300, Classes: 3, Members: []int{3, 3}, Seed: 3})
	got := audittest.Run(t, New(), table, audit.DefaultOptions())
	if f := got.Find(t, "slice/harm//overall"); f.Reason != finding.NoAttributes || len(got.Tables) != 0 {
		t.Errorf("%+v", f)
	}
	got.Find(t, "slice/cev/pruned-1/overall")
}

func TestNoPositiveClass(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 300, Classes: 3, Members: []int{3, 3}, Attributes: []int{2}, Seed: 3})
	got := audittest.Run(t, New(), table, audit.DefaultOptions())
	if f := got.Find(t, "slice/fpr//overall"); f.Reason != finding.NoPositiveClass {
		t.Errorf("%+v", f)
	}
}

func TestCombinations(t *testing.T) {
	got := combinations([]int{1, 4, 6}, 2)
	want := [][]int{{1}, {4}, {6}, {1, 4}, {1, 6}, {4, 6}}
	if len(got) != len(want) {
		t.Fatal(got)
	}
	for i := range want {
		if !slices.Equal(got[i], want[i]) {
			t.Errorf("%v, want %v", got[i], want[i])
		}
	}
	if n := len(combinations([]int{0, 1, 2, 3, 4}, 3)); n != 5+10+10 {
		t.Error(n)
	}
}

func TestSwappingNegates(t *testing.T) {
	for _, members := range [][]int{{5, 4}, {1, 1}} {
		table := audittest.Table(audittest.Spec{Examples: 900, Classes: 2, Members: members, Accuracy: []float64{0.9, 0.75}, Attributes: []int{3}, Seed: 6})
		a := audittest.Run(t, New(), table, audit.DefaultOptions())
		b := audittest.Run(t, New(), audittest.Swapped(table), audit.DefaultOptions())
		for _, f := range a.Findings {
			if f.Scope.Kind != finding.Subgroup || f.Question == "non-inferiority" || f.Estimate == nil {
				continue
			}
			g := b.Find(t, f.ID)
			if !near(*f.Estimate, -*g.Estimate) {
				t.Errorf("%s: %v and %v", f.ID, *f.Estimate, *g.Estimate)
			}
			if (f.Test == nil) != (g.Test == nil) || f.Test != nil && !near(*f.Test.P, *g.Test.P) {
				t.Errorf("%s: p differs", f.ID)
			}
		}
	}
}

func TestRowOrderAndThreadsDoNotMatter(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 5000, Classes: 4, Members: []int{4, 4}, Accuracy: []float64{0.9, 0.75}, Attributes: []int{3, 2}, Lineage: true, Seed: 6})
	o := audit.DefaultOptions()
	o.Positive = 1
	audittest.SameAtAnyThreads(t, New, table, o)
	order := rand.New(rand.NewPCG(1, 2)).Perm(table.Len())
	a := audittest.Run(t, New(), table, o).JSON(t)
	b := audittest.Run(t, New(), audittest.Permuted(table, order), o).JSON(t)
	if a != b {
		t.Error("another order of the rows gives other findings")
	}
}

// Many values are numbered in a map, few in an array: the groups are the same.
func TestManyValues(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 2000, Classes: 3, Members: []int{2, 2}, Attributes: []int{3, 4}, Seed: 3})
	v, err := audit.NewView(table, audit.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	few, err := groupsOf(v, []int{0, 1})
	if err != nil {
		t.Fatal(err)
	}
	for a := range table.Attributes { // values that do not occur
		for i := range 1000 {
			table.Attributes[a].Values = append(table.Attributes[a].Values, fmt.Sprint("unused", i))
		}
	}
	many, err := groupsOf(v, []int{0, 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(few.scopes) != 12 || len(many.scopes) != 12 || !slices.Equal(few.codes, many.codes) {
		t.Errorf("%d and %d groups", len(few.scopes), len(many.scopes))
	}
	for g := range few.scopes {
		if few.scopes[g].Name != many.scopes[g].Name {
			t.Errorf("%s and %s", few.scopes[g].Name, many.scopes[g].Name)
		}
	}
	table.Attributes[0].Values = make([]string, 1<<16)
	table.Attributes[1].Values = make([]string, 1<<16)
	if _, err := groupsOf(v, []int{0, 1, 0, 1}); err == nil {
		t.Error("2⁶⁴ value combinations were accepted")
	}
}
