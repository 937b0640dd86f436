package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// readJSON reads JSON in any of these shapes: a list of class numbers or
// names; a list of rows of scores; a list of objects, one a row; an object of
// such lists, one a column; and JSON Lines of numbers, names, rows or objects.
func readJSON(file string, r io.Reader, p plan) (*frame, error) {
	lines := &lineCounter{r: r}
	d := &jsonReader{dec: json.NewDecoder(lines), lines: lines, frame: &frame{file: file}, plan: p}
	if err := d.read(); err != nil {
		return nil, d.locate(err)
	}
	if d.names == nil && d.frame.rows == 0 {
		return nil, &Error{File: file, Want: "a list or JSON Lines", Got: "no values"}
	}
	if err := d.finish(); err != nil {
		return nil, err
	}
	return d.frame, nil
}

// lineCounter notes where lines begin in what it reads.
type lineCounter struct {
	r      io.Reader
	n      int64
	starts []int64 // offset just after each newline
}

func (l *lineCounter) Read(b []byte) (int, error) {
	n, err := l.r.Read(b)
	for i := 0; ; {
		k := bytes.IndexByte(b[i:n], '\n')
		if k < 0 {
			break
		}
		i += k + 1
		l.starts = append(l.starts, l.n+int64(i))
	}
	l.n += int64(n)
	return n, err
}

// line is the line of a byte offset, counted from 1.
func (l *lineCounter) line(offset int64) int {
	i, found := slices.BinarySearch(l.starts, offset)
	if found {
		i++
	}
	return i + 1
}

// jsonReader builds a frame value by value.
type jsonReader struct {
	dec   *json.Decoder
	lines *lineCounter
	frame *frame
	plan  plan
	names map[string]*jsonColumn
	row   []int32 // line of each row
}

func (d *jsonReader) read() error {
	first := true
	for {
		tok, err := d.peek()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch {
		case first && tok == '[':
			if err := d.list(); err != nil {
				return err
			}
		default:
			var raw json.RawMessage
			line := d.here()
			if err := d.dec.Decode(&raw); err != nil {
				return err
			}
			if first && raw[0] == '{' && d.columns(raw) {
				first = false
				continue
			}
			if err := d.value(raw, line); err != nil {
				return err
			}
		}
		first = false
	}
}

// peek is the first byte of the next value.
func (d *jsonReader) peek() (byte, error) {
	if !d.dec.More() {
		// More says false at a closing bracket too: let the decoder tell.
		if _, err := d.dec.Token(); err != nil {
			return 0, err
		}
		return 0, errors.New("a bracket that closes nothing")
	}
	b, err := io.ReadAll(io.LimitReader(d.dec.Buffered(), 64))
	if err != nil {
		return 0, err
	}
	if b = bytes.TrimLeft(b, " \t\r\n,\ufeff"); len(b) == 0 {
		return 0, nil
	}
	return b[0], nil
}

// here is the line that the decoder is about to read a value from.
func (d *jsonReader) here() int {
	off := d.dec.InputOffset()
	if b, err := io.ReadAll(io.LimitReader(d.dec.Buffered(), 1<<12)); err == nil {
		off += int64(len(b) - len(bytes.TrimLeft(b, " \t\r\n,")))
	}
	return d.lines.line(off)
}

// list reads a list at the top: of values, one a row.
func (d *jsonReader) list() error {
	if _, err := d.dec.Token(); err != nil {
		return err
	}
	for {
		var raw json.RawMessage
		more := d.dec.More()
		line := d.here()
		if !more {
			break
		}
		if err := d.dec.Decode(&raw); err != nil {
			return err
		}
		// A single JSON Lines row of scores looks like a list of numbers; it
		// is taken for the list of predictions that it is far more often.
		if err := d.value(raw, line); err != nil {
			return err
		}
	}
	_, err := d.dec.Token() // the closing bracket
	return err
}

