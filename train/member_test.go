package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/prune"
)

// TestLearns: the classes are told apart.
func TestLearns(t *testing.T) {
	j := job(t)
	j.Recipe.Length, j.Recipe.Holdout = "10 epochs", 0.25
	r := must(t, j)
	last := r.Curve[len(r.Curve)-1]
	if len(r.Curve) != 10 || last.Accuracy < 0.9 || *last.ValidationAccuracy < 0.9 || last.Loss >= r.Curve[0].Loss {
		t.Errorf("curve %+v", r.Curve)
	}
	if r.Manifest.Steps != 10*(72/16) || r.Manifest.Last != last {
		t.Errorf("manifest: %d steps, last %+v", r.Manifest.Steps, r.Manifest.Last)
	}
	m, err := onnx.Load(j.Output)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if v, _ := m.Meta(metaSeed); v != "9" {
		t.Errorf("seed in the model: %q", v)
	}
	for _, key := range []string{metaSparsity, "lethe.scheme", "lethe.source"} {
		if _, ok := m.Meta(key); ok {
			t.Errorf("a dense model has %s", key)
		}
	}
}

// recipes whose state has every kind of content.
func variety() map[string]func(*Job) {
	return map[string]func(*Job){
		"dense":  func(*Job) {},
		"pruned": func(j *Job) { j.Sparsity = 0.7 },
		"random": func(j *Job) { j.Sparsity = 0.5; j.Recipe.Pruning.Scope = ScopeRandom },
		"adamw, average, held out": func(j *Job) {
			j.Sparsity = 0.9
			j.Recipe.Optimizer.Name, j.Recipe.Rate.Peak, j.Recipe.Average, j.Recipe.Holdout = AdamW, 0.003, 0.9, 0.2
		},
		"all augmentation": func(j *Job) {
			j.Recipe.Augment = Augment{Flip: true, Cutout: 3, ResizedCrop: ResizedCrop{Area: []float64{.3, 1}}, Jitter: Jitter{.4, .4, .4, .1}}
		},
		"convolutions": func(j *Job) {
			j.Model, j.Sparsity = nil, 0.8 // made below
		},
	}
}

func varied(t *testing.T, set func(*Job)) Job {
	j := job(t)
	set(&j)
	if j.Model == nil {
		j.Model = small(t, 8)
	}
	return j
}

// TestInterrupted interrupts trainings between steps, at every step and at
// random ones several times over: the files are those of an undisturbed one.
func TestInterrupted(t *testing.T) {
	for name, set := range variety() {
		t.Run(name, func(t *testing.T) {
			whole := varied(t, set)
			must(t, whole)
			want := outputs(t, whole)
			r := rand.New(rand.NewPCG(1, 1))
			for at := 1; at < 18; at += 1 + r.IntN(4) {
				j := varied(t, set)
				for interrupt(t, j, at) {
					at += r.IntN(6)
				}
				if got := outputs(t, j); !reflect.DeepEqual(got, want) {
					t.Errorf("interrupted at step %d: other files: %s", at, differing(got, want))
				}
			}
		})
	}
}

// interrupt trains until the given step and reports whether it was interrupted.
func interrupt(t *testing.T, j Job, at int) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	j.Progress = func(p Progress) {
		if p.Step == at {
			cancel()
		}
	}
	_, err := Member(ctx, j)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return err != nil
}

func differing(a, b map[string]string) string {
	var out []string
	for k := range a {
		if a[k] != b[k] {
			out = append(out, k)
		}
	}
	return strings.Join(out, " ")
}

