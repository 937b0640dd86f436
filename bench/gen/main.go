// Command gen writes planted predictions for the benchmarks.
//
//	go run ./bench/gen --examples 1000000 --classes 1000 --members 10 --candidates 5 --format dir -o out/bench/dir
//
// Formats: dir (Lethe's own directory), npy (labels.npy and one file for each
// model, as the yardstick reads them), csv (one long table), lm-eval (sample logs
// of two language models, --examples documents each).
package main

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/prediction/planted"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func run(args []string) error {
	f := flag.NewFlagSet("gen", flag.ExitOnError)
	examples := f.Int("examples", 50_000, "examples")
	classes := f.Int("classes", 1000, "classes")
	members := f.Int("members", 10, "members of each variant")
	candidates := f.Int("candidates", 5, "variants beside the baseline, 1 to 5")
	format := f.String("format", "dir", "dir, npy, csv or lm-eval")
	seed := f.Uint64("seed", 1, "seed")
	out := f.String("o", "", "directory (dir, npy) or file (csv) to write")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *out == "" || *candidates < 1 || *candidates > 5 {
		return fmt.Errorf("gen: want -o and 1 to 5 candidates")
	}
	if *format == "lm-eval" {
		return writeSamples(*out, *examples, *seed)
	}
	spec := planted.Large(*examples, *classes, *members)
	spec.Seed = *seed
	// the most compressed ones, whose effects are the largest
	spec.Variants = append(spec.Variants[:1:1], spec.Variants[len(spec.Variants)-*candidates:]...)
	table, _, err := planted.New(spec)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(*out), 0o755); err != nil {
		return err
	}
	switch *format {
	case "dir":
		o := prediction.DefaultWriteOptions()
		o.Replace = true
		return prediction.Write(*out, table, o)
	case "npy":
		return writeArrays(*out, table)
	case "csv":
		return atomicfile.Write(*out, func(w io.Writer) error { return writeCSV(w, table) })
	}
	return fmt.Errorf("gen: format %q, want dir, npy, csv or lm-eval", *format)
}

func writeArrays(dir string, t *prediction.Table) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	write := func(name string, c prediction.Column) error {
		return atomicfile.Write(filepath.Join(dir, name), func(w io.Writer) error { return writeArray(w, c) })
	}
	if err := write("labels.npy", t.Labels); err != nil {
		return err
	}
	for _, v := range t.Variants {
		for k, m := range v.Members {
			if err := write(fmt.Sprintf("%s-%d.npy", v.Name, k), m.Predicted); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeArray writes a column as npy version 1.0, little-endian int32.
func writeArray(w io.Writer, c prediction.Column) error {
	header := fmt.Sprintf("{'descr': '<i4', 'fortran_order': False, 'shape': (%d,), }", c.Len())
	for (10+len(header)+1)%64 != 0 {
		header += " "
	}
	header += "\n"
	b := bufio.NewWriterSize(w, 1<<16)
	b.WriteString("\x93NUMPY\x01\x00")
	if err := binary.Write(b, binary.LittleEndian, uint16(len(header))); err != nil {
		return err
	}
	b.WriteString(header)
	var buf [8192]int32
	for from := 0; from < c.Len(); from += len(buf) {
		if err := binary.Write(b, binary.LittleEndian, buf[:c.Read(buf[:], from)]); err != nil {
			return err
		}
	}
	return b.Flush()
}

// writeCSV writes a long table, model after model.
func writeCSV(w io.Writer, t *prediction.Table) error {
	b := bufio.NewWriterSize(w, 1<<16)
	b.WriteString("example,model,variant,label,prediction\n")
	var row []byte
	for _, v := range t.Variants {
		for _, m := range v.Members {
			for i := range t.Len() {
				row = append(row[:0], 'e')
				row = strconv.AppendInt(row, int64(i), 10)
				row = append(row, ',')
				row = append(row, m.Name...)
				row = append(row, ',')
				row = append(row, v.Name...)
				row = append(row, ',')
				row = strconv.AppendInt(row, int64(t.Labels.At(i)), 10)
				row = append(row, ',')
				row = strconv.AppendInt(row, int64(m.Predicted.At(i)), 10)
				row = append(row, '\n')
				if _, err := b.Write(row); err != nil {
					return err
				}
			}
		}
	}
	return b.Flush()
}
