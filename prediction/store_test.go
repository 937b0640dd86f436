package prediction

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
)

// randomTable is a table with n examples and whatever optional parts the seed
// chooses.
func randomTable(seed uint64, n, classes int) *Table {
	r := rand.New(rand.NewPCG(seed, 1))
	column := func() Column {
		c := NewColumn(n, classes)
		for i := range n {
			c.Set(i, r.IntN(classes))
		}
		return c
	}
	unit := func() []float32 {
		out := make([]float32, n)
		for i := range out {
			out[i] = r.Float32()
		}
		return out
	}
	coded := func(name string, values ...string) Attribute {
		a := Attribute{Name: name, Values: values, Codes: make([]int32, n)}
		for i := range a.Codes {
			a.Codes[i] = int32(r.IntN(len(values)+1)) - 1
		}
		return a
	}
	t := &Table{
		Labels: column(),
		Join:   JoinReport{ByPosition: seed%2 == 0, Examples: n},
		Inputs: []Input{{Path: "a.csv", Digest: "sha256:00", Bytes: 3, Rows: int64(n), Role: "labels"}},
		Notes:  []string{"a note"},
	}
	for c := range classes {
		t.Classes = append(t.Classes, fmt.Sprintf("class %d", c))
	}
	if seed%2 == 1 {
		for i := range n {
			t.IDs = append(t.IDs, dataset.ExampleID(fmt.Sprintf("img/%07d.png", r.IntN(10)*n+i)))
		}
		split := coded("split", "train", "test")
		t.Splits = &split
		t.Attributes = []Attribute{coded("label", "b", "a"), coded("größe", "x"), coded("id", "1", "2", "3")}
		t.Training = &TrainCounts{Source: "t", Classes: make([]int64, classes), Attributes: map[string]map[string]int64{"id": {"1": 5}}}
	}
	level := 0.7
	for _, v := range []Variant{{Name: "dense", Kind: KindDense}, {Name: "pruned 0.7/x", Kind: KindPruned, Level: &level}} {
		for k := range 3 {
			s := int64(k) - 1
			m := Member{Name: fmt.Sprintf("seed %d", k), Seed: &s, Lineage: "l", Predicted: column()}
			if seed%3 == 0 {
				m.Config = map[string]string{"lr": "0.1", "epochs": "90"}
				m.Confidence, m.TrueScore = unit(), unit()
				m.TopK = []Column{m.Predicted, column(), column()}[:min(classes, 3)]
				m.Facts = &ModelFacts{File: "m.onnx", Layers: []LayerFacts{{Name: "conv", Sparsity: 0.5}}}
				d := &DenseScores{ScoreKind: Logits, Classes: classes, Data: make([]float32, n*classes)}
				for i := range d.Data {
					d.Data[i] = float32(r.NormFloat64())
				}
				m.Scores = d
			}
			v.Members = append(v.Members, m)
		}
		t.Variants = append(t.Variants, v)
	}
	if seed%5 == 0 {
		addMeasured(t, rand.New(rand.NewPCG(seed, 2)))
	}
	return t
}

// sameTable compares two tables, scores by their values.
func sameTable(t *testing.T, got, want *Table) {
	t.Helper()
	g, w := *got, *want
	g.Variants, w.Variants = slices.Clone(g.Variants), slices.Clone(w.Variants)
	for i := range g.Variants {
		g.Variants[i].Members, w.Variants[i].Members = slices.Clone(g.Variants[i].Members), slices.Clone(w.Variants[i].Members)
		for k := range g.Variants[i].Members {
			a, b := &g.Variants[i].Members[k], &w.Variants[i].Members[k]
			if (a.Scores == nil) != (b.Scores == nil) {
				t.Fatalf("member %s: scores %v, want %v", a.Name, a.Scores, b.Scores)
			}
			if a.Scores != nil {
				x, y := allScores(t, got, a.Scores), allScores(t, want, b.Scores)
				if !slices.Equal(x, y) || a.Scores.Kind() != b.Scores.Kind() {
					t.Errorf("member %s: scores differ", a.Name)
				}
			}
			a.Scores, b.Scores = nil, nil
		}
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("got  %+v\nwant %+v", g, w)
	}
}

func allScores(t *testing.T, table *Table, s Scores) []float32 {
	t.Helper()
	dst := make([]float32, table.Len()*len(table.Classes))
	if err := s.Rows(0, dst); err != nil {
		t.Fatal(err)
	}
	return dst
}

