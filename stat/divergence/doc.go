// Package divergence measures how far apart the class probabilities of two
// models are on one example.
//
// # Statistic
//
// With natural logarithms and 0·ln 0 = 0:
//
//	KL(p‖q) = Σ_c p_c ln(p_c/q_c)
//	JS(p,q) = ½ KL(p‖m) + ½ KL(q‖m),  m = (p+q)/2
//	Loyalty = 1 − √(JS/ln 2), the probability loyalty
//
// Each class adds a term that is never negative (KL: p ln(p/q) − p + q, equal
// in sum), computed so that nearly equal probabilities lose no digits. Logits
// are turned into logarithms of probabilities by log-sum-exp.
//
// # Assumes
//
// Both rows are over the same classes in the same order. Probability rows may
// be rounded (a float16 row rarely sums to 1): a sum within [SumTolerance] of 1
// is accepted and the row is divided by it.
//
// # Units
//
// KL and JS are in nats; [Bits] converts. JS is in [0, ln 2], loyalty in
// [0, 1], 1 for equal rows.
//
// # Not measurable
//
// KL is infinite where q is 0 and p is not: [ErrUnbounded]. A NaN, infinite or
// negative entry is [ErrValue], a row that does not sum to 1 [ErrSum], rows of
// different length or no class [ErrLength].
//
// # References
//
// Kullback, S., Leibler, R. A. (1951). On information and sufficiency. Annals
// of Mathematical Statistics 22(1), 79–86.
// Lin, J. (1991). Divergence measures based on the Shannon entropy. IEEE
// Transactions on Information Theory 37(1), 145–151.
// Xu, C., Zhou, W., Ge, T., Xu, K., McAuley, J., Wei, F. (2021). Beyond
// preserved accuracy: evaluating loyalty and robustness of BERT compression.
// arXiv:2109.03228 (probability loyalty).
package divergence
