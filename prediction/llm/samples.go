package llm

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/prediction"
)

// MaxLineBytes is the longest line that is read.
const MaxLineBytes = 1 << 28

// Error is something wrong in a log: where, what was expected, what was found.
type Error struct {
	File  string
	Line  int    // counted from 1, 0 for the whole file
	Field string // "" for the whole line
	Want  string
	Got   string
}

// Error is one line.
func (e *Error) Error() string {
	s := e.File
	if e.Line > 0 {
		s += ":" + strconv.Itoa(e.Line)
	}
	s += ":"
	if e.Field != "" {
		s += " field " + e.Field + ":"
	}
	s += " want " + e.Want
	if e.Got != "" {
		s += ", got " + e.Got
	}
	return s
}

// digest identifies a document with its prompt and target.
type digest [16]byte

// sample is one document as one model answered it.
type sample struct {
	key    digest // of document, prompt and target
	doc    digest // of the document alone
	docID  int64
	right  bool
	choice int16 // 0, 1, ...; -1 where the task is no multiple choice
	gold   int16 // -1 where it is not a number of a choice
	line   int32
	name   string // what the log calls the document, where that is no number
}

// samples are one file.
type samples struct {
	task    string
	file    string
	list    []sample
	metric  string
	filter  string
	others  []string // filters that were left out, sorted
	choices int      // the most choices of a document
	input   prediction.Input
}

// row is what is decoded of one line.
type row struct {
	docID               int64
	doc, prompt, target []byte
	targetText          []byte
	filter              string
	metrics             []string
	values              map[string][]byte
	resps               []byte
	hasID, hasMetrics   bool
}

// readSamples reads one file of samples.
func readSamples(ctx context.Context, name, task string, o Options) (*samples, error) {
	switch {
	case filepath.Base(name) == helmFile:
		return readHELM(ctx, name, task, o)
	case strings.HasSuffix(name, ".eval"):
		return readInspect(ctx, name, task, o)
	case strings.HasSuffix(name, ".parquet"):
		return readLighteval(ctx, name, task, o)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, &Error{File: name, Want: "a file of samples", Got: err.Error()}
	}
	defer f.Close() // opened for reading: nothing is lost
	s := &samples{task: task, file: name}
	h := sha256.New()
	in := bufio.NewReaderSize(io.TeeReader(f, h), 1<<20)
	byFilter := map[string][]sample{}
	metricOf := map[string]string{}
	var buf []byte
	size := int64(0)
	for line := 1; ; line++ {
		if line%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		buf, err = readLine(in, buf)
		size += int64(len(buf))
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, &Error{File: name, Line: line, Want: "a line of JSON", Got: err.Error()}
		}
		last := err != nil
		if last && len(buf) == 0 {
			break
		}
		if len(buf) > 0 && buf[len(buf)-1] != '\n' {
			return nil, &Error{File: name, Line: line, Want: "a line end after the last sample", Got: "the end of the file: the log is truncated"}
		}
		if space(buf, 0) == len(buf) {
			continue
		}
		if err := s.add(buf, line, o, byFilter, metricOf); err != nil {
			return nil, err
		}
	}
	s.input = prediction.Input{Path: name, Digest: "sha256:" + hex.EncodeToString(h.Sum(nil)), Bytes: size, Role: "samples"}
	return s, s.choose(o, byFilter, metricOf)
}

// readLine reads one line with its end into buf.
func readLine(in *bufio.Reader, buf []byte) ([]byte, error) {
	buf = buf[:0]
	for {
		part, err := in.ReadSlice('\n')
		buf = append(buf, part...)
		if len(buf) > MaxLineBytes {
			return buf, fmt.Errorf("a line longer than %d MiB", MaxLineBytes>>20)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return buf, err
		}
	}
}

// add decodes one line.
func (s *samples) add(line []byte, number int, o Options, byFilter map[string][]sample, metricOf map[string]string) error {
	r := row{values: map[string][]byte{}}
	if err := fields(line, r.take); err != nil {
		return &Error{File: s.file, Line: number, Want: "one JSON object", Got: "something else: the line is damaged or truncated"}
	}
	bad := func(field, want, got string) error {
		return &Error{File: s.file, Line: number, Field: field, Want: want, Got: got}
	}
	for _, x := range []struct {
		name  string
		value []byte
	}{{"doc_hash", r.doc}, {"prompt_hash", r.prompt}, {"target_hash", r.target}} {
		if len(x.value) < 3 || x.value[0] != '"' {
			return bad(x.name, "the hash that lm-evaluation-harness writes for each sample (newer releases)", "none")
		}
	}
	switch {
	case !r.hasID:
		return bad("doc_id", "a whole number", "none")
	case !r.hasMetrics:
		return bad("metrics", "a list of the names of metrics", "none")
	}
	if o.Filter != "" && r.filter != o.Filter {
		return nil
	}
	metric, ok := chooseMetric(r.metrics, o.Metric)
	if !ok {
		return bad("metrics", "the metric "+o.Metric, fmt.Sprint(r.metrics))
	}
	if was, seen := metricOf[r.filter]; seen && was != metric {
		return bad("metrics", "the same metrics in every line, with "+was, fmt.Sprint(r.metrics))
	}
	metricOf[r.filter] = metric
	right, err := correct(r.values[metric], o.Threshold)
	if err != nil {
		return bad(metric, err.Error(), string(clip(r.values[metric])))
	}
	x := sample{docID: r.docID, right: right, choice: -1, gold: -1, line: int32(number)}
	x.doc, x.key = hash(r.doc), hash(r.doc, r.prompt, r.target)
	if n, best := choiceOf(r.resps); n > 1 {
		x.choice = int16(best)
		s.choices = max(s.choices, n)
		if g, err := strconv.Atoi(unquoted(r.targetText)); err == nil && g >= 0 && g < n {
			x.gold = int16(g)
		}
	}
	byFilter[r.filter] = append(byFilter[r.filter], x)
	return nil
}

