package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
)

// alarms are the failed findings and the warnings about the whole audit.
func (b *builder) alarms() []Alarm {
	var out []Alarm
	for _, f := range b.c.findings {
		if f.Outcome != finding.Failed {
			continue
		}
		b.used[f] = true
		a := Alarm{Void: true, Title: "This audit is void", Text: capital(reasonText(f.Reason)) + "."}
		if f.Variant != "" {
			a.Title = "The audit of " + f.Variant + " is void"
		}
		if f.Scope.Kind != finding.Overall {
			a.Title += " for " + scopeName(f)
		}
		if len(f.Warnings) > 0 {
			a.Text = sentence(f.Warnings[0].Text)
		}
		out = append(out, a)
	}
	for _, w := range b.c.config.Warnings {
		out = append(out, Alarm{Title: warningTitle(w.Code), Text: sentence(w.Text)})
	}
	return out
}

// warningTitle makes a short title from a warning's code.
func warningTitle(code string) string {
	return capital(strings.ReplaceAll(code, "-", " "))
}

// answer is what the headline needs to know of one variant.
type answer struct {
	variant  string
	void     []*finding.Finding
	accuracy *finding.Finding
	classes  []*groupRow
	groups   []*groupRow
	class    tally
	group    tally
	pie      *finding.Finding
}

func (b *builder) answer(variant string) answer {
	a := answer{variant: variant}
	for _, f := range b.c.findings {
		if f.Outcome == finding.Failed && (f.Variant == variant || f.Variant == "") {
			a.void = append(a.void, f)
		}
	}
	a.accuracy = b.c.one(query{check: "summary", question: "accuracy", variant: variant, scope: finding.Overall})
	a.classes = b.groupRows("classimpact", variant, finding.Class)
	a.groups = b.groupRows("slice", variant, finding.Subgroup)
	a.class, a.group = b.tally(a.classes), b.tally(a.groups)
	for _, q := range []string{"swap-excess", "floor-excess"} {
		if a.pie == nil {
			a.pie = b.c.one(query{check: "pie", question: q, variant: variant})
		}
	}
	return a
}

// verdicts are the short answers and the headline over all of them.
func (b *builder) verdicts() ([]Verdict, string, []Link) {
	var out []Verdict
	var all []answer
	for _, name := range b.c.variants() {
		a := b.answer(name)
		all = append(all, a)
		out = append(out, b.verdict(&a))
	}
	headline, worst, where := b.headline(all)
	return out, headline, b.headlineLook(worst, where)
}

// headlineLook are the examples behind the headline: those of the group that
// is hit hardest, or those of the first variant.
func (b *builder) headlineLook(worst *groupRow, where string) []Link {
	if worst == nil {
		if v := b.c.variants(); len(v) > 0 {
			return b.look("See the examples, worst first", Target{Variant: v[0]})
		}
		return nil
	}
	t := scoped(Target{Variant: where}, worst.main(b.paper()).Scope)
	all := b.look(fmt.Sprintf("See the examples of %s under %s, worst first", worst.name, where), t)
	return append(all, b.look("All PIEs of "+where, Target{Variant: where, Kind: "pie"})...)
}

// mark is the tone of the whole variant.
func (a *answer) mark() Mark {
	accuracy := func(o finding.Outcome) bool { return a.accuracy != nil && a.accuracy.Outcome == o }
	switch {
	case len(a.void) > 0:
		return MarkVoid
	case a.class.worse > 0 || a.group.worse > 0 || accuracy(finding.Worse):
		return MarkWorse
	case a.class.total > 0 && a.class.unknown == a.class.total || a.class.total == 0 && a.accuracy == nil:
		return MarkAsk
	case accuracy(finding.Better) || a.class.better > 0:
		return MarkGood
	default:
		return MarkNone
	}
}

var classNoun, groupNoun = noun{"class", "classes"}, noun{"subgroup", "subgroups"}

func (b *builder) verdict(a *answer) Verdict {
	v := Verdict{Variant: a.variant, Kind: kindText(b.c.population(a.variant)), Mark: a.mark()}
	switch {
	case len(a.void) > 0:
		v.Word = "void: " + reasonText(a.void[0].Reason)
	case b.paper() && a.class.total > 0:
		v.Word = fmt.Sprintf("%s significant (raw p)", classNoun.of(a.class.worse+a.class.better, a.class.total))
		if a.class.worse == 0 && a.class.better > 0 {
			v.Mark = MarkGood
		}
	case a.class.worse > 0:
		v.Word = fmt.Sprintf("%s harmed", classNoun.of(a.class.worse, a.class.total))
	case a.group.worse > 0:
		v.Word = fmt.Sprintf("%s harmed", groupNoun.of(a.group.worse, a.group.total))
	case v.Mark == MarkWorse:
		v.Word = "accuracy lost"
	case v.Mark == MarkAsk:
		v.Word = "cannot say"
	case v.Mark == MarkGood && a.class.better > 0:
		v.Word = fmt.Sprintf("%s gained, no harm detected", classNoun.of(a.class.better, a.class.total))
	case v.Mark == MarkGood:
		v.Word = "accuracy gained, no harm detected"
	default:
		v.Word = "no harm detected"
	}
	v.Facts = b.verdictFacts(a)
	v.Look = b.look("Examples of "+a.variant, Target{Variant: a.variant})
	v.Lines = b.verdictLines(a)
	return v
}

