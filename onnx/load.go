package onnx

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/internal/atomicfile"
)

// Load reads a model and its external data, checks it ([Validate]) and puts its
// nodes in topological order. Files are mapped where the system can: weights take memory only as they are used.
// Call [Model.Close] when neither the model nor a view of its tensors is needed
// any more; without it the mapping stays until the program ends.
func Load(path string) (*Model, error) {
	m, err := read(path)
	if err != nil {
		return nil, err
	}
	if err := m.readExternal(); err != nil {
		return nil, errors.Join(inFile(err, path), m.Close())
	}
	if err := Validate(m); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	if err := m.Graph.Sort(); err != nil {
		return nil, errors.Join(inFile(err, path), m.Close())
	}
	return m, nil
}

// read maps and decodes the model's own file.
func read(path string) (*Model, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	held, err := openMapping(f)
	if err != nil {
		return nil, err
	}
	m, err := Decode(held.data)
	if err != nil {
		return nil, errors.Join(inFile(err, path), held.close())
	}
	m.Path = path
	m.Files = []FileInfo{{path, int64(len(held.data))}}
	m.held = []*mapping{held}
	return m, nil
}

// LoadTensor reads a TensorProto file, such as input_0.pb of ONNX's tests.
func LoadTensor(path string) (*Tensor, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := DecodeTensor(b)
	return t, inFile(err, path)
}

// Close gives the mapped files back. Raw and every view of a tensor that Load
// read must not be used after it.
func (m *Model) Close() error {
	var errs []error
	for _, h := range m.held {
		errs = append(errs, h.close())
	}
	m.held = nil
	return errors.Join(errs...)
}

// eachTensor calls f with every tensor of the model: initializers and tensors
// in attributes, subgraphs and functions included.
func (m *Model) eachTensor(f func(*Tensor) error) error {
	if err := m.Graph.eachTensor(f); err != nil {
		return err
	}
	for _, fn := range m.Functions {
		for _, a := range fn.Defaults {
			if err := a.eachTensor(f); err != nil {
				return err
			}
		}
		if err := nodeTensors(fn.Nodes, f); err != nil {
			return err
		}
	}
	return nil
}

func (g *Graph) eachTensor(f func(*Tensor) error) error {
	for _, t := range g.Initializers {
		if err := f(t); err != nil {
			return err
		}
	}
	return nodeTensors(g.Nodes, f)
}

