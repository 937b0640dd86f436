package prediction

import "testing"

// TestReadFacts: the facts that were written come back, by variant and member.
func TestReadFacts(t *testing.T) {
	table := &Table{Classes: []string{"a", "b"}, Labels: NewColumn(2, 2)}
	facts := &ModelFacts{File: "m.onnx", WeightsDigest: "sha256:1", Parameters: 3, Layers: []LayerFacts{{Name: "conv", Parameters: 3, Bits: 8}}}
	for _, name := range []string{"dense", "int8"} {
		v := Variant{Name: name, Kind: KindDense, Members: []Member{{Name: name + "-0", Predicted: NewColumn(2, 2)}}}
		if name == "int8" {
			v.Kind, v.Members[0].Facts = KindQuantized, facts
		}
		table.Variants = append(table.Variants, v)
	}
	dir := t.TempDir() + "/p"
	if err := Write(dir, table, DefaultWriteOptions()); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFacts(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Name != "dense" || got[0].Facts[0] != nil || got[1].Kind != KindQuantized || got[1].Facts[0].Layers[0].Bits != 8 {
		t.Errorf("%+v", got)
	}
	if _, err := ReadFacts(t.TempDir()); err == nil {
		t.Error("an empty folder has facts")
	}
}
