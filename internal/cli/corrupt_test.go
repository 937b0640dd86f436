package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset/datasettest"
)

// pets is a folder of three pictures of two classes.
func pets(t *testing.T) string {
	t.Helper()
	return datasettest.Write(t, t.TempDir(), map[string][]byte{
		"pets/cat/a.png": datasettest.PNG(t, 24, 20, 10), "pets/cat/b.png": datasettest.PNG(t, 24, 20, 60),
		"pets/dog/c.png": datasettest.PNG(t, 24, 20, 200),
	})
}

func TestCorrupt(t *testing.T) {
	dir := pets(t)
	command := []string{"corrupt", "imagefolder:pets", "--as", "fog:3,jpeg_compression", "-o", "out"}
	code, stdout, stderr := run(t, dir, command...)
	if code != ExitOK || stdout != "18 images of pets by fog:3,jpeg_compression in out\n" {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	file := filepath.Join(dir, "out/fog/3/cat/cat_a.png.png")
	first, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// What is there stays as it is, what is not there is made as it was.
	kept := filepath.Join(dir, "out/jpeg_compression/5/dog/dog_c.png.png")
	if err := os.WriteFile(kept, []byte("kept"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	must(t, dir, command...)
	if again, err := os.ReadFile(file); err != nil || !bytes.Equal(again, first) {
		t.Errorf("made again, the image differs: %v", err)
	}
	if b, err := os.ReadFile(kept); err != nil || string(b) != "kept" {
		t.Errorf("an image that was there was written again: %v", err)
	}
	code, stdout, _ = run(t, dir, "data", "check", "imagefolder:out/fog/3")
	if code != ExitOK || !strings.Contains(stdout, "classes: cat 2, dog 1") {
		t.Errorf("exit code %d: %s", code, stdout)
	}
	must(t, dir, "corrupt", "imagefolder:pets", "--as", "fog:3", "--seed", "2", "-o", "other")
	other, err := os.ReadFile(filepath.Join(dir, "other/fog/3/cat/cat_a.png.png"))
	if err != nil || bytes.Equal(other, first) {
		t.Errorf("another seed gives the same image (%v)", err)
	}
}

// TestCorruptArrays writes the files of CIFAR-10-C.
func TestCorruptArrays(t *testing.T) {
	dir := pets(t)
	must(t, dir, "corrupt", "imagefolder:pets", "--as", "contrast,brightness", "--format", "npy", "-o", "npy")
	labels, err := os.ReadFile(filepath.Join(dir, "npy/labels.npy"))
	if err != nil {
		t.Fatal(err)
	}
	want := "\x93NUMPY\x01\x00\x76\x00{'descr': '|u1', 'fortran_order': False, 'shape': (15,), }"
	if !bytes.HasPrefix(labels, []byte(want)) || len(labels) != 128+15 || !bytes.Equal(labels[128:], bytes.Repeat([]byte{0, 0, 1}, 5)) {
		t.Errorf("labels.npy: %q", labels)
	}
	for _, name := range []string{"contrast", "brightness"} {
		b, err := os.ReadFile(filepath.Join(dir, "npy", name+".npy"))
		if err != nil || !bytes.Contains(b[:128], []byte("'shape': (15, 20, 24, 3), }")) || len(b) != 128+15*20*24*3 || b[127] != '\n' {
			t.Errorf("%s.npy: %d bytes, header %q, %v", name, len(b), b[:128], err)
		}
	}
}

func TestCorruptBadInput(t *testing.T) {
	dir := pets(t)
	must(t, dir, "corrupt", "imagefolder:pets", "--as", "fog:1", "-o", "out")
	for _, c := range []struct{ args, want string }{
		{"corrupt imagefolder:pets --as motion_blurr:1 -o bad", "did you mean motion_blur?"},
		{"corrupt imagefolder:pets --as fog:6 -o bad", "severity 6 of fog: want 1 (least) to 5"},
		{"corrupt imagefolder:pets --as fog:x -o bad", `severity "x" of fog: want 1 (least) to 5`},
		{"corrupt imagefolder:pets -o bad", "--as and -o are required"},
		{"corrupt imagefolder:pets --as fog --format gif -o bad", "want one of png, npy"},
		{"corrupt imagefolder:pets --as fog --preset cifar -o bad", "did you mean cifar-c?"},
		{"corrupt imagefolder:pets --as fog:2 --format npy -o bad", "npy files hold all severities: want fog without :2"},
		{"corrupt imagefolder:pets?resize=6x6 --as fog:1 -o bad", "image of 6x6 pixels is too small: want a shorter side of 8"},
		{"corrupt imagefolder:pets --as fog:1 --seed 2 -o out", "out holds images of imagefolder:pets in format png"},
		{"corrupt imagefolder:nowhere --as fog:1 -o bad", "nowhere"},
		{"data check imagefolder:pets?corruption=snwo&severity=1", "did you mean snow?"},
		{"data check imagefolder:pets?corruption=snow&severity=9", "severity 9 of snow: want 1 (least) to 5"},
		{"data check imagefolder:pets?corruption=snow", "corruption=snow needs severity=1 (least) to 5"},
	} {
		if code, _, stderr := run(t, dir, strings.Fields(c.args)...); code != ExitError || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit code %d, want %q in\n%s", c.args, code, c.want, stderr)
		}
	}
	code, stdout, stderr := run(t, dir, "data", "check", "imagefolder:pets?corruption=snow&severity=4")
	if code != ExitOK || !strings.Contains(stdout, "pets snow:4, 3 examples") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}

// TestClassFolders: folders sort in the order of class numbers.
func TestClassFolders(t *testing.T) {
	for _, c := range []struct{ classes, want string }{
		{"cat dog", "cat dog"}, {"dog cat", "0_dog 1_cat"}, {"a/b a_b", "0_a_b 1_a_b"},
	} {
		if got := strings.Join(classFolders(strings.Fields(c.classes)), " "); got != c.want {
			t.Errorf("%s: folders %s, want %s", c.classes, got, c.want)
		}
	}
}
