package mark

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
)

// classes have names that have to be escaped everywhere.
var classes = []string{"cat", "<script>alert(1)</script>", `polar "bear" & co`, "../../etc", "examples.csv"}

// picture is an image that differs by id, grey for some.
func picture(id dataset.ExampleID) *dataset.Image {
	im := dataset.NewImage(4, 3, 1+2*(len(id)%2))
	for i := range im.Pix {
		im.Pix[i] = byte(17*i + int(id[0]))
	}
	return im
}

// example is an export of marks with awkward ids; "gone" has no image, "unknown"
// is not in the audit.
func example() *Export {
	e := &Export{Classes: classes, Baseline: "dense"}
	for i, id := range []string{"test/00001", "test/00002.png", "../../etc/passwd", "a", "A", "gone", "unknown", "\"<b>\n", "x.jpg", "x.png", strings.Repeat("long/", 300), "con"} {
		m := Mark{ID: dataset.ExampleID(id), Variant: "sparse-0.9", Verdict: Confirmed, By: "ann", At: at(i)}
		switch i % 6 {
		case 1:
			m.Verdict, m.Note = Mislabelled, "two \"cats\",\nor <b>none</b>"
		case 5:
			m.Verdict, m.Note = None, "note"
		}
		e.Marks = append(e.Marks, m)
	}
	e.Facts = func(m Mark) (Facts, bool) {
		if m.ID == "unknown" {
			return Facts{}, false
		}
		c := len(m.ID) % len(classes)
		if m.ID == "a" { // without a variant
			return Facts{Truth: classes[c], Base: classes[c], BaseVotes: 29, BaseK: 30}, true
		}
		return Facts{Truth: classes[c], Base: classes[c], Label: classes[(c+1)%len(classes)], BaseVotes: 29, BaseK: 30, Votes: 4, K: 30, Flip: "right_to_wrong", PIE: true}, true
	}
	e.Image = func(_ context.Context, id dataset.ExampleID) (*dataset.Image, error) {
		if id == "gone" {
			return nil, &dataset.BadImage{ID: id, Err: fs.ErrNotExist}
		}
		return picture(id), nil
	}
	return e
}

// unpack is what a zip file holds, by name.
func unpack(t *testing.T, b []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		c, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := out[f.Name]; twice {
			t.Errorf("%s is there twice", f.Name)
		}
		out[f.Name] = c
	}
	return out
}

// TestFolders: what all exports with images share. Zip file and folder hold the
// same, no name leaves the folder, every image has its pixels, what is missing
// is said.
func TestFolders(t *testing.T) {
	for _, f := range Formats() {
		if !f.NeedsImages() {
			continue
		}
		e := example()
		e.Verdicts = append(Verdicts(), None)
		var z, again bytes.Buffer
		s, err := e.Write(t.Context(), &z, f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Write(t.Context(), &again, f); err != nil || !bytes.Equal(z.Bytes(), again.Bytes()) {
			t.Errorf("%s: another run gives other bytes: %v", f, err)
		}
		// The folder's name is in Label Studio's tasks: give it the zip file's.
		dir := filepath.Join(t.TempDir(), f.root())
		d, err := e.Dir(t.Context(), dir, f, false)
		if err != nil || !reflect.DeepEqual(s, d) {
			t.Errorf("%s: folder %+v, zip file %+v: %v", f, d, s, err)
		}
		want := Summary{Marks: 11, Images: 11, Missing: []dataset.ExampleID{"gone"}}
		if f == Folder {
			want.Marks, want.Images, want.NoTruth = 10, 10, []dataset.ExampleID{"unknown"}
		}
		if !reflect.DeepEqual(s, want) {
			t.Errorf("%s: %+v, want %+v", f, s, want)
		}
		images, lower := 0, map[string]bool{}
		for name, b := range unpack(t, z.Bytes()) {
			if lower[strings.ToLower(name)] {
				t.Errorf("%s: %q differs from another by case only", f, name)
			}
			lower[strings.ToLower(name)] = true
			inside, ok := strings.CutPrefix(name, f.root()+"/")
			if !ok || !fs.ValidPath(inside) || len(filepath.Base(inside)) > 120 || strings.ContainsAny(inside, "<>:\"\\|?*\n") {
				t.Errorf("%s: name %q", f, name)
			}
			if disk, err := os.ReadFile(filepath.Join(dir, inside)); err != nil || !bytes.Equal(disk, b) {
				t.Errorf("%s: %s differs in the folder: %v", f, inside, err)
			}
			if strings.HasSuffix(name, ".png") {
				images++
				if m, err := png.Decode(bytes.NewReader(b)); err != nil || m.Bounds().Dx() != 4 || m.Bounds().Dy() != 3 {
					t.Errorf("%s: %s: %v", f, name, err)
				}
			}
		}
		if images != want.Images {
			t.Errorf("%s: %d images, want %d", f, images, want.Images)
		}
		if b, err := os.ReadFile(filepath.Join(dir, "missing.txt")); err != nil || string(b) != "\"gone\"\n" {
			t.Errorf("%s: missing.txt %q, %v", f, b, err)
		}
		if _, err := e.Dir(t.Context(), dir, f, false); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: over another folder: %v", f, err)
		}
		if _, err := e.Dir(t.Context(), dir, f, true); err != nil {
			t.Errorf("%s: in place of another folder: %v", f, err)
		}
	}
}

func TestPixels(t *testing.T) {
	for _, id := range []dataset.ExampleID{"ab", "abc"} { // grey and colour
		im := picture(id)
		b, err := encodePNG(im)
		if err != nil {
			t.Fatal(err)
		}
		back, err := dataset.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back.RGB(), im.RGB()) {
			t.Errorf("%d channels: %v, want %v", im.Channels, back, im)
		}
	}
}

