package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/internal/strictyaml"
	"github.com/lethe-audit/lethe/plan"
	"github.com/lethe-audit/lethe/train"
	"github.com/lethe-audit/lethe/zoo"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// resolver gives the names in an experiment their meaning. base is the folder
// of the experiment's file.
func resolver(base string) plan.Resolver {
	return plan.Resolver{
		Data:    dataIdentity,
		Model:   func(name string) (string, error) { return modelIdentity(base, name) },
		Recipe:  resolveRecipe,
		Schemes: resolveSchemes,

		Corruptions: resolveCorruptions,
		Shift:       resolveShift,

		Audit: auditSettings,
		Report: func(f string) error {
			_, err := parseFormat(f)
			return err
		},
	}
}

// replaceData puts another source in place of an experiment's: its options stay
// where the other names none.
func replaceData(source, other string) (string, error) {
	if other == "" {
		return source, nil
	}
	was, err := dataset.ParseSource(source)
	if err != nil {
		return "", err
	}
	now, err := dataset.ParseSource(other)
	if err != nil {
		return "", err
	}
	if was.Kind != now.Kind {
		return "", errUsage{fmt.Errorf("--data %s: the experiment is about %s:, and its options may not fit; change its data: line", other, was.Kind), "lethe run"}
	}
	for _, o := range now.Options {
		was = was.With(o.Name, o.Value)
	}
	was.Path = now.Path
	return was.String(), nil
}

// dataIdentity is a source without its path, its options sorted.
func dataIdentity(source string) (string, error) { return identityAt(source, "-") }

// identityAt is a source with another path, its options sorted.
func identityAt(source, path string) (string, error) {
	s, err := dataset.ParseSource(source)
	if err != nil {
		return "", err
	}
	if _, err := dataKinds().Kind(s.Kind); err != nil {
		return "", err
	}
	s.Path = path
	slices.SortFunc(s.Options, func(a, b dataset.Option) int { return strings.Compare(a.Name, b.Name) })
	return s.String(), nil
}

// auditCommand is a command that has the flags of lethe audit which an
// experiment may set.
func auditCommand() (*cobra.Command, *auditFlags, *string) {
	c := &cobra.Command{Use: "lethe run", SilenceErrors: true, SilenceUsage: true}
	c.SetOut(io.Discard)
	c.SetErr(io.Discard)
	f := &auditFlags{}
	f.add(c)
	positive := c.Flags().String("positive", "", "positive class, by name or number")
	return c, f, positive
}

// auditSettings makes flags of settings.
func auditSettings(settings map[string]any) ([]string, error) {
	c, f, _ := auditCommand()
	var known []string
	c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	var flags []string
	for name, v := range settings {
		if c.Flags().Lookup(name) == nil {
			return nil, fmt.Errorf("%s", strictyaml.Unknown("setting of the audit", name, known))
		}
		text := fmt.Sprint(v)
		if list, ok := v.([]any); ok {
			var parts []string
			for _, p := range list {
				parts = append(parts, fmt.Sprint(p))
			}
			text = strings.Join(parts, ",")
		}
		flags = append(flags, "--"+name+"="+text)
	}
	slices.Sort(flags)
	if err := c.ParseFlags(flags); err != nil {
		return nil, err
	}
	if _, err := selectChecks(f.checks); err != nil {
		return nil, err
	}
	if _, err := f.options(c); err != nil {
		return nil, err
	}
	return flags, nil
}

// modelIdentity is "zoo:NAME", or the digest of an ONNX file.
func modelIdentity(base, name string) (string, error) {
	if !strings.HasSuffix(name, ".onnx") {
		return zooIdentity(name)
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(base, name)
	}
	sum, err := fileDigest(name)
	if err != nil {
		return "", err
	}
	return sum, nil
}

// zooPrefix marks the identity of a network of the zoo.
const zooPrefix = "zoo:"

// zooIdentity is the identity of a network of the zoo.
func zooIdentity(name string) (string, error) {
	a, err := zoo.Find(name)
	if err != nil {
		return "", err
	}
	return zooPrefix + a.Name, nil
}

// resolveRecipe is all settings of a recipe.
func resolveRecipe(recipe any, override map[string]any, sparsity *float64) (json.RawMessage, error) {
	r, err := train.RecipeFrom(recipe, override)
	if err != nil {
		return nil, err
	}
	share := 0.0
	if sparsity != nil {
		share = *sparsity
	}
	if r, err = r.For(share); err != nil {
		return nil, err
	}
	return r.JSON()
}

// fileDigest is the SHA-256 of a file.
func fileDigest(name string) (string, error) {
	h := sha256.New()
	if err := hashFile(h, name); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}
