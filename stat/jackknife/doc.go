// Package jackknife gives the variance and interval of a statistic of trained
// members from its values with one member left out.
//
// # Statistic
//
// θ₋ₖ is the statistic without member k, k = 1..K:
//
//	V = (K−1)/K · Σ (θ₋ₖ − mean θ₋)²,  ν = K − 1
//
// For a statistic of two unrelated populations members are left out of one at a
// time and the variances add; ν = min(K₀, K_t) − 1. The interval is
// θ ± t_ν·√V. Example variance s²/N can be added; ν is then Satterthwaite's.
//
// # Assumes
//
// Members are independent, and the statistic is close to linear in each of
// them, as averages over subsets (U-statistics) are; for a mean V is exactly
// s²/K. Populations that share lineages are one population of lineages: leave
// out a whole lineage at a time and use DeleteOne. V tends to be too large
// rather than too small.
//
// # Units
//
// V is in the square of the statistic's unit.
//
// # Not measurable
//
// Fewer than 2 replicates in a population are [ErrTooFew], a NaN or infinite
// one [ErrNotFinite]; an interval without any variance is [ErrNoSpread].
//
// # References
//
// Efron, B., Stein, C. (1981). The jackknife estimate of variance. Annals of
// Statistics 9(3), 586–596.
// Arvesen, J. N. (1969). Jackknifing U-statistics. Annals of Mathematical
// Statistics 40(6), 2076–2100 (several samples).
package jackknife
