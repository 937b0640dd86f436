package dataset_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/datasettest"
)

// catalog has one kind, which opens a data set in memory with 100 examples of
// 4 classes; path "missing" fails as readers do.
func catalog(change func(*datasettest.Memory)) dataset.Catalog {
	return dataset.Catalog{{
		Name: "memory", Splits: []dataset.Split{dataset.SplitTest, dataset.SplitTrain},
		Options: []dataset.OptionInfo{{Name: "colour", Value: "NAME", Help: "a colour"}},
		Known:   []dataset.KnownSet{{Name: "mem1", Downloads: []dataset.Download{{URL: "http://localhost/mem1"}}}},
		Open: func(_ context.Context, r dataset.Request) (dataset.Dataset, error) {
			if r.Path == "missing" {
				return nil, &dataset.NotThere{Path: r.Path, Want: "mem.bin"}
			}
			m := datasettest.NewMemory(100, 4, 3, 2, 3, 7)
			m.Labels[0] += r.Options["colour"]
			for i := range m.Examples {
				m.Examples[i].Split = r.Split
			}
			if change != nil {
				change(m)
			}
			return m, nil
		},
	}}
}

func TestOpen(t *testing.T) {
	o, err := catalog(nil).Open(t.Context(), "memory:x?split=train&colour=red&resize=8x9&crop=4&mean=.1,.2,.3&std=2&scale=1&layout=nhwc&filter=bicubic&channels=bgr&limit=10")
	if err != nil {
		t.Fatal(err)
	}
	p := o.Preprocess
	if p.Resize != (dataset.Size{Height: 8, Width: 9}) || p.Crop != (dataset.Size{Height: 4, Width: 4}) || !slices.Equal(p.Mean, []float64{.1, .2, .3}) ||
		!slices.Equal(p.Std, []float64{2}) || p.Scale != 1 || p.Layout != dataset.NHWC || p.Filter != dataset.Bicubic || p.Channels != dataset.BGR {
		t.Errorf("preprocessing %+v", p)
	}
	var ids []string
	for i := range o.Dataset.Len() {
		ids = append(ids, string(o.Dataset.Example(i).ID))
	}
	if len(ids) != 10 || ids[0] != "test/00000" || ids[9] != "test/00090" || o.Dataset.Classes()[0] != "class0red" || o.Dataset.Example(0).Split != dataset.SplitTrain {
		t.Errorf("examples %v, classes %v", ids, o.Dataset.Classes())
	}
	if !slices.Contains(o.Notes, "limit: 10 of 100 examples, evenly spread") {
		t.Errorf("notes %q", o.Notes)
	}
	o, err = catalog(nil).Open(t.Context(), "memory:x?split=val&limit=1000")
	if err == nil {
		t.Errorf("a split that the kind does not have: %+v", o)
	}
}

func TestOpenRefused(t *testing.T) {
	for source, want := range map[string]string{
		"memroy:x":                "did you mean memory?",
		"memory:x?limt=3":         `option "limt"; did you mean limit?`,
		"memory:x?color=red":      `option "color"; did you mean colour?`,
		"memory:x?split=tset":     `split "tset"; did you mean test?`,
		"memory:x?split=":         "want train, validation or test",
		"memory:x?resize=0":       "resize=0: want pixels",
		"memory:x?resize=axb":     "resize=axb: want pixels",
		"memory:x?crop=12x":       "crop=12x: want pixels",
		"memory:x?crop=-3":        "crop=-3: want pixels",
		"memory:x?crop=20000":     "crop=20000: want pixels, from 1 to 16384",
		"memory:x?mean=a":         "mean=a: want a number",
		"memory:x?mean=1,2":       "mean=1,2: want one number or three",
		"memory:x?std=0":          "std 0, want a number above 0",
		"memory:x?scale=x":        "scale=x: want a number",
		"memory:x?scale=0":        "scale 0",
		"memory:x?layout=chw":     "did you mean nchw?",
		"memory:x?filter=bilinar": "did you mean bilinear?",
		"memory:x?channels=rbg":   "did you mean rgb?",
		"memory:x?limit=0":        "limit=0: want a whole number",
		"memory:x?limit=ten":      "limit=ten: want a whole number",
		"memory:x?imbalance=0.5":  "imbalance=0.5: want a number from 1",
		"memory:x?imbalance=NaN":  "imbalance=NaN: want a number from 1",
	} {
		_, err := catalog(nil).Open(t.Context(), source)
		var s *dataset.SourceError
		if !errors.As(err, &s) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), source) {
			t.Errorf("%s: error %v, want a SourceError with %q", source, err, want)
		}
	}
	_, err := catalog(nil).Open(t.Context(), "memory:missing")
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "missing: not found: mem.bin\n(lethe data fetch mem1 -o missing") {
		t.Errorf("data that is not there: %v", err)
	}
	empty := catalog(func(m *datasettest.Memory) { m.Examples = nil })
	if _, err := empty.Open(t.Context(), "memory:x"); err == nil || !strings.Contains(err.Error(), "there are no examples") {
		t.Errorf("data without examples: %v", err)
	}
}

