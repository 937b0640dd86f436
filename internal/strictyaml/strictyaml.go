// Package strictyaml reads configuration files in YAML so that every fault is
// shown where it is: file, line, the line itself with a caret, and for an
// unknown key the nearest one that is known. It decodes with goccy/go-yaml;
// keys that the target has no field for, keys given twice, a second document
// and an empty file are faults.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// MaxBytes is the largest file that is read.
const MaxBytes = 1 << 20

// Document is a file that was decoded; it remembers where its values stood.
type Document struct {
	file  string
	lines []string
	ast   *ast.File
}

// Decode reads data, the content of file, into what v points to: a struct with
// yaml tags. Fields that the file does not name keep their value. Errors are
// [*Error].
func Decode(file string, data []byte, v any) (*Document, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	d := &Document{file: file, lines: strings.Split(text, "\n")}
	if len(data) > MaxBytes {
		return nil, d.error(nil, fmt.Sprintf("the file has %d bytes, want at most %d", len(data), MaxBytes))
	}
	if err := d.parse(text); err != nil {
		return nil, err
	}
	if err := d.decode(text, v); err != nil {
		return nil, err
	}
	return d, nil
}

// parse finds the one document of the file.
func (d *Document) parse(text string) (err error) {
	defer func() { // the library panics on some contrived input
		if p := recover(); p != nil {
			err = d.error(nil, fmt.Sprintf("no YAML: %v", p))
		}
	}()
	if d.ast, err = parser.ParseBytes([]byte(text), 0); err != nil {
		return d.translate(err, nil)
	}
	found := false
	for _, doc := range d.ast.Docs {
		switch {
		case doc.Body == nil:
		case found:
			return d.error(position(doc.Body), "a second document; a file holds one")
		default:
			found = true
		}
	}
	if !found {
		return d.error(nil, "the file is empty")
	}
	return nil
}

func (d *Document) decode(text string, v any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = d.error(nil, fmt.Sprintf("no YAML: %v", p))
		}
	}()
	err = yaml.NewDecoder(strings.NewReader(text), yaml.Strict()).Decode(v)
	if err == nil {
		return nil
	}
	return d.translate(err, reflect.TypeOf(v))
}

// Fault is an error about the value at a path of goccy/go-yaml, such as
// "$.variants[1].sparsity". If the file holds no such value the nearest one
// above it is shown.
func (d *Document) Fault(path, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	for path != "" && path != "$" {
		if at := d.find(path); at != nil {
			return d.error(at, text)
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			break
		}
		path = path[:i]
	}
	return d.error(nil, text)
}

// find is where the value at a path stands, nil if there is none.
func (d *Document) find(path string) *token.Position {
	p, err := yaml.PathString(path)
	if err != nil {
		return nil
	}
	n, err := p.FilterFile(d.ast)
	if err != nil || n == nil {
		return nil
	}
	return position(n)
}

// position is where a node begins: a block mapping begins at its first key.
func position(n ast.Node) *token.Position {
	switch m := n.(type) {
	case *ast.MappingNode:
		if !m.IsFlowStyle && len(m.Values) > 0 {
			n = m.Values[0].Key
		}
	case *ast.MappingValueNode:
		n = m.Key
	}
	if t := n.GetToken(); t != nil {
		return t.Position
	}
	return nil
}

// translate makes an Error of an error of the library. target is the type that
// was decoded into, nil if none was.
func (d *Document) translate(err error, target reflect.Type) error {
	var unknown *yaml.UnknownFieldError
	if errors.As(err, &unknown) && unknown.Token != nil {
		key := unknown.Token.Value
		return d.error(unknown.Token.Position, Unknown("key", key, keysOf(target)))
	}
	var located yaml.Error
	if errors.As(err, &located) && located.GetToken() != nil {
		return d.error(located.GetToken().Position, located.GetMessage())
	}
	return d.error(nil, err.Error())
}

func (d *Document) error(at *token.Position, text string) error {
	e := &Error{File: d.file, Text: text}
	if at != nil && at.Line >= 1 {
		e.Line, e.Column = at.Line, at.Column
		if at.Line <= len(d.lines) {
			e.Source = d.lines[at.Line-1]
		}
	}
	return e
}

// keysOf are the keys that a type and all types inside it know, sorted.
func keysOf(t reflect.Type) []string {
	seen := map[reflect.Type]bool{}
	keys := map[string]bool{}
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		if t == nil || seen[t] {
			return
		}
		seen[t] = true
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
			walk(t.Elem())
		case reflect.Struct:
			for i := range t.NumField() {
				f := t.Field(i)
				name, rest, _ := strings.Cut(f.Tag.Get("yaml"), ",")
				if name != "" && name != "-" {
					keys[name] = true
				}
				if name != "" || strings.Contains(rest, "inline") || f.Anonymous {
					walk(f.Type)
				}
			}
		}
	}
	walk(t)
	out := make([]string, 0, len(keys))
	for k := range keys {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
