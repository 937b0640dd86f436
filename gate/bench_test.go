package gate_test

import (
	"testing"

	"github.com/lethe-audit/lethe/gate/gatetest"
)

// BenchmarkLarge judges 1,000 classes, 20 subgroups and 20,000 slices of two
// variants, one of them one pair of models.
func BenchmarkLarge(b *testing.B) {
	for b.Loop() {
		gatetest.Large(b)
	}
}
