package csvlist

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/datasettest"
	"github.com/lethe-audit/lethe/internal/realdata"
)

const small = "path,label,split,sex,age\na.png,cat,test,f,9\nb/b.png,dog,test,m,10\nc.png,ant,val,f,\nd.png,cat,test,,31\n"

// folder holds list.csv with that text and pictures a.png, b/b.png, c.png.
func folder(t *testing.T, text string) string {
	t.Helper()
	files := map[string][]byte{"list.csv": []byte(text)}
	for i, n := range []string{"a.png", "b/b.png", "c.png"} {
		files[n] = datasettest.PNG(t, 6, 7, uint8(i))
	}
	return datasettest.Write(t, t.TempDir(), files)
}

func request(dir string, options ...string) dataset.Request {
	r := dataset.Request{Path: filepath.Join(dir, "list.csv"), Options: map[string]string{}}
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		r.Options[name] = value
	}
	return r
}

// describe is all that a data set says.
func describe(d dataset.Dataset) string {
	out := strings.Join(d.Classes(), "|")
	for _, a := range d.Attributes() {
		out += fmt.Sprintf("; %s %s", a.Name, strings.Join(a.Values, "|"))
	}
	for i := range d.Len() {
		e := d.Example(i)
		out += fmt.Sprintf("; %s=%d%v", e.ID, e.Label, e.Attributes)
	}
	return out
}

func TestSuite(t *testing.T) {
	dir := folder(t, small)
	datasettest.Run(t, 3, []dataset.ExampleID{"d.png"}, func(t *testing.T) dataset.Dataset {
		d, err := open(t.Context(), request(dir))
		if err != nil {
			t.Fatal(err)
		}
		return d
	})
}

