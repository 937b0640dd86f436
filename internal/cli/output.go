package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/lethe-audit/lethe/internal/progress"
	"github.com/lethe-audit/lethe/report"
	"github.com/lethe-audit/lethe/report/html"
	"github.com/lethe-audit/lethe/report/jsonl"
	"github.com/lethe-audit/lethe/report/markdown"
	"github.com/lethe-audit/lethe/report/text"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// format is a format of a report.
type format string

// The formats of a report.
const (
	formatText     format = "text"
	formatJSONL    format = "jsonl"
	formatMarkdown format = "markdown"
	formatHTML     format = "html"
)

var formatNames = []string{"text", "jsonl", "markdown", "html"}

func parseFormat(s string) (format, error) {
	switch s {
	case "text", "jsonl", "markdown", "html":
		return format(s), nil
	case "json":
		return formatJSONL, nil
	case "md":
		return formatMarkdown, nil
	}
	return "", errUsage{fmt.Errorf("--format %q, want %s", s, strings.Join(formatNames, ", ")), "lethe report"}
}

// outputFlags say how a report is printed.
type outputFlags struct {
	format string
	all    bool
	color  string
	dir    string // audit directory that hints name, "" where there is none

	studies []string // closed studies whose findings are added

	page *html.Options // of an HTML report; nil: the default
}

func (f *outputFlags) add(c *cobra.Command) {
	s := c.Flags()
	s.StringVar(&f.format, "format", "text", "format of what is printed: text, jsonl, markdown or html")
	s.BoolVar(&f.all, "all", false, "print all rows of every table")
	s.StringVar(&f.color, "color", "auto", "colours in text: auto, always or never (NO_COLOR is honoured)")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formatNames, cobra.ShellCompDirectiveNoFileComp))
}

func (f *outputFlags) chosen() (format, error) {
	switch f.color {
	case "auto", "always", "never":
		return parseFormat(f.format)
	}
	return "", errUsage{fmt.Errorf("--color %q, want auto, always or never", f.color), "lethe report"}
}

// render replays a stored stream in a format.
func (a *app) render(findings string, f format, o outputFlags, w io.Writer) error {
	in, err := os.Open(findings)
	if err != nil {
		return err
	}
	defer in.Close()
	out := bufio.NewWriterSize(w, 1<<16)
	h, err := withStudies(a.handler(f, o, w, out), o.studies)
	if err != nil {
		return err
	}
	if err := report.Replay(bufio.NewReaderSize(in, 1<<16), h); err != nil {
		return fmt.Errorf("%s: %w", findings, err)
	}
	return out.Flush()
}

// handler makes the handler of a format, writing to out; w is where out goes.
func (a *app) handler(f format, o outputFlags, w io.Writer, out io.Writer) report.Handler {
	switch f {
	case formatJSONL:
		return jsonl.New(out)
	case formatMarkdown:
		return markdown.New(out, markdown.DefaultOptions())
	case formatHTML:
		if o.page != nil {
			return html.New(out, *o.page)
		}
		return html.New(out, html.DefaultOptions())
	default:
		opts := text.DefaultOptions()
		opts.All = o.all
		if o.dir != "" {
			opts.Dir = o.dir
		}
		opts.Color = o.color == "always" || o.color == "auto" && a.io.Env("NO_COLOR") == "" && progress.Terminal(w)
		if f, ok := w.(*os.File); ok && progress.Terminal(w) {
			if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
				opts.Width = width
			}
		}
		return text.New(out, opts)
	}
}
