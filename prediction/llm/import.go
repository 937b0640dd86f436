package llm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/prediction"
)

// Options say how answers are judged.
type Options struct {
	Metric    string   // metric that says right or wrong; "" takes the first usual one that a task has
	Filter    string   // filter whose answers are taken; "" takes "none", or the first by name
	Threshold *float64 // value of the metric from which an answer is right; nil wants 0 or 1
}

// Source is one variant: the directories of its models, or of its repeated runs.
type Source struct {
	Name string
	Dirs []string
}

// model is one member while it is read.
type model struct {
	name  string
	run   *run
	tasks map[string]*samples
	index map[string]map[occurrence]int32 // task -> document -> position in its list
}

// occurrence tells documents apart that a task has more than once.
type occurrence struct {
	key digest
	n   int32
}

// Import reads the evaluations of a baseline, the first, and of candidates. Errors in
// the input are of type [*Error]. Swapping two models swaps their variants and nothing
// else; the order of rows in the logs does not matter.
func Import(ctx context.Context, sources []Source, o Options) (*prediction.Table, error) {
	if len(sources) < 2 {
		return nil, errors.New("llm: want a baseline and at least one candidate")
	}
	im := &importing{o: o}
	for _, s := range sources {
		if err := im.open(s); err != nil {
			return nil, err
		}
	}
	if err := im.read(ctx); err != nil {
		return nil, err
	}
	for _, step := range []func() error{im.commonTasks, im.sameTasks, im.join} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return im.table()
}

// importing is an import while it runs.
type importing struct {
	o        Options
	names    []string
	variants [][]*model
	models   []*model // all of them, in order
	tasks    []string // that every model has, sorted
	examples []example
	joined   prediction.JoinReport
	notes    []string
}

// example is one document that every model answered.
type example struct {
	task  int
	at    []int32 // position in each model's list
	docID int64
}

func (im *importing) note(format string, args ...any) {
	im.notes = append(im.notes, fmt.Sprintf(format, args...))
}

// open finds the runs of a variant.
func (im *importing) open(s Source) error {
	var list []*model
	for _, dir := range s.Dirs {
		runs, err := findRuns(dir)
		if err != nil {
			return err
		}
		if len(runs) == 0 {
			return &Error{File: dir, Want: "samples_TASK_DATE.jsonl of lm-evaluation-harness (--log_samples), per_instance_stats.json of HELM, *.eval of inspect_ai or details_TASK_DATE.parquet of lighteval", Got: "none"}
		}
		for _, r := range runs {
			list = append(list, &model{name: fmt.Sprintf("%s-%d", s.Name, len(list)+1), run: r, tasks: map[string]*samples{}})
		}
	}
	if len(list) > 1 {
		im.note("%s has %d runs, taken as members: their spread is that of repeated evaluation, not of retraining", s.Name, len(list))
	}
	im.names, im.variants, im.models = append(im.names, s.Name), append(im.variants, list), append(im.models, list...)
	return nil
}

