package index

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/audit/pie"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/prediction/planted"
)

// TestBuildRefuses: a table of examples that does not fit is refused with the
// row.
func TestBuildRefuses(t *testing.T) {
	at := func(v, i int, change func(r *finding.ExampleRow)) func(*made) {
		return func(m *made) { change(&m.rows[v][i]) }
	}
	for want, change := range map[string]func(m *made){
		"no rows: the audit was made without the check pie":    nil,
		"2100 rows, want a multiple of the 699 examples":       nil,
		"variant pruned-1: row 7: want example 7, got 8":       at(0, 7, func(r *finding.ExampleRow) { r.Row = 8 }),
		`row 30: is of variant "pruned-2" (column variant)`:    at(0, 30, func(r *finding.ExampleRow) { r.Variant = "pruned-2" }),
		`row 0: variant "pruned-7" is not in the findings`:     at(0, 0, func(r *finding.ExampleRow) { r.Variant = "pruned-7" }),
		"row 699: 5 is outside 0 to 4 (column label)":          at(0, 699, func(r *finding.ExampleRow) { r.Label = 5 }),
		"row 3: -1 is outside 0 to 4 (column variant_modal)":   at(0, 3, func(r *finding.ExampleRow) { r.VariantModal = -1 }),
		"row 3: 6 is outside 0 to 5 (column base_votes)":       at(0, 3, func(r *finding.ExampleRow) { r.BaseVotes = 6 }),
		"row 4: 0.55 is no multiple of 1/5 from 0 to 1":        at(0, 4, func(r *finding.ExampleRow) { r.Margin = 0.55 }),
		"row 5: 2.2 is no multiple of 1/20 from 0 to 2":        at(0, 5, func(r *finding.ExampleRow) { r.Taxicab = 2.2 }),
		"variant pruned-2: row 9: the baseline's modal label":  at(1, 9, func(r *finding.ExampleRow) { r.BaseModal = (r.BaseModal + 1) % 5 }),
		"the predictions have 10 examples, the findings 700":   func(m *made) { m.table = smaller() },
		`row 2: the predictions have example "other", the ta`:  func(m *made) { m.table.IDs = slices.Clone(m.table.IDs); m.table.IDs[2] = "other" },
		"pruned-1 has 3 members in the predictions, 4 in the":  func(m *made) { m.table.Variants[1].Members = m.table.Variants[1].Members[1:] },
		"variant pruned-2 is not in the predictions":           func(m *made) { m.table.Variants = m.table.Variants[:2] },
		"shift fog:2 has 10 examples, want the 700 of the cle": func(m *made) { m.table.Shifts[1].Table = smaller() },
	} {
		p := defaultPlan()
		p.members = []int{5, 4, 1, 1}
		m := p.make(t)
		switch {
		case strings.HasPrefix(want, "no rows"):
			m.rows, want = nil, "is empty: the audit was made without the check pie"
		case strings.HasPrefix(want, "2100"):
			m.cfg.Examples = 699
		default:
			change(m)
		}
		m.write(t)
		x, err := Build(context.Background(), Input{Config: m.cfg, Examples: m.reader(t), Table: m.table})
		if err == nil {
			err = x.Wait(context.Background())
			x.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

func smaller() *prediction.Table {
	p := defaultPlan()
	p.n = 10
	return p.table()
}

// TestFirstVariantNeedsNoPredictions: the first wall is there while the
// predictions are still being read, and what needs them waits.
func TestFirstVariantNeedsNoPredictions(t *testing.T) {
	m := defaultPlan().make(t)
	gate, asked := make(chan struct{}), 0
	x, err := Build(context.Background(), Input{Config: m.cfg, Examples: m.reader(t), Load: func(context.Context) (*prediction.Table, error) {
		asked++
		<-gate
		return m.table, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	r, err := x.Select(Query{PIE: true})
	if err != nil || r.Total == 0 {
		t.Fatalf("the first wall has %d examples, %v", r.Total, err)
	}
	f, err := x.Facets(Query{PIE: true})
	if err != nil || !f.Pending || f.Total != r.Total || x.Groups(0) != nil {
		t.Fatalf("facets before the predictions are read: %+v, %v", f, err)
	}
	if got := x.Shifts(); !slices.Equal(got, []string{"fog:1", "fog:2"}) {
		t.Errorf("shifts %v", got)
	}
	close(gate)
	q := Query{Attributes: []Value{{Name: "light", Value: "day"}}}
	if r, err = x.Select(q); err != nil || r.Total != len(m.scan(x, q).rows()) {
		t.Errorf("%d examples of a group, %v", r.Total, err)
	}
	if err := x.Wait(context.Background()); err != nil || asked != 1 {
		t.Errorf("the predictions were read %d times, %v", asked, err)
	}
	if f, err = x.Facets(Query{}); err != nil || f.Pending || len(f.Attributes) != 2 || len(f.Shifts) != 2 {
		t.Errorf("facets when all is read: %+v, %v", f, err)
	}
}

// TestFirst: the variant that is asked for is ready first, and the others are
// what they are otherwise.
func TestFirst(t *testing.T) {
	m := defaultPlan().make(t)
	for _, first := range []string{"", "pruned-1", "pruned-2"} {
		x, err := Build(context.Background(), Input{Config: m.cfg, Examples: m.reader(t), First: first})
		if err != nil {
			t.Fatal(err)
		}
		number := map[string]int{"": 0, "pruned-1": 0, "pruned-2": 1}[first]
		if !x.data[number].load.done.Load() {
			t.Errorf("%q is not ready", first)
		}
		for _, v := range []string{"pruned-1", "pruned-2"} {
			q := Query{Variant: v, PIE: true, Sort: SortWorst}
			want := m.scan(x, q).rows()
			if r, err := x.Select(q); err != nil || !slices.Equal(r.Page(0, len(want)), want) {
				t.Errorf("%q first: %s has %+v, %v, want %d rows", first, v, r, err, len(want))
			}
		}
		x.Close()
	}
	if _, err := Build(context.Background(), Input{Config: m.cfg, Examples: m.reader(t), First: "pruned1"}); err == nil || !strings.Contains(err.Error(), `variant "pruned1" is unknown`) {
		t.Errorf("a variant that is not there: %v", err)
	}
}

// TestPredictionsThatFail: the wall works, and the groups say what failed.
func TestPredictionsThatFail(t *testing.T) {
	m := defaultPlan().make(t)
	failure := errors.New("the file is damaged")
	x, err := Build(context.Background(), Input{Config: m.cfg, Examples: m.reader(t), Load: func(context.Context) (*prediction.Table, error) { return nil, failure }})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if r, err := x.Select(Query{}); err != nil || r.Total != 700 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := x.Attributes(); !errors.Is(err, failure) {
		t.Errorf("attributes: %v", err)
	}
	if err := x.Wait(context.Background()); !errors.Is(err, failure) {
		t.Errorf("wait: %v", err)
	}
	if _, err := x.Facets(Query{}); !errors.Is(err, failure) {
		t.Errorf("facets: %v", err)
	}
}

// TestCloseEndsTheWork: closing tells the reader of predictions to stop, and
// waits for it.
func TestCloseEndsTheWork(t *testing.T) {
	m := defaultPlan().make(t)
	synctest.Test(t, func(t *testing.T) {
		x, err := Build(t.Context(), Input{Config: m.cfg, Examples: m.reader(t), Load: func(ctx context.Context) (*prediction.Table, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		waited, cancel := context.WithCancel(t.Context())
		cancel()
		if err := x.Wait(waited); !errors.Is(err, context.Canceled) {
			t.Errorf("a wait that was cancelled: %v", err)
		}
		x.Close()
		if _, err := x.Attributes(); !errors.Is(err, context.Canceled) {
			t.Errorf("attributes after closing: %v", err)
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Build(ctx, Input{Config: m.cfg, Examples: m.reader(t)}); !errors.Is(err, context.Canceled) {
		t.Errorf("building when cancelled: %v", err)
	}
}

// TestManyAtOnce asks from many goroutines while the index is being read; the
// race detector watches.
func TestManyAtOnce(t *testing.T) {
	m := defaultPlan().make(t)
	want := map[string]int{}
	queries := []Query{{}, {Variant: "pruned-2", PIE: true}, {Truth: []int{1}, Sort: SortDrop}, {Text: "cat", Sort: SortMargin}, {Variant: "pruned-2", Shift: "fog:1"},
		{Margin: Range{0, 0.5, true}, Sort: SortBaseShare}, {Attributes: []Value{{Name: "light", Missing: true}}, Sort: SortVariantShare}, {Variant: "pruned-2", Sort: SortWorst}}
	x, err := Build(context.Background(), Input{Config: m.cfg, Examples: m.reader(t), Table: m.table})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	for i := range queries {
		want[queries[i].Values(x).Encode()] = len(m.scan(x, queries[i].canonical(x)).rows())
	}
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			q := queries[i%len(queries)]
			r, err := x.Select(q)
			if err != nil || r.Total != want[q.Values(x).Encode()] || len(r.Page(0, 20)) != min(20, r.Total) {
				t.Errorf("%+v: %d rows, %v, want %d", q, r.Total, err, want[q.Values(x).Encode()])
				return
			}
			_, err1 := x.Facets(q)
			_, err2 := x.Shares(q)
			_, err3 := x.Nearest(int32(i), 5)
			_, err4 := x.Votes("dense", int32(i))
			_, err5 := x.Forgetting(int32(i))
			_, ok := x.Find(x.ID(int32(i)))
			if err := errors.Join(err1, err2, err3, err4, err5); err != nil || !ok {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestRealAudit: over what the check pie itself writes for planted
// predictions, ties both ways, the wall is what the rows say.
func TestRealAudit(t *testing.T) {
	spec := planted.Demo(3)
	table, _, err := planted.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	o := audit.DefaultOptions()
	o.Resample = false
	view, err := audit.NewView(table, o)
	if err != nil {
		t.Fatal(err)
	}
	var found audittest.Collector
	if err := pie.New().Run(context.Background(), view, &found); err != nil {
		t.Fatal(err)
	}
	m := &made{table: table, cfg: plan{n: table.Len()}.config(table)}
	for at := 0; at < len(found.Examples); at += table.Len() {
		m.rows = append(m.rows, found.Examples[at:at+table.Len()])
	}
	m.write(t)
	x := m.index(t)
	if len(x.Variants()) != len(spec.Variants)-1 {
		t.Fatalf("%d variants, want %d", len(x.Variants()), len(spec.Variants)-1)
	}
	worst := found.Get(t, "top-examples", "pruned-90")
	for _, q := range []Query{
		{Variant: "pruned-90", PIE: true, Sort: SortWorst}, {Variant: "pruned-90", Tie: true, Sort: SortDrop}, {Variant: "int8", Flips: flips()[1:2], Sort: SortMargin},
		{Variant: "pruned-90", Attributes: []Value{{Name: "light", Value: "night"}}, Truth: []int{5}, PIE: true, Sort: SortWorst},
	} {
		r, err := x.Select(q)
		if err != nil {
			t.Fatal(err)
		}
		want := m.scan(x, q).rows()
		if got := r.Page(0, len(want)); r.Total == 0 || !slices.Equal(got, want) {
			t.Errorf("%+v: %d rows, want %d", q, r.Total, len(want))
		}
	}
	r, err := x.Select(Query{Variant: "pruned-90"})
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range r.Page(0, len(worst.Rows)) {
		if id := worst.Rows[i][0]; id != x.ID(row) {
			t.Fatalf("place %d of the wall is %q, the audit's own table has %v", i, x.ID(row), id)
		}
	}
}
