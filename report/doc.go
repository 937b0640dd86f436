// Package report turns a stream of findings into a document that every format
// draws. [Collector] takes the stream, [Build] makes the [Doc]: alarms and the
// headline first, then one section for each kind of question with its method,
// its pictures and its tables worst first, then footnotes. All wording is
// decided here; the packages below (text, markdown, html) only lay it out, and
// jsonl passes the stream on.
//
// The same stream gives the same document, whether it comes from a running
// audit or from a file.
//
// Wording: "no difference detected", never "equal"; nothing is called safe,
// proven or guaranteed; "disproportionately" only where the finding says so.
package report

import (
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/report/chart"
)

// Doc is a report, ready to be laid out.
type Doc struct {
	Title     string // the audit's title, or what was compared
	Subtitle  string // "int8, pruned-70 compared with dense"
	Tool      string // "lethe v1.2.3"
	Alarms    []Alarm
	Headline  string    // one sentence
	Look      []Link    // the examples behind the headline
	How       string    // how sure: level, correction, what intervals cover
	Verdicts  []Verdict // one per variant
	Undecided []Text    // what could not be decided, and what would decide it
	Facts     []Fact    // what was audited
	Sections  []*Section
	Notes     []Note
	Checks    []string // that ran, for `lethe explain`
}

// Text is a sentence or a paragraph with references to footnotes.
type Text struct {
	S     string
	Notes []int // numbers of [Note]
}

// Alarm is something that stands above everything else: the audit is void for
// a variant, or its input is in doubt.
type Alarm struct {
	Void  bool // nothing can be concluded; else a loud warning
	Title string
	Text  string
}

// Verdict is the short answer for one variant.
type Verdict struct {
	Variant string
	Kind    string // "pruned, 0.7", "quantized, 8", ...
	Mark    Mark
	Word    string // "3 of 10 classes harmed"
	Lines   []Text
	Facts   []Fact
	Look    []Link // the variant's examples
}

// Mark is how a value is drawn: the tone of its outcome.
type Mark string

// The marks. NoMark is plain text.
const (
	NoMark    Mark = ""
	MarkWorse Mark = "worse"
	MarkGood  Mark = "better"
	MarkNone  Mark = "none"    // no difference detected
	MarkAsk   Mark = "unknown" // cannot say
	MarkVoid  Mark = "void"    // the audit itself failed here
)

// Fact is a name and a value.
type Fact struct {
	Name  string
	Value string
	Mark  Mark
	Link  string // address of the examples that the value counts; "": none
}

// Section answers one kind of question.
type Section struct {
	ID     string // stable, for links
	Title  string
	Ask    string   // the question in plain words
	Method []Text   // what intervals cover, which test and why; once a section
	Checks []string // checks whose pages explain it
	Parts  []Part
}

// Part is what a section says about one variant, or about all of them.
type Part struct {
	ID     string
	Title  string // "" where the section has only this part
	Lead   []Text
	Look   []Link // the examples that the part is about
	Blocks []Block
}

// Block is a [Table], a [Figure] or a [Gallery].
type Block interface{ block() }

// Figure is one picture or several alike, followed by their numbers.
type Figure struct {
	ID      string
	Title   string
	Caption string
	Legend  []Legend
	Panels  []Panel
	Layout  Layout
	Numbers *Table
}

// Layout is how the panels of a figure stand on a wide page.
type Layout string

// The layouts.
const (
	Multiples Layout = "multiples" // small panels side by side
	Wide      Layout = "wide"      // one panel over the page's width
	Side      Layout = "side"      // one panel beside its caption
	Duo       Layout = "duo"       // a small panel with the caption beside a tall one
)

// Panel is one picture of a [Figure].
type Panel struct {
	Title string
	Draw  chart.Figure
	Link  string // address of the panel's examples; "": none
}

// Legend explains one mark of a figure.
type Legend struct {
	Tone  chart.Tone
	Shape string // "mark", "bar" or "line", as chart.Swatch draws them
	Text  string
}

// Table is a list, worst first.
type Table struct {
	ID      string
	Title   string
	Columns []Column
	Rows    [][]Cell
	Total   int    // rows there would be; more than len(Rows) where it is cut
	Note    string // under the table

	Examples bool // the first column is the id of an example
	Minor    bool // a terminal shows it only when asked for all
	Numbers  bool // the raw numbers of a picture: as Minor, and Markdown leaves them out
}

// Column is one column of a [Table].
type Column struct {
	Name  string
	Doc   string
	Right bool // numbers
	Min   int  // characters a text may be shortened to in a terminal, 0: never
	Drop  int  // what a narrow page leaves out first: the highest; 0: never
}

// Cell is one value of a [Table].
type Cell struct {
	Text  string
	Mark  Mark
	Notes []int
	Link  string // address of the examples that the value counts; of the first cell: of the row's
}

func (*Table) block()  {}
func (*Figure) block() {}

// Note is a footnote: a warning, with the number that refers to it.
type Note struct {
	Number int
	Text   string
}

// Options are the settings of [Build].
type Options struct {
	Rows int // rows a table may have, at least 1; 0: all
	// Link gives the address that shows the examples of a target, "" where there
	// is none; nil: the document has no links to examples.
	Link func(Target) string
	// Specimen is the id of an example whose picture shows the corruptions, for
	// formats that can; "": none.
	Specimen string
	// Gallery are examples to show as pictures, for formats that can; none: no
	// such section.
	Gallery []finding.TopExamples
}

// MarkOf is how an outcome is drawn.
func MarkOf(o finding.Outcome) Mark {
	switch o {
	case finding.Worse:
		return MarkWorse
	case finding.Better:
		return MarkGood
	case finding.NotDetected:
		return MarkNone
	case finding.NotMeasurable:
		return MarkAsk
	case finding.Failed:
		return MarkVoid
	default:
		return NoMark
	}
}

func toneOf(o finding.Outcome) chart.Tone {
	switch o {
	case finding.Worse:
		return chart.Worse
	case finding.Better:
		return chart.Better
	case finding.NotMeasurable, finding.Failed:
		return chart.Unknown
	default:
		return chart.Undetect
	}
}
