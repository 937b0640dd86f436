package report

import (
	"errors"
	"io"

	"github.com/lethe-audit/lethe/finding"
)

// Handler takes the messages of one stream in order. Each format of a report
// is a handler in a package of its own.
type Handler interface {
	Config(*finding.Config) error
	Finding(*finding.Finding) error
	Table(*finding.Table) error
	Done(*finding.Done) error
}

// Replay reads a stored stream and gives each message to every handler, in the
// order of the stream. A stream that is damaged or cut is an error; a handler
// writes its report when it is given [finding.Done], so that no report of a
// cut stream looks complete.
func Replay(r io.Reader, handlers ...Handler) error {
	in := finding.NewReader(r)
	for {
		m, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, h := range handlers {
			if err := Send(h, m); err != nil {
				return err
			}
		}
	}
}

// Send gives one message to a handler.
func Send(h Handler, m *finding.Message) error {
	switch {
	case m.Config != nil:
		return h.Config(m.Config)
	case m.Finding != nil:
		return h.Finding(m.Finding)
	case m.Table != nil:
		return h.Table(m.Table)
	case m.Done != nil:
		return h.Done(m.Done)
	}
	return errors.New("report: an empty message")
}

// Multi returns one handler that gives every message to all of them in order.
func Multi(handlers ...Handler) Handler { return multi(handlers) }

type multi []Handler

func (m multi) each(f func(Handler) error) error {
	for _, h := range m {
		if err := f(h); err != nil {
			return err
		}
	}
	return nil
}

func (m multi) Config(c *finding.Config) error {
	return m.each(func(h Handler) error { return h.Config(c) })
}

func (m multi) Finding(f *finding.Finding) error {
	return m.each(func(h Handler) error { return h.Finding(f) })
}

func (m multi) Table(t *finding.Table) error {
	return m.each(func(h Handler) error { return h.Table(t) })
}

func (m multi) Done(d *finding.Done) error {
	return m.each(func(h Handler) error { return h.Done(d) })
}
