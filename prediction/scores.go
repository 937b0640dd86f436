package prediction

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"sync"

	"github.com/parquet-go/parquet-go"
)

// fileScores is [Scores] read from a file of [Write] one row group at a time.
// It holds the row group it decoded last, about 1 MiB.
type fileScores struct {
	name    string
	kind    ScoreKind
	format  ScoreFormat
	classes int
	size    int64
	rows    int

	mu     sync.Mutex
	file   *columnFile // nil until the first read; the os.File below it is closed when collected
	starts []int       // first row of each row group, and the number of rows
	block  int         // row group in data, -1 for none
	data   []float32
}

// openScores checks that the file is there with the right size; it is opened
// at the first read.
func openScores(dir string, e *scoresEntry, rows, classes int) (Scores, error) {
	name := filepath.Join(dir, filepath.FromSlash(e.File))
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("prediction: %w", err)
	}
	if info.Size() != e.Bytes {
		return nil, fmt.Errorf("prediction: %s: want %d bytes, got %d: the file is truncated or was changed", name, e.Bytes, info.Size())
	}
	return &fileScores{name: name, kind: e.Kind, format: e.Type, classes: classes, size: e.Bytes, rows: rows, block: -1}, nil
}

// Kind says what the scores are.
func (s *fileScores) Kind() ScoreKind { return s.kind }

// Rows fills dst with the scores of consecutive examples.
func (s *fileScores) Rows(from int, dst []float32) error {
	n := len(dst) / s.classes
	if from < 0 || from+n > s.rows || n*s.classes != len(dst) {
		return fmt.Errorf("prediction: %s: %d scores from row %d asked for, there are %d rows of %d", s.name, len(dst), from, s.rows, s.classes)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		if err := s.open(); err != nil {
			return err
		}
	}
	for len(dst) > 0 {
		b := sort.SearchInts(s.starts, from+1) - 1
		if err := s.load(b); err != nil {
			return err
		}
		k := copy(dst, s.data[(from-s.starts[b])*s.classes:])
		dst = dst[k:]
		from += k / s.classes
	}
	return nil
}

func (s *fileScores) open() error {
	f, err := os.Open(s.name)
	if err != nil {
		return fmt.Errorf("prediction: %w", err)
	}
	c, err := openColumns(s.name, f, s.size)
	if err == nil {
		s.starts, err = s.blocks(c)
	}
	if err != nil {
		f.Close() // opened for reading: nothing is lost
		return err
	}
	s.file = c
	return nil
}

// blocks checks the shape of the file and gives the first row of each row
// group, and the number of rows.
func (s *fileScores) blocks(c *columnFile) ([]int, error) {
	leaf, ok := c.f.Schema().Lookup("score")
	if !ok || len(c.f.Schema().Columns()) != 1 || leaf.MaxDefinitionLevel > 0 {
		return nil, fmt.Errorf("prediction: %s: want one required column, score", s.name)
	}
	if typ := leaf.Node.Type(); s.format == ScoresFloat32 && typ.Kind() != parquet.Float ||
		s.format == ScoresFloat16 && (typ.Kind() != parquet.FixedLenByteArray || typ.Length() != 2) {
		return nil, fmt.Errorf("prediction: %s: want scores as %s, got %v", s.name, s.format, typ)
	}
	starts := []int{0}
	for _, g := range c.f.RowGroups() {
		if g.NumRows()%int64(s.classes) != 0 {
			return nil, fmt.Errorf("prediction: %s: a row group of %d scores is not whole examples of %d", s.name, g.NumRows(), s.classes)
		}
		starts = append(starts, starts[len(starts)-1]+int(g.NumRows())/s.classes)
	}
	if got := starts[len(starts)-1]; got != s.rows {
		return nil, fmt.Errorf("prediction: %s: want scores of %d examples, got %d", s.name, s.rows, got)
	}
	return starts, nil
}

// load decodes row group b into data, if it is not there already.
func (s *fileScores) load(b int) (err error) {
	if s.block == b {
		return nil
	}
	defer guard(s.name, &err)
	s.block = -1
	s.data = s.data[:0]
	err = chunkPages(s.file.f.RowGroups()[b].ColumnChunks()[0], func(p parquet.Page) error {
		if err := required(p); err != nil {
			return err
		}
		if p.Dictionary() != nil {
			return fmt.Errorf("want plain values, got dictionary codes")
		}
		data := p.Data()
		if s.format == ScoresFloat32 {
			s.data = append(s.data, data.Float()...)
			return nil
		}
		raw, _ := data.FixedLenByteArray()
		for ; len(raw) >= 2; raw = raw[2:] {
			s.data = append(s.data, fromFloat16(binary.LittleEndian.Uint16(raw)))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("prediction: %s: rows %d to %d: %w", s.name, s.starts[b], s.starts[b+1]-1, err)
	}
	if want := (s.starts[b+1] - s.starts[b]) * s.classes; len(s.data) != want {
		return fmt.Errorf("prediction: %s: rows %d to %d: want %d scores, got %d", s.name, s.starts[b], s.starts[b+1]-1, want, len(s.data))
	}
	s.block = b
	return nil
}