// verdictFacts are the numbers of a variant at a glance.
func (b *builder) verdictFacts(a *answer) []Fact {
	var out []Fact
	if f := a.accuracy; f != nil && f.Estimate != nil {
		out = append(out, Fact{"Accuracy", estimate(f), MarkOf(f.Outcome), b.linkOf(f)})
	}
	if len(a.classes) > 0 {
		if f := a.classes[0].main(b.paper()); f.Estimate != nil {
			out = append(out, Fact{"Worst class", a.classes[0].name + ", " + num.PP(*f.Estimate), MarkOf(f.Outcome), b.linkOf(f)})
		}
	}
	if len(a.groups) > 0 {
		if f := a.groups[0].main(b.paper()); f.Estimate != nil {
			out = append(out, Fact{"Worst subgroup", a.groups[0].name + ", " + num.PP(*f.Estimate), MarkOf(f.Outcome), b.linkOf(f)})
		}
	}
	if f := a.pie; f != nil && f.Estimate != nil {
		out = append(out, Fact{"PIEs beyond noise", estimate(f), MarkOf(f.Outcome), b.linkOf(f)})
	}
	if n := a.class.unknown; n > 0 {
		out = append(out, Fact{Name: "Cannot say", Value: classNoun.of(n, a.class.total), Mark: MarkAsk})
	}
	return out
}

// verdictLines are the sentences about a variant, the headline's long form.
func (b *builder) verdictLines(a *answer) []Text {
	if len(a.void) > 0 {
		return []Text{{S: "Nothing below can be concluded about " + a.variant + "."}}
	}
	var out []Text
	if f := a.accuracy; f != nil && f.BaseValue != nil && f.Value != nil {
		s := fmt.Sprintf("Accuracy %s to %s, %s", num.Share(*f.BaseValue), num.Share(*f.Value), estimate(f))
		if p := surely(f, &b.c.config.Settings); p != "" {
			s += ", " + p
		}
		out = append(out, Text{S: s + ": " + accuracyWord(f) + ".", Notes: b.notes.refer(f.Warnings)})
	}
	if len(a.classes) > 0 {
		out = append(out, b.lead(a.classes, a.class, classNoun)[0])
	}
	if len(a.groups) > 0 {
		out = append(out, b.lead(a.groups, a.group, groupNoun)[0])
	}
	if f := a.pie; f != nil && f.Estimate != nil {
		s := fmt.Sprintf("Changed modal labels (PIEs) beyond noise: %s", estimate(f))
		if w := wordOf(f); w != "" {
			s += ": " + w
		}
		out = append(out, Text{S: s + ".", Notes: b.notes.refer(f.Warnings)})
	}
	return out
}

func accuracyWord(f *finding.Finding) string {
	switch f.Outcome {
	case finding.Worse:
		return "lost, beyond chance"
	case finding.Better:
		return "gained, beyond chance"
	case finding.NotDetected:
		s := "no difference detected"
		if f.MDE != nil {
			s += ", " + couldMiss(*f.MDE)
		}
		return s
	default:
		return wordOf(f)
	}
}

// headline is one sentence: who is harmed, by how much, how sure; and the group
// that it names with its variant, or nil.
func (b *builder) headline(all []answer) (string, *groupRow, string) {
	var void, harmed, asked []string
	var worst *groupRow
	where := ""
	for i := range all {
		a := &all[i]
		switch a.mark() {
		case MarkVoid:
			void = append(void, a.variant)
			continue
		case MarkWorse:
			harmed = append(harmed, a.variant)
		case MarkAsk:
			asked = append(asked, a.variant)
		}
		for _, rows := range [][]*groupRow{a.classes, a.groups} {
			if len(rows) == 0 || rows[0].main(b.paper()).Outcome != finding.Worse {
				continue
			}
			if worst == nil || badness(rows[0].main(b.paper())) > badness(worst.main(b.paper())) {
				worst, where = rows[0], a.variant
			}
		}
	}
	s := b.headlineStart(all, void, harmed, asked)
	if worst == nil {
		return s, nil, ""
	}
	f := worst.main(b.paper())
	hit := "Hardest hit: " + worst.name
	if len(all) > 1 {
		hit += " under " + where
	}
	change := estimate(f)
	if b.paper() {
		change += " beyond the model's own change"
	}
	return fmt.Sprintf("%s %s, %s, %s.", s, hit, change, surely(f, &b.c.config.Settings)), worst, where
}

