package report

import (
	"fmt"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
)

// Gallery is a block of examples shown as pictures, worst first.
type Gallery struct {
	ID    string
	Title string
	Tiles []Tile
	Total int64 // examples there are; more than len(Tiles) where they were cut
}

// Tile is one example of a [Gallery].
type Tile struct {
	ID        string
	Truth     string // name of the true class
	Sides     [2]Answer
	Certified bool   // the majority label changed, beyond chance
	Link      string // address of the example; "": none
}

// Answer is what one population says about an example.
type Answer struct {
	Who      string // the population's name
	Label    string // what most of its members predict
	Right    bool   // that is the true class
	Votes, K int32  // members that predict the true class, of all
}

func (*Gallery) block() {}

// gallery shows the examples that the caller chose as pictures.
func (b *builder) gallery() *Section {
	s := &Section{
		ID: "forgotten", Title: "Forgotten examples",
		Ask: "What do the examples look like that compression decides differently? First those that were right and are wrong now, the most changed votes first; then other examples whose label changed.",
	}
	for i := range b.o.Gallery {
		top := &b.o.Gallery[i]
		if len(top.Rows) == 0 {
			continue
		}
		g := &Gallery{ID: anchor("gallery", top.Variant), Title: "Forgotten examples, " + top.Variant, Total: top.Total}
		for j := range top.Rows {
			g.Tiles = append(g.Tiles, b.tile(&top.Rows[j]))
		}
		p := Part{ID: anchor("forgotten", top.Variant), Title: top.Variant, Blocks: []Block{g}}
		p.Lead = []Text{{S: fmt.Sprintf("%s of %s examples with another label (PIEs). On each: the true class, then what most members of %s and of %s say, and how many of them are right.",
			num.Count(len(g.Tiles)), num.Count(top.Total), b.c.baseline(), top.Variant)}}
		s.Parts = append(s.Parts, p)
	}
	if len(s.Parts) == 0 && len(b.o.Gallery) > 0 {
		s.Parts = []Part{{ID: "forgotten-none", Lead: []Text{{S: "No example has another label under any variant."}}}}
	}
	return s
}

func (b *builder) tile(r *finding.ExampleRow) Tile {
	name := func(class int32) string {
		if class >= 0 && int(class) < len(b.c.config.Classes) {
			return b.c.config.Classes[class]
		}
		return fmt.Sprintf("class %d", class)
	}
	return Tile{
		ID: r.ID, Truth: name(r.Label), Certified: r.Certified,
		Link: b.link(Target{Variant: r.Variant, Example: r.ID}),
		Sides: [2]Answer{
			{b.c.baseline(), name(r.BaseModal), r.BaseModal == r.Label, r.BaseVotes, r.BaseK},
			{r.Variant, name(r.VariantModal), r.VariantModal == r.Label, r.VariantVotes, r.VariantK},
		},
	}
}
