package cli

import (
	"fmt"

	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/prediction/importer"
	"github.com/spf13/cobra"
)

func (a *app) newImport() *cobra.Command {
	var input inputFlags
	var dir, scores, asShift string
	c := &cobra.Command{
		Use:   "import [PREDICTIONS...] -o DIR",
		Short: "Read predictions of any tool and write them in Lethe's own format",
		Long: `Import reads what 'lethe audit' reads, joins it by example id, and writes a
directory of predictions: manifest.json, examples.parquet and one Parquet file
per model (doc/format/predictions.md). Auditing that directory gives the same
findings and reads faster.
` + inputHelp + "\n" + exitHelp,
		Example: `  lethe import predictions.csv -o predictions
  lethe import --labels labels.npy --baseline dense=a.npy,b.npy --candidate int8=c.npy,d.npy --paired -o predictions`,
		Args: args(cobra.ArbitraryArgs),
		RunE: func(c *cobra.Command, sources []string) error {
			if dir == "" {
				return errUsage{fmt.Errorf("-o DIR is required: where to write the predictions"), c.CommandPath()}
			}
			req, err := input.request(sources)
			if err != nil {
				return errUsage{err, c.CommandPath()}
			}
			o := prediction.DefaultWriteOptions()
			o.Tool = a.tool()
			if o.Scores = prediction.ScoreFormat(scores); scores == "none" {
				o.Scores = prediction.ScoresNone
			}
			shift, err := shiftNamed(asShift, c.CommandPath())
			if err != nil {
				return err
			}
			return a.runImport(c, &input, req, dir, shift, o)
		},
	}
	input.add(c)
	c.Flags().StringVarP(&dir, "output", "o", "", "write the predictions to `DIR`, which must not exist")
	c.Flags().StringVar(&scores, "scores", string(prediction.DefaultWriteOptions().Scores), "keep full scores as: float32, float16 or none")
	c.Flags().StringVar(&asShift, "as-shift", "", asShiftHelp)
	_ = c.MarkFlagDirname("output")
	return c
}

func (a *app) runImport(c *cobra.Command, input *inputFlags, req importer.Request, dir string, shift *prediction.Shift, o prediction.WriteOptions) error {
	done := a.step("reading predictions")
	t, err := input.predictions(c.Context(), req)
	done()
	if err != nil {
		return err
	}
	if shift != nil {
		t.Shift = shift
	}
	done = a.step("writing predictions")
	err = prediction.Write(dir, t, o)
	done()
	if err != nil {
		return err
	}
	models := 0
	for _, v := range t.Variants {
		models += len(v.Members)
	}
	_, err = fmt.Fprintf(a.io.Out, "%s: %s examples, %d variants, %d models\n", dir, num.Count(int64(t.Len())), len(t.Variants), models)
	if err != nil {
		return err
	}
	return a.printJoin(t)
}

// printJoin says how rows were brought together and what was assumed.
func (a *app) printJoin(t *prediction.Table) error {
	j := t.Join
	how := "joined by id"
	if j.ByPosition {
		how = "joined by position (no ids)"
	}
	if _, err := fmt.Fprintf(a.io.Out, "%s; %d missing, %d unknown, %d duplicated rows\n", how, j.Missing, j.Unknown, j.Duplicated); err != nil {
		return err
	}
	for _, n := range t.Notes {
		if _, err := fmt.Fprintf(a.io.Out, "note: %s\n", n); err != nil {
			return err
		}
	}
	return nil
}
