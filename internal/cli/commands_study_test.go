package cli

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lethe-audit/lethe/study"
)

// prepareStudy makes what a step of a study reads: an audit with enough PIEs,
// whose first examples are those of the fixture's images, and what the steps
// before it write.
func prepareStudy(t *testing.T, dir, step string) {
	t.Helper()
	const classes = 4
	examples := 3000
	if step != "plan" {
		examples = 200
	}
	rng := rand.New(rand.NewPCG(4, 5))
	var long strings.Builder
	long.WriteString("example,model,variant,label,prediction\n")
	for i := range examples {
		label := rng.IntN(classes)
		for _, m := range [][2]string{{"a", "dense"}, {"c", "int8"}} {
			answer := label
			if rng.Float64() < 0.2 {
				answer = rng.IntN(classes)
			}
			fmt.Fprintf(&long, "test/%05d,%s,%s,%d,%d\n", i, m[0], m[1], label, answer)
		}
	}
	write(t, dir, "study.csv", long.String())
	write(t, dir, "questions.yaml", "questions:\n  - {id: blurred, text: Is it blurred?}\n")
	must(t, dir, "audit", "study.csv", "-o", "audit")
	if step == "plan" {
		return
	}
	must(t, dir, "study", "plan", "audit", "--pairs", "20", "--annotators", "ann,bob", "-o", "study")
	if step == "serve" {
		return
	}
	answerAll(t, filepath.Join(dir, "study"), rng)
	if step == "report" {
		must(t, dir, "study", "close", "study")
	}
}

// answerAll answers a study at random.
func answerAll(t *testing.T, dir string, rng *rand.Rand) {
	t.Helper()
	d, err := study.OpenDesk(dir)
	if err != nil {
		t.Fatal(err)
	}
	for a := range d.Study.Annotators {
		for _, image := range d.Study.Annotators[a].Images {
			said := map[string]study.Answer{}
			for _, q := range d.Study.Questionnaire.Questions {
				said[q.ID] = []study.Answer{study.Yes, study.No, study.No}[rng.IntN(3)]
			}
			if err := d.Record(a, image, said, time.Unix(0, 0)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}
