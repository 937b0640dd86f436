package evidence

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/finding"
)

// pairVariants finds which variant of the new audit each of the old one is
// compared with: the one of its name, or the one that rename says. One
// candidate on each side is a pair whatever it is called.
func pairVariants(before, after *Audit, rename map[string]string) (map[string]string, []string, error) {
	old, now := before.Variants(), after.Variants()
	for _, from := range slices.Sorted(maps.Keys(rename)) {
		if !slices.Contains(old, from) {
			return nil, nil, fmt.Errorf("evidence: the old audit has no variant %q; it has %s", from, strings.Join(old, ", "))
		}
		if !slices.Contains(now, rename[from]) {
			return nil, nil, fmt.Errorf("evidence: the new audit has no variant %q; it has %s", rename[from], strings.Join(now, ", "))
		}
	}
	if len(rename) > 0 || len(old) != 1 || len(now) != 1 || old[0] == now[0] {
		return rename, nil, nil
	}
	w := fmt.Sprintf("Each audit has one candidate; %q is compared with %q.", old[0], now[0])
	return map[string]string{old[0]: now[0]}, []string{w}, nil
}

// incomparable says why answers of the two audits may differ for other reasons
// than the models.
func incomparable(before, after *Audit) []string {
	var w []string
	add := func(format string, args ...any) { w = append(w, fmt.Sprintf(format, args...)) }
	b, a := &before.Config, &after.Config
	if b.Examples != a.Examples || !slices.Equal(b.ClassSizes, a.ClassSizes) {
		add("The audits are of different examples (%d and %d): changes may come from them.", b.Examples, a.Examples)
	}
	if !slices.Equal(b.Classes, a.Classes) {
		add("The audits have different classes: classes are compared by name.")
	}
	if !slices.Equal(digests(b), digests(a)) {
		add("The baselines differ: an effect is relative to its own baseline.")
	}
	if x, y := b.Settings, a.Settings; x != y {
		add("The settings differ (%s): answers may change without any change of the models.", settingsDiffer(x, y))
	}
	if b.Mode != a.Mode {
		add("The modes differ: %s and %s.", b.Mode, a.Mode)
	}
	return w
}

// digests are those of the baseline's predictions, sorted.
func digests(c *finding.Config) []string {
	var out []string
	for _, m := range c.Populations[0].Members {
		out = append(out, m.Digest)
	}
	slices.Sort(out)
	return out
}

func settingsDiffer(x, y finding.Settings) string {
	var parts []string
	add := func(name string, a, b any) {
		if a != b {
			parts = append(parts, fmt.Sprintf("%s %v and %v", name, a, b))
		}
	}
	add("alpha", x.Alpha, y.Alpha)
	add("correction", x.FDR, y.FDR)
	add("margin", x.Margin, y.Margin)
	add("level", x.Level, y.Level)
	add("shift", x.Shift, y.Shift)
	add("ties", x.Ties, y.Ties)
	add("seed", x.Seed, y.Seed)
	add("minimum of examples", x.MinN, y.MinN)
	add("depth", x.Depth, y.Depth)
	add("positive class", x.Positive, y.Positive)
	add("resampling", x.Resample, y.Resample)
	add("replicates", x.Replicate, y.Replicate)
	return strings.Join(parts, "; ")
}
