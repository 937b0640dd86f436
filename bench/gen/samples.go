package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/lethe-audit/lethe/internal/atomicfile"
)

// writeSamples writes the sample logs of two models as lm-evaluation-harness lays them
// out: two tasks of multiple choice, about 3.6 kB a document.
func writeSamples(dir string, documents int, seed uint64) error {
	const date = "2025-03-01T10-20-30.123456"
	text := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 15)
	for m, model := range []string{"fp16", "int4"} {
		if err := os.MkdirAll(filepath.Join(dir, model), 0o755); err != nil {
			return err
		}
		for t, task := range []string{"mmlu_a", "mmlu_b"} {
			rng := rand.New(rand.NewPCG(seed, uint64(2*m+t)))
			name := filepath.Join(dir, model, "samples_"+task+"_"+date+".jsonl")
			err := atomicfile.Write(name, func(w io.Writer) error {
				for doc := range documents / 2 {
					if _, err := io.WriteString(w, sampleLine(task, text, doc, rng)); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// sampleLine is one document, right four times in five.
func sampleLine(task, text string, doc int, rng *rand.Rand) string {
	gold, chosen := doc%4, doc%4
	if rng.IntN(5) == 0 {
		chosen = (gold + 1 + rng.IntN(3)) % 4
	}
	acc := "0.0"
	if gold == chosen {
		acc = "1.0"
	}
	var args, resps []string
	for c := range 4 {
		lp := fmt.Sprintf("-%d.5", 3+c)
		if c == chosen {
			lp = "-0.25"
		}
		args = append(args, fmt.Sprintf(`"gen_args_%d": {"arg_0": "%s", "arg_1": " %c"}`, c, text, 'A'+c))
		resps = append(resps, fmt.Sprintf(`["%s", "False"]`, lp))
	}
	list := strings.Join(resps, ", ")
	return fmt.Sprintf(`{"doc_id": %d, "doc": {"question": "%s"}, "target": "%d", "arguments": {%s}, "resps": [[%s]], "filtered_resps": [%s], "filter": "none", "metrics": ["acc"], "doc_hash": "%s%058d", "prompt_hash": "%064d", "target_hash": "%064d", "acc": %s}`+"\n",
		doc, text, gold, strings.Join(args, ", "), list, list, task, doc, doc, gold, acc)
}
