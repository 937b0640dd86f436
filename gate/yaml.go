package gate

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	"github.com/lethe-audit/lethe/internal/strictyaml"
)

// MaxPolicyBytes is the largest policy file that is read.
const MaxPolicyBytes = 1 << 20

// reader reads YAML by hand, so that every fault has a line, a caret and, for a
// name, the nearest one that is known. It goes on after a fault and tells all.
type reader struct {
	file  string
	lines []string
	errs  []error
}

// entry is one key of a mapping and its value.
type entry struct {
	key   string
	at    *token.Position
	value ast.Node
}

func newReader(file string, data []byte) *reader {
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	return &reader{file: file, lines: strings.Split(text, "\n")}
}

// fault notes what is wrong at a place.
func (r *reader) fault(at *token.Position, format string, args ...any) {
	r.errs = append(r.errs, r.error(at, fmt.Sprintf(format, args...)))
}

func (r *reader) error(at *token.Position, text string) *Error {
	e := &Error{At: Location{File: r.file}, Text: text}
	if at != nil && at.Line >= 1 {
		e.At.Line, e.At.Column = at.Line, at.Column
		if at.Line <= len(r.lines) {
			e.Source = r.lines[at.Line-1]
		}
	}
	return e
}

// document is the only document of a file; nil after a fault.
func (r *reader) document(data []byte) ast.Node {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if len(data) > MaxPolicyBytes {
		r.fault(nil, "the file has %d bytes, want at most %d", len(data), MaxPolicyBytes)
		return nil
	}
	f, err := parseYAML(data)
	if err != nil {
		r.errs = append(r.errs, r.syntax(err))
		return nil
	}
	var body ast.Node
	for _, d := range f.Docs {
		switch {
		case d.Body == nil:
		case body != nil:
			r.fault(position(d.Body), "a second document; a file holds one")
			return nil
		default:
			body = d.Body
		}
	}
	if body == nil {
		r.fault(nil, "the file is empty")
	}
	return body
}

// parseYAML parses; a panic of the library on contrived input is an error.
func parseYAML(data []byte) (f *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			f, err = nil, fmt.Errorf("no YAML: %v", p)
		}
	}()
	return parser.ParseBytes(data, 0)
}

func (r *reader) syntax(err error) error {
	var s *yaml.SyntaxError
	if errors.As(err, &s) && s.GetToken() != nil {
		return r.error(s.GetToken().Position, s.GetMessage())
	}
	return r.error(nil, err.Error())
}

// position is where a node begins: a block mapping begins at its first key.
func position(n ast.Node) *token.Position {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	if t := n.GetToken(); t != nil {
		return t.Position
	}
	return nil
}

// mapping is the entries of a mapping, in order; what says what was expected.
func (r *reader) mapping(n ast.Node, what string) []entry {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		r.fault(position(n), "want %s: keys and values", what)
		return nil
	}
	var out []entry
	for _, v := range values {
		if _, merge := v.Key.(*ast.MergeKeyNode); merge {
			r.fault(position(v.Key), "merge keys are not read; write the keys out")
			continue
		}
		key, ok := r.scalar(v.Key)
		if ok {
			out = append(out, entry{key, position(v.Key), v.Value})
		}
	}
	return out
}

// known reports whether a key is one of names; if not it offers the nearest.
func (r *reader) known(e entry, names []string) bool {
	for _, n := range names {
		if n == e.key {
			return true
		}
	}
	r.fault(e.at, "%s", strictyaml.Unknown("key", e.key, names))
	return false
}

// sequence is the items of a list.
func (r *reader) sequence(n ast.Node, what string) []ast.Node {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		r.fault(position(n), "want a list of %s", what)
		return nil
	}
	return s.Values
}

// scalar is the text of a plain or quoted value.
func (r *reader) scalar(n ast.Node) (string, bool) {
	switch v := n.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return strings.TrimSpace(v.GetToken().Value), true
	case *ast.LiteralNode:
		return strings.TrimSpace(v.Value.Value), true
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		r.fault(position(n), "anchors, aliases and tags are not read; write the value out")
	case *ast.NullNode:
		r.fault(position(n), "the value is missing")
	default:
		r.fault(position(n), "want a single value")
	}
	return "", false
}

// names is a list of names; one name alone is a list of one.
func (r *reader) names(n ast.Node, what string) []string {
	if _, list := n.(*ast.SequenceNode); !list {
		if s, ok := r.scalar(n); ok {
			return []string{s}
		}
		return nil
	}
	var out []string
	for _, item := range r.sequence(n, what) {
		if s, ok := r.scalar(item); ok {
			out = append(out, s)
		}
	}
	return out
}

func (r *reader) err() error { return errors.Join(r.errs...) }
