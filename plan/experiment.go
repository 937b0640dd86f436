package plan

import (
	"fmt"
	"math"
	"regexp"
	"strings"

	"github.com/lethe-audit/lethe/internal/strictyaml"
)

// Experiment is what a file asks for.
type Experiment struct {
	// Name names the experiment; it becomes the report's title.
	Name string `yaml:"name"`
	// Data is the source of the images, KIND:PATH?options.
	Data string `yaml:"data"`
	// Train and Test are further options of the source, joined by &, for
	// training and for prediction.
	Train string `yaml:"train"`
	Test  string `yaml:"test"`
	// Model is the name of an architecture, or the path of an ONNX file,
	// relative to the experiment's.
	Model string `yaml:"model"`
	// Recipe says how members are trained: a name, or a mapping.
	Recipe any `yaml:"recipe"`
	// Members is the number of members of every population.
	Members int `yaml:"members"`
	// Seed tells repetitions of one experiment apart.
	Seed uint64 `yaml:"seed"`
	// Variants are the populations, the baseline first.
	Variants []Variant `yaml:"variants"`
	// Shift lists shifted data that all members are run over, too: "fog:3",
	// "common", a source KIND:PATH?options, or a mapping of corruption and
	// severities, or of data and name.
	Shift []any `yaml:"shift"`
	// Audit holds settings of the audit, named as the flags of lethe audit.
	Audit map[string]any `yaml:"audit"`
	// Reports are formats that are written beside the HTML report.
	Reports []string `yaml:"reports"`

	doc *strictyaml.Document
}

// Variant is one population.
type Variant struct {
	Name string `yaml:"name"`
	// Sparsity is the share of weights that pruning while training removes,
	// in [0, 1); nil for a dense population.
	Sparsity *float64 `yaml:"sparsity"`
	// Recipe overrides settings of the experiment's recipe.
	Recipe map[string]any `yaml:"recipe"`
	// Kind is "noise-floor" for a second dense population, which shows how much two
	// populations differ that nothing was done to. Otherwise it is empty.
	Kind string `yaml:"kind"`
	// From names the population whose members Compress is applied to, after
	// training; empty for a population that is trained.
	From string `yaml:"from"`
	// Compress lists the schemes that are applied, in order.
	Compress []string `yaml:"compress"`
	// Calibrate is the number of training images that schemes look at; 0 means
	// [DefaultCalibration].
	Calibrate int `yaml:"calibrate"`
}

// NoiseFloor is the kind of a second dense population.
const NoiseFloor = "noise-floor"

// Trained reports whether the members are trained; otherwise they are made
// from members of another population.
func (v Variant) Trained() bool { return v.From == "" }

// Parse reads an experiment. file is its name in errors, which are of type
// *strictyaml.Error. Names of models, recipes, schemes and settings are
// checked by [Make].
func Parse(file string, data []byte) (*Experiment, error) {
	e := &Experiment{Train: "split=train", Test: "split=test"}
	doc, err := strictyaml.Decode(file, data, e)
	if err != nil {
		return nil, err
	}
	e.doc = doc
	if err := e.check(); err != nil {
		return nil, err
	}
	return e, nil
}

// Fault is an error about the value at a path of the file, such as "$.model".
func (e *Experiment) Fault(path, format string, args ...any) error {
	return e.doc.Fault(path, format, args...)
}

// nameForm is what a name may look like: it becomes part of paths.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

func (e *Experiment) check() error {
	switch {
	case e.Name == "":
		return e.Fault("$.name", "name is missing: what the experiment is called")
	case !nameForm.MatchString(e.Name):
		return e.Fault("$.name", "name %q, want letters, digits, '.', '_' and '-'", e.Name)
	case e.Data == "":
		return e.Fault("$.data", "data is missing: KIND:PATH?options")
	case e.Model == "":
		return e.Fault("$.model", "model is missing: the name of an architecture or the path of an ONNX file")
	case e.Recipe == nil:
		return e.Fault("$.recipe", "recipe is missing: the name of a recipe or a mapping")
	case e.Members < 1 || e.Members > maxMembers:
		return e.Fault("$.members", "members %d, want 1 to %d", e.Members, maxMembers)
	case len(e.Variants) < 2:
		return e.Fault("$.variants", "%d variants, want a baseline and at least one other", len(e.Variants))
	}
	names := map[string]bool{}
	for i, v := range e.Variants {
		at := fmt.Sprintf("$.variants[%d]", i)
		if err := e.checkVariant(at, i, v, names); err != nil {
			return err
		}
		names[v.Name] = true
	}
	return nil
}

// maxMembers bounds the length of a plan.
const maxMembers = 10_000

func (e *Experiment) checkVariant(at string, i int, v Variant, before map[string]bool) error {
	switch {
	case v.Name == "":
		return e.Fault(at, "the variant has no name")
	case !nameForm.MatchString(v.Name):
		return e.Fault(at+".name", "name %q, want letters, digits, '.', '_' and '-'", v.Name)
	case before[v.Name]:
		return e.Fault(at+".name", "two variants are called %q", v.Name)
	case v.Sparsity != nil && (math.IsNaN(*v.Sparsity) || *v.Sparsity < 0 || *v.Sparsity >= 1):
		return e.Fault(at+".sparsity", "sparsity %v, want a share in [0, 1)", *v.Sparsity)
	case v.Kind != "" && v.Kind != NoiseFloor:
		return e.Fault(at+".kind", "kind %q, want noise-floor (a second dense population) or nothing", v.Kind)
	case v.Calibrate < 0:
		return e.Fault(at+".calibrate", "calibrate %d, want a number of images", v.Calibrate)
	case i == 0 && (!v.Trained() || v.Sparsity != nil || v.Kind != ""):
		return e.Fault(at, "the first variant is the baseline: it is trained dense")
	case v.Kind == NoiseFloor && (v.Sparsity != nil || !v.Trained()):
		return e.Fault(at, "a noise floor is trained dense: nothing is done to it")
	}
	if v.Trained() {
		if len(v.Compress) > 0 || v.Calibrate > 0 {
			return e.Fault(at, "compress needs from: the variant whose members are compressed")
		}
		return nil
	}
	switch {
	case v.Sparsity != nil || v.Recipe != nil:
		return e.Fault(at, "sparsity and recipe are of variants that are trained; to prune after training: compress: [sparsity=...]")
	case len(v.Compress) == 0:
		return e.Fault(at, "compress is missing: the schemes that make this variant from %s", v.From)
	case !before[v.From]:
		return e.Fault(at+".from", "%s", unknownVariant(v.From, e.Variants[:i]))
	}
	return nil
}

func unknownVariant(name string, before []Variant) string {
	var names []string
	for _, v := range before {
		names = append(names, v.Name)
	}
	return strictyaml.Unknown("earlier variant", name, names)
}

// Member names member k of n: its number, with as many digits as all need.
func Member(k, n int) string {
	return fmt.Sprintf("%0*d", max(2, len(fmt.Sprint(n-1))), k)
}

// joinOptions adds options to a source.
func joinOptions(source, options string) string {
	options = strings.Trim(options, "?&")
	switch {
	case options == "":
		return source
	case strings.Contains(source, "?"):
		return source + "&" + options
	}
	return source + "?" + options
}
