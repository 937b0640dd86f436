package importer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// role is what a column of a table is for.
type role int

const (
	roleExtra  role = iota // not understood: an attribute, a setting or a model
	roleIgnore             // left out
	roleID
	roleRowIndex // the row number that pandas writes
	roleLabel
	rolePredicted
	roleBinary // one score of a binary classifier
	roleModel
	roleVariant
	roleKind
	roleLevel
	roleLineage
	roleSeed
	roleSplit
	roleConfidence
	roleTrueScore
	roleScore     // the score of one class, or of all in a list
	roleAttribute // said to be one
)

// usualNames lists, for each role, the names that tools use, the most telling
// first: where two columns could have one role, the earlier name wins. Names
// are compared in lower case with "_" for spaces, dots and dashes.
var usualNames = []struct {
	role  role
	names []string
}{
	{roleID, []string{"example_id", "example", "id", "image_id", "sample_id", "entity_id", "doc_id", "uid", "key", "index", "idx", "filename", "file_name", "file", "path", "image", "image_path"}},
	{roleLabel, []string{"label", "y_true", "true_class", "true_label", "label_value", "target", "truth", "ground_truth", "gt", "actual", "class_label", "y", "class"}},
	{rolePredicted, []string{"prediction", "predicted", "pred", "y_pred", "predictions", "predicted_class", "predicted_label", "pred_label", "pred_class", "preds", "output", "y_hat"}},
	{roleBinary, []string{"score", "y_score", "prob", "probability", "y_prob", "p1"}},
	{roleModel, []string{"model", "model_id", "member", "model_name", "checkpoint", "replicate", "run", "run_id"}},
	{roleVariant, []string{"variant", "arm", "scheme", "population", "compression", "condition"}},
	{roleKind, []string{"kind", "variant_kind"}},
	{roleLevel, []string{"level", "sparsity", "fraction_pruned", "bits", "bit_width"}},
	{roleLineage, []string{"lineage", "parent", "parent_id", "source_checkpoint"}},
	{roleSeed, []string{"seed", "random_seed"}},
	{roleSplit, []string{"split", "subset", "partition"}},
	{roleConfidence, []string{"confidence", "conf", "max_prob", "max_probability", "top_prob", "predicted_score", "pred_score"}},
	{roleTrueScore, []string{"true_score", "true_prob", "p_true", "prob_true", "label_score"}},
	{roleScore, []string{"scores", "probabilities", "probs", "pred_probs", "logits", "proba"}},
}

// scorePrefixes begin the names of score columns, one a class.
var scorePrefixes = []string{"score_", "prob_", "probability_", "proba_", "logit_", "softmax_", "p_"}

// header roles of one table.
type roles struct {
	of     []role
	scores []scoreColumn // in order of column
	paper  bool          // a table of the paper's published code
}

type scoreColumn struct {
	col   int
	class string // what stands behind the prefix; "" for a column from Columns.Scores
}

// normalize is a column name as names are compared.
func normalize(name string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '.' || r == ':' {
			return '_'
		}
		return r
	}, strings.ToLower(strings.TrimSpace(name)))
}

// assign finds the role of each column. chosen is the column of predictions
// or labels that the user picked by file#column, with its role.
func (c *Columns) assign(names []string, chosen string, chosenRole role) (roles, error) {
	r := roles{of: make([]role, len(names))}
	taken := map[role]bool{}
	set := func(name string, as role) bool {
		if i := slices.Index(names, name); i >= 0 && name != "" {
			r.of[i], taken[as] = as, true
			return true
		}
		return false
	}
	for _, m := range c.mapped() {
		set(m.name, m.role)
	}
	for _, name := range c.Attributes {
		set(name, roleAttribute)
	}
	for _, name := range c.Ignore {
		set(name, roleIgnore)
	}
	for _, name := range c.Scores {
		if set(name, roleScore) {
			r.scores = append(r.scores, scoreColumn{col: slices.Index(names, name)})
		}
	}
	if chosen != "" {
		if !set(chosen, chosenRole) {
			return r, &Error{Want: "a column " + quoted(chosen), Got: "columns " + strings.Join(names, ", ")}
		}
		// Another column that looks like it is not the one that was meant.
		taken[rolePredicted], taken[roleBinary], taken[roleScore] = true, true, true
		taken[roleConfidence] = true
		if conf := companion(names, chosen); conf >= 0 && chosenRole == rolePredicted {
			r.of[conf] = roleConfidence
		}
	}
	r.usual(names, taken)
	if !taken[roleScore] {
		r.findScores(names)
	}
	if chosen != "" {
		// Of a table of which one column was chosen, the others are other
		// models' as likely as anything.
		for i := range r.of {
			if r.of[i] == roleExtra {
				r.of[i] = roleIgnore
			}
		}
	}
	r.settle(names)
	return r, nil
}

