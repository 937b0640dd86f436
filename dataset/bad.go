package dataset

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io/fs"
	"syscall"

	"golang.org/x/image/tiff"
)

// BadImage says why the image of one example cannot be had, though the rest of
// the data can. Loading goes on past it (see [LoaderOptions]); other errors end
// it.
type BadImage struct {
	ID   ExampleID
	Path string // the file, "" where it has none of its own
	Err  error
}

// Error names the file, or the example where it has no file of its own.
func (b *BadImage) Error() string {
	name := b.Path
	if name == "" {
		name = "example " + string(b.ID)
	}
	return fmt.Sprintf("%s: %v", name, b.reason())
}

// reason is the error without the path that it would repeat.
func (b *BadImage) reason() error {
	var p *fs.PathError
	if errors.As(b.Err, &p) {
		return fmt.Errorf("%s: %w", p.Op, p.Err)
	}
	return b.Err
}

// Unwrap is the cause.
func (b *BadImage) Unwrap() error { return b.Err }

// Fault is a kind of [BadImage].
type Fault string

// The kinds of faults.
const (
	FaultMissing     Fault = "missing"     // there is no such file
	FaultUnreadable  Fault = "unreadable"  // the file is there and cannot be read
	FaultTooLarge    Fault = "too large"   // more than [MaxPixels]
	FaultUnsupported Fault = "unsupported" // a format or feature that no decoder here knows
	FaultCorrupt     Fault = "corrupt"     // the file does not decode
)

// Fault is what kind of fault it is.
func (b *BadImage) Fault() Fault {
	var (
		p *fs.PathError
		j jpeg.UnsupportedError
		g png.UnsupportedError
		t tiff.UnsupportedError
	)
	switch {
	case errors.Is(b.Err, fs.ErrNotExist), errors.Is(b.Err, syscall.ENOTDIR):
		return FaultMissing
	case errors.As(b.Err, &p):
		return FaultUnreadable
	case errors.Is(b.Err, errTooLarge):
		return FaultTooLarge
	case errors.Is(b.Err, image.ErrFormat), errors.As(b.Err, &j), errors.As(b.Err, &g), errors.As(b.Err, &t):
		return FaultUnsupported
	default:
		return FaultCorrupt
	}
}

// blame wraps the error of one image. Errors that are not the image's own
// pass unchanged: an interrupted run, a process out of file descriptors.
func blame(id ExampleID, path string, err error) error {
	for _, other := range []error{context.Canceled, context.DeadlineExceeded, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, fs.ErrClosed} {
		if errors.Is(err, other) {
			return err
		}
	}
	return &BadImage{ID: id, Path: path, Err: err}
}
