package prediction

import (
	"encoding/hex"
	"hash"
	"io"
)

// digestString is the form digests have in every file: "sha256:" and hex.
func digestString(h hash.Hash) string {
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// digestWriter digests and counts what goes through it.
type digestWriter struct {
	w io.Writer
	h hash.Hash
	n int64
}

func (d *digestWriter) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	d.h.Write(p[:n])
	d.n += int64(n)
	return n, err
}
