package corrupt

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/lethe-audit/lethe/dataset"
)

// Names are all 19 corruptions: the 15 of the benchmark, then the 4 extra
// ones.
func Names() []string { return append(Common(), Extra()...) }

// Common are the 15 corruptions of the benchmark, in the paper's order.
func Common() []string { return names(false) }

// Extra are the 4 corruptions that the authors hold out of the benchmark.
func Extra() []string { return names(true) }

func names(extra bool) []string {
	var out []string
	for _, d := range definitions() {
		if d.extra == extra {
			out = append(out, d.name)
		}
	}
	return out
}

// Severities is the number of severities: they count from 1.
const Severities = 5

// Options say how images are corrupted.
type Options struct {
	Name     string // one of [Names]
	Severity int    // 1 to [Severities]
	Preset   Preset // the parameters; [Auto] goes by each image's size
	Seed     uint64 // another seed, other noise
}

// ErrTooSmall is an image that is too small for the corruption.
var ErrTooSmall = errors.New("too small")

// leastSide is the shortest side that is corrupted: a block of JPEG.
const leastSide = 8

// Corruption is one corruption at one severity. It may be used from several
// goroutines at once.
type Corruption struct {
	o   Options
	def definition

	mu    sync.Mutex
	ready map[scene]effect // what an image of a size and its colours need
}

// scene is what an effect is made for.
type scene struct {
	w, h, channels int
	preset         Preset
}

// side is the shorter side in pixels.
func (s scene) side() int { return min(s.w, s.h) }

// scale is what lengths in pixels are multiplied by.
func (s scene) scale() float64 { return float64(s.side()) / float64(s.preset.side()) }

// effect makes a corrupted image of one that it leaves as it is.
type effect func(im *dataset.Image, r *rand.Rand) (*dataset.Image, error)

// New checks the options. Unknown names are answered with the nearest one.
func New(o Options) (*Corruption, error) {
	all := definitions()
	at := slices.IndexFunc(all, func(d definition) bool { return d.name == o.Name })
	if at < 0 {
		return nil, fmt.Errorf("corruption %q%s", o.Name, dataset.Suggestion(o.Name, Names()))
	}
	if o.Severity < 1 || o.Severity > Severities {
		return nil, fmt.Errorf("severity %d of %s: want 1 (least) to %d", o.Severity, o.Name, Severities)
	}
	if err := o.Preset.validate(); err != nil {
		return nil, err
	}
	return &Corruption{o: o, def: all[at], ready: map[scene]effect{}}, nil
}

func (p Preset) validate() error {
	switch p {
	case Auto, ImageNetC, CIFARC:
		return nil
	}
	return fmt.Errorf("preset %q%s", string(p), dataset.Suggestion(string(p), []string{string(ImageNetC), string(CIFARC)}))
}

// Options are those it was made with.
func (c *Corruption) Options() Options { return c.o }

// String is the corruption and its severity: "fog:3".
func (c *Corruption) String() string { return fmt.Sprintf("%s:%d", c.o.Name, c.o.Severity) }

// Parameters are the published numbers of a corruption, in the order of the
// authors' tuples (zoom_blur: the step and the count of factors).
func Parameters(name string, p Preset, severity int) ([]float64, error) {
	c, err := New(Options{Name: name, Preset: p, Severity: severity})
	if err != nil {
		return nil, err
	}
	if p == Auto {
		return nil, fmt.Errorf("parameters of %s: which preset?", name)
	}
	return slices.Clone(c.def.numbers(p, severity)), nil
}

func (d *definition) numbers(p Preset, severity int) []float64 {
	if p == CIFARC {
		return d.cifar[severity-1]
	}
	return d.imagenet[severity-1]
}

// Apply is the image corrupted; the image given stays as it is. The result
// depends on the options, the id and the image only. Images whose sides are
// below 8 pixels, or below what a kernel spans, give [ErrTooSmall].
func (c *Corruption) Apply(id dataset.ExampleID, im *dataset.Image) (*dataset.Image, error) {
	e, p, err := c.effect(im)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	out, err := e(im, c.random(id, p))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	return out, nil
}

// effect is what corrupts images of this size, made at the first of them.
func (c *Corruption) effect(im *dataset.Image) (effect, Preset, error) {
	s := scene{im.Width, im.Height, im.Channels, c.o.Preset}
	if s.side() < leastSide {
		return nil, "", fmt.Errorf("image of %dx%d pixels is %w: want a shorter side of %d", s.w, s.h, ErrTooSmall, leastSide)
	}
	if s.preset == Auto {
		s.preset = ImageNetC
		if s.side() < autoSide {
			s.preset = CIFARC
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.ready[s]; ok {
		return e, s.preset, nil
	}
	e, err := c.def.make(c.def.numbers(s.preset, c.o.Severity), s)
	if err != nil {
		return nil, "", err
	}
	if len(c.ready) >= mostScenes {
		clear(c.ready)
	}
	c.ready[s] = e
	return e, s.preset, nil
}

// mostScenes bounds the memory that images of many sizes take.
const mostScenes = 16

// random is the source of an image's random numbers.
func (c *Corruption) random(id dataset.ExampleID, p Preset) *rand.Rand {
	h := fnv.New128a()
	fmt.Fprintf(h, "lethe corrupt 1\x00%s\x00%d\x00%s\x00%d\x00%s", c.o.Name, c.o.Severity, p, c.o.Seed, id)
	var a, b uint64
	for i, v := range h.Sum(nil) {
		if i < 8 {
			a = a<<8 | uint64(v)
		} else {
			b = b<<8 | uint64(v)
		}
	}
	return rand.New(rand.NewPCG(a, b))
}

// Shift is the corruption that a data source's options ask for.
func Shift(r dataset.ShiftRequest) (dataset.Shift, error) {
	c, err := New(Options{Name: r.Corruption, Severity: r.Severity, Preset: Preset(r.Preset), Seed: r.Seed})
	if err != nil {
		return nil, err // not a nil *Corruption in an interface
	}
	return c, nil
}
