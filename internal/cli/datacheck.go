package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/internal/progress"
	"github.com/lethe-audit/lethe/internal/texttab"
	"github.com/spf13/cobra"
)

// dataCheckOptions are the flags of lethe data check.
type dataCheckOptions struct {
	check     dataset.CheckOptions
	json, all bool
}

func (a *app) newDataCheck() *cobra.Command {
	o := dataCheckOptions{check: dataset.DefaultCheckOptions()}
	c := &cobra.Command{
		Use:   "check SRC",
		Short: "Say what is at a data source and what is wrong with it",
		Long: `Check reads a data source KIND:PATH?options: the examples of every split and
class, attributes, images that are missing or damaged, the same picture under
two labels or in two splits, and for published data sets whether the files are
the published ones. Every image is decoded unless --quick is given.

Exit codes:
  0    nothing is wrong
  2    usage error, or something is wrong that should not be audited over
  130  interrupted`,
		Example: `  lethe data check cifar10:cifar-10-batches-bin?split=test
  lethe data check cifar10:cifar-10-batches-bin?split=test --json`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error { return a.runDataCheck(c.Context(), list[0], &o) },
	}
	s := c.Flags()
	s.BoolVar(&o.check.Quick, "quick", false, "labels and metadata only: decode no image, hash no file")
	s.Float64Var(&o.check.BadLimit, "bad-limit", o.check.BadLimit, "share of images that may be damaged or missing")
	s.BoolVar(&o.json, "json", false, "print JSON")
	s.BoolVar(&o.all, "all", false, "print every class and every image that cannot be read")
	return c
}

func (a *app) runDataCheck(ctx context.Context, source string, o *dataCheckOptions) error {
	if !(o.check.BadLimit >= 0 && o.check.BadLimit <= 1) {
		return errUsage{fmt.Errorf("--bad-limit %g, want a share from 0 to 1", o.check.BadLimit), "lethe data check"}
	}
	var bar *progress.Bar
	var current dataset.Split
	o.check.Progress = func(split dataset.Split, done, of int) {
		if bar == nil || split != current {
			bar.End()
			bar, current = a.bar(strings.TrimSpace("checking "+string(split)), "images"), split
		}
		bar.Set(done, of)
	}
	check, err := dataKinds().Check(ctx, source, o.check)
	bar.End()
	if err != nil {
		return err
	}
	if o.json {
		e := json.NewEncoder(a.io.Out)
		e.SetIndent("", "  ")
		err = e.Encode(check)
	} else {
		_, err = fmt.Fprint(a.io.Out, checkText(check, o))
	}
	if err != nil || len(check.Problems) == 0 {
		return err
	}
	return fmt.Errorf("%s: %s\n  %s", source, num.Plural(len(check.Problems), "problem", "problems"), strings.Join(check.Problems, "\n  "))
}

// The most classes, attribute values and bad images that are listed without
// --all.
const (
	maxClassesShown = 20
	maxBadShown     = 10
)

func checkText(c *dataset.Check, o *dataCheckOptions) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", c.Source)
	for _, m := range c.Known {
		fmt.Fprintf(&b, "  %s\n", matchText(m))
	}
	for i := range c.Splits {
		b.WriteString("\n")
		splitText(&b, &c.Splits[i], o)
	}
	bad := 0
	for i := range c.Splits {
		bad += len(c.Splits[i].Bad)
	}
	switch {
	case len(c.Problems) > 0:
	case bad > 0:
		fmt.Fprintf(&b, "\nnothing else is wrong; that %s cannot be read is within the limit of %g %%\n", num.Plural(bad, "image", "images"), 100*o.check.BadLimit)
	default:
		b.WriteString("\nnothing is wrong\n")
	}
	return b.String()
}

func matchText(m dataset.Match) string {
	of := len(m.Same) + len(m.Differ) + len(m.NotThere)
	if len(m.Same) == 0 {
		return fmt.Sprintf("named like %s, with other content", m.Set)
	}
	text := fmt.Sprintf("%s: %d of %d files have the published content", m.Set, len(m.Same), of)
	if len(m.Differ) > 0 {
		text += "; changed: " + dataset.ShortList(m.Differ, 5)
	}
	if len(m.NotThere) > 0 {
		text += "; not there: " + dataset.ShortList(m.NotThere, 5)
	}
	return text
}

