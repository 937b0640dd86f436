package importer

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

const arrayBlock = 1 << 15 // values decoded at a time

// readNPY reads an npy file: one dimension becomes a column of class numbers,
// texts or numbers, two dimensions become scores that stay in the file.
func readNPY(s *source) (*frame, error) {
	at, size, err := s.at()
	if err != nil {
		return nil, err
	}
	if !s.packed {
		at = fileAt(s.name)
	}
	return arrayFrame(s.name, at, size)
}

// readNPZ reads one array of an npz archive, by name; "" takes the only one,
// or the one that is called like predictions.
func readNPZ(s *source, array string, names []string) (*frame, error) {
	at, size, err := s.at()
	if err != nil {
		return nil, err
	}
	z, err := zip.NewReader(at, size)
	if err != nil {
		return nil, wrap(s.name, "a whole npz (zip) file", err)
	}
	entry, err := chooseArray(s.name, z, array, names)
	if err != nil {
		return nil, err
	}
	label := s.name + "#" + strings.TrimSuffix(entry.Name, ".npy")
	n := int64(entry.UncompressedSize64)
	if offset, err := entry.DataOffset(); err == nil && entry.Method == zip.Store && !s.packed && n >= 0 && n <= size-offset {
		return arrayFrame(label, io.NewSectionReader(fileAt(s.name), offset, n), n)
	}
	r, err := entry.Open()
	if err != nil {
		return nil, wrap(label, "a readable array", err)
	}
	var b bytes.Buffer
	if _, err := io.Copy(&b, r); err != nil {
		return nil, wrap(label, "a whole array", err)
	}
	return arrayFrame(label, bytes.NewReader(b.Bytes()), int64(b.Len()))
}

func chooseArray(file string, z *zip.Reader, array string, usual []string) (*zip.File, error) {
	var names []string
	for _, f := range z.File {
		name := strings.TrimSuffix(f.Name, ".npy")
		if name == array {
			return f, nil
		}
		names = append(names, name)
	}
	if len(names) == 1 && array == "" {
		return z.File[0], nil
	}
	for _, u := range usual {
		if i := slices.Index(names, u); i >= 0 && array == "" {
			return z.File[i], nil
		}
	}
	want := "array " + array
	if array == "" {
		want = "one array, or one chosen by " + file + "#NAME"
	}
	return nil, &Error{File: file, Want: want, Got: "arrays " + strings.Join(names, ", ")}
}

func arrayFrame(file string, at io.ReaderAt, size int64) (*frame, error) {
	a, err := parseNPY(file, at, size)
	if err != nil {
		return nil, err
	}
	switch {
	case len(a.shape) == 2 && a.shape[1] != 1 && a.kind != 'U' && a.kind != 'S':
		if a.shape[1] == 0 {
			break
		}
		m := &npyMatrix{array: a, at: at}
		return &frame{file: file, rows: a.shape[0], cols: []column{{kind: scores, mat: m}}}, nil
	case len(a.shape) == 1, len(a.shape) == 2 && a.shape[1] == 1:
		c, err := a.column(file, at)
		return &frame{file: file, rows: a.shape[0], cols: []column{c}}, err
	}
	return nil, &Error{File: file, Want: "shape [N] or [N, C]", Got: fmt.Sprint(a.shape)}
}

// column reads a one-dimensional array. Numbers that are not whole make it a
// column of numbers, not of class numbers.
func (a *npyArray) column(file string, at io.ReaderAt) (column, error) {
	n := a.shape[0]
	codes := &coder{codes: make([]int32, 0, n)}
	if a.kind == 'f' {
		return a.floatColumn(file, at, codes)
	}
	for from := 0; from < n; from += arrayBlock {
		k := min(arrayBlock, n-from)
		b, err := a.raw(at, from, k)
		if err != nil {
			return column{}, wrap(file, "a whole array", err)
		}
		for i := range k {
			switch v := b[i*a.size:]; a.kind {
			case 'U', 'S':
				codes.word(a.word(v))
			default:
				codes.integer(a.integer(v))
			}
		}
	}
	return codes.column(), nil
}

func (a *npyArray) floatColumn(file string, at io.ReaderAt, codes *coder) (column, error) {
	n := a.shape[0]
	nums := make([]float32, n)
	whole := true
	block := make([]float64, min(n, arrayBlock))
	for from := 0; from < n; from += len(block) {
		dst := block[:min(len(block), n-from)]
		if err := a.values(at, from, dst); err != nil {
			return column{}, wrap(file, "a whole array", err)
		}
		for i, v := range dst {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return column{}, &Error{File: file, Row: from + i + 1, Want: "a finite number", Got: fmt.Sprint(v)}
			}
			nums[from+i] = float32(v)
			if whole = whole && v == math.Trunc(v) && math.Abs(v) < 1<<53; whole {
				codes.integer(int64(v))
			}
		}
	}
	if whole {
		return codes.column(), nil
	}
	return column{kind: number, nums: nums}, nil
}

// coder makes a text column of numbers and words.
type coder struct {
	dict  *dictionary
	codes []int32
	small [1 << 12]int32 // code+1 of small numbers
}

func (c *coder) init() {
	if c.dict == nil {
		c.dict = newDictionary()
	}
}

func (c *coder) integer(v int64) {
	c.init()
	if v < 0 || v >= int64(len(c.small)) {
		c.codes = append(c.codes, c.dict.code(strconv.FormatInt(v, 10)))
		return
	}
	if c.small[v] == 0 {
		c.small[v] = c.dict.code(strconv.FormatInt(v, 10)) + 1
	}
	c.codes = append(c.codes, c.small[v]-1)
}

func (c *coder) word(s string) {
	c.init()
	if isMissing(s) {
		c.codes = append(c.codes, -1)
		return
	}
	c.codes = append(c.codes, c.dict.code(s))
}

func (c *coder) column() column {
	c.init()
	return column{kind: text, dict: c.dict.words, codes: c.codes}
}
