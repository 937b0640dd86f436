package study

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/lethe-audit/lethe/internal/appendfile"
	"github.com/lethe-audit/lethe/internal/atomicfile"
)

// Answer is what a person said to a question about an image.
type Answer string

// The answers. None: not yet.
const (
	None   Answer = ""
	Yes    Answer = "yes"
	No     Answer = "no"
	Unsure Answer = "unsure" // cannot say
)

// Line is one line of a file of answers: one answer. A later line about the same
// image and question replaces an earlier one.
type Line struct {
	Image    int    `json:"image"` // place in Study.Images
	Question string `json:"question"`
	Answer   Answer `json:"answer"`
	At       string `json:"at,omitempty"` // RFC 3339, UTC
}

// header is the first line of a file of answers.
type header struct {
	Version   int    `json:"version"`
	Study     string `json:"study"` // digest of study.json
	Annotator string `json:"annotator"`
}

// Sheet are the answers of one annotator: Sheet[image][question], where image is
// a place in Study.Images and question one among its questions. Images without
// any answer have no entry.
type Sheet map[int][]Answer

// set keeps one answer.
func (s Sheet) set(image, question, questions int, a Answer) {
	if s[image] == nil {
		s[image] = make([]Answer, questions)
	}
	s[image][question] = a
}

// Complete says whether all questions about an image are answered.
func (s Sheet) Complete(image int) bool {
	list, ok := s[image]
	if !ok {
		return false
	}
	for _, a := range list {
		if a == None {
			return false
		}
	}
	return true
}

// Done counts the images of an annotator that are completely answered.
func (s Sheet) Done(a *Annotator) int {
	n := 0
	for _, i := range a.Images {
		if s.Complete(i) {
			n++
		}
	}
	return n
}

// maxLine is the longest line of a file of answers.
const maxLine = 4096

// parseAnswers reads the file of answers of an annotator. What stands after the
// last line end is a line that a crash cut short; whole is the length of the
// rest. A file without a whole first line has no answers and whole is 0.
func parseAnswers(name string, b []byte, s *Study, study string, annotator int) (sheet Sheet, whole int, err error) {
	whole = bytes.LastIndexByte(b, '\n') + 1
	sheet = Sheet{}
	mine := map[int]bool{}
	for _, i := range s.Annotators[annotator].Images {
		mine[i] = true
	}
	number := 0
	for line := range bytes.Lines(b[:whole]) {
		number++
		if len(line) > maxLine {
			return nil, 0, fmt.Errorf("%s:%d: the line has %d bytes, want at most %d", name, number, len(line), maxLine)
		}
		if number == 1 {
			if err := checkHeader(line, study, s.Annotators[annotator].Name); err != nil {
				return nil, 0, fmt.Errorf("%s:1: %w", name, err)
			}
			continue
		}
		var l Line
		if err := json.Unmarshal(line, &l); err != nil {
			return nil, 0, fmt.Errorf("%s:%d: no answer: %w", name, number, err)
		}
		q := s.question(l.Question)
		switch {
		case !mine[l.Image]:
			return nil, 0, fmt.Errorf("%s:%d: image %d is not among those of %s", name, number, l.Image, s.Annotators[annotator].Name)
		case q < 0:
			return nil, 0, fmt.Errorf("%s:%d: there is no question %q", name, number, l.Question)
		case !l.Answer.valid():
			return nil, 0, fmt.Errorf("%s:%d: answer %q, want yes, no or unsure", name, number, l.Answer)
		}
		sheet.set(l.Image, q, len(s.Questionnaire.Questions), l.Answer)
	}
	return sheet, whole, nil
}

func (a Answer) valid() bool { return a == Yes || a == No || a == Unsure }

func checkHeader(line []byte, study, annotator string) error {
	var h header
	if err := json.Unmarshal(line, &h); err != nil {
		return fmt.Errorf("no head of a file of answers: %w", err)
	}
	switch {
	case h.Version < 1 || h.Version > Version:
		return fmt.Errorf("version is %d, this program knows 1 to %d", h.Version, Version)
	case h.Study != study:
		return fmt.Errorf("the answers are of another study (%.15s…, this one is %.15s…)", h.Study, study)
	case h.Annotator != annotator:
		return fmt.Errorf("the answers are those of %q, want %q", h.Annotator, annotator)
	}
	return nil
}

func answersPath(dir, annotator string) string {
	return filepath.Join(dir, AnswersDir, annotator+".jsonl")
}

// ReadAnswers reads the answers of all annotators, in their order; those who
// have not begun have empty sheets.
func ReadAnswers(dir string) ([]Sheet, error) {
	s, study, err := open(dir)
	if err != nil {
		return nil, err
	}
	var out []Sheet
	for i, a := range s.Annotators {
		path := answersPath(dir, a.Name)
		b, err := read(path)
		if errors.Is(err, fs.ErrNotExist) {
			out = append(out, Sheet{})
			continue
		}
		if err != nil {
			return nil, err
		}
		sheet, _, err := parseAnswers(path, b, s, study, i)
		if err != nil {
			return nil, err
		}
		out = append(out, sheet)
	}
	return out, nil
}

// journal is the open file of answers of one annotator.
type journal struct {
	file  *os.File
	size  int64
	sheet Sheet
	broke error // a write that failed and could not be undone
}

// openJournal opens the file of answers of an annotator for adding to it, and
// makes it if it is not there. A line that was cut short is removed.
func openJournal(dir string, s *Study, study string, annotator int) (j *journal, err error) {
	a := &s.Annotators[annotator]
	path := answersPath(dir, a.Name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	sheet, whole, err := parseAnswers(path, b, s, study, annotator)
	if err != nil {
		return nil, err
	}
	if whole < len(b) {
		if err := f.Truncate(int64(whole)); err != nil {
			return nil, fmt.Errorf("study: %w", err)
		}
	}
	j = &journal{file: f, size: int64(whole), sheet: sheet}
	if whole == 0 {
		if err := j.append(header{Version: Version, Study: study, Annotator: a.Name}); err != nil {
			return nil, err
		}
		if err := atomicfile.SyncDir(filepath.Dir(path)); err != nil {
			return nil, fmt.Errorf("study: %w", err)
		}
	}
	return j, nil
}

// append adds lines and waits until they are on the disk. After an error
// nothing of them is there; if that cannot be had, the journal takes no more.
func (j *journal) append(lines ...any) error {
	if j.broke != nil {
		return j.broke
	}
	var buf bytes.Buffer
	for _, l := range lines {
		b, err := json.Marshal(l)
		if err != nil {
			return fmt.Errorf("study: %w", err)
		}
		buf.Write(append(b, '\n'))
	}
	err, left := appendfile.Append(j.file, j.size, buf.Bytes())
	if left != nil {
		j.broke = fmt.Errorf("study: %s: %w", j.file.Name(), errors.Join(err, left))
	}
	if err != nil {
		return fmt.Errorf("study: %w", err)
	}
	j.size += int64(buf.Len())
	return nil
}

// record keeps answers about one image. questions and answers go together.
func (j *journal) record(s *Study, image int, questions []int, answers []Answer, now time.Time) error {
	var lines []any
	for i, q := range questions {
		lines = append(lines, Line{Image: image, Question: s.Questionnaire.Questions[q].ID, Answer: answers[i], At: now.UTC().Format(time.RFC3339)})
	}
	if err := j.append(lines...); err != nil {
		return err
	}
	for i, q := range questions {
		j.sheet.set(image, q, len(s.Questionnaire.Questions), answers[i])
	}
	return nil
}
