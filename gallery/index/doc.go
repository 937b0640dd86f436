// Package index answers a gallery's questions about the examples of one audit:
// which rows match a filter, worst first; how many there would be for each
// other choice of a filter; what happened to one example; which examples are
// like it.
//
// # Rows
//
// An example is its row in the audit's table of examples, counted from 0; the
// same number is its row in the predictions. What [Build] keeps of a row are a
// few bytes a variant: modal labels, votes, flags, a code for the numbers of
// the tests. Where a filter chooses by value (a class, a flip, a group, a
// number of votes), the rows of each value are a roaring bitmap, so that a
// filter is an intersection of a few bitmaps and a count beside a choice is
// the size of another one. Orders are permutations of all rows, made by radix
// sort when first asked for; a page walks one until it has enough rows.
//
// # What is ready when
//
// [Build] returns when one variant can be shown. The other variants, the
// groups (which are in the predictions, not in the table of examples) and the
// members' own predictions follow in the background; a call that needs one of
// them waits for it, and loads it itself where the background has not begun.
//
// # Predictions
//
// The members' predictions of an example are kept side by side, 1, 2 or 4
// bytes each, so that the Hamming distance of two examples is a few machine
// words (see [Index.Nearest]).
//
// All methods may be called from several goroutines at once.
package index
