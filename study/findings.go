package study

import (
	"errors"
	"fmt"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/stat/agree"
	"github.com/lethe-audit/lethe/stat/interval"
)

// Check is the name under which the study's findings stand.
const Check = "study"

// The questions that findings of a study answer. The scope's name is the
// property.
const (
	QuestionProperty  = "property"       // is it more or less frequent among PIEs?
	QuestionPIEs      = "share-pies"     // how frequent is it among PIEs?
	QuestionOthers    = "share-non-pies" // and among the others?
	QuestionKappa     = "fleiss-kappa"
	QuestionAlpha     = "krippendorff-alpha"
	TableQuestions    = "study-questions"  // id, name, question as it was asked
	TableAnnotators   = "study-annotators" // one row a person
	codePartial       = "partial-study"
	codeUnpaired      = "unpaired-answers"
	codeUnsure        = "cannot-say-answers"
	codeFewAnnotators = "few-annotators"
)

// Sink takes the findings of a study.
type Sink interface {
	Finding(*finding.Finding) error
	Table(*finding.Table) error
}

// Config is the opening message of a study's stream: the audit's
// configuration, narrowed to the baseline and the variant.
func (k *Key) Config(s *Study, tool string) *finding.Config {
	c := k.Audit
	c.Protocol, c.Tool, c.Checks, c.Inputs = finding.ProtocolVersion, tool, []string{Check}, k.Inputs
	c.Settings.Alpha, c.Settings.Level, c.Settings.FDR = k.alpha(), k.level(), k.fdr()
	c.Title = s.Questionnaire.Title.In(s.Questionnaire.Languages[0], nil)
	if k.Audit.Title != "" {
		c.Title = k.Audit.Title + ": " + c.Title
	}
	return &c
}

// Emit gives the findings and tables of a result to sink.
func Emit(s *Study, k *Key, sheets []Sheet, r *Result, sink Sink) error {
	e := &emitter{study: s, key: k, result: r, sheets: sheets}
	var errs []error
	for i := range r.Properties {
		p := &r.Properties[i]
		for _, f := range []*finding.Finding{
			e.property(p), e.share(p, QuestionPIEs, &p.PIE), e.share(p, QuestionOthers, &p.Other),
			e.agreement(p, QuestionKappa, "Fleiss' kappa", p.Kappa, p.KappaErr), e.agreement(p, QuestionAlpha, "Krippendorff's alpha", p.Alpha, p.AlphaErr),
		} {
			errs = append(errs, sink.Finding(f))
		}
	}
	return errors.Join(append(errs, sink.Table(e.questions()), sink.Table(e.annotators()))...)
}

// emitter makes findings.
type emitter struct {
	study  *Study
	key    *Key
	result *Result
	sheets []Sheet
}

// base is what all findings about a property have.
func (e *emitter) base(p *Property, question string) *finding.Finding {
	base, variant := &e.key.Audit.Populations[0], &e.key.Audit.Populations[1]
	return &finding.Finding{
		ID: Check + "/" + question + "/" + variant.Name + "/" + p.Question.ID, Check: Check, Question: question,
		Baseline: base.Name, Variant: variant.Name,
		Scope:   finding.Scope{Kind: finding.Examples, Name: p.Question.Name},
		Outcome: finding.Described, KBase: len(base.Members), K: len(variant.Members),
	}
}

func unmeasured(f *finding.Finding, reason finding.Reason, needed string) *finding.Finding {
	f.Outcome, f.Reason, f.Word, f.Needed = finding.NotMeasurable, reason, finding.CannotSay, needed
	return f
}

// covered is an interval in a finding.
func (e *emitter) covered(i interval.Interval, method string) *finding.Interval {
	return &finding.Interval{Low: i.Low, High: i.High, Level: e.key.level(), Covers: finding.ImagesOnly, Method: method}
}

// property is the comparison of the two groups.
func (e *emitter) property(p *Property) *finding.Finding {
	f := e.base(p, QuestionProperty)
	f.Metric, f.Unit, f.N, f.Warnings = "share of yes among PIEs minus among non-PIEs", finding.Difference, 2*p.Pairs, e.warnings(p)
	if p.Pairs == 0 {
		return unmeasured(f, finding.NothingToMeasure, "answers about both images of a pair by the same person")
	}
	f.Estimate, f.Value, f.BaseValue = &p.Difference, &p.PIE.Share, &p.Other.Share
	f.Interval = e.covered(p.Interval, "Newcombe for pairs of images, on effective sample sizes")
	f.Evidence = &finding.Evidence{Examples: 2 * p.Pairs, TotalExamples: len(e.study.Images)}
	if !p.Tested {
		return unmeasured(f, finding.TooFewDiscordant, fmt.Sprintf("the two images of at least %s answered differently; there are %d", num.Plural(minNonZero(e.key.alpha()), "pair", "pairs"), p.Test.NonZero))
	}
	f.Test = e.test(p)
	switch {
	case p.decided(e.key.fdr()) > e.key.alpha():
		f.Outcome, f.Word, f.MDE = finding.NotDetected, finding.NoDifference, p.MDE
	case p.Difference > 0:
		f.Word = finding.MoreAmongPIEs
	default:
		f.Word = finding.LessAmongPIEs
	}
	return f
}

