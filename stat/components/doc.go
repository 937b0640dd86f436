// Package components splits the variance of a mean over a members × examples
// table into what the members, the examples and their interaction add, so
// that an interval can say which of them it covers.
//
// # Statistic
//
// X is a K×n table: rows are members, columns examples. A dot marks a mean.
//
//	A = var_k(X_k.)/K                                             members
//	B = var_i(X_.i)/n                                             examples
//	E = Σ (X_ki − X_k. − X_.i + X_..)² / ((K−1)(n−1)) / (Kn)      interaction
//
// Variances have divisor size−1. A and B each contain the interaction once, so
//
//	V(members) = A,  V(examples) = B,  V(both) = A + B − E, at least max(A, B)
//	ν = V² / (A²/(K−1) + B²/(n−1) + E²/((K−1)(n−1)))
//
// estimate the variance of X_.. when members, examples or both are drawn anew.
// A sum of parts has no fewer degrees of freedom than its poorest part; where
// a large E in a tiny table would push ν below that, ν is the poorest part's.
// Paired populations give one table of differences. Unpaired ones give two
// tables over the same examples: A = A₀ + A_t, E = E₀ + E_t,
// B = var_i(X_t,.i − X_0,.i)/n, and each part enters ν with its own degrees of
// freedom. Examples in strata (classes) with weights a_g have
// B = Σ a_g² B_g and E = Σ a_g² E_g; A comes from the members' weighted means.
// The normalized difference of a class with share w of the examples has the
// strata class and rest with weights ±(1−w).
//
// Everything is computed from integer sums that are gathered by counting, in
// exact integer arithmetic up to the last division: a table without spread
// has variance exactly 0.
//
// # Assumes
//
// Members are independent draws of one training process, examples independent
// draws of one population (within strata, whose shares are fixed). Intervals
// take the mean as close to normal, which is doubtful for few members.
//
// # Units
//
// Variances are in the square of the unit of X. X is −1, 0 or 1 for a change of
// correctness, 0 or 1 for correctness. Sizes up to K = 1,000 and n = 10⁹.
//
// # Not measurable
//
// A single member in a population returns [ErrOneMember] for anything that
// covers members, a stratum with one example [ErrOneExample] for anything that
// covers examples, and no spread at all [ErrNoSpread]. Sums that no table has
// return [ErrSums].
//
// # References
//
// Searle, S. R., Casella, G., McCulloch, C. E. (1992). Variance Components.
// Wiley, chapter 4 (two-way crossed classification).
// Satterthwaite, F. E. (1946). An approximate distribution of estimates of
// variance components. Biometrics Bulletin 2(6), 110–114.
// Owen, A. B. (2007). The pigeonhole bootstrap. Annals of Applied Statistics
// 1(2), 386–411 (why resampling rows and columns is too wide).
package components
