package importer

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// npyBytes is an npy file of version 1.
func npyBytes(descr string, fortran bool, shape string, values any) []byte {
	head := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr, map[bool]string{true: "True", false: "False"}[fortran], shape)
	head += strings.Repeat(" ", (64-(10+len(head)+1)%64)%64) + "\n"
	var b bytes.Buffer
	b.WriteString("\x93NUMPY\x01\x00")
	order := binary.ByteOrder(binary.LittleEndian)
	if descr[0] == '>' {
		order = binary.BigEndian
	}
	binary.Write(&b, binary.LittleEndian, uint16(len(head)))
	b.WriteString(head)
	if err := binary.Write(&b, order, values); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func gz(content string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(content))
	z.Close()
	return b.String()
}

// Bad input is told by file, line or row, and what was expected.
func TestBadInput(t *testing.T) {
	const good = "id,label,dense,int8\n1,0,0,1\n2,1,1,1\n"
	nan := float32(math.NaN())
	for name, c := range map[string]struct {
		files map[string]string
		req   Request
		want  string // of the error
	}{
		"no file":            {req: Request{Sources: []string{"none.csv"}}, want: "none.csv: no such file or directory"},
		"empty file":         {files: map[string]string{"p.csv": ""}, want: "p.csv: want predictions or labels, got an empty file"},
		"header alone":       {files: map[string]string{"p.csv": "id,label,dense,int8\n"}, want: "p.csv: want at least one row, got none"},
		"empty folder":       {files: map[string]string{"d/readme": "x"}, req: Request{Sources: []string{"d"}}, want: "d: want CSV, TSV, Parquet, JSON, npy or npz files, got a directory without any"},
		"truncated gzip":     {files: map[string]string{"p.csv.gz": gz(strings.Repeat(good, 99))[:60]}, req: Request{Sources: []string{"p.csv.gz"}}, want: "p.csv.gz: want a whole file, got a truncated file"},
		"quote in a field":   {files: map[string]string{"p.csv": good + "3,a\"b,1,1\n"}, want: `p.csv:4: want a field in quotes, or one without ", got a quote inside a field`},
		"open quote":         {files: map[string]string{"p.csv": good + "3,\"1,1,1\n4,0,0,0\n"}, want: "p.csv:4: want a closing quote, got the end of the file in a quoted field that begins here"},
		"text after a quote": {files: map[string]string{"p.csv": "id,label\n" + "\"1\"x,0\n"}, want: `p.csv:2: want a delimiter or line end after a closing quote, got "x"`},
		"fields":             {files: map[string]string{"p.csv": good + "\n3,1,1\n"}, want: "p.csv:5: want 4 fields, got 3"},
		"two columns of one name": {files: map[string]string{"p.csv": "id,label,dense,dense\n1,0,0,0\n"},
			want: "p.csv:1: column dense: want columns with different names, got two with this one"},
		"Latin-1":    {files: map[string]string{"p.csv": good + "3,caf\xe9,1,1\n"}, want: `p.csv:4: column label: want text in UTF-8, got "caf\xe9"`},
		"one class":  {files: map[string]string{"p.csv": "id,label,dense,int8\n1,1,0,1\n2,1,1,1\n"}, want: `p.csv: want labels of at least two classes, got 2 examples, all of class "1"`},
		"no variant": {files: map[string]string{"p.csv": "id,label,pred,model\n1,1,0,a\n2,0,1,b\n"}, want: `p.csv: want a variant for model "a": a column variant, a name that tells it (dense, int8, pruned-0.7, ...), or its place in baseline or candidates, got none`},
		"one variant": {files: map[string]string{"p.csv": "id,label,dense_1,dense_2\n1,1,0,1\n2,0,1,1\n"},
			want: "p.csv: want a baseline and at least one other variant, each with a model, got variants dense"},
		"no baseline": {files: map[string]string{"p.csv": "id,label,int8_1,float16_2\n1,1,0,1\n2,0,1,1\n"},
			want: "p.csv: want one variant that is dense or called so, or the baseline to be named, got variants float16, int8"},
		"no predictions": {files: map[string]string{"p.csv": "id,label,age\n1,1,0\n2,0,1\n"},
			want: "p.csv: want a column of predictions, or columns of models whose names tell the variant (dense, fp32, int8, pruned-0.7, ...) or are named as baseline and candidates, got columns id, label, age"},
		"conflict in one file": {files: map[string]string{"p.csv": good + "2,1,0,1\n"},
			want: `p.csv:4: column dense: want prediction of model dense "1" for example 2, as in an earlier row or file, got "0"`},
		"labels in conflict": {files: map[string]string{"p.csv": good + "2,0,1,1\n"},
			want: `p.csv:4: column label: want label "1" for example 2, as in an earlier row or file, got "0"`},
		"no label": {files: map[string]string{"p.csv": good + "3,,1,1\n"}, want: "p.csv:4: column label: want a label, got nothing"},
		"no id":    {files: map[string]string{"p.csv": good + ",0,1,1\n"}, want: "p.csv:4: column id: want an id, got nothing"},
		"no such column": {files: map[string]string{"p.csv": good}, req: Request{Sources: []string{"p.csv"}, Columns: Columns{Label: "truth_"}},
			want: `p.csv: want a column "truth_", got none of that name in any file`},
		"no such model": {files: map[string]string{"p.csv": good}, req: Request{Sources: []string{"p.csv"}, Baseline: Spec{Name: "x", Files: []string{"fp32"}}},
			want: `p.csv: want a column fp32, got columns id, label, dense, int8`},
		"one of two models": {files: map[string]string{"p.csv": good}, req: Request{Sources: []string{"p.csv"}, Baseline: Spec{Name: "x", Files: []string{"dense", "fp32"}}},
			want: `p.csv: want a model, column or variant "fp32", got models and variants dense, x`},
		"label outside the class names": {files: map[string]string{"p.csv": good + "7,2,1,1\n", "n.txt": "cat\ndog\n"}, req: Request{Sources: []string{"p.csv"}, ClassNames: "n.txt"},
			want: `p.csv:4: column label: want a class: a name in n.txt or a number from 0 to 1, got "2"`},
		"negative label": {files: map[string]string{"p.csv": good + "7,-3,1,1\n"}, want: `p.csv:4: column label: want a class number from 0 to 1048575, got "-3"`},
		"class name twice": {files: map[string]string{"p.csv": good, "n.txt": "cat\ndog\ncat\n"}, req: Request{Sources: []string{"p.csv"}, ClassNames: "n.txt"},
			want: `n.txt:3: want different names, got "cat" again`},
		"confidence": {files: map[string]string{"p.csv": "id,model,label,pred,confidence\n1,dense,0,0,0.5\n2,dense,1,1,1.5\n"}, want: "p.csv:3: column confidence: want a number in [0, 1], got 1.5"},
		"NaN confidence": {files: map[string]string{"p.csv": "id,model,label,pred,confidence\n1,dense,0,0,0.5\n2,dense,1,1,nan\n"},
			want: `p.csv:3: column confidence: want a finite number, got "nan"`},
		"NaN score column": {files: map[string]string{"p.csv": "id,model,label,p_0,p_1\n1,dense,0,0.5,0.5\n2,dense,1,NaN,1\n"},
			want: `p.csv:3: column p_0: want a finite number, got "NaN"`},
		"seed": {files: map[string]string{"p.csv": "id,model,label,pred,seed\n1,dense,0,0,1\n2,dense,1,1,2\n"}, want: `p.csv:3: column seed: want the seed 1 in all rows of model dense, got "2"`},
		"JSON NaN": {files: map[string]string{"l.json": "[0,1]", "a.json": "[[0.1,0.9],\n[NaN,1]]"}, req: arrays("l.json", "a.json", "a.json"),
			want: "a.json:2: want finite numbers, got NaN or Infinity, which JSON does not have: invalid character 'N' looking for beginning of value"},
		"JSON cut": {files: map[string]string{"l.json": "[0,1]", "a.json": "[0,\n1"}, req: arrays("l.json", "a.json", "a.json"), want: "a.json: want valid JSON, got a truncated file"},
		"JSON rows of scores": {files: map[string]string{"l.json": "[0,1]", "a.json": "[[0.1,0.9],\n[1]]"}, req: arrays("l.json", "a.json", "a.json"),
			want: "a.json:2: want 2 scores, got 1"},
		"lengths": {files: map[string]string{"l.json": "[0,1,0]", "a.json": "[0,1]"}, req: arrays("l.json", "a.json", "a.json"),
			want: "a.json: want 3 rows, as in the labels, because there are no ids to join by, got 2"},
		"duplicate ids": {files: map[string]string{"l.json": "[0,1,0]", "a.json": "[0,1,1]", "ids.txt": "5\n6\n5\n"}, req: Request{Labels: "l.json", IDs: "ids.txt", Baseline: Spec{Name: "a", Files: []string{"a.json"}}, Candidates: []Spec{{Name: "b", Files: []string{"a.json"}}}},
			want: `ids.txt:3: want different ids, got the id "5" again`},
		"a name among numbers": {files: map[string]string{"p.csv": "id,label,dense,int8\na,0,0,0\nb,1,cat,1\nc,1,1,1\n"}, req: Request{Sources: []string{"p.csv"}, Baseline: Spec{Name: "a", Files: []string{"dense"}}, Candidates: []Spec{{Name: "b", Files: []string{"int8"}}}},
			want: `p.csv:3: column dense: want a class number, as the labels are, got "cat"`},
		"names and numbers": {files: map[string]string{"l.json": `["cat","dog"]`, "a.json": "[0,1]"}, req: arrays("l.json", "a.json", "a.json"),
			want: "a.json: want predictions and labels that are both names or both numbers, or a file of class names, got one of each"},
		"NaN in npy": {files: map[string]string{"l.json": "[0,1]", "a.npy": string(npyBytes("<f4", false, "(2, 3)", []float32{1, 2, 3, 4, nan, 6}))}, req: arrays("l.json", "a.npy", "a.npy"),
			want: "a.npy: row 2: column 1: want finite scores, got NaN"},
		"NaN labels in npy": {files: map[string]string{"l.npy": string(npyBytes("<f8", false, "(2,)", []float64{0, math.NaN()}))}, req: arrays("l.npy", "l.npy", "l.npy"),
			want: "l.npy: row 2: want a finite number, got NaN"},
		"truncated npy": {files: map[string]string{"l.json": "[0,1]", "a.npy": string(npyBytes("<i4", false, "(2,)", []int32{1}))}, req: arrays("l.json", "a.npy", "a.npy"),
			want: "a.npy: want 8 bytes of values for shape [2], got 4 bytes: the file is truncated"},
		"npy of a hostile shape": {files: map[string]string{"l.json": "[0,1]", "a.npy": string(npyBytes("<i4", false, "(4611686018427387904, 8)", []int32{1}))}, req: arrays("l.json", "a.npy", "a.npy"),
			want: "a.npy: want a possible shape, got [4611686018427387904 8]"},
		"npy of complex numbers": {files: map[string]string{"l.json": "[0,1]", "a.npy": string(npyBytes("<c8", false, "(2,)", []int32{1, 1, 1, 1}))}, req: arrays("l.json", "a.npy", "a.npy"),
			want: `a.npy: want an array of whole numbers, float16, float32, float64, bool or text, got numpy type "<c8"`},
		"npy of three dimensions": {files: map[string]string{"l.json": "[0,1]", "a.npy": string(npyBytes("|u1", false, "(2, 1, 1)", []uint8{1, 1}))}, req: arrays("l.json", "a.npy", "a.npy"),
			want: "a.npy: want shape [N] or [N, C], got [2 1 1]"},
		"npy header cut": {files: map[string]string{"l.json": "[0,1]", "a.npy": "\x93NUMPY\x02\x00\xff\xff\xff\xff"}, req: arrays("l.json", "a.npy", "a.npy"),
			want: "a.npy: want an npy header of at most 0 bytes, got 4294967295"},
		"npz cut": {files: map[string]string{"l.json": "[0,1]", "a.npz": "PK\x03\x04xxxxxxxxx"}, req: arrays("l.json", "a.npz", "a.npz"),
			want: "a.npz: want a whole npz (zip) file: zip: not a valid zip file"},
		"label above the scores": {files: map[string]string{"l.json": "[0,3]", "a.npy": string(npyBytes("<f4", false, "(2, 3)", []float32{1, 2, 3, 4, 5, 6}))}, req: arrays("l.json", "a.npy", "a.npy"),
			want: `l.json:1: want a class number from 0 to 2, got "3"`},
		"classes of scores": {files: map[string]string{"l.json": "[0,1]", "a.json": "[[0,1],[1,0]]", "b.json": "[[0,1,0],[1,0,0]]"}, req: arrays("l.json", "a.json", "b.json"),
			want: "b.json: want scores of 2 classes, as in a.json, got 3"},
		"truncated Parquet": {files: map[string]string{"p.parquet": "PAR1xxxxxxxx"}, req: Request{Sources: []string{"p.parquet"}}, want: "p.parquet: want a whole Parquet file, got a truncated or damaged one"},
		"Paired": {files: map[string]string{"p.csv": "id,label,dense_1,dense_2,int8_1\n1,1,0,1,1\n2,0,1,1,1\n"}, req: Request{Sources: []string{"p.csv"}, Paired: true},
			want: "importer: paired: want as many members of int8 as of dense, 2, got 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for file, content := range c.files {
				write(t, ".", file, content)
			}
			req := c.req
			if len(req.Sources) == 0 && req.Labels == "" {
				req.Sources = []string{"p.csv"}
			}
			table, err := Import(context.Background(), req)
			if err == nil {
				t.Fatalf("imported %d examples, want an error", table.Len())
			}
			if !strings.HasPrefix(err.Error(), c.want) || !strings.HasPrefix(c.want, "p.parquet") && err.Error() != c.want {
				t.Errorf("got  %s\nwant %s", err, c.want)
			}
			var e *Error
			if name != "Paired" && !errors.As(err, &e) {
				t.Errorf("%T is not an *Error", err)
			}
		})
	}
}

