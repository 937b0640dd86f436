package cli

import (
	"fmt"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/prediction/planted"
	"github.com/spf13/cobra"
)

func (a *app) newDemo() *cobra.Command {
	var dir string
	var force bool
	var seed uint64
	var output outputFlags
	c := &cobra.Command{
		Use:   "demo",
		Short: "Audit simulated predictions in which harm was planted",
		Long: `Demo simulates the predictions of dense, pruned and quantized classifiers with
harm planted in two classes and one subgroup, says what was planted, audits the
predictions, and says what was found.
` + exitHelp,
		Example: `  lethe demo -o demo
  lethe demo --seed 7`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			f, err := output.chosen()
			if err != nil {
				return err
			}
			if err := refuseExisting(dir, force); err != nil {
				return err
			}
			table, truth, err := planted.New(planted.Demo(seed))
			if err != nil {
				return err
			}
			if err := a.printPlanted(truth); err != nil {
				return err
			}
			view, err := audit.NewView(table, audit.DefaultOptions())
			if err != nil {
				return err
			}
			job := auditJob{view: view, checks: allChecks(), title: "Planted predictions", dir: dir, force: force, copyPredictions: true}
			return a.finish(c.Context(), &job, f, output)
		},
	}
	output.add(c)
	c.Flags().StringVarP(&dir, "output", "o", "", "write the audit to `DIR`")
	c.Flags().BoolVar(&force, "force", false, "replace DIR if it is there")
	c.Flags().Uint64Var(&seed, "seed", 1, "seed of the simulation")
	return c
}

// printPlanted says what the simulated predictions hold.
func (a *app) printPlanted(truth *planted.Truth) error {
	if _, err := fmt.Fprintln(a.io.Out, "Planted (simulated, so the truth is known):"); err != nil {
		return err
	}
	for _, e := range truth.Planted() {
		scope := e.Scope
		if e.Name != "" {
			scope += " " + e.Name
		}
		if _, err := fmt.Fprintf(a.io.Out, "  %-10s loses %s  %s\n", e.Variant, num.PP(e.Loss), scope); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(a.io.Out)
	return err
}
