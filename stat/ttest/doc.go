// Package ttest tests means: of two independent groups of runs whose variances
// may differ (Welch), of runs in pairs, and of one group against a constant.
//
// # Statistic
//
// Welch:
//
//	t = (x̄₁ − x̄₂) / √(u+v),   u = s₁²/n₁,  v = s₂²/n₂
//	ν = (u+v)² / ( u²/(n₁−1) + v²/(n₂−1) )
//
// Paired and one sample, with Dᵢ = xᵢ − yᵢ or xᵢ − μ:
//
//	t = D̄ / (s_D/√n),   ν = n − 1
//
// s² is the unbiased sample variance (divisor n−1). P is two-sided,
// P = 2·Pr(T_ν > |t|), computed from the upper tail and never as 1−CDF.
//
// Recalls are counts over a class size, and floating point makes a constant
// recall look as if it varied by 1e-17. [IntegerMoments] therefore takes the
// counts themselves and returns a variance of exactly 0 for a constant:
//
//	s² = (K·Σx² − (Σx)²) / (K(K−1)·scale²)
//
// # Assumes
//
// Observations (pairs) are independent; one observation is one trained model or
// one lineage, not one image. Group means are close to normal; below five
// observations a group that leans on the observations being normal.
//
// # Units
//
// MeanDiff, StdErr and intervals are in the unit of the input; t and ν have none.
// P is in [0, 1] and 0 only below 4.9e-324. Swapping the groups negates MeanDiff
// and T.
//
// # Not measurable
//
// Fewer than two observations in a group, a NaN or infinite one, groups of
// different size where pairs are needed, or no variance at all return
// [ErrTooFew], [ErrNotFinite], [ErrLengths], [ErrNoSpread]; no P is made up. One
// group without variance beside one with is no special case. What the original
// paper's audit reports without variance is [Degenerate].
//
// # References
//
// Welch, B. L. (1947). The generalization of "Student's" problem when several
// different population variances are involved. Biometrika 34(1/2), 28–35.
// Satterthwaite, F. E. (1946). An approximate distribution of estimates of
// variance components. Biometrics Bulletin 2(6), 110–114.
package ttest
