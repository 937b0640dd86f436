package cli

import (
	"fmt"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/fetch"
	"github.com/lethe-audit/lethe/internal/texttab"
	"github.com/spf13/cobra"
)

func (a *app) newData() *cobra.Command {
	c := &cobra.Command{
		Use:   "data",
		Short: "List kinds of data, check data, fetch published data sets",
		Long: `Data is written KIND:PATH?options. 'lethe data list' says which kinds and options
there are, 'lethe data check' what is at a path and what is wrong with it, and
'lethe data fetch' gets data sets that are published.
` + exitHelp,
		Example: `  lethe data list
  lethe data check cifar10:cifar-10-batches-bin?split=test
  lethe data fetch cifar10 -o data`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.newDataList(), a.newDataCheck(), a.newDataFetch())
	return c
}

func (a *app) newDataList() *cobra.Command {
	return &cobra.Command{
		Use:   "list [KIND]",
		Short: "List kinds of data and published data sets, or the options of a kind",
		Long: `List names the kinds of data that can be read and the published data sets that
are known. With the name of a kind or a data set it prints the options, what the
publisher says about use, and how to place the files by hand.
` + exitHelp,
		Example: `  lethe data list
  lethe data list imagenet`,
		Args: args(cobra.MaximumNArgs(1)),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return dataNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, list []string) error {
			text := dataOverview()
			if len(list) == 1 {
				var err error
				if text, err = dataPage(list[0]); err != nil {
					return errUsage{err, c.CommandPath()}
				}
			}
			_, err := fmt.Fprint(a.io.Out, text)
			return err
		},
	}
}

// dataNames are the names of kinds and of known sets that differ from them.
func dataNames() []string {
	var out []string
	for _, k := range dataKinds() {
		out = append(out, k.Name)
		for _, s := range k.Known {
			if s.Name != k.Name {
				out = append(out, s.Name)
			}
		}
	}
	return out
}

func dataOverview() string {
	kinds := texttab.Table{Columns: []texttab.Column{{Head: "kind"}, {Head: "reads"}}}
	sets := texttab.Table{Columns: []texttab.Column{{Head: "data set"}, {Head: "what"}, {Head: "source"}, {Head: "fetch"}}}
	for _, k := range dataKinds() {
		kinds.Rows = append(kinds.Rows, []string{k.Name, k.Title})
		for _, s := range k.Known {
			how := "by hand"
			if len(s.Downloads) > 0 {
				how = "lethe data fetch " + s.Name
			}
			sets.Rows = append(sets.Rows, []string{s.Name, s.Title, s.Source, how})
		}
	}
	text, _ := kinds.Format("", 0)
	more, _ := sets.Format("", 0)
	return "Data is written KIND:PATH?OPTION=VALUE&OPTION=VALUE.\n\n" + text + "\n" + more +
		"\nOptions of every kind:\n" + optionTable(dataset.CommonOptions()) + "\n'lethe data list KIND' prints a kind's own options and how to place files by hand.\n"
}

func optionTable(list []dataset.OptionInfo) string {
	t := texttab.Table{Columns: []texttab.Column{{Head: "option"}, {Head: "value"}, {Head: "meaning"}}}
	for _, o := range list {
		t.Rows = append(t.Rows, []string{o.Name, o.Value, o.Help})
	}
	text, _ := t.Format("  ", 0)
	return text
}

// dataPage describes the kind of that name, or the kind of the data set of
// that name.
func dataPage(name string) (string, error) {
	kinds := dataKinds()
	kind, err := kinds.Kind(name)
	if err != nil {
		known, k, kerr := kinds.Known(name)
		if kerr != nil {
			return "", fmt.Errorf("data: %q%s", name, dataset.Suggestion(name, dataNames()))
		}
		one := *k
		one.Known = []dataset.KnownSet{*known}
		kind = &one
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", kind.Name, kind.Title)
	if len(kind.Splits) > 0 {
		var names []string
		for _, s := range kind.Splits {
			names = append(names, string(s))
		}
		fmt.Fprintf(&b, "Splits: %s (default: %s)\n", strings.Join(names, ", "), names[0])
	}
	if len(kind.Options) > 0 {
		b.WriteString("\nOptions of this kind, beside those of every kind:\n" + optionTable(kind.Options))
	}
	for i := range kind.Known {
		s := &kind.Known[i]
		if len(s.Downloads) > 0 {
			fmt.Fprintf(&b, "\n%s: %s\n  page:  %s\n  terms: %s\n  fetch: lethe data fetch %s -o DIR\n", s.Name, s.Title, s.Page, s.Terms, s.Name)
		}
		b.WriteString("\n" + fetch.ByHand(s, "DIR"))
	}
	return b.String(), nil
}
