package train

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/lethe-audit/lethe/onnx"
)

// StateVersion is the version of a checkpoint's state file
// (doc/format/training.md).
//
//	1: header in JSON, tensors of float32, SHA-256 over everything
const StateVersion = 1

// stateMagic begins a state file.
const stateMagic = "lethe training state\n"

// The names inside a checkpoint.
const (
	checkpointDir   = "checkpoint"
	checkpointModel = "model.onnx"
	checkpointState = "state"
)

// ErrState is the reason of errors about a checkpoint that cannot be read.
var ErrState = errors.New("damaged checkpoint")

// state is everything that training needs to go on with the same bits.
type state struct {
	Version int           `json:"version"`
	Made    Made          `json:"made"` // what the member is made of
	Step    int           `json:"step"` // finished steps
	Updates int           `json:"updates"`
	Curve   []Epoch       `json:"curve"`
	Running tally         `json:"running"` // of the epoch that is not finished
	Best    best          `json:"best"`
	Tensors []stateTensor `json:"tensors"`

	data [][]float32 // of Tensors
}

// stateTensor names a block of numbers.
type stateTensor struct {
	Name string `json:"name"` // of the parameter or buffer
	Role string `json:"role"` // value, mask, first, next, buffer or average
	Len  int    `json:"len"`
}

// tally sums over the steps of an epoch. Sums of float64 in the order of the
// steps, stored exactly.
type tally struct {
	Loss    exact `json:"loss"`
	Correct int   `json:"correct"`
	Images  int   `json:"images"`
}

// exact is a float64 that survives JSON bit for bit, infinities included.
type exact float64

// MarshalJSON writes the bits.
func (e exact) MarshalJSON() ([]byte, error) {
	return json.Marshal(fmt.Sprintf("%016x", math.Float64bits(float64(e))))
}

// UnmarshalJSON reads the bits.
func (e *exact) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	var bits uint64
	if _, err := fmt.Sscanf(s, "%016x", &bits); err != nil {
		return fmt.Errorf("%q, want 16 hexadecimal digits", s)
	}
	*e = exact(math.Float64frombits(bits))
	return nil
}

// best is how well patience is doing.
type best struct {
	Loss  exact `json:"loss"`
	Epoch int   `json:"epoch"` // counted from 1; 0: none yet
}

// add appends a tensor.
func (s *state) add(role, name string, data []float32) {
	s.Tensors = append(s.Tensors, stateTensor{Name: name, Role: role, Len: len(data)})
	s.data = append(s.data, data)
}

// find copies the tensor of a role and name into dst, which must have its
// length.
func (s *state) find(role, name string, dst []float32) error {
	for i, t := range s.Tensors {
		if t.Role == role && t.Name == name {
			if t.Len != len(dst) {
				return fmt.Errorf("%w: %s %q has %d numbers, want %d", ErrState, role, name, t.Len, len(dst))
			}
			copy(dst, s.data[i])
			return nil
		}
	}
	return fmt.Errorf("%w: no %s %q", ErrState, role, name)
}

// has reports whether there is a tensor of a role and name.
func (s *state) has(role, name string) bool {
	for _, t := range s.Tensors {
		if t.Role == role && t.Name == name {
			return true
		}
	}
	return false
}

// encode writes the state file.
func (s *state) encode(w io.Writer) error {
	sum := sha256.New()
	out := io.MultiWriter(w, sum)
	header, err := json.Marshal(s)
	if err != nil {
		return err
	}
	var size [8]byte
	binary.LittleEndian.PutUint64(size[:], uint64(len(header)))
	for _, b := range [][]byte{[]byte(stateMagic), size[:], header} {
		if _, err := out.Write(b); err != nil {
			return err
		}
	}
	buf := make([]byte, 1<<16)
	for _, d := range s.data {
		for len(d) > 0 {
			n := min(len(d), len(buf)/4)
			for i, v := range d[:n] {
				binary.LittleEndian.PutUint32(buf[4*i:], math.Float32bits(v))
			}
			if _, err := out.Write(buf[:4*n]); err != nil {
				return err
			}
			d = d[n:]
		}
	}
	_, err = w.Write(sum.Sum(nil))
	return err
}

// decodeState reads a state file.
func decodeState(b []byte) (*state, error) {
	bad := func(format string, args ...any) (*state, error) {
		return nil, fmt.Errorf("%w: "+format, append([]any{ErrState}, args...)...)
	}
	const ends = sha256.Size
	if len(b) < len(stateMagic)+8+ends || !bytes.HasPrefix(b, []byte(stateMagic)) {
		return bad("no state of a training")
	}
	body := b[:len(b)-ends]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], b[len(b)-ends:]) {
		return bad("the digest at its end is another")
	}
	rest := body[len(stateMagic):]
	n := binary.LittleEndian.Uint64(rest)
	if rest = rest[8:]; n > uint64(len(rest)) {
		return bad("a header of %d bytes in %d", n, len(rest))
	}
	s := new(state)
	if err := json.Unmarshal(rest[:n], s); err != nil {
		return bad("header: %v", err)
	}
	if s.Version != StateVersion {
		return bad("version %d, this release knows %d", s.Version, StateVersion)
	}
	rest = rest[n:]
	for _, t := range s.Tensors {
		if t.Len < 0 || t.Len > len(rest)/4 {
			return bad("%s %q: %d numbers in %d bytes", t.Role, t.Name, t.Len, len(rest))
		}
		d := make([]float32, t.Len)
		for i := range d {
			d[i] = math.Float32frombits(binary.LittleEndian.Uint32(rest[4*i:]))
		}
		s.data, rest = append(s.data, d), rest[4*t.Len:]
	}
	if len(rest) != 0 {
		return bad("%d bytes too many", len(rest))
	}
	return s, nil
}

// saveCheckpoint replaces the checkpoint in dir by one of this state and the
// model as it is now. Both files change together.
func saveCheckpoint(dir string, s *state, m *onnx.Model) error {
	return atomicfile.Dir(filepath.Join(dir, checkpointDir), true, func(tmp string) error {
		if err := onnx.Save(m, filepath.Join(tmp, checkpointModel), onnx.DefaultSaveOptions()); err != nil {
			return err
		}
		f, err := os.Create(filepath.Join(tmp, checkpointState))
		if err != nil {
			return err
		}
		w := bufio.NewWriterSize(f, 1<<20)
		return errors.Join(s.encode(w), w.Flush(), f.Sync(), f.Close())
	})
}

// loadCheckpoint reads the checkpoint in dir, nil if there is none.
func loadCheckpoint(dir string) (*state, error) {
	name := filepath.Join(dir, checkpointDir, checkpointState)
	b, err := os.ReadFile(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("train: %w", err)
	}
	s, err := decodeState(b)
	if err != nil {
		return nil, fmt.Errorf("train: %s: %w (remove it to begin again)", name, err)
	}
	return s, nil
}