// columns reads an object whose values are lists of one length as columns.
func (d *jsonReader) columns(raw json.RawMessage) bool {
	var lists map[string][]json.RawMessage
	if json.Unmarshal(raw, &lists) != nil || len(lists) == 0 {
		return false
	}
	n := -1
	for _, l := range lists {
		if n >= 0 && len(l) != n {
			return false
		}
		n = len(l)
	}
	for i := range n {
		row := make(map[string]json.RawMessage, len(lists))
		for name, l := range lists {
			row[name] = l[i]
		}
		if d.object(row, 1) != nil {
			d.names, d.frame.rows, d.row = nil, 0, nil
			return false
		}
	}
	return n > 0
}

// value adds one row.
func (d *jsonReader) value(raw json.RawMessage, line int) error {
	if raw[0] != '{' {
		return d.object(map[string]json.RawMessage{"": raw}, line)
	}
	var row map[string]json.RawMessage
	if err := json.Unmarshal(raw, &row); err != nil {
		return err
	}
	return d.object(row, line)
}

// object adds one row of named cells. The first row sets the names.
func (d *jsonReader) object(row map[string]json.RawMessage, line int) error {
	if d.names == nil {
		if err := d.setNames(row); err != nil {
			return err
		}
	}
	for name, raw := range row {
		c := d.names[name]
		if c == nil {
			return &Error{Line: line, Column: name, Want: "the same names in each row", Got: "a new one"}
		}
		if err := c.add(raw); err != nil {
			err.Line, err.Column = line, name
			return err
		}
	}
	d.frame.rows++
	d.row = append(d.row, int32(line))
	for name, c := range d.names {
		if c.rows == d.frame.rows {
			continue
		}
		if c.decode == text {
			c.coder.word("")
			c.rows++
		} else if c.decode != skip {
			return &Error{Line: line, Column: name, Want: "a number", Got: "nothing"}
		}
	}
	return nil
}

func (d *jsonReader) setNames(row map[string]json.RawMessage) error {
	names := make([]string, 0, len(row))
	for name := range row {
		names = append(names, name)
	}
	slices.Sort(names)
	decodes, err := d.plan(names)
	if err != nil {
		return err
	}
	d.names = map[string]*jsonColumn{}
	for i, name := range names {
		c := &jsonColumn{decode: decodes[i]}
		if raw := row[name]; len(raw) > 0 && raw[0] == '[' && c.decode != skip {
			c.decode = scores
		} else if name == "" && isFraction(raw) {
			c.decode = number
		}
		d.names[name] = c
	}
	return nil
}

// finish turns the columns into those of the frame, in order of name.
func (d *jsonReader) finish() error {
	names := make([]string, 0, len(d.names))
	for name := range d.names {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		c := d.names[name]
		out := column{name: name, kind: c.decode}
		switch c.decode {
		case text:
			col := c.coder.column()
			out.dict, out.codes = col.dict, col.codes
		case number:
			out.nums = c.nums
		case scores:
			out.mat = &c.mat
		}
		d.frame.cols = append(d.frame.cols, out)
	}
	d.frame.lines = []lineSpan{{lines: d.row}}
	return nil
}

// locate puts file and line to an error of the decoder.
func (d *jsonReader) locate(err error) error {
	var e *Error
	if errors.As(err, &e) {
		e.File = d.frame.file
		return e
	}
	out := wrap(d.frame.file, "valid JSON", err)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) && errors.As(out, &e) {
		e.Line = d.lines.line(d.dec.InputOffset() + d.offset())
		if strings.Contains(syntax.Error(), "'N'") || strings.Contains(syntax.Error(), "'I'") {
			e.Want, e.Got = "finite numbers", "NaN or Infinity, which JSON does not have"
		}
	}
	return out
}

// offset is where, behind the decoder's position, the text stops being JSON.
func (d *jsonReader) offset() int64 {
	rest, err := io.ReadAll(d.dec.Buffered())
	if err != nil {
		return 0
	}
	value := bytes.TrimLeft(rest, " \t\r\n,")
	var raw json.RawMessage
	var syntax *json.SyntaxError
	if !errors.As(json.NewDecoder(bytes.NewReader(value)).Decode(&raw), &syntax) {
		return 0
	}
	return int64(len(rest)-len(value)) + max(0, syntax.Offset-1)
}
