package importer

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/lethe-audit/lethe/prediction"
)

var arrayLabels = []int{0, 4, 2, 1, 3, 0, 2} // as in testdata/gen.py

// arrayScores reads testdata/scores.csv.
func arrayScores(t *testing.T) []float64 {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "scores.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []float64
	for _, row := range rows {
		for _, s := range row {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, v)
		}
	}
	if len(out) != 35 {
		t.Fatalf("%d scores", len(out))
	}
	return out
}

func readFrame(t *testing.T, ref string) *frame {
	t.Helper()
	file, array := splitRef(ref)
	s, err := openSource(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := readAny(context.Background(), s, array, nil, usualArrays[useLabels])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.finish(); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestScoreArrays(t *testing.T) {
	want := arrayScores(t)
	files, err := filepath.Glob(filepath.Join("testdata", "scores_*.npy"))
	if err != nil || len(files) != 12 {
		t.Fatal(files, err)
	}
	files = append(files, filepath.Join("testdata", "stored.npz#logits"), filepath.Join("testdata", "packed.npz#logits"))
	for _, file := range files {
		m := readFrame(t, file).cols[0].mat
		if rows, classes := m.shape(); rows != 7 || classes != 5 {
			t.Fatalf("%s: shape [%d, %d]", file, rows, classes)
		}
		for from := range 7 { // every start and length
			for n := 1; from+n <= 7; n++ {
				got := make([]float64, 5*n)
				if err := m.read(from, got); err != nil {
					t.Fatal(file, err)
				}
				if !slices.Equal(got, want[5*from:5*(from+n)]) {
					t.Fatalf("%s: rows %d to %d are %v, want %v", file, from, from+n-1, got, want[5*from:5*(from+n)])
				}
			}
		}
	}
}

func TestLabelArrays(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "labels_*.npy"))
	if err != nil || len(files) != 17 {
		t.Fatal(files, err)
	}
	for _, f := range []string{"stored.npz", "packed.npz", "stored.npz#labels", "one.npz", "one.npz#arr_0", "many.npz#b"} {
		files = append(files, filepath.Join("testdata", f))
	}
	for _, file := range files {
		c := readFrame(t, file).cols[0]
		for i, want := range arrayLabels {
			if got, ok := c.cell(i); !ok || got != fmt.Sprint(want) {
				t.Errorf("%s: row %d is %q, want %d", file, i, got, want)
			}
		}
	}
	words := []string{"cat", "dog", "ant", "bée", "eel"}
	for _, file := range []string{"words_U.npy", "words_be_U.npy", "words_S.npy"} {
		c := readFrame(t, filepath.Join("testdata", file)).cols[0]
		for i, k := range arrayLabels {
			if got, _ := c.cell(i); got != words[k] {
				t.Errorf("%s: row %d is %q, want %q", file, i, got, words[k])
			}
		}
	}
	c := readFrame(t, filepath.Join("testdata", "bools.npy")).cols[0]
	for i, k := range arrayLabels {
		if got, _ := c.cell(i); (got == "1") != (k > 1) {
			t.Errorf("bools.npy: row %d is %q", i, got)
		}
	}
}

func TestChooseArray(t *testing.T) {
	s, err := openSource(filepath.Join("testdata", "many.npz"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = readNPZ(s, "", usualArrays[useLabels])
	if _, ferr := s.finish(); ferr != nil {
		t.Fatal(ferr)
	}
	if want := "want one array, or one chosen by testdata/many.npz#NAME, got arrays a, b"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}

// The same array packed gives the same table.
func TestPackedArrays(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join("testdata", "scores_le_f4.npy")
	labels := filepath.Join("testdata", "labels_le_i8.npy")
	b, err := os.ReadFile(plain)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	files := []string{plain,
		write(t, dir, "a.npy.gz", gz(string(b))),
		write(t, dir, "b.npy.zst", string(enc.EncodeAll(b, nil))),
		write(t, dir, "named-wrongly.csv", string(b)),
		filepath.Join("testdata", "scores_be_f8_fortran.npy")}
	table := mustImport(t, Request{Labels: labels, Baseline: Spec{Name: "a", Files: files[:1]}, Candidates: []Spec{{Name: "b", Files: files[1:]}}})
	want := &table.Variants[0].Members[0]
	ref := make([]float32, 35)
	if err := want.Scores.Rows(0, ref); err != nil {
		t.Fatal(err)
	}
	for _, m := range table.Variants[1].Members {
		got := make([]float32, 35)
		if err := m.Scores.Rows(0, got); err != nil {
			t.Fatal(err)
		}
		if !m.Predicted.Equal(want.Predicted) || !slices.Equal(m.Confidence, want.Confidence) || !slices.Equal(m.TrueScore, want.TrueScore) || !slices.Equal(got, ref) {
			t.Errorf("%s differs", m.Name)
		}
		if m.Scores.Kind() != prediction.Logits {
			t.Errorf("%s: scores are %s", m.Name, m.Scores.Kind())
		}
	}
}

// Rows beyond the end and rows of a wrong length are refused.
func TestScoresRange(t *testing.T) {
	file := filepath.Join("testdata", "scores_le_f4.npy")
	table := mustImport(t, arrays(filepath.Join("testdata", "labels_u1.npy"), file, file))
	s := table.Variants[0].Members[0].Scores
	for _, c := range []struct{ from, n int }{{-1, 5}, {7, 5}, {0, 40}, {0, 3}} {
		if err := s.Rows(c.from, make([]float32, c.n)); err == nil {
			t.Errorf("%d scores from row %d were given", c.n, c.from)
		}
	}
}

// Whole-number scores of a quantized output say the order and no more.
func TestIntegerScores(t *testing.T) {
	dir := t.TempDir()
	labels := write(t, dir, "l.json", "[0,1,2]")
	scores := write(t, dir, "q.npy", string(npyBytes("|i1", false, "(3, 3)", []int8{-128, 3, 3, -1, -1, 127, 5, 4, 3})))
	table := mustImport(t, arrays(labels, scores, scores))
	m := table.Variants[0].Members[0]
	if got := [3]int{m.Predicted.At(0), m.Predicted.At(1), m.Predicted.At(2)}; got != [3]int{1, 2, 0} {
		t.Errorf("predicted %v, want [1 2 0]", got)
	}
	if m.Scores != nil || m.Confidence != nil || m.TrueScore != nil {
		t.Error("whole-number scores were taken as probabilities or logits")
	}
	notes := strings.Join(table.Notes, "\n")
	for _, want := range []string{"only the order was used", "1 examples have several classes"} {
		if !strings.Contains(notes, want) {
			t.Errorf("notes %q do not say %q", notes, want)
		}
	}
}
