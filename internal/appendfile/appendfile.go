// Package appendfile adds to the end of files that people's work is kept in: a
// piece is on the disk, or the file is as it was.
package appendfile

import (
	"errors"
	"io"
)

// File is what is needed of a file that was opened for appending.
type File interface {
	io.Writer // at the end, wherever that is
	Sync() error
	Truncate(size int64) error
}

// Append writes b at the end of f, which has size bytes, and waits until it is on
// the disk. After an error nothing of b is there: half a piece must not become
// the beginning of the next one. Where even that cannot be had, left says why;
// nothing more should be added then.
func Append(f File, size int64, b []byte) (err, left error) {
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err != nil {
		left = errors.Join(f.Truncate(size), f.Sync())
	}
	return err, left
}
