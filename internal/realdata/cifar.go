package realdata

import (
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
	f, err := os.Open(Path(tb, "cifar10", "test_batch.png"))
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
	const n, side = 10000, 32
	out := make([]byte, 0, n*(1+3*side*side))
	for i, label := range labels[len(labels)-n:] {
		out = append(out, label)
		origin := image.Pt(i%100*side, i/100*side)
		for channel := range 3 {
			for p := range side * side {
				r, g, b, _ := picture.At(origin.X+p%side, origin.Y+p/side).RGBA()
				out = append(out, byte([]uint32{r, g, b}[channel]>>8))
			}
		}
	}
	dir := tb.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "test_batch.bin"), out, 0o644); err != nil {
		tb.Fatal(err)
	}
	return dir
}
