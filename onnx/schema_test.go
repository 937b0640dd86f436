package onnx

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestSchemas compares the table with every signature that ONNX 1.12 has of
// its operators from version 7 on.
func TestSchemas(t *testing.T) {
	table := newSchemas()
	newest := map[string]int64{}
	rows := readCSV(t, "schemas.csv")
	atoi := func(s string) int {
		if s == "many" {
			return many
		}
		return must(strconv.Atoi(s))(t)
	}
	for _, r := range rows {
		newest[r["operator"]] = max(newest[r["operator"]], int64(atoi(r["since"])))
	}
	checked := 0
	for i, r := range rows {
		since := int64(atoi(r["since"]))
		replaced := i+1 < len(rows) && rows[i+1]["operator"] == r["operator"] && atoi(rows[i+1]["since"]) <= MinOpset
		if replaced {
			continue // no opset that is read has this version
		}
		checked++
		x, known, err := table.find(r["operator"], max(since, MinOpset))
		if err != nil || !known {
			t.Errorf("%s %d: not in the table: %v", r["operator"], since, err)
			continue
		}
		if x.minIn != atoi(r["min_in"]) || x.maxIn != atoi(r["max_in"]) || x.minOut != atoi(r["min_out"]) || x.maxOut != atoi(r["max_out"]) {
			t.Errorf("%s %d: inputs %d-%d outputs %d-%d, ONNX has %v", r["operator"], since, x.minIn, x.maxIn, x.minOut, x.maxOut, r)
		}
		if got := attrText(x); got != r["attributes"] {
			t.Errorf("%s %d: attributes %q, ONNX has %q", r["operator"], since, got, r["attributes"])
		}
	}
	if checked < 150 {
		t.Errorf("only %d signatures compared", checked)
	}
	for _, op := range Operators() {
		if ruleOf(op) == nil {
			t.Errorf("%s has a signature and no shape rule", op)
		}
	}
}

// attrText writes attributes as testdata/gen.py does.
func attrText(x schema) string {
	short := map[AttrType]string{AttrInt: "i", AttrInts: "is", AttrFloat: "f", AttrFloats: "fs", AttrString: "s",
		AttrStrings: "ss", AttrTensor: "t", AttrSparseTensor: "sp"}
	var out []string
	for name, typ := range x.attrs {
		s := name + "=" + short[typ]
		if slices.Contains(x.required, name) {
			s += "!"
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestSchemaFind(t *testing.T) {
	table := newSchemas()
	if _, known, err := table.find("Gelu", 19); !known || err == nil || !strings.Contains(err.Error(), "opset 20") {
		t.Errorf("Gelu in opset 19: known %v, error %v; it came with 20", known, err)
	}
	if _, known, err := table.find("LSTM", 17); known || err != nil {
		t.Errorf("LSTM: known %v, error %v; want not known, no error", known, err)
	}
	if x, _, _ := table.find("Pad", 17); x.maxIn != 3 {
		t.Errorf("Pad in opset 17 takes %d inputs, want 3 (axes came with 18)", x.maxIn)
	}
}
