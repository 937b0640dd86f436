// Package jaccard measures how much two sets of examples overlap.
//
// # Statistic
//
//	J(A, B) = |A ∩ B| / |A ∪ B|
//
// and, for the stability of a set over resampled populations, the mean of J
// over all pairs of sets.
//
// # Assumes
//
// Nothing about where the sets come from. J depends on how large the sets are:
// two random sets with shares p and q of the examples have J about
// pq/(p+q−pq), not 0.
//
// # Units
//
// J is in [0, 1], 1 for equal sets.
//
// # Not measurable
//
// Two empty sets have no J: [ErrEmpty]. A list that is not strictly ascending
// is [ErrOrder], a negative count [ErrCounts], fewer than two sets [ErrTooFew].
//
// # References
//
// Jaccard, P. (1912). The distribution of the flora in the alpine zone. New
// Phytologist 11(2), 37–50.
package jaccard
