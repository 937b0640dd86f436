package realdata

import (
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// CIFARTest writes CIFAR-10's test set in its binary layout into a temporary
// folder, from the picture of 100 x 100 tiles and the labels that the real data
// holds, and returns the folder.
func CIFARTest(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	write(tb, filepath.Join(dir, "test_batch.bin"), records(tb, "test_batch.png", 5*batchSize, batchSize))
	return dir
}

// CIFARFirst is the first 100 of CIFAR-10's training examples as a training set
// in its binary layout: a folder with five files of 20 each.
func CIFARFirst(tb testing.TB) string {
	tb.Helper()
	dir, all := tb.TempDir(), records(tb, "data_batch_1.png", 0, 100)
	part := len(all) / 5
	for i := range 5 {
		write(tb, filepath.Join(dir, fmt.Sprintf("data_batch_%d.bin", i+1)), all[i*part:(i+1)*part])
	}
	return dir
}

func write(tb testing.TB, path string, b []byte) {
	tb.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		tb.Fatal(err)
	}
}

// batchSize is the number of images in a picture.
const batchSize = 10000

// records are the first n examples of a picture, whose labels start at `from`.
func records(tb testing.TB, name string, from, n int) []byte {
	tb.Helper()
	f, err := os.Open(Path(tb, "cifar10", name))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		tb.Fatal(err)
	}
	labels, err := os.ReadFile(Path(tb, "cifar10", "labels.u8"))
	if err != nil {
		tb.Fatal(err)
	}
	const side = 32
	out := make([]byte, 0, n*(1+3*side*side))
	for i, label := range labels[from : from+n] {
		out = append(out, label)
		origin := image.Pt(i%100*side, i/100*side)
		for channel := range 3 {
			for p := range side * side {
				r, g, b, _ := picture.At(origin.X+p%side, origin.Y+p/side).RGBA()
				out = append(out, byte([]uint32{r, g, b}[channel]>>8))
			}
		}
	}
	return out
}
