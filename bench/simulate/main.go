package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/lethe-audit/lethe/internal/atomicfile"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(study(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are the command line's.
type options struct {
	seeds, first uint64
	mode, only   string
	quick        bool
	state, write string
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("simulate", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Uint64Var(&o.seeds, "seeds", 1000, "number of seeds, a multiple of 50")
	f.Uint64Var(&o.first, "first", 1, "first seed; 1 plus a multiple of 50")
	f.StringVar(&o.mode, "mode", "all", "welch, paired, mcnemar, pie, robust, gate or all")
	f.StringVar(&o.only, "only", "", "scenarios whose name contains this")
	f.BoolVar(&o.quick, "quick", false, "50 seeds and wider bounds, as in the tests")
	f.StringVar(&o.state, "state", "", "file that keeps finished seeds, so that a stopped study goes on")
	f.StringVar(&o.write, "write", "", "Markdown document that holds the tables between its marks, to bring up to date")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.quick {
		o.seeds = chunk
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("simulate: unexpected argument %q", f.Arg(0))
	case o.seeds == 0 || o.seeds%chunk != 0 || (o.first-1)%chunk != 0:
		return o, fmt.Errorf("simulate: %d seeds from %d, want a multiple of %d from 1 plus a multiple of it", o.seeds, o.first, chunk)
	case !strings.Contains(" welch paired mcnemar pie robust gate all ", " "+o.mode+" "):
		return o, fmt.Errorf("simulate: mode %q, want welch, paired, mcnemar, pie, robust, gate or all", o.mode)
	}
	return o, nil
}

// quickWide is how many standard errors the short version adds to each limit.
const quickWide = 4

// study runs the study. It returns 0, 1 where a criterion does not hold, 2 on
// an error, and 130 when interrupted.
func study(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	sections, err := runAll(ctx, o, stderr)
	if ctx.Err() != nil {
		fmt.Fprintln(stderr, "simulate: interrupted; finished seeds are kept in --state")
		return 130
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	var b bytes.Buffer
	if err := markdown(&b, sections); err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	if _, err := stdout.Write(b.Bytes()); err != nil {
		return 2
	}
	if o.write != "" {
		if err := writeDocument(o.write, b.String()); err != nil {
			fmt.Fprintln(stderr, err)
			return 2
		}
	}
	if n := failed(sections); n > 0 {
		fmt.Fprintf(stderr, "simulate: %d criteria do not hold\n", n)
		return 1
	}
	return 0
}

func writeDocument(name, tables string) error {
	doc, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("simulate: %w", err)
	}
	text, err := replaceTables(string(doc), tables)
	if err != nil {
		return fmt.Errorf("%w: %s", err, name)
	}
	return atomicfile.Write(name, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// runAll runs the chosen scenarios and judges them.
func runAll(ctx context.Context, o options, log io.Writer) ([]section, error) {
	s, err := readState(o.state)
	if err != nil {
		return nil, err
	}
	var sections []section
	for _, sc := range scenarios() {
		if (o.mode != "all" && sc.Mode != o.mode) || !strings.Contains(sc.Name, o.only) {
			continue
		}
		e, err := sc.Make()
		if err != nil {
			return nil, fmt.Errorf("simulate: %s: %w", sc.Name, err)
		}
		started := time.Now()
		err = s.run(ctx, &sc, e, o.first, o.seeds, func(n uint64) error {
			fmt.Fprintf(log, "%-28s %5d of %d seeds, %.1f s\n", sc.Name, n, o.seeds, time.Since(started).Seconds())
			if err := ctx.Err(); err != nil {
				return err
			}
			return s.write(o.state)
		})
		if err != nil {
			return nil, err
		}
		b := bounds{Seeds: int(o.seeds)}
		if o.quick {
			b.Wide = quickWide
		}
		sections = append(sections, section{sc, int(o.seeds), e.Criteria(s.tally(sc.Name, o.first, o.seeds), b)})
	}
	return sections, nil
}
