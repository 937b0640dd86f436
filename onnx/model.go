package onnx

// MaxIRVersion is the newest IR version that is read.
const MaxIRVersion = 13

// MinIRVersion is the oldest IR version that is read.
const MinIRVersion = 3

// MaxOpset is the newest version of the default operator set that is read.
const MaxOpset = 25

// MaxDepth limits how deep graphs and types may be nested in one another.
const MaxDepth = 32

// Model is an ONNX model in memory. Load and Decode make one; its graph may be
// edited freely. It is not safe for use by several goroutines while edited.
type Model struct {
	IRVersion int64
	Opsets    []Opset // imported operator sets, in the file's order
	Producer  Producer
	Domain    string
	Version   int64 // the author's version of the model
	Doc       string
	Graph     *Graph
	Functions []*Function
	Metadata  []Property // in the file's order

	// Path is the file that the model was loaded from, "" for one made in memory.
	Path string
	// Files are the files that Load read, the model first, then external data by
	// name.
	Files []FileInfo

	extra []byte
	held  []*mapping
}

// FileInfo is a file and its size in bytes.
type FileInfo struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
}

// Opset is an operator set in a version. The default set has the domain "".
type Opset struct {
	Domain  string
	Version int64
}

// Producer is the tool that wrote a model.
type Producer struct{ Name, Version string }

// Property is a key and a value.
type Property struct{ Key, Value string }

// Graph is nodes over named values. Every value has exactly one source: an
// input, an initializer or a node's output.
type Graph struct {
	Name         string
	Doc          string
	Nodes        []*Node
	Inputs       []*ValueInfo
	Outputs      []*ValueInfo
	ValueInfo    []*ValueInfo // declared types of values inside
	Initializers []*Tensor    // constants; one that is also an input is that input's default

	extra []byte
}

// Node is one use of an operator. An empty name in Inputs or Outputs stands for
// an optional one that is left out.
type Node struct {
	Name    string
	Op      string
	Domain  string
	Inputs  []string
	Outputs []string
	Attrs   []*Attr

	extra []byte
}

// Input is the name of input i, "" if it is left out.
func (n *Node) Input(i int) string {
	if i < len(n.Inputs) {
		return n.Inputs[i]
	}
	return ""
}

// Output is the name of output i, "" if it is left out.
func (n *Node) Output(i int) string {
	if i < len(n.Outputs) {
		return n.Outputs[i]
	}
	return ""
}

// ValueInfo declares the type of a value.
type ValueInfo struct {
	Name string
	Type TypeShape
	// Other holds the encoded type of a value that is not a dense tensor (a
	// sequence, a map, an optional); Type is then zero.
	Other []byte

	extra []byte
}

// Function is an operator that the model itself defines.
type Function struct {
	Name     string
	Domain   string
	Overload string
	Inputs   []string
	Outputs  []string
	Attrs    []string // names of attributes without a default
	Defaults []*Attr  // attributes with their default
	Nodes    []*Node
	Opsets   []Opset

	extra []byte
}

// Opset is the version of the operator set of a domain that the model imports;
// ok is false if it imports none.
func (m *Model) Opset(domain string) (version int64, ok bool) {
	return opsetVersion(m.Opsets, domain)
}

func opsetVersion(sets []Opset, domain string) (int64, bool) {
	for _, o := range sets {
		if o.Domain == domain {
			return o.Version, true
		}
	}
	return 0, false
}

// Meta is the value of a metadata key.
func (m *Model) Meta(key string) (value string, ok bool) {
	for _, p := range m.Metadata {
		if p.Key == key {
			return p.Value, true
		}
	}
	return "", false
}

// SetMeta sets a metadata key, in place where it is there already.
func (m *Model) SetMeta(key, value string) {
	for i := range m.Metadata {
		if m.Metadata[i].Key == key {
			m.Metadata[i].Value = value
			return
		}
	}
	m.Metadata = append(m.Metadata, Property{key, value})
}

// Initializer is the initializer of that name, nil if there is none. It walks
// the list: use [Graph.Index] for many look-ups.
func (g *Graph) Initializer(name string) *Tensor {
	for _, t := range g.Initializers {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// DataInputs are the inputs that a caller must give: those without an
// initializer as their default.
func (g *Graph) DataInputs() []*ValueInfo {
	given := make(map[string]bool, len(g.Initializers))
	for _, t := range g.Initializers {
		given[t.Name] = true
	}
	var out []*ValueInfo
	for _, v := range g.Inputs {
		if !given[v.Name] {
			out = append(out, v)
		}
	}
	return out
}
