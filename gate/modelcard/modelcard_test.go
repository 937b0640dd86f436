package modelcard

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/gatetest"
	"github.com/lethe-audit/lethe/internal/golden"
)

func TestGolden(t *testing.T) {
	for name, r := range map[string]*gate.Result{"small": gatetest.Small(t), "void": gatetest.Void(t)} {
		var section, index bytes.Buffer
		if err := WriteSection(&section, r, DefaultOptions()); err != nil {
			t.Fatal(err)
		}
		o := DefaultOptions()
		o.Model, o.Dataset, o.ID = "resnet", "CIFAR-10", "cifar10"
		if err := WriteIndex(&index, r, o); err != nil {
			t.Fatal(err)
		}
		golden.Equal(t, name+".md", section.Bytes())
		golden.Equal(t, name+".yaml", index.Bytes())
	}
}

// TestIndex: the YAML has what the hub's model-index requires of every entry.
func TestIndex(t *testing.T) {
	r := gatetest.Small(t)
	var b bytes.Buffer
	if err := WriteIndex(&b, r, DefaultOptions()); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Index []struct {
			Name    string
			Results []struct {
				Task    struct{ Type string }
				Dataset struct{ Name, Type string }
				Metrics []struct {
					Type, Name string
					Value      *float64
					Verified   *bool
				}
			}
		} `yaml:"model-index"`
	}
	if err := yaml.UnmarshalWithOptions(b.Bytes(), &doc, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if len(doc.Index) != 2 || doc.Index[0].Name != "int8" {
		t.Fatalf("%+v", doc)
	}
	for _, m := range doc.Index {
		x := m.Results[0]
		if x.Task.Type == "" || x.Dataset.Name == "" || x.Dataset.Type == "" || len(x.Metrics) < 3 {
			t.Errorf("%+v", x)
		}
		for _, v := range x.Metrics {
			if v.Type == "" || v.Name == "" || v.Value == nil || v.Verified == nil {
				t.Errorf("%+v", v)
			}
		}
		if x.Metrics[0].Type != "recall_loss" || m.Name == "int8" && math.Abs(*x.Metrics[0].Value-*r.Rules[0].Scopes[0].Loss) > 1e-6 {
			t.Errorf("%+v", x.Metrics[0])
		}
	}
}

func TestSectionIsBounded(t *testing.T) {
	r := *gatetest.Small(t)
	for range 100 {
		r.Rules = append(r.Rules, r.Rules[0])
	}
	var b bytes.Buffer
	if err := WriteSection(&b, &r, DefaultOptions()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "\n| "); n != 22 || !strings.Contains(b.String(), "and 90 more") {
		t.Errorf("%d rows", n)
	}
}
