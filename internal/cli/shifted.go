package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/robust"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/prediction/importer"
)

const shiftedHelp = "predictions of the same models for shifted data: `[NAME=]PREDICTIONS`, NAME being corruption:severity (fog:3) for the same images or the name of a natural shift; a directory may know its name; give it once for each shift"

// addShifts reads the predictions for shifted data and joins them to the clean
// ones.
func addShifts(ctx context.Context, t *prediction.Table, given []string) error {
	for _, text := range given {
		name, source, named := strings.Cut(text, "=")
		if !named {
			name, source = "", text
		}
		s, err := importPredictions(ctx, importer.Request{Sources: []string{source}})
		if err != nil {
			return fmt.Errorf("--shifted %s: %w", text, err)
		}
		shift := s.Shift
		if named {
			x, err := prediction.ParseShift(name)
			if err != nil {
				return errUsage{fmt.Errorf("--shifted %s: %w", text, err), "lethe audit"}
			}
			shift = &x
		}
		if shift == nil {
			return errUsage{fmt.Errorf("--shifted %s: the predictions do not say what shift they are of; want NAME=%s, such as fog:3=%s", text, source, source), "lethe audit"}
		}
		if err := t.AddShift(s, *shift); err != nil {
			return fmt.Errorf("--shifted %s: %w", text, err)
		}
	}
	return nil
}

// checksFor leaves out the check of robustness where there is nothing for it to
// read.
func checksFor(checks []audit.Check, t *prediction.Table) []audit.Check {
	if len(t.Shifts) > 0 {
		return checks
	}
	return slices.DeleteFunc(slices.Clone(checks), func(c audit.Check) bool { return c.Name() == robust.Name })
}

// needsShifts refuses an audit that asks for the check of robustness by name and
// has no shifted data.
func needsShifts(names []string, t *prediction.Table) error {
	if slices.Contains(names, robust.Name) && len(t.Shifts) == 0 {
		return errUsage{errors.New("--checks robust: there are no predictions for shifted data; want --shifted NAME=PREDICTIONS"), "lethe audit"}
	}
	return nil
}

const asShiftHelp = "write down what shift the data are of: `NAME`, such as fog:3, cifar-c/fog:3 or imagenet-a, so that lethe audit --shifted DIR knows it"

// shiftNamed reads --as-shift; nil without it.
func shiftNamed(name, command string) (*prediction.Shift, error) {
	if name == "" {
		return nil, nil
	}
	s, err := prediction.ParseShift(name)
	if err != nil {
		return nil, errUsage{fmt.Errorf("--as-shift: %w", err), command}
	}
	return &s, nil
}
