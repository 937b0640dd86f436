package chart

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/internal/golden"
)

func ptr(v float64) *float64 { return &v }

// samples are figures of every kind with awkward names and missing values.
func samples() map[string]Figure {
	evil := `<script>"&'` + "\x1b\n"
	volcano := &Volcano{Name: "v " + evil, XLabel: "change, pp", Margin: 0.02, Cut: ptr(0.01)}
	ranked := &Ranked{Name: "r", XLabel: "change, pp", Percent: true, Margin: 0.02, Gap: 2, GapText: "96 between"}
	floors := &Floors{Name: "f", XLabel: "share, %"}
	for i, tone := range []Tone{Worse, Better, Undetect, Unknown} {
		x := float64(i-1) / 40
		volcano.Points = append(volcano.Points, VolcanoPoint{Label: fmt.Sprint("point ", i), X: x, P: math.Pow(10, -float64(6*i)), Tone: tone, Tip: evil})
		ranked.Rows = append(ranked.Rows, RankedRow{Label: "row " + evil, Text: "-3.2", X: x, Low: ptr(x - 0.01), High: ptr(x + 0.02), MDE: ptr(0.015), Tone: tone, Tip: evil})
		floors.Rows = append(floors.Rows, FloorRow{Label: "日本語", Text: "1.2 %", Observed: 0.01 * float64(i), Floor: ptr(0.012), Low: ptr(0), High: ptr(0.03), Tone: tone})
	}
	ranked.Rows = append(ranked.Rows, RankedRow{Label: "no interval", X: 0})
	floors.Rows = append(floors.Rows, FloorRow{Label: "no floor", Observed: 0.02})
	frontier := &Frontier{Name: "n " + evil, XLabel: "size, KiB", YLabel: "loss, pp", Margin: 0.02, Points: []FrontierPoint{
		{Label: "dense", Size: 310, Tone: Reference, Pareto: true, Bound: ptr(0)},
		{Label: evil, Size: 155.2, Loss: 0.001, Bound: ptr(0.004), Pareto: true, Tone: Better, Tip: evil},
		{Label: "int8-static", Size: 80, Loss: 0.011, Bound: ptr(0.018), Pareto: true, Chosen: true, Tone: Better},
		{Label: "int8-dynamic", Size: 82, Loss: 0.013, Bound: ptr(0.024), Tone: Unknown},
		{Label: "sparsity=0.9", Size: 60, Loss: 0.71, Pareto: true, Tone: Worse},
		{Label: "gains", Size: 90, Loss: -0.004, Tone: Better},
	}}
	return map[string]Figure{
		"frontier": frontier,
		"volcano":  volcano, "ranked": ranked, "floors": floors,
		"grid":        &Grid{Name: "g", XLabel: "x", YLabel: "y", Bins: 4, Cells: []GridCell{{0, 0, 5, "a", ""}, {3, 1, 1000, "b", ""}, {1, 3, 7, "", ""}}},
		"heat":        &Heat{Name: "h", RowAxis: "true", ColAxis: "predicted", Rows: []string{"a", evil}, Cols: []string{"b", "a very long class name indeed"}, Cells: []HeatCell{{0, 1, 0.05, "5.0", Worse, "t", ""}, {1, 0, -0.01, "-1.0", Better, "", ""}}},
		"curve":       &Curve{Name: "c", X: []string{"dense", "p50", "p90"}, Y: []*float64{ptr(0.9), nil, ptr(0.5)}, Lo: 0.4, Hi: 1, Mark: 2, Tone: Worse, Break: []bool{false, false, true}},
		"training":    &Training{Name: "t " + evil, Lo: 0.2, Hi: 0.9, Percent: true, Lines: []TrainingLine{{"00", []float64{1, 2, 3}, []float64{0.3, 0.6, 0.8}}, {evil, []float64{1}, []float64{0.25}}, {"none", nil, nil}}},
		"reliability": &Reliability{Name: "l", Bins: []ReliabilityBin{{0.55, 0.5, 10}, {0.95, 0.9, 90}}, Base: []ReliabilityBin{{0.9, 0.9, 1}}},
	}
}

func TestGolden(t *testing.T) {
	for name, f := range samples() {
		golden.Equal(t, name+".svg", []byte(strings.ReplaceAll(f.SVG(380), "><", ">\n<")+"\n"))
	}
}

// numbers are the numbers in coordinates of an SVG element.
var numbers = regexp.MustCompile(`(?: (?:x|y|cx|cy|width|height|d|transform)=")([^"]*)"`)

// check parses the element strictly and looks at every coordinate.
func check(t *testing.T, what, svg string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s is no XML: %v", what, err)
		}
	}
	for _, m := range numbers.FindAllStringSubmatch(svg, -1) {
		for _, s := range regexp.MustCompile(`-?[0-9.]+|NaN|Inf`).FindAllString(m[1], -1) {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || math.Abs(v) > 1e5 {
				t.Errorf("%s has the coordinate %q in %q", what, s, m[1])
			}
		}
	}
	if strings.Contains(svg, "<script") || strings.Contains(svg, "\x1b") {
		t.Errorf("%s does not escape a name", what)
	}
	if !strings.Contains(svg, `role="img" aria-label="`) {
		t.Errorf("%s has no accessible name", what)
	}
}

