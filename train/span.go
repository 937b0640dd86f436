package train

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Span is a length of training: "12 epochs", "500 steps", or a number of steps.
// The empty span is none.
type Span string

// parse takes a span apart.
func (s Span) parse() (n float64, epochs bool, err error) {
	number, unit, _ := strings.Cut(strings.TrimSpace(string(s)), " ")
	n, err = strconv.ParseFloat(number, 64)
	unit = strings.TrimSpace(unit)
	epochs = unit == "epochs" || unit == "epoch"
	switch {
	case s == "":
		return 0, false, nil
	case err != nil || !(n >= 0 && n <= maxSteps) || !epochs && unit != "" && unit != "steps" && unit != "step":
		return 0, false, fmt.Errorf("%q, want a length such as 12 epochs or 500 steps", string(s))
	case !epochs && n != math.Trunc(n):
		return 0, false, fmt.Errorf("%q, want a whole number of steps", string(s))
	}
	return n, epochs, nil
}

// maxSteps bounds the length of a training.
const maxSteps = 1 << 31

// steps is the span in steps, rounded to the nearest; check has passed.
func (s Span) steps(epoch int) int {
	n, epochs, err := s.parse()
	if err != nil {
		return 0
	}
	if epochs {
		n *= float64(epoch)
	}
	return int(math.Round(min(n, maxSteps)))
}

// comparable reports whether two spans have one unit and gives their numbers.
func comparable(a, b Span) (x, y float64, ok bool) {
	x, ea, err1 := a.parse()
	y, eb, err2 := b.parse()
	return x, y, err1 == nil && err2 == nil && ea == eb
}