// The long tail of CIFAR-10 with a ratio of 100 has the published class sizes
// (Cui et al. 2019, Figure 5; Cao et al. 2019, imbalance_cifar.py).
func TestLongTail(t *testing.T) {
	m := datasettest.NewMemory(0, 10, 1, 1, 1, 1)
	for i := range 50000 {
		m.Examples = append(m.Examples, dataset.Example{Label: dataset.Label(i % 10), Split: dataset.SplitTrain})
	}
	index, err := dataset.LongTail(m, 100)
	if err != nil {
		t.Fatal(err)
	}
	counts := make([]int, 10)
	for _, i := range index {
		counts[m.Examples[i].Label]++
	}
	if want := []int{5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50}; !slices.Equal(counts, want) {
		t.Errorf("class sizes %v, want %v", counts, want)
	}
	if !slices.IsSorted(index) || len(slices.Compact(slices.Clone(index))) != len(index) {
		t.Error("examples are out of order or chosen twice")
	}
	again, err := dataset.LongTail(m, 100)
	if err != nil || !slices.Equal(index, again) {
		t.Errorf("chosen again, they differ (error %v)", err)
	}
	whole, err := dataset.LongTail(m, 1)
	if err != nil || len(whole) != 50000 {
		t.Errorf("a ratio of 1 keeps %d of 50000 (error %v)", len(whole), err)
	}
	// Which examples a class keeps is drawn, not the first ones.
	first := 0
	for _, i := range index {
		if m.Examples[i].Label == 9 && i < 500 {
			first++
		}
	}
	if first > 10 {
		t.Errorf("%d of the 50 of class 9 are among the first 50 of that class", first)
	}
	if _, err := dataset.LongTail(m, 10000); err == nil || !strings.Contains(err.Error(), "leaves no example of class 9") {
		t.Errorf("a class that loses all: %v", err)
	}
	for _, bad := range []float64{0, 0.5, nan()} {
		if _, err := dataset.LongTail(m, bad); err == nil {
			t.Errorf("a ratio of %g is taken", bad)
		}
	}
}

// The test split stays whole: only training is long-tailed.
func TestImbalanceIsForTraining(t *testing.T) {
	train, err := catalog(nil).Open(t.Context(), "memory:x?split=train&imbalance=10")
	if err != nil {
		t.Fatal(err)
	}
	// 25 a class: 25, 25*10^(-1/3) = 11.6, 25*10^(-2/3) = 5.4, 2.5.
	if got := train.Dataset.Len(); got != 25+11+5+2 {
		t.Errorf("%d training examples, want 43", got)
	}
	test, err := catalog(nil).Open(t.Context(), "memory:x?imbalance=10")
	if err != nil {
		t.Fatal(err)
	}
	if test.Dataset.Len() != 100 || !strings.Contains(strings.Join(test.Notes, "\n"), "the test split is read whole") {
		t.Errorf("%d test examples, notes %q", test.Dataset.Len(), test.Notes)
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		n, limit int
		want     []int
	}{{10, 5, []int{0, 2, 4, 6, 8}}, {10, 3, []int{0, 3, 6}}, {3, 10, []int{0, 1, 2}}, {7, 1, []int{0}}} {
		if got := dataset.Spread(c.n, c.limit); !slices.Equal(got, c.want) {
			t.Errorf("%d of %d: %v, want %v", c.limit, c.n, got, c.want)
		}
	}
}

// A selection passes the suite that readers pass.
func TestSelect(t *testing.T) {
	datasettest.Run(t, 20, nil, func(t *testing.T) dataset.Dataset {
		return dataset.Select(datasettest.NewMemory(30, 3, 4, 5, 3, 2), []int{29, 3, 7, 0})
	})
	datasettest.Run(t, 20, nil, func(t *testing.T) dataset.Dataset { return datasettest.NewMemory(30, 3, 4, 5, 1, 2) })
}

func TestDigest(t *testing.T) {
	base := dataset.Digest(datasettest.NewMemory(9, 3, 2, 2, 1, 1))
	if again := dataset.Digest(datasettest.NewMemory(9, 3, 4, 4, 3, 2)); again != base {
		t.Error("other pixels give another digest")
	}
	for name, change := range map[string]func(*datasettest.Memory){
		"label": func(m *datasettest.Memory) { m.Examples[4].Label = 2 },
		"id":    func(m *datasettest.Memory) { m.Examples[4].ID = "x" },
		"split": func(m *datasettest.Memory) { m.Examples[4].Split = "train" },
		"class": func(m *datasettest.Memory) { m.Labels[2] = "x" },
		"order": func(m *datasettest.Memory) { m.Examples[0], m.Examples[1] = m.Examples[1], m.Examples[0] },
		"count": func(m *datasettest.Memory) { m.Examples = m.Examples[:8] },
	} {
		m := datasettest.NewMemory(9, 3, 2, 2, 1, 1)
		change(m)
		if dataset.Digest(m) == base {
			t.Errorf("another %s gives the same digest", name)
		}
	}
}

