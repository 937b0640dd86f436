package importer

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// piece is a parsed part of a delimited file. Lines are counted from 0 at its
// start.
type piece struct {
	cols     []pieceColumn
	rows     int
	lines    int     // newlines in the text
	rowLines []int32 // line of each row
	err      *Error  // the first error; Line is relative
}

type pieceColumn struct {
	words  []string // may repeat
	codeOf map[string]int32
	small  []int32 // code+1 of the words "0" to "9999", nil before the first
	codes  []int32 // index into words, -1 for empty
	nums   []float32
	last   string // word of the row before, with its code: columns often repeat
	code   int32
	ids    bool // words hardly repeat: they are not looked up here
}

const (
	smallNumbers = 10000
	idsAfter     = 256 // rows after which a column is known as one of ids
)

// parsePiece parses whole records.
func parsePiece(s string, delim byte, names []string, decodes []decode) *piece {
	p := &piece{cols: make([]pieceColumn, len(names))}
	for i := range p.cols {
		p.cols[i].codeOf = map[string]int32{}
		p.cols[i].code = -1
	}
	sc := scanner{s: s, delim: delim}
	var fields []string
	for {
		if fields, p.err = sc.record(fields[:0]); p.err != nil {
			return p
		}
		if len(fields) == 0 {
			break
		}
		if len(fields) != len(names) {
			p.err = &Error{Line: sc.start, Want: fmt.Sprintf("%d fields", len(names)), Got: fmt.Sprint(len(fields))}
			return p
		}
		for i, f := range fields {
			switch decodes[i] {
			case text:
				p.cols[i].addText(f)
			case number:
				if err := p.cols[i].addNumber(f); err != nil {
					err.Line, err.Column, p.err = sc.start, names[i], err
					return p
				}
			}
		}
		p.rowLines = append(p.rowLines, int32(sc.start))
		p.rows++
	}
	p.lines = sc.line
	return p
}

func (c *pieceColumn) addText(f string) {
	if f == c.last && c.code >= 0 {
		c.codes = append(c.codes, c.code)
		return
	}
	f = strings.TrimSpace(f)
	if v := smallNumber(f); v >= 0 {
		c.last, c.code = f, c.number(f, v)
	} else {
		c.last, c.code = f, c.lookup(f)
	}
	c.codes = append(c.codes, c.code)
}

// smallNumber is the value of a number below 10000 as it is usually written,
// -1 for any other text.
func smallNumber(f string) int {
	if len(f) == 0 || len(f) > 4 || f[0] == '0' && len(f) > 1 {
		return -1
	}
	v := 0
	for i := range len(f) {
		d := f[i] - '0'
		if d > 9 {
			return -1
		}
		v = 10*v + int(d)
	}
	return v
}

func (c *pieceColumn) number(f string, v int) int32 {
	if c.small == nil {
		c.small = make([]int32, smallNumbers)
	}
	if c.small[v] == 0 {
		c.words = append(c.words, f)
		c.small[v] = int32(len(c.words))
	}
	return c.small[v] - 1
}

func (c *pieceColumn) lookup(f string) int32 {
	if !c.ids && len(c.codes) == idsAfter {
		c.ids = len(c.words) > idsAfter*3/4
	}
	if code, ok := c.codeOf[f]; ok && !c.ids {
		return code
	}
	code := int32(-1)
	if !isMissing(f) {
		code = int32(len(c.words))
		c.words = append(c.words, f)
	}
	if !c.ids {
		c.codeOf[f] = code
	}
	return code
}

func (c *pieceColumn) addNumber(f string) *Error {
	v, err := parseNumber(strings.TrimSpace(f))
	if err != nil {
		return err
	}
	c.nums = append(c.nums, v)
	return nil
}

// parseNumber reads a finite number.
func parseNumber(s string) (float32, *Error) {
	v, err := strconv.ParseFloat(s, 32)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, &Error{Want: "a finite number", Got: quoted(s)}
	}
	return float32(v), nil
}

// isMissing tells the texts that other tools write for no value.
func isMissing(s string) bool {
	switch s {
	case "", "NA", "N/A", "NaN", "nan", "null", "None", "<NA>":
		return true
	}
	return false
}

