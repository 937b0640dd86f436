package cli

import (
	"fmt"
	"strings"

	"github.com/lethe-audit/lethe/study"
	"github.com/spf13/cobra"
)

func (a *app) newExplain() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [CHECK]",
		Short: "Print what a check asks, how, and what to do about the answer",
		Long: `Explain prints the page of a check: the question, the statistic, what makes it
unmeasurable and what to do about the answer. Without a name it lists the checks.` + "\n" + exitHelp,
		Example: `  lethe explain
  lethe explain classimpact`,
		Args: args(cobra.MaximumNArgs(1)),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return append(checkNames(), study.Check), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, list []string) error {
			if len(list) == 0 {
				return a.listChecks()
			}
			page := study.Page
			if list[0] != study.Check { // no check of an audit, but explained like one
				c, err := checkNamed(list[0])
				if err != nil {
					return err
				}
				page = c.Page()
			}
			_, err := fmt.Fprint(a.io.Out, strings.TrimRight(page, "\n")+"\n")
			return err
		},
	}
}

func (a *app) listChecks() error {
	for _, c := range allChecks() {
		if _, err := fmt.Fprintf(a.io.Out, "%-12s %s\n", c.Name(), headline(c.Page())); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(a.io.Out, "%-12s %s\n", study.Check, headline(study.Page))
	return err
}

// headline is the sentence after the name in the first line of a page.
func headline(page string) string {
	first, _, _ := strings.Cut(page, "\n")
	_, sentence, _ := strings.Cut(first, ": ")
	return sentence
}
