package train

import "math/rand/v2"

// The streams of random numbers that a seed gives. Each is a function of
// counters, so that nothing has to be stored to go on in the middle.
const (
	streamOrder   = 0x6f72646572 // the order of an epoch's images
	streamAugment = 0x6175676d   // what is done to an image
	streamPrune   = 0x7072756e65 // which weights the random control prunes
	streamHoldout = 0x686f6c64   // which images are held out
)

// mix is SplitMix64's finalizer (Steele et al. 2014): neighbouring counters give
// unrelated numbers.
func mix(v uint64) uint64 {
	v += 0x9e3779b97f4a7c15
	v = (v ^ v>>30) * 0xbf58476d1ce4e5b9
	v = (v ^ v>>27) * 0x94d049bb133111eb
	return v ^ v>>31
}

// reseed starts the stream of (seed, stream, a, b).
func reseed(p *rand.PCG, seed, stream uint64, a, b int) {
	p.Seed(mix(mix(seed)^stream), mix(mix(uint64(a))^uint64(b)))
}

func newStream(seed, stream uint64, a, b int) *rand.Rand {
	p := new(rand.PCG)
	reseed(p, seed, stream, a, b)
	return rand.New(p)
}

// order is the order of n images in an epoch.
func order(seed uint64, epoch, n int) []int {
	return newStream(seed, streamOrder, epoch, 0).Perm(n)
}
