package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// plainHandler writes notices for people: "lethe: message (key value, ...)".
type plainHandler struct {
	w     io.Writer
	level slog.Level
	attrs []slog.Attr
}

// Enabled reports whether notices of the level are written.
func (h plainHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// Handle writes one line.
func (h plainHandler) Handle(_ context.Context, r slog.Record) error {
	var parts []string
	add := func(a slog.Attr) bool {
		parts = append(parts, fmt.Sprintf("%s %v", a.Key, a.Value))
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	line := "lethe: " + r.Message
	if r.Level >= slog.LevelWarn {
		line = "lethe: warning: " + r.Message
	}
	if len(parts) > 0 {
		line += " (" + strings.Join(parts, ", ") + ")"
	}
	_, err := fmt.Fprintln(h.w, line)
	return err
}

// WithAttrs adds attributes to every line.
func (h plainHandler) WithAttrs(a []slog.Attr) slog.Handler {
	h.attrs = append(append([]slog.Attr(nil), h.attrs...), a...)
	return h
}

// WithGroup is not used by this program: groups are written flat.
func (h plainHandler) WithGroup(string) slog.Handler { return h }