func looksNumeric(s string) bool {
	_, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return err == nil
}

// quoted shows a text in an error, shortened.
func quoted(s string) string {
	if s == "" {
		return "nothing"
	}
	if len(s) > 60 {
		s = s[:60] + "..."
	}
	return strconv.Quote(s)
}

// scanner splits text into records as encoding/csv does with its defaults,
// and with any number of fields. Lines are counted from 0.
type scanner struct {
	s     string
	delim byte
	pos   int
	line  int // line at pos
	start int // line where the last record began
}

// record appends the fields of the next record that is not an empty line to
// dst. No fields mean the end.
func (sc *scanner) record(dst []string) ([]string, *Error) {
	for sc.pos < len(sc.s) {
		sc.start = sc.line
		end := strings.IndexByte(sc.s[sc.pos:], '\n')
		next := sc.pos + end + 1
		if end < 0 {
			end, next = len(sc.s)-sc.pos, len(sc.s)
		}
		line := sc.s[sc.pos : sc.pos+end]
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		}
		if line == "" {
			sc.advance(next)
			continue
		}
		if strings.IndexByte(line, '"') >= 0 {
			return sc.quotedRecord(dst)
		}
		for {
			i := strings.IndexByte(line, sc.delim)
			if i < 0 {
				break
			}
			dst = append(dst, line[:i])
			line = line[i+1:]
		}
		sc.advance(next)
		return append(dst, line), nil
	}
	return dst, nil
}

// advance moves to pos, which is after at most one newline.
func (sc *scanner) advance(pos int) {
	if pos > 0 && sc.s[pos-1] == '\n' {
		sc.line++
	}
	sc.pos = pos
}

// quotedRecord reads a record with at least one quote in its first line.
func (sc *scanner) quotedRecord(dst []string) ([]string, *Error) {
	for {
		var f string
		var err *Error
		if sc.pos < len(sc.s) && sc.s[sc.pos] == '"' {
			f, err = sc.quotedField()
		} else {
			f, err = sc.bareField()
		}
		if err != nil {
			return nil, err
		}
		dst = append(dst, f)
		if sc.pos < len(sc.s) && sc.s[sc.pos] == sc.delim {
			sc.pos++
			continue
		}
		if sc.pos < len(sc.s) && sc.s[sc.pos] == '\r' {
			sc.pos++
		}
		if sc.pos < len(sc.s) {
			sc.advance(sc.pos + 1) // the newline
		}
		return dst, nil
	}
}

// bareField reads a field without quotes up to its delimiter or line end.
func (sc *scanner) bareField() (string, *Error) {
	rest := sc.s[sc.pos:]
	i := 0
	for i < len(rest) && rest[i] != sc.delim && rest[i] != '\n' {
		if rest[i] == '"' {
			return "", &Error{Line: sc.line, Want: `a field in quotes, or one without "`, Got: `a quote inside a field`}
		}
		i++
	}
	if f := rest[:i]; (i == len(rest) || rest[i] == '\n') && strings.HasSuffix(f, "\r") {
		i--
	}
	sc.pos += i
	return rest[:i], nil
}

// quotedField reads a field in quotes; two quotes inside stand for one.
func (sc *scanner) quotedField() (string, *Error) {
	start := sc.line
	sc.pos++
	var b strings.Builder
	for {
		i := strings.IndexByte(sc.s[sc.pos:], '"')
		if i < 0 {
			return "", &Error{Line: start, Want: `a closing quote`, Got: "the end of the file in a quoted field that begins here"}
		}
		part := sc.s[sc.pos : sc.pos+i]
		sc.line += strings.Count(part, "\n")
		sc.pos += i + 1
		b.WriteString(part)
		rest := sc.s[sc.pos:]
		switch {
		case strings.HasPrefix(rest, `"`):
			b.WriteByte('"')
			sc.pos++
		case rest == "" || rest[0] == sc.delim || rest[0] == '\n' || rest == "\r" || strings.HasPrefix(rest, "\r\n"):
			return strings.ReplaceAll(b.String(), "\r\n", "\n"), nil
		default:
			return "", &Error{Line: sc.line, Want: "a delimiter or line end after a closing quote", Got: quoted(rest[:1])}
		}
	}
}
