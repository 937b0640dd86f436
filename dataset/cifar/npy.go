package cifar

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// array is an open npy file of numbers in C order.
type array struct {
	file  *os.File
	descr string // numpy's name of the type: "|u1", "<i4"
	shape []int
	start int64 // of the numbers
}

// maxHeader bounds the header of an npy file: numpy's own have 128 bytes.
const maxHeader = 1 << 16

// npyFields are the fields of a header, in the order numpy writes them.
func npyFields() *regexp.Regexp {
	return regexp.MustCompile(`^\{'descr': *'([^']*)', *'fortran_order': *(True|False), *'shape': *\(([0-9, ]*)\),? *\} *\n?$`)
}

// openArray opens an npy file and checks that it is as long as it says. Only
// numbers of the types listed are read.
func openArray(path string, types ...string) (_ *array, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
		}
	}()
	a := &array{file: f}
	header, err := a.header()
	if err != nil {
		return nil, err
	}
	m := npyFields().FindStringSubmatch(header)
	if m == nil || m[2] != "False" {
		return nil, fmt.Errorf("header %q: want an array in C order", header)
	}
	a.descr = m[1]
	wide := 0
	for _, t := range types {
		if t == a.descr {
			wide = int(t[2] - '0')
		}
	}
	if wide == 0 {
		return nil, fmt.Errorf("numbers of type %s, want %s", a.descr, strings.Join(types, " or "))
	}
	size := int64(wide)
	for _, s := range strings.Split(strings.TrimSuffix(strings.TrimSpace(m[3]), ","), ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 1 || size > 1<<40/int64(n) {
			return nil, fmt.Errorf("shape (%s)", m[3])
		}
		a.shape, size = append(a.shape, n), size*int64(n)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() != a.start+size {
		return nil, fmt.Errorf("%d bytes, want %d for shape (%s) of %s: the file is cut short or no npy file", info.Size(), a.start+size, m[3], a.descr)
	}
	return a, nil
}

// header reads the text before the numbers.
func (a *array) header() (string, error) {
	head := make([]byte, 12)
	if _, err := io.ReadFull(a.file, head); err != nil || string(head[:6]) != "\x93NUMPY" {
		return "", errors.New("no npy file")
	}
	length, at := int64(binary.LittleEndian.Uint16(head[8:])), int64(10)
	if head[6] > 1 {
		length, at = int64(binary.LittleEndian.Uint32(head[8:])), 12
	}
	if head[6] < 1 || head[6] > 3 || length > maxHeader {
		return "", fmt.Errorf("npy version %d with a header of %d bytes", head[6], length)
	}
	text := make([]byte, length)
	if _, err := a.file.ReadAt(text, at); err != nil {
		return "", fmt.Errorf("header of %d bytes: %w", length, err)
	}
	a.start = at + length
	return string(text), nil
}

// readLabels reads a file of class numbers below classes.
func readLabels(path string, classes int) (_ []uint8, err error) {
	a, err := openArray(path, "|u1", "|i1", "<i4", "<i8", "<u4", "<u8")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.file.Close()) }()
	if len(a.shape) != 1 {
		return nil, fmt.Errorf("%s: shape %v, want one label for each image", path, a.shape)
	}
	wide := int(a.descr[2] - '0')
	raw := make([]byte, a.shape[0]*wide)
	if _, err := a.file.ReadAt(raw, a.start); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	out := make([]uint8, a.shape[0])
	for i := range out {
		number := raw[i*wide : (i+1)*wide]
		out[i] = number[0]
		rest := byte(0)
		for _, b := range number[1:] {
			rest |= b
		}
		if rest != 0 || int(out[i]) >= classes {
			return nil, fmt.Errorf("%s: label %d is bytes %v, want a class from 0 to %d", path, i, number, classes-1)
		}
	}
	return out, nil
}
