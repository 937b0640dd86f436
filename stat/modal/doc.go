// Package modal counts which label most members of a population vote for on
// one example, and how often smaller populations drawn from those members
// would disagree: the parts from which the noise floor and the excess of a
// PIE share are made.
//
// # Statistic
//
// A vote vector n has one count per label, in label order; K = Σ n_c members
// voted. With M(A) the modal label of a set A of members:
//
//	Mode              argmax_c n_c, ties by a fixed rule
//	SubsetModes       q_c = Pr(M(A) = c), A of m members without replacement
//	Disagree          1 − Σ_c q0_c qt_c
//	DisjointDisagree  Pr(M(A) ≠ M(B)), A and B disjoint sets of m members
//	DisjointDisagreeWithout  the same with each label's vote left out in turn
//
// The probabilities are exact. For q_c the number of sets A in which c wins
// with j votes is the coefficient of z^m in
//
//	C(n_c, j) z^j · Π_{d before c} Σ_{x<j} C(n_d, x) z^x · Π_{d after c} Σ_{x≤j} C(n_d, x) z^x,
//
// where "before" is the order in which the rule prefers labels; disjoint pairs
// need the same product in two variables with trinomial weights. Labels with
// fewer votes than the winner needs in both sets count as one label. The pairs
// without a given vote are all pairs less those that draw it, which the
// derivative of the product to a mark on the votes counts. As long as
// the number of sets is below 2⁵³ (K = 30, m = 7 has 5·10¹¹ pairs) every
// intermediate is an integer that float64 holds, so the result is the nearest
// float64 to the true ratio; for larger K it is good to about 1e-13.
//
// Over independent members SubsetModes is an unbiased estimate of the
// probability that a fresh population of m members has modal label c, and
// DisjointDisagree of the probability that two fresh ones disagree.
//
// # Assumes
//
// Members are exchangeable: which m are drawn carries no information. Two
// populations that share lineages are not independent, and the floor from
// DisjointDisagree does not apply to them.
//
// # Units
//
// Probabilities in [0, 1]. Labels are indices into the vote vector.
//
// # Not measurable
//
// One member has no noise floor: [MatchedSize] returns m = 0. A vote vector
// without votes, a negative count, m < 1, m above K (2m above K for disjoint
// sets) and a number of sets beyond float64 (only possible for K > 1,000 and
// large m) are errors of the calling program and panic.
//
// # References
//
// Hooker, S., Courville, A., Clark, G., Dauphin, Y., Frome, A. (2019). What do
// compressed deep neural networks forget? arXiv:1911.05248 (modal labels).
// Hoeffding, W. (1948). A class of statistics with asymptotically normal
// distribution. Annals of Mathematical Statistics 19(3), 293–325 (averages
// over all subsets are unbiased).
package modal
