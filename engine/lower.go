package engine

import "github.com/lethe-audit/lethe/engine/kernel"

// packs is weights that were packed for the kernels, shared by all plans of a
// program; the program's lock guards it.
type packs struct {
	convs    map[packKey]*kernel.ConvWeights
	matrices map[packKey]*kernel.Matrix
	quants   map[quantKey]*kernel.QuantWeights
}

func newPacks() packs {
	return packs{map[packKey]*kernel.ConvWeights{}, map[packKey]*kernel.Matrix{}, map[quantKey]*kernel.QuantWeights{}}
}

// lower rewrites a graph whose shapes are known so that it runs on kernels.
func (p *Program) lower(g *graph, f facts) {
	unfold(g, f)
	fuse(g, f)
	g.prune()
	channelsLast(g, f)
	kernelize(g, f)
}
