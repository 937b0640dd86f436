package cli

import (
	"fmt"
	"strings"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/attribution"
	"github.com/lethe-audit/lethe/audit/calibration"
	"github.com/lethe-audit/lethe/audit/classimpact"
	"github.com/lethe-audit/lethe/audit/compression"
	"github.com/lethe-audit/lethe/audit/confusion"
	"github.com/lethe-audit/lethe/audit/curve"
	"github.com/lethe-audit/lethe/audit/flip"
	"github.com/lethe-audit/lethe/audit/frontier"
	"github.com/lethe-audit/lethe/audit/longtail"
	"github.com/lethe-audit/lethe/audit/pie"
	"github.com/lethe-audit/lethe/audit/robust"
	"github.com/lethe-audit/lethe/audit/slice"
	"github.com/lethe-audit/lethe/audit/summary"
	"github.com/lethe-audit/lethe/audit/triage"
)

// allChecks are the checks in the order they run and are reported.
func allChecks() []audit.Check {
	return []audit.Check{
		compression.New(), summary.New(), classimpact.New(), slice.New(), flip.New(), pie.New(), triage.New(), frontier.New(), attribution.New(),
		confusion.New(), curve.New(), longtail.New(), calibration.New(), robust.New(),
	}
}

func checkNames() []string {
	var names []string
	for _, c := range allChecks() {
		names = append(names, c.Name())
	}
	return names
}

func checkNamed(name string) (audit.Check, error) {
	for _, c := range allChecks() {
		if c.Name() == name {
			return c, nil
		}
	}
	return nil, errUsage{fmt.Errorf("there is no check %q; the checks are %s", name, strings.Join(checkNames(), ", ")), "lethe explain"}
}

// selectChecks are the checks of a list of names, in the usual order; an empty
// list is all of them.
func selectChecks(names []string) ([]audit.Check, error) {
	if len(names) == 0 {
		return allChecks(), nil
	}
	want := map[string]bool{}
	for _, n := range names {
		if _, err := checkNamed(n); err != nil {
			return nil, err
		}
		want[n] = true
	}
	var out []audit.Check
	for _, c := range allChecks() {
		if want[c.Name()] {
			out = append(out, c)
		}
	}
	return out, nil
}