func TestCheck(t *testing.T) {
	c := catalog(func(m *datasettest.Memory) {
		if m.Examples[0].Split == dataset.SplitTrain {
			return
		}
		m.Bad[7] = &dataset.BadImage{ID: m.Examples[7].ID, Path: "img7.jpg", Err: fs.ErrNotExist}
		m.Images[11] = m.Images[3]                          // class 3 twice
		m.Images[12] = m.Images[3]                          // and once as class 0
		m.Images[9] = dataset.NewImage(5, 1, 3)             // another size
		m.Examples[8].Attributes = []int32{dataset.Missing} // parity not known
	})
	got, err := c.Check(t.Context(), "memory:x", dataset.DefaultCheckOptions())
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Splits) != 2 || len(got.Problems) != 0 {
		t.Fatalf("%+v", got)
	}
	s := got.Splits[0]
	if s.Split != "test" || s.Examples != 100 || s.Decoded != 99 || s.Classes[3] != (dataset.Count{Name: "class3", Count: 25}) {
		t.Errorf("%+v", s)
	}
	if a := s.Attributes[0]; a.Values[0].Count != 49 || a.Values[1].Count != 50 || a.Missing != 1 {
		t.Errorf("attributes %+v", a)
	}
	if s.Smallest != (dataset.Size{Height: 1, Width: 3}) || s.Largest != (dataset.Size{Height: 2, Width: 5}) {
		t.Errorf("sizes %v to %v", s.Smallest, s.Largest)
	}
	if len(s.Bad) != 1 || s.Bad[0].Fault != dataset.FaultMissing || s.Bad[0].ID != "test/00007" {
		t.Errorf("bad images %+v", s.Bad)
	}
	if s.Duplicates != (dataset.Duplicates{Images: 2, OtherLabel: 1}) {
		t.Errorf("duplicates %+v", s.Duplicates)
	}
	// The train split has the pictures of the test split but for 7, 9, 11, 12.
	if d := got.Splits[1].Duplicates; d.Images != 96 || d.OtherSplit != 96 || d.OtherLabel != 0 {
		t.Errorf("duplicates over splits %+v", d)
	}
	o := dataset.DefaultCheckOptions()
	o.BadLimit, o.Workers = 0.005, 3
	strict, err := c.Check(t.Context(), "memory:x?split=test", o)
	if err != nil || len(strict.Splits) != 1 || len(strict.Problems) != 1 || !strings.Contains(strict.Problems[0], "test: 1 of 100 images cannot be read, the limit is 0.5 %") {
		t.Errorf("%+v, error %v", strict, err)
	}
	a, _ := json.Marshal(got.Splits[0])
	b, _ := json.Marshal(strict.Splits[0])
	if string(a) != string(b) {
		t.Errorf("the check says other things with another number of workers:\n%s\n%s", a, b)
	}
	if _, err := c.Check(t.Context(), "memory:x?limt=2", o); err == nil {
		t.Error("a misspelled option is taken")
	}
}

func TestCheckProblems(t *testing.T) {
	none := catalog(func(m *datasettest.Memory) {
		for i := range m.Examples {
			m.Examples[i].Label %= 2
		}
	})
	o := dataset.DefaultCheckOptions()
	o.Quick = true
	got, err := none.Check(t.Context(), "memory:x?split=test", o)
	if err != nil || len(got.Problems) != 1 || got.Problems[0] != "test: 2 of 4 classes have no example: class2, class3" {
		t.Errorf("%+v, error %v", got, err)
	}
	if got.Splits[0].Decoded != 0 {
		t.Error("a quick check decodes images")
	}
	got, err = none.Check(t.Context(), "memory:missing", o)
	if err != nil || len(got.Problems) != 2 || !strings.Contains(got.Problems[0], "test: missing: not found: mem.bin") {
		t.Errorf("%+v, error %v", got, err)
	}
}

func TestCompare(t *testing.T) {
	// sha256 and md5 of "hello\n" by coreutils 9.1 (sha256sum, md5sum).
	set := dataset.KnownSet{Name: "hello", Files: []dataset.KnownFile{
		{Name: "a.bin", Bytes: 6, Digest: "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"},
		{Name: "b.bin", Bytes: 6, Digest: "md5:b1946ac92492d2347c6235b4d2611184"},
		{Name: "c.bin", Bytes: 6, Digest: "md5:b1946ac92492d2347c6235b4d2611184"},
		{Name: "d.bin", Bytes: 6, Digest: "md5:b1946ac92492d2347c6235b4d2611184"},
	}}
	dir := datasettest.Write(t, t.TempDir()+"/odd [name]", map[string][]byte{"a.bin": []byte("hello\n"), "below/b.bin": []byte("hello\n"), "c.bin": []byte("hello!\n")})
	m, err := set.Compare(t.Context(), dir)
	if err != nil || !slices.Equal(m.Same, []string{"a.bin", "b.bin"}) || !slices.Equal(m.Differ, []string{"c.bin"}) || !slices.Equal(m.NotThere, []string{"d.bin"}) || m.Whole() {
		t.Errorf("%+v, error %v", m, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := set.Compare(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}
