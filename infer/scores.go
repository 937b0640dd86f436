package infer

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/prediction"
)

// A finished model has two files in the work folder: KEY.scores, float32 in
// little-endian order, one row of classes for each good image, and KEY.json,
// which is written last. Without the second the first does not count.

// finished is the content of KEY.json.
type finished struct {
	Version int                  `json:"version"`
	Rows    int                  `json:"rows"`
	Classes int                  `json:"classes"`
	Kind    prediction.ScoreKind `json:"kind"`
	Bad     []badImage           `json:"bad,omitempty"`
	Note    string               `json:"note,omitempty"`
}

// badImage is an image that was left out, and why.
type badImage struct {
	ID    string `json:"id"`
	Error string `json:"error"`
}

// workVersion is the version of the files in a work folder.
//
//	1  first version
//	2  note; images that depend on one another were computed together before
const workVersion = 2

// sumTolerance is how far probabilities in float32 or float16 may be from
// summing to 1.
const sumTolerance = 1e-3

// stored opens the scores that an earlier run finished under the key.
func stored(work, key string) (*finished, bool, error) {
	raw, err := os.ReadFile(filepath.Join(work, key+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("infer: %w", err)
	}
	var f finished
	if err := json.Unmarshal(raw, &f); err != nil || f.Version != workVersion {
		return nil, false, nil // not ours, or of another version: computed again
	}
	info, err := os.Stat(scoresFile(work, key))
	if err != nil || info.Size() != int64(f.Rows)*int64(f.Classes)*4 {
		return nil, false, nil
	}
	return &f, true, nil
}

func scoresFile(work, key string) string { return filepath.Join(work, key+".scores") }

// compute runs a model and stores its scores under the key.
func compute(ctx context.Context, m *onnx.Model, s engine.Session, d dataset.Dataset, pre dataset.Preprocess, o Options, work, key string) (*finished, error) {
	f := &finished{Version: workVersion, Classes: len(d.Classes()), Kind: prediction.Probabilities}
	err := atomicfile.Write(scoresFile(work, key), func(w io.Writer) error {
		out := bufio.NewWriterSize(w, 1<<16)
		bad, note, err := run(ctx, m, s, d, pre, o, func(_ int, scores []float32) error {
			f.Rows++
			if f.Kind == prediction.Probabilities && !sumsToOne(scores) {
				f.Kind = prediction.Logits
			}
			return writeScores(out, scores)
		})
		if err != nil {
			return err
		}
		f.Note = note
		for _, b := range bad {
			f.Bad = append(f.Bad, badImage{string(b.ID), b.Error()})
		}
		return out.Flush()
	})
	if err != nil {
		return nil, err
	}
	return f, atomicfile.Write(filepath.Join(work, key+".json"), func(w io.Writer) error {
		return json.NewEncoder(w).Encode(f)
	})
}

func writeScores(w io.Writer, scores []float32) error {
	var b [4]byte
	for _, v := range scores {
		binary.LittleEndian.PutUint32(b[:], math.Float32bits(v))
		if _, err := w.Write(b[:]); err != nil {
			return err
		}
	}
	return nil
}

func sumsToOne(scores []float32) bool {
	sum := 0.0
	for _, v := range scores {
		if v < 0 || v > 1+sumTolerance {
			return false
		}
		sum += float64(v)
	}
	return math.Abs(sum-1) <= sumTolerance
}

// fileScores reads scores from a work folder: rows [N, C] of float32.
type fileScores struct {
	file    *os.File
	kind    prediction.ScoreKind
	classes int
}

// Kind says what the scores are.
func (s *fileScores) Kind() prediction.ScoreKind { return s.kind }

// Rows reads the scores of consecutive examples.
func (s *fileScores) Rows(from int, dst []float32) error {
	raw := make([]byte, 4*len(dst))
	if _, err := s.file.ReadAt(raw, int64(from)*int64(s.classes)*4); err != nil {
		return fmt.Errorf("infer: %s: %w", s.file.Name(), err)
	}
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return nil
}
