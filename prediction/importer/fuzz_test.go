package importer

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/prediction"
)

// FuzzCSV holds the scanner against encoding/csv: the same records, or an
// error from both.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{longCSV, "a,b\r\n\"x\"\"y\",\"1\r\n2\"\r\n", "\"", "a\"b", "\"a\"b\n", "\n\n,\n", "a,\"b\n\nc\",d\n\r\n", "x\r", "\"x\"\r", "é,\"\"\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := csv.NewReader(strings.NewReader(s))
		r.FieldsPerRecord = -1
		want, wantErr := r.ReadAll()
		var got [][]string
		sc := scanner{s: s, delim: ','}
		var err *Error
		for {
			var rec []string
			if rec, err = sc.record(nil); err != nil || len(rec) == 0 {
				break
			}
			got = append(got, rec)
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("error %v, encoding/csv says %v", err, wantErr)
		}
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("got %q, encoding/csv reads %q", got, want)
		}
		if err == nil && sc.line != strings.Count(s, "\n") {
			t.Errorf("line %d after %d newlines", sc.line, strings.Count(s, "\n"))
		}
	})
}

// FuzzCut checks that cutting between records loses nothing.
func FuzzCut(f *testing.F) {
	f.Add(longCSV)
	f.Add("a,\"b\nc\"\nd,e\n\"")
	f.Fuzz(func(t *testing.T, s string) {
		n := lastRecordEnd([]byte(s))
		if n == 0 {
			return
		}
		whole, wholeErr := csv.NewReader(strings.NewReader(s)).ReadAll()
		if wholeErr != nil {
			return
		}
		a, errA := csv.NewReader(strings.NewReader(s[:n])).ReadAll()
		b, errB := csv.NewReader(strings.NewReader(s[n:])).ReadAll()
		if errA != nil || errB != nil {
			t.Fatalf("cut at %d: %v, %v", n, errA, errB)
		}
		if both := slices.Concat(a, b); !reflect.DeepEqual(both, whole) {
			t.Errorf("cut at %d: %q, whole %q", n, both, whole)
		}
	})
}

// importBytes imports content as a file: as a source, and as labels and
// predictions of one model a side.
func importBytes(t *testing.T, name string, content []byte) {
	dir := t.TempDir()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, req := range []Request{{Sources: []string{path}}, arrays(path, path, path)} {
		table, err := Import(context.Background(), req)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || !strings.HasPrefix(e.File, dir) {
				t.Fatalf("%v (%T) is not an *Error with the file's name", err, err)
			}
			continue
		}
		if err := table.Validate(); err != nil {
			t.Fatal(err)
		}
		for _, v := range table.Variants {
			for _, m := range v.Members {
				if m.Scores == nil {
					continue
				}
				if err := m.Scores.Rows(0, make([]float32, table.Len()*len(table.Classes))); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func FuzzImportCSV(f *testing.F) {
	f.Add([]byte(longCSV))
	f.Add([]byte("id,label,dense,int8\n1,0,0,1\n2,1,1,1\n"))
	f.Add([]byte("id,model,label,p_0,p_1\n1,dense,0,0.5,0.5\n2,dense,1,0.25,0.75\n1,int8,0,1,0\n2,int8,1,0,1\n"))
	f.Add([]byte("label;dense;int8;\"a\nb\"\n0;0;1;x\n1;1;1;y\n"))
	f.Add([]byte("0\n1\n2\n"))
	f.Fuzz(func(t *testing.T, b []byte) { importBytes(t, "p.csv", b) })
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{"[0, 1, 2]", "[[0.5,0.5],[1,0]]", `[{"id":"a","label":0,"dense":1,"int8":0},{"id":"b","label":1,"dense":1,"int8":0}]`,
		`{"label":[0,1],"dense":[0,1],"int8":[1,1]}`, "{\"id\":1,\"label\":0,\"pred\":1,\"model\":\"dense\"}\n{\"id\":2,\"label\":0,\"pred\":1,\"model\":\"int8\"}", "[NaN]", "]", `["x","y",null]`, "0\n1\n", "[0.5,0]", "[{}]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) { importBytes(t, "p.json", b) })
}

func FuzzNPY(f *testing.F) {
	for _, name := range []string{"labels_u1.npy", "scores_le_f2_fortran.npy", "words_U.npy", "labels_v3.npy", "scores_be_f8.npy"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(npyBytes("<i4", false, "(4611686018427387904, 8)", []int32{1}))
	f.Add(npyBytes("<i4", false, "(-1,)", []int32{1}))
	f.Add(npyBytes("<f4", false, "(4611686018427387904, 0)", []int32{}))
	f.Fuzz(func(t *testing.T, b []byte) { importBytes(t, "p.npy", b) })
}

func FuzzNPZ(f *testing.F) {
	for _, name := range []string{"stored.npz", "packed.npz", "one.npz"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { importBytes(t, "p.npz", b) })
}

func FuzzParquet(f *testing.F) {
	v, w := "dense", "int8"
	age := int32(3)
	b := parquetBytes(f, []parquetRow{
		{Example: "a", Model: "m", Variant: &v, Label: 1, Prediction: 1, Scores: []float64{0.5, 0.5}},
		{Example: "b", Model: "m", Variant: &v, Label: 0, Prediction: 1, Age: &age, Scores: []float64{0.25, 0.75}},
		{Example: "a", Model: "m", Variant: &w, Label: 1, Prediction: 0, Scores: []float64{0.5, 0.5}},
		{Example: "b", Model: "m", Variant: &w, Label: 0, Prediction: 1, Age: &age, Scores: []float64{0.25, 0.75}},
	})
	f.Add(b)
	f.Add(b[:len(b)-9])
	f.Fuzz(func(t *testing.T, b []byte) { importBytes(t, "p.parquet", b) })
}

// What is written as CSV and as stored predictions comes back as the same
// table.
func FuzzRoundTrip(f *testing.F) {
	f.Add("cat", "dog", "a,b", "c\"d", byte(0b0110))
	f.Add("0", "1", "x", "y", byte(0b1001))
	f.Add("é\n", " z", "1", "02", byte(0xff))
	f.Add("\xff", "0", "1", "0", byte(0b0110)) // not UTF-8
	f.Fuzz(func(t *testing.T, class0, class1, id0, id1 string, bits byte) {
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		class := []string{class0, class1}
		records := [][]string{{"id", "label", "variant", "model", "pred"}}
		for i, id := range []string{id0, id1} {
			for v, variant := range []string{"dense", "int8"} {
				records = append(records, []string{id, class[i], variant, "m", class[bits>>(2*i+v)&1]})
			}
		}
		if err := w.WriteAll(records); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		path := filepath.Join(dir, "p.csv")
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		table, err := Import(context.Background(), Request{Sources: []string{path}})
		if err != nil {
			return // empty or equal texts, for example
		}
		stored := filepath.Join(dir, "s")
		if err := prediction.Write(stored, table, prediction.DefaultWriteOptions()); err != nil {
			t.Fatal(err)
		}
		again, err := Import(context.Background(), Request{Sources: []string{stored}})
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(again, table) {
			t.Errorf("got  %+v\nwant %+v", again, table)
		}
	})
}
