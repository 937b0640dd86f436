package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/onnx"
)

// Made is what a member is made of: two trainings with equal ones give the same
// bytes.
type Made struct {
	Version  int             `json:"version"` // see [Version]
	Network  string          `json:"network"`
	Model    string          `json:"model"` // digest of the model to begin with
	Data     Data            `json:"data"`
	Recipe   json.RawMessage `json:"recipe"` // see [Recipe.JSON]
	Sparsity float64         `json:"sparsity"`
	Seed     uint64          `json:"seed"`
}

// Data says which images a member was trained on.
type Data struct {
	Name       string `json:"name"`
	Digest     string `json:"digest"` // of ids and labels, see dataset.Digest
	Examples   int    `json:"examples"`
	Validation string `json:"validation,omitempty"` // digest of the images of the validation
	Preprocess string `json:"preprocess"`           // options of the source, in a fixed order
}

// identify says what the member of a job is made of.
func identify(j *Job, r Recipe) (Made, error) {
	encoded, err := onnx.Encode(j.Model)
	if err != nil {
		return Made{}, fmt.Errorf("train: %w", err)
	}
	recipe, err := r.JSON()
	if err != nil {
		return Made{}, err
	}
	sum := sha256.Sum256(encoded)
	m := Made{
		Version: Version, Network: j.Network, Model: "sha256:" + hex.EncodeToString(sum[:]), Recipe: recipe, Sparsity: j.Sparsity, Seed: j.Seed,
		Data: Data{Name: j.Train.Name(), Digest: dataset.Digest(j.Train), Examples: j.Train.Len(), Preprocess: describe(j.Preprocess)},
	}
	if j.Validation != nil {
		m.Data.Validation = dataset.Digest(j.Validation)
	}
	return m, nil
}

// describe writes how images become numbers as options of a data source.
func describe(p dataset.Preprocess) string {
	var out []string
	add := func(name, value string) { out = append(out, name+"="+value) }
	size := func(s dataset.Size) string {
		if s.Width == 0 {
			return strconv.Itoa(s.Height)
		}
		return fmt.Sprintf("%dx%d", s.Height, s.Width)
	}
	numbers := func(v []float64) string {
		var s []string
		for _, x := range v {
			s = append(s, strconv.FormatFloat(x, 'g', -1, 64))
		}
		return strings.Join(s, ",")
	}
	if p.Resize.Height > 0 {
		add("resize", size(p.Resize))
		add("filter", string(p.Filter))
	}
	if p.Crop.Height > 0 {
		add("crop", size(p.Crop))
	}
	if p.Channels != dataset.AsStored {
		add("channels", string(p.Channels))
	}
	add("scale", numbers([]float64{p.Scale}))
	if p.Mean != nil {
		add("mean", numbers(p.Mean))
	}
	if p.Std != nil {
		add("std", numbers(p.Std))
	}
	return strings.Join(out, "&")
}

// differences lists what is not the same, "recipe.batch: 128, was 64".
func differences(now, before Made) []string {
	a, b := flatten(now), flatten(before)
	keys := map[string]bool{}
	for k := range a {
		keys[k] = true
	}
	for k := range b {
		keys[k] = true
	}
	var out []string
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		switch x, y := a[k], b[k]; {
		case x == y:
		case y == "":
			out = append(out, fmt.Sprintf("%s: %s, was not there", k, x))
		case x == "":
			out = append(out, fmt.Sprintf("%s: is not there, was %s", k, y))
		default:
			out = append(out, fmt.Sprintf("%s: %s, was %s", k, x, y))
		}
	}
	return out
}

// flatten writes every value of m beside its path.
func flatten(m Made) map[string]string {
	out := map[string]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				walk(strings.TrimPrefix(path+"."+k, "."), x)
			}
		default:
			text, err := json.Marshal(v)
			if err != nil {
				text = []byte(fmt.Sprint(v))
			}
			out[path] = string(text)
		}
	}
	data, err := json.Marshal(m)
	if err != nil {
		return map[string]string{"": err.Error()}
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // a seed has more digits than a float64
	if err := d.Decode(&v); err != nil {
		return map[string]string{"": err.Error()}
	}
	walk("", v)
	return out
}
