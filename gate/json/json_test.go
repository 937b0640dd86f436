package json

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/gatetest"
	"github.com/lethe-audit/lethe/internal/golden"
)

// TestReadsBack: the object holds the whole result.
func TestReadsBack(t *testing.T) {
	for name, r := range map[string]*gate.Result{"small.json": gatetest.Small(t), "void.json": gatetest.Void(t)} {
		var b bytes.Buffer
		if err := Write(&b, r); err != nil {
			t.Fatal(err)
		}
		golden.Equal(t, name, b.Bytes())
		var back struct {
			Version int `json:"version"`
			gate.Result
		}
		if err := json.Unmarshal(b.Bytes(), &back); err != nil || back.Version != Version {
			t.Fatal(back.Version, err)
		}
		if r.Doubts == nil {
			back.Doubts = nil
		}
		if name == "void.json" && !reflect.DeepEqual(&back.Result, r) { // small's names hold bytes that are no text
			t.Errorf("%+v\nwant\n%+v", back.Result, r)
		}
	}
}
