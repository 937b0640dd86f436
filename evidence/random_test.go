package evidence

import "math/rand/v2"

// normals draws standard normal numbers.
func normals(seed uint64) func() float64 { return rand.New(rand.NewPCG(seed, 0)).NormFloat64 }
