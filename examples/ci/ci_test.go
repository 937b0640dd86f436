// Package ci_test runs the steps of the CI examples as they stand in their files.
package ci_test

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// workplace is a folder with the program in its path and an audit of planted
// predictions.
type workplace struct {
	dir string
	env []string
}

func newWorkplace(t *testing.T) *workplace {
	t.Helper()
	for _, tool := range []string{"bash", "go"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the steps need %s, which is not here", tool)
		}
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	if out, err := exec.Command("go", "build", "-o", filepath.Join(bin, "lethe"), "../../cmd/lethe").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	w := &workplace{dir: dir, env: append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))}
	if code, out := w.sh(t, "lethe -q demo -o out/audit", nil); code != 0 {
		t.Fatalf("demo: exit code %d\n%s", code, out)
	}
	policy := "rules:\n  - {name: classes, metric: recall, scope: class, margin: 2pp}\n"
	if err := os.WriteFile(filepath.Join(dir, "policy.yaml"), []byte(policy), 0o644); err != nil {
		t.Fatal(err)
	}
	return w
}

// sh runs a script as a runner does: bash stops at the first error.
func (w *workplace) sh(t *testing.T, script string, env []string) (code int, out string) {
	t.Helper()
	cmd := exec.Command("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script)
	cmd.Dir, cmd.Env = w.dir, append(w.env[:len(w.env):len(w.env)], env...)
	b, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(b)
}

func (w *workplace) read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// action is what of a composite action is run.
type action struct {
	Name, Description string
	Inputs            map[string]struct {
		Description, Default string
		Required             bool
	}
	Outputs map[string]struct{ Description, Value string }
	Runs    struct {
		Using string
		Steps []struct {
			Name, ID, Shell, Run string
			Env                  map[string]string
		}
	}
}

func load(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalWithOptions(b, into, yaml.Strict()); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

var input = regexp.MustCompile(`\$\{\{ inputs\.([a-z]+) \}\}`)

// run runs every step of the action with the inputs, and returns the exit code and
// the outputs.
func (a *action) run(t *testing.T, w *workplace, with map[string]string) (code int, log string, outputs string) {
	t.Helper()
	for _, name := range []string{"summary", "output", "path"} {
		if err := os.WriteFile(filepath.Join(w.dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range a.Runs.Steps {
		if step.Shell != "bash" || strings.Contains(step.Run, "${{") {
			t.Fatalf("step %q: a run step needs a shell, and must not paste expressions into a script", step.Name)
		}
		env := []string{"GITHUB_STEP_SUMMARY=summary", "GITHUB_OUTPUT=output", "GITHUB_PATH=path"}
		for name, value := range step.Env {
			m := input.FindStringSubmatch(value)
			if m == nil || m[0] != value {
				t.Fatalf("step %q: %s is %q", step.Name, name, value)
			}
			in, ok := a.Inputs[m[1]]
			if !ok {
				t.Fatalf("step %q: there is no input %q", step.Name, m[1])
			}
			v, given := with[m[1]]
			if !given {
				v = in.Default
			}
			env = append(env, name+"="+v)
		}
		var out string
		code, out = w.sh(t, step.Run, env)
		log += out
		if code != 0 {
			break
		}
	}
	return code, log, w.read(t, "output")
}

func TestGitHubAction(t *testing.T) {
	w := newWorkplace(t)
	var a action
	load(t, "github/action.yml", &a)
	if a.Runs.Using != "composite" || a.Name == "" || a.Description == "" {
		t.Errorf("%+v", a)
	}
	for _, c := range []struct {
		with    map[string]string
		code    int
		verdict string
	}{
		{map[string]string{"variant": "int8"}, 0, "pass"},
		{map[string]string{"variant": "pruned-90"}, 1, "fail"},
		{map[string]string{"variant": "pruned-70"}, 3, "undecided"},
		{map[string]string{"variant": "pruned-70", "undecided": "warn"}, 0, "undecided"},
		{map[string]string{"policy": "missing.yaml"}, 2, ""},
		{map[string]string{}, 1, "fail"},
	} {
		with := map[string]string{"audit": "out/audit", "policy": "policy.yaml"}
		for k, v := range c.with {
			with[k] = v
		}
		code, log, outputs := a.run(t, w, with)
		want := ""
		if c.verdict != "" {
			want = "verdict=" + c.verdict + "\n"
		}
		if code != c.code || outputs != want {
			t.Errorf("%v: exit code %d, outputs %q, want %d and %q\n%s", c.with, code, outputs, c.code, want, log)
		}
		if c.code == 2 {
			continue
		}
		if s := w.read(t, "summary"); !strings.Contains(s, "## Gate: ") {
			t.Errorf("%v: the summary is %q", c.with, s)
		}
		if has := strings.Contains(log, "\n::"); has != (c.verdict != "pass") {
			t.Errorf("%v: annotations: %v\n%s", c.with, has, log)
		}
		for _, name := range []string{"gate.xml", "gate.sarif", "gate.md", "gate.json"} {
			w.read(t, "lethe-gate/"+name)
		}
	}
	if !strings.Contains(a.Outputs["verdict"].Value, "steps."+a.Runs.Steps[len(a.Runs.Steps)-1].ID+".outputs.verdict") {
		t.Errorf("outputs: %+v", a.Outputs)
	}
}

// TestGitHubWorkflow: the workflow gives the action inputs that it has, and uploads
// files that it writes.
func TestGitHubWorkflow(t *testing.T) {
	var a action
	load(t, "github/action.yml", &a)
	var flow struct {
		Jobs map[string]struct {
			Steps []struct {
				Uses, Run string
				With      map[string]string
			}
		}
	}
	b, err := os.ReadFile("github/workflow.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, &flow); err != nil {
		t.Fatal(err)
	}
	used := false
	for _, step := range flow.Jobs["gate"].Steps {
		if !strings.HasPrefix(step.Uses, "lethe-audit/lethe/examples/ci/github@") {
			continue
		}
		used = true
		for name := range step.With {
			if _, ok := a.Inputs[name]; !ok {
				t.Errorf("the action has no input %q", name)
			}
		}
		for name, in := range a.Inputs {
			if _, ok := step.With[name]; in.Required && !ok {
				t.Errorf("the input %q is missing", name)
			}
		}
	}
	if !used {
		t.Error("the workflow does not use the action")
	}
	for _, file := range []string{"lethe-gate/gate.sarif", "lethe-gate/gate.md"} {
		name := filepath.Base(file)
		if !strings.Contains(string(b), file) || !strings.Contains(a.Runs.Steps[1].Run, `"$OUTPUT/`+name+`"`) {
			t.Errorf("%s is not written or not used", file)
		}
	}
}

func TestGitLabJob(t *testing.T) {
	w := newWorkplace(t)
	var jobs map[string]struct {
		Stage, Image string
		Variables    map[string]string
		Script       []string
		AllowFailure struct {
			Codes []int `yaml:"exit_codes"`
		} `yaml:"allow_failure"`
		Artifacts struct {
			When    string
			Paths   []string
			Reports map[string]string
		}
	}
	load(t, "gitlab/lethe-gate.yml", &jobs)
	job := jobs["lethe-gate"]
	var env []string
	for k, v := range job.Variables {
		env = append(env, k+"="+v)
	}
	code, log := w.sh(t, strings.Join(job.Script, "\n"), env)
	if code != 1 || len(job.AllowFailure.Codes) != 1 || job.AllowFailure.Codes[0] != 3 {
		t.Errorf("exit code %d, allowed %v\n%s", code, job.AllowFailure.Codes, log)
	}
	var suites struct {
		Failures int `xml:"failures,attr"`
	}
	if err := xml.Unmarshal([]byte(w.read(t, job.Artifacts.Reports["junit"])), &suites); err != nil || suites.Failures == 0 {
		t.Errorf("%d failures, %v", suites.Failures, err)
	}
	var issues []map[string]any
	if err := json.Unmarshal([]byte(w.read(t, job.Artifacts.Reports["codequality"])), &issues); err != nil || len(issues) == 0 {
		t.Errorf("%d issues, %v", len(issues), err)
	}
	if s := w.read(t, job.Artifacts.Reports["metrics"]); !strings.HasSuffix(s, "# EOF\n") {
		t.Errorf("metrics: %.80s", s)
	}
	for _, name := range job.Artifacts.Paths {
		w.read(t, name)
	}
}
