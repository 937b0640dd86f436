package imagenet

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
)

// The development kit keeps the numbers of its classes in meta.mat, a MATLAB
// file of version 5 ("MAT-File Format", MathWorks): a struct array named
// synsets with, among others, the fields ILSVRC2012_ID, WNID and words. This
// reads as much of the format as that takes.

// synset is a class of the development kit.
type synset struct {
	ID    int // ILSVRC2012_ID, from 1; above 1000 are inner nodes of the tree
	WNID  string
	Words string
	Inner bool // has classes below it
}

// types of elements and classes of arrays in a MAT file.
const (
	miInt8, miUint8, miInt16, miUint16, miInt32, miUint32 = 1, 2, 3, 4, 5, 6
	miSingle, miDouble, miMatrix, miCompressed, miUTF8    = 7, 9, 14, 15, 16
	mxStruct, mxChar                                      = 2, 4
)

// maxMeta is the size of the largest meta.mat that is read, unpacked: 16 MiB;
// the real one has 0.4.
const maxMeta = 16 << 20

// readMeta reads the classes of a meta.mat.
func readMeta(path string) ([]synset, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxMeta+1))
	if err == nil && len(data) > maxMeta {
		err = fmt.Errorf("larger than %d bytes", maxMeta)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	list, err := parseMeta(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

func parseMeta(data []byte) ([]synset, error) {
	const header = 128
	if len(data) < header || data[126] != 'I' || data[127] != 'M' || data[125] != 1 {
		return nil, errors.New("no MATLAB file of version 5, little-endian")
	}
	rest := data[header:]
	for len(rest) > 0 {
		kind, body, after, err := element(rest)
		if err != nil {
			return nil, err
		}
		rest = after
		if kind == miCompressed {
			if body, err = inflate(body); err != nil {
				return nil, err
			}
			if kind, body, _, err = element(body); err != nil {
				return nil, err
			}
		}
		if kind != miMatrix {
			continue
		}
		m, err := parseMatrix(body)
		if err != nil {
			return nil, err
		}
		if m.class == mxStruct && m.name == "synsets" {
			return m.synsets()
		}
	}
	return nil, errors.New("no struct array synsets in it")
}

func inflate(data []byte) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(z, maxMeta+1))
	if err == nil && len(out) > maxMeta {
		err = fmt.Errorf("unpacks to more than %d bytes", maxMeta)
	}
	return out, err
}

// element takes one data element off data: its type, its content, what
// follows.
func element(data []byte) (kind uint32, body, rest []byte, err error) {
	if len(data) < 8 {
		return 0, nil, nil, io.ErrUnexpectedEOF
	}
	kind, size := binary.LittleEndian.Uint32(data), binary.LittleEndian.Uint32(data[4:])
	if small := kind >> 16; small != 0 { // size and content share the tag
		if small > 4 {
			return 0, nil, nil, fmt.Errorf("small element of %d bytes", small)
		}
		return kind & 0xffff, data[4 : 4+small], data[8:], nil
	}
	if uint64(size) > uint64(len(data)-8) {
		return 0, nil, nil, fmt.Errorf("element of %d bytes, %d are left: %w", size, len(data)-8, io.ErrUnexpectedEOF)
	}
	body, rest = data[8:8+size], data[8+size:]
	if pad := (8 - int(size)%8) % 8; kind != miCompressed {
		rest = rest[min(pad, len(rest)):]
	}
	return kind, body, rest, nil
}

// matrix is an array, its content not yet read.
type matrix struct {
	class byte
	count int
	name  string
	body  []byte
}

func parseMatrix(body []byte) (*matrix, error) {
	_, flags, body, err := element(body)
	if err != nil {
		return nil, err
	}
	if len(flags) < 1 {
		return nil, io.ErrUnexpectedEOF
	}
	_, dims, body, err := element(body)
	if err != nil {
		return nil, err
	}
	_, name, body, err := element(body)
	if err != nil {
		return nil, err
	}
	m := &matrix{class: flags[0], count: 1, name: string(name), body: body}
	for ; len(dims) >= 4; dims = dims[4:] {
		n := binary.LittleEndian.Uint32(dims)
		if n > 1<<20 || m.count > 1<<20 {
			return nil, fmt.Errorf("array %q: dimension %d", name, n)
		}
		m.count *= int(n)
	}
	return m, nil
}

