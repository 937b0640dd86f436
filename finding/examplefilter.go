package finding

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// ExampleKinds are the kinds of examples that [ExampleFilter] knows.
func ExampleKinds() []string {
	return []string{"pie", "changed", "certified", "flips", string(FlipRightToWrong), string(FlipWrongToRight), string(FlipWrongToWrong), "ties", "all"}
}

// ExampleFilter returns the test whether a row is of a kind: "pie" (the modal
// labels differ), "changed" (vote changed), "certified" (the majority label
// changed), "flips" (right to wrong or back), one kind of [Flip], "ties" or
// "all". A variant that is not "" narrows it to that variant.
func ExampleFilter(kind, variant string) (func(*ExampleRow) bool, error) {
	var is func(*ExampleRow) bool
	switch kind {
	case "pie":
		is = func(r *ExampleRow) bool { return r.PIE }
	case "changed":
		is = func(r *ExampleRow) bool { return r.Changed }
	case "certified":
		is = func(r *ExampleRow) bool { return r.Certified }
	case "flips":
		is = func(r *ExampleRow) bool { return r.Flip == FlipRightToWrong || r.Flip == FlipWrongToRight }
	case string(FlipRightToWrong), string(FlipWrongToRight), string(FlipWrongToWrong):
		is = func(r *ExampleRow) bool { return r.Flip == Flip(kind) }
	case "ties":
		is = func(r *ExampleRow) bool { return r.Tie }
	case "all":
		is = func(*ExampleRow) bool { return true }
	default:
		return nil, fmt.Errorf("examples of kind %q, want %s", kind, strings.Join(ExampleKinds(), ", "))
	}
	if variant == "" {
		return is, nil
	}
	return func(r *ExampleRow) bool { return r.Variant == variant && is(r) }, nil
}

// CopyExamples writes the rows that match to out, in order, and closes out.
func CopyExamples(out ExampleSink, in *ExampleReader, match func(*ExampleRow) bool) error {
	rows := make([]ExampleRow, 1024)
	for {
		n, err := in.Read(rows)
		for i := range rows[:n] {
			if !match(&rows[i]) {
				continue
			}
			if err := out.Write(&rows[i]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return out.Close()
		}
		if err != nil {
			return err
		}
	}
}
