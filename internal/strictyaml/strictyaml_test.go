package strictyaml_test

import (
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/internal/strictyaml"
)

type inner struct {
	Sparsity float64 `yaml:"sparsity"`
	Name     string  `yaml:"name"`
}

type outer struct {
	Title    string  `yaml:"title"`
	Members  int     `yaml:"members"`
	Variants []inner `yaml:"variants"`
}

func TestDecode(t *testing.T) {
	v := outer{Members: 7}
	d, err := strictyaml.Decode("e.yaml", []byte("title: a\nvariants:\n  - name: x\n    sparsity: 1.5\n"), &v)
	if err != nil {
		t.Fatal(err)
	}
	if v.Title != "a" || v.Members != 7 || len(v.Variants) != 1 || v.Variants[0].Sparsity != 1.5 {
		t.Errorf("decoded %+v", v)
	}
	for path, want := range map[string]string{
		"$.variants[0].sparsity": "e.yaml:4:15: bad 1.5\n        sparsity: 1.5\n                  ^",
		"$.variants[0].absent":   "e.yaml:3:5: bad 1.5\n      - name: x\n        ^",
		"$.absent":               "e.yaml: bad 1.5",
	} {
		if got := d.Fault(path, "bad %v", 1.5).Error(); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", path, got, want)
		}
	}
}

func TestFaults(t *testing.T) {
	for text, want := range map[string]string{
		"titel: a":                          `e.yaml:1:1: there is no key "titel"; did you mean "title"?`,
		"title: a\nvariants:\n- sparsty: 1": `e.yaml:3:3: there is no key "sparsty"; did you mean "sparsity"?`,
		"quux: 1":                           `there are members, name, sparsity, title, variants`,
		"members: many":                     `e.yaml:1:10: `,
		"title: a\ntitle: b":                `e.yaml:2:1: `,
		"":                                  `e.yaml: the file is empty`,
		"# nothing\n":                       `e.yaml: the file is empty`,
		"title: a\n---\ntitle: b\n":         `e.yaml:3:1: a second document`,
		"title: [":                          `e.yaml:1:`,
	} {
		var v outer
		_, err := strictyaml.Decode("e.yaml", []byte(text), &v)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v\nwant %s", text, err, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "abc", 3}, {"alpha", "alpha", 0}, {"alhpa", "alpha", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 1}} {
		if got := strictyaml.Distance(c.a, c.b); got != c.want || strictyaml.Distance(c.b, c.a) != got {
			t.Errorf("%q, %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("title: a\nvariants: [{name: x}]")
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		var v outer
		if d, err := strictyaml.Decode("e.yaml", []byte(text), &v); err == nil {
			_ = d.Fault("$.variants[0].name", "x").Error()
		}
	})
}