func splitText(b *strings.Builder, s *dataset.SplitCheck, o *dataCheckOptions) {
	head := s.Name
	if s.Split != dataset.SplitUnknown {
		head = strings.TrimSuffix(string(s.Split)+": "+s.Name, ": ")
	}
	if s.Error != "" {
		fmt.Fprintf(b, "%s: cannot be read\n", head)
		return
	}
	fmt.Fprintf(b, "%s, %s, %s\n", head, num.Plural(s.Examples, "example", "examples"), num.Plural(len(s.Classes), "class", "classes"))
	if !o.check.Quick {
		fmt.Fprintf(b, "  images: %s decoded%s\n", num.Count(s.Decoded), sizeText(s))
	}
	fmt.Fprintf(b, "  classes: %s\n", countsText(s.Classes, o.all))
	for _, a := range s.Attributes {
		missing := ""
		if a.Missing > 0 {
			missing = ", not known " + num.Count(a.Missing)
		}
		fmt.Fprintf(b, "  %s: %s%s\n", a.Name, countsText(a.Values, o.all), missing)
	}
	badText(b, s, o.all)
	if d := s.Duplicates; d.Images > 0 {
		fmt.Fprintf(b, "  duplicates: %s with the pixels of an earlier one; with another label %s, in another split %s\n",
			num.Plural(d.Images, "image", "images"), num.Count(d.OtherLabel), num.Count(d.OtherSplit))
	}
	for _, n := range s.Notes {
		fmt.Fprintf(b, "  note: %s\n", n)
	}
	fmt.Fprintf(b, "  digest: %s\n", s.Digest)
}

func sizeText(s *dataset.SplitCheck) string {
	switch {
	case s.Decoded == 0:
		return ""
	case s.Smallest == s.Largest:
		return fmt.Sprintf(", %dx%d pixels", s.Smallest.Height, s.Smallest.Width)
	}
	return fmt.Sprintf(", height %d to %d, width %d to %d pixels (resize and crop are needed)", s.Smallest.Height, s.Largest.Height, s.Smallest.Width, s.Largest.Width)
}

// countsText lists names with their counts, those with most first if not all
// are listed.
func countsText(list []dataset.Count, all bool) string {
	if len(list) == 0 {
		return "none"
	}
	least, most := list[0].Count, list[0].Count
	for _, c := range list {
		least, most = min(least, c.Count), max(most, c.Count)
	}
	if least == most && len(list) > 2 && !all {
		return fmt.Sprintf("%s examples each", num.Count(least))
	}
	shown, left := list, ""
	if !all && len(list) > maxClassesShown {
		shown = slices.Clone(list)
		slices.SortStableFunc(shown, func(a, b dataset.Count) int { return b.Count - a.Count })
		shown = shown[:maxClassesShown]
		left = fmt.Sprintf(", and %d more (%s to %s examples in all; --all lists them)", len(list)-len(shown), num.Count(least), num.Count(most))
	}
	var parts []string
	for _, c := range shown {
		parts = append(parts, texttab.Clean(c.Name)+" "+num.Count(c.Count))
	}
	return strings.Join(parts, ", ") + left
}

func badText(b *strings.Builder, s *dataset.SplitCheck, all bool) {
	if len(s.Bad) == 0 {
		return
	}
	counts := map[dataset.Fault]int{}
	for _, bad := range s.Bad {
		counts[bad.Fault]++
	}
	var parts []string
	for _, f := range []dataset.Fault{dataset.FaultMissing, dataset.FaultUnreadable, dataset.FaultTooLarge, dataset.FaultUnsupported, dataset.FaultCorrupt} {
		if n := counts[f]; n > 0 {
			parts = append(parts, num.Count(n)+" "+string(f))
		}
	}
	fmt.Fprintf(b, "  cannot be read: %s (%s): %s\n", num.Plural(len(s.Bad), "image", "images"), num.Share(float64(len(s.Bad))/float64(s.Examples)), strings.Join(parts, ", "))
	for i, bad := range s.Bad {
		if i == maxBadShown && !all {
			fmt.Fprintf(b, "    and %d more (--all lists them)\n", len(s.Bad)-i)
			return
		}
		fmt.Fprintf(b, "    %s\n", texttab.Clean(bad.Error))
	}
}
