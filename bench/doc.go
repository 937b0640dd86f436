// Package bench holds the benchmarks of the audit and what they are compared
// with. README.md says how to run them and what they gave.
package bench
