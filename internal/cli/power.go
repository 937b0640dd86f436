package cli

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/audit/power"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/internal/texttab"
	"github.com/spf13/cobra"
)

// powerOptions are the flags of lethe power.
type powerOptions struct {
	input        inputFlags
	plan         power.Options
	drop, margin string
	churn        string
	spread       string
	examples     int
	classes      int
	json, all    bool
}

func (a *app) newPower() *cobra.Command {
	o := powerOptions{plan: power.DefaultOptions()}
	c := &cobra.Command{
		Use:   "power [PREDICTIONS...]",
		Short: "Plan an audit: how many members and examples a loss needs to be seen",
		Long: `Power says, before anything is compressed, how many members and how many examples
per class are needed to detect a loss and to pass a gate at a margin, and which
classes cannot pass at the number of examples they have.

From predictions it takes class sizes, the share of answers that change between
right and wrong (churn) and the spread of the members; --churn, --spread and
--members override them. Without predictions it plans --classes classes of
--examples examples each.
` + inputHelp + "\n" + exitHelp,
		Example: `  lethe power --classes 100 --examples 50 --margin 2pp
  lethe power --classes 10 --examples 1000 --members 10 --churn 8pp --drop 3pp
  lethe power predictions/ --members 5 --json`,
		Args: args(cobra.ArbitraryArgs),
		RunE: func(c *cobra.Command, sources []string) error { return a.runPower(c, sources, &o) },
	}
	o.input.add(c)
	s := c.Flags()
	s.StringVar(&o.drop, "drop", "2pp", "loss to detect, with its unit: `2pp`")
	s.StringVar(&o.margin, "margin", "2pp", "loss that must be excluded to pass, with its unit: `2pp`")
	s.StringVar(&o.churn, "churn", "", "share of answers that change between right and wrong, with its unit: `5pp`")
	s.StringVar(&o.spread, "spread", "", "standard deviation of the members' true losses, with its unit: `0.5pp`")
	s.Float64Var(&o.plan.Alpha, "alpha", o.plan.Alpha, "level: two-sided to detect, one-sided to pass")
	s.Float64Var(&o.plan.Power, "power", o.plan.Power, "probability of detecting or passing that is wanted")
	s.IntVar(&o.plan.Members, "members", 1, "members of each population; 1: one model against one model")
	s.IntVar(&o.examples, "examples", 0, "examples per class, without predictions")
	s.IntVar(&o.classes, "classes", 0, "classes, without predictions")
	s.BoolVar(&o.json, "json", false, "print JSON")
	s.BoolVar(&o.all, "all", false, "print every class")
	return c
}

// pointsFlag reads a share with its unit.
func pointsFlag(name, s string, zero bool) (float64, error) {
	if number, ok := strings.CutSuffix(strings.TrimSpace(s), "pp"); ok {
		if v, err := strconv.ParseFloat(strings.TrimSpace(number), 64); err == nil && (v > 0 || zero && v == 0) && v <= 100 {
			return v / 100, nil
		}
	}
	return 0, errUsage{fmt.Errorf("--%s %q: want percentage points with their unit, such as 2pp", name, s), "lethe power"}
}

func (a *app) runPower(c *cobra.Command, sources []string, o *powerOptions) error {
	guess, err := a.guess(c, sources, o)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name, value string
		into        *float64
	}{{"drop", o.drop, &o.plan.Drop}, {"margin", o.margin, &o.plan.Margin}, {"churn", o.churn, &o.plan.Churn}, {"spread", o.spread, &o.plan.MemberSpread}} {
		if f.value == "" {
			continue
		}
		if *f.into, err = pointsFlag(f.name, f.value, f.name == "spread"); err != nil {
			return err
		}
		if f.name == "churn" {
			for i := range guess.Groups {
				guess.Groups[i].Churn = nil
			}
		}
	}
	rows, err := power.Plan(guess.Groups, o.plan)
	if err != nil {
		return errUsage{err, "lethe power"}
	}
	if o.json {
		e := json.NewEncoder(a.io.Out)
		e.SetIndent("", " ")
		return e.Encode(struct {
			Options power.Options `json:"options"`
			From    string        `json:"from"`
			Rows    []power.Row   `json:"rows"`
		}{o.plan, guess.From, rows})
	}
	return a.printPower(rows, guess.From, o)
}

