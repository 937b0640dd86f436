package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/lethe-audit/lethe/internal/lockfile"
)

const (
	serveLock  = ".serve.lock"    // says who serves the directory, see package lockfile
	servePlace = ".serve.address" // "PID ADDRESS" of that server, without its token
)

// claimed is a directory that this process serves; nobody else does.
type claimed struct {
	lock  *lockfile.Lock
	place string
}

// claim makes this process the only one that serves dir. The error of a
// directory that is served already names that server's process and address.
func claim(dir string) (*claimed, error) {
	lock, err := lockfile.Acquire(filepath.Join(dir, serveLock))
	place := filepath.Join(dir, servePlace)
	if held, ok := errors.AsType[*lockfile.HeldError](err); ok {
		return nil, servedError(dir, held.PID, place)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Remove(place); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a server that was killed
		return nil, errors.Join(fmt.Errorf("serve: %w", err), lock.Release())
	}
	return &claimed{lock, place}, nil
}

// servedError says who serves dir. The address counts if it is the holder's
// own: a server that has just started may not have written it.
func servedError(dir string, pid int, place string) error {
	var (
		owner   int
		address string
	)
	b, err := os.ReadFile(place)
	if err == nil {
		_, err = fmt.Sscanf(string(b), "%d %s", &owner, &address)
	}
	if err != nil || owner != pid {
		return fmt.Errorf("serve: %s: process %d serves it already; end it, or open its page", dir, pid)
	}
	return fmt.Errorf("serve: %s: process %d serves it already at %s; end it, or open that page", dir, pid, address)
}

// at leaves word for others where the directory is served. The address goes
// into a file that others may read: give it without a token.
func (c *claimed) at(address string) error {
	return atomicfile.Write(c.place, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%d %s\n", os.Getpid(), address)
		return err
	})
}

// release gives the directory up.
func (c *claimed) release() error {
	err := os.Remove(c.place)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, c.lock.Release())
}