// decided is the corrected p-value that decides.
func (p *Property) decided(fdr string) float64 {
	switch fdr {
	case "by":
		return p.BY
	case "holm":
		return p.Holm
	default:
		return p.BH
	}
}

func (e *emitter) test(p *Property) *finding.Test {
	t := &finding.Test{
		Name: "sign flips within pairs, exact", P: &p.Test.P, Q: &p.BH, Holm: &p.Holm, BY: &p.BY,
		Why:    "the image is the unit: a person's answers about the two images of a pair are exchanged together",
		Family: &finding.Family{Name: "properties, " + e.key.Variant, Size: e.result.Family},
	}
	if !p.Test.Exact {
		t.Name, t.Statistic = "sign flips within pairs, normal tail", &p.Test.Z
	}
	return t
}

// share is how frequent a property is in one group.
func (e *emitter) share(p *Property, question string, g *Group) *finding.Finding {
	f := e.base(p, question)
	f.Metric, f.Unit, f.N = "share of yes, mean over images", finding.Share, p.Pairs
	if p.Pairs == 0 {
		return unmeasured(f, finding.NothingToMeasure, "answers about both images of a pair by the same person")
	}
	f.Estimate = &g.Share
	f.Interval = e.covered(g.Interval, "Wilson on the effective sample size")
	return f
}

// agreement is one measure of agreement.
func (e *emitter) agreement(p *Property, question, metric string, r agree.Result, err error) *finding.Finding {
	f := e.base(p, question)
	f.Metric, f.Unit = metric, finding.Plain
	switch {
	case errors.Is(err, agree.ErrOneCategory):
		return unmeasured(f, finding.OneAnswer, "an image about which somebody says otherwise")
	case err != nil && question == QuestionKappa && p.AlphaErr == nil:
		return unmeasured(f, finding.NotComputed, "the same number of answers about every image; Krippendorff's alpha does without")
	case err != nil:
		return unmeasured(f, finding.OneJudge, "two answers about an image")
	}
	f.N, f.Estimate = r.Units, &r.Value
	if low, high, err := r.Interval(e.key.level()); err == nil {
		method := "t over images, Gwet's variance"
		if question == QuestionAlpha {
			method = "t over images, delete-one jackknife"
		}
		f.Interval = e.covered(interval.Interval{Low: low, High: high}, method)
	}
	return f
}

// warnings are the doubts about a comparison.
func (e *emitter) warnings(p *Property) []finding.Warning {
	var out []finding.Warning
	add := func(code, format string, args ...any) {
		out = append(out, finding.Warning{Code: code, Text: fmt.Sprintf(format, args...)})
	}
	if !e.result.Complete {
		add(codePartial, "The study was closed before everything was answered.")
	}
	if n := p.PIE.Unsure + p.Other.Unsure; n > 0 {
		add(codeUnsure, "%s for %d PIEs and %d non-PIEs; such answers do not count.", `"Cannot say" was answered`, p.PIE.Unsure, p.Other.Unsure)
	}
	if p.Left > 0 {
		add(codeUnpaired, "%s of a person about one image of a pair without one about the other: they do not count.", num.Plural(p.Left, "answer", "answers"))
	}
	if len(e.study.Annotators) < 5 {
		add(codeFewAnnotators, "%s judged: the interval covers other images, not other people.", num.Plural(len(e.study.Annotators), "person", "people"))
	}
	return out
}

// questions are the questions as they were asked.
func (e *emitter) questions() *finding.Table {
	t := &finding.Table{
		Name: TableQuestions, Check: Check, Variant: e.key.Variant, Title: "What was asked",
		Columns: []finding.Column{{Name: "property"}, {Name: "question"}, {Name: "counts as yes"}},
	}
	language := e.study.Questionnaire.Languages[0]
	for _, q := range e.study.Questionnaire.Questions {
		t.Rows = append(t.Rows, []any{q.Name, q.Text.In(language, e.study.Questionnaire.Languages), q.Help.In(language, e.study.Questionnaire.Languages)})
	}
	k := e.key
	like := "of the same class"
	if k.Match == MatchMargin {
		like += fmt.Sprintf(" whose margin differs by at most %s", num.Setting(*k.Caliper))
	}
	t.Note = fmt.Sprintf("%s, drawn at random from %s examples of the kind %q under %s, each with a non-PIE %s; every image judged by %s of %d.",
		num.Plural(len(k.Pairs), "pair", "pairs"), num.Count(k.PIEs), k.Kind, k.Variant, like, num.Plural(k.Overlap, "person", "people"), len(e.study.Annotators))
	return t
}
