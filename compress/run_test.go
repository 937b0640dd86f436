package compress

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/internal/golden"
	"github.com/lethe-audit/lethe/onnx"
)

// edit is a scheme that changes the first weights of a model.
type edit struct {
	name   string
	change func(w []float32)
	ids    []dataset.ExampleID
	broken bool
}

func (e edit) Name() string           { return e.name }
func (e edit) NeedsCalibration() bool { return false }
func (e edit) Apply(_ context.Context, m *onnx.Model, _ Input) (*Result, error) {
	out := m.Clone()
	l := Layers(out.Graph)[0]
	w, err := l.Weight.Float32s()
	if err != nil {
		return nil, err
	}
	w = slices.Clone(w)
	e.change(w)
	t, err := onnx.TensorOf(l.Weight.Name, w, l.Weight.Dims...)
	if err != nil {
		return nil, err
	}
	if e.broken {
		out.Graph.Nodes[0].Inputs[0] = "nowhere"
	}
	return &Result{Model: out, Options: map[string]string{"by": e.name}, Calibration: e.ids,
		Layers: []LayerNote{{Node: l.Label, Operator: l.Node.Op, Change: "edited"}}, Notes: []string{"a note <of> " + e.name}, Clamped: 2}, SetConstant(out.Graph, t)
}

func plus(name string, v float32) edit {
	return edit{name: name, change: func(w []float32) { w[0] += v }}
}

func TestChainsKeepTheSource(t *testing.T) {
	m := enginetest.ResNet8()
	facts, err := onnx.Inspect(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	calibrated := plus("two", 1)
	calibrated.ids = []dataset.ExampleID{"train/0001", "train/0007"}
	in := Input{Data: Data{Name: "cifar10", Split: "train", Preprocess: "mean=.5&std=.25", Draw: 3, Seed: 9}}
	first, err := Run(context.Background(), m, []Scheme{plus("one", 1), calibrated}, in, "lethe 1")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := onnx.Encode(first.Model)
	if err != nil {
		t.Fatal(err)
	}
	read, err := onnx.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Run(context.Background(), read, []Scheme{plus("three", 1)}, Input{}, "lethe 2")
	if err != nil {
		t.Fatal(err)
	}
	f, err := ManifestOf(second.Model)
	if err != nil {
		t.Fatal(err)
	}
	if f.Source != facts.WeightsDigest || f.Tool != "lethe 2" || fmt.Sprint(f.Schemes()) != "[one two three]" {
		t.Errorf("%+v, want source %s", f, facts.WeightsDigest)
	}
	c := f.Steps[1].Calibration
	if f.Steps[0].Calibration != nil || f.Steps[2].Calibration != nil || c == nil || fmt.Sprint(c.Examples) != "[train/0001 train/0007]" || c.Data != in.Data {
		t.Errorf("calibration of the second step: %+v", c)
	}
	if f.Steps[0].Options["by"] != "one" || f.Steps[2].Options["by"] != "three" {
		t.Errorf("options %+v", f.Steps)
	}
	if second.Manifest.WeightsDigest != second.After.WeightsDigest || second.After.WeightsDigest == facts.WeightsDigest {
		t.Errorf("digests %s and %s", second.Manifest.WeightsDigest, second.After.WeightsDigest)
	}
	keys := []string{MetaSource, MetaScheme, MetaOptions, MetaCalibration, MetaTool}
	for _, k := range keys {
		if _, ok := second.Model.Meta(k); !ok {
			t.Errorf("no metadata %s", k)
		}
	}
}

// The weights' digest does not depend on metadata: marking a model is no
// compression, and neither is undoing one.
func TestNothing(t *testing.T) {
	m := enginetest.ResNet8()
	m.Path = "model.onnx"
	for name, chain := range map[string][]Scheme{
		"nothing":          {plus("zero", 0)},
		"nothing the 2nd":  {plus("one", 1), plus("zero", 0)},
		"no scheme at all": nil,
	} {
		out, err := Run(context.Background(), m, chain, Input{}, "test")
		want := ErrNothing
		if chain == nil {
			want = ErrSpec
		}
		if !errors.Is(err, want) || out != nil {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		if chain != nil && !strings.Contains(err.Error(), "model.onnx") {
			t.Errorf("%s: %v does not name the file", name, err)
		}
	}
	if _, ok := m.Meta(MetaSource); ok {
		t.Error("the original has been marked")
	}
}

func TestBrokenResultIsRefused(t *testing.T) {
	e := plus("broken", 1)
	e.broken = true
	if _, err := Run(context.Background(), enginetest.ResNet8(), []Scheme{e}, Input{}, "test"); !errors.Is(err, onnx.ErrGraph) || !strings.Contains(err.Error(), "broken") {
		t.Errorf("error %v", err)
	}
}

// Version 1 of the manifest file is read, and written as it was.
func TestManifestFile(t *testing.T) {
	want := &Manifest{Version: 1, Tool: "lethe 1.0", Source: "sha256:aa", WeightsDigest: "sha256:bb", Steps: []Step{
		{Scheme: "sparsity=0.7", Options: map[string]string{"scope": "layer"}, Layers: []LayerNote{{Node: "conv", Operator: "Conv", Change: "302 of 432 weights removed"}, {Node: "fc", Operator: "Gemm", Reason: "the last matrix product, which gives the classes"}}},
		{Scheme: "int8-static", Options: map[string]string{"calibration": "minmax"}, Notes: []string{"a < b"}, Clamped: 1, Flushed: 2,
			Calibration: newCalibration(Data{Name: "cifar10", Split: "train", Digest: "sha256:cc", Preprocess: "mean=.5&std=.25"}, []dataset.ExampleID{"train/0000", "train/0001"})},
	}}
	path := filepath.Join("testdata", "manifest-v1.json")
	var b bytes.Buffer
	if err := want.Write(&b); err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, "manifest-v1.json", b.Bytes())
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := ReadManifest(f)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v; want %+v", got, err, want)
	}
	for _, text := range []string{"", "[]", `{"version": 0}`, `{"version": 2}`} {
		if _, err := ReadManifest(strings.NewReader(text)); err == nil {
			t.Errorf("%q is read as a manifest", text)
		}
	}
}

