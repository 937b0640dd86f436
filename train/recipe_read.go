package train

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/lethe-audit/lethe/internal/strictyaml"
)

//go:embed recipes/*.yaml
var recipeFiles embed.FS

// RecipeNames lists the recipes that have a name, sorted.
func RecipeNames() []string {
	entries, err := recipeFiles.ReadDir("recipes")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	var out []string
	for _, e := range entries { // ReadDir sorts
		out = append(out, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return out
}

// ErrNoRecipe is what the error about a name that no recipe has is.
var ErrNoRecipe = errors.New("train: no such recipe")

// noRecipe is that error: it offers the nearest name.
type noRecipe string

func (n noRecipe) Error() string {
	return "train: " + strictyaml.Unknown("recipe", string(n), RecipeNames())
}

func (n noRecipe) Is(target error) bool { return target == ErrNoRecipe }

// NamedRecipe is the recipe of a name.
func NamedRecipe(name string) (Recipe, error) {
	data, err := recipeFiles.ReadFile("recipes/" + name + ".yaml")
	if err != nil {
		return Recipe{}, noRecipe(name)
	}
	r, err := ParseRecipe(name+".yaml", data)
	r.Name = name
	return r, err
}

// RecipeSource is the text of the recipe of a name, for people who want to
// change it.
func RecipeSource(name string) (string, error) {
	data, err := recipeFiles.ReadFile("recipes/" + name + ".yaml")
	if err != nil {
		return "", noRecipe(name)
	}
	return string(data), nil
}

// ParseRecipe reads a recipe. file is its name in errors, which are of type
// *strictyaml.Error and name line, column and the nearest key.
func ParseRecipe(file string, data []byte) (Recipe, error) {
	return parseOver(file, data, DefaultRecipe())
}

// RecipeFrom is the recipe that spec gives: the name of one, or a mapping as
// YAML decodes it, with the settings of override in place of its own.
func RecipeFrom(spec any, override map[string]any) (Recipe, error) {
	var r Recipe
	var err error
	switch v := spec.(type) {
	case string:
		r, err = NamedRecipe(v)
	case map[string]any:
		r, err = parseMapping(v, DefaultRecipe())
	default:
		err = fmt.Errorf("train: a recipe is a name or a mapping, not %T", spec)
	}
	if err != nil || len(override) == 0 {
		return r, err
	}
	return parseMapping(override, r)
}

func parseMapping(m map[string]any, over Recipe) (Recipe, error) {
	data, err := yaml.Marshal(m)
	if err != nil {
		return Recipe{}, fmt.Errorf("train: recipe: %w", err)
	}
	return parseOver("recipe", data, over)
}

// parseOver reads settings in place of those of over, or of the recipe that
// they name as their base.
func parseOver(file string, data []byte, over Recipe) (Recipe, error) {
	var head struct {
		Base string `yaml:"base"`
	}
	base := over.Base
	if err := yaml.Unmarshal(data, &head); err == nil && head.Base != "" { // faults are shown below
		base = head.Base
		named, err := NamedRecipe(head.Base)
		if err != nil {
			return Recipe{}, fmt.Errorf("%s: base: %w", file, err)
		}
		over = named
	}
	r := over
	r.Base = base
	doc, err := strictyaml.Decode(file, data, &r)
	if err != nil {
		return Recipe{}, err
	}
	if err := r.check(doc.Fault); err != nil {
		return Recipe{}, err
	}
	return r, nil
}

// JSON is all settings with sorted keys: two recipes with the same JSON train
// the same member.
func (r Recipe) JSON() (json.RawMessage, error) {
	plain, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("train: recipe: %w", err)
	}
	var m map[string]any
	if err := json.Unmarshal(plain, &m); err != nil {
		return nil, fmt.Errorf("train: recipe: %w", err)
	}
	return json.Marshal(m) // sorts the keys of maps
}

// RecipeFromJSON reads what [Recipe.JSON] wrote.
func RecipeFromJSON(data []byte) (Recipe, error) {
	var r Recipe
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("train: recipe: %w", err)
	}
	err := r.check(func(path, format string, args ...any) error {
		return fmt.Errorf("train: recipe: "+format, args...)
	})
	return r, err
}
