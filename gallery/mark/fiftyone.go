package mark

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/lethe-audit/lethe/dataset"
)

// The layout of FiftyOne's FiftyOneDataset on disk: samples.json with a key
// "samples" that lists serialized samples, whose file paths are relative to the
// folder; metadata.json; data/. A metadata.json without "version" tells every
// version of FiftyOne to read the samples as Sample.to_dict wrote them, without
// its database's ids and schema.
//
// Sources: docs.voxel51.com/user_guide/import_datasets.html, section
// FiftyOneDataset; fiftyone/utils/data/importers.py, LegacyFiftyOneDatasetImporter
// and _is_legacy_format_data, as of FiftyOne 1.x.
type foSample struct {
	Filepath    string            `json:"filepath"`
	Tags        []string          `json:"tags"`
	Truth       *foLabel          `json:"ground_truth,omitempty"`
	Baseline    *foLabel          `json:"baseline,omitempty"`
	Variant     *foLabel          `json:"variant,omitempty"`
	LetheID     dataset.ExampleID `json:"lethe_id"`
	VariantName string            `json:"variant_name,omitempty"`
	Verdict     Verdict           `json:"verdict,omitempty"`
	Note        string            `json:"note,omitempty"`
	By          string            `json:"marked_by,omitempty"`
	At          string            `json:"marked_at"`
	Flip        string            `json:"flip,omitempty"`
	PIE         *bool             `json:"pie,omitempty"`
	Certified   *bool             `json:"certified,omitempty"`
}

// foLabel is fiftyone.core.labels.Classification.
type foLabel struct {
	Class      string   `json:"_cls"`
	Label      string   `json:"label"`
	Confidence *float64 `json:"confidence,omitempty"` // share of the members
}

func classification(label string, votes, k int) *foLabel {
	l := &foLabel{Class: "Classification", Label: label}
	if k > 0 {
		c := share(votes, k)
		l.Confidence = &c
	}
	return l
}

const foReadme = `Marked examples of an audit by lethe, as a FiftyOne dataset:

    import fiftyone as fo
    dataset = fo.Dataset.from_dir(dataset_dir="THIS FOLDER", dataset_type=fo.types.FiftyOneDataset)
    fo.launch_app(dataset)

Fields: ground_truth is the given class; baseline and variant are the labels
that most members of either population predict, with the share of members as
confidence; verdict, note, marked_by and marked_at are the person's. Verdicts
are tags too.
`

func (e *Export) fiftyone(ctx context.Context, put put) (Summary, error) {
	var s Summary
	names, samples := newNamer(), []foSample{}
	for _, it := range e.items(FiftyOne) {
		path := "data/" + names.image(string(it.ID))
		if ok, err := e.picture(ctx, &s, put, path, it.Mark); err != nil {
			return s, err
		} else if !ok {
			continue
		}
		samples = append(samples, it.sample(path))
		s.Marks++
	}
	info := map[string]any{"name": FiftyOne.root(), "media_type": "image",
		"info": map[string]any{"classes": e.Classes, "baseline": e.Baseline}}
	for _, f := range []struct {
		name string
		v    any
	}{{"samples.json", map[string]any{"samples": samples}}, {"metadata.json", info}} {
		if err := putJSON(put, f.name, f.v); err != nil {
			return s, err
		}
	}
	if err := put("README.txt", []byte(foReadme)); err != nil {
		return s, err
	}
	return s, s.missing(put)
}

func (it *item) sample(path string) foSample {
	s := foSample{Filepath: path, Tags: []string{}, LetheID: it.ID, VariantName: it.Variant,
		Verdict: it.Verdict, Note: it.Note, By: it.By, At: when(it.At)}
	if it.Verdict != None {
		s.Tags = append(s.Tags, string(it.Verdict))
	}
	if it.known {
		f := it.Facts
		s.Truth = classification(f.Truth, 0, 0)
		s.Baseline = classification(f.Base, f.BaseVotes, f.BaseK)
	}
	if it.compared() {
		f := it.Facts
		s.Variant = classification(f.Label, f.Votes, f.K)
		s.Flip, s.PIE, s.Certified = f.Flip, &f.PIE, &f.Certified
	}
	return s
}

// putJSON adds a file of indented JSON.
func putJSON(put put, name string, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	return put(name, b.Bytes())
}
