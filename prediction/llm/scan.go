package llm

import (
	"bytes"
	"errors"
)

// errJSON says that a line is not one whole JSON object.
var errJSON = errors.New("llm: not a JSON object")

// fields calls fn with every key of a JSON object, as it is written between its
// quotes, and the bytes of its value. It finds where values end without decoding
// them: most of a sample is text that nobody needs.
func fields(line []byte, fn func(key, value []byte) error) error {
	i := space(line, 0)
	if i >= len(line) || line[i] != '{' {
		return errJSON
	}
	i = space(line, i+1)
	if i < len(line) && line[i] == '}' {
		return trailing(line, i+1)
	}
	for {
		end := skipString(line, i)
		if end < 0 {
			return errJSON
		}
		key := line[i+1 : end-1]
		i = space(line, end)
		if i >= len(line) || line[i] != ':' {
			return errJSON
		}
		from := space(line, i+1)
		if i = skipValue(line, from); i < 0 {
			return errJSON
		}
		if err := fn(key, line[from:i]); err != nil {
			return err
		}
		i = space(line, i)
		switch {
		case i >= len(line):
			return errJSON
		case line[i] == '}':
			return trailing(line, i+1)
		case line[i] != ',':
			return errJSON
		}
		i = space(line, i+1)
	}
}

func trailing(line []byte, i int) error {
	if space(line, i) != len(line) {
		return errJSON
	}
	return nil
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// skipString is the index after the string that starts at i, -1 if there is none.
func skipString(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	for i++; ; {
		k := bytes.IndexByte(b[i:], '"')
		if k < 0 {
			return -1
		}
		i += k + 1
		back := i - 2
		for b[back] == '\\' { // the opening quote stops it
			back--
		}
		if (i-2-back)%2 == 0 {
			return i
		}
	}
}

// skipValue is the index after the value that starts at i, -1 if it has no end.
func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		return skipNested(b, i)
	}
	from := i
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && b[i] > ' ' {
		i++
	}
	if i == from {
		return -1
	}
	return i
}

// skipNested is the index after an object or array.
func skipNested(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			if i = skipString(b, i); i < 0 {
				return -1
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return -1
}
