package celeba

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
)

// chosen are some attributes of all images.
type chosen struct {
	files  []string
	values []int32 // 0 or 1, width a file
	width  int
}

func (c *chosen) row(i int) []int32 { return c.values[i*c.width : (i+1)*c.width : (i+1)*c.width] }

// readAttributes reads the attributes of those names.
func readAttributes(path string, names []string) (*chosen, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, err := parseAttributes(f, names)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// lines reads lines of words parted by blanks or commas.
type lines struct {
	scan *bufio.Scanner
	n    int
}

func newLines(r io.Reader) *lines {
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<16)
	return &lines{scan: s}
}

// next is the next line that has words; nil at the end.
func (l *lines) next() ([]string, error) {
	for l.scan.Scan() {
		l.n++
		words := strings.FieldsFunc(l.scan.Text(), func(r rune) bool { return r == ' ' || r == '\t' || r == ',' || r == '\r' })
		if len(words) > 0 {
			return words, nil
		}
	}
	if err := l.scan.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", l.n+1, err)
	}
	return nil, nil
}

// parseAttributes reads a list of attributes: the publisher's, which begins
// with the count of images and the names, or Kaggle's, which begins with
// image_id and the names. Values are 1 and -1 (0 is taken for -1).
func parseAttributes(r io.Reader, names []string) (*chosen, error) {
	l := newLines(r)
	head, err := l.next()
	if err != nil {
		return nil, err
	}
	promised := -1
	if len(head) == 1 {
		if promised, err = strconv.Atoi(head[0]); err != nil || promised < 0 {
			return nil, fmt.Errorf("line %d: %q, want the number of images", l.n, head[0])
		}
		if head, err = l.next(); err != nil {
			return nil, err
		}
	} else if len(head) > 0 && head[0] == "image_id" {
		head = head[1:]
	}
	if len(head) == 0 {
		return nil, errors.New("no attribute names in it")
	}
	columns, err := columnsOf(head, names)
	if err != nil {
		return nil, err
	}
	c := &chosen{width: len(names)}
	for {
		words, err := l.next()
		if err != nil {
			return nil, err
		}
		if words == nil {
			break
		}
		if len(words) != len(head)+1 {
			return nil, fmt.Errorf("line %d: %d values, there are %d attributes", l.n, len(words)-1, len(head))
		}
		c.files = append(c.files, words[0])
		for _, k := range columns {
			v, err := value(words[1+k])
			if err != nil {
				return nil, fmt.Errorf("line %d: %s: %w", l.n, head[k], err)
			}
			c.values = append(c.values, v)
		}
	}
	if promised >= 0 && promised != len(c.files) {
		return nil, fmt.Errorf("the first line promises %d images, there are %d: the file is cut short or changed", promised, len(c.files))
	}
	return c, nil
}

func columnsOf(head, names []string) ([]int, error) {
	var out []int
	for _, n := range names {
		at := -1
		for k, h := range head {
			if h == n {
				at = k
			}
		}
		if at < 0 {
			return nil, fmt.Errorf("attribute %q%s", n, dataset.Suggestion(n, head))
		}
		out = append(out, at)
	}
	return out, nil
}

func value(s string) (int32, error) {
	switch s {
	case "1":
		return 1, nil
	case "-1", "0":
		return 0, nil
	}
	return 0, fmt.Errorf("value %q, want 1 or -1", s)
}

// readPartition reads which split each image is in.
func readPartition(path string) (map[string]dataset.Split, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out, err := parsePartition(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return out, nil
}

// parsePartition reads lines of a file name and 0 (train), 1 (validation) or 2
// (test).
func parsePartition(r io.Reader) (map[string]dataset.Split, error) {
	l := newLines(r)
	out := map[string]dataset.Split{}
	for {
		words, err := l.next()
		if err != nil {
			return nil, err
		}
		if words == nil {
			break
		}
		if l.n == 1 && words[0] == "image_id" {
			continue
		}
		if len(words) != 2 {
			return nil, fmt.Errorf("line %d: %d words, want a file name and 0, 1 or 2", l.n, len(words))
		}
		if _, again := out[words[0]]; again {
			return nil, fmt.Errorf("line %d: %s is there twice", l.n, words[0])
		}
		switch words[1] {
		case "0":
			out[words[0]] = dataset.SplitTrain
		case "1":
			out[words[0]] = dataset.SplitValidation
		case "2":
			out[words[0]] = dataset.SplitTest
		default:
			return nil, fmt.Errorf("line %d: split %q, want 0 (train), 1 (validation) or 2 (test)", l.n, words[1])
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no images in it")
	}
	return out, nil
}
