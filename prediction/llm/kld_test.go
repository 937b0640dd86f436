package llm

import (
	"context"
	"encoding/binary"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestCompareKLD holds the comparison to testdata/kld.csv, which testdata/gen.py
// computed with numpy 1.24.2.
func TestCompareKLD(t *testing.T) {
	k, err := CompareKLD(context.Background(), "testdata/base.kld", "testdata/candidate.kld")
	if err != nil {
		t.Fatal(err)
	}
	at := func(q float64) float64 {
		for _, x := range k.Quantiles {
			if x.At == q {
				return x.Value
			}
		}
		return math.NaN()
	}
	got := map[string]float64{
		"mean": k.Mean, "mean_se": k.MeanSE, "median": at(0.5), "q99": at(0.99), "same_top": k.SameTop, "ppl_base": k.PPLBase, "ppl": k.PPL,
		"ratio": k.LogRatio, "ratio_se": k.LogRatioSE, "mean_delta_p": k.MeanDeltaP, "rms_delta_p": k.RMSDeltaP,
	}
	f, err := os.Open("testdata/kld.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(got)+1 {
		t.Fatalf("%d expected numbers, %d compared", len(rows)-1, len(got))
	}
	for _, r := range rows[1:] {
		want, err := strconv.ParseFloat(r[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		if g := got[r[0]]; !(math.Abs(g-want) <= 1e-10*math.Abs(want)) {
			t.Errorf("%s is %.15g, want %.15g", r[0], g, want)
		}
	}
	if k.Tokens != 16 || k.Chunks != 4 || k.SEUnit != "chunks" {
		t.Errorf("%+v", k)
	}
}

func TestKLDOfAFileWithItself(t *testing.T) {
	k, err := CompareKLD(context.Background(), "testdata/base.kld", "testdata/base.kld")
	if err != nil {
		t.Fatal(err)
	}
	if k.Mean != 0 || k.SameTop != 1 || k.LogRatio != 0 || k.RMSDeltaP != 0 {
		t.Errorf("%+v", k)
	}
}

func TestSwappingKLDNegates(t *testing.T) {
	a, err := CompareKLD(context.Background(), "testdata/base.kld", "testdata/candidate.kld")
	if err != nil {
		t.Fatal(err)
	}
	b, err := CompareKLD(context.Background(), "testdata/candidate.kld", "testdata/base.kld")
	if err != nil {
		t.Fatal(err)
	}
	if a.LogRatio != -b.LogRatio || a.MeanDeltaP != -b.MeanDeltaP || a.SameTop != b.SameTop {
		t.Errorf("%+v\n%+v", a, b)
	}
}

func TestBadKLD(t *testing.T) {
	whole, err := os.ReadFile("testdata/candidate.kld")
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(b []byte) []byte) []byte { return change(append([]byte(nil), whole...)) }
	put := func(at int, v uint32) []byte {
		return with(func(b []byte) []byte { binary.LittleEndian.PutUint32(b[at:], v); return b })
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"truncated":    {whole[:len(whole)-1], "bytes for 4 chunks of 10 tokens and a vocabulary of 37"},
		"longer":       {append(append([]byte(nil), whole...), 0), "truncated or damaged"},
		"no magic":     {with(func(b []byte) []byte { b[0] = 'x'; return b }), "field magic"},
		"empty":        {nil, "field magic"},
		"no context":   {put(8, 0), "field n_ctx: want 4 to"},
		"big vocab":    {put(12, 1<<30), "field n_vocab"},
		"other text":   {put(20, binary.LittleEndian.Uint32(whole[20:])^1), "field tokens: want the tokens of"},
		"bad token":    {put(20, 99), "field tokens: want 0 to 36, got 99"},
		"scale is NaN": {put(20+160, math.Float32bits(float32(math.NaN()))), "row 1: want a scale"},
	} {
		file := filepath.Join(t.TempDir(), "x.kld")
		if err := os.WriteFile(file, c.file, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := CompareKLD(context.Background(), "testdata/base.kld", file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func FuzzKLD(f *testing.F) {
	whole, err := os.ReadFile("testdata/candidate.kld")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:100])
	f.Fuzz(func(t *testing.T, b []byte) {
		file := filepath.Join(t.TempDir(), "x.kld")
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
		k, err := CompareKLD(context.Background(), file, file)
		if err == nil && (k.Mean != 0 || k.SameTop != 1 || math.IsNaN(k.PPL)) {
			t.Errorf("a file against itself: %+v", k)
		}
	})
}

func BenchmarkKLD(b *testing.B) {
	const context_, vocab, chunks = 512, 32000, 1
	rows := context_ - 1 - context_/2
	file := filepath.Join(b.TempDir(), "x.kld")
	head := []byte(kldMagic)
	for _, v := range []uint32{context_, vocab, chunks} {
		head = binary.LittleEndian.AppendUint32(head, v)
	}
	head = append(head, make([]byte, 4*context_*chunks)...)
	for r := range rows * chunks {
		head = binary.LittleEndian.AppendUint32(head, math.Float32bits(16.0/65535))
		head = binary.LittleEndian.AppendUint32(head, math.Float32bits(-18))
		for i := range vocab {
			head = binary.LittleEndian.AppendUint16(head, uint16(i*2654435761+r))
		}
	}
	if err := os.WriteFile(file, head, 0o644); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(2 * int64(len(head)))
	for b.Loop() {
		if _, err := CompareKLD(context.Background(), file, file); err != nil {
			b.Fatal(err)
		}
	}
}
