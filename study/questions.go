package study

import (
	"fmt"
	"regexp"

	"github.com/lethe-audit/lethe/internal/strictyaml"
)

// Question is one yes/no question, asked about every image.
type Question struct {
	ID   string `json:"id" yaml:"id"`                         // names the property in answers and findings
	Name string `json:"name" yaml:"name"`                     // the property in a report: "several objects"
	Text Text   `json:"text" yaml:"text"`                     // what is asked
	Help Text   `json:"help,omitempty" yaml:"help,omitempty"` // what counts as yes
}

// Questionnaire is what annotators read, in all languages.
type Questionnaire struct {
	Title     Text            `json:"title" yaml:"title"`
	Intro     Text            `json:"intro,omitempty" yaml:"intro,omitempty"` // before the first image; blank lines part paragraphs
	Questions []Question      `json:"questions" yaml:"questions"`
	Words     map[string]Text `json:"words,omitempty" yaml:"words,omitempty"` // translations of the page's own words, see Words
	Languages []string        `json:"languages" yaml:"languages,omitempty"`   // the first is the fallback
}

// The most questions and the longest text that a page can bear.
const (
	maxQuestions = 20
	maxText      = 4000
)

var (
	questionID   = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	questionName = regexp.MustCompile(`^[^\x00-\x1f]{1,60}$`)
)

// PaperQuestions are the properties that Hooker et al. asked people about
// (arXiv 1911.05248, section on human study), worded for any data set.
func PaperQuestions() Questionnaire {
	ask := func(id, name, text, help string) Question {
		return Question{ID: id, Name: name, Text: Text{"en": text}, Help: Text{"en": help}}
	}
	return Questionnaire{
		Title:     Text{"en": "What do these images show?"},
		Intro:     Text{"en": introduction},
		Languages: []string{"en"},
		Questions: []Question{
			ask("label-wrong", "label wrong or inadequate", "Is the label wrong or inadequate?", "It names something that is not there, or another label fits the image better or as well."),
			ask("several-objects", "several objects", "Does the image show several different objects?", "More than one thing that a label could be about."),
			ask("low-quality", "corrupted or low quality", "Is the image corrupted or of low quality?", "Blurred, noisy, too dark or too bright, cut off, covered by text."),
			ask("fine-grained", "fine-grained", "Does naming it take fine distinctions?", "It would be easy to mistake it for a similar thing, such as one kind of animal for another."),
			ask("abstract", "abstract representation", "Is it a drawing, a toy or another abstract representation?", "Not the thing itself but a cartoon, painting, statue, logo, ..."),
			ask("atypical", "atypical example", "Is it an atypical example of its label?", "An unusual kind, view, pose, colour or surrounding."),
		},
	}
}

const introduction = `You will see one image at a time, with the label it has in the data set, and a few questions to answer with yes or no.

Judge what you see. There are no trick questions, and no answer that is expected. Where you cannot say, say so.

Answers are saved at once. You may stop at any time and go on later with the same link.`

// ParseQuestions reads questions of one's own. Errors show file, line and
// column.
func ParseQuestions(file string, data []byte) (*Questionnaire, error) {
	var q Questionnaire
	doc, err := strictyaml.Decode(file, data, &q)
	if err != nil {
		return nil, err
	}
	if len(q.Title) == 0 {
		q.Title = PaperQuestions().Title
	}
	if err := q.complete(doc); err != nil {
		return nil, err
	}
	return &q, nil
}

// complete fills languages and names in and checks everything.
func (q *Questionnaire) complete(doc *strictyaml.Document) error {
	if len(q.Questions) == 0 || len(q.Questions) > maxQuestions {
		return doc.Fault("$.questions", "there are %d questions, want 1 to %d", len(q.Questions), maxQuestions)
	}
	if len(q.Languages) == 0 {
		q.Languages = q.Questions[0].Text.languages()
	}
	for i, l := range q.Languages {
		if !tag.MatchString(l) {
			return doc.Fault(fmt.Sprintf("$.languages[%d]", i), "%q is no language tag such as en or pt-BR", l)
		}
	}
	seen := map[string]bool{}
	for i := range q.Questions {
		at := fmt.Sprintf("$.questions[%d]", i)
		one := &q.Questions[i]
		if !questionID.MatchString(one.ID) || len(one.ID) > 40 {
			return doc.Fault(at+".id", "the id is %q, want lower-case letters, digits and hyphens, such as low-quality", one.ID)
		}
		if seen[one.ID] {
			return doc.Fault(at+".id", "a second question with the id %q", one.ID)
		}
		seen[one.ID] = true
		if one.Name == "" {
			one.Name = one.ID
		}
		if !questionName.MatchString(one.Name) {
			return doc.Fault(at+".name", "the name is %q, want a few words in one line", one.Name)
		}
		if err := q.checkText(doc, at+".text", one.Text, true); err != nil {
			return err
		}
		if err := q.checkText(doc, at+".help", one.Help, false); err != nil {
			return err
		}
	}
	return q.checkFrame(doc)
}

// checkFrame checks what is not a question.
func (q *Questionnaire) checkFrame(doc *strictyaml.Document) error {
	if err := q.checkText(doc, "$.title", q.Title, false); err != nil {
		return err
	}
	if err := q.checkText(doc, "$.intro", q.Intro, false); err != nil {
		return err
	}
	var known []string
	words := Words()
	for _, w := range words {
		known = append(known, w.Name)
	}
	for name, text := range q.Words {
		if wordNamed(words, name) == "" {
			return doc.Fault("$.words."+name, "%s", strictyaml.Unknown("word", name, known))
		}
		if err := q.checkText(doc, "$.words."+name, text, false); err != nil {
			return err
		}
	}
	return nil
}

// checkText checks one text; a required one must be there in every language.
func (q *Questionnaire) checkText(doc *strictyaml.Document, path string, t Text, required bool) error {
	if len(t) == 0 && required {
		return doc.Fault(path, "the text is missing: what is asked")
	}
	for _, l := range t.languages() {
		switch {
		case !tag.MatchString(l):
			return doc.Fault(path, "%q is no language tag such as en or pt-BR", l)
		case t[l] == "":
			return doc.Fault(path, "the text in %s is empty", l)
		case len(t[l]) > maxText:
			return doc.Fault(path, "the text in %s has %d bytes, want at most %d", l, len(t[l]), maxText)
		}
	}
	if !required {
		return nil
	}
	for _, l := range q.Languages {
		if t[l] == "" {
			return doc.Fault(path, "there is no text in %s, one of the languages of this file", l)
		}
	}
	return nil
}
