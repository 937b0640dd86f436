// Package voteshift measures how far the votes on one example moved between
// two populations: an unbiased estimate that may be negative, and the taxicab
// distance that cannot be.
//
// # Statistic
//
// n_0c of K₀ baseline members and n_tc of K_t variant members vote for c:
//
//	Q = Σ_c [ n_0c(n_0c−1)/(K₀(K₀−1)) + n_tc(n_tc−1)/(K_t(K_t−1)) − 2·n_0c·n_tc/(K₀K_t) ]
//
// estimates Σ_c (p_0c − p_tc)² without bias: each term is a share of agreeing
// pairs of independent members. Where populations share lineages, the last
// term is the share of agreeing pairs among pairs of different lineages only.
//
//	d = Σ_c |n_0c/K₀ − n_tc/K_t|
//
// is the taxicab distance; its mean is positive when nothing changed.
//
// # Assumes
//
// Members of one population are independent draws (for SharedLineage: of
// different lineages, and independent given different lineages).
//
// # Units
//
// Q is a squared probability, at most 2; d a probability in [0, 2].
//
// # Not measurable
//
// Q needs 2 votes in each population ([ErrTooFew]) and, with shared lineages, a
// pair of members of different ones ([ErrNoPairs]). Counts of same-lineage
// pairs that contradict the votes are [ErrLineages]. Negative counts and vectors
// of different lengths are errors of the calling program and panic.
//
// # References
//
// Hoeffding, W. (1948). A class of statistics with asymptotically normal
// distribution. Annals of Mathematical Statistics 19(3), 293–325.
// Gretton, A. et al. (2012). A kernel two-sample test. Journal of Machine
// Learning Research 13, 723–773 (Q is its unbiased MMD² with a label kernel).
// Hooker, S., Moorosi, N., Clark, G., Bengio, S., Denton, E. (2020).
// Characterising bias in compressed models. arXiv:2010.03058 (taxicab).
package voteshift