func (b *builder) headlineStart(all []answer, void, harmed, asked []string) string {
	switch {
	case len(void) == len(all):
		return "This audit can conclude nothing: " + reasonText(all[0].void[0].Reason) + "."
	case len(void) > 0:
		return fmt.Sprintf("Nothing can be concluded about %s. %s", list(void), b.headlineStart(slices.DeleteFunc(slices.Clone(all), func(a answer) bool { return len(a.void) > 0 }), nil, harmed, asked))
	case len(all) == 1 && len(harmed) == 1:
		return harmedSentence(&all[0], b.paper())
	case len(harmed) > 0:
		return b.harmedVariants(all, harmed)
	case len(asked) == len(all):
		return "The data cannot say whether any class is harmed."
	default:
		s := "No harm detected in " + list(capped(names(all), 6, "others"))
		if m := missed(all); m != nil {
			s += "; " + couldMiss(*m) + " in some class"
		}
		return s + "."
	}
}

// harmedVariants says how many of several variants do harm, and of which kind.
func (b *builder) harmedVariants(all []answer, harmed []string) string {
	class, group, accuracy := 0, 0, 0
	for i := range all {
		switch a := &all[i]; {
		case a.mark() != MarkWorse:
		case a.class.worse > 0:
			class++
		case a.group.worse > 0:
			group++
		default:
			accuracy++
		}
	}
	verb := "harm at least one class"
	switch {
	case b.paper():
		verb = "change at least one class differently from the model (raw p, as in the paper)"
	case accuracy > 0:
		verb = "lose accuracy, or harm at least one class or subgroup"
	case group > 0:
		verb = "harm at least one class or subgroup"
	}
	if class+group+accuracy == len(all) {
		return fmt.Sprintf("All %s variants %s.", num.Count(len(all)), verb)
	}
	if len(harmed) == 1 {
		verb = strings.NewReplacer("harm at", "harms at", "change at", "changes at", "lose accuracy, or harm", "loses accuracy, or harms").Replace(verb)
		return fmt.Sprintf("1 of %s variants, %s, %s.", num.Count(len(all)), harmed[0], verb)
	}
	return fmt.Sprintf("%s of %s variants %s: %s.", num.Count(len(harmed)), num.Count(len(all)), verb, list(capped(harmed, 6, "others")))
}

// harmedSentence is the start of the headline for a single variant.
func harmedSentence(a *answer, paper bool) string {
	switch {
	case paper && a.class.worse > 0:
		return fmt.Sprintf("%s: %s lost more than the model did (raw p, as in the paper).", a.variant, classNoun.of(a.class.worse, a.class.total))
	case a.class.worse > 0 && a.class.more > 0:
		return fmt.Sprintf("%s harms %s, %s disproportionately.", a.variant, classNoun.of(a.class.worse, a.class.total), num.Count(a.class.more))
	case a.class.worse > 0:
		return fmt.Sprintf("%s harms %s.", a.variant, classNoun.of(a.class.worse, a.class.total))
	case a.group.worse > 0:
		return fmt.Sprintf("%s harms %s.", a.variant, groupNoun.of(a.group.worse, a.group.total))
	default:
		return fmt.Sprintf("%s loses accuracy, %s; no single class is harmed beyond chance.", a.variant, estimate(a.accuracy))
	}
}

func names(all []answer) []string {
	var out []string
	for i := range all {
		out = append(out, all[i].variant)
	}
	return out
}

func missed(all []answer) *float64 {
	var m *float64
	for i := range all {
		if v := all[i].class.missed; v != nil && (m == nil || *v > *m) {
			m = v
		}
	}
	return m
}

// how says how sure the words are.
func (b *builder) how() string {
	s := b.c.config.Settings
	if b.paper() {
		return fmt.Sprintf("Paper mode: raw p at or below %s in either direction, no correction for the number of classes.", num.Setting(s.Alpha))
	}
	single := true
	for _, p := range b.c.config.Populations {
		single = single && len(p.Members) == 1
	}
	out := fmt.Sprintf("\"Harmed\" means a loss beyond chance at level %s after %s for the number of tests. The margin that matters is %s, absolute.",
		num.Setting(s.Alpha), correctionPhrase(s.FDR), num.PP(s.Margin))
	if single {
		out += " One model on each side: this holds for these two sets of predictions on data like this, and says nothing about retraining or about the method."
	}
	return out
}

func correctionPhrase(fdr string) string {
	if fdr == "none" {
		return "no correction"
	}
	return correction(fdr) + " correction"
}

// couldMiss says which change of a share the data could have missed. With few
// members that can be more than there is.
func couldMiss(change float64) string {
	if change >= 1 {
		return "any change could have been missed"
	}
	return "a change smaller than " + num.PP(change) + " could have been missed"
}
