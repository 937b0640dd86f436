package train

import (
	"fmt"
	"math"
	"path"
	"strings"
)

// Recipe says how a member is trained. Lengths are spans; everything that a file
// does not say has the value of [DefaultRecipe].
type Recipe struct {
	Name string `yaml:"name" json:"name"`
	// About says in a line what the recipe is for and where its numbers come from.
	About string `yaml:"about" json:"-"`
	// Base is the name of a recipe that this one changes.
	Base string `yaml:"base" json:"-"`

	Length Span `yaml:"length" json:"length"`
	// Batch is the number of images in a step.
	Batch     int       `yaml:"batch" json:"batch"`
	Optimizer Optimizer `yaml:"optimizer" json:"optimizer"`
	Rate      Rate      `yaml:"rate" json:"rate"`
	// LabelSmoothing is the share of a label's weight that is spread evenly over
	// all classes, in [0, 1).
	LabelSmoothing float64 `yaml:"label-smoothing" json:"label-smoothing"`
	Augment        Augment `yaml:"augment" json:"augment"`
	// Average is the decay a step of a moving average of the weights, which
	// becomes the model; 0 is off.
	Average float64 `yaml:"average" json:"average"`
	// Holdout is the share of the training images, in [0, 1), that is not trained
	// on: accuracy is measured on them after each epoch. The same images for
	// every member.
	Holdout float64 `yaml:"holdout" json:"holdout"`
	// Patience ends training when the loss on images that are not trained on has
	// not become less for so many epochs; 0 is never. It counts from the last
	// pruning update on.
	Patience int     `yaml:"patience" json:"patience"`
	Pruning  Pruning `yaml:"pruning" json:"pruning"`
}

// Optimizer is how gradients become new weights.
type Optimizer struct {
	Name string `yaml:"name" json:"name"` // sgd or adamw
	// Momentum and Nesterov are sgd's.
	Momentum float64 `yaml:"momentum" json:"momentum"`
	Nesterov bool    `yaml:"nesterov" json:"nesterov"`
	// Beta1, Beta2 and Epsilon are adamw's.
	Beta1   float64 `yaml:"beta1" json:"beta1"`
	Beta2   float64 `yaml:"beta2" json:"beta2"`
	Epsilon float64 `yaml:"epsilon" json:"epsilon"`
	// WeightDecay is a multiple of the weight: added to the gradient (sgd), or
	// taken from the weight times the learning rate (adamw). Biases and
	// normalization parameters do not decay.
	WeightDecay float64 `yaml:"weight-decay" json:"weight-decay"`
}

// Rate is the learning rate over the steps.
type Rate struct {
	Schedule string  `yaml:"schedule" json:"schedule"` // constant, step, cosine or linear
	Peak     float64 `yaml:"peak" json:"peak"`         // after the warm-up
	Warmup   Span    `yaml:"warmup" json:"warmup"`     // over which it rises evenly from near 0 to Peak
	// At and Factor are step's: from each span on, counted from the start of the
	// training, the rate is multiplied by Factor.
	At     []Span  `yaml:"at" json:"at"`
	Factor float64 `yaml:"factor" json:"factor"`
	// Final is where cosine and linear end.
	Final float64 `yaml:"final" json:"final"`
}

// Pruning is when and what is pruned; how much is the member's sparsity.
type Pruning struct {
	// Scope is layer (the same sparsity in each), global (the smallest weights of
	// all layers), random (a control: which weights is drawn), or 2:4 (two of
	// four neighbours).
	Scope string `yaml:"scope" json:"scope"`
	Begin Span   `yaml:"begin" json:"begin"`
	End   Span   `yaml:"end" json:"end"`
	Every Span   `yaml:"every" json:"every"`
	// Dense names layers that are not pruned: patterns over the names of nodes
	// and weights, such as "stem*".
	Dense []string `yaml:"dense" json:"dense"`
	// Classifier prunes the last fully connected layer too.
	Classifier bool `yaml:"classifier" json:"classifier"`
}

// The names that recipes use.
const (
	SGD, AdamW                                     = "sgd", "adamw"
	RateConstant, RateStep, RateCosine, RateLinear = "constant", "step", "cosine", "linear"
	ScopeLayer, ScopeGlobal, ScopeRandom, Scope24  = "layer", "global", "random", "2:4"
)

