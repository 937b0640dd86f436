package importer

import (
	"fmt"
	"math"
	"slices"

	"github.com/lethe-audit/lethe/prediction"
)

const scoreBlock = 1 << 16 // scores read at a time

// filler makes one member of the table.
type filler struct {
	a       *assembly
	m       *member
	t       *prediction.Table
	classes *classes
	order   []int32 // row of the table -> example
	notes   []string
}

func (f *filler) note(format string, args ...any) {
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

func (f *filler) member() (prediction.Member, error) {
	m := f.m
	out := prediction.Member{Name: m.name, Seed: m.seed, Lineage: m.lineage, Config: m.config}
	switch {
	case m.predicted != nil:
		out.Predicted = prediction.NewColumn(len(f.order), len(f.classes.names))
		for i, ex := range f.order {
			out.Predicted.Set(i, f.classes.number[m.predicted[ex]])
		}
		m.predicted = nil // the largest part of what is held
	case m.scores == nil:
		return out, f.fromBinary(&out)
	}
	out.Confidence, out.TrueScore = f.numbers(m.confidence, "confidence"), f.numbers(m.trueScore, "score of the true class")
	if m.scores == nil {
		return out, nil
	}
	return out, f.fromScores(&out)
}

// numbers puts numbers in the order of the table; they are left out where some
// example has none.
func (f *filler) numbers(byExample []float32, what string) []float32 {
	if byExample == nil {
		return nil
	}
	out := make([]float32, len(f.order))
	for i, ex := range f.order {
		if int(ex) >= len(byExample) || byExample[ex] < 0 {
			f.note("model %s: %s is left out, because some examples have none", f.m.name, what)
			return nil
		}
		out[i] = byExample[ex]
	}
	return out
}

// fromBinary decides by one score a row: above one half is the positive class.
func (f *filler) fromBinary(out *prediction.Member) error {
	if len(f.classes.names) != 2 {
		return &Error{File: f.m.from, Want: "predicted classes, or two classes for one score a row", Got: fmt.Sprintf("one score a row and %d classes", len(f.classes.names))}
	}
	positive := 1
	if f.a.req.Positive != "" {
		if positive = f.classes.find(f.a.req.Positive); positive < 0 {
			return &Error{File: f.m.from, Want: "a positive class among " + fmt.Sprint(f.classes.names), Got: quoted(f.a.req.Positive)}
		}
	}
	n := len(f.order)
	out.Predicted = prediction.NewColumn(n, 2)
	confidence, trueScore := make([]float32, n), make([]float32, n)
	hard := true
	for i, ex := range f.order {
		s := f.m.binary[ex]
		hard = hard && (s == 0 || s == 1)
		class := 1 - positive
		if s > 0.5 {
			class = positive
		}
		out.Predicted.Set(i, class)
		confidence[i] = max(s, 1-s)
		trueScore[i] = 1 - s
		if f.t.Labels.At(i) == positive {
			trueScore[i] = s
		}
	}
	if !hard {
		out.Confidence, out.TrueScore = confidence, trueScore
		f.note("model %s: scores above 0.5 were taken as class %s", f.m.name, f.classes.names[positive])
	}
	return nil
}

// fromScores reads all scores once: checks them, finds the predicted class
// where no column says it, and what kind of scores they are.
func (f *filler) fromScores(out *prediction.Member) error {
	order, err := f.columnOrder()
	if err != nil {
		return err
	}
	s := &orderedScores{ref: f.m.scores, order: f.order, columns: order, kind: prediction.Probabilities, classes: len(f.classes.names)}
	if s.identity() {
		s.order = nil
	}
	derive := out.Predicted.Len() == 0
	if derive {
		out.Predicted = prediction.NewColumn(len(f.order), s.classes)
	}
	p := &scorePass{f: f, s: s, out: out, derive: derive}
	err = p.run()
	if err == errNotProbabilities {
		s.kind = prediction.Logits
		err = p.run()
	}
	if err != nil {
		return err
	}
	if p.ties > 0 {
		f.note("model %s: %d examples have several classes with the highest score; the lowest class number was taken", f.m.name, p.ties)
	}
	if p.differ > 0 {
		f.note("model %s: the predicted class of %d examples is not the one with the highest score; it was kept as given", f.m.name, p.differ)
	}
	if f.m.scores.matrix.integers() {
		f.note("model %s: scores are whole numbers, of which only the order was used", f.m.name)
		return nil
	}
	out.Scores = s
	if out.Confidence == nil {
		out.Confidence = p.confidence
	}
	if out.TrueScore == nil {
		out.TrueScore = p.trueScore
	}
	return nil
}

// columnOrder gives the class number of each score column, nil for the same.
func (f *filler) columnOrder() ([]int, error) {
	s := f.m.scores
	order := s.order
	if s.names != nil {
		for _, name := range s.names {
			k := f.classes.find(className(name))
			if k < 0 || slices.Contains(order, k) {
				return nil, &Error{File: f.m.from, Want: "one score column for each class", Got: "none or two for " + quoted(name)}
			}
			order = append(order, k)
		}
	}
	for i, k := range order {
		if i != k {
			return order, nil
		}
	}
	return nil, nil
}

// errNotProbabilities says that a row cannot be probabilities.
var errNotProbabilities = fmt.Errorf("importer: not probabilities")

// scorePass is one pass over all scores of a member.
type scorePass struct {
	f                     *filler
	s                     *orderedScores
	out                   *prediction.Member
	derive                bool // the predicted class comes from the scores
	confidence, trueScore []float32
	ties, differ          int
}

func (p *scorePass) run() error {
	n, c := len(p.f.order), p.s.classes
	p.confidence, p.trueScore = make([]float32, n), make([]float32, n)
	p.ties, p.differ = 0, 0
	block := max(1, scoreBlock/c)
	buf := make([]float64, min(n, block)*c)
	for from := 0; from < n; from += block {
		if err := p.f.a.ctx.Err(); err != nil {
			return err
		}
		k := min(block, n-from)
		if err := p.s.wide(from, buf[:k*c]); err != nil {
			return wrap(p.f.m.from, "readable scores", err)
		}
		for i := range k {
			if err := p.row(from+i, buf[i*c:(i+1)*c]); err != nil {
				return err
			}
		}
	}
	return nil
}

// row takes one example's scores.
func (p *scorePass) row(i int, row []float64) error {
	best, ties := 0, 0
	sum, low := 0.0, row[0]
	for c, v := range row {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return p.notFinite(i, c, v)
		}
		sum += v
		low = min(low, v)
		if v > row[best] {
			best, ties = c, 0
		} else if v == row[best] && c > best {
			ties = 1
		}
	}
	if p.derive {
		p.out.Predicted.Set(i, best)
		p.ties += ties
	} else if row[p.out.Predicted.At(i)] != row[best] {
		p.differ++
	}
	at := func(c int) float64 { return row[c] }
	if p.s.kind == prediction.Probabilities {
		// Room for half precision and for text with four decimals.
		if low < -1e-6 || row[best] > 1.001 || math.Abs(sum-1) > max(1e-2, 5e-5*float64(len(row))) {
			return errNotProbabilities
		}
	} else {
		total := 0.0
		for _, v := range row {
			total += math.Exp(v - row[best])
		}
		at = func(c int) float64 { return math.Exp(row[c]-row[best]) / total }
	}
	p.confidence[i] = float32(min(1, at(p.out.Predicted.At(i))))
	p.trueScore[i] = float32(min(1, at(p.f.t.Labels.At(i))))
	return nil
}

func (p *scorePass) notFinite(i, class int, v float64) error {
	ref := p.f.m.scores
	e := ref.file.at(ref.row(int(p.f.order[i])), itoa(class))
	e.Want, e.Got = "finite scores", fmt.Sprint(v)
	return e
}
