package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/lethe-audit/lethe/dataset/corrupt"
	"github.com/lethe-audit/lethe/stat/interval"
)

// mostRise is the rise of accuracy from one severity to the next, as a share, above
// which a step is an exception.
const mostRise = 0.01

// step is what changes from one severity to the next.
type step struct {
	to       int // the severity
	rise     float64
	interval interval.Interval // of the rise, 95 %, over images
}

// steps are the rises from severity 1 on; the first step is from clean images.
func (r row) steps() ([]step, error) {
	var out []step
	for s := 1; s <= corrupt.Severities; s++ {
		both := r.Right[s] - r.Gained[s]
		iv, err := interval.NewcombePaired(both, r.Gained[s], r.Lost[s], r.Images-both-r.Gained[s]-r.Lost[s], 0.95)
		if err != nil {
			return nil, fmt.Errorf("trend: %s:%d: %w", r.Name, s, err)
		}
		out = append(out, step{s, float64(r.Right[s]-r.Right[s-1]) / float64(r.Images), iv})
	}
	return out, nil
}

// exceptions are the steps that rise by more than mostRise.
func (r row) exceptions() ([]step, error) {
	all, err := r.steps()
	var out []step
	for _, s := range all {
		if s.rise > mostRise {
			out = append(out, s)
		}
	}
	return out, err
}

// slope is the least-squares change of accuracy by severity, from severity 1 on.
func (r row) slope() float64 {
	const mean = (1 + corrupt.Severities) / 2.0
	sum, squares := 0.0, 0.0
	for s := 1; s <= corrupt.Severities; s++ {
		x := float64(s) - mean
		sum += x * float64(r.Right[s]) / float64(r.Images)
		squares += x * x
	}
	return sum / squares
}

// shares are the accuracies in percent, clean first.
func (r row) shares() string {
	var out []string
	for _, n := range r.Right {
		out = append(out, fmt.Sprintf("%.1f", 100*float64(n)/float64(r.Images)))
	}
	return strings.Join(out, " ")
}

// table writes the accuracies and the exceptions.
func table(w io.Writer, rows []row) error {
	if len(rows) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| top-1, %%, %d images | clean | 1 | 2 | 3 | 4 | 5 | by step, pp | steps that rise by more than 1 pp |\n|---|---|---|---|---|---|---|---|---|\n", rows[0].Images)
	for _, r := range rows {
		ex, err := r.exceptions()
		if err != nil {
			return err
		}
		var texts []string
		for _, s := range ex {
			texts = append(texts, fmt.Sprintf("%d to %d: +%.1f pp [%.1f, %.1f]", s.to-1, s.to, 100*s.rise, 100*s.interval.Low, 100*s.interval.High))
		}
		fmt.Fprintf(&b, "| %s | %s | %+.1f | %s |\n", r.Name, strings.ReplaceAll(r.shares(), " ", " | "), 100*r.slope(), strings.Join(texts, "; "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// risesByDefinition are the severities at which accuracy may rise, because the
// published parameters do not grow from the severity before.
func risesByDefinition() map[string][]int {
	return map[string][]int{
		"spatter":  {4}, // water to severity 3, then mud
		"saturate": {3}, // less colour to severity 2, then more
	}
}
