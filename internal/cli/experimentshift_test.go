package cli

import (
	"context"
	"io/fs"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/plan"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/runner"
)

// The members that lie beside an example fit it: whatever is added to the file,
// such as shifts, must leave the digests of what was trained alone.
func TestExamplesAdoptTheirMembers(t *testing.T) {
	file := filepath.Join("..", "..", "examples", "cifar10-resnet8.yaml")
	x, err := readExperiment(file, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(x.plan.Shifts); n < 15 {
		t.Errorf("%d shifts, want five corruptions at three severities", n)
	}
	bundle := strings.TrimSuffix(file, ".yaml")
	s, err := runner.Open(t.TempDir(), bundle)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	done, fit := 0, 0
	err = filepath.WalkDir(filepath.Join(bundle, "done"), func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			done++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range x.plan.Jobs {
		r, why, err := s.Finished(j)
		if err != nil || why != "" {
			t.Errorf("%s: %s, %v", j.ID, why, err)
		}
		if r != nil {
			fit++
		}
	}
	if done == 0 || fit != done {
		t.Errorf("%d of %d jobs in %s fit", fit, done, bundle)
	}
}

func TestResolveShift(t *testing.T) {
	const test = "cifar10:DIR?mean=.5&std=.25&limit=100&split=test"
	for _, c := range []struct {
		source, name string
		want         plan.Shift
	}{
		{test + "&corruption=fog&severity=3&corruption-seed=7", "", plan.Shift{
			Spec:   plan.ShiftSpec{Name: "fog:3", Corruption: "fog", Severity: 3, Seed: 7, Paired: true},
			Source: test + "&corruption=fog&severity=3&corruption-seed=7"}},
		{"cifar10c:C?corruption=fog&severity=5&mean=.1", "", plan.Shift{
			Spec:   plan.ShiftSpec{Name: "fog:5", Benchmark: "cifar-c", Corruption: "fog", Severity: 5, Paired: true},
			Source: "cifar10c:C?corruption=fog&severity=5&mean=.1&std=.25&limit=100"}},
		{"cifar10.1:D", "", plan.Shift{Spec: plan.ShiftSpec{Name: "cifar10.1"}, Source: "cifar10.1:D?mean=.5&std=.25"}},
		{"imagefolder:D", "mine", plan.Shift{Spec: plan.ShiftSpec{Name: "mine"}, Source: "imagefolder:D?mean=.5&std=.25"}},
		{"imagefolder:D", "cifar-c/fog:1", plan.Shift{
			Spec:   plan.ShiftSpec{Name: "fog:1", Benchmark: "cifar-c", Corruption: "fog", Severity: 1, Paired: true},
			Source: "imagefolder:D?mean=.5&std=.25&limit=100"}},
	} {
		got, err := resolveShift(test, c.source, c.name)
		c.want.Identity = got.Identity
		if err != nil || got != c.want {
			t.Errorf("%s %s: %+v, %v\nwant %+v", c.source, c.name, got, err, c.want)
		}
	}
	identity := func(source, name string) string {
		s, err := resolveShift(test, source, name)
		if err != nil {
			t.Fatal(err)
		}
		return s.Identity
	}
	if a, b := identity("cifar10c:C?corruption=fog&severity=5", ""), identity("cifar10c:elsewhere/D?severity=5&corruption=fog", ""); a != b {
		t.Errorf("%s and %s: the same images in two places", a, b)
	}
	if a, b, c := identity("imagefolder:C/x", "m"), identity("imagefolder:D/x", "m"), identity("imagefolder:C/y", "m"); a != b || a == c {
		t.Errorf("%s, %s and %s: want a folder known by its own name", a, b, c)
	}
	for source, want := range map[string]string{
		"cifar10:D?corruption=fgo&severity=3":                         "did you mean fog?",
		"cifar10:D?corruption=fog&severity=9":                         "want a name and a severity from 1 (least) to 5",
		"cifar10:D?corruption=fog&severity=1&corruption-preset=cifer": "preset",
		"cifar10:D?corruption=fog&severity=1&corruption-seed=x":       "want a whole number",
		"cifer10:D": "did you mean cifar10?",
		"fog":       "want KIND:PATH",
	} {
		if _, err := resolveShift(test, source, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", source, err, want)
		}
	}
	if _, err := resolveShift(test, "cifar10c:C?corruption=fog&severity=5", "snow:1"); err == nil || !strings.Contains(err.Error(), "the data are of fog:5") {
		t.Errorf("another name: %v", err)
	}
}

// Predictions of a source that corrupts its images say so by themselves.
func TestPredictNamesItsShift(t *testing.T) {
	dir := t.TempDir()
	fixture(t, dir)
	must(t, dir, "predict", "fp32.onnx", "int8.onnx", "--data", "cifar10:cifar-10-batches-bin", "-o", "clean")
	must(t, dir, "predict", "fp32.onnx", "int8.onnx", "--data", "cifar10:cifar-10-batches-bin?corruption=fog&severity=3", "-o", "fog")
	must(t, dir, "predict", "fp32.onnx", "int8.onnx", "--data", "cifar10:cifar-10-batches-bin", "--shift", "fog:3,contrast", "--brief", "-o", "all")
	ctx := context.Background()
	fog, err := prediction.Read(ctx, filepath.Join(dir, "fog"))
	if err != nil || fog.Shift == nil || fog.Shift.Name != "fog:3" || !fog.Shift.Paired {
		t.Fatalf("%+v, %v", fog, err)
	}
	clean, err := prediction.Read(ctx, filepath.Join(dir, "clean"))
	if err != nil || clean.Shift != nil {
		t.Fatalf("%+v, %v", clean, err)
	}
	if err := clean.AddShift(fog, *fog.Shift); err != nil {
		t.Fatal(err)
	}
	all, err := prediction.Read(ctx, filepath.Join(dir, "all"))
	if err != nil || len(all.Shifts) != 6 || all.Shifts[0].Shift != *fog.Shift {
		t.Fatalf("%+v, %v", all, err)
	}
	one := &all.Shifts[0].Table.Variants[1].Members[0]
	if !one.Predicted.Equal(fog.Variants[1].Members[0].Predicted) {
		t.Error("--shift and the source's corruption give other predictions")
	}
	if one.Confidence != nil || one.TrueScore != nil || one.TopK != nil {
		t.Error("--brief kept more than classes")
	}
	code, out, errs := run(t, dir, "audit", "all")
	if code != 0 || !strings.Contains(out, "SHIFTED DATA") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
}

// counter counts how often images are made.
type counter struct {
	dataset.Dataset
	made atomic.Int64
}

func (c *counter) Len() int                     { return 40 }
func (c *counter) Notes() []string              { return []string{"a note"} }
func (c *counter) ClassSubset() []dataset.Label { return []dataset.Label{1, 3} }
func (c *counter) Image(_ context.Context, i int) (*dataset.Image, error) {
	c.made.Add(1)
	return &dataset.Image{Width: 10, Height: 1, Channels: 1, Pix: slices.Repeat([]byte{byte(i)}, 10)}, nil
}

// Images are made once as long as they fit, and callers may change theirs.
func TestKeeper(t *testing.T) {
	c := &counter{}
	k := keep(c, 25*10)
	for range 3 {
		for i := range c.Len() {
			im, err := k.Image(t.Context(), i)
			if err != nil || im.Pix[9] != byte(i) {
				t.Fatalf("image %d: %v, %v", i, im, err)
			}
			clear(im.Pix)
		}
	}
	if n, s := dataset.NotesOf(k), dataset.ClassSubset(k); len(n) != 1 || len(s) != 2 {
		t.Errorf("notes %q, classes %v: lost", n, s)
	}
	if got := c.made.Load(); got != 25+3*15 {
		t.Errorf("%d images made, want 25 once and 15 three times", got)
	}
}

// highest agrees with sorting, ties included.
func TestHighest(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 500 {
		scores := make([]float32, rankedClasses+1+rng.IntN(20))
		order := make([]int, len(scores))
		for i := range scores {
			scores[i], order[i] = float32(rng.IntN(8))-4, i
		}
		sort.SliceStable(order, func(i, j int) bool { return scores[order[i]] > scores[order[j]] })
		if got := highest(scores); !slices.Equal(got[:], order[:rankedClasses]) {
			t.Fatalf("%v: %v, want %v", scores, got, order[:rankedClasses])
		}
	}
}

// Where no member is left to train nothing is measured: times are those of the
// records.
func TestEstimateFromRecords(t *testing.T) {
	x, err := readExperiment(filepath.Join("..", "..", "examples", "smoke.yaml"), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	j := &jobs{app: &app{io: IO{Env: func(string) string { return "" }}}, plan: x.plan, recorded: map[string]*runner.Record{}}
	for _, job := range x.plan.Jobs {
		if job.Kind == plan.Train {
			j.recorded[job.ID] = &runner.Record{Seconds: 100, Outputs: []runner.Output{{Bytes: 7}}}
		}
	}
	costs, err := j.estimate(t.Context(), x.plan)
	if err != nil {
		t.Fatal(err)
	}
	for id := range j.recorded {
		if got := costs[id]; math.Abs(got.Seconds-100) > 1e-6 || got.Bytes != 7*checkpointTimes {
			t.Errorf("%s: %+v, want what the record says", id, got)
		}
	}
	clean, fog := costs["predict/clean"], costs["predict/fog-3"]
	if clean.Seconds <= 0 || fog.Seconds != clean.Seconds || fog.Bytes >= clean.Bytes {
		t.Errorf("predictions: %+v, shifted %+v", clean, fog)
	}
	delete(j.recorded, "train/dense/01")
	if costs, err = j.estimate(t.Context(), x.plan); err != nil || costs["train/dense/00"].Seconds == 100 {
		t.Errorf("a member is left to train: %+v, %v, want a measured time", costs["train/dense/00"], err)
	}
}