// DefaultRecipe has no length, batch and peak rate: every recipe says those.
func DefaultRecipe() Recipe {
	return Recipe{
		Optimizer: Optimizer{Name: SGD, Momentum: 0.9, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8},
		Rate:      Rate{Schedule: RateConstant, Factor: 0.1},
		Augment:   Augment{Crop: Crop{Fill: FillBlack}},
		Pruning:   Pruning{Scope: ScopeLayer},
	}
}

// fault makes an error about the value at a path such as "$.rate.peak".
type fault func(path, format string, args ...any) error

// check checks everything that can be told without data.
func (r *Recipe) check(f fault) error {
	for _, step := range []func(fault) error{r.checkLength, r.checkOptimizer, r.checkRate, r.checkOthers, r.checkPruning} {
		if err := step(f); err != nil {
			return err
		}
	}
	return r.Augment.check(f)
}

func (r *Recipe) checkLength(f fault) error {
	n, _, err := r.Length.parse()
	switch {
	case r.Length == "":
		return f("$.length", "length is missing: how long is trained, such as 12 epochs")
	case err != nil:
		return f("$.length", "length %v", err)
	case n <= 0:
		return f("$.length", "length %q, want more than nothing", string(r.Length))
	case r.Batch == 0:
		return f("$.batch", "batch is missing: the images in a step")
	case r.Batch < 2 || r.Batch > maxBatch:
		return f("$.batch", "batch %d, want 2 to %d images", r.Batch, maxBatch)
	}
	return nil
}

// maxBatch bounds a batch: the largest that residual networks are known to be
// trained with is 32,768 (You et al. 2017).
const maxBatch = 1 << 16

func (r *Recipe) checkOptimizer(f fault) error {
	o := r.Optimizer
	share := func(v float64) bool { return v >= 0 && v < 1 }
	switch {
	case o.Name != SGD && o.Name != AdamW:
		return f("$.optimizer.name", "optimizer %q, want sgd or adamw", o.Name)
	case !share(o.Momentum):
		return f("$.optimizer.momentum", "momentum %v, want a number in [0, 1)", o.Momentum)
	case o.Nesterov && o.Momentum == 0 && o.Name == SGD:
		return f("$.optimizer.nesterov", "nesterov needs a momentum")
	case !share(o.Beta1):
		return f("$.optimizer.beta1", "beta1 %v, want a number in [0, 1)", o.Beta1)
	case !share(o.Beta2):
		return f("$.optimizer.beta2", "beta2 %v, want a number in [0, 1)", o.Beta2)
	case !(o.Epsilon > 0 && o.Epsilon <= 1):
		return f("$.optimizer.epsilon", "epsilon %v, want a number in (0, 1]", o.Epsilon)
	case !(o.WeightDecay >= 0 && o.WeightDecay <= 1):
		return f("$.optimizer.weight-decay", "weight-decay %v, want a number in [0, 1]", o.WeightDecay)
	}
	return nil
}

func (r *Recipe) checkRate(f fault) error {
	t := r.Rate
	if _, _, err := t.Warmup.parse(); err != nil {
		return f("$.rate.warmup", "warmup %v", err)
	}
	switch t.Schedule {
	case RateConstant, RateCosine, RateLinear:
		if len(t.At) > 0 {
			return f("$.rate.at", "at is for the schedule step, not %s", t.Schedule)
		}
	case RateStep:
		if len(t.At) == 0 {
			return f("$.rate", "at is missing: where the schedule step multiplies the rate, such as [30 epochs, 60 epochs]")
		}
	default:
		return f("$.rate.schedule", "schedule %q, want constant, step, cosine or linear", t.Schedule)
	}
	for i, s := range t.At {
		if _, _, err := s.parse(); err != nil || s == "" {
			return f(fmt.Sprintf("$.rate.at[%d]", i), "at %q, want a length such as 30 epochs or 500 steps", string(s))
		}
	}
	positive := func(v float64) bool { return v > 0 && !math.IsInf(v, 0) }
	switch {
	case t.Peak == 0:
		return f("$.rate.peak", "peak is missing: the learning rate after the warm-up")
	case !positive(t.Peak):
		return f("$.rate.peak", "peak %v, want a number above 0", t.Peak)
	case !positive(t.Factor):
		return f("$.rate.factor", "factor %v, want a number above 0", t.Factor)
	case !(t.Final >= 0 && t.Final <= t.Peak):
		return f("$.rate.final", "final %v, want a number from 0 to the peak, %v", t.Final, t.Peak)
	}
	if w, all, ok := comparable(t.Warmup, r.Length); ok && w > all {
		return f("$.rate.warmup", "a warm-up of %s is longer than the training, %s", t.Warmup, r.Length)
	}
	return nil
}

