package infer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/prediction"
)

// factsOf reads what a model's files really hold.
func factsOf(m *onnx.Model) (*prediction.ModelFacts, onnx.Facts, error) {
	f, err := onnx.Inspect(m, nil)
	if err != nil {
		return nil, f, err
	}
	out := &prediction.ModelFacts{File: filepath.Base(m.Path), WeightsDigest: f.WeightsDigest, Parameters: f.Parameters}
	h := sha256.New()
	for _, file := range m.Files {
		packed, err := digest(h, file.Path)
		if err != nil {
			return nil, f, err
		}
		out.Bytes += file.Bytes
		out.BytesZstd += packed
	}
	out.Digest = "sha256:" + hex.EncodeToString(h.Sum(nil))
	for _, l := range f.Layers {
		layer := prediction.LayerFacts{Name: l.Node, Parameters: l.Weights}
		if l.ZeroShare != nil {
			layer.Sparsity = *l.ZeroShare
		}
		if l.MACs != nil {
			layer.MACs = *l.MACs
		}
		if l.Weights > 0 {
			layer.Bits = bitsOf(l.Type)
		}
		out.Layers = append(out.Layers, layer)
	}
	out.CompressedParameters, out.CompressedMACs = compressedShares(out, f.MACs != nil)
	out.Claim = claimOf(m)
	return out, f, nil
}

// compressedShares are the shares of the parameters and of the
// multiply-accumulates that are in compressed layers; nil where the whole is not
// known.
func compressedShares(f *prediction.ModelFacts, macsKnown bool) (parameters, macs *float64) {
	var n, work, all int64
	for _, l := range f.Layers {
		all += l.MACs
		if l.Compressed() {
			n += l.Parameters
			work += l.MACs
		}
	}
	of := func(part, whole int64) *float64 {
		if whole == 0 {
			return nil
		}
		v := min(1, float64(part)/float64(whole))
		return &v
	}
	if macs = of(work, all); !macsKnown {
		macs = nil
	}
	return of(n, f.Parameters), macs
}

// digest adds a file to the digest and returns its size after zstd.
func digest(h io.Writer, name string) (packed int64, err error) {
	in, err := os.Open(name)
	if err != nil {
		return 0, fmt.Errorf("infer: %w", err)
	}
	defer in.Close()
	count := &counter{}
	z, err := zstd.NewWriter(count, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return 0, fmt.Errorf("infer: %w", err)
	}
	if _, err := io.Copy(io.MultiWriter(h, z), in); err != nil {
		return 0, fmt.Errorf("infer: %s: %w", name, err)
	}
	if err := z.Close(); err != nil {
		return 0, fmt.Errorf("infer: %s: %w", name, err)
	}
	return count.n, nil
}

type counter struct{ n int64 }

// Write counts.
func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// bitsOf is the size of an element type by its name in ONNX, 0 if unknown.
func bitsOf(name string) int {
	switch name {
	case "float64", "int64", "uint64":
		return 64
	case "float32", "int32", "uint32":
		return 32
	case "float16", "bfloat16", "int16", "uint16":
		return 16
	case "int4", "uint4":
		return 4
	case "":
		return 0
	}
	return 8 // int8, uint8 and the float8 types
}

// kindOf says how a model was made as far as its weights show it.
func kindOf(f onnx.Facts) (prediction.Kind, *float64) {
	switch {
	case f.BitsPerWeight != nil && *f.BitsPerWeight < 24:
		bits := float64(int(*f.BitsPerWeight + 0.5))
		return prediction.KindQuantized, &bits
	case f.ZeroShare != nil && *f.ZeroShare >= prediction.PrunedFrom:
		share := *f.ZeroShare
		return prediction.KindPruned, &share
	}
	return prediction.KindDense, nil
}
