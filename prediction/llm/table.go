package llm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/prediction"
)

// of is what a model said of an example.
func (im *importing) of(k int, e *example) *sample {
	return &im.models[k].tasks[im.tasks[e.task]].list[e.at[k]]
}

// chosen is the choice that a model took, -1 where its log does not say: other
// metrics than acc choose by other rules than the log-probability.
func (im *importing) chosen(k int, e *example) int {
	if im.models[k].tasks[im.tasks[e.task]].metric != "acc" {
		return -1
	}
	return int(im.of(k, e).choice)
}

// byChoice reports whether the choices can be the classes: one task, multiple
// choice, every right choice known.
func (im *importing) byChoice() bool {
	for i := range im.examples {
		if e := &im.examples[i]; im.chosen(0, e) < 0 || im.of(0, e).gold < 0 {
			return false
		}
	}
	return len(im.tasks) == 1
}

// table makes the table of what was joined.
func (im *importing) table() (*prediction.Table, error) {
	t := &prediction.Table{IDs: im.ids(), Join: im.joined}
	label, predicted, err := im.classes(t)
	if err != nil {
		return nil, err
	}
	n := len(im.examples)
	t.Labels = prediction.NewColumn(n, len(t.Classes))
	for i := range im.examples {
		t.Labels.Set(i, label(&im.examples[i]))
	}
	k := 0
	for v, list := range im.variants {
		variant := prediction.Variant{Name: im.names[v], Kind: prediction.KindOther}
		if v == 0 {
			variant.Kind = prediction.KindDense
		}
		for _, m := range list {
			c := prediction.NewColumn(n, len(t.Classes))
			for i := range im.examples {
				class, err := predicted(k, &im.examples[i])
				if err != nil {
					return nil, err
				}
				c.Set(i, class)
			}
			variant.Members = append(variant.Members, prediction.Member{Name: m.name, Predicted: c})
			k++
		}
		t.Variants = append(t.Variants, variant)
	}
	im.attributes(t)
	for _, m := range im.models {
		for _, task := range sortedKeys(m.tasks) {
			t.Inputs = append(t.Inputs, m.tasks[task].input)
		}
	}
	for _, task := range im.tasks {
		s := im.models[0].tasks[task]
		im.note("task %s: right by %s", task, s.metric)
	}
	t.Notes = im.notes
	return t, t.Validate()
}

// classes names the classes and gives the rules for labels and predictions.
func (im *importing) classes(t *prediction.Table) (func(*example) int, func(int, *example) (int, error), error) {
	if im.byChoice() {
		for c := range im.mostChoices() {
			t.Classes = append(t.Classes, fmt.Sprintf("choice %d", c))
		}
		return func(e *example) int { return int(im.of(0, e).gold) }, im.choicePredicted, nil
	}
	if len(im.tasks) < 2 {
		s := im.models[0].tasks[im.tasks[0]]
		return nil, nil, &Error{File: s.file, Want: "two tasks or more, or one of multiple choice judged by acc", Got: "one task whose answers are only right or wrong (" + s.metric + ")"}
	}
	t.Classes = append(t.Classes, im.tasks...)
	wrong := map[int]int{}
	for _, c := range im.wrongChoices() {
		wrong[c] = len(t.Classes)
		name := "wrong"
		if c >= 0 {
			name = fmt.Sprintf("wrong: choice %d", c)
		}
		for slices.Contains(im.tasks, name) {
			name += " answer"
		}
		t.Classes = append(t.Classes, name)
	}
	im.note("each class is a task: its recall is the share of its documents answered right; wrong answers are classes of their own")
	return func(e *example) int { return e.task }, func(k int, e *example) (int, error) {
		if im.of(k, e).right {
			return e.task, nil
		}
		return wrong[im.chosen(k, e)], nil
	}, nil
}

func (im *importing) choicePredicted(k int, e *example) (int, error) {
	x := im.of(k, e)
	if x.right != (x.choice == x.gold) {
		s := im.models[k].tasks[im.tasks[e.task]]
		return 0, &Error{File: s.file, Line: int(x.line), Field: "filtered_resps", Want: fmt.Sprintf("acc to be 1 where choice %d, the target, has the highest log-probability", x.gold), Got: fmt.Sprintf("choice %d and the opposite", x.choice)}
	}
	return int(x.choice), nil
}

func (im *importing) mostChoices() int {
	n := 2
	for _, m := range im.models {
		n = max(n, m.tasks[im.tasks[0]].choices)
	}
	return n
}

// wrongChoices lists the choices that some model took wrongly, sorted; -1 is a wrong
// answer that is no choice.
func (im *importing) wrongChoices() []int {
	seen := map[int]bool{}
	for i := range im.examples {
		for k := range im.models {
			if e := &im.examples[i]; !im.of(k, e).right {
				seen[im.chosen(k, e)] = true
			}
		}
	}
	var out []int
	for c := range seen {
		out = append(out, c)
	}
	slices.Sort(out)
	return out
}

// attributes adds the group of each task and the position of the right choice.
func (im *importing) attributes(t *prediction.Table) {
	group := prediction.Attribute{Name: "group", Codes: make([]int32, len(im.examples))}
	answer := prediction.Attribute{Name: "right choice", Codes: make([]int32, len(im.examples))}
	of := im.groups()
	for _, task := range im.tasks {
		if g := of[task]; g != "" && !slices.Contains(group.Values, g) {
			group.Values = append(group.Values, g)
		}
	}
	slices.Sort(group.Values)
	most := -1
	for i := range im.examples {
		e := &im.examples[i]
		group.Codes[i] = int32(slices.Index(group.Values, of[im.tasks[e.task]]))
		answer.Codes[i] = int32(im.of(0, e).gold)
		most = max(most, int(answer.Codes[i]))
	}
	for c := range most + 1 {
		answer.Values = append(answer.Values, fmt.Sprintf("choice %d", c))
	}
	if len(group.Values) > 1 {
		t.Attributes = append(t.Attributes, group)
	}
	if most > 0 && len(im.tasks) > 1 {
		t.Attributes = append(t.Attributes, answer)
	}
}

// groups is the group of each task: the smallest one that the results files name.
func (im *importing) groups() map[string]string {
	out, size := map[string]string{}, map[string]int{}
	for _, m := range im.models {
		if m.run.results == nil {
			continue
		}
		for _, g := range sortedKeys(m.run.results.Subtasks) {
			list := m.run.results.Subtasks[g]
			for _, task := range list {
				better := out[task] == "" || len(list) < size[task] || len(list) == size[task] && strings.Compare(g, out[task]) < 0
				if better && task != g {
					out[task], size[task] = g, len(list)
				}
			}
		}
	}
	return out
}
