package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/internal/texttab"
	"github.com/lethe-audit/lethe/prediction/llm"
	"github.com/spf13/cobra"
)

func (a *app) newKLD() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "kld BASELINE.kld CANDIDATE.kld",
		Short: "Compare next-token distributions that llama-perplexity stored",
		Long: `Kld compares two files that 'llama-perplexity --kl-divergence-base' wrote for the
same text, one for each model: mean and quantiles of KL(baseline || candidate),
share of tokens with the same most probable token, perplexities. Standard errors
are over chunks, because the tokens of a chunk are not independent. Truncated
files are refused.

It describes two files and is no test: a divergence cannot be negative, so it is
above 0 without any effect as well.
` + exitHelp,
		Example: `  lethe kld f16.kld q4.kld
  lethe kld f16.kld q4.kld --json`,
		Args: args(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, list []string) error {
			done := a.step("comparing log-probabilities")
			k, err := llm.CompareKLD(c.Context(), list[0], list[1])
			done()
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(a.io.Out)
				e.SetIndent("", " ")
				return e.Encode(k)
			}
			return a.printKLD(k)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) printKLD(k *llm.KLD) error {
	pm := func(v, se float64) string { return num.Number(v) + " ± " + num.Number(se) }
	t := texttab.Table{Columns: []texttab.Column{{Head: "measure"}, {Head: "value", Right: true}}, Rows: [][]string{
		{"mean KL(baseline || candidate), nats", pm(k.Mean, k.MeanSE)},
		{"same most probable token", num.Share(k.SameTop) + " ± " + num.Number(100*k.SameTopSE)},
		{"perplexity of the baseline", num.Number(k.PPLBase)},
		{"perplexity of the candidate", num.Number(k.PPL)},
		{"ln(perplexity ratio)", pm(k.LogRatio, k.LogRatioSE)},
		{"mean change of the right token's probability", num.PP(k.MeanDeltaP)},
		{"root mean square of that change", num.PP(k.RMSDeltaP)},
	}}
	for _, q := range k.Quantiles {
		t.Rows = append(t.Rows, []string{fmt.Sprintf("%s %% quantile of the divergence, nats", num.Setting(100*q.At)), num.Number(q.Value)})
	}
	var b strings.Builder
	text, _ := t.Format("", 0)
	b.WriteString(text)
	fmt.Fprintf(&b, "\n%s in %s, vocabulary of %s; ± one standard error over %s\n", num.Plural(k.Tokens, "token", "tokens"), num.Plural(k.Chunks, "chunk", "chunks"), num.Count(int64(k.Vocabulary)), k.SEUnit)
	if k.Negative > 0 {
		fmt.Fprintf(&b, "%s came out below 0 by the rounding of the files and counted as 0\n", num.Plural(k.Negative, "divergence", "divergences"))
	}
	_, err := fmt.Fprint(a.io.Out, b.String())
	return err
}
