package dataset

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// Digest is "sha256:" and the hex sha256 of what d says of its examples: class
// names, then id, split and label of each, in order. Two sources with the same
// digest ask the same questions of a model; pixels are not part of it.
func Digest(d Dataset) string {
	h := sha256.New()
	w := bufio.NewWriter(h) // writing to a hash does not fail
	text := func(s string) {
		w.WriteString(strconv.Itoa(len(s)))
		w.WriteByte(':')
		w.WriteString(s)
	}
	text("lethe dataset 1")
	w.WriteString(strconv.Itoa(len(d.Classes())))
	for _, c := range d.Classes() {
		text(c)
	}
	for i := range d.Len() {
		e := d.Example(i)
		text(string(e.ID))
		text(string(e.Split))
		text(strconv.Itoa(int(e.Label)))
	}
	w.Flush()
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
