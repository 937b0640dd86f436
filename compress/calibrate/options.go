package calibrate

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lethe-audit/lethe/compress"
)

// Method says how a range is chosen.
type Method string

// The methods.
const (
	MinMax     Method = "minmax"
	Percentile Method = "percentile"
	Entropy    Method = "entropy"
)

// Methods lists the methods, the default first.
func Methods() []Method { return []Method{MinMax, Percentile, Entropy} }

// Bins is the number of bins that the magnitude of a value is counted in.
const Bins = 2048

// Options say how ranges are chosen.
type Options struct {
	Method Method
	// Percentile is the share of a value's elements, in percent, that stay in
	// range, above 50 and at most 100. Half of the rest is left out on either
	// side; all of it at the far side where values have one sign only.
	Percentile float64
}

// DefaultOptions take the smallest and the largest element, and 99.99 % for
// the method percentile.
func DefaultOptions() Options { return Options{Method: MinMax, Percentile: 99.99} }

// Validate checks the options.
func (o Options) Validate() error {
	switch o.Method {
	case MinMax, Entropy:
		return nil
	case Percentile:
		if !(o.Percentile > 50 && o.Percentile <= 100) {
			return fmt.Errorf("calibrate: percentile %v, want above 50 and at most 100", o.Percentile)
		}
		return nil
	}
	names := make([]string, len(Methods()))
	for i, m := range Methods() {
		names[i] = string(m)
	}
	return fmt.Errorf("calibrate: method %q, want %s", o.Method, strings.Join(names, ", "))
}

// The reasons for which examples are no calibration, all of them also
// [compress.ErrCalibration].
var (
	ErrEmpty     = errors.New("no calibration examples")
	ErrConstant  = errors.New("calibration examples do not vary")
	ErrShape     = errors.New("calibration examples do not fit the model")
	ErrNotFinite = errors.New("not a finite number")
)

// Error says what is wrong with calibration examples and where.
type Error struct {
	Value  string // name of the value
	Node   string // that makes it, "" for an input
	Msg    string
	Reason error // one of the reasons above
}

// Error is `calibration: value "x" (node "n"): message`.
func (e *Error) Error() string {
	where := ""
	if e.Value != "" {
		where = fmt.Sprintf(" value %q", e.Value)
		if e.Node != "" {
			where += fmt.Sprintf(" (node %q)", e.Node)
		}
		where += ":"
	}
	return fmt.Sprintf("calibration:%s %s", where, e.Msg)
}

// Unwrap is the reason, and that calibration failed.
func (e *Error) Unwrap() []error { return []error{e.Reason, compress.ErrCalibration} }
