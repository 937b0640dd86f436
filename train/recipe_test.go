package train

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/lethe-audit/lethe/internal/strictyaml"
)

// TestNamedRecipes: every recipe is complete, says what it is for, and can
// prune.
func TestNamedRecipes(t *testing.T) {
	if len(RecipeNames()) < 9 {
		t.Fatalf("recipes %v", RecipeNames())
	}
	for _, name := range RecipeNames() {
		r, err := NamedRecipe(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if r.Name != name || r.About == "" || !r.Prunes() {
			t.Errorf("%s: %+v", name, r)
		}
		text, err := RecipeSource(name)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseRecipe("copy.yaml", []byte(text))
		if again.Name = name; err != nil || !same(t, r, again) {
			t.Errorf("%s: its text gives another recipe: %v", name, err)
		}
	}
}

func same(t *testing.T, a, b Recipe) bool {
	t.Helper()
	x, err := a.JSON()
	if err != nil {
		t.Fatal(err)
	}
	y, err := b.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(x, y)
}

// TestPaperRecipes holds the numbers of Hooker et al. (arXiv:1911.05248 and the
// authors' code) and of Zagoruyko and Komodakis (arXiv:1605.07146) in steps.
func TestPaperRecipes(t *testing.T) {
	r, err := NamedRecipe("paper-imagenet-resnet50")
	if err != nil {
		t.Fatal(err)
	}
	const epoch = 1281167 / 4096
	rate := newRate(r.Rate, epoch, r.Length.steps(epoch))
	for _, c := range []struct {
		step int
		want float64
	}{{5*epoch - 1, 0.1 * 4096 / 256}, {30*epoch - 1, 1.6}, {30 * epoch, 0.16}, {60 * epoch, 0.016}, {80 * epoch, 0.0016}, {31999, 0.0016}} {
		if got := rate.of(c.step); got < c.want*(1-1e-12) || got > c.want*(1+1e-12) {
			t.Errorf("rate of step %d is %g, want %g", c.step, got, c.want)
		}
	}
	if r.Batch != 4096 || rate.steps != 32000 || r.LabelSmoothing != 0.1 || r.Optimizer.WeightDecay != 1e-4 || !r.Optimizer.Nesterov ||
		r.Pruning.Begin.steps(epoch) != 5000 || r.Pruning.End.steps(epoch) != 8000 || r.Pruning.Every.steps(epoch) != 500 || r.Pruning.Classifier {
		t.Errorf("%+v", r)
	}
	if r, err = NamedRecipe("paper-cifar10-wrn"); err != nil {
		t.Fatal(err)
	}
	if r.Batch != 128 || r.Length.steps(390) != 80000 || r.Optimizer.WeightDecay != 5e-4 || r.Augment.Crop.Pad != 4 || !r.Augment.Flip ||
		r.Pruning.Begin.steps(390) != 1000 || r.Pruning.End.steps(390) != 20000 || r.Pruning.Every.steps(390) != 500 {
		t.Errorf("%+v", r)
	}
}

const complete = "length: 3 epochs\nbatch: 8\nrate: {peak: 0.1}\n"

// TestRecipeErrors: faults name the line and what was expected.
func TestRecipeErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"batch: 8\nrate: {peak: 1}\n", "length is missing"},
		{"length: 3\nrate: {peak: 1}\n", "batch is missing"},
		{"length: 3\nbatch: 8\n", "peak is missing"},
		{complete + "lenght: 4\n", `r.yaml:4:1: there is no key "lenght"; did you mean "length"?`},
		{complete + "optimizer: {nam: sgd}\n", `did you mean "name"?`},
		{complete + "optimizer: {name: lion}\n", "r.yaml:4:19: optimizer \"lion\", want sgd or adamw"},
		{complete + "holdout: 1.5\n", "want a share in [0, 1)"},
		{complete + "augment: {jitter: {hue: 0.6}}\n", "want 0 to 0.5"},
		{complete + "augment: {crop: {pad: 2, fill: white}}\n", "want black or reflect"},
		{complete + "augment: {crop: {pad: 2}, resized-crop: {area: [.1, 1]}}\n", "exclude"},
		{complete + "augment: {resized-crop: {area: [1, .1]}}\n", "the smaller first"},
		{complete + "pruning: {begin: 1 epochs}\n", "pruning needs begin, end and every"},
		{complete + "pruning: {begin: 2 epochs, end: 1 epochs, every: 5}\n", "before it begins"},
		{complete + "pruning: {begin: 1 epochs, end: 3 epochs, every: 5}\n", "want an end before it"},
		{complete + "pruning: {begin: 1 epoch, end: 2 epochs, every: 0}\n", "want at least 1 step"},
		{complete + "pruning: {scope: channel}\n", "want layer, global, random or 2:4"},
		{complete + "pruning: {dense: ['[']}\n", "a pattern"},
		{"length: 3 weeks\nbatch: 8\nrate: {peak: 0.1}\n", "a length such as 12 epochs or 500 steps"},
		{"length: 1.5 steps\nbatch: 8\nrate: {peak: 0.1}\n", "whole number of steps"},
		{"length: 3 epochs\nbatch: 8\nrate: {peak: 0.1, schedule: step}\n", "at is missing"},
		{"length: 3 epochs\nbatch: 8\nrate: {peak: 0.1, at: [1 epoch]}\n", "for the schedule step"},
		{"length: 3 epochs\nbatch: 8\nrate: {peak: 0.1, warmup: 4 epochs}\n", "longer than the training"},
		{"length: 3 epochs\nbatch: 8\nrate: {peak: -1}\n", "above 0"},
		{"base: smokey\n", `did you mean "smoke"?`},
	} {
		_, err := ParseRecipe("r.yaml", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "r.yaml") {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
	if _, err := NamedRecipe("smok"); !errors.Is(err, ErrNoRecipe) || !strings.Contains(err.Error(), "smoke") {
		t.Errorf("%v", err)
	}
}

// TestOverride: what is not said keeps its value, at every depth.
func TestOverride(t *testing.T) {
	base, err := NamedRecipe("cifar10-resnet8-quick")
	if err != nil {
		t.Fatal(err)
	}
	want := base
	want.Optimizer.WeightDecay, want.Augment.Crop.Pad, want.Length = 0.25, 7, "9 epochs"
	mapping := map[string]any{"optimizer": map[string]any{"weight-decay": 0.25}, "augment": map[string]any{"crop": map[string]any{"pad": 7}}, "length": "9 epochs"}
	got, err := RecipeFrom("cifar10-resnet8-quick", mapping)
	if err != nil || !same(t, got, want) {
		t.Errorf("override: %+v, %v", got, err)
	}
	mapping["base"] = "cifar10-resnet8-quick"
	if got, err = RecipeFrom(mapping, nil); err != nil || !same(t, got, want) {
		t.Errorf("base: %+v, %v", got, err)
	}
	text, err := yaml.Marshal(mapping)
	if err != nil {
		t.Fatal(err)
	}
	if got, err = ParseRecipe("r.yaml", text); err != nil || !same(t, got, want) {
		t.Errorf("file: %+v, %v", got, err)
	}
	var fault *strictyaml.Error
	if _, err = RecipeFrom("smoke", map[string]any{"batchsize": 3}); !errors.As(err, &fault) || !strings.Contains(err.Error(), "batch") {
		t.Errorf("%v", err)
	}
	if _, err = RecipeFrom(3, nil); err == nil {
		t.Error("a number is no recipe")
	}
}

// TestFor: the recipe of a dense member does not depend on pruning.
func TestFor(t *testing.T) {
	a, b := quick(), quick()
	b.Pruning.End, b.Pruning.Scope = "4 steps", ScopeGlobal
	dense, err := a.For(0)
	if err != nil {
		t.Fatal(err)
	}
	other, err := b.For(0)
	if err != nil || !same(t, dense, other) || dense.Prunes() {
		t.Errorf("%+v, %v", other, err)
	}
	b.Pruning.Scope = Scope24
	if _, err := b.For(0.6); err == nil {
		t.Error("2:4 with a sparsity of 0.6")
	}
	for _, s := range []float64{-0.1, 1, 2} {
		if _, err := a.For(s); err == nil {
			t.Errorf("sparsity %g", s)
		}
	}
}

// TestRecipeJSON: nothing is lost.
func TestRecipeJSON(t *testing.T) {
	for _, name := range RecipeNames() {
		r, err := NamedRecipe(name)
		if err != nil {
			t.Fatal(err)
		}
		data, err := r.JSON()
		if err != nil {
			t.Fatal(err)
		}
		again, err := RecipeFromJSON(data)
		if err != nil || !same(t, r, again) {
			t.Errorf("%s: %+v, %v", name, again, err)
		}
	}
	if _, err := RecipeFromJSON([]byte(`{"length": "3 epochs", "batch": 1}`)); err == nil {
		t.Error("a batch of 1")
	}
}

func FuzzRecipe(f *testing.F) {
	f.Add([]byte(complete))
	f.Add([]byte("base: smoke\nlength: 12\n"))
	f.Add([]byte("rate: {at: [1 epoch, 2]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseRecipe("r.yaml", data)
		if err != nil {
			return
		}
		j, err := r.JSON()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := RecipeFromJSON(j); err != nil {
			t.Errorf("%q: %v", data, err)
		}
		if n := r.Length.steps(100); n < 0 {
			t.Errorf("%q: %d steps", data, n)
		}
	})
}
