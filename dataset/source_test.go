package dataset

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParseSource(t *testing.T) {
	for text, want := range map[string]Source{
		"cifar10:data":                         {"cifar10", "data", nil},
		"idx:a b/c?split=train":                {"idx", "a b/c", []Option{{"split", "train"}}},
		`csv:C:\data\list.csv?label=y&limit=5`: {"csv", `C:\data\list.csv`, []Option{{"label", "y"}, {"limit", "5"}}},
		"csv:what?.csv?id=a%26b%3D%3f":         {"csv", "what?.csv", []Option{{"id", "a&b=?"}}},
		"csv:what?.csv?":                       {"csv", "what?.csv", nil},
		"csv:f?id=":                            {"csv", "f", []Option{{"id", ""}}},
		"csv:f?id=a+b=c":                       {"csv", "f", []Option{{"id", "a+b=c"}}},
	} {
		got, err := ParseSource(text)
		if err != nil || got.Kind != want.Kind || got.Path != want.Path || !slices.Equal(got.Options, want.Options) {
			t.Errorf("%s: %+v, error %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"data/cifar":       "want KIND:PATH",
		"":                 "want KIND:PATH",
		":data":            "want a name before the first colon",
		"./a:b":            "want a name before the first colon",
		"idx:":             `no path after "idx:"`,
		"idx:?split=test":  `no path after "idx:"`,
		"idx:a?split":      `option "split": want NAME=VALUE`,
		"idx:a?=x":         `option "=x": want NAME=VALUE`,
		"idx:a?b=1&":       `option "": want NAME=VALUE`,
		"idx:a?b=1&b=2":    "option b is given twice",
		"idx:a?b=%zz":      `invalid URL escape "%zz"`,
		"idx:a?b=1&c=%e":   "invalid URL escape",
		"cifar 10:a?b=1&c": "want a name before the first colon",
	} {
		_, err := ParseSource(text)
		var s *SourceError
		if !errors.As(err, &s) || s.Source != text || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want a SourceError with %q", text, err, want)
		}
	}
}

func FuzzParseSource(f *testing.F) {
	for _, s := range []string{"cifar10:d?split=train&limit=5", "csv:a?b?c=%25%26%3F", "idx:x?", "a:b:c?d=e=f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSource(text)
		if err != nil {
			return
		}
		again, err := ParseSource(s.String())
		if err != nil || again.Kind != s.Kind || again.Path != s.Path || !slices.Equal(again.Options, s.Options) {
			t.Fatalf("%q is written %q and read as %+v, %v", text, s.String(), again, err)
		}
	})
}

func TestWith(t *testing.T) {
	s, err := ParseSource("idx:d?limit=3&split=test")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.With("split", "train").With("mean", "1").String(); got != "idx:d?limit=3&split=train&mean=1" {
		t.Error(got)
	}
	if s.String() != "idx:d?limit=3&split=test" {
		t.Errorf("the source it was made from has changed: %s", s)
	}
}

func TestSuggestion(t *testing.T) {
	known := []string{"cifar10", "cifar100", "imagenet", "imagefolder", "idx"}
	for name, want := range map[string]string{
		"cifar-10": "cifar10", "CIFAR100": "cifar100", "imagnet": "imagenet", "image_folder": "imagefolder", "dix": "idx", "coco": "",
	} {
		got := Suggestion(name, known)
		if want == "" && strings.Contains(got, "did you mean") || want != "" && !strings.Contains(got, "did you mean "+want+"?") {
			t.Errorf("%s: %s", name, got)
		}
		if !strings.Contains(got, "cifar10, cifar100, imagenet, imagefolder, idx") {
			t.Errorf("%s: not all are listed: %s", name, got)
		}
	}
}

// The distance of edits is a metric on words without swaps, and a swap counts
// once.
func TestEdits(t *testing.T) {
	words := []string{"", "a", "ab", "ba", "abc", "mean", "maen", "resize"}
	for _, a := range words {
		for _, b := range words {
			if edits(a, b) != edits(b, a) {
				t.Errorf("%q to %q takes %d edits, back %d", a, b, edits(a, b), edits(b, a))
			}
			if (edits(a, b) == 0) != (a == b) {
				t.Errorf("%q to %q takes %d edits", a, b, edits(a, b))
			}
		}
	}
	if edits("mean", "maen") != 1 || edits("", "resize") != 6 || edits("abc", "ba") != 2 {
		t.Errorf("%d %d %d", edits("mean", "maen"), edits("", "resize"), edits("abc", "ba"))
	}
}
