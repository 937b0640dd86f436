package study

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/lethe-audit/lethe/internal/lockfile"
	"github.com/lethe-audit/lethe/internal/webserve"
)

// Desk takes answers to a study, one process at a time. Its methods may be
// called from several goroutines at once.
type Desk struct {
	Study *Study

	dir  string
	lock *lockfile.Lock
	seat []*seat
}

// seat is one annotator's place.
type seat struct {
	mu      sync.Mutex
	journal *journal
}

// HeldError says that another process takes answers to the study.
type HeldError struct {
	Dir     string
	PID     int    // 0 if it is not known
	Address string // of its page, "" if it is not known
}

// Error names the process and its page.
func (e *HeldError) Error() string {
	s := fmt.Sprintf("study: %s is being answered already", e.Dir)
	if e.PID != 0 {
		s += fmt.Sprintf(", by process %d", e.PID)
	}
	if e.Address != "" {
		s += " at " + e.Address
	}
	return s
}

// OpenDesk opens the study in dir for answers. Another process that has it open
// is a [*HeldError].
func OpenDesk(dir string) (*Desk, error) {
	s, study, err := open(dir)
	if err != nil {
		return nil, err
	}
	lock, err := claim(dir)
	if err != nil {
		return nil, err
	}
	d := &Desk{Study: s, dir: dir, lock: lock}
	for i := range s.Annotators {
		j, err := openJournal(dir, s, study, i)
		if err != nil {
			return nil, errors.Join(err, d.Close())
		}
		d.seat = append(d.seat, &seat{journal: j})
	}
	return d, nil
}

// claim takes the study's lock.
func claim(dir string) (*lockfile.Lock, error) {
	lock, err := lockfile.Acquire(filepath.Join(dir, lockFile))
	var held *lockfile.HeldError
	if !errors.As(err, &held) {
		return lock, err
	}
	e := &HeldError{Dir: dir, PID: held.PID}
	if b, err := os.ReadFile(filepath.Join(dir, addressFile)); err == nil && len(b) < 256 {
		e.Address = strings.TrimSpace(string(b))
	}
	return nil, e
}

// Announce tells other processes that want the study where it is answered.
func (d *Desk) Announce(address string) error {
	return atomicfile.Write(filepath.Join(d.dir, addressFile), func(w io.Writer) error {
		_, err := fmt.Fprintln(w, address)
		return err
	})
}

// Close ends the taking of answers.
func (d *Desk) Close() error {
	var errs []error
	for _, s := range d.seat {
		s.mu.Lock()
		errs = append(errs, s.journal.file.Close())
		s.journal.broke = errors.New("study: the desk is closed")
		s.mu.Unlock()
	}
	if d.lock != nil {
		errs = append(errs, d.lock.Release())
	}
	return errors.Join(errs...)
}

// Record keeps answers of an annotator about one image: question ids and what
// was said. When it returns nil they are on the disk; otherwise none of them is
// kept.
func (d *Desk) Record(annotator, image int, said map[string]Answer, now time.Time) error {
	var questions []int
	var answers []Answer
	for i, q := range d.Study.Questionnaire.Questions { // in the order they are asked
		a, ok := said[q.ID]
		if !ok {
			continue
		}
		if !a.valid() {
			return fmt.Errorf("study: answer %q, want yes, no or unsure", a)
		}
		questions, answers = append(questions, i), append(answers, a)
	}
	if len(questions) != len(said) || len(said) == 0 {
		return errors.New("study: no answer, or one to a question that is not asked")
	}
	if !slices.Contains(d.Study.Annotators[annotator].Images, image) {
		return fmt.Errorf("study: image %d is not among those of %s", image, d.Study.Annotators[annotator].Name)
	}
	s := d.seat[annotator]
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.journal.record(d.Study, image, questions, answers, now)
}

// progress is how far an annotator is.
type progress struct {
	done, all int
	next      int // place in their order of the first image with an open question, all if there is none
}

// progress of an annotator.
func (d *Desk) progress(annotator int) progress {
	s := d.seat[annotator]
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &d.Study.Annotators[annotator]
	p := progress{all: len(a.Images), next: len(a.Images), done: s.journal.sheet.Done(a)}
	for at, i := range a.Images {
		if !s.journal.sheet.Complete(i) {
			p.next = at
			break
		}
	}
	return p
}

// Progress is how many of an annotator's images are completely answered.
func (d *Desk) Progress(annotator int) (done, all int) {
	p := d.progress(annotator)
	return p.done, p.all
}

// answers are an annotator's answers about an image, one a question.
func (d *Desk) answers(annotator, image int) []Answer {
	s := d.seat[annotator]
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Answer, len(d.Study.Questionnaire.Questions))
	copy(out, s.journal.sheet[image])
	return out
}

// Users are the annotators with their tokens, which are made when the study is
// first served and kept, so that a link works again after a restart.
func (d *Desk) Users() ([]webserve.User, error) {
	path := filepath.Join(d.dir, tokensFile)
	tokens := map[string]string{}
	switch b, err := os.ReadFile(path); {
	case err == nil:
		if err := json.Unmarshal(b, &tokens); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("study: %w", err)
	}
	var users []webserve.User
	missing := false
	for _, a := range d.Study.Annotators {
		if tokens[a.Name] == "" {
			tokens[a.Name], missing = webserve.NewToken(), true
		}
		users = append(users, webserve.User{Name: a.Name, Token: tokens[a.Name]})
	}
	if !missing {
		return users, nil
	}
	b, err := encode(tokens)
	if err != nil {
		return nil, err
	}
	return users, atomicfile.WriteSecret(path, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// LastAddress is the host and port that the study was announced at, this time
// or before; "" if it never was.
func (d *Desk) LastAddress() string {
	b, err := os.ReadFile(filepath.Join(d.dir, addressFile))
	if err != nil {
		return ""
	}
	u, err := url.Parse(strings.TrimSpace(string(b)))
	if err != nil {
		return ""
	}
	return u.Host
}

// Claim keeps other processes of this program from answering or closing the
// study in dir, until release is called. One that does already is a
// [*HeldError].
func Claim(dir string) (release func() error, err error) {
	if _, err := Open(dir); err != nil { // leave no lock in a folder that is no study
		return nil, err
	}
	lock, err := claim(dir)
	if err != nil {
		return nil, err
	}
	return lock.Release, nil
}
