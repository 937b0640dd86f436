package importer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/prediction"
)

// write makes a file of the test.
func write(t testing.TB, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// show writes a table down for comparison: class names instead of numbers.
func show(t *prediction.Table) string {
	var b strings.Builder
	fmt.Fprintf(&b, "classes %v\n", t.Classes)
	for i := range t.Len() {
		fmt.Fprintf(&b, "%s %s", t.ID(i), t.Classes[t.Labels.At(i)])
		if t.Splits != nil {
			fmt.Fprintf(&b, " split=%s", value(t.Splits, i))
		}
		for k := range t.Attributes {
			fmt.Fprintf(&b, " %s=%s", t.Attributes[k].Name, value(&t.Attributes[k], i))
		}
		b.WriteString("\n")
	}
	for _, v := range t.Variants {
		fmt.Fprintf(&b, "%s %s", v.Name, v.Kind)
		if v.Level != nil {
			fmt.Fprintf(&b, " %g", *v.Level)
		}
		b.WriteString("\n")
		for _, m := range v.Members {
			fmt.Fprintf(&b, " %s", m.Name)
			if m.Seed != nil {
				fmt.Fprintf(&b, " seed=%d", *m.Seed)
			}
			if m.Lineage != "" {
				fmt.Fprintf(&b, " lineage=%s", m.Lineage)
			}
			keys := make([]string, 0, len(m.Config))
			for k := range m.Config {
				keys = append(keys, k)
			}
			slices.Sort(keys)
			for _, k := range keys {
				fmt.Fprintf(&b, " %s=%s", k, m.Config[k])
			}
			b.WriteString(":")
			for i := range t.Len() {
				fmt.Fprintf(&b, " %s", t.Classes[m.Predicted.At(i)])
				if m.Confidence != nil {
					fmt.Fprintf(&b, "@%.3g", m.Confidence[i])
				}
				if m.TrueScore != nil {
					fmt.Fprintf(&b, "~%.3g", m.TrueScore[i])
				}
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

func value(a *prediction.Attribute, i int) string {
	if a.Codes[i] < 0 {
		return "?"
	}
	return a.Values[a.Codes[i]]
}

const longCSV = `example,model,variant,label,prediction,seed,lineage,confidence,age,lr
b,d1,dense,dog,dog,1,x,0.9,old,0.1
a,d1,dense,cat,cat,1,x,0.8,young,0.1
c,d1,dense,dog,cat,1,x,0.6,,0.1
a,q1,int8,cat,dog,1,x,0.5,young,0.2
b,q1,int8,dog,dog,1,x,0.7,old,0.2
c,q1,int8,dog,dog,1,x,0.75,,0.2
`

const longWant = `classes [cat dog]
a cat age=young
b dog age=old
c dog age=?
dense dense
 d1 seed=1 lineage=x lr=0.1: cat@0.8 dog@0.9 cat@0.6
int8 quantized 8
 q1 seed=1 lineage=x lr=0.2: dog@0.5 dog@0.7 dog@0.75
`

func TestForms(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		req   Request
		want  string
	}{
		"long": {files: map[string]string{"p.csv": longCSV}, req: Request{Sources: []string{"p.csv"}}, want: longWant},
		"long with quotes, tabs and carriage returns": {
			files: map[string]string{"p.tsv": strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(longCSV, "dog", `"dog"`), ",", "\t"), "\n", "\r\n")},
			req:   Request{Sources: []string{"p.tsv"}}, want: longWant},
		"semicolons": {files: map[string]string{"p.csv": "\ufeff" + strings.ReplaceAll(longCSV, ",", ";")}, req: Request{Sources: []string{"p.csv"}}, want: longWant},
		"wide": {
			files: map[string]string{"p.csv": "id,label,fp32_s1,fp32_s2,int8_s1,male\n10,1,1,1,0,yes\n9,0,0,1,0,no\n"},
			req:   Request{Sources: []string{"p.csv"}},
			want:  "classes [0 1]\n9 0 male=no\n10 1 male=yes\nfp32 dense\n fp32_s1: 0 1\n fp32_s2: 1 1\nint8 quantized 8\n int8_s1: 0 0\n"},
		"wide with named columns": {
			files: map[string]string{"p.csv": "id,label,a,b,c,male\nx,1,1,0,0,1\ny,0,0,0,1,0\n"},
			req:   Request{Sources: []string{"p.csv"}, Baseline: Spec{Name: "old", Files: []string{"b"}}, Candidates: []Spec{{Name: "new", Files: []string{"a"}}}, Columns: Columns{Attributes: []string{"male"}, Ignore: []string{"c"}}},
			want:  "classes [0 1]\nx 1 male=1\ny 0 male=0\nold other\n b: 0 0\nnew other\n a: 1 0\n"},
		"sklearn names, a file a model": {
			files: map[string]string{"preds/dense.csv": "y_true,y_pred\n0,0\n1,1\n1,0\n", "preds/pruned-70.csv": "y_true,y_pred\n0,1\n1,1\n1,1\n"},
			req:   Request{Sources: []string{"preds"}},
			want:  "classes [0 1]\n0 0\n1 1\n2 1\ndense dense\n dense: 0 1 0\npruned-70 pruned 0.7\n pruned-70: 1 1 1\n"},
		"aequitas": {
			files: map[string]string{"p.csv": "entity_id,model_id,score,label_value,race\n1,base,1,1,a\n2,base,0,0,b\n1,int8,0,1,a\n2,int8,0,0,b\n"},
			req:   Request{Sources: []string{"p.csv"}},
			want:  "classes [0 1]\n1 1 race=a\n2 0 race=b\nbase dense\n base: 1 0\nint8 quantized 8\n int8: 0 0\n"},
		"a score of the positive class": {
			files: map[string]string{"p.csv": "entity_id,model_id,score,label_value\n1,base,0.75,yes\n2,base,0.25,no\n1,int8,0.5,yes\n2,int8,0,no\n"},
			req:   Request{Sources: []string{"p.csv"}, Positive: "yes"},
			want:  "classes [no yes]\n1 yes\n2 no\nbase dense\n base: yes@0.75~0.75 no@0.75~0.75\nint8 quantized 8\n int8: no@0.5~0.5 no@1~1\n"},
		"the paper's code": {
			files: map[string]string{
				"a.csv": ",predictions,true_class,exp,split,filename,pruning_method,fraction_pruned,global_step\n0,3,3,e,r1,val-0,baseline,0.0,32000\n1,2,1,e,r1,val-0,baseline,0.0,32000\n",
				"b.csv": ",predictions,true_class,exp,split,filename,pruning_method,fraction_pruned,global_step\n0,3,3,e,r1,val-0,threshold,0.9,32000\n1,0,1,e,r1,val-0,threshold,0.9,32000\n",
				"c.csv": ",predictions,true_class,exp,split,filename,pruning_method,fraction_pruned,global_step\n0,1,1,e,r1,val-1,threshold,0.9,32000\n",
				"d.csv": ",predictions,true_class,exp,split,filename,pruning_method,fraction_pruned,global_step\n0,1,1,e,r1,val-1,baseline,0.0,32000\n"},
			req: Request{Sources: []string{"a.csv", "b.csv", "c.csv", "d.csv"}},
			want: "classes [0 1 2 3]\nval-0:0 3\nval-0:1 1\nval-1:0 1\n" +
				"dense dense\n exp e, split r1, global_step 32000 exp=e global_step=32000 pruning_method=baseline split=r1: 3 2 1\n" +
				"pruned-0.9 pruned 0.9\n exp e, split r1, global_step 32000 exp=e global_step=32000 pruning_method=threshold split=r1: 3 0 1\n"},
		"score columns": {
			files: map[string]string{"p.csv": "id,model,variant,label,prob_cat,prob_dog\n1,m,dense,cat,0.75,0.25\n2,m,dense,dog,0.5,0.5\n1,n,other,cat,0.25,0.75\n2,n,other,dog,0,1\n"},
			req:   Request{Sources: []string{"p.csv"}},
			want:  "classes [cat dog]\n1 cat\n2 dog\ndense dense\n m: cat@0.75~0.75 cat@0.5~0.5\nother other\n n: dog@0.75~0.25 dog@1~1\n"},
		"logit columns out of order": {
			files: map[string]string{"p.csv": "id,model,variant,label,logit_1,logit_0\n1,m,dense,0,0,5\n2,m,dense,1,3,2\n1,n,other,0,9,-1\n2,n,other,1,0,0\n"},
			req:   Request{Sources: []string{"p.csv"}},
			want:  "classes [0 1]\n1 0\n2 1\ndense dense\n m: 0@0.993~0.993 1@0.731~0.731\nother other\n n: 1@1~4.54e-05 0@0.5~0.5\n"},
		"JSON lists": {
			files: map[string]string{"l.json": "[0, 1, 2]", "a.json": "[0,\n1,\n1]", "b.jsonl": "2\n1\n0\n"},
			req:   Request{Labels: "l.json", Baseline: Spec{Name: "dense", Files: []string{"a.json"}}, Candidates: []Spec{{Name: "int8", Files: []string{"b.jsonl"}}}},
			want:  "classes [0 1 2]\n0 0\n1 1\n2 2\ndense dense\n a: 0 1 1\nint8 quantized 8\n b: 2 1 0\n"},
		"JSON rows of scores and lists of objects": {
			files: map[string]string{"l.json": `[{"id": "x", "label": "cat"}, {"id": "y", "label": "dog"}]`, "n.txt": "cat\ndog\n",
				"a.json":  `[[0.9, 0.1], [0.2, 0.8]]`,
				"b.jsonl": "{\"id\": \"y\", \"scores\": [1, 0]}\n\n{\"id\": \"x\", \"scores\": [0.25, 0.75]}\n"},
			req:  Request{Labels: "l.json", ClassNames: "n.txt", Baseline: Spec{Name: "dense", Files: []string{"a.json"}}, Candidates: []Spec{{Name: "new", Files: []string{"b.jsonl"}}}},
			want: "classes [cat dog]\nx cat\ny dog\ndense dense\n a: cat@0.9~0.9 dog@0.8~0.8\nnew other\n b: dog@0.75~0.25 cat@1~0\n"},
		"JSON columns": {
			files: map[string]string{"p.json": `{"label": [0, 1], "dense_pred": [0, 1], "int8_pred": [1, 1]}`},
			req:   Request{Sources: []string{"p.json"}},
			want:  "classes [0 1]\n0 0\n1 1\ndense dense\n dense: 0 1\nint8 quantized 8\n int8: 1 1\n"},
		"lists of text, attributes, class names, training labels": {
			files: map[string]string{"l.txt": "0\n1\n1\n", "a.txt": "0\n1\n0\n", "b.txt": "1\n1\n1\n", "names.json": `{"0": "cat", "1": "dog"}`, "attr.csv": "sex,age\nf,1\nm,2\nf,10\n", "train.csv": "label,sex\ncat,f\ncat,m\ndog,f\nbird,f\n"},
			req: Request{Labels: "l.txt", Baseline: Spec{Name: "dense", Files: []string{"a.txt"}}, Candidates: []Spec{{Name: "float16", Files: []string{"b.txt"}}},
				ClassNames: "names.json", Attributes: []string{"attr.csv"}, TrainLabels: "train.csv", Paired: true},
			want: "classes [cat dog]\n0 cat sex=f age=1\n1 dog sex=m age=2\n2 dog sex=f age=10\ndense dense\n a lineage=pair 1: cat dog cat\nfloat16 quantized 16\n b lineage=pair 1: dog dog dog\n"},
		"classes -1 and 1": {
			files: map[string]string{"p.csv": "id,label,dense,int8\n1,-1,-1,1\n2,1,1,1\n"},
			req:   Request{Sources: []string{"p.csv"}},
			want:  "classes [-1 1]\n1 -1\n2 1\ndense dense\n dense: -1 1\nint8 quantized 8\n int8: 1 1\n"},
		"mapped columns and split": {
			files: map[string]string{"p.csv": "key1,net,how,right,said,part\n1,a,x,0,0.0,test\n2,a,x,1,1.0,val\n1,b,z,0,1.0,test\n2,b,z,1,1.0,val\n"},
			req: Request{Sources: []string{"p.csv"}, Baseline: Spec{Name: "z", Files: []string{"z"}}, Candidates: []Spec{{Name: "x", Files: []string{"x"}}},
				Columns: Columns{ID: "key1", Model: "net", Variant: "how", Label: "right", Predicted: "said", Split: "part"}},
			want: "classes [0 1]\n1 0 split=test\n2 1 split=val\nz other\n b: 1 1\nx other\n a: 0 1\n"},
		"folders and tables of several models as variants": {
			files: map[string]string{"l.csv": "id,label\n1,0\n2,1\n", "dense/s10.csv": "id,pred\n1,0\n2,1\n", "dense/s9.csv": "id,pred\n2,0\n1,0\n", "q.csv": "id,model,pred\n1,b,1\n1,a,0\n2,a,1\n2,b,1\n"},
			req:   Request{Labels: "l.csv", Baseline: Spec{Name: "baseline", Unnamed: true, Files: []string{"dense"}}, Candidates: []Spec{{Name: "int4", Files: []string{"q.csv"}}}},
			want:  "classes [0 1]\n1 0\n2 1\nbaseline dense\n s10: 0 1\n s9: 0 0\nint4 quantized 4\n b: 1 1\n a: 0 1\n"},
		"one table as labels, baseline and candidate": {
			files: map[string]string{"p.csv": "id,y,m_fp32_pred,m_fp32_conf,m_int8_pred,m_int8_conf\n1,0,0,0.5,1,0.75\n2,1,1,1,1,0.25\n"},
			req:   Request{Labels: "p.csv", Baseline: Spec{Name: "baseline", Unnamed: true, Files: []string{"p.csv#m_fp32_pred"}}, Candidates: []Spec{{Name: "candidate1", Unnamed: true, Files: []string{"p.csv#m_int8_pred"}}}},
			want:  "classes [0 1]\n1 0\n2 1\nfp32 dense\n m_fp32: 0@0.5 1@1\nint8 quantized 8\n m_int8: 1@0.75 1@0.25\n"},
		"several levels, in order": {
			files: map[string]string{"p.csv": "id,sparsity,seed,label,pred\n1,0.9,0,0,1\n2,0.9,0,1,1\n1,0,0,0,0\n2,0,0,1,1\n1,0.5,0,0,0\n2,0.5,0,1,0\n1,0.9,1,0,0\n2,0.9,1,1,0\n"},
			req:   Request{Sources: []string{"p.csv"}},
			want: "classes [0 1]\n1 0\n2 1\ndense dense\n seed 0 seed=0: 0 1\npruned-0.5 pruned 0.5\n seed 0 seed=0: 0 0\n" +
				"pruned-0.9 pruned 0.9\n seed 0 seed=0: 1 1\n seed 1 seed=1: 0 0\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for file, content := range c.files {
				write(t, ".", file, content)
			}
			table := mustImport(t, c.req)
			if got := show(table); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
			if c.req.TrainLabels != "" {
				want := &prediction.TrainCounts{Source: "train.csv", Classes: []int64{2, 1}, Attributes: map[string]map[string]int64{"sex": {"f": 3, "m": 1}}}
				if !reflect.DeepEqual(table.Training, want) {
					t.Errorf("training %+v, want %+v", table.Training, want)
				}
			}
			for _, in := range table.Inputs {
				if len(in.Digest) != 71 || in.Bytes == 0 || in.Rows == 0 || in.Role == "" {
					t.Errorf("input %+v is not complete", in)
				}
			}
		})
	}
}