func TestColumns(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		options []string
		split   dataset.Split
		want    string
	}{
		// Values of age are in the order of numbers; ant is a class though no
		// test image has it.
		"usual names":        {small, nil, "", "ant|cat|dog; sex f|m; age 9|10|31; a.png=1[0 0]; b/b.png=2[1 1]; d.png=1[-1 2]"},
		"another split":      {small, nil, dataset.SplitValidation, "ant|cat|dog; sex f|m; age 9|10|31; c.png=0[0 -1]"},
		"chosen attributes":  {small, []string{"attributes=age"}, "", "ant|cat|dog; age 9|10|31; a.png=1[0]; b/b.png=2[1]; d.png=1[2]"},
		"bands":              {small, []string{"attributes=age", "bands=age:10,30"}, "", "ant|cat|dog; age <10|10-29|30+; a.png=1[0]; b/b.png=2[1]; d.png=1[2]"},
		"bands, fractions":   {small, []string{"attributes=age", "bands=age:9.5,10.5"}, "", "ant|cat|dog; age <9.5|9.5 to <10.5|10.5+; a.png=1[0]; b/b.png=2[1]; d.png=1[2]"},
		"drawn test split":   {"path,label\na.png,0\nc.png,1\nd.png,1\n", []string{"test-share=0.5"}, "", "0|1; a.png=0[]; c.png=1[]"},
		"drawn train split":  {"path,label\na.png,0\nc.png,1\nd.png,1\n", []string{"test-share=0.5"}, dataset.SplitTrain, "0|1; d.png=1[]"},
		"bands of text":      {small, []string{"bands=sex:1"}, "", "line 2: column sex: \"f\" is no number"},
		"bands fall":         {small, []string{"bands=age:3,2"}, "", "the cuts do not rise at 2"},
		"bands of nothing":   {small, []string{"bands=aeg:3"}, "", "did you mean age? (there are: path, label, split, sex, age)"},
		"bands of the label": {small, []string{"label=age", "bands=age:3"}, "", "column age is no attribute"},
		"two kinds of split": {small, []string{"test-share=0.5"}, "", "the table has a column of splits"},
		"no attributes":      {small, []string{"attributes=none"}, "", "ant|cat|dog; a.png=1[]; b/b.png=2[]; d.png=1[]"},
		"other label":        {small, []string{"label=sex", "attributes=none"}, dataset.SplitValidation, "line 5: no path or no label"},
		"numbers":            {"file,y\na.png,2\nc.png,0\n", nil, "", "0|1|2; a.png=2[]; c.png=0[]"},
		"numbers and names":  {"file,y\na.png,2\nc.png,0\n", []string{"classes=NAMES"}, "", "zero|one|two|three; a.png=2[]; c.png=0[]"},
		"names in order":     {"file,y\na.png,two\nc.png,one\n", []string{"classes=NAMES"}, "", "zero|one|two|three; a.png=2[]; c.png=1[]"},
		"ids":                {"id,Path,LABEL\nx1,a.png,a\nx2,a.png,b\n", nil, "", "a|b; x1=0[]; x2=1[]"},
		"leading zeros":      {"path,label\na.png,01\nc.png,1\n", nil, "", "01|1; a.png=0[]; c.png=1[]"},
		"tabs":               {"path\tlabel\na.png\tx, y\n", nil, "", "x, y; a.png=0[]"},
		"byte order mark":    {"\xef\xbb\xbfpath,label\r\na.png,x\r\n", nil, "", "x; a.png=0[]"},
		"quotes":             {"path,label\n\"a.png\",\"x, \"\"y\"\"\"\n", nil, "", `x, "y"; a.png=0[]`},
		"splits by any name": {"path,label,fold\na.png,x,f1\nc.png,y,f2\n", []string{"split-column=fold"}, "f2", "x|y; c.png=1[]"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, c.text)
			names := filepath.Join(dir, "names.txt")
			if err := os.WriteFile(names, []byte("zero\none\n\ntwo\nthree\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			r := request(dir, c.options...)
			r.Split = c.split
			if r.Options["classes"] != "" {
				r.Options["classes"] = names
			}
			got := ""
			if d, err := open(t.Context(), r); err != nil {
				got = err.Error()
			} else {
				got = describe(d)
			}
			if !strings.HasSuffix(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestRoot(t *testing.T) {
	dir := datasettest.Write(t, t.TempDir(), map[string][]byte{"lists/list.csv": []byte("path,label\na.png,x\n"), "images/a.png": datasettest.PNG(t, 2, 2, 1)})
	for _, root := range []string{"../images", filepath.Join(dir, "images")} {
		d, err := open(t.Context(), request(filepath.Join(dir, "lists"), "root="+root))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Image(t.Context(), 0); err != nil {
			t.Errorf("root=%s: %v", root, err)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		options []string
		split   dataset.Split
		want    string
	}{
		"empty":               {"", nil, "", "the file is empty"},
		"no rows":             {"path,label\n", nil, "", "no rows"},
		"no label column":     {"path,kind\na,b\n", nil, "", "columns path, kind: which are the paths and the labels?"},
		"misspelled column":   {"path,label,gender\na,b,c\n", []string{"attributes=gendre"}, "", "did you mean gender?"},
		"a column twice":      {"path,label,a,a\na,b,c,d\n", nil, "", `column "a" is there twice`},
		"a short row":         {"path,label\na\n", nil, "", "line 2: wrong number of fields"},
		"an id twice":         {"path,label\na,x\nb,x\na,y\n", nil, "", `rows 1 and 3 have the same id "a"`},
		"no path":             {"path,label\n,x\n", nil, "", "line 2: no path or no label"},
		"a class not listed":  {"path,label\na,x\nb,nine\n", []string{"classes=NAMES"}, "", `line 2: class "x" is none of the 2`},
		"a number not listed": {"path,label\na,1\nb,2\n", []string{"classes=NAMES"}, "", `line 3: class "2" is none of the 2`},
		"no such split":       {small, nil, dataset.SplitTrain, "split train (there are: [test validation])"},
		"no splits":           {"path,label\na,x\n", nil, dataset.SplitTest, "no column of splits"},
		"an open quote":       {"path,label\n\"a,x\n", nil, "", `extraneous or missing "`},
	} {
		dir := folder(t, c.text)
		names := filepath.Join(dir, "names.txt")
		if err := os.WriteFile(names, []byte("zero\none\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		r := request(dir, c.options...)
		r.Split = c.split
		if r.Options["classes"] != "" {
			r.Options["classes"] = names
		}
		_, err := open(t.Context(), r)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "list.csv") {
			t.Errorf("%s: error %v, want one with list.csv and %q", name, err, c.want)
		}
	}
}

func TestManyValues(t *testing.T) {
	var b strings.Builder
	b.WriteString("path,label,n\n")
	for i := range 100 {
		fmt.Fprintf(&b, "%d.png,x,%d\n", i, i)
	}
	dir := folder(t, b.String())
	d, err := open(t.Context(), request(dir))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Attributes()) != 0 || !slices.Contains(dataset.NotesOf(d), "column n has more than 64 values: no attribute unless attributes=n") {
		t.Errorf("attributes %v, notes %q", d.Attributes(), dataset.NotesOf(d))
	}
	if d, err = open(t.Context(), request(dir, "attributes=n")); err != nil || len(d.Attributes()[0].Values) != 100 {
		t.Errorf("asked for by name: error %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(small)
	f.Add("path\tlabel\n\"a\tb\n")
	f.Add("\xef\xbb\xbfimage,y,id\na,1,2\n")
	f.Fuzz(func(t *testing.T, text string) {
		tab, err := parse(t.Context(), strings.NewReader(text), map[string]string{})
		if err != nil {
			return
		}
		set := dataset.FileSet{Name: "list"}
		labels, err := tab.classes("", &set)
		if err != nil {
			t.Fatalf("labels of a table that was read: %v", err)
		}
		for _, code := range tab.label.codes {
			if int(labels[code]) >= len(set.Classes) {
				t.Fatalf("class %d of %d", labels[code], len(set.Classes))
			}
		}
		for _, g := range tab.groups {
			g.sort()
			if len(g.codes) != len(tab.paths) || slices.IndexFunc(g.codes, func(c int32) bool { return c < dataset.Missing || int(c) >= len(g.values) }) >= 0 {
				t.Fatalf("column %s: %d values, codes %v", g.name, len(g.values), g.codes)
			}
		}
	})
}

// TestReal reads real photographs by a list of their names, which carry age,
// gender and race: AGE_GENDER_RACE_DATE.jpg.
func TestReal(t *testing.T) {
	root := realdata.Path(t, "utkface48", "originals")
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("image,gender,race\n")
	n := 0
	for _, e := range entries {
		if part := strings.Split(e.Name(), "_"); dataset.IsImageFile(e.Name()) && len(part) == 4 {
			fmt.Fprintf(&b, "%s,%s,%s\n", e.Name(), part[1], part[2])
			n++
		}
	}
	dir := datasettest.Write(t, t.TempDir(), map[string][]byte{"list.csv": []byte(b.String())})
	get := func(t *testing.T) dataset.Dataset {
		d, err := open(t.Context(), request(dir, "label=gender", "root="+root))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	datasettest.Run(t, 1000, nil, get)
	if d := get(t); d.Len() != n || n < 90 || len(d.Classes()) != 2 || d.Attributes()[0].Name != "race" {
		t.Errorf("%d of %d examples, classes %v, attributes %v", d.Len(), n, d.Classes(), d.Attributes())
	}
}