func TestDamagedMetadata(t *testing.T) {
	for key, value := range map[string]string{MetaOptions: "[", MetaCalibration: `[null, null]`} {
		m := enginetest.ResNet8()
		m.SetMeta(MetaSource, "sha256:aa")
		m.SetMeta(MetaScheme, "float16")
		m.SetMeta(key, value)
		if f, err := ManifestOf(m); !errors.Is(err, onnx.ErrMalformed) || !strings.Contains(err.Error(), key) {
			t.Errorf("%s %s: %+v, %v", key, value, f, err)
		}
	}
	if f, err := ManifestOf(enginetest.ResNet8()); f != nil || err != nil {
		t.Errorf("a model that says nothing: %+v, %v", f, err)
	}
}

func FuzzManifestOf(f *testing.F) {
	f.Add("float16", `[{"block":""}]`, `[null]`)
	f.Add("a b", `[{},{}]`, `[{"name":"x","examples":["1"]},null]`)
	f.Fuzz(func(t *testing.T, scheme, options, calibration string) {
		m := &onnx.Model{Graph: &onnx.Graph{}}
		m.SetMeta(MetaScheme, scheme)
		m.SetMeta(MetaOptions, options)
		m.SetMeta(MetaCalibration, calibration)
		x, err := ManifestOf(m)
		if err == nil && x != nil && len(x.Steps) != len(strings.Fields(scheme)) {
			t.Errorf("%d steps of %q", len(x.Steps), scheme)
		}
	})
}