// arrays asks for one model a side by files.
func arrays(labels, a, b string) Request {
	return Request{Labels: labels, Baseline: Spec{Name: "dense", Files: []string{a}}, Candidates: []Spec{{Name: "new", Files: []string{b}}}}
}

// Cutting a whole file anywhere must give an error or, for text, fewer rows;
// never a panic and never a full table.
func TestCutFiles(t *testing.T) {
	dir := t.TempDir()
	table := mustImport(t, Request{Sources: []string{write(t, dir, "p.csv", longCSV)}})
	for _, name := range []string{"a.npy", "p.parquet", "p.csv.gz"} {
		content := map[string][]byte{
			"a.npy":     npyBytes("<i4", false, "(3,)", []int32{0, 1, 1}),
			"p.parquet": parquetOf(t, table),
			"p.csv.gz":  []byte(gz(longCSV)),
		}[name]
		for n := 1; n < len(content); n += max(1, len(content)/200) {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, content[:n], 0o644); err != nil {
				t.Fatal(err)
			}
			req := Request{Sources: []string{path}}
			if name == "a.npy" {
				req = arrays(path, path, path)
			}
			if _, err := Import(context.Background(), req); err == nil {
				t.Errorf("%s cut to %d of %d bytes was imported", name, n, len(content))
			}
		}
	}
}