// TestRegressionSet: unless verdicts are chosen, a folder of classes has what
// was confirmed, and its table names files, classes and ids.
func TestRegressionSet(t *testing.T) {
	e := example()
	dir := filepath.Join(t.TempDir(), "set")
	s, err := e.Dir(t.Context(), dir, Folder, false)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "examples.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, m := range e.Marks {
		if m.Verdict == Confirmed && m.ID != "gone" && m.ID != "unknown" {
			want = append(want, string(m.ID))
		}
	}
	var got []string
	for _, row := range rows[1:] {
		got = append(got, row[2])
		b, err := os.ReadFile(filepath.Join(dir, row[0]))
		if err != nil {
			t.Error(err)
			continue
		}
		im, err := dataset.Decode(b)
		if facts, _ := e.Facts(Mark{ID: dataset.ExampleID(row[2])}); err != nil || row[1] != facts.Truth || !reflect.DeepEqual(im.RGB(), picture(dataset.ExampleID(row[2])).RGB()) {
			t.Errorf("%q: class %q, image of another example or damaged: %v", row[2], row[1], err)
		}
	}
	if !slices.Equal(got, want) || s.Marks != len(want) {
		t.Errorf("ids %q, want %q", got, want)
	}
}

func TestRows(t *testing.T) {
	e := example()
	var c, l bytes.Buffer
	if s, err := e.Write(t.Context(), &c, CSV); err != nil || s.Marks != len(e.Marks) {
		t.Fatalf("%+v %v", s, err)
	}
	if _, err := e.Write(t.Context(), &l, JSONL); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&c).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var keys []string // JSON Lines have the CSV's columns as keys, in order
	for _, name := range columns() {
		keys = append(keys, fmt.Sprintf("%q:", name))
	}
	for i, line := range strings.Split(strings.TrimSuffix(l.String(), "\n"), "\n") {
		at := 0
		for _, k := range keys {
			n := strings.Index(line[at:], k)
			if n < 0 {
				t.Fatalf("line %d: no %s after byte %d: %s", i, k, at, line)
			}
			at += n
		}
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		if len(v) != len(keys) || len(rows[i+1]) != len(keys) {
			t.Errorf("line %d has %d keys, row %d cells", i, len(v), len(rows[i+1]))
		}
		for k, name := range columns() {
			want := rows[i+1][k]
			got := ""
			if v[name] != nil {
				got = fmt.Sprint(v[name])
			}
			if got != want {
				t.Errorf("line %d: %s is %q, the row has %q", i, name, got, want)
			}
		}
		known := e.Marks[i].ID != "unknown"
		if (v["truth"] != nil) != known || (v["pie"] != nil) != (known && e.Marks[i].ID != "a") {
			t.Errorf("line %d: truth %v, pie %v", i, v["truth"], v["pie"])
		}
	}
	e.Verdicts = []Verdict{Mislabelled}
	if s, err := e.Write(t.Context(), io.Discard, CSV); err != nil || s.Marks != 2 {
		t.Errorf("mislabelled: %+v %v", s, err)
	}
}

func TestExportErrors(t *testing.T) {
	e := example()
	e.Image = nil
	if _, err := e.Write(t.Context(), io.Discard, FiftyOne); !errors.Is(err, ErrNoImages) {
		t.Errorf("no images: %v", err)
	}
	e = example()
	boom := errors.New("boom")
	e.Image = func(context.Context, dataset.ExampleID) (*dataset.Image, error) { return nil, boom }
	dir := filepath.Join(t.TempDir(), "x")
	if _, err := e.Dir(t.Context(), dir, FiftyOne, false); !errors.Is(err, boom) || !strings.Contains(err.Error(), "test/00001") {
		t.Errorf("a source that fails: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error("half an export stays")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := example().Write(ctx, io.Discard, LabelStudio); !errors.Is(err, context.Canceled) {
		t.Errorf("after the client has gone: %v", err)
	}
	if _, err := ParseFormat("xml"); err == nil || !strings.Contains(err.Error(), "fiftyone, labelstudio") {
		t.Errorf("unknown format: %v", err)
	}
}

// TestNames: file names differ where ids do, whatever the ids are.
func TestNames(t *testing.T) {
	n := newNamer()
	seen := map[string]string{}
	ids := []string{"a", "A", "a.png", "a.jpg", "a.JPG", "a.bmp", "a b", "a/b", "a_b", "..", ".", "", " ", "a.", "con", "CON", "com1.txt", "é", "e", "名前", strings.Repeat("x", 500), strings.Repeat("x", 501)}
	for _, id := range ids {
		name := strings.ToLower(n.image(id))
		if other, ok := seen[name]; ok {
			t.Errorf("%q and %q are both called %s", id, other, name)
		}
		seen[name] = id
		if !fs.ValidPath(name) || strings.Contains(name, "/") || strings.HasPrefix(name, ".") || len(name) > 110 {
			t.Errorf("%q is called %q", id, name)
		}
	}
	if got := newNamer().image("test 00001"); got != "test 00001.png" {
		t.Errorf("a plain id is called %q", got)
	}
}

// TestReadBack reads the exports with another program (python3's json, csv,
// zipfile and xml) and holds them against the fields that the formats' own
// documentation demands.
func TestReadBack(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	dir := t.TempDir()
	for _, f := range Formats() {
		w, err := os.Create(filepath.Join(dir, f.FileName()))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := example().Write(t.Context(), w, f); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(python, filepath.Join("testdata", "readback.py"), dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := "csv 12 jsonl 12 fiftyone 11 labelstudio 11 folder 7\n"; string(out) != want {
		t.Errorf("read back %q, want %q", out, want)
	}
}
