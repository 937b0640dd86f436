package diskfree_test

import (
	"path/filepath"
	"testing"

	"github.com/lethe-audit/lethe/internal/diskfree"
)

func TestBytes(t *testing.T) {
	dir := t.TempDir()
	here, err := diskfree.Bytes(dir)
	if err != nil || here <= 0 {
		t.Fatalf("%d, %v", here, err)
	}
	below, err := diskfree.Bytes(filepath.Join(dir, "not", "there", "yet"))
	if err != nil || below <= 0 {
		t.Errorf("a folder that is not there: %d, %v", below, err)
	}
}
