// Package lockfile keeps two processes from working in one directory. The lock
// is the operating system's, on an open file, so it is gone with the process
// that holds it, however that ended; the file says who holds it.
package lockfile

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

// HeldError says that another process holds a lock.
type HeldError struct {
	Path string // of the lock file
	PID  int    // of the holder; 0 if the file does not say
}

// Error names the file and the holder.
func (e *HeldError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%s: another process works here", e.Path)
	}
	return fmt.Sprintf("%s: process %d works here", e.Path, e.PID)
}

// Lock is a lock that is held.
type Lock struct {
	file *flock.Flock
}

// Acquire takes the lock at path, a file that is made if it is not there, and
// writes this process's number into it. It does not wait: a lock that another
// process holds is a [*HeldError]. The folder of path must be there.
func Acquire(path string) (*Lock, error) {
	f := flock.New(path)
	ok, err := f.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lockfile: %w", err)
	}
	if !ok {
		held := &HeldError{Path: path}
		if b, err := os.ReadFile(path); err == nil {
			held.PID, _ = strconv.Atoi(strings.TrimSpace(string(b)))
		}
		return nil, held
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		return nil, errors.Join(fmt.Errorf("lockfile: %w", err), f.Unlock())
	}
	return &Lock{f}, nil
}

// Release gives the lock up. The file stays: removing it would let two
// processes hold locks on two files of the same name.
func (l *Lock) Release() error {
	if err := l.file.Unlock(); err != nil {
		return fmt.Errorf("lockfile: %w", err)
	}
	return nil
}
