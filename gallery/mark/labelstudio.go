package mark

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
)

// The layout of Label Studio's tasks: a list of objects with "data", whose keys
// the labelling config names, "annotations" (what a person said) and
// "predictions" (what models say); each has a "result" of values that name the
// control (from_name), the object (to_name) and the control's type.
//
// Sources: labelstud.io/guide/task_format (annotated tasks),
// labelstud.io/guide/predictions (pre-annotations), labelstud.io/tags/choices and
// tags/textarea, labelstud.io/guide/storage (local files).
type lsTask struct {
	Data        lsData         `json:"data"`
	Annotations []lsAnnotation `json:"annotations"`
	Predictions []lsPrediction `json:"predictions"`
}

type lsData struct {
	Image        string            `json:"image"`
	ID           dataset.ExampleID `json:"lethe_id"`
	Truth        string            `json:"truth"`
	Baseline     string            `json:"baseline_label"`
	Variant      string            `json:"variant"`
	VariantLabel string            `json:"variant_label"`
	By           string            `json:"marked_by"`
	At           string            `json:"marked_at"`
}

type lsAnnotation struct {
	Result      []lsResult `json:"result"`
	Cancelled   bool       `json:"was_cancelled"`
	GroundTruth bool       `json:"ground_truth"`
}

type lsPrediction struct {
	Model  string     `json:"model_version"`
	Score  float64    `json:"score"` // share of the members
	Result []lsResult `json:"result"`
}

type lsResult struct {
	ID    string  `json:"id"`
	From  string  `json:"from_name"`
	To    string  `json:"to_name"`
	Type  string  `json:"type"`
	Value lsValue `json:"value"`
}

type lsValue struct {
	Choices []string `json:"choices,omitempty"`
	Text    []string `json:"text,omitempty"`
}

// Names of the tags in the labelling config.
const (
	lsImage   = "image"
	lsVerdict = "verdict"
	lsLabel   = "label"
	lsNote    = "note"
)

func choice(from, value string) lsResult {
	return lsResult{ID: "lethe-" + from, From: from, To: lsImage, Type: "choices", Value: lsValue{Choices: []string{value}}}
}

const lsReadme = `Marked examples of an audit by lethe, for Label Studio.

1. Start Label Studio with LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and
   LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT set to the folder that holds this one
   (keep this folder's name, %[1]q: tasks.json names it).
2. Make a project; Settings > Labeling Interface > Code: paste label-config.xml.
3. Settings > Cloud Storage > Add Source Storage > Local Files: this folder's
   path. Save it without a sync.
4. Import tasks.json.

Annotations are people's verdicts and notes; predictions are the labels that
most members of the baseline and of the variant give, with their share as score.
`

func (e *Export) labelstudio(ctx context.Context, root string, put put) (Summary, error) {
	var s Summary
	names, tasks := newNamer(), []lsTask{}
	for _, it := range e.items(LabelStudio) {
		path := "images/" + names.image(string(it.ID))
		if ok, err := e.picture(ctx, &s, put, path, it.Mark); err != nil {
			return s, err
		} else if !ok {
			continue
		}
		tasks = append(tasks, it.task(local(root+"/"+path), e.Baseline))
		s.Marks++
	}
	if err := putJSON(put, "tasks.json", tasks); err != nil {
		return s, err
	}
	if err := put("label-config.xml", e.config()); err != nil {
		return s, err
	}
	if err := put("README.txt", fmt.Appendf(nil, lsReadme, root)); err != nil {
		return s, err
	}
	return s, s.missing(put)
}

// local is the address of a file below Label Studio's root for local files.
func local(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = url.QueryEscape(p)
	}
	return "/data/local-files/?d=" + strings.Join(parts, "/")
}

func (it *item) task(image, baseline string) lsTask {
	t := lsTask{
		Data:        lsData{Image: image, ID: it.ID, Variant: it.Variant, By: it.By, At: when(it.At)},
		Annotations: []lsAnnotation{}, Predictions: []lsPrediction{},
	}
	var said []lsResult
	if it.Verdict != None {
		said = append(said, choice(lsVerdict, string(it.Verdict)))
	}
	if it.Note != "" {
		said = append(said, lsResult{ID: "lethe-" + lsNote, From: lsNote, To: lsImage, Type: "textarea", Value: lsValue{Text: []string{it.Note}}})
	}
	if len(said) > 0 {
		t.Annotations = append(t.Annotations, lsAnnotation{Result: said})
	}
	if it.known {
		f := it.Facts
		t.Data.Truth, t.Data.Baseline = f.Truth, f.Base
		t.Predictions = append(t.Predictions, lsPrediction{baseline, share(f.BaseVotes, f.BaseK), []lsResult{choice(lsLabel, f.Base)}})
	}
	if it.compared() {
		f := it.Facts
		t.Data.VariantLabel = f.Label
		t.Predictions = append(t.Predictions, lsPrediction{it.Variant, share(f.Votes, f.K), []lsResult{choice(lsLabel, f.Label)}})
	}
	return t
}

// config is the labelling config that the tasks are for.
func (e *Export) config() []byte {
	var b bytes.Buffer
	attr := func(s string) string {
		var x bytes.Buffer
		_ = xml.EscapeText(&x, []byte(s)) // a buffer does not fail
		return x.String()
	}
	choices := func(name, header string, values []string) {
		fmt.Fprintf(&b, "  <Header value=\"%s\"/>\n  <Choices name=%q toName=%q choice=\"single\">\n", header, name, lsImage)
		for _, v := range values {
			fmt.Fprintf(&b, "    <Choice value=\"%s\"/>\n", attr(v))
		}
		b.WriteString("  </Choices>\n")
	}
	fmt.Fprintf(&b, "<View>\n  <Image name=%q value=\"$image\"/>\n", lsImage)
	b.WriteString("  <Text name=\"given\" value=\"Given class: $truth\"/>\n")
	var verdicts []string
	for _, v := range Verdicts() {
		verdicts = append(verdicts, string(v))
	}
	choices(lsVerdict, "Verdict", verdicts)
	choices(lsLabel, "What does it show?", e.Classes)
	fmt.Fprintf(&b, "  <TextArea name=%q toName=%q placeholder=\"Note\" maxSubmissions=\"1\"/>\n</View>\n", lsNote, lsImage)
	return b.Bytes()
}
