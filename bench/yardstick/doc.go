// Package yardstick holds pie_welch.py, the same PIE and Welch work as the
// audit's in NumPy, pandas and SciPy, and the test that both give the same
// numbers.
package yardstick