func TestRoundTrip(t *testing.T) {
	for seed := range uint64(8) {
		n, classes := []int{1, 37, 5000, 20000}[seed%4], []int{2, 10, 300, 70000}[seed/2]
		n = min(n, 100_000/classes) // keeps the scores small
		want := randomTable(seed, n, classes)
		dir := filepath.Join(t.TempDir(), "p")
		if err := Write(dir, want, DefaultWriteOptions()); err != nil {
			t.Fatal(err)
		}
		got, err := Read(context.Background(), dir)
		if err != nil {
			t.Fatal(err)
		}
		sameTable(t, got, want)
		if err := Verify(context.Background(), dir); err != nil {
			t.Error(err)
		}
	}
}

// A directory that version 1 wrote must be readable for good. What it holds
// is randomTable(3, 50, 7), which therefore must not change.
func TestReadVersion1(t *testing.T) {
	got, err := Read(context.Background(), filepath.Join("testdata", "v1"))
	if err != nil {
		t.Fatal(err)
	}
	want := randomTable(3, 50, 7)
	sameTable(t, got, want)
}

// TestWriteVersion1 makes testdata/v1 when asked to: LETHE_WRITE_V1=1. It is
// run once a version, never to make a failing test pass.
func TestWriteVersion1(t *testing.T) {
	if os.Getenv("LETHE_WRITE_V1") == "" {
		t.Skip("testdata/v1 is written when LETHE_WRITE_V1 is set")
	}
	o := DefaultWriteOptions()
	o.Tool, o.Replace = "lethe test", true
	if err := Write(filepath.Join("testdata", "v1"), randomTable(3, 50, 7), o); err != nil {
		t.Fatal(err)
	}
}

// tree is the content of every file below dir.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		out[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSameBytes(t *testing.T) {
	table := randomTable(3, 3000, 50)
	var first map[string]string
	for _, procs := range []int{1, 4} {
		old := runtime.GOMAXPROCS(procs)
		dir := filepath.Join(t.TempDir(), "p")
		err := Write(dir, table, DefaultWriteOptions())
		runtime.GOMAXPROCS(old)
		if err != nil {
			t.Fatal(err)
		}
		got := tree(t, dir)
		if first == nil {
			first = got
		} else if !reflect.DeepEqual(got, first) {
			t.Error("the same table gave other bytes")
		}
	}
	if len(first) != 1+1+2*6 {
		t.Errorf("%d files, want a manifest, the examples and two a member", len(first))
	}
}

// Any file cut short or with a byte changed is refused by name.
func TestDamagedFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "p")
	if err := Write(dir, randomTable(3, 500, 7), DefaultWriteOptions()); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	check := func(name string) error {
		if strings.HasSuffix(name, ".scores.parquet") {
			return Verify(ctx, dir)
		}
		_, err := Read(ctx, dir)
		return err
	}
	for name, content := range tree(t, dir) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		flipped := []byte(content)
		flipped[len(flipped)/2] ^= 0x40
		for what, b := range map[string][]byte{"cut": []byte(content[:len(content)*2/3]), "changed": flipped} {
			if name == ManifestName && what == "changed" {
				continue // may change a note
			}
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := check(name); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("%s %s: error %v, want one with the file's name", name, what, err)
			}
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Read(ctx, dir); err != nil {
		t.Errorf("restored: %v", err)
	}
}