type mapping struct {
	name string
	role role
}

// mapped lists the single columns that the user named.
func (c *Columns) mapped() []mapping {
	return []mapping{
		{c.ID, roleID}, {c.Label, roleLabel}, {c.Predicted, rolePredicted}, {c.Model, roleModel}, {c.Variant, roleVariant},
		{c.Kind, roleKind}, {c.Level, roleLevel}, {c.Lineage, roleLineage}, {c.Seed, roleSeed}, {c.Split, roleSplit},
		{c.Confidence, roleConfidence}, {c.TrueScore, roleTrueScore},
	}
}

// usual gives roles by the usual names. Later names of a role that is taken
// are left out: a second label or id column is neither attribute nor model.
func (r *roles) usual(names []string, taken map[role]bool) {
	norm := make([]string, len(names))
	for i, n := range names {
		norm[i] = normalize(n)
	}
	for _, u := range usualNames {
		for _, want := range u.names {
			for i := range names {
				if norm[i] != want || r.of[i] != roleExtra {
					continue
				}
				if taken[u.role] {
					r.of[i] = roleIgnore
					continue
				}
				r.of[i] = u.role
				taken[u.role] = true
			}
		}
	}
	if slices.Contains(norm, "fraction_pruned") && slices.Contains(norm, "global_step") {
		r.paper = true // it calls a part of the checkpoint's path split
		if i := slices.Index(norm, "split"); i >= 0 && r.of[i] == roleSplit {
			r.of[i] = roleExtra
		}
	}
	for i, n := range norm {
		if r.of[i] == roleExtra && (n == "" && len(names) > 1 || strings.HasPrefix(n, "unnamed__")) {
			r.of[i] = roleRowIndex
		}
		if r.of[i] == roleExtra && (strings.HasPrefix(n, "group_") || strings.HasPrefix(n, "attr_")) {
			r.of[i] = roleAttribute
		}
	}
}

// findScores finds columns that share a score prefix, one a class.
func (r *roles) findScores(names []string) {
	for _, p := range scorePrefixes {
		var found []scoreColumn
		for i, n := range names {
			if r.of[i] == roleExtra && strings.HasPrefix(normalize(n), p) && len(n) > len(p) {
				found = append(found, scoreColumn{col: i, class: n[len(p):]})
			}
		}
		if len(found) < 2 {
			continue
		}
		for _, s := range found {
			r.of[s.col] = roleScore
		}
		r.scores = found
		return
	}
}

// settle decides what a lone "score" means: the decision where there is no
// other, else nothing that is understood.
func (r *roles) settle(names []string) {
	binary := slices.Index(r.of, roleBinary)
	if binary >= 0 && (r.has(rolePredicted) || r.has(roleScore)) {
		r.of[binary] = roleIgnore
		if !r.has(roleConfidence) && strings.HasPrefix(normalize(names[binary]), "prob") {
			r.of[binary] = roleConfidence
		}
	}
}

// companion is the confidence column that belongs to a prediction column by
// its name, as "a_conf" to "a_pred" or "a"; -1 if there is none.
func companion(names []string, predicted string) int {
	base := stem(predicted, "_pred", "_prediction", "_predicted")
	for i, n := range names {
		if s := stem(n, "_conf", "_confidence"); s != n && (s == base || s == predicted) {
			return i
		}
	}
	return -1
}

func (r *roles) has(want role) bool { return slices.Contains(r.of, want) }

// col is the column with a role, -1 if there is none.
func (r *roles) col(want role) int { return slices.Index(r.of, want) }

// decodes says how each column is to be read.
func (r *roles) decodes() []decode {
	out := make([]decode, len(r.of))
	for i, role := range r.of {
		switch role {
		case roleIgnore:
			out[i] = skip
		case roleConfidence, roleTrueScore, roleScore, roleBinary:
			out[i] = number
		default:
			out[i] = text
		}
	}
	return out
}

// scoreOrder gives for each score column its class number, and the number of
// classes, where the columns are called by numbers; nil where by names.
func (r *roles) scoreOrder() ([]int, error) {
	order := make([]int, len(r.scores))
	seen := make([]bool, len(r.scores))
	for i, s := range r.scores {
		k, err := strconv.Atoi(s.class)
		if s.class == "" {
			k, err = i, nil
		}
		if err != nil {
			return nil, nil
		}
		if k < 0 || k >= len(order) || seen[k] {
			return nil, fmt.Errorf("score columns of %d classes: one is for class %d", len(order), k)
		}
		order[i], seen[k] = k, true
	}
	return order, nil
}