// take keeps the values that are needed. Names of metrics come before their values
// in the log, but any order is read.
func (r *row) take(key, value []byte) error {
	switch string(key) {
	case "doc_id":
		v, err := strconv.ParseInt(unquoted(value), 10, 64)
		r.docID, r.hasID = v, err == nil
	case "doc_hash":
		r.doc = value
	case "prompt_hash":
		r.prompt = value
	case "target_hash":
		r.target = value
	case "target":
		r.targetText = value
	case "filter":
		if err := json.Unmarshal(value, &r.filter); err != nil {
			return errJSON
		}
	case "filtered_resps":
		r.resps = value
	case "metrics":
		r.hasMetrics = json.Unmarshal(value, &r.metrics) == nil
	case "doc", "arguments", "resps":
	default:
		r.values[string(key)] = value
	}
	return nil
}

func hash(parts ...[]byte) digest {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return digest(h.Sum(nil)[:16])
}

func unquoted(b []byte) string {
	if len(b) >= 2 && b[0] == '"' {
		return string(b[1 : len(b)-1])
	}
	return string(b)
}

func clip(b []byte) []byte {
	if len(b) == 0 {
		return []byte("none")
	}
	return b[:min(len(b), 40)]
}

// usualMetrics are taken unasked, the first that a task has.
func usualMetrics() []string {
	return []string{"acc", "exact_match", "pass@1", "acc_norm", "prompt_level_strict_acc", "em", "extractive_match"}
}

// chooseMetric picks the metric that says whether an answer is right.
func chooseMetric(have []string, asked string) (string, bool) {
	if asked != "" {
		return asked, slices.Contains(have, asked)
	}
	for _, m := range usualMetrics() {
		if slices.Contains(have, m) {
			return m, true
		}
	}
	if len(have) == 0 {
		return "", false
	}
	return slices.Min(have), true
}

// correct reads the value of a metric as right or wrong.
func correct(value []byte, threshold *float64) (bool, error) {
	switch string(value) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	v, err := strconv.ParseFloat(string(value), 64)
	switch {
	case err != nil || math.IsNaN(v) || math.IsInf(v, 0):
		return false, errors.New("a number")
	case threshold != nil:
		return v >= *threshold, nil
	case v == 0 || v == 1:
		return v == 1, nil
	}
	return false, errors.New("0 or 1, or a threshold from which an answer is right")
}

// choiceOf reads the filtered answers of a task of multiple choice, [[log-probability,
// is greedy], ...]: their number, and the first with the highest log-probability, as
// the harness chooses. n is 0 for other answers.
func choiceOf(b []byte) (n, best int) {
	i := space(b, 0)
	if i >= len(b) || b[i] != '[' {
		return 0, 0
	}
	top := math.Inf(-1)
	for i = space(b, i+1); i < len(b) && b[i] == '['; n++ {
		from := space(b, i+1)
		if from < len(b) && b[from] == '"' { // older logs keep numbers as text
			from++
		}
		to := from
		for to < len(b) && b[to] != ',' && b[to] != ']' && b[to] != '"' {
			to++
		}
		v, err := strconv.ParseFloat(string(b[from:to]), 64)
		if err != nil {
			return 0, 0
		}
		if v > top {
			top, best = v, n
		}
		if i = skipNested(b, i); i < 0 {
			return 0, 0
		}
		if i = space(b, i); i < len(b) && b[i] == ',' {
			i = space(b, i+1)
		}
	}
	if n > math.MaxInt16 {
		return 0, 0
	}
	return n, best
}

// choose keeps one filter: each writes its own line for every document.
func (s *samples) choose(o Options, byFilter map[string][]sample, metricOf map[string]string) error {
	var names []string
	for f := range byFilter {
		names = append(names, f)
	}
	if len(names) == 0 {
		want := "samples"
		if o.Filter != "" {
			want += " of the filter " + o.Filter
		}
		return &Error{File: s.file, Want: want, Got: "none"}
	}
	slices.Sort(names)
	s.filter = names[0]
	if slices.Contains(names, "none") {
		s.filter = "none"
	}
	for _, f := range names {
		if f != s.filter {
			s.others = append(s.others, f)
		}
	}
	s.list, s.metric = byFilter[s.filter], metricOf[s.filter]
	s.input.Rows = int64(len(s.list))
	return nil
}

// digestFile is the digest and the size of a file.
func digestFile(name string) (string, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", 0, err
	}
	defer f.Close() // opened for reading: nothing is lost
	h := sha256.New()
	n, err := io.Copy(h, f)
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), n, err
}