// The order of rows does not matter where there are ids.
func TestPermutedRows(t *testing.T) {
	dir := t.TempDir()
	lines := strings.SplitAfter(longCSV, "\n")
	head, rows := lines[0], lines[1:len(lines)-1]
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		table := mustImport(t, Request{Sources: []string{write(t, dir, "p.csv", head+strings.Join(rows, ""))}})
		if got := show(table); got != longWant {
			t.Fatalf("rows %q:\ngot\n%swant\n%s", rows, got, longWant)
		}
	}
}

// Joining by id counts what is missing, unknown or repeated.
func TestJoinReport(t *testing.T) {
	dir := t.TempDir()
	labels := write(t, dir, "l.csv", "id,label\n1,0\n2,1\n3,0\n4,1\n1,0\n")
	a := write(t, dir, "a.csv", "id,pred\n4,1\n3,0\n2,1\n1,0\n9,0\n8,0\n")
	b := write(t, dir, "b.csv", "id,pred\n1,1\n2,1\n2,1\n4,0\n")
	attr := write(t, dir, "attr.csv", "id,sex\n2,f\n77,m\n")
	table := mustImport(t, Request{Labels: labels, Baseline: Spec{Name: "dense", Files: []string{a}}, Candidates: []Spec{{Name: "int8", Files: []string{b}}}, Attributes: []string{attr}})
	want := prediction.JoinReport{Examples: 3, Missing: 1, Unknown: 3, Duplicated: 2, Details: []prediction.JoinProblem{
		{Source: a, What: "unknown", Rows: 2, Examples: []string{"9", "8"}},
		{Source: attr, What: "unknown", Rows: 1, Examples: []string{"77"}},
		{Source: b, What: "duplicated", Rows: 1, Examples: []string{"2"}},
		{Source: b + ", model b", What: "missing", Rows: 1, Examples: []string{"3"}},
		{Source: labels, What: "duplicated", Rows: 1},
	}}
	if !reflect.DeepEqual(table.Join, want) {
		t.Errorf("got  %+v\nwant %+v", table.Join, want)
	}
	if notes := strings.Join(table.Notes, "\n"); !strings.Contains(notes, attr+" has no row for 3 of 4 examples") {
		t.Errorf("the notes %q do not say that attributes are missing", notes)
	}
	if got, want := show(table), "classes [0 1]\n1 0 sex=?\n2 1 sex=f\n4 1 sex=?\ndense dense\n a: 0 1 1\nint8 quantized 8\n b: 1 1 0\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// Arrays follow the rows of the labels, whatever the order of their ids.
func TestArraysFollowLabels(t *testing.T) {
	dir := t.TempDir()
	labels := write(t, dir, "l.csv", "id,label\nz,0\na,1\n")
	a := write(t, dir, "a.json", "[0,1]")
	b := write(t, dir, "b.csv", "id,pred\na,0\nz,1\n")
	table := mustImport(t, Request{Labels: labels, Baseline: Spec{Name: "dense", Files: []string{a}}, Candidates: []Spec{{Name: "int8", Files: []string{b}}}})
	if got, want := show(table), "classes [0 1]\nz 0\na 1\ndense dense\n a: 0 1\nint8 quantized 8\n b: 1 0\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if notes := strings.Join(table.Notes, "\n"); !strings.Contains(notes, "by position") {
		t.Errorf("the notes %q do not say that rows were joined by position", notes)
	}
	if !table.Join.ByPosition {
		t.Error("the report does not say that rows were joined by position")
	}
}