// synsets reads a struct array.
func (m *matrix) synsets() ([]synset, error) {
	_, lengths, body, err := element(m.body)
	if err != nil {
		return nil, err
	}
	_, names, body, err := element(body)
	if err != nil {
		return nil, err
	}
	if len(lengths) != 4 {
		return nil, fmt.Errorf("length of field names in %d bytes", len(lengths))
	}
	width := int(binary.LittleEndian.Uint32(lengths))
	if width < 1 || width > 64 || len(names) == 0 || len(names)%width != 0 {
		return nil, fmt.Errorf("field names of %d bytes, %d in all", width, len(names))
	}
	var fields []string
	for ; len(names) > 0; names = names[width:] {
		fields = append(fields, strings.TrimRight(string(names[:width]), "\x00"))
	}
	var out []synset
	for range m.count {
		var s synset
		for _, field := range fields {
			var value []byte
			if _, value, body, err = element(body); err != nil {
				return nil, fmt.Errorf("class %d, field %s: %w", len(out)+1, field, err)
			}
			if err := s.set(field, value); err != nil {
				return nil, fmt.Errorf("class %d, field %s: %w", len(out)+1, field, err)
			}
		}
		if s.ID < 1 || !isWNID(s.WNID) {
			return nil, fmt.Errorf("class %d: ILSVRC2012_ID %d, WNID %q", len(out)+1, s.ID, s.WNID)
		}
		out = append(out, s)
	}
	return out, nil
}

func (s *synset) set(field string, body []byte) error {
	switch field {
	case "ILSVRC2012_ID", "WNID", "words", "num_children":
	default:
		return nil
	}
	m, err := parseMatrix(body)
	if err != nil {
		return err
	}
	kind, data, _, err := element(m.body)
	if err != nil {
		return err
	}
	switch field {
	case "WNID":
		s.WNID, err = text(m, kind, data)
	case "words":
		s.Words, err = text(m, kind, data)
	case "num_children":
		var n int
		n, err = whole(kind, data)
		s.Inner = n > 0
	default:
		s.ID, err = whole(kind, data)
	}
	return err
}

// text reads a row of characters.
func text(m *matrix, kind uint32, data []byte) (string, error) {
	switch {
	case m.class != mxChar:
		return "", fmt.Errorf("array of class %d, want characters", m.class)
	case kind == miUint16 && len(data)%2 == 0:
		var b strings.Builder
		for ; len(data) > 0; data = data[2:] {
			b.WriteRune(rune(binary.LittleEndian.Uint16(data)))
		}
		return b.String(), nil
	case kind == miInt8, kind == miUint8, kind == miUTF8:
		return string(data), nil
	}
	return "", fmt.Errorf("characters of type %d", kind)
}

// whole reads the first number as a whole one.
func whole(kind uint32, data []byte) (int, error) {
	sizes := map[uint32]int{miInt8: 1, miUint8: 1, miInt16: 2, miUint16: 2, miInt32: 4, miUint32: 4, miSingle: 4, miDouble: 8}
	if n := sizes[kind]; n == 0 || len(data) < n {
		return 0, fmt.Errorf("number of type %d in %d bytes", kind, len(data))
	}
	var v float64
	switch kind {
	case miInt8:
		v = float64(int8(data[0]))
	case miUint8:
		v = float64(data[0])
	case miInt16:
		v = float64(int16(binary.LittleEndian.Uint16(data)))
	case miUint16:
		v = float64(binary.LittleEndian.Uint16(data))
	case miInt32:
		v = float64(int32(binary.LittleEndian.Uint32(data)))
	case miUint32:
		v = float64(binary.LittleEndian.Uint32(data))
	case miSingle:
		v = float64(math.Float32frombits(binary.LittleEndian.Uint32(data)))
	case miDouble:
		v = math.Float64frombits(binary.LittleEndian.Uint64(data))
	}
	if v != math.Trunc(v) || math.Abs(v) > 1e9 {
		return 0, fmt.Errorf("%g is no whole number", v)
	}
	return int(v), nil
}
