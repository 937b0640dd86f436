package importer

import (
	"fmt"
	"io"
	"os"
)

// matrix is the scores of one source, row by row as they are stored there.
// Implementations are safe for concurrent use.
type matrix interface {
	shape() (rows, classes int)
	// read fills dst, whose length is a multiple of the class count, with
	// consecutive rows from `from` on.
	read(from int, dst []float64) error
	// integers reports whether the scores are whole numbers by type: then only
	// their order means something.
	integers() bool
}

// denseMatrix is a matrix in memory.
type denseMatrix struct {
	classes int
	data    []float32
}

func (m *denseMatrix) shape() (rows, classes int) { return len(m.data) / m.classes, m.classes }
func (m *denseMatrix) integers() bool             { return false }

func (m *denseMatrix) read(from int, dst []float64) error {
	for i, v := range m.data[from*m.classes:][:len(dst)] {
		dst[i] = float64(v)
	}
	return nil
}

// npyMatrix is a two-dimensional array that stays where it is stored.
type npyMatrix struct {
	array npyArray
	at    io.ReaderAt
}

func (m *npyMatrix) shape() (rows, classes int) { return m.array.shape[0], m.array.shape[1] }
func (m *npyMatrix) integers() bool             { return m.array.kind != 'f' }

func (m *npyMatrix) read(from int, dst []float64) error {
	rows, classes := m.shape()
	if !m.array.fortran {
		return m.array.values(m.at, from*classes, dst)
	}
	n := len(dst) / classes
	col := make([]float64, n)
	for c := range classes {
		if err := m.array.values(m.at, c*rows+from, col); err != nil {
			return err
		}
		for i, v := range col {
			dst[i*classes+c] = v
		}
	}
	return nil
}

// fileAt reads from a file that it opens for each read, so that a table with
// thousands of members needs no thousands of open files.
type fileAt string

func (f fileAt) ReadAt(b []byte, off int64) (int, error) {
	file, err := os.Open(string(f))
	if err != nil {
		return 0, fmt.Errorf("importer: %w", err)
	}
	defer file.Close() // opened for reading: nothing is lost
	return file.ReadAt(b, off)
}
