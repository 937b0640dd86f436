package compress

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Spec{
		"float16":       {Scheme: Float16},
		"int8-dynamic":  {Scheme: Int8Dynamic},
		"int8-static":   {Scheme: Int8Static},
		"int4-weights":  {Scheme: Int4Weights},
		"sparsity=0.7":  {Scheme: Sparsity, Sparsity: 0.7},
		"sparsity=0":    {Scheme: Sparsity},
		"sparsity=.995": {Scheme: Sparsity, Sparsity: 0.995},
		"sparsity=2:4":  {Scheme: Sparsity, Sparsity: 0.5, Pattern: "2:4"},
	} {
		got, err := Parse(text)
		if err != nil || got != want {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", text, got, err, want)
		}
		if again, err := Parse(got.String()); err != nil || again != got {
			t.Errorf("%q is written %q and read %+v, %v", text, got, again, err)
		}
	}
	for text, reason := range map[string]error{
		"": ErrSpec, "int8": ErrSpec, "float16=1": ErrSpec, "sparsity": ErrSpec, "sparsity=": ErrSpec, "sparsity=half": ErrSpec, "sparsity=1:4": ErrSpec,
		"sparsity=1": ErrSparsity, "sparsity=-0.1": ErrSparsity, "sparsity=NaN": ErrSparsity, "sparsity=70": ErrSparsity,
	} {
		if _, err := Parse(text); !errors.Is(err, reason) || !strings.Contains(err.Error(), fmt.Sprintf("%q", text)) {
			t.Errorf("Parse(%q): %v, want %v", text, err, reason)
		}
	}
}

func TestParseLadder(t *testing.T) {
	got, err := ParseLadder("float16, int8-static,sparsity=0.3:0.9:0.2,sparsity=2:4")
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprint(got); s != "[float16 int8-static sparsity=0.3 sparsity=0.5 sparsity=0.7 sparsity=0.9 sparsity=2:4]" {
		t.Errorf("ladder %s", s)
	}
	for _, text := range []string{"float16,float16", "sparsity=0.9:0.3:0.1", "sparsity=0.1:0.9:0", "sparsity=0.1:0.9:0.0001", "sparsity=0.1:1:0.1",
		"sparsity=0.1:0.9:x", "sparsity=0.3:0.5:0.2,sparsity=0.5", "float16,,int8-static"} {
		if got, err := ParseLadder(text); err == nil {
			t.Errorf("ParseLadder(%q) = %v, want an error", text, got)
		}
	}
}

func FuzzParseLadder(f *testing.F) {
	for _, seed := range []string{"float16,int8-dynamic", "sparsity=0.3:0.9:0.2", "sparsity=2:4", "sparsity=1e-320:0.9:1e-3", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		specs, err := ParseLadder(text)
		if err != nil {
			return
		}
		for _, s := range specs {
			if again, err := Parse(s.String()); err != nil || again != s {
				t.Errorf("%q has %+v, which is written %q and read %+v, %v", text, s, s, again, err)
			}
		}
	})
}