func TestWellFormedAtEveryWidth(t *testing.T) {
	for name, f := range samples() {
		for _, w := range []int{120, 230, 340, 900} {
			svg := f.SVG(w)
			check(t, fmt.Sprintf("%s at %d", name, w), svg)
			if svg != f.SVG(w) {
				t.Errorf("%s: equal figures gave different bytes", name)
			}
		}
		if f.Alt() == "" {
			t.Errorf("%s has no alternative text", name)
		}
	}
}

func TestEmptyFiguresDraw(t *testing.T) {
	for _, f := range []Figure{&Volcano{}, &Ranked{}, &Floors{}, &Grid{}, &Heat{}, &Curve{}, &Reliability{}, &Training{}} {
		check(t, fmt.Sprintf("an empty %T", f), f.SVG(340))
	}
}

// TestExtremesDraw: equal values, tiny and huge differences, p-values of 0 and
// below the smallest number all give finite coordinates.
func TestExtremesDraw(t *testing.T) {
	for _, x := range []float64{0, 1, -1, 1e-300, -1e-12} {
		for _, p := range []float64{0, 1, 5e-324, 1e-15} {
			check(t, "volcano", (&Volcano{Points: []VolcanoPoint{{X: x, P: p, Tone: Worse, Label: "l"}}}).SVG(340))
		}
		check(t, "ranked", (&Ranked{Rows: []RankedRow{{X: x, Low: ptr(-1), High: ptr(1)}}}).SVG(340))
		check(t, "floors", (&Floors{Rows: []FloorRow{{Observed: math.Abs(x), Floor: ptr(0)}}}).SVG(340))
		check(t, "curve", (&Curve{X: []string{"a"}, Y: []*float64{&x}, Lo: x, Hi: x}).SVG(230))
	}
}

// TestManyPointsStaySmall: a volcano of 20,000 classes where nothing was found
// is bounded by its pixels.
func TestManyPointsStaySmall(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	v := &Volcano{}
	for range 20_000 {
		v.Points = append(v.Points, VolcanoPoint{X: rng.NormFloat64() / 50, P: rng.Float64(), Tone: Undetect, Tip: "a tip that would cost bytes"})
	}
	if n := len(v.SVG(380)); n > 400_000 {
		t.Errorf("%d bytes", n)
	}
}

// TestTicks: ticks are multiples of 1, 2 or 5 times a power of ten, lie inside,
// and are neither too many nor too few.
func TestTicks(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		lo := rng.NormFloat64() * math.Pow(10, float64(rng.IntN(6)-3))
		hi := lo + rng.Float64()*math.Pow(10, float64(rng.IntN(6)-3)) + 1e-6
		ticks := inner(lo, hi, 5)
		if len(ticks) < 1 || len(ticks) > 13 {
			t.Fatalf("[%g, %g]: %d ticks", lo, hi, len(ticks))
		}
		d := step(hi-lo, 5)
		m := d / math.Pow(10, math.Floor(math.Log10(d)+1e-9))
		if r := math.Round(m); math.Abs(m-r) > 1e-6 || r != 1 && r != 2 && r != 5 {
			t.Fatalf("[%g, %g]: distance %g", lo, hi, d)
		}
		for _, v := range ticks {
			if v < lo-d*1e-6 || v > hi+d*1e-6 {
				t.Fatalf("[%g, %g]: tick %g lies outside", lo, hi, v)
			}
		}
	}
}

func TestTickText(t *testing.T) {
	for _, c := range []struct {
		v, distance, factor float64
		want                string
	}{
		{-0.02, 0.005, 100, "-2.0"}, {0.1, 0.05, 100, "10"}, {0, 0.1, 100, "0"}, {0.0015, 0.0005, 100, "0.15"}, {5, 5, 1, "5"},
	} {
		if got := tickText(c.v, c.distance, c.factor); got != c.want {
			t.Errorf("tickText(%g, %g, %g) = %q, want %q", c.v, c.distance, c.factor, got, c.want)
		}
	}
}

func TestFit(t *testing.T) {
	for _, s := range []string{"", "a", "automobile", "an extremely long class name that has no room", "日本語クラス名の長い名前"} {
		for room := 20.0; room < 300; room += 7 {
			got := fit(s, room)
			if textWidth(got) > room+9 && len([]rune(got)) > 2 {
				t.Errorf("fit(%q, %g) = %q is %g wide", s, room, got, textWidth(got))
			}
			if got != s && !strings.HasSuffix(got, "…") {
				t.Errorf("fit(%q, %g) = %q is cut without a mark", s, room, got)
			}
		}
	}
}
