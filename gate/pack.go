package gate

import (
	"embed"
	"errors"
	"fmt"
	"github.com/lethe-audit/lethe/internal/strictyaml"
)

//go:embed packs/*.yaml packs/keys.txt
var packs embed.FS

// PackNames are the policies that come with the program.
func PackNames() []string {
	return []string{"paper", "no-class-worse-than-2pp", "near-lossless", "fairness-subgroups"}
}

// PackText is a pack as it is written, with comments, to start a policy from.
func PackText(name string) ([]byte, error) {
	for _, n := range PackNames() {
		if n == name {
			return packs.ReadFile("packs/" + name + ".yaml")
		}
	}
	return nil, errors.New("gate: " + strictyaml.Unknown("pack", name, PackNames()))
}

// Pack is a policy that comes with the program.
func Pack(name string) (*Policy, error) {
	text, err := PackText(name)
	if err != nil {
		return nil, err
	}
	p, err := Parse(name, text)
	if err != nil {
		return nil, fmt.Errorf("gate: pack %s: %w", name, err)
	}
	for i := range p.Rules {
		p.Rules[i].At = Location{} // no file of the user's holds it
	}
	return p, nil
}

// InitText is a pack to start a policy from, with every key that a policy knows as
// comments.
func InitText(name string) ([]byte, error) {
	text, err := PackText(name)
	if err != nil {
		return nil, err
	}
	keys, err := packs.ReadFile("packs/keys.txt")
	return append(text, keys...), err
}
