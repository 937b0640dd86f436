package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lethe-audit/lethe/internal/texttab"
	"github.com/lethe-audit/lethe/runner"
	"github.com/spf13/cobra"
)

// runStatus is what lethe status prints as JSON.
type runStatus struct {
	Name    string             `json:"name"`
	Jobs    []runner.JobStatus `json:"jobs"`
	Done    int                `json:"done"`
	Running bool               `json:"running"`       // a process works in the folder
	PID     int                `json:"pid,omitempty"` // its number
}

func (a *app) newStatus() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status DIR",
		Short: "Say where a run stands",
		Long: `Status prints the jobs of a run of 'lethe run', which of them are done, and
whether a process works on them now.
` + exitHelp,
		Example: `  lethe status out/smoke
  lethe status out/smoke --json`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, dirs []string) error { return a.runStatus(dirs[0], asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.ValidArgsFunction = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
	return c
}

func (a *app) runStatus(dir string, asJSON bool) error {
	p, jobs, err := runner.Status(dir)
	if err != nil {
		return err
	}
	if p == nil {
		return fmt.Errorf("%s holds no run of 'lethe run'", dir)
	}
	s := runStatus{Name: p.Name, Jobs: jobs}
	if s.PID, s.Running, err = runner.Holder(dir); err != nil {
		return err
	}
	s.Done = len(jobs) - len(runner.Missing(jobs))
	if asJSON {
		e := json.NewEncoder(a.io.Out)
		e.SetIndent("", "  ")
		return e.Encode(s)
	}
	_, err = fmt.Fprint(a.io.Out, s.text())
	return err
}

// text is the status as a table.
func (s *runStatus) text() string {
	t := texttab.Table{Columns: []texttab.Column{{Head: "job", Min: 12}, {Head: "state"}, {Head: "took", Right: true}, {Head: "notes", Min: 10, Drop: 1}}}
	for _, j := range s.Jobs {
		took, notes := "", ""
		if j.Record != nil {
			took, notes = duration(j.Record.Seconds), strings.Join(j.Record.Notes, "; ")
		}
		state := string(j.State)
		if j.State == runner.Begun && s.Running {
			state = "running"
		}
		t.Rows = append(t.Rows, []string{j.ID, state, took, notes})
	}
	text, _ := t.Format("", 0)
	who := "nobody works on it: 'lethe run' with the same experiment and -o goes on"
	switch {
	case s.Running:
		who = fmt.Sprintf("process %d works on it", s.PID)
	case s.Done == len(s.Jobs):
		who = "finished"
	}
	return fmt.Sprintf("%s\n%s: %d of %d jobs done; %s\n", text, s.Name, s.Done, len(s.Jobs), who)
}