// read reads all files, several at a time. Of several errors the first in the order
// of the files is told.
func (im *importing) read(ctx context.Context) error {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	var failed []*error
	for _, m := range im.models {
		for _, task := range sortedKeys(m.run.files) {
			s, slot, file := &samples{task: task}, new(error), m.run.files[task]
			m.tasks[task], failed = s, append(failed, slot)
			g.Go(func() error {
				read, err := readSamples(ctx, file, task, im.o)
				if *slot = err; err == nil {
					*s = *read
				}
				return nil
			})
		}
	}
	_ = g.Wait() // the goroutines return none
	for _, err := range failed {
		if *err != nil {
			return *err
		}
	}
	for _, m := range im.models {
		m.index = map[string]map[occurrence]int32{}
		for _, task := range sortedKeys(m.tasks) {
			index, err := m.tasks[task].number()
			if err != nil {
				return err
			}
			m.index[task] = index
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// number sorts the documents and numbers those that a task has more than once.
func (s *samples) number() (map[occurrence]int32, error) {
	slices.SortFunc(s.list, func(a, b sample) int {
		return cmp.Or(slices.Compare(a.key[:], b.key[:]), cmp.Compare(a.docID, b.docID), cmp.Compare(a.line, b.line))
	})
	ids := make(map[int64]int32, len(s.list))
	out := make(map[occurrence]int32, len(s.list))
	n := int32(0)
	for i := range s.list {
		x := &s.list[i]
		if was, twice := ids[x.docID]; twice {
			return nil, &Error{File: s.file, Line: int(max(x.line, was)), Field: "doc_id", Want: "one sample of each document and filter", Got: fmt.Sprintf("document %d again, first in line %d", x.docID, min(x.line, was))}
		}
		ids[x.docID] = x.line
		if n++; i == 0 || s.list[i-1].key != x.key {
			n = 0
		}
		out[occurrence{x.key, n}] = int32(i)
	}
	return out, nil
}

// commonTasks keeps the tasks that every model has.
func (im *importing) commonTasks() error {
	count := map[string]int{}
	for _, m := range im.models {
		for task := range m.tasks {
			count[task]++
		}
	}
	for _, task := range sortedKeys(count) {
		if count[task] == len(im.models) {
			im.tasks = append(im.tasks, task)
		} else {
			im.note("task %s is left out: %d of %d runs have it", task, count[task], len(im.models))
		}
	}
	if len(im.tasks) == 0 {
		return &Error{File: anyFile(im.models[len(im.models)-1].run), Want: "a task that every model was evaluated on", Got: "sample logs of different tasks"}
	}
	return nil
}

// sameTasks checks that all models answered the same documents by the same rule.
func (im *importing) sameTasks() error {
	first := im.models[0]
	for _, task := range im.tasks {
		want := first.tasks[task]
		for _, m := range im.models {
			got := m.tasks[task]
			if got.filter != want.filter || got.metric != want.metric {
				return &Error{File: got.file, Want: fmt.Sprintf("filter %q and metric %q, as %s has", want.filter, want.metric, want.file), Got: fmt.Sprintf("%q and %q", got.filter, got.metric)}
			}
			if err := m.whole(got); err != nil {
				return err
			}
			a, b := first.hashOf(task), m.hashOf(task)
			if a != "" && b != "" && a != b {
				return &Error{File: m.run.from, Field: "task_hashes." + task, Want: a + ", as in " + first.run.from, Got: b + ": the runs are of different documents or prompts"}
			}
		}
		if len(want.others) > 0 {
			im.note("task %s: the answers of filter %s were taken; there are also %s", task, want.filter, strings.Join(want.others, ", "))
		}
	}
	for _, m := range im.models {
		if dated().MatchString(filepath.Base(anyFile(m.run))) && (m.run.results == nil || len(m.run.results.TaskHashes) == 0) {
			im.note("no task_hashes in a results file for %s: only the hashes of each document were compared", anyFile(m.run))
		}
	}
	return nil
}

func (m *model) hashOf(task string) string {
	if m.run.results == nil {
		return ""
	}
	return m.run.results.TaskHashes[task]
}

// whole compares the number of documents with what the results file says.
func (m *model) whole(s *samples) error {
	if m.run.results == nil {
		return nil
	}
	if n := m.run.results.Samples[s.task].Effective; n != nil && *n != len(s.list) {
		return &Error{File: s.file, Want: fmt.Sprintf("%d documents, as %s says", *n, m.run.from), Got: fmt.Sprintf("%d: the log is truncated or of another run", len(s.list))}
	}
	return nil
}

// join brings documents together by their hashes.
func (im *importing) join() error {
	for t, task := range im.tasks {
		seen := map[occurrence]bool{}
		before := len(im.examples)
		for _, m := range im.models {
			for o := range m.index[task] {
				if seen[o] {
					continue
				}
				seen[o] = true
				if e, ok := im.everywhere(t, task, o); ok {
					im.examples = append(im.examples, e)
				} else {
					im.joined.Missing++
				}
			}
		}
		if len(im.examples) == before {
			return im.disjoint(task)
		}
	}
	slices.SortFunc(im.examples, func(a, b example) int {
		return cmp.Or(cmp.Compare(a.task, b.task), cmp.Compare(a.docID, b.docID), cmp.Compare(a.at[0], b.at[0]))
	})
	im.joined.Examples = len(im.examples)
	return nil
}

func (im *importing) everywhere(t int, task string, o occurrence) (example, bool) {
	e := example{task: t, at: make([]int32, len(im.models))}
	for k, m := range im.models {
		i, ok := m.index[task][o]
		if !ok {
			return e, false
		}
		e.at[k] = i
	}
	// The least number any model gave the document: swapping models changes nothing.
	e.docID = im.models[0].tasks[task].list[e.at[0]].docID
	for k, m := range im.models {
		e.docID = min(e.docID, m.tasks[task].list[e.at[k]].docID)
	}
	return e, true
}

// disjoint says why no document of a task is in every log.
func (im *importing) disjoint(task string) error {
	first := im.models[0].tasks[task]
	docs := map[digest]bool{}
	for _, x := range first.list {
		docs[x.doc] = true
	}
	for _, m := range im.models[1:] {
		for _, x := range m.tasks[task].list {
			if docs[x.doc] {
				return &Error{File: m.tasks[task].file, Line: int(x.line), Field: "prompt_hash", Want: "the prompt and target that " + first.file + " has for the same document",
					Got: "others: the runs differ in few-shot examples, chat template or task version"}
			}
		}
	}
	return &Error{File: im.models[len(im.models)-1].tasks[task].file, Want: "documents that all logs have", Got: "none in common with " + first.file}
}

// ids names the examples by task and document.
func (im *importing) ids() []dataset.ExampleID {
	out := make([]dataset.ExampleID, len(im.examples))
	for i, e := range im.examples {
		if name := im.of(0, &e).name; name != "" {
			out[i] = dataset.ExampleID(im.tasks[e.task] + "/" + name)
			continue
		}
		out[i] = dataset.ExampleID(fmt.Sprintf("%s/%d", im.tasks[e.task], e.docID))
		if i > 0 && e.task == im.examples[i-1].task && e.docID == im.examples[i-1].docID {
			out[i] += dataset.ExampleID(fmt.Sprintf(" (%x)", im.models[0].tasks[im.tasks[e.task]].list[e.at[0]].key[:4]))
		}
	}
	return out
}
