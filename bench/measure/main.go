// Command measure runs a program several times and prints one row of a
// Markdown table: name, runs, median and least wall time, peak memory.
//
//	go run ./bench/measure -n 20 -name start-up -- bin/lethe version
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/lethe-audit/lethe/bench/timing"
)

func main() {
	n := flag.Int("n", 5, "runs")
	name := flag.String("name", "", "name in the row")
	header := flag.Bool("header", false, "print the head of the table and exit")
	flag.Parse()
	if *header {
		fmt.Println("| what | runs | median, s | least, s | peak, MB |\n|---|---|---|---|---|")
		return
	}
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "measure: want -- PROGRAM ARGUMENTS...")
		os.Exit(2)
	}
	s, err := timing.Repeat(*n, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	fmt.Printf("| %s | %d | %.3f | %.3f | %.0f |\n", *name, s.Runs, s.Median.Seconds(), s.Min.Seconds(), float64(s.PeakBytes)/1e6)
}
