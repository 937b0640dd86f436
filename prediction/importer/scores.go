package importer

import (
	"fmt"

	"github.com/lethe-audit/lethe/prediction"
)

// row is the row of the matrix that holds an example's scores.
func (r *scoreRef) row(example int) int {
	if r.rows == nil {
		return example
	}
	return int(r.rows[example])
}

// orderedScores is [prediction.Scores] of a source in the order of the table's
// examples and classes.
type orderedScores struct {
	ref     *scoreRef
	order   []int32 // row of the table -> example, nil where rows are the matrix's
	columns []int   // column of the matrix -> class number, nil for the same
	kind    prediction.ScoreKind
	classes int
}

// Kind says what the scores are.
func (s *orderedScores) Kind() prediction.ScoreKind { return s.kind }

// Rows fills dst with the scores of consecutive examples.
func (s *orderedScores) Rows(from int, dst []float32) error {
	rows, _ := s.ref.matrix.shape()
	if s.order != nil {
		rows = len(s.order)
	}
	n := len(dst) / s.classes
	if from < 0 || n*s.classes != len(dst) || from+n > rows {
		return fmt.Errorf("importer: %d scores from row %d asked for, there are %d rows of %d", len(dst), from, rows, s.classes)
	}
	block := max(1, scoreBlock/s.classes)
	buf := make([]float64, min(n, block)*s.classes)
	for i := 0; i < n; i += block {
		k := min(block, n-i) * s.classes
		if err := s.wide(from+i, buf[:k]); err != nil {
			return fmt.Errorf("importer: %s: %w", s.ref.file.file, err)
		}
		for j, v := range buf[:k] {
			dst[i*s.classes+j] = float32(v)
		}
	}
	return nil
}

// identity reports whether the table's rows are the matrix's rows.
func (s *orderedScores) identity() bool {
	if rows, _ := s.ref.matrix.shape(); rows != len(s.order) {
		return false
	}
	for i, ex := range s.order {
		if s.ref.row(int(ex)) != i {
			return false
		}
	}
	return true
}

// wide reads scores in full precision. Consecutive rows of the matrix are read
// at once.
func (s *orderedScores) wide(from int, dst []float64) error {
	n := len(dst) / s.classes
	if s.order == nil {
		if err := s.ref.matrix.read(from, dst); err != nil {
			return err
		}
	}
	for i := 0; s.order != nil && i < n; {
		first := s.ref.row(int(s.order[from+i]))
		k := 1
		for i+k < n && s.ref.row(int(s.order[from+i+k])) == first+k {
			k++
		}
		if err := s.ref.matrix.read(first, dst[i*s.classes:(i+k)*s.classes]); err != nil {
			return err
		}
		i += k
	}
	if s.columns == nil {
		return nil
	}
	row := make([]float64, s.classes)
	for i := range n {
		copy(row, dst[i*s.classes:])
		for col, class := range s.columns {
			dst[i*s.classes+class] = row[col]
		}
	}
	return nil
}
