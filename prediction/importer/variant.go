package importer

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/prediction"
)

// The words by which names tell how a model was made. They must stand alone
// in the name, apart from a number behind dense words (dense1).
var (
	quantizedWord = regexp.MustCompile(`(?i)(?:^|[^a-z0-9])(int2|int4|int8|int16|uint8|i8|w8a8|w4a16|w4a8|4bit|8bit|4-bit|8-bit|float16|fp16|f16|half|bfloat16|bf16|fp8|float8)(?:$|[^a-z0-9])`)
	prunedWord    = regexp.MustCompile(`(?i)(?:^|[^a-z0-9])((?:pruned|prune|pruning|sparse|sparsity)[-_=: ]?([0-9]+(?:\.[0-9]+)?)(%|pct)?)(?:$|[^0-9.])`)
	denseWord     = regexp.MustCompile(`(?i)(?:^|[^a-z0-9])(dense|baseline|base|fp32|float32|f32|original|uncompressed|unpruned)[0-9]*(?:$|[^a-z0-9])`)
)

// howMade is what a name says of how a model was made.
type howMade struct {
	word  string // the part of the name that says it
	kind  prediction.Kind
	level *float64
}

// infer reads kind and level off the name of a variant or model.
func infer(name string) (howMade, bool) {
	if m := prunedWord.FindStringSubmatch(name); m != nil {
		v, err := strconv.ParseFloat(m[2], 64)
		if err == nil && (m[3] != "" || v > 1) {
			v /= 100
		}
		switch {
		case err != nil || v >= 1:
		case v == 0:
			return howMade{word: m[1], kind: prediction.KindDense}, true
		default:
			return howMade{m[1], prediction.KindPruned, &v}, true
		}
	}
	if m := quantizedWord.FindStringSubmatch(name); m != nil {
		bits := quantizedBits(strings.ToLower(m[1]))
		return howMade{m[1], prediction.KindQuantized, &bits}, true
	}
	if m := denseWord.FindStringSubmatch(name); m != nil {
		return howMade{word: m[1], kind: prediction.KindDense}, true
	}
	return howMade{}, false
}

func quantizedBits(word string) float64 {
	switch {
	case strings.Contains(word, "16") && !strings.HasPrefix(word, "w"), word == "half":
		return 16
	case strings.Contains(word, "2"):
		return 2
	case strings.HasPrefix(word, "w4"), strings.Contains(word, "4"):
		return 4
	default:
		return 8
	}
}

// levelName names a variant by its level alone, in a table without a column
// for the variant.
func levelName(column, level string) string {
	v, err := strconv.ParseFloat(level, 64)
	switch {
	case err != nil:
		return level
	case column == "bits" || column == "bit_width":
		if v >= 32 {
			return "dense"
		}
		return strconv.FormatFloat(v, 'g', -1, 64) + "-bit"
	case v == 0:
		return "dense"
	case v < 1:
		return "pruned-" + strconv.FormatFloat(v, 'g', -1, 64)
	default:
		return "level-" + level
	}
}

// baselineNames are names that a baseline is known by, the most telling first.
var baselineNames = []string{"dense", "baseline", "base", "fp32", "float32", "f32", "original", "uncompressed", "unpruned", "reference"}

// describe sets kind and level of a variant that nothing else told.
func describe(v *prediction.Variant, note func(string, ...any)) {
	if v.Kind == "" {
		made, ok := infer(v.Name)
		switch {
		case ok:
			v.Kind = made.kind
			if v.Level == nil {
				v.Level = made.level
			}
			note("variant %s was taken as %s by its name", v.Name, kindText(v))
		case v.Level != nil && *v.Level == 0:
			v.Kind = prediction.KindDense
		case v.Level != nil && *v.Level < 1:
			v.Kind = prediction.KindPruned
		case v.Level != nil && *v.Level >= 2 && *v.Level <= 16:
			v.Kind = prediction.KindQuantized
		default:
			v.Kind = prediction.KindOther
		}
	}
	if v.Kind == prediction.KindDense {
		v.Level = nil
	}
}

func kindText(v *prediction.Variant) string {
	switch {
	case v.Level != nil && v.Kind == prediction.KindPruned:
		return fmt.Sprintf("pruned to sparsity %g", *v.Level)
	case v.Level != nil && v.Kind == prediction.KindQuantized:
		return fmt.Sprintf("quantized to %g bits", *v.Level)
	default:
		return string(v.Kind)
	}
}

// compareVariants orders variants by compression: by kind, then from the
// least compressed to the most, then by name.
func compareVariants(a, b *prediction.Variant) int {
	level := func(v *prediction.Variant) float64 {
		switch {
		case v.Level == nil:
			return 0
		case v.Kind == prediction.KindQuantized:
			return -*v.Level
		default:
			return *v.Level
		}
	}
	return cmp.Or(cmp.Compare(kindRank(a.Kind), kindRank(b.Kind)), cmp.Compare(level(a), level(b)), natural(a.Name, b.Name))
}

func kindRank(k prediction.Kind) int {
	order := []prediction.Kind{prediction.KindDense, prediction.KindNull, prediction.KindPruned, prediction.KindQuantized, prediction.KindRestored, prediction.KindOther}
	if i := slices.Index(order, k); i >= 0 {
		return i
	}
	return len(order)
}

// natural compares names so that numbers in them are in numeric order.
func natural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		dx, dy := digits(x), digits(y)
		if dx == 0 || dy == 0 {
			if x[0] != y[0] {
				return cmp.Compare(x[0], y[0])
			}
			x, y = x[1:], y[1:]
			continue
		}
		nx, ny := strings.TrimLeft(x[:dx], "0"), strings.TrimLeft(y[:dy], "0")
		if c := cmp.Or(cmp.Compare(len(nx), len(ny)), cmp.Compare(nx, ny)); c != 0 {
			return c
		}
		x, y = x[dx:], y[dy:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
}

// digits is the number of digits that s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
