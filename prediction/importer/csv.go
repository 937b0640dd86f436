package importer

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

const (
	csvChunk     = 1 << 20 // bytes of a piece of a file that one core parses
	csvMaxRecord = 1 << 26 // bytes of the longest record
)

// readDelimited reads CSV (RFC 4180), TSV or semicolon-separated text. The
// file is cut into pieces at record ends, the pieces are parsed on all cores,
// and their dictionaries are merged in order.
func readDelimited(ctx context.Context, file string, r io.Reader, tabs bool, p plan) (*frame, error) {
	cut := &cutter{r: r, file: file}
	first, err := cut.next()
	if err != nil {
		return nil, err
	}
	first = strings.TrimPrefix(first, "\ufeff")
	head, err := parseHeader(file, first, tabs)
	if err != nil {
		return nil, err
	}
	decodes, err := p(head.names)
	if err != nil {
		return nil, err
	}
	m := &merger{frame: &frame{file: file, cols: make([]column, len(head.names))}, line: head.lines + 1}
	for i, name := range head.names {
		m.frame.cols[i] = column{name: name, kind: decodes[i]}
	}
	m.maps = make([]map[string]int32, len(head.names))
	parse := func(s string) *piece { return parsePiece(s, head.delim, head.names, decodes) }
	err = m.run(ctx, first[head.bytes:], cut, parse)
	return m.frame, err
}

// cutter cuts a stream into texts that end where a record ends.
type cutter struct {
	r    io.Reader
	file string
	rest []byte // read but not given out
	done bool
}

// next gives the next piece, "" at the end.
func (c *cutter) next() (string, error) {
	for !c.done {
		if i := lastRecordEnd(c.rest); i > 0 && len(c.rest) >= csvChunk/2 {
			s := string(c.rest[:i])
			c.rest = append(c.rest[:0], c.rest[i:]...)
			return s, nil
		}
		if len(c.rest) > csvMaxRecord {
			return "", &Error{File: c.file, Want: "records of at most 64 MiB", Got: "a longer one: is a quote left open?"}
		}
		n := len(c.rest)
		c.rest = slices.Grow(c.rest, csvChunk)
		k, err := fill(c.r, c.rest[n:n+csvChunk])
		c.rest = c.rest[:n+k]
		if err == io.EOF {
			c.done = true
		} else if err != nil {
			return "", wrap(c.file, "a whole file", err)
		}
	}
	s := string(c.rest)
	c.rest = nil
	return s, nil
}

// fill reads until b is full. Unlike io.ReadFull it keeps apart the end of the
// stream, io.EOF, and a compressed stream that ends early.
func fill(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var k int
		k, err = r.Read(b[n:])
		n += k
	}
	return n, err
}

// lastRecordEnd is the length of the longest prefix that ends with a newline
// outside quotes, 0 if there is none.
func lastRecordEnd(b []byte) int {
	if bytes.IndexByte(b, '"') < 0 {
		return bytes.LastIndexByte(b, '\n') + 1
	}
	end, from := 0, 0
	for from < len(b) { // from is outside quotes
		q := bytes.IndexByte(b[from:], '"')
		if q < 0 {
			q = len(b) - from
		}
		if i := bytes.LastIndexByte(b[from:from+q], '\n'); i >= 0 {
			end = from + i + 1
		}
		if from += q + 1; from >= len(b) {
			break
		}
		closing := bytes.IndexByte(b[from:], '"')
		if closing < 0 {
			break
		}
		from += closing + 1
	}
	return end
}

// header is the first record of a file.
type header struct {
	names        []string
	delim        byte
	bytes, lines int // of the header; 0 where the file has none
}

// parseHeader finds the delimiter and the names. A file of one column of
// numbers is a list: it has no header.
func parseHeader(file, s string, tabs bool) (header, error) {
	h := header{delim: ','}
	line, _, _ := strings.Cut(strings.TrimLeft(s, "\r\n"), "\n")
	switch {
	case tabs, !strings.Contains(line, ",") && strings.Contains(line, "\t"):
		h.delim = '\t'
	case !strings.Contains(line, ",") && strings.Contains(line, ";"):
		h.delim = ';'
	}
	sc := scanner{s: s, delim: h.delim}
	fields, err := sc.record(nil)
	if err != nil {
		err.File, err.Line = file, err.Line+1
		return h, err
	}
	if len(fields) == 0 {
		return h, &Error{File: file, Want: "a header", Got: "an empty file"}
	}
	if len(fields) == 1 && looksNumeric(fields[0]) {
		h.names = []string{""}
		return h, nil
	}
	h.names, h.bytes, h.lines = fields, sc.pos, sc.line
	seen := map[string]bool{}
	for i, name := range h.names {
		name = strings.TrimSpace(name)
		h.names[i] = name
		if name != "" && seen[name] {
			return h, &Error{File: file, Line: 1, Column: name, Want: "columns with different names", Got: "two with this one"}
		}
		seen[name] = true
	}
	return h, nil
}

// merger joins parsed pieces in order.
type merger struct {
	frame *frame
	maps  []map[string]int32 // text column: word -> code
	line  int                // line that the next piece starts at
}

// run parses the first piece and what the cutter gives, and merges.
func (m *merger) run(ctx context.Context, first string, cut *cutter, parse func(string) *piece) error {
	g, ctx := errgroup.WithContext(ctx)
	workers := runtime.GOMAXPROCS(0)
	queue := make(chan chan *piece, workers+1) // bounds the pieces in memory
	g.Go(func() error {
		defer close(queue)
		for s := first; ; {
			if s != "" {
				out := make(chan *piece, 1)
				select {
				case queue <- out:
				case <-ctx.Done():
					return ctx.Err()
				}
				text := s
				go func() { out <- parse(text) }()
			}
			var err error
			if s, err = cut.next(); err != nil || s == "" {
				return err
			}
		}
	})
	g.Go(func() error {
		for out := range queue {
			if err := m.add(<-out); err != nil {
				return err
			}
		}
		return nil
	})
	return g.Wait()
}

// add merges one piece.
func (m *merger) add(p *piece) error {
	if p.err != nil {
		p.err.File = m.frame.file
		p.err.Line += m.line
		return p.err
	}
	span := lineSpan{row: m.frame.rows, line: m.line}
	if p.lines != p.rows {
		span.lines = p.rowLines
	}
	if p.rows > 0 {
		m.frame.lines = append(m.frame.lines, span)
	}
	m.line += p.lines
	m.frame.rows += p.rows
	for i := range m.frame.cols {
		c := &m.frame.cols[i]
		switch c.kind {
		case text:
			m.addText(i, c, &p.cols[i])
		case number:
			c.nums = append(c.nums, p.cols[i].nums...)
		}
	}
	return nil
}

func (m *merger) addText(i int, c *column, p *pieceColumn) {
	if m.maps[i] == nil {
		m.maps[i] = map[string]int32{}
	}
	recode := make([]int32, len(p.words)+1)
	recode[0] = -1
	next := int32(0) // ids often come in the same order for each model
	for k, w := range p.words {
		code := next
		if int(next) >= len(c.dict) || c.dict[next] != w {
			var ok bool
			if code, ok = m.maps[i][w]; !ok {
				code = int32(len(c.dict))
				w = strings.Clone(w) // lets go of the piece's text
				c.dict = append(c.dict, w)
				m.maps[i][w] = code
			}
		}
		next = code + 1
		recode[k+1] = code
	}
	for _, code := range p.codes {
		c.codes = append(c.codes, recode[code+1])
	}
}