func (r *Recipe) checkOthers(f fault) error {
	switch {
	case !(r.LabelSmoothing >= 0 && r.LabelSmoothing < 1):
		return f("$.label-smoothing", "label-smoothing %v, want a share in [0, 1)", r.LabelSmoothing)
	case !(r.Average >= 0 && r.Average < 1):
		return f("$.average", "average %v, want a decay in [0, 1)", r.Average)
	case !(r.Holdout >= 0 && r.Holdout < 1):
		return f("$.holdout", "holdout %v, want a share in [0, 1)", r.Holdout)
	case r.Patience < 0:
		return f("$.patience", "patience %d, want a number of epochs", r.Patience)
	}
	return nil
}

func (r *Recipe) checkPruning(f fault) error {
	p := r.Pruning
	switch p.Scope {
	case ScopeLayer, ScopeGlobal, ScopeRandom, Scope24:
	default:
		return f("$.pruning.scope", "scope %q, want layer, global, random or 2:4", p.Scope)
	}
	for i, pattern := range p.Dense {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			return f(fmt.Sprintf("$.pruning.dense[%d]", i), "dense %q, want a name or a pattern such as stem*", pattern)
		}
	}
	given := 0
	for _, s := range []struct {
		key string
		Span
	}{{"begin", p.Begin}, {"end", p.End}, {"every", p.Every}} {
		n, _, err := s.parse()
		if err != nil {
			return f("$.pruning."+s.key, "%s %v", s.key, err)
		}
		if s.key == "every" && s.Span != "" && n == 0 {
			return f("$.pruning.every", "every %q, want at least 1 step", string(s.Span))
		}
		if s.Span != "" {
			given++
		}
	}
	if given != 0 && given != 3 {
		return f("$.pruning", "pruning needs begin, end and every")
	}
	if b, e, ok := comparable(p.Begin, p.End); ok && given == 3 && e < b {
		return f("$.pruning.end", "pruning ends at %s, before it begins at %s", p.End, p.Begin)
	}
	if e, all, ok := comparable(p.End, r.Length); ok && given == 3 && e >= all {
		return f("$.pruning.end", "pruning ends at %s and training at %s: want an end before it", p.End, r.Length)
	}
	return nil
}

// Prunes reports whether the recipe has a window for pruning.
func (r *Recipe) Prunes() bool { return r.Pruning.Begin != "" }

// For is the recipe of a member of the given sparsity: it refuses what does not
// fit, and has no pruning if the sparsity is 0, so that what a dense member is
// made of does not depend on how others are pruned.
func (r Recipe) For(sparsity float64) (Recipe, error) {
	switch {
	case !(sparsity >= 0 && sparsity < 1):
		return r, fmt.Errorf("train: sparsity %v, want a share in [0, 1)", sparsity)
	case sparsity == 0:
		r.Pruning = DefaultRecipe().Pruning
	case !r.Prunes():
		return r, fmt.Errorf("train: recipe %s has no pruning (begin, end, every), so it cannot reach a sparsity of %v", r.title(), sparsity)
	case r.Pruning.Scope == Scope24 && sparsity != 0.5:
		return r, fmt.Errorf("train: recipe %s prunes two of four weights, a sparsity of 0.5, not %v", r.title(), sparsity)
	}
	return r, nil
}

func (r *Recipe) title() string {
	if r.Name == "" {
		return "without a name"
	}
	return strings.TrimSpace(r.Name)
}