// A changed byte in a score file is found when its block is read.
func TestDamagedScores(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "p")
	table := randomTable(3, 500, 7)
	if err := Write(dir, table, DefaultWriteOptions()); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "models", "*.scores.parquet"))
	if err != nil || len(names) != 6 {
		t.Fatalf("%v, %v", names, err)
	}
	b, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(names[0], b, 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := Read(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Variants[0].Members[0].Scores.Rows(0, make([]float32, 7)); err == nil || !strings.Contains(err.Error(), names[0]) {
		t.Errorf("error %v, want one with the file's name", err)
	}
}

func TestWriteRefuses(t *testing.T) {
	table := randomTable(3, 50, 7)
	parent := t.TempDir()
	other := filepath.Join(parent, "other")
	if err := os.Mkdir(other, 0o755); err != nil {
		t.Fatal(err)
	}
	o := DefaultWriteOptions()
	o.Replace = true
	if err := Write(other, table, o); err == nil {
		t.Error("replaced a directory that is not one of predictions")
	}
	dir := filepath.Join(parent, "p")
	if err := Write(dir, table, DefaultWriteOptions()); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	if err := Write(dir, table, DefaultWriteOptions()); err == nil {
		t.Error("replaced a directory unasked")
	}
	// A score that float16 cannot hold fails late, when other files are written.
	big := randomTable(3, 50, 7)
	big.Variants[1].Members[2].Scores.(*DenseScores).Data[100] = 70000
	o.Scores = ScoresFloat16
	if err := Write(dir, big, o); err == nil || !strings.Contains(err.Error(), "70000") {
		t.Errorf("error %v, want one about 70000", err)
	}
	if !reflect.DeepEqual(tree(t, dir), before) {
		t.Error("a failed write changed the directory")
	}
	es, err := os.ReadDir(parent)
	if err != nil || len(es) != 2 {
		t.Errorf("left behind: %v, %v", es, err)
	}
	if err := Write(dir, randomTable(1, 50, 7), o); err != nil {
		t.Errorf("replacing: %v", err)
	}
}

func TestValidate(t *testing.T) {
	for name, break_ := range map[string]func(*Table){
		"no classes":       func(t *Table) { t.Classes = nil },
		"class twice":      func(t *Table) { t.Classes[1] = t.Classes[0] },
		"class not UTF-8":  func(t *Table) { t.Classes[1] = "\xff" },
		"label":            func(t *Table) { t.Classes = t.Classes[:3] },
		"ids":              func(t *Table) { t.IDs = t.IDs[1:] },
		"split":            func(t *Table) { t.Splits.Codes[2] = 2 },
		"attribute length": func(t *Table) { t.Attributes[0].Codes = nil },
		"attribute name":   func(t *Table) { t.Attributes[1].Name = t.Attributes[0].Name },
		"attribute values": func(t *Table) { t.Attributes[0].Values = []string{"a", "a"} },
		"attribute code":   func(t *Table) { t.Attributes[0].Codes[0] = -2 },
		"variant name":     func(t *Table) { t.Variants[1].Name = "dense" },
		"length":           func(t *Table) { t.Variants[1].Members[1].Predicted = NewColumn(3, 7) },
		"confidence":       func(t *Table) { t.Variants[1].Members[1].Confidence[4] = 1.5 },
		"confidence NaN":   func(t *Table) { c := t.Variants[1].Members[1].Confidence; c[4] = c[4] / 0 * 0 },
		"top":              func(t *Table) { t.Variants[0].Members[0].TopK[0] = t.Variants[0].Members[0].TopK[1] },
	} {
		table := randomTable(3, 50, 7)
		if err := table.Validate(); err != nil {
			t.Fatal(err)
		}
		break_(table)
		if err := table.Validate(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzManifest(f *testing.F) {
	b, err := os.ReadFile(filepath.Join("testdata", "v1", ManifestName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"schema":"lethe-predictions","version":1,"examples":{"file":"../x"}}`))
	f.Add([]byte(`{"schema":"lethe-predictions","version":9}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decodeManifest(b)
		if err != nil {
			return
		}
		var buf bytes.Buffer
		if err := m.encode(&buf); err != nil {
			t.Fatal(err)
		}
		again, err := decodeManifest(buf.Bytes())
		if err != nil {
			t.Fatalf("our own manifest is refused: %v\n%s", err, buf.Bytes())
		}
		if again.Examples.File != m.Examples.File || len(again.Variants) != len(m.Variants) {
			t.Errorf("read back %+v, want %+v", again, m)
		}
	})
}

func FuzzParquet(f *testing.F) {
	b, err := os.ReadFile(filepath.Join("testdata", "v1", "examples.parquet"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := openColumns("fuzz", bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		if labels, err := c.classes("label", 7); err == nil && (labels.Len() != c.rows() || labels.Max() >= 7) {
			t.Errorf("%d labels up to %d, want %d below 7", labels.Len(), labels.Max(), c.rows())
		}
		if ids, err := c.ids("id"); err == nil && len(ids) != c.rows() {
			t.Errorf("%d ids, want %d", len(ids), c.rows())
		}
		a, err := c.attribute(&attributeEntry{Name: "split", Column: "split", Values: []string{"train", "test"}})
		if err == nil && len(a.Codes) != c.rows() {
			t.Errorf("%d codes, want %d", len(a.Codes), c.rows())
		}
	})
}