// What Write stores, Import reads as it was.
func TestStoredDirectory(t *testing.T) {
	dir := t.TempDir()
	table := mustImport(t, Request{Sources: []string{write(t, dir, "p.csv", longCSV)}})
	stored := filepath.Join(dir, "stored")
	if err := prediction.Write(stored, table, prediction.DefaultWriteOptions()); err != nil {
		t.Fatal(err)
	}
	again := mustImport(t, Request{Sources: []string{stored}})
	if !reflect.DeepEqual(again, table) {
		t.Errorf("got  %+v\nwant %+v", again, table)
	}
	turned := mustImport(t, Request{Sources: []string{stored}, Baseline: Spec{Name: "baseline", Unnamed: true, Files: []string{"int8"}}})
	if turned.Variants[0].Name != "int8" || turned.Variants[1].Name != "dense" {
		t.Errorf("variants %v, want int8 first", turned.Variants)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Import(ctx, Request{Sources: []string{write(t, t.TempDir(), "p.csv", longCSV)}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestParseSpec(t *testing.T) {
	got, err := ParseSpec(" int8 = a.npy, b.npy#x ,", "f")
	if want := (Spec{Name: "int8", Files: []string{"a.npy", "b.npy#x"}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	got, err = ParseSpec("a.npy", "baseline")
	if want := (Spec{Name: "baseline", Unnamed: true, Files: []string{"a.npy"}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{"=a", "x=", "x=,", ""} {
		if got, err := ParseSpec(bad, ""); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, got)
		}
	}
}