// TestKilled puts back what lay on the disk at some moment and goes on from
// there: what a kill leaves. The checkpoint may be older than the curve.
func TestKilled(t *testing.T) {
	whole := varied(t, variety()["pruned"])
	must(t, whole)
	want := outputs(t, whole)
	for _, at := range []int{3, 6, 7, 12, 17} {
		j := varied(t, variety()["pruned"])
		j.Every = 1 // a checkpoint whenever one may be
		image := filepath.Join(t.TempDir(), "image")
		j.Progress = func(p Progress) {
			if p.Step == at {
				if _, err := os.Stat(image); err != nil {
					copyTree(t, filepath.Dir(j.Work), image)
				}
			}
		}
		must(t, j)
		j.Progress = nil
		j.Work, j.Output = filepath.Join(image, "work"), filepath.Join(image, "out", "model.onnx")
		must(t, j)
		if got := outputs(t, j); !reflect.DeepEqual(got, want) {
			t.Errorf("killed at step %d: other files: %s", at, differing(got, want))
		}
		if _, err := os.Stat(filepath.Join(j.Work, checkpointDir)); err == nil {
			t.Error("the checkpoint is still there")
		}
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// TestThreads: one seed gives the same bits at any number of threads.
func TestThreads(t *testing.T) {
	for name, set := range variety() {
		var want map[string]string
		for _, threads := range []int{1, 2, 3} {
			j := varied(t, set)
			j.Threads = threads
			must(t, j)
			got := outputs(t, j)
			if want == nil {
				want = got
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %d threads: other files: %s", name, threads, differing(got, want))
			}
		}
	}
}

// TestSeeds: another seed gives another model, the same one the same.
func TestSeeds(t *testing.T) {
	a, b := job(t), job(t)
	b.Seed++
	must(t, a)
	must(t, b)
	if outputs(t, a)["model.onnx"] == outputs(t, b)["model.onnx"] {
		t.Error("the seed does not matter")
	}
}

// TestSparsity counts zeros in the file: in every layer exactly those that the
// sparsity asks for, and none in layers that stay dense.
func TestSparsity(t *testing.T) {
	for _, scope := range []string{ScopeLayer, ScopeRandom, ScopeGlobal, Scope24} {
		for _, s := range []float64{0.5, 0.9, 0.99} {
			if scope == Scope24 && s != 0.5 {
				continue
			}
			j := job(t)
			j.Model, j.Sparsity, j.Recipe.Pruning.Scope = small(t, 8), s, scope
			r := must(t, j)
			m, err := onnx.Load(j.Output)
			if err != nil {
				t.Fatal(err)
			}
			f, err := onnx.Inspect(m, nil)
			if err != nil {
				t.Fatal(err)
			}
			zeros, all := int64(0), int64(0)
			for i, l := range f.Layers {
				want := l.Weights - int64(prune.Keep(int(l.Weights), s))
				switch {
				case l.Operator == "Gemm":
					want = 0
				case scope == ScopeGlobal:
					zeros, all, want = zeros+*l.Zeros, all+l.Weights, *l.Zeros
				case scope == Scope24 && i == 0: // three input channels: two of three stay
					want = l.Weights / 3
				}
				if *l.Zeros != want {
					t.Errorf("%s %g: layer %s has %d zeros of %d, want %d", scope, s, l.Node, *l.Zeros, l.Weights, want)
				}
			}
			if scope == ScopeGlobal && zeros != all-int64(prune.Keep(int(all), s)) {
				t.Errorf("global %g: %d zeros of %d", s, zeros, all)
			}
			if got := r.Manifest.Sparsity; got == nil || scope != Scope24 && math.Abs(*got-s) > 1e-3 {
				t.Errorf("%s %g: the manifest says %v", scope, s, got)
			}
			if v, _ := m.Meta(metaSparsity); v != fmt.Sprint(s) {
				t.Errorf("sparsity in the model: %q", v)
			}
			m.Close()
		}
	}
}

// TestDense: layers can be left dense by name, and the classifier can be
// pruned.
func TestDense(t *testing.T) {
	j := job(t)
	j.Model, j.Sparsity = small(t, 8), 0.5
	j.Recipe.Pruning.Dense, j.Recipe.Pruning.Classifier = []string{"stem*", "stage?.shortcut"}, true
	for _, l := range must(t, j).Manifest.Layers {
		dense := strings.HasPrefix(l.Node, "stem") || strings.HasSuffix(l.Node, "shortcut")
		if l.Pruned == dense || dense != (l.Zeros == 0) {
			t.Errorf("%s: pruned %v, %d zeros", l.Node, l.Pruned, l.Zeros)
		}
	}
	j = job(t)
	j.Sparsity, j.Recipe.Pruning.Dense = 0.5, []string{"stemm"}
	if _, err := Member(context.Background(), j); !errors.Is(err, ErrJob) || !strings.Contains(err.Error(), "stemm") {
		t.Errorf("an unknown layer: %v", err)
	}
}

// TestComesBack: a weight that was pruned can be used again, because masks
// come from the dense weights.
func TestComesBack(t *testing.T) {
	j := job(t)
	j.Sparsity, j.Recipe.Rate.Peak = 0.5, 0.3
	j.Recipe.Pruning.Begin, j.Recipe.Pruning.Every = "0 steps", "1 steps"
	tr, err := prepare(context.Background(), &j)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.open(realNetwork); err != nil {
		t.Fatal(err)
	}
	defer tr.feed.close()
	tr.clock.start(0)
	tr.feed.start(context.Background(), 0, tr.steps, 1)
	back := 0
	var before []float32
	for range tr.steps {
		if err := tr.one(context.Background()); err != nil {
			t.Fatal(err)
		}
		mask := tr.net.Params()[0].Mask
		for i := range before {
			if before[i] == 0 && mask[i] == 1 {
				back++
			}
		}
		before = append(before[:0], mask...)
	}
	if back == 0 {
		t.Error("no weight came back")
	}
}

// TestChanged: a folder of another training is refused, saying what changed.
func TestChanged(t *testing.T) {
	j := job(t)
	if !interrupt(t, j, 5) {
		t.Fatal("was not interrupted")
	}
	other := j
	other.Recipe.Optimizer.WeightDecay, other.Seed = 0.5, 10
	check := func(j Job) {
		t.Helper()
		var c *Changed
		if _, err := Member(context.Background(), j); !errors.As(err, &c) {
			t.Fatalf("%v, want Changed", err)
		}
		want := []string{"recipe.optimizer.weight-decay: 0.5, was 0.001", "seed: 10, was 9"}
		if !reflect.DeepEqual(c.Changes, want) {
			t.Errorf("changes %q, want %q", c.Changes, want)
		}
	}
	check(other)
	must(t, j)
	other.Work = t.TempDir() // the finished model is protected too
	check(other)
	if r := must(t, j); !r.Before || len(r.Curve) != 3 {
		t.Errorf("a finished training was done again: %+v", r)
	}
	if err := os.WriteFile(j.Output, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Member(context.Background(), j); !errors.Is(err, ErrJob) {
		t.Errorf("a model that its manifest does not describe: %v", err)
	}
	if err := os.Remove(ManifestFile(j.Output)); err != nil {
		t.Fatal(err)
	}
	if _, err := Member(context.Background(), j); !errors.Is(err, ErrJob) {
		t.Errorf("a model without a manifest: %v", err)
	}
}

// TestDiverged: a loss that is no number ends the training with its own error.
func TestDiverged(t *testing.T) {
	for _, peak := range []float64{1e18, 1e30} {
		j := job(t)
		j.Recipe.Rate = Rate{Schedule: RateConstant, Peak: peak, Factor: 1}
		var d *Diverged
		if _, err := Member(context.Background(), j); !errors.As(err, &d) {
			t.Errorf("rate %g: %v, want Diverged", peak, err)
		} else if d.Epoch < 1 || d.Step < 1 {
			t.Errorf("%+v", d)
		}
		if _, err := os.Stat(j.Output); err == nil {
			t.Error("a diverged model was written")
		}
	}
}

// TestPatience ends when nothing is learned any more, but not before the last
// pruning update.
func TestPatience(t *testing.T) {
	j := job(t)
	j.Recipe.Length, j.Recipe.Holdout, j.Recipe.Patience = "40 epochs", 0.25, 2
	j.Recipe.Rate = Rate{Schedule: RateConstant, Peak: 1e-30, Factor: 1} // no weight moves
	j.Recipe.Augment = Augment{}
	early := must(t, j)
	j = varied(t, func(k *Job) { k.Recipe = j.Recipe; k.Sparsity = 0.5; k.Recipe.Pruning.End = "60 steps" })
	pruned := must(t, j)
	// Four steps an epoch: the last update is at the end of epoch 15, so epoch 16
	// is the first that counts.
	if early.Manifest.Epochs != 1+2 || pruned.Manifest.Epochs != 16+2 || math.Abs(*pruned.Manifest.Sparsity-0.5) > 1e-3 {
		t.Errorf("%d epochs dense, %d pruned, want 3 and 18", early.Manifest.Epochs, pruned.Manifest.Epochs)
	}
}

// TestMisfits: what does not fit together is refused before training.
func TestMisfits(t *testing.T) {
	for name, set := range map[string]func(*Job){
		"5 outputs for 4 classes": func(j *Job) { j.Model = perceptron(t, 8, 4, 5) },
		"another size":            func(j *Job) { j.Model = perceptron(t, 9, 4, 4) },
		"more than there are":     func(j *Job) { j.Recipe.Batch = 97 },
		"window beyond the end":   func(j *Job) { j.Sparsity, j.Recipe.Pruning.End = 0.5, "18 steps" },
		"no window":               func(j *Job) { j.Sparsity, j.Recipe.Pruning = 0.5, DefaultRecipe().Pruning },
		"sparsity 1":              func(j *Job) { j.Sparsity = 1 },
		"patience without images": func(j *Job) { j.Recipe.Patience = 1 },
		"long warm-up":            func(j *Job) { j.Recipe.Rate.Warmup = "4 epochs" },
		"nhwc":                    func(j *Job) { j.Preprocess.Layout = "nhwc" },
		"two kinds of validation": func(j *Job) { j.Recipe.Holdout, j.Validation = .1, pictures(8, 8, 2) },
	} {
		j := job(t)
		set(&j)
		if _, err := Member(context.Background(), j); err == nil {
			t.Errorf("%s: no error", name)
		} else if _, statErr := os.Stat(j.Work); statErr == nil {
			t.Errorf("%s: something was written before %v", name, err)
		}
	}
}

// TestDamaged: an image that cannot be read, and a checkpoint that is damaged.
func TestDamaged(t *testing.T) {
	j := job(t)
	p := pictures(96, 8, 1)
	p.Bad[50] = errors.New("no such file: photo.png")
	j.Train = p
	if _, err := Member(context.Background(), j); err == nil || !strings.Contains(err.Error(), "photo.png") {
		t.Errorf("a damaged image: %v", err)
	}
	j = job(t)
	interrupt(t, j, 5)
	name := filepath.Join(j.Work, checkpointDir, checkpointState)
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b[:len(b)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Member(context.Background(), j); !errors.Is(err, ErrState) || !strings.Contains(err.Error(), name) {
		t.Errorf("a damaged checkpoint: %v", err)
	}
}

// TestCheckpointModel: the model in a checkpoint is one that can be loaded.
func TestCheckpointModel(t *testing.T) {
	j := varied(t, variety()["convolutions"])
	interrupt(t, j, 15)
	m, err := onnx.Load(filepath.Join(j.Work, checkpointDir, checkpointModel))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if f, err := onnx.Inspect(m, nil); err != nil || *f.ZeroShare < 0.7 {
		t.Errorf("%v, %v", f.ZeroShare, err)
	}
}

func FuzzState(f *testing.F) {
	s := &state{Version: StateVersion, Step: 3, Curve: []Epoch{{Epoch: 1}}, Best: best{Loss: exact(math.Inf(1))}}
	s.Made.Recipe = []byte("{}")
	s.add(roleValue, "w", []float32{1, float32(math.Inf(1))})
	s.add(roleMask, "w", []float32{0, 1})
	var b bytes.Buffer
	if err := s.encode(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:40])
	f.Add([]byte(stateMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeState(b)
		if err != nil {
			if !errors.Is(err, ErrState) {
				t.Errorf("%v is no ErrState", err)
			}
			return
		}
		var again bytes.Buffer
		if err := s.encode(&again); err != nil {
			t.Fatal(err)
		}
		if _, err := decodeState(again.Bytes()); err != nil {
			t.Error(err)
		}
	})
}
