package main

import (
	"fmt"
	"io"
)

// table prints rows as they are measured.
type table struct {
	out      io.Writer
	markdown bool
}

func newTable(out io.Writer, markdown bool) table {
	t := table{out, markdown}
	if markdown {
		fmt.Fprintln(out, "| network | batch | Go, images/s | ONNX Runtime, images/s | ratio | Go, MiB | ONNX Runtime, MiB |")
		fmt.Fprintln(out, "|---|--:|--:|--:|--:|--:|--:|")
	} else {
		fmt.Fprintf(out, "%-18s %5s %10s %10s %6s %8s %8s\n", "network", "batch", "Go im/s", "ORT im/s", "ratio", "Go MiB", "ORT MiB")
	}
	return t
}

func (t table) row(name string, batch int, r result) {
	ratio := "-"
	if r.ortIPS > 0 {
		ratio = fmt.Sprintf("%.2f", r.goIPS/r.ortIPS)
	}
	format := "%-18s %5d %10.1f %10.1f %6s %8.0f %8.0f\n"
	if t.markdown {
		format = "| %s | %d | %.1f | %.1f | %s | %.0f | %.0f |\n"
	}
	fmt.Fprintf(t.out, format, name, batch, r.goIPS, r.ortIPS, ratio, r.goMB, r.ortMB)
}
