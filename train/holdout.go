package train

import (
	"fmt"
	"math"
	"slices"

	"github.com/lethe-audit/lethe/dataset"
)

// holdoutSeed seeds the choice of the images that are held out, so that all
// members of all variants leave out the same ones.
const holdoutSeed = 0x1e7e

// split divides the examples of d into those that are trained on and those that
// are held out: the given share of every class, rounded to the nearest, drawn by
// a fixed seed. Both are in the order of d.
func split(d dataset.Dataset, share float64) (train, held []int, err error) {
	classes := make([][]int, len(d.Classes()))
	for i := range d.Len() {
		c := int(d.Example(i).Label)
		if c < 0 || c >= len(classes) {
			return nil, nil, fmt.Errorf("train: %s: example %s has class %d, there are %d classes", d.Name(), d.Example(i).ID, c, len(classes))
		}
		classes[c] = append(classes[c], i)
	}
	for c, list := range classes {
		n := int(math.Round(share * float64(len(list))))
		r := newStream(holdoutSeed, streamHoldout, c, 0)
		r.Shuffle(len(list), func(a, b int) { list[a], list[b] = list[b], list[a] })
		held, train = append(held, list[:n]...), append(train, list[n:]...)
	}
	slices.Sort(train)
	slices.Sort(held)
	return train, held, nil
}
