package study

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// planned writes a small study and returns its folder.
func planned(t testing.TB, o Options) (string, *Study, *Key) {
	t.Helper()
	config, rows := audit(10, 2000, 0.1, 3)
	s, k, err := Draw(config, each(rows), PaperQuestions(), o)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "study")
	if err := Write(dir, s, k); err != nil {
		t.Fatal(err)
	}
	return dir, s, k
}

func openDesk(t *testing.T, dir string) *Desk {
	t.Helper()
	d, err := OpenDesk(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// Answers are there after a restart; a later one replaces an earlier one; a line
// that was cut short is forgotten and does not spoil the next.
func TestAnswersSurvive(t *testing.T) {
	dir, s, _ := planned(t, options(10, 2, 2))
	d := openDesk(t, dir)
	image := s.Annotators[0].Images[4]
	for _, a := range []Answer{Yes, No, Unsure} {
		if err := d.Record(0, image, map[string]Answer{"atypical": a, "abstract": Yes}, noon); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	path := answersPath(dir, s.Annotators[0].Name)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(whole, []byte("\n")); n != 7 {
		t.Errorf("%d lines, want the head and 6 answers:\n%s", n, whole)
	}
	for cut := len(whole) - 1; cut > len(whole)-40; cut-- { // a crash anywhere in the last line
		if err := os.WriteFile(path, whole[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		sheets, err := ReadAnswers(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := sheets[0][image]; got[5] != No || got[4] != Yes {
			t.Fatalf("cut at %d: %v, want the answers before the last", cut, got)
		}
		d := openDesk(t, dir)
		if err := d.Record(0, image, map[string]Answer{"atypical": Yes}, noon); err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		sheets, err = ReadAnswers(dir)
		if err != nil || sheets[0][image][5] != Yes {
			t.Fatalf("cut at %d, then answered: %v, %v", cut, sheets[0][image], err)
		}
	}
}

func TestRecordRefuses(t *testing.T) {
	dir, s, _ := planned(t, options(10, 2, 1))
	d := openDesk(t, dir)
	mine, foreign := s.Annotators[0].Images[0], s.Annotators[1].Images[0]
	for name, c := range map[string]struct {
		image int
		said  map[string]Answer
	}{
		"somebody else's image": {foreign, map[string]Answer{"atypical": Yes}},
		"no such image":         {999, map[string]Answer{"atypical": Yes}},
		"no such question":      {mine, map[string]Answer{"atypical": Yes, "colour": Yes}},
		"no such answer":        {mine, map[string]Answer{"atypical": "maybe"}},
		"nothing":               {mine, nil},
	} {
		if err := d.Record(0, c.image, c.said, noon); err == nil {
			t.Errorf("%s: recorded", name)
		}
	}
	if done, all := d.Progress(0); done != 0 || all != 10 {
		t.Errorf("%d of %d done", done, all)
	}
	b, err := os.ReadFile(answersPath(dir, s.Annotators[0].Name))
	if err != nil || bytes.Count(b, []byte("\n")) != 1 {
		t.Errorf("refused answers were written: %s, %v", b, err)
	}
}

// Many people answer at once, each twice; nothing is lost or mixed up.
func TestManyAnswerAtOnce(t *testing.T) {
	const people = 8
	dir, s, _ := planned(t, options(20, people, 4))
	d := openDesk(t, dir)
	var wg sync.WaitGroup
	for a := range people {
		for _, first := range []bool{true, false} {
			wg.Go(func() {
				for i, image := range s.Annotators[a].Images {
					if (i%2 == 0) != first {
						continue
					}
					for q, question := range s.Questionnaire.Questions {
						v := []Answer{Yes, No, Unsure}[(a+image+q)%3]
						if err := d.Record(a, image, map[string]Answer{question.ID: v}, noon); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
	}
	wg.Wait()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	sheets, err := ReadAnswers(dir)
	if err != nil {
		t.Fatal(err)
	}
	for a := range people {
		for _, image := range s.Annotators[a].Images {
			for q := range s.Questionnaire.Questions {
				if want := []Answer{Yes, No, Unsure}[(a+image+q)%3]; sheets[a][image][q] != want {
					t.Fatalf("person %d, image %d, question %d: %q, want %q", a, image, q, sheets[a][image][q], want)
				}
			}
		}
	}
}

// A second desk is told who has the study; files of another study or person are
// refused with their names.
func TestDeskIsClaimed(t *testing.T) {
	dir, s, _ := planned(t, options(10, 2, 2))
	d := openDesk(t, dir)
	if err := d.Announce("http://127.0.0.1:1234/"); err != nil {
		t.Fatal(err)
	}
	_, err := OpenDesk(dir)
	var held *HeldError
	if !errors.As(err, &held) || held.PID != os.Getpid() || held.Address != "http://127.0.0.1:1234/" {
		t.Errorf("second desk: %v", err)
	}
	if _, err := Claim(dir); !errors.As(err, &held) {
		t.Errorf("claimed while it is served: %v", err)
	}
	users, err := d.Users()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again := openDesk(t, dir)
	same, err := again.Users()
	if err != nil || fmt.Sprint(same) != fmt.Sprint(users) || len(users) != 2 || len(users[0].Token) < 20 || users[0].Token == users[1].Token {
		t.Errorf("tokens %v, then %v (%v)", users, same, err)
	}
	if again.LastAddress() != "127.0.0.1:1234" {
		t.Errorf("last address %q", again.LastAddress())
	}
	info, err := os.Stat(filepath.Join(dir, tokensFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("tokens have mode %v, %v", info.Mode(), err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}

	one := answersPath(dir, s.Annotators[0].Name)
	b, err := os.ReadFile(answersPath(dir, s.Annotators[1].Name))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(one, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDesk(dir); err == nil || !strings.Contains(err.Error(), `person-0.jsonl:1: the answers are those of "person-1"`) {
		t.Errorf("another person's answers: %v", err)
	}
	if _, err := OpenDesk(dir); errors.As(err, &held) {
		t.Errorf("a desk that did not open keeps the study: %v", err)
	}
}

func TestBadAnswerFiles(t *testing.T) {
	dir, s, _ := planned(t, options(10, 2, 1))
	_, study, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	head := fmt.Sprintf(`{"version":1,"study":%q,"annotator":"person-0"}`+"\n", study)
	mine, foreign := s.Annotators[0].Images[0], s.Annotators[1].Images[0]
	for content, want := range map[string]string{
		"hello\n": "f:1: no head",
		strings.Replace(head, `"version":1`, `"version":2`, 1): "f:1: version is 2",
		strings.Replace(head, "sha256:", "sha256:0", 1):        "f:1: the answers are of another study",
		head + "{}\n": "f:2: image 0 is not among",
		head + "{\n":  "f:2: no answer",
		head + fmt.Sprintf(`{"image":%d,"question":"atypical","answer":"yes"}`, foreign) + "\n":             fmt.Sprintf("f:2: image %d is not among", foreign),
		head + fmt.Sprintf(`{"image":%d,"question":"atypical","answer":"perhaps"}`, mine) + "\n":            `f:2: answer "perhaps"`,
		head + fmt.Sprintf(`{"image":%d,"question":"atypical","answer":""}`, mine) + "\n":                   `f:2: answer ""`,
		head + fmt.Sprintf(`{"image":%d,"question":"atypical","answer":"yes"}`, mine) + "\n" + "x\n":        "f:3: no answer",
		head + strings.Repeat(" ", maxLine) + "\n":                                                          "f:2: the line has",
		head + fmt.Sprintf(`{"image":%d,"question":"what","answer":"yes"}`, mine) + "\n" + head + "nothing": `f:2: there is no question "what"`,
	} {
		_, _, err := parseAnswers("f", []byte(content), s, study, 0)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", content, err, want)
		}
	}
}

// FuzzAnswers: whatever a file holds, reading it does not panic; what was read
// is read again from the part that counts.
func FuzzAnswers(f *testing.F) {
	dir, s, _ := planned(f, options(10, 1, 1))
	_, study, err := open(dir)
	if err != nil {
		f.Fatal(err)
	}
	head := fmt.Sprintf(`{"version":1,"study":%q,"annotator":"person-0"}`+"\n", study)
	f.Add([]byte(head + `{"image":3,"question":"atypical","answer":"yes","at":"2026-01-02T12:00:00Z"}` + "\n" + `{"image":3,"ques`))
	f.Add([]byte(head + `{"image":19,"question":"abstract","answer":"unsure"}` + "\n\n"))
	f.Add([]byte(`{"version":1`))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		sheet, whole, err := parseAnswers("f", b, s, study, 0)
		if err != nil {
			return
		}
		if whole > len(b) || whole > 0 && b[whole-1] != '\n' {
			t.Fatalf("%d whole bytes of %d", whole, len(b))
		}
		again, n, err := parseAnswers("f", b[:whole], s, study, 0)
		if err != nil || n != whole || fmt.Sprint(again) != fmt.Sprint(sheet) {
			t.Fatalf("read again: %v, %d of %d, %v and %v", err, n, whole, again, sheet)
		}
		for image, list := range sheet {
			if image < 0 || image >= len(s.Images) || len(list) != len(s.Questionnaire.Questions) {
				t.Fatalf("image %d: %v", image, list)
			}
		}
	})
}
