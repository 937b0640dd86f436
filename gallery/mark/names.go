package mark

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"
)

// namer gives file names to ids and classes: readable, of letters that every
// file system has, and different where the ids are, also where upper and lower
// case are the same. A name that had to be changed or was taken ends in digits
// of a digest of the whole id.
type namer struct{ used map[string]bool }

func newNamer() *namer { return &namer{map[string]bool{}} }

const maxReadable = 80

// class is the name of a folder for a class.
func (n *namer) class(s string) string { return n.of(s, s) }

// image is the name of the file for the image of an id. Where the id is itself
// the name of an image file, its ending goes.
func (n *namer) image(id string) string {
	short := id
	switch ext := path.Ext(id); strings.ToLower(ext) {
	case ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff":
		short = strings.TrimSuffix(id, ext)
	}
	return n.of(short, id) + ".png"
}

// of is a name like s for the id whole.
func (n *namer) of(s, whole string) string {
	name, same := readable(s)
	if !same || n.used[strings.ToLower(name)] {
		d := sha256.Sum256([]byte(whole))
		name += "-" + hex.EncodeToString(d[:8])
	}
	for n.used[strings.ToLower(name)] {
		name += "_"
	}
	n.used[strings.ToLower(name)] = true
	return name
}

// readable is s with every other character replaced by "_", and whether nothing
// was.
func readable(s string) (name string, same bool) {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '.', r == ' ':
			return r
		}
		return '_'
	}, s)
	name = strings.Trim(name, ". ")
	if len(name) > maxReadable {
		name = strings.Trim(name[len(name)-maxReadable:], ". ") // the end of a path tells most
	}
	if name == "" || reserved(name) {
		name = "_" + name
	}
	return name, name == s
}

// reserved says that Windows keeps the name for a device.
func reserved(name string) bool {
	base, _, _ := strings.Cut(strings.ToLower(name), ".")
	switch base {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(base) == 4 && (base[:3] == "com" || base[:3] == "lpt") && base[3] >= '0' && base[3] <= '9'
}
