package cli

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/internal/texttab"
	"github.com/lethe-audit/lethe/stat/power"
	"github.com/lethe-audit/lethe/study"
	"github.com/spf13/cobra"
)

func (a *app) newStudy() *cobra.Command {
	c := &cobra.Command{
		Use:   "study",
		Short: "Ask people about forgotten examples, without telling them which they are",
		Long: `Study runs the paper's human study on an audit: 'plan' draws forgotten examples
(PIEs) and others like them, 'serve' shows them to people one at a time with
yes/no questions, 'close' says which properties are more frequent among PIEs.
'lethe report AUDIT STUDY' puts the result into the audit's report;
'lethe explain study' says how it is decided.
` + exitHelp,
		Example: `  lethe study plan audit --variant int8 --annotators ann,bob -o study
  lethe study serve study --data cifar10:cifar-10-batches-bin
  lethe study close study
  lethe report audit study --format html --file report.html`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.newStudyPlan(), a.newStudyServe(), a.newStudyClose())
	return c
}

// studyPlanOptions are the flags of lethe study plan.
type studyPlanOptions struct {
	draw       study.Options
	match      string
	annotators string
	questions  string
	dir        string
	overlap    int
}

func (a *app) newStudyPlan() *cobra.Command {
	o := studyPlanOptions{draw: study.DefaultOptions()}
	c := &cobra.Command{
		Use:   "plan AUDIT -o STUDY",
		Short: "Draw PIEs and images like them, and say who judges which",
		Long: `Plan draws --pairs PIEs of one variant at random, and for each an example that
is no PIE, of the same class (--match class) and, with --match class+margin,
with nearly the same margin of the baseline's votes. Both images of a pair go
to the same --overlap annotators, everybody sees their images in an order of
their own, and the same --seed draws the same.

It writes a folder: study.json is all that the annotators' pages are made of
and names no group; key.json says which images are PIEs: keep it from whoever
judges. If there are too few examples nothing is written.

The questions are the paper's six. --questions FILE asks others:

  title: What do these pictures show?
  languages: [en, de]
  questions:
    - id: blurred
      name: blurred
      text: {en: Is it blurred?, de: Ist es unscharf?}
      help: {en: Edges are not sharp., de: Kanten sind nicht scharf.}
` + exitHelp,
		Example: `  lethe study plan audit --variant int8 --annotators ann,bob -o study
  lethe study plan audit --variant int8 --annotators 6 --overlap 3 --pairs 20 -o study
  lethe study plan audit --variant int8 --examples right_to_wrong --pairs 10 --questions questions.yaml -o study`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error { return a.runStudyPlan(c, list[0], &o) },
	}
	s := c.Flags()
	s.StringVarP(&o.dir, "output", "o", "", "write the study into the new folder `DIR`")
	s.StringVar(&o.draw.Variant, "variant", "", "whose PIEs; needed if the audit has several `VARIANT`s")
	s.StringVar(&o.draw.Kind, "examples", o.draw.Kind, "what to draw beside non-PIEs: a `KIND` as in lethe report --examples")
	s.IntVar(&o.draw.Pairs, "pairs", o.draw.Pairs, "`N` PIEs and N others")
	s.StringVar(&o.match, "match", string(o.draw.Match), "in what the others are like the PIEs: class or class+margin")
	s.Float64Var(&o.draw.Caliper, "caliper", o.draw.Caliper, "largest difference of margins in a pair, a share of the votes")
	s.StringVar(&o.annotators, "annotators", "2", "`NAMES` joined by commas (better pseudonyms: reports show them), or how many")
	s.IntVar(&o.overlap, "overlap", 0, "`PEOPLE` who judge each image (default 2, or 1 with one annotator)")
	s.StringVar(&o.questions, "questions", "", "ask the questions of a YAML `FILE` instead of the paper's")
	s.StringVar(&o.draw.Data, "data", "", "the images, `KIND:PATH`: checks that they are there, and serve needs no --data then")
	s.Uint64Var(&o.draw.Seed, "seed", o.draw.Seed, "of everything that is drawn")
	_ = c.MarkFlagDirname("output")
	_ = c.MarkFlagFilename("questions", "yaml", "yml")
	_ = c.RegisterFlagCompletionFunc("match", cobra.FixedCompletions([]string{string(study.MatchClass), string(study.MatchMargin)}, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("examples", cobra.FixedCompletions(finding.ExampleKinds(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

// complete reads the flags into what is drawn.
func (o *studyPlanOptions) complete() (err error) {
	o.draw.Match = study.Match(o.match)
	if o.draw.Annotators, err = study.AnnotatorNames(o.annotators); err != nil {
		return err
	}
	if o.draw.Overlap = o.overlap; o.overlap == 0 {
		o.draw.Overlap = min(2, len(o.draw.Annotators))
	}
	if o.dir == "" {
		return errors.New("-o is required: the folder to write the study into")
	}
	return nil
}

func (a *app) runStudyPlan(c *cobra.Command, audit string, o *studyPlanOptions) error {
	if err := o.complete(); err != nil {
		return errUsage{err, c.CommandPath()}
	}
	if _, err := os.Lstat(o.dir); err == nil {
		return fmt.Errorf("study: %s is there already; a plan is never replaced, choose another folder", o.dir)
	}
	questions := study.PaperQuestions()
	if o.questions != "" {
		text, err := os.ReadFile(o.questions)
		if err != nil {
			return err
		}
		own, err := study.ParseQuestions(o.questions, text)
		if err != nil {
			return err
		}
		questions = *own
	}
	config, err := readConfig(filepath.Join(audit, findingsFile))
	if err != nil {
		return err
	}
	if err := o.onlyVariant(config); err != nil {
		return errUsage{err, c.CommandPath()}
	}
	s, k, err := a.drawStudy(audit, config, questions, o.draw)
	if err != nil {
		return err
	}
	if o.draw.Data != "" {
		if err := a.checkPictures(c, s, o.draw.Data); err != nil {
			return err
		}
	}
	if err := study.Write(o.dir, s, k); err != nil {
		return err
	}
	_, err = fmt.Fprint(a.io.Out, planText(o, s, k))
	return err
}

// onlyVariant takes the audit's variant if there is one only.
func (o *studyPlanOptions) onlyVariant(config *finding.Config) error {
	if o.draw.Variant != "" {
		return nil
	}
	var names []string
	for _, p := range config.Populations[1:] {
		names = append(names, p.Name)
	}
	if len(names) != 1 {
		return fmt.Errorf("whose PIEs? give --variant, one of %s", strings.Join(names, ", "))
	}
	o.draw.Variant = names[0]
	return nil
}

// readConfig reads the first message of a stream.
func readConfig(path string) (*finding.Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: an audit directory has it; lethe audit and lethe compare write one", err)
	}
	defer f.Close()
	m, err := finding.NewReader(f).Next()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if m.Config == nil || len(m.Config.Populations) == 0 {
		return nil, fmt.Errorf("%s: no findings: the first line holds no configuration", path)
	}
	return m.Config, nil
}

// drawStudy draws from the table of examples of an audit directory.
func (a *app) drawStudy(audit string, config *finding.Config, q study.Questionnaire, o study.Options) (*study.Study, *study.Key, error) {
	path := filepath.Join(audit, examplesFile)
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	in, err := finding.NewExampleReader(f, info.Size())
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	defer in.Close()
	defer a.step("drawing")()
	s, k, err := study.Draw(config, exampleRows(in), q, o)
	if err != nil {
		return nil, nil, err
	}
	k.Tool = a.tool()
	for _, name := range []string{findingsFile, examplesFile} {
		digest, err := fileDigest(filepath.Join(audit, name))
		if err != nil {
			return nil, nil, err
		}
		k.Inputs = append(k.Inputs, finding.InputDigest{Path: name, Digest: digest, Role: "audit"})
	}
	return s, k, nil
}

// exampleRows are all rows of a table, one at a time.
func exampleRows(in *finding.ExampleReader) iter.Seq2[*finding.ExampleRow, error] {
	return func(yield func(*finding.ExampleRow, error) bool) {
		rows := make([]finding.ExampleRow, 1024)
		for {
			n, err := in.Read(rows)
			for i := range n {
				if !yield(&rows[i], nil) {
					return
				}
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// checkPictures says whether the images of a study are in a data source.
func (a *app) checkPictures(c *cobra.Command, s *study.Study, source string) error {
	opened, err := dataKinds().Open(c.Context(), source)
	if err != nil {
		return err
	}
	defer opened.Dataset.Close()
	a.notes(opened.Notes)
	_, err = study.FromData(s, opened.Dataset)
	return err
}

// planText says what was drawn.
func planText(o *studyPlanOptions, s *study.Study, k *study.Key) string {
	var b strings.Builder
	like := "of the same class"
	if k.Match == study.MatchMargin {
		like += " and margin"
	}
	fmt.Fprintf(&b, "%s of %s %s under %s, each with a non-PIE %s: %s, %s.\n", num.Plural(len(k.Pairs), "pair", "pairs"), num.Count(k.PIEs), kindText(k.Kind), k.Variant, like,
		num.Plural(len(s.Images), "image", "images"), num.Plural(len(s.Questionnaire.Questions), "question", "questions"))
	if k.Skipped > 0 {
		fmt.Fprintf(&b, "%s had no match left and were passed over: the study says nothing about such.\n", num.Plural(k.Skipped, "drawn example", "drawn examples"))
	}
	t := texttab.Table{Columns: []texttab.Column{{Head: "annotator"}, {Head: "images", Right: true}}}
	for _, p := range s.Annotators {
		t.Rows = append(t.Rows, []string{p.Name, num.Count(len(p.Images))})
	}
	text, _ := t.Format("", 0)
	fmt.Fprintf(&b, "%sEvery image is judged by %s.", text, num.Plural(k.Overlap, "person", "people"))
	const differ, power80 = 0.3, 0.8
	if d, err := (power.McNemar{N: len(k.Pairs), Discordance: differ}).MinimumDetectableEffect(0.05, power80); err == nil {
		fmt.Fprintf(&b, " If the images of 3 in 10 pairs are answered differently,\na difference of %s between PIEs and others is found in 4 of 5 such studies (before correction).", strings.TrimPrefix(num.PP(d), "+"))
	}
	fmt.Fprintf(&b, "\n\n%s  what annotators' pages are made of\n%s    which images are PIEs: keep it from annotators\n", filepath.Join(o.dir, study.StudyFile), filepath.Join(o.dir, study.KeyFile))
	data := ""
	if s.Data == "" {
		data = " --data KIND:PATH"
	}
	fmt.Fprintf(&b, "Next: lethe study serve %s%s\n", o.dir, data)
	return b.String()
}

// kindText names a kind of examples.
func kindText(kind string) string {
	switch kind {
	case "pie":
		return "PIEs"
	case "certified":
		return "certified PIEs"
	default:
		return "examples of the kind " + kind
	}
}

// openPictures opens the images of a study; close closes the data.
func (a *app) openPictures(c *cobra.Command, s *study.Study, source string) (study.Pictures, dataset.Dataset, error) {
	opened, err := dataKinds().Open(c.Context(), source)
	if err != nil {
		return nil, nil, err
	}
	a.notes(opened.Notes)
	pictures, err := study.FromData(s, opened.Dataset)
	if err != nil {
		return nil, nil, errors.Join(err, opened.Dataset.Close())
	}
	return pictures, opened.Dataset, nil
}
