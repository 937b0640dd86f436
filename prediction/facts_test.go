package prediction

import (
	"reflect"
	"testing"
)

// What is known of the model files and of restored layers comes back as it was
// written.
func TestFactsAreKept(t *testing.T) {
	share, db := 0.75, 31.5
	facts := &ModelFacts{
		File: "m.onnx", WeightsDigest: "sha256:1", Parameters: 3, Layers: []LayerFacts{{Name: "conv", Parameters: 3, Bits: 8}},
		CompressedParameters: &share, CompressedMACs: &share,
		Claim: &Claim{Source: "sha256:2", Schemes: []string{"sparsity=0.7", "int8-static"}, Calibration: "sha256:3"},
	}
	table := &Table{Classes: []string{"a", "b"}, Labels: NewColumn(2, 2)}
	for _, v := range []Variant{
		{Name: "dense", Kind: KindDense},
		{Name: "int8", Kind: KindQuantized},
		{Name: "int8 with conv", Kind: KindRestored, Restored: &Restored{Of: "int8", Layer: "conv", Operator: "Conv", Parameters: 3, OutputSQNR: &db}},
	} {
		v.Members = []Member{{Name: v.Name + "-0", Predicted: NewColumn(2, 2)}}
		if v.Kind == KindQuantized {
			v.Members[0].Facts = facts
		}
		table.Variants = append(table.Variants, v)
	}
	dir := t.TempDir() + "/p"
	if err := Write(dir, table, DefaultWriteOptions()); err != nil {
		t.Fatal(err)
	}
	got, err := Read(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got.Variants {
		if want := table.Variants[i]; !reflect.DeepEqual(v.Restored, want.Restored) || !reflect.DeepEqual(v.Members[0].Facts, want.Members[0].Facts) {
			t.Errorf("%s: %+v %+v", v.Name, v.Restored, v.Members[0].Facts)
		}
	}
}
