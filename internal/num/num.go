// Package num formats numbers for people. Inside the program numbers are in
// base units (shares in [0, 1]); only this package turns them into percent and
// percentage points, so that every report says them the same way.
package num

import (
	"math"
	"strconv"
	"strings"
)

// PP formats a difference of shares in percentage points: "-3.2 pp". One
// decimal is shown, two where one would hide the size ("-0.04 pp").
func PP(v float64) string { return PPValue(v) + " pp" }

// PPValue is [PP] without the unit, for columns that have it in their head.
func PPValue(v float64) string {
	if a := math.Abs(v) * 100; a > 0 && a < 0.095 {
		return fixed(v*100, 2)
	}
	return fixed(v*100, 1)
}

// PPInterval formats an estimate and its interval in percentage points:
// "-3.2 pp [-4.1, -2.3]". All three have as many decimals as the interval's
// width can bear.
func PPInterval(v, low, high float64) string {
	return fixed(v*100, widthDecimals(high-low)) + " pp " + PPBounds(low, high)
}

// PPBounds is the interval of [PPInterval] alone: "[-4.1, -2.3]".
func PPBounds(low, high float64) string {
	d := widthDecimals(high - low)
	return "[" + fixed(low*100, d) + ", " + fixed(high*100, d) + "]"
}

func widthDecimals(width float64) int {
	if width*100 < 0.4 {
		return 2
	}
	return 1
}

// Share formats a share as percent with two decimals: "87.10 %". A share that
// is not 0 or 1 never reads as 0 or 100 %.
func Share(v float64) string {
	switch p := v * 100; {
	case p > 0 && p < 0.005:
		return "< 0.01 %"
	case p < 100 && p >= 99.995:
		return "> 99.99 %"
	default:
		return fixed(p, 2) + " %"
	}
}

// ShareBounds formats an interval of shares in percent: "[3.01, 4.02] %".
func ShareBounds(low, high float64) string {
	return "[" + fixed(low*100, 2) + ", " + fixed(high*100, 2) + "] %"
}

// Bounds formats an interval with three significant digits: "[1.1, 5.3]".
func Bounds(low, high float64) string { return "[" + Number(low) + ", " + Number(high) + "]" }

// SmallestP is the p-value below which [P] says only that it is smaller.
const SmallestP = 1e-15

// PValue formats a p-value or q-value: "0.452", "1.2e-5", "< 1e-15".
func PValue(p float64) string {
	switch {
	case p < SmallestP:
		return "< 1e-15"
	case p < 0.0001:
		return exponent(strconv.FormatFloat(p, 'e', 1, 64))
	case p < 0.001:
		return strconv.FormatFloat(p, 'f', 5, 64)
	case p < 1:
		return under1(strconv.FormatFloat(p, 'f', 4, 64))
	default:
		return "1"
	}
}

// P formats a p-value as a statement: "p = 0.4522", "p < 1e-15".
func P(p float64) string { return statement("p", PValue(p)) }

// Q formats a corrected p-value as a statement: "q = 0.0312".
func Q(q float64) string { return statement("q", PValue(q)) }

func statement(name, value string) string {
	if strings.HasPrefix(value, "<") || strings.HasPrefix(value, ">") {
		return name + " " + value
	}
	return name + " = " + value
}

// under1 keeps a value below 1 from reading as 1.
func under1(s string) string {
	if strings.HasPrefix(s, "1") {
		return "> 0.9999"
	}
	return s
}

// Count formats a whole number with thousands: "10,000".
func Count[T ~int | ~int32 | ~int64 | ~uint64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Ratio formats a ratio to 1: "1.85x".
func Ratio(v float64) string { return fixed(v, 2) + "x" }

// Fixed2 formats a number with two decimals: "1.80".
func Fixed2(v float64) string { return fixed(v, 2) }

// Number formats any number with three significant digits: "0.0123", "1,230".
func Number(v float64) string {
	a := math.Abs(v)
	switch {
	case v == 0:
		return "0"
	case v == math.Trunc(v) && a < 1e15:
		return Count(int64(v))
	case a >= 1000:
		return Count(int64(math.Round(v)))
	case a >= 100:
		return fixed(v, 0)
	case a >= 10:
		return fixed(v, 1)
	case a >= 1:
		return fixed(v, 2)
	case a >= 0.001:
		return fixed(v, 2-int(math.Floor(math.Log10(a))))
	default:
		return exponent(strconv.FormatFloat(v, 'e', 2, 64))
	}
}

// Setting formats a number that somebody chose, as they would write it:
// "0.05", "8", "99.9".
func Setting(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// Bytes formats a size: "512 B", "1.4 MiB".
func Bytes(n int64) string {
	if n < 1024 {
		return Count(n) + " B"
	}
	v, unit := float64(n)/1024, 0
	units := []string{"KiB", "MiB", "GiB", "TiB"}
	for v >= 1023.95 && unit < len(units)-1 {
		v /= 1024
		unit++
	}
	return fixed(v, 1) + " " + units[unit]
}

// Plural is "1 class" or "10 classes": the count and the form that fits it.
func Plural[T ~int | ~int32 | ~int64](n T, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}

// fixed formats with d decimals and never gives "-0.0".
func fixed(v float64, d int) string {
	s := strconv.FormatFloat(v, 'f', d, 64)
	if s[0] == '-' && strings.Trim(s, "-0.") == "" {
		return s[1:]
	}
	return s
}

// exponent shortens "1.2e-05" to "1.2e-5".
func exponent(s string) string {
	m, e, ok := strings.Cut(s, "e")
	if !ok {
		return s
	}
	sign := ""
	if e[0] == '-' {
		sign = "-"
	}
	return m + "e" + sign + strings.TrimLeft(e, "+-0")
}
