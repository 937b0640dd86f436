package cifar

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzArray: no file makes the reader panic or read past its end.
func FuzzArray(f *testing.F) {
	text := "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }"
	f.Add([]byte("\x93NUMPY\x01\x00" + string(rune(len(text))) + "\x00" + text + "\x01\x02"))
	f.Add([]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"))
	f.Add([]byte("\x93NUMPY\x01\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "a.npy")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		labels, err := readLabels(path, 10)
		if err != nil {
			return
		}
		if len(labels) == 0 || len(labels) > len(data) {
			t.Errorf("%d labels in %d bytes", len(labels), len(data))
		}
		for _, l := range labels {
			if l > 9 {
				t.Errorf("class %d", l)
			}
		}
	})
}
