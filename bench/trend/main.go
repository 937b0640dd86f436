// Command trend says how the accuracy of a model falls over the severities of
// every corruption: whether corruptions are as strong as their severities say. It
// corrupts images on the way and runs them through the engine, as lethe predict
// does with ?corruption=NAME&severity=N.
//
//	go run ./bench/trend --model resnet_4b.onnx --data cifar10:DIR?mean=.4914,.4822,.4465&std=.2471,.2435,.2616 --state out/trend.json --write doc/robustness.md
//
// Finished corruptions are kept in the state file, so that a stopped run goes on
// where it was. A step from one severity to the next on which accuracy rises by
// more than 1 percentage point is an exception; each is listed with its interval.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/lethe-audit/lethe/dataset/corrupt"
	"github.com/lethe-audit/lethe/internal/atomicfile"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "trend: interrupted; finished corruptions are kept in --state")
		os.Exit(130)
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

// options are the command line's.
type options struct {
	model, data string
	only        string
	state       string
	write       string
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("trend", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.model, "model", "", "ONNX file of a classifier")
	f.StringVar(&o.data, "data", "", "clean images, cifar10:DIR?options")
	f.StringVar(&o.only, "only", "", "corruptions whose name contains this")
	f.StringVar(&o.state, "state", "", "file that keeps finished corruptions")
	f.StringVar(&o.write, "write", "", "Markdown document that holds the table between its marks, to bring up to date")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 || o.model == "" || o.data == "" {
		return o, errors.New("trend: want --model FILE --data SRC, and no other arguments")
	}
	return o, nil
}

// run measures what the state lacks and prints the table.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	m, err := newMeasurer(ctx, o.model, o.data)
	if err != nil {
		return err
	}
	defer m.close()
	s, err := readState(o.state, m.key())
	if err != nil {
		return err
	}
	var done []row
	for _, name := range corrupt.Names() {
		if !strings.Contains(name, o.only) {
			continue
		}
		r, ok := s.Rows[name]
		if !ok {
			if r, err = m.corruption(ctx, name); err != nil {
				return fmt.Errorf("trend: %s: %w", name, err)
			}
			s.Rows[name] = r
			if err := s.write(o.state); err != nil {
				return err
			}
			fmt.Fprintf(stderr, "%-20s %s\n", name, r.shares())
		}
		done = append(done, r)
	}
	var b bytes.Buffer
	if err := table(&b, done); err != nil {
		return err
	}
	if _, err := stdout.Write(b.Bytes()); err != nil {
		return err
	}
	if o.write == "" {
		return nil
	}
	return writeDocument(o.write, b.String())
}

// The lines between which a document holds the table.
const (
	beginMark = "<!-- trend: begin -->"
	endMark   = "<!-- trend: end -->"
)

func writeDocument(name, tables string) error {
	doc, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("trend: %w", err)
	}
	before, rest, ok := strings.Cut(string(doc), beginMark)
	_, after, ok2 := strings.Cut(rest, endMark)
	if !ok || !ok2 {
		return fmt.Errorf("trend: %s has no lines %q and %q for the table", name, beginMark, endMark)
	}
	return atomicfile.Write(name, func(w io.Writer) error {
		_, err := io.WriteString(w, before+beginMark+"\n"+tables+endMark+after)
		return err
	})
}
