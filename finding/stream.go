package finding

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxLineBytes is the longest line of a stream that [Reader] accepts.
const MaxLineBytes = 64 << 20

// Tally counts what a stream holds while it is made; [Tally.Done] is the
// message that closes it. The zero Tally is empty.
type Tally struct {
	findings, tables int
	outcomes         map[Outcome]int
}

// Finding counts one finding.
func (t *Tally) Finding(f *Finding) {
	if t.outcomes == nil {
		t.outcomes = map[Outcome]int{}
	}
	t.findings++
	t.outcomes[f.Outcome]++
}

// Table counts one table.
func (t *Tally) Table() { t.tables++ }

// Done is the closing message of the stream that was counted; exampleRows is
// the number of rows of the table of examples beside it.
func (t *Tally) Done(exampleRows int) *Done {
	outcomes := make(map[Outcome]int, len(t.outcomes))
	for o, n := range t.outcomes {
		outcomes[o] = n
	}
	return &Done{Findings: t.findings, Tables: t.tables, Outcomes: outcomes, Examples: exampleRows}
}

func (t *Tally) check(d *Done) error {
	if d.Findings != t.findings || d.Tables != t.tables {
		return fmt.Errorf("done says %d findings and %d tables, the stream holds %d and %d", d.Findings, d.Tables, t.findings, t.tables)
	}
	return nil
}

// order keeps the order of a stream: configuration, anything, done.
type order struct {
	tally  Tally
	opened bool
	closed bool
}

// next checks m against the messages before it and counts it.
func (o *order) next(m *Message) error {
	switch {
	case o.closed:
		return errors.New("a message follows done")
	case !o.opened && m.Config == nil:
		return errors.New("the first message must be the configuration")
	case o.opened && m.Config != nil:
		return errors.New("a second configuration")
	}
	switch {
	case m.Config != nil:
		o.opened = true
	case m.Finding != nil:
		o.tally.Finding(m.Finding)
	case m.Table != nil:
		o.tally.Table()
	case m.Done != nil:
		o.closed = true
		return o.tally.check(m.Done)
	}
	return nil
}

// Writer writes a stream as JSON Lines: equal messages give equal bytes. It
// refuses what a [Reader] would refuse, and numbers that are not finite.
type Writer struct {
	out   *bufio.Writer
	order order
	buf   bytes.Buffer
}

// NewWriter returns a writer of one stream to w. [Writer.Done] flushes it.
func NewWriter(w io.Writer) *Writer {
	return &Writer{out: bufio.NewWriterSize(w, 1<<16)}
}

// Config writes the opening message.
func (w *Writer) Config(c *Config) error { return w.Write(&Message{Config: c}) }

// Finding writes one finding.
func (w *Writer) Finding(f *Finding) error { return w.Write(&Message{Finding: f}) }

// Table writes one table.
func (w *Writer) Table(t *Table) error { return w.Write(&Message{Table: t}) }

// Done writes the closing message, whose counts must be those of the stream,
// and flushes.
func (w *Writer) Done(d *Done) error {
	if err := w.Write(&Message{Done: d}); err != nil {
		return err
	}
	return w.out.Flush()
}

// Tally is what was written so far.
func (w *Writer) Tally() *Tally { return &w.order.tally }

// Write writes one message.
func (w *Writer) Write(m *Message) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("finding: %w", err)
	}
	if err := w.encode(m); err != nil {
		return fmt.Errorf("finding: %s: %w", m.what(), err)
	}
	if err := w.order.next(m); err != nil {
		return fmt.Errorf("finding: %s: %w", m.what(), err)
	}
	if _, err := w.out.Write(w.buf.Bytes()); err != nil {
		return fmt.Errorf("finding: write: %w", err)
	}
	return nil
}

// encode puts the line of m into w.buf. The encoder writes bytes that are no
// text as an escape, and the character it stands for as itself once it was
// read back; such a message is encoded as it will be read, so that a stream
// which passes through keeps its bytes.
func (w *Writer) encode(m *Message) error {
	for range 2 {
		w.buf.Reset()
		enc := json.NewEncoder(&w.buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(m); err != nil {
			return err
		}
		if !bytes.Contains(w.buf.Bytes(), []byte(`\ufffd`)) {
			return nil
		}
		var read Message
		if err := json.Unmarshal(w.buf.Bytes(), &read); err != nil {
			return err
		}
		m = &read
	}
	return nil
}

// Reader reads a stream. Its errors name the line, counted from 1.
type Reader struct {
	in    *bufio.Reader
	order order
	line  int
	buf   []byte
}

// NewReader returns a reader of one stream from r.
func NewReader(r io.Reader) *Reader {
	return &Reader{in: bufio.NewReaderSize(r, 1<<16)}
}

// Next is the next message, or io.EOF after the closing one. It fails on a
// stream that ends before it, on a line that is no message, and on a stream of
// a newer protocol.
func (r *Reader) Next() (*Message, error) {
	line, err := r.readLine()
	if errors.Is(err, io.EOF) {
		if !r.order.closed {
			return nil, fmt.Errorf("finding: the stream ends after line %d without a done message: it was cut off", r.line)
		}
		return nil, io.EOF
	}
	if err != nil {
		return nil, err
	}
	m, err := decode(line, r.line == 1)
	if err == nil {
		err = r.order.next(m)
	}
	if err != nil {
		return nil, fmt.Errorf("finding: line %d: %w", r.line, err)
	}
	return m, nil
}

// readLine reads one line without its end into r.buf. Empty lines are skipped.
func (r *Reader) readLine() ([]byte, error) {
	for {
		r.buf = r.buf[:0]
		r.line++
		for {
			part, err := r.in.ReadSlice('\n')
			r.buf = append(r.buf, part...)
			if len(r.buf) > MaxLineBytes {
				return nil, fmt.Errorf("finding: line %d is longer than %d MiB", r.line, MaxLineBytes>>20)
			}
			if err == nil {
				break
			}
			if errors.Is(err, bufio.ErrBufferFull) {
				continue
			}
			if !errors.Is(err, io.EOF) {
				return nil, fmt.Errorf("finding: line %d: %w", r.line, err)
			}
			if len(r.buf) == 0 {
				r.line--
				return nil, io.EOF
			}
			break
		}
		if line := bytes.TrimSpace(r.buf); len(line) > 0 {
			return line, nil
		}
	}
}

// decode reads one message. The first line's protocol is looked at before its
// other fields, whose types a newer protocol may have changed.
func decode(line []byte, first bool) (*Message, error) {
	if first {
		var probe struct {
			Config *struct {
				Protocol int `json:"protocol"`
			} `json:"config"`
		}
		if err := json.Unmarshal(line, &probe); err == nil && probe.Config != nil && probe.Config.Protocol > ProtocolVersion {
			return nil, fmt.Errorf("the stream has protocol %d, this program reads up to %d: use a newer lethe", probe.Config.Protocol, ProtocolVersion)
		}
	}
	var m Message
	if err := json.Unmarshal(line, &m); err != nil {
		return nil, fmt.Errorf("not a message of a findings stream: %w", err)
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return &m, nil
}
