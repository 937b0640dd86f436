package importer

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// jsonColumn is one column while rows are added.
type jsonColumn struct {
	decode decode
	coder  coder
	nums   []float32
	mat    denseMatrix
	rows   int
}

func isFraction(raw json.RawMessage) bool {
	s := string(raw)
	return looksNumeric(s) && strings.ContainsAny(s, ".eE") && !strings.HasSuffix(s, ".0")
}

// add adds one cell.
func (c *jsonColumn) add(raw json.RawMessage) *Error {
	c.rows++
	switch c.decode {
	case skip:
		return nil
	case scores:
		return c.addScores(raw)
	case number:
		v, err := parseNumber(string(raw))
		c.nums = append(c.nums, v)
		return err
	}
	switch s := string(raw); {
	case s == "null":
		c.coder.word("")
	case raw[0] == '"':
		if err := json.Unmarshal(raw, &s); err != nil {
			return &Error{Err: err}
		}
		c.coder.word(strings.TrimSpace(s))
	case raw[0] == '{' || raw[0] == '[':
		return &Error{Want: "a number or a text", Got: quoted(s)}
	default:
		if v, err := strconv.ParseInt(s, 10, 64); err == nil {
			c.coder.integer(v)
		} else {
			c.coder.word(s) // true, false or a number that is not whole
		}
	}
	return nil
}

func (c *jsonColumn) addScores(raw json.RawMessage) *Error {
	var row []json.Number
	if err := json.Unmarshal(raw, &row); err != nil {
		return &Error{Want: "a list of scores", Got: quoted(string(raw))}
	}
	if c.mat.classes == 0 {
		c.mat.classes = len(row)
	}
	if len(row) != c.mat.classes || len(row) == 0 {
		return &Error{Want: fmt.Sprintf("%d scores", c.mat.classes), Got: fmt.Sprint(len(row))}
	}
	for i, s := range row {
		v, err := parseNumber(s.String())
		if err != nil {
			err.Want = fmt.Sprintf("a finite score of class %d", i)
			return err
		}
		c.mat.data = append(c.mat.data, v)
	}
	return nil
}
