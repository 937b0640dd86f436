package webserve

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// limited accepts only so many connections at once; the system queues others.
type limited struct {
	net.Listener
	room   chan struct{}
	closed chan struct{}
	once   sync.Once
}

func newLimited(l net.Listener, conns int) *limited {
	return &limited{Listener: l, room: make(chan struct{}, conns), closed: make(chan struct{})}
}

// Accept waits for room and for a connection.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.room <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.room
		return nil, err
	}
	return &counted{Conn: c, leave: func() { <-l.room }}, nil
}

// Close ends Accept, also one that waits for room.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// counted gives its place back when it is closed.
type counted struct {
	net.Conn
	once  sync.Once
	leave func()
}

// Close closes the connection; only the first call gives the place back.
func (c *counted) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.leave)
	return err
}

// turns are the places of requests at work.
type turns chan struct{}

// take waits for a place, at most for the duration or until ctx ends.
func (t turns) take(ctx context.Context, wait time.Duration) bool {
	select {
	case t <- struct{}{}:
		return true
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	select {
	case t <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (t turns) leave() { <-t }

// pieceBytes is what must be sent within Options.WriteTimeout.
const pieceBytes = 64 << 10

// pacedWriter gives every piece of an answer a deadline of its own: a long
// download may take its time, a client that reads nothing is dropped.
type pacedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	each    time.Duration
	started bool
	next    time.Time // the deadline is moved when this has passed
}

func newPacedWriter(w http.ResponseWriter, each time.Duration) *pacedWriter {
	return &pacedWriter{ResponseWriter: w, control: http.NewResponseController(w), each: each}
}

// Unwrap serves http.ResponseController.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader sends the header.
func (w *pacedWriter) WriteHeader(status int) {
	w.pace()
	w.started = true
	w.ResponseWriter.WriteHeader(status)
}

// Write sends b piece by piece.
func (w *pacedWriter) Write(b []byte) (int, error) {
	w.started = true
	sent := 0
	for {
		w.pace()
		piece := b[sent:min(len(b), sent+pieceBytes)]
		n, err := w.ResponseWriter.Write(piece)
		sent += n
		if err != nil || sent == len(b) {
			return sent, err
		}
	}
}

// last gives what is still buffered when a handler returns its own time.
func (w *pacedWriter) last() {
	w.next = time.Time{}
	w.pace()
}

// pace moves the deadline, at most ten times in its length.
func (w *pacedWriter) pace() {
	now := time.Now()
	if now.Before(w.next) {
		return
	}
	w.next = now.Add(w.each / 10)
	// A writer without deadlines (a recorder in a test) has no slow client.
	_ = w.control.SetWriteDeadline(now.Add(w.each))
}
