package slice

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"codeberg.org/sbinet/npyio"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/realdata"
	"github.com/lethe-audit/lethe/prediction"
)

// resnet8 is ResNet8 in float32 and in int8 on the CIFAR-10 test set.
func resnet8(t *testing.T) *prediction.Table {
	t.Helper()
	f, err := os.Open(realdata.Path(t, "cifar10-computed-predictions", "cifar10_test_predictions.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	table, err := audittest.Wide(z, []string{"fp32", "int8"}, [][]string{{"resnet8_fp32"}, {"resnet8_int8"}})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// entropyBins groups the images by the entropy of the human labels.
func entropyBins(t *testing.T) prediction.Attribute {
	t.Helper()
	f, err := os.Open(realdata.Path(t, "cifar10h", "cifar10h-counts.npy"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var votes []int64
	if err := npyio.Read(f, &votes); err != nil {
		t.Fatal(err)
	}
	a := prediction.Attribute{Name: "people", Values: []string{"agree", "mostly agree", "disagree"}}
	for i := 0; i < len(votes); i += 10 {
		sum, h := 0.0, 0.0
		for _, n := range votes[i : i+10] {
			sum += float64(n)
		}
		for _, n := range votes[i : i+10] {
			if n > 0 {
				p := float64(n) / sum
				h -= p * math.Log(p)
			}
		}
		code := int32(0)
		switch {
		case h > 0.5:
			code = 2
		case h > 0:
			code = 1
		}
		a.Codes = append(a.Codes, code)
	}
	return a
}

// reviewed says what people said of labels that looked wrong.
func reviewed(t *testing.T, n int) prediction.Attribute {
	t.Helper()
	b, err := os.ReadFile(realdata.Path(t, "label-errors", "cifar10_mturk.json"))
	if err != nil {
		t.Fatal(err)
	}
	var items []struct {
		ID    int `json:"id"`
		Mturk struct {
			Given int `json:"given"`
		} `json:"mturk"`
	}
	if err := json.Unmarshal(b, &items); err != nil {
		t.Fatal(err)
	}
	a := prediction.Attribute{Name: "label", Values: []string{"not reviewed", "confirmed", "doubted"}, Codes: make([]int32, n)}
	for _, x := range items {
		a.Codes[x.ID] = 2
		if x.Mturk.Given >= 3 { // most of five
			a.Codes[x.ID] = 1
		}
	}
	return a
}

func TestRealGroups(t *testing.T) {
	table := resnet8(t)
	table.Attributes = []prediction.Attribute{entropyBins(t), reviewed(t, table.Len())}
	got := audittest.Run(t, New(), table, audit.DefaultOptions())

	// the cells of one grouping add up to the known counts of the two models:
	// 113 right to wrong and 101 wrong to right (method: section 3.7)
	for _, attribute := range []string{"people", "label"} {
		lost, won, n := int64(0), int64(0), 0
		for _, f := range got.Findings {
			if f.Question == "harm" && len(f.Scope.Groups) == 1 && f.Scope.Groups[0].Attribute == attribute {
				lost += f.Evidence.Pairs.OnlyBase
				won += f.Evidence.Pairs.OnlyVariant
				n += f.N
			}
		}
		if lost != 113 || won != 101 || n != 10000 {
			t.Errorf("%s: %d lost and %d won of %d", attribute, lost, won, n)
		}
	}

	// images that people disagree on are harder for the model, too
	agree := got.Find(t, "slice/harm/int8/subgroup:people=agree")
	disagree := got.Find(t, "slice/harm/int8/subgroup:people=disagree")
	if agree.N < 1000 || disagree.N < 200 || *disagree.BaseValue > *agree.BaseValue-0.1 {
		t.Errorf("accuracy %v of %d and %v of %d", *agree.BaseValue, agree.N, *disagree.BaseValue, disagree.N)
	}
	if agree.Test == nil || agree.Test.Name != "exact McNemar" {
		t.Errorf("%+v", agree.Test)
	}
	if !slices.ContainsFunc(got.Findings, func(f finding.Finding) bool { return len(f.Scope.Groups) == 2 && f.Estimate != nil }) {
		t.Error("no intersection was measured")
	}
}

// A positive class of many: the rates of all examples follow from the groups.
func TestRealRates(t *testing.T) {
	table := resnet8(t)
	table.Attributes = []prediction.Attribute{entropyBins(t)}
	o := audit.DefaultOptions()
	o.Positive = 3 // cat
	got := audittest.Run(t, New(), table, o)
	wrong, cats := 0.0, 0
	for _, v := range table.Attributes[0].Values {
		f := got.Find(t, "slice/fnr/int8/subgroup:people="+v)
		wrong += *f.BaseValue * float64(f.N)
		cats += f.N
	}
	missed := 0
	for i := range table.Len() {
		if table.Labels.At(i) == 3 && table.Variants[0].Members[0].Predicted.At(i) != 3 {
			missed++
		}
	}
	if cats != 1000 || math.Abs(wrong-float64(missed)) > 1e-6 {
		t.Errorf("%v of %d cats missed, want %d of 1000", wrong, cats, missed)
	}
}
