// Package spearman measures whether two quantities rise together, by the
// correlation of their ranks.
//
// # Statistic
//
// With midranks for ties, ρ is the Pearson correlation of the ranks of x and y.
// P is two-sided: for n ≤ [ExactMax] the share of all orders of y with at least
// the observed |ρ|; for larger n from
//
//	t = ρ·√((n−2)/(1−ρ²)), Student's t with n − 2 degrees of freedom,
//
// except that |ρ| = 1 has its exact P at any n. The interval is Fisher's z with
// the variance of Bonett and Wright:
//
//	tanh( artanh ρ ± z·√((1 + ρ²/2)/(n−3)) )
//
// Sums of ranks are integers and 1 − ρ² is computed from them exactly.
//
// # Assumes
//
// Pairs are independent draws; under the null hypothesis x and y are
// independent. The interval is good for |ρ| up to about .95 and few ties.
//
// # Units
//
// ρ is in [−1, 1]. Only the order of x and y matters, not their units. P is in
// (0, 1].
//
// # Not measurable
//
// Fewer than 3 pairs (4 for the interval) are [ErrTooFew], a constant x or y is
// [ErrConstant], NaN [ErrNaN]. |ρ| = 1 has no interval: [ErrPerfect]. Lists of
// different length are [ErrLength], more than 2,000,000 pairs [ErrTooMany].
//
// # References
//
// Spearman, C. (1904). The proof and measurement of association between two
// things. American Journal of Psychology 15(1), 72–101.
// Bonett, D. G., Wright, T. A. (2000). Sample size requirements for estimating
// Pearson, Kendall and Spearman correlations. Psychometrika 65(1), 23–28.
package spearman
