package importer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/internal/realdata"
	"github.com/lethe-audit/lethe/prediction"
)

func askedTable(ids bool) *prediction.Table {
	t := &prediction.Table{Classes: []string{"cat", "dog", "owl"}, Labels: prediction.NewColumn(4, 3)}
	if ids {
		t.IDs = []dataset.ExampleID{"a.png", "b.png", "c.png", "d.png"}
	}
	return t
}

// TestPeopleForms: the same labels in every form give the same votes.
func TestPeopleForms(t *testing.T) {
	counts := []int32{5, 0, 1, 0, 0, 0, 2, 2, 0, 0, 7, 0}
	want := [][]prediction.Vote{{{Class: 0, People: 5}, {Class: 2, People: 1}}, nil, {{Class: 0, People: 2}, {Class: 1, People: 2}}, {{Class: 1, People: 7}}}
	var judged strings.Builder
	judged.WriteString("image,annotator,human label\n")
	for i, n := range counts {
		for k := range n {
			fmt.Fprintf(&judged, "%c.png,%d,%s\n", 'a'+i/3, k, []string{"cat", "1", "owl"}[i%3])
		}
	}
	for name, c := range map[string]struct {
		file, content string
		noted         string
	}{
		"npy":             {"c.npy", string(npyBytes("<i4", false, "(4, 3)", counts)), "has no ids"},
		"npy of floats":   {"f.npy", string(npyBytes("<f8", false, "(4, 3)", []float64{5, 0, 1, 0, 0, 0, 2, 2, 0, 0, 7, 0})), "has no ids"},
		"json":            {"c.json", "[[5,0,1],[0,0,0],[2,2,0],[0,7,0]]", "has no ids"},
		"wide by name":    {"w.csv", "id,dog,cat,owl,seconds\nd.png,7,,0,4\na.png,0,5,1,3\nc.png,2,2,0,9\n", "labels for 3 of 4"},
		"wide by number":  {"n.csv", "filename,0,1,2\na.png,5,0,1\nc.png,2,2,0\nd.png,0,7,0\nzzz,1,1,1\n", `1 rows are of ids that no example has, the first "zzz"`},
		"wide by place":   {"p.csv", "cat,dog,owl\n5,0,1\n0,0,0\n2,2,0\n0,7,0\n", "has no ids"},
		"one a judgement": {"j.csv", judged.String(), "labels for 3 of 4"},
		"counted":         {"k.tsv", "id\tlabel\tcount\na.png\tcat\t4\na.png\towl\t1\na.png\tcat\t1\nc.png\tcat\t2\nc.png\tdog\t2\nd.png\tdog\t7\n", "labels for 3 of 4"},
	} {
		t.Run(name, func(t *testing.T) {
			file := write(t, t.TempDir(), c.file, c.content)
			table := askedTable(true)
			if err := AddPeople(context.Background(), table, file); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(table.People.Votes, want) || table.People.Source != file {
				t.Errorf("votes %v, want %v", table.People.Votes, want)
			}
			if notes := strings.Join(table.Notes, "\n"); !strings.Contains(notes, c.noted) {
				t.Errorf("notes %q, want one with %q", notes, c.noted)
			}
			if n := len(table.Inputs); n != 1 || table.Inputs[0].Role != "labels by people" || table.Inputs[0].Digest == "" {
				t.Errorf("inputs %+v", table.Inputs)
			}
			if err := table.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
	table := askedTable(false) // without ids of its own the ids are row numbers
	if err := AddPeople(context.Background(), table, write(t, t.TempDir(), "r.csv", "index,label\n2,dog\n2,dog\n")); err != nil {
		t.Fatal(err)
	}
	if got := table.People.Votes[2]; !reflect.DeepEqual(got, []prediction.Vote{{Class: 1, People: 2}}) {
		t.Errorf("votes of row 2 are %v", got)
	}
}

func TestPeopleRefused(t *testing.T) {
	for name, c := range map[string]struct{ file, content, want string }{
		"rows":       {"c.json", "[[5,0,1],[0,0,0]]", "c.json: want 4 rows, as there are examples, because there are no ids to join by, got 2"},
		"classes":    {"c.json", "[[5,0],[0,0],[1,1],[1,1]]", "c.json: want 3 columns, one for each class, got 2"},
		"shares":     {"p.npy", string(npyBytes("<f8", false, "(4, 3)", []float64{1, 0, 0, 1, 0, 0, 0.5, 0.5, 0, 0, 1, 0})), "p.npy: row 3: column 0: want a count of people, a whole number from 0, got 0.5 (shares do not say how many were asked)"},
		"negative":   {"w.csv", "id,cat,dog\na.png,1,0\nb.png,-1,2\n", "w.csv:3: column cat: want a count of people, a whole number from 0, got -1"},
		"text":       {"w.csv", "id,cat,dog\na.png,one,0\n", "w.csv:2: column cat: want a count of people, a whole number from 0, got one"},
		"twice":      {"w.csv", "id,cat,dog\na.png,1,0\na.png,1,0\n", `w.csv:3: want one row of counts for an example, got another one of "a.png"`},
		"class":      {"j.csv", "id,label\na.png,fox\n", `j.csv:2: column label: want a class: a name, or a number from 0 to 2, got "fox"`},
		"no id":      {"j.csv", "id,label\n,cat\n", "j.csv:2: column id: want an id, got nothing"},
		"other ids":  {"j.csv", "id,label\n7,cat\n8,cat\n", `j.csv: want labels of at least one of the examples, got 2 rows of other ids, the first "7"; ids of the examples are like "a.png"`},
		"nobody":     {"w.csv", "cat,dog\n0,0\n0,0\n0,0\n0,0\n", "w.csv: want labels of at least one of the examples, got none"},
		"no labels":  {"x.csv", "id,age\na.png,3\n", "x.csv: want an array of counts with a column for each class"},
		"one column": {"x.csv", "id,cat\na.png,3\n", "x.csv: want an array of counts with a column for each class"},
		"empty":      {"e.csv", "", "e.csv: want predictions or labels, got an empty file"},
		"too many":   {"k.csv", "id,label,n\na.png,cat,1e9\na.png,cat,1e9\n", "k.csv:3: want a possible count of people, got more than 2^30 for one example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, ".", c.file, c.content)
			table := askedTable(true)
			err := AddPeople(context.Background(), table, c.file)
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if table.People != nil || table.Notes != nil {
				t.Error("a refused file left something behind")
			}
		})
	}
	if err := AddPeople(context.Background(), askedTable(true), "missing.csv"); err == nil {
		t.Error("a missing file is accepted")
	}
}

// TestCIFAR10H: 511,000 judgements of 10,000 images, 47 to 63 an image; the
// label that most people gave is the data set's for 99.21 % (SOURCES.md, and
// numpy: counts.sum(), counts.argmax(1)).
func TestCIFAR10H(t *testing.T) {
	file := realdata.Path(t, "cifar10h", "cifar10h-counts.npy")
	labels, err := os.ReadFile(realdata.Path(t, "cifar10", "labels.u8"))
	if err != nil {
		t.Fatal(err)
	}
	table := &prediction.Table{Labels: prediction.NewColumn(10000, 10)}
	for c := range 10 {
		table.Classes = append(table.Classes, fmt.Sprint(c))
	}
	for i, c := range labels[50000:] {
		table.Labels.Set(i, int(c))
	}
	if err := AddPeople(context.Background(), table, file); err != nil {
		t.Fatal(err)
	}
	sum, same, least, most := 0, 0, 1000, 0
	for i, votes := range table.People.Votes {
		n := 0
		for _, v := range votes {
			n += int(v.People)
		}
		sum, least, most = sum+n, min(least, n), max(most, n)
		if int(votes[0].Class) == table.Labels.At(i) {
			same++
		}
	}
	if same != 9921 || least != 47 || most != 63 || sum != 511000 {
		t.Errorf("%d judgements, %d to %d an image, %d majorities are the label", sum, least, most, same)
	}
	if err := AddPeople(context.Background(), table, filepath.Join(filepath.Dir(file), "cifar10h-probs.npy")); err == nil || !strings.Contains(err.Error(), "shares do not say") {
		t.Errorf("shares of people give %v", err)
	}
}

// FuzzPeople: no file makes the reader panic, and what it accepts is a valid
// table.
func FuzzPeople(f *testing.F) {
	f.Add([]byte("id,cat,dog\na.png,1,0\n"))
	f.Add([]byte("id,label,count\na.png,1,3\n"))
	f.Add([]byte("[[5,0,1],[0,0,0],[2,2,0],[0,7,0]]"))
	f.Add(npyBytes("<i4", false, "(4, 3)", []int32{5, 0, 1, 0, 0, 0, 2, 2, 0, 0, 7, 0}))
	f.Fuzz(func(t *testing.T, b []byte) {
		file := filepath.Join(t.TempDir(), "people")
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
		table := askedTable(true)
		if err := AddPeople(context.Background(), table, file); err != nil {
			return
		}
		if err := table.Validate(); err != nil {
			t.Error(err)
		}
	})
}
