package onnx

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// MinOpset is the oldest version of the default operator set that is read:
// before it, broadcasting had other rules.
const MinOpset = 7

// schema is the signature of an operator from one version on.
type schema struct {
	since          int64
	minIn, maxIn   int
	minOut, maxOut int
	attrs          map[string]AttrType
	required       []string
}

// schemas are the signatures of each operator of the default domain, oldest
// first.
type schemas map[string][]schema

// many stands for any number of inputs or outputs.
const many = 1 << 30

func newSchemas() schemas {
	s := schemas{}
	for line := range strings.Lines(schemaTable) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		x := schema{attrs: map[string]AttrType{}}
		x.since, _ = strconv.ParseInt(f[1], 10, 64)
		x.minIn, x.maxIn = countRange(f[2])
		x.minOut, x.maxOut = countRange(f[3])
		for _, a := range f[4:] {
			name, typ, _ := strings.Cut(a, "=")
			if short, ok := strings.CutSuffix(typ, "!"); ok {
				typ = short
				x.required = append(x.required, name)
			}
			x.attrs[name] = shortAttrType(typ)
		}
		s[f[0]] = append(s[f[0]], x)
	}
	return s
}

func countRange(s string) (least, most int) {
	a, b, ranged := strings.Cut(s, "-")
	least, _ = strconv.Atoi(a)
	switch {
	case !ranged:
		return least, least
	case b == "":
		return least, many
	}
	most, _ = strconv.Atoi(b)
	return least, most
}

func shortAttrType(s string) AttrType {
	switch s {
	case "i":
		return AttrInt
	case "is":
		return AttrInts
	case "f":
		return AttrFloat
	case "fs":
		return AttrFloats
	case "s":
		return AttrString
	case "ss":
		return AttrStrings
	case "t":
		return AttrTensor
	case "sp":
		return AttrSparseTensor
	}
	return AttrUndefined
}

// Operators lists the operators of the default domain that [Infer] knows,
// sorted.
func Operators() []string {
	var names []string
	for name := range newSchemas() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// find is the signature of an operator in an operator set; known is false for
// an operator that the table does not have in any version.
func (s schemas) find(op string, opset int64) (x schema, known bool, err error) {
	versions, known := s[op]
	if !known {
		return schema{}, false, nil
	}
	for _, v := range slices.Backward(versions) {
		if v.since <= opset {
			return v, true, nil
		}
	}
	return schema{}, true, fmt.Errorf("the operator came with opset %d", versions[0].since)
}

// check compares a node with the signature of its operator.
func (x schema) check(n *Node) error {
	if len(n.Inputs) < x.minIn || len(n.Inputs) > x.maxIn {
		return fmt.Errorf("%d inputs, want %s", len(n.Inputs), rangeText(x.minIn, x.maxIn))
	}
	if len(n.Outputs) < x.minOut || len(n.Outputs) > x.maxOut {
		return fmt.Errorf("%d outputs, want %s", len(n.Outputs), rangeText(x.minOut, x.maxOut))
	}
	for i, name := range n.Inputs[:min(x.minIn, len(n.Inputs))] {
		if name == "" {
			return fmt.Errorf("input %d is left out, it is required", i)
		}
	}
	for _, a := range n.Attrs {
		want, ok := x.attrs[a.Name]
		if !ok {
			return fmt.Errorf("attribute %s is not one of the operator's", clean(a.Name))
		}
		if a.Ref == "" && a.Type != want {
			return fmt.Errorf("attribute %s is %v, want %v", clean(a.Name), a.Type, want)
		}
	}
	for _, name := range x.required {
		if n.Attr(name) == nil {
			return fmt.Errorf("attribute %s is missing", name)
		}
	}
	return nil
}

func rangeText(least, most int) string {
	switch {
	case least == most:
		return strconv.Itoa(least)
	case most == many:
		return fmt.Sprintf("%d or more", least)
	}
	return fmt.Sprintf("%d to %d", least, most)
}