func nodeTensors(nodes []*Node, f func(*Tensor) error) error {
	for _, n := range nodes {
		for _, a := range n.Attrs {
			if err := a.eachTensor(f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *Attr) eachTensor(f func(*Tensor) error) error {
	if a.T != nil {
		if err := f(a.T); err != nil {
			return err
		}
	}
	for _, t := range a.Tensors {
		if err := f(t); err != nil {
			return err
		}
	}
	for _, g := range a.subgraphs() {
		if err := g.eachTensor(f); err != nil {
			return err
		}
	}
	return nil
}

// readExternal maps the files that tensors refer to and sets their Raw.
func (m *Model) readExternal() (err error) {
	var root *os.Root
	files := map[string]*mapping{}
	defer func() {
		if root != nil {
			err = errors.Join(err, root.Close())
		}
	}()
	err = m.eachTensor(func(t *Tensor) error {
		if t.External == nil {
			return nil
		}
		if root == nil {
			if root, err = os.OpenRoot(filepath.Dir(m.Path)); err != nil {
				return err
			}
		}
		file, ok := files[t.External.Location]
		if !ok {
			if file, err = openExternal(root, t.External.Location); err != nil {
				return t.errorf(ErrExternal, "external data %q: %v", t.External.Location, err)
			}
			files[t.External.Location] = file
			m.held = append(m.held, file)
			m.Files = append(m.Files, FileInfo{filepath.Join(filepath.Dir(m.Path), filepath.FromSlash(t.External.Location)), int64(len(file.data))})
		}
		return t.setExternal(file.data)
	})
	if len(m.Files) > 1 {
		slices.SortFunc(m.Files[1:], func(a, b FileInfo) int { return strings.Compare(a.Path, b.Path) })
	}
	return err
}

// openExternal maps a file below the model's folder. The root refuses names and
// links that lead out of it.
func openExternal(root *os.Root, location string) (*mapping, error) {
	name := filepath.FromSlash(location)
	if !filepath.IsLocal(name) {
		return nil, errors.New("the place is outside the model's folder")
	}
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return openMapping(f)
}

// setExternal cuts the tensor's bytes out of its file.
func (t *Tensor) setExternal(data []byte) error {
	x := t.External
	n, _ := t.Elements()
	want, _ := t.Type.Bytes(n) // the decoder has checked both
	size := int64(len(data))
	if want > size || x.Offset > size-want {
		return t.errorf(ErrExternal, "external data %q: bytes %d to %d of a file of %d: %s",
			x.Location, x.Offset, uint64(x.Offset)+uint64(want), size, "is it complete?")
	}
	t.Raw = data[x.Offset : x.Offset+want : x.Offset+want]
	t.External = nil
	return nil
}

// SaveOptions says how a model is written.
type SaveOptions struct {
	// ExternalFrom is the size in bytes from which a tensor's data goes to a
	// second file, PATH.data; 0: no second file, unless the model is larger than
	// MaxBytes, and then from DefaultExternalFrom.
	ExternalFrom int64
}

// DefaultExternalFrom is the size in bytes from which data goes to a second
// file where one is needed.
const DefaultExternalFrom = 1024

// externalAlign is the alignment in bytes of tensors in a second file: a cache
// line and the widest vector.
const externalAlign = 64

// DefaultSaveOptions keeps everything in one file where the format allows it.
func DefaultSaveOptions() SaveOptions { return SaveOptions{} }

// Save writes a model, its weights unchanged and not copied in memory. Files
// are replaced whole: a reader sees the old or the new one; with a second file,
// it is replaced first.
func Save(m *Model, path string, o SaveOptions) error {
	err := m.eachTensor(func(t *Tensor) error {
		if t.External != nil {
			return t.errorf(ErrExternal, "data in %q has not been read", t.External.Location)
		}
		return t.check()
	})
	if err != nil {
		return inFile(err, path)
	}
	r, data, err := m.layout(filepath.Base(path), o)
	if err != nil {
		return inFile(err, path)
	}
	if data != nil {
		if err := writeFile(path+".data", data); err != nil {
			return err
		}
	}
	return writeFile(path, r)
}

// layout encodes the model for a file of that name, and the data of its second
// file, nil if it has none.
func (m *Model) layout(base string, o SaveOptions) (model, data *rope, err error) {
	var at placement
	if o.ExternalFrom > 0 {
		at, data = m.place(base+".data", o.ExternalFrom)
	}
	model = encodeModel(m, at)
	if model.size > MaxBytes && o.ExternalFrom == 0 {
		at, data = m.place(base+".data", DefaultExternalFrom)
		model = encodeModel(m, at)
	}
	if model.size > MaxBytes {
		return nil, nil, &Error{Msg: fmt.Sprintf("%d bytes without external data are more than a protobuf may have", model.size), Reason: ErrUnsupported}
	}
	if len(at) == 0 {
		data = nil
	}
	return model, data, nil
}

// place lays the data of all tensors of at least from bytes out in one file.
func (m *Model) place(location string, from int64) (placement, *rope) {
	at, data := placement{}, &rope{}
	_ = m.eachTensor(func(t *Tensor) error {
		if _, done := at[t]; done || t.Type == String || int64(len(t.Raw)) < from {
			return nil
		}
		data.raw(make([]byte, -data.size&(externalAlign-1)))
		at[t] = &External{Location: location, Offset: data.size, Length: int64(len(t.Raw))}
		data.raw(t.Raw)
		return nil
	})
	return at, data
}

// writeFile writes to a temporary name in the same folder and renames.
func writeFile(path string, r *rope) error {
	return atomicfile.Write(path, func(w io.Writer) error { return r.writeTo(w) })
}
