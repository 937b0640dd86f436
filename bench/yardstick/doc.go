// Package yardstick holds pie_welch.py, the same PIE and Welch work as the
// audit's in NumPy, pandas and SciPy, and the test that both give the same
// numbers. pillow_decode.py is what bench/decode is measured beside.
package yardstick
