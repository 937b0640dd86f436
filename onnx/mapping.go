package onnx

import (
	"io"
	"os"
)

// mapping is the bytes of a file, mapped or read.
type mapping struct {
	data  []byte
	unmap func() error // nil for bytes that were read
}

// openMapping maps a file into memory, or reads it where the system or the file
// cannot be mapped. The mapping is private: writes to it stay in memory. A file
// that is cut short while it is mapped makes the program fail on access, as with
// every mapped file.
func openMapping(f *os.File) (*mapping, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().IsRegular() && info.Size() > 0 {
		if m := mapFile(f, info.Size()); m != nil {
			return m, nil
		}
	}
	return readMapping(f)
}

func (m *mapping) close() error {
	if m.unmap == nil {
		return nil
	}
	u := m.unmap
	m.unmap, m.data = nil, nil
	return u()
}

// readMapping reads the whole file.
func readMapping(f *os.File) (*mapping, error) {
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return &mapping{data: data}, nil
}
