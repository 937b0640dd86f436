package study

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/finding"
)

func drawPlan(t *testing.T, o Options) (*Study, *Key, []finding.ExampleRow) {
	t.Helper()
	config, rows := audit(10, 4000, 0.1, 3)
	s, k, err := Draw(config, each(rows), PaperQuestions(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s, k, rows
}

// Whatever the options: pairs are a PIE and a non-PIE of the variant, of one
// class and, where asked, of near margins; no image comes twice; every image has
// its judges; loads differ by one pair at most; both images of a pair go to the
// same people.
func TestDrawKeepsItsWord(t *testing.T) {
	for _, o := range []Options{
		options(100, 2, 2), options(37, 5, 3), options(10, 1, 1), options(200, 85, 4),
		func() Options { o := options(100, 3, 1); o.Match, o.Caliper = MatchMargin, 0.1; return o }(),
		func() Options { o := options(30, 3, 2); o.Variant, o.Kind = "pruned", "certified"; return o }(),
	} {
		for seed := range uint64(5) {
			o.Seed = seed
			s, k, rows := drawPlan(t, o)
			byID := map[string]*finding.ExampleRow{}
			for i := range rows {
				if rows[i].Variant == o.Variant {
					byID[rows[i].ID] = &rows[i]
				}
			}
			if len(k.Pairs) != o.Pairs || len(s.Images) != 2*o.Pairs {
				t.Fatalf("%d pairs, %d images, want %d", len(k.Pairs), len(s.Images), o.Pairs)
			}
			judges := make([][]string, len(s.Images))
			least, most := math.MaxInt, 0
			for _, a := range s.Annotators {
				least, most = min(least, len(a.Images)), max(most, len(a.Images))
				for _, i := range a.Images {
					judges[i] = append(judges[i], a.Name)
				}
			}
			if most-least > 2 {
				t.Errorf("loads from %d to %d images", least, most)
			}
			seen := map[string]bool{}
			for _, p := range k.Pairs {
				a, b := byID[s.Images[p.PIE].ID], byID[s.Images[p.Other].ID]
				if !a.PIE || b.PIE || a.Label != b.Label || int(a.Label) != p.Class || (o.Kind == "certified" && !a.Certified) {
					t.Fatalf("pair %+v of %+v and %+v", p, a, b)
				}
				if o.Match == MatchMargin && math.Abs(a.Margin-b.Margin) > o.Caliper+1e-9 {
					t.Errorf("margins %v and %v in one pair", a.Margin, b.Margin)
				}
				if seen[a.ID] || seen[b.ID] {
					t.Errorf("%s or %s drawn twice", a.ID, b.ID)
				}
				seen[a.ID], seen[b.ID] = true, true
				if len(judges[p.PIE]) != o.Overlap || !reflect.DeepEqual(judges[p.PIE], judges[p.Other]) {
					t.Errorf("pair judged by %v and %v, want %d people", judges[p.PIE], judges[p.Other], o.Overlap)
				}
			}
		}
	}
}

// The same seed draws the same whatever the order of groups of rows is not; the
// other one draws another sample. Nothing in the blind part tells the groups:
// places of PIEs are as random as those of the others.
func TestDrawIsSeededAndBlind(t *testing.T) {
	o := options(100, 3, 2)
	s1, k1, _ := drawPlan(t, o)
	s2, k2, _ := drawPlan(t, o)
	if !reflect.DeepEqual(s1, s2) || !reflect.DeepEqual(k1, k2) {
		t.Error("the same seed drew another plan")
	}
	o.Seed = 2
	if s3, _, _ := drawPlan(t, o); reflect.DeepEqual(s1.Images, s3.Images) {
		t.Error("another seed drew the same images")
	}
	blind, err := json.Marshal(s1)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"pie", "margin", "int8", "seed", "pair", "variant"} {
		if bytes.Contains(bytes.ToLower(blind), []byte(`"`+word)) {
			t.Errorf("the blind part names %q", word)
		}
	}
	sum, n := 0.0, 0.0
	for seed := range uint64(40) {
		o.Seed = seed
		_, k, _ := drawPlan(t, o)
		for _, p := range k.Pairs {
			sum += float64(p.PIE)
			n++
		}
	}
	// Places 0 to 199, mean 99.5, variance 200²/12; PIEs are half of them.
	if z := (sum/n - 99.5) / math.Sqrt(200*200/12.0/n); math.Abs(z) > 4 {
		t.Errorf("mean place of PIEs is %.1f, %.1f standard errors from the middle", sum/n, z)
	}
}

// Every PIE is as likely to be drawn as any other.
func TestDrawIsFair(t *testing.T) {
	o := options(50, 2, 2)
	drawn := map[string]int{}
	const reps = 400
	total := 0
	for seed := range uint64(reps) {
		o.Seed = seed
		s, k, _ := drawPlan(t, o)
		total = k.PIEs
		for _, p := range k.Pairs {
			drawn[s.Images[p.PIE].ID]++
		}
	}
	expected := float64(reps*o.Pairs) / float64(total)
	chi := float64(total-len(drawn)) * expected // those never drawn: (0−e)²/e
	for _, n := range drawn {
		chi += (float64(n) - expected) * (float64(n) - expected) / expected
	}
	chi /= 1 - float64(o.Pairs)/float64(total) // draws without replacement vary less
	if z := (chi - float64(total)) / math.Sqrt(2*float64(total)); math.Abs(z) > 4 {
		t.Errorf("chi-squared %.0f for %d PIEs: %.1f standard deviations away", chi, total, z)
	}
}

func TestDrawRefuses(t *testing.T) {
	config, rows := audit(10, 400, 0.1, 3)
	good := options(10, 2, 2)
	change := func(f func(*Options)) Options { o := good; f(&o); return o }
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"variant":    {change(func(o *Options) { o.Variant = "int4" }), `no variant "int4"; it has int8, pruned`},
		"kind":       {change(func(o *Options) { o.Kind = "pies" }), "pies"},
		"all":        {change(func(o *Options) { o.Kind = "all" }), "no group"},
		"few pairs":  {change(func(o *Options) { o.Pairs = 3 }), "at least 10"},
		"many pairs": {change(func(o *Options) { o.Pairs = 100 }), "ask for"},
		"caliper":    {change(func(o *Options) { o.Match, o.Caliper = MatchMargin, 2 }), "caliper"},
		"match":      {change(func(o *Options) { o.Match = "size" }), "match by"},
		"overlap":    {change(func(o *Options) { o.Overlap = 3 }), "1 to 2"},
		"nobody":     {change(func(o *Options) { o.Annotators = nil }), "no annotators"},
		"twins":      {change(func(o *Options) { o.Annotators = []string{"ann", "Ann"} }), "two annotators"},
		"path":       {change(func(o *Options) { o.Annotators = []string{"../ann", "b"} }), "letters"},
	} {
		if _, _, err := Draw(config, each(rows), PaperQuestions(), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for i := range rows {
		rows[i].Margin = 1
	}
	if _, _, err := Draw(config, each(rows), PaperQuestions(), change(func(o *Options) { o.Match = MatchMargin })); !errors.Is(err, errMargins) {
		t.Errorf("no margins to match by: %v", err)
	}
	for i := range rows { // nothing but PIEs in class 0 and 1
		rows[i].PIE = rows[i].PIE || rows[i].Label < 2
	}
	_, _, err := Draw(config, each(rows), PaperQuestions(), change(func(o *Options) { o.Pairs = 60 }))
	var few *TooFewError
	if !errors.As(err, &few) || few.Have == 0 || few.Have >= 60 || len(few.Short) == 0 || !strings.Contains(few.Short[0], "class") {
		t.Errorf("others run out: %v", err)
	}
}

func TestWriteAndOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "study")
	s, k, _ := drawPlan(t, options(20, 2, 2))
	if err := Write(dir, s, k); err != nil {
		t.Fatal(err)
	}
	back, err := Open(dir)
	if err != nil || !reflect.DeepEqual(back, s) {
		t.Fatalf("%v: %+v, want %+v", err, back, s)
	}
	key, err := OpenKey(dir, back)
	if err != nil || !reflect.DeepEqual(key.Pairs, k.Pairs) {
		t.Fatalf("%v: %+v", err, key)
	}
	if err := Write(dir, s, k); !errors.Is(err, fs.ErrExist) {
		t.Errorf("written over: %v", err)
	}
	info, err := os.Stat(filepath.Join(dir, KeyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key has mode %v", info.Mode())
	}
	raw, err := os.ReadFile(filepath.Join(dir, KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, KeyFile), bytes.Replace(raw, []byte(`"other": `), []byte(`"other": 1`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKey(dir, back); err == nil || !strings.Contains(err.Error(), "another study's key, or was changed") {
		t.Errorf("a changed key: %v", err)
	}
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is no study") {
		t.Errorf("an empty folder: %v", err)
	}
}

// A study of version 1 as it was first written is still read.
func TestReadsVersion1(t *testing.T) {
	dir := filepath.Join("testdata", "v1")
	if os.Getenv("LETHE_WRITE_STUDY") != "" { // once a version
		o := options(10, 2, 2)
		o.Data = "cifar10:DIR"
		s, k, _ := drawPlan(t, o)
		if err := Write(dir, s, k); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	k, err := OpenKey(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	if len(k.Pairs) != 10 || len(s.Images) != 20 || s.Data != "cifar10:DIR" || k.Variant != "int8" || len(s.Annotators[1].Images) != 20 || s.Images[0].Label == "" {
		t.Errorf("%+v\n%+v", s, k)
	}
}
