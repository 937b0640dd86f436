// Package lockfile keeps two processes from working in one directory. The lock
// is the operating system's, on an open file, so it is gone with the process
// that holds it, however that ended; the file says who holds it.
package lockfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

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

// Lock is a lock that is held until Release, or until nothing refers to it any
// more: its file is closed then.
type Lock struct {
	file *flock.Flock
}

// patience is how long Acquire waits for somebody who only looks.
const patience = 300 * time.Millisecond

// Acquire takes the lock at path, a file that is made if it is not there, and
// writes this process's number into it. A lock that another process holds is a
// [*HeldError]. The folder of path must be there.
func Acquire(path string) (*Lock, error) {
	f := flock.New(path)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ok, err := f.TryLockContext(ctx, patience/10)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, &HeldError{Path: path, PID: pid(path)}
	}
	if err != nil || !ok {
		return nil, fmt.Errorf("lockfile: %w", err)
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		return nil, errors.Join(fmt.Errorf("lockfile: %w", err), f.Unlock())
	}
	return &Lock{f}, nil
}

// pid is the number in a lock file, 0 if there is none.
func pid(path string) int {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	return n
}

// Holder is the process that holds the lock at path, 0 if its number is not
// known; held is false if none does or there is no such file.
func Holder(path string) (holder int, held bool, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	f := flock.New(path, flock.SetFlag(os.O_RDONLY))
	free, err := f.TryRLock()
	if err != nil {
		return 0, false, fmt.Errorf("lockfile: %w", err)
	}
	if free {
		return 0, false, f.Unlock()
	}
	return pid(path), true, nil
}

// Release gives the lock up. The file stays: removing it would let two
// processes hold locks on two files of the same name.
func (l *Lock) Release() error {
	if err := l.file.Unlock(); err != nil {
		return fmt.Errorf("lockfile: %w", err)
	}
	return nil
}