// guess is what predictions, or the numbers given, say about the plan.
func (a *app) guess(c *cobra.Command, sources []string, o *powerOptions) (*power.Guess, error) {
	fromFiles := len(sources) > 0 || o.input.req.Labels != "" || o.input.baseline != ""
	if !fromFiles {
		if o.examples < 1 || o.classes < 2 {
			return nil, errUsage{fmt.Errorf("want predictions, or --classes (2 or more) and --examples per class"), "lethe power"}
		}
		g := &power.Guess{From: "the numbers given"}
		g.Groups = []power.Group{{Name: "all examples", N: o.classes * o.examples}, {Name: "each class", N: o.examples}}
		return g, nil
	}
	req, err := o.input.request(sources)
	if err != nil {
		return nil, errUsage{err, c.CommandPath()}
	}
	done := a.step("reading predictions")
	t, err := importPredictions(c.Context(), req)
	done()
	if err != nil {
		return nil, err
	}
	g, err := power.FromTable(t)
	if err != nil {
		return nil, err
	}
	o.plan.Churn, o.plan.MemberSpread = g.Churn, g.MemberSpread
	return g, nil
}

// powerRows is how many classes are shown unless all are asked for.
const powerRows = 20

func (a *app) printPower(rows []power.Row, from string, o *powerOptions) error {
	p := &o.plan
	var b strings.Builder
	design := "one model against one model"
	if p.Members > 1 {
		design = fmt.Sprintf("%d lineages, members spread %s", p.Members, num.PP(p.MemberSpread))
	}
	fmt.Fprintf(&b, "Detect a loss of %s, pass at a margin of %s: alpha %s, power %s, %s (churn from %s)\n\n",
		num.PP(p.Drop), num.PP(p.Margin), num.Setting(p.Alpha), num.Setting(p.Power), design, from)
	t := texttab.Table{Columns: []texttab.Column{
		{Head: "scope", Min: 10}, {Head: "n", Right: true}, {Head: "churn", Right: true},
		{Head: "detects", Right: true}, {Head: "smallest loss seen", Right: true}, {Head: "n to detect", Right: true}, {Head: "K to detect", Right: true},
		{Head: "passes", Right: true}, {Head: "n to pass", Right: true}, {Head: "K to pass", Right: true},
	}}
	cannot := 0
	for i := range rows {
		r := &rows[i]
		if !r.CanPass {
			cannot++
		}
		if i < powerRows || o.all {
			t.Rows = append(t.Rows, powerCells(r))
		}
	}
	text, _ := t.Format("", 0)
	b.WriteString(text)
	if left := len(rows) - len(t.Rows); left > 0 {
		fmt.Fprintf(&b, "and %d more (--all lists them)\n", left)
	}
	b.WriteString("\ndetects, passes: probability of detecting the loss, and of passing when nothing is lost. n: examples of the scope.\nK: members of each population, if each changes other answers; where all change the same ones, only more examples help.\n")
	if cannot > 0 {
		fmt.Fprintf(&b, "%d of %s cannot be expected to pass at %s with what they have: more examples, more members or a wider margin.\n", cannot, num.Plural(len(rows), "scope", "scopes"), num.PP(p.Margin))
	}
	_, err := fmt.Fprint(a.io.Out, b.String())
	return err
}

func powerCells(r *power.Row) []string {
	count := func(n *int) string {
		if n == nil {
			return "out of reach"
		}
		return num.Count(int64(*n))
	}
	detects, mde := "cannot", "out of reach"
	if r.DetectPower != nil {
		detects = num.Share(*r.DetectPower)
	}
	if r.MDE != nil {
		mde = num.PP(*r.MDE)
	}
	return []string{texttab.Clean(r.Name), num.Count(int64(r.N)), num.PP(r.Churn), detects, mde, count(r.Detect.Examples), count(r.Detect.Members),
		num.Share(r.PassPower), count(r.Pass.Examples), count(r.Pass.Members)}
}
