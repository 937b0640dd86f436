package importer

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/lethe-audit/lethe/prediction"
)

// format is how a file's content is laid out.
type format string

const (
	formatDelimited format = "CSV"
	formatJSON      format = "JSON" // one value, or JSON Lines
	formatNPY       format = "npy"
	formatNPZ       format = "npz"
	formatParquet   format = "Parquet"
)

// source is one opened file. Its digest is computed beside the reading.
type source struct {
	name   string   // as the user gave it, without #column
	base   string   // last part of the name without .gz or .zst
	stored *os.File // the file as it is stored
	size   int64    // of the file as stored
	packed bool     // compressed: body is the only way to read it
	body   *bufio.Reader
	close  func()
	format format
	digest chan digested
}

type digested struct {
	sum string
	err error
}

// openSource opens a file, finds out whether it is compressed and how it is
// laid out. The caller must call finish.
func openSource(name string) (*source, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, &Error{File: name, Err: trimPathError(err)}
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("is a directory")
	}
	if err != nil {
		f.Close() // opened for reading: nothing is lost
		return nil, &Error{File: name, Want: "a file", Err: err}
	}
	s := &source{name: name, base: filepath.Base(name), stored: f, size: info.Size(), close: func() {}, digest: make(chan digested, 1)}
	if s.size == 0 {
		f.Close()
		return nil, &Error{File: name, Want: "predictions or labels", Got: "an empty file"}
	}
	if err := s.unpack(); err != nil {
		f.Close()
		return nil, wrap(name, "a gzip or zstd file", err)
	}
	head, err := s.body.Peek(512)
	if err != nil && err != io.EOF {
		s.close()
		f.Close()
		return nil, wrap(name, "a whole file", err)
	}
	s.format = sniff(s.base, head)
	go func() { s.digest <- digestFile(name) }()
	return s, nil
}

// unpack sets body to the decompressed content.
func (s *source) unpack() error {
	stored := bufio.NewReaderSize(s.stored, 1<<18)
	magic, err := stored.Peek(4)
	if err != nil && err != io.EOF {
		return err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(stored)
		if err != nil {
			return err
		}
		s.packed, s.body = true, bufio.NewReaderSize(z, 1<<16)
		s.base = trimSuffixFold(s.base, ".gz")
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(stored, zstd.WithDecoderMaxMemory(1<<36))
		if err != nil {
			return err
		}
		s.packed, s.body, s.close = true, bufio.NewReaderSize(z, 1<<16), z.Close
		s.base = trimSuffixFold(trimSuffixFold(s.base, ".zst"), ".zstd")
	default:
		s.body = stored
	}
	return nil
}

// sniff tells the format by the first bytes, then by the name.
func sniff(base string, head []byte) format {
	switch {
	case bytes.HasPrefix(head, []byte("\x93NUMPY")):
		return formatNPY
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return formatNPZ
	case bytes.HasPrefix(head, []byte("PAR1")):
		return formatParquet
	}
	switch strings.ToLower(filepath.Ext(base)) {
	case ".npy":
		return formatNPY
	case ".npz":
		return formatNPZ
	case ".parquet", ".pq":
		return formatParquet
	case ".json", ".jsonl", ".ndjson":
		return formatJSON
	case ".csv", ".tsv", ".txt":
		return formatDelimited
	}
	if head = bytes.TrimLeft(head, " \t\r\n\ufeff"); len(head) > 0 && (head[0] == '[' || head[0] == '{') {
		return formatJSON
	}
	return formatDelimited
}

// at gives random access to the content: the file itself, or all of the
// decompressed bytes in memory.
func (s *source) at() (io.ReaderAt, int64, error) {
	if !s.packed {
		return s.stored, s.size, nil
	}
	b, err := io.ReadAll(s.body)
	if err != nil {
		return nil, 0, wrap(s.name, "a whole "+string(s.format)+" file", err)
	}
	return bytes.NewReader(b), int64(len(b)), nil
}

// finish closes the file and says what it was.
func (s *source) finish() (prediction.Input, error) {
	s.close()
	d := <-s.digest
	if err := errors.Join(d.err, s.stored.Close()); err != nil {
		return prediction.Input{}, wrap(s.name, "a file", err)
	}
	return prediction.Input{Path: s.name, Digest: d.sum, Bytes: s.size}, nil
}

func digestFile(name string) digested {
	f, err := os.Open(name)
	if err != nil {
		return digested{err: err}
	}
	defer f.Close() // opened for reading: nothing is lost
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return digested{err: err}
	}
	return digested{sum: "sha256:" + hex.EncodeToString(h.Sum(nil))}
}

// splitRef takes "file#column" apart. A file whose own name holds "#" is
// taken whole.
func splitRef(ref string) (file, column string) {
	if _, err := os.Stat(ref); err == nil {
		return ref, ""
	}
	i := strings.LastIndexByte(ref, '#')
	if i < 0 {
		return ref, ""
	}
	return ref[:i], ref[i+1:]
}

// expand replaces directories by the data files below them, in order of name.
func expand(names []string) ([]string, error) {
	var out []string
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || !info.IsDir() {
			out = append(out, name) // a missing file is told when it is opened
			continue
		}
		before := len(out)
		err = filepath.WalkDir(name, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && dataName(path) {
				out = append(out, path)
			}
			return err
		})
		if err != nil {
			return nil, wrap(name, "a readable directory", err)
		}
		if len(out) == before {
			return nil, &Error{File: name, Want: "CSV, TSV, Parquet, JSON, npy or npz files", Got: "a directory without any"}
		}
	}
	return out, nil
}

func dataName(path string) bool {
	switch strings.ToLower(filepath.Ext(stem(path, ".gz", ".zst", ".zstd"))) {
	case ".csv", ".tsv", ".parquet", ".pq", ".json", ".jsonl", ".ndjson", ".npy", ".npz":
		return !strings.HasPrefix(filepath.Base(path), ".")
	}
	return false
}

// memberName is a file's name as a model's name: no directory, no endings.
func memberName(path string) string {
	base := stem(filepath.Base(path), ".gz", ".zst", ".zstd")
	return stem(base, ".csv", ".tsv", ".txt", ".parquet", ".pq", ".json", ".jsonl", ".ndjson", ".npy", ".npz")
}

// stem cuts off the first of the endings that is there.
func stem(name string, endings ...string) string {
	for _, e := range endings {
		if s := trimSuffixFold(name, e); s != name && s != "" {
			return s
		}
	}
	return name
}

func trimSuffixFold(s, suffix string) string {
	if n := len(s) - len(suffix); n >= 0 && strings.EqualFold(s[n:], suffix) {
		return s[:n]
	}
	return s
}

// trimPathError drops the path from an error that is shown after it.
func trimPathError(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return fmt.Errorf("%w", err)
}
