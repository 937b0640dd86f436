package idx

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// Array is the content of an idx file of bytes.
type Array struct {
	Dims []int // the last one varies fastest
	Data []uint8
}

// maxBytes is the size of the largest array that is read: 4 GiB.
const maxBytes = 1 << 32

// readFile reads a file, packed with gzip or not, told by its content.
func readFile(path string) (*Array, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	a, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// Read reads an idx array of unsigned bytes, packed with gzip or not. The
// header is two zero bytes, the type 8, the number of dimensions, and each
// dimension in 4 bytes, most significant first. Memory grows with what is
// there, not with what the header promises.
func Read(r io.Reader) (*Array, error) {
	buf := bufio.NewReaderSize(r, 1<<16)
	r = buf
	if magic, err := buf.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(buf)
		if err != nil {
			return nil, err
		}
		r = z
	}
	var magic [4]byte
	if _, err := io.ReadFull(r, magic[:]); err != nil {
		return nil, short("header", err)
	}
	if magic[0] != 0 || magic[1] != 0 {
		return nil, fmt.Errorf("no idx file: it begins with % x, want 00 00", magic[:2])
	}
	if magic[2] != 8 {
		return nil, fmt.Errorf("elements of type %#02x, want unsigned bytes (08)", magic[2])
	}
	if magic[3] < 1 || magic[3] > 4 {
		return nil, fmt.Errorf("%d dimensions, want 1 to 4", magic[3])
	}
	a := &Array{}
	size := int64(1)
	for range magic[3] {
		var d [4]byte
		if _, err := io.ReadFull(r, d[:]); err != nil {
			return nil, short("header", err)
		}
		n := int64(binary.BigEndian.Uint32(d[:]))
		a.Dims = append(a.Dims, int(n))
		if n > 0 && size > maxBytes/n {
			return nil, fmt.Errorf("dimensions %v are more than %d bytes", a.Dims, int64(maxBytes))
		}
		size *= n
	}
	var data bytes.Buffer
	got, err := io.Copy(&data, io.LimitReader(r, size))
	if err != nil {
		return nil, short("content", err)
	}
	if got < size {
		return nil, fmt.Errorf("dimensions %v promise %d bytes, there are %d: the file is cut short", a.Dims, size, got)
	}
	if n, err := io.ReadFull(r, magic[:1]); n > 0 {
		return nil, fmt.Errorf("there is more after the %d bytes of dimensions %v", size, a.Dims)
	} else if err != io.EOF {
		return nil, short("end", err) // gzip's checksum, for one
	}
	a.Data = data.Bytes()
	return a, nil
}

// short says that a file ends in the middle of something.
func short(where string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the %s is cut short: %w", where, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("%s: %w", where, err)
}
