package cli

import (
	"bytes"
	"testing"

	"github.com/lethe-audit/lethe/dataset/datasettest"
	"github.com/lethe-audit/lethe/gallery/thumb"
	"github.com/lethe-audit/lethe/report/html"
)

// TestSpecimens: the first example as it is and under corruptions; nothing for what
// is none, nor for another example's id.
func TestSpecimens(t *testing.T) {
	data := datasettest.NewMemory(3, 2, 32, 32, 3, 1)
	o := thumb.DefaultOptions()
	o.Size = 32
	pictures, err := thumb.New(data, o)
	if err != nil {
		t.Fatal(err)
	}
	p := html.DefaultOptions()
	specimens(t.Context(), &p, pictures, data)
	if p.Specimen != string(data.Example(0).ID) {
		t.Fatalf("the example is %q", p.Specimen)
	}
	seen := [][]byte{p.Shifted(p.Specimen, "")}
	for _, shift := range []string{"fog:1", "fog:5", "contrast:3"} {
		b := p.Shifted(p.Specimen, shift)
		if !bytes.HasPrefix(b, []byte("\x89PNG")) {
			t.Errorf("%s is no picture: %.20q", shift, b)
		}
		for _, other := range seen {
			if bytes.Equal(b, other) {
				t.Errorf("%s looks like another", shift)
			}
		}
		seen = append(seen, b)
	}
	for _, shift := range []string{"imagenet-a", "rain:2", "fog:9"} {
		if b := p.Shifted(p.Specimen, shift); b != nil {
			t.Errorf("%s has a picture of %d bytes", shift, len(b))
		}
	}
	if b := p.Shifted("no such example", "fog:1"); b != nil {
		t.Errorf("an example that is not there has a picture of %d bytes", len(b))
	}
}
