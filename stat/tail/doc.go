// Package tail gives upper tails and quantiles of the distributions that the
// tests of the sibling packages need, with relative accuracy far out.
//
// # Statistic
//
// Each function returns Pr(X > x) itself, never 1 − Pr(X ≤ x), so that a tail
// of 1e-300 has as many good digits as one of 0.3. Student, F and binomial
// tails are the regularized incomplete beta function
//
//	Iₓ(a, b) = 1/B(a,b) · ∫₀ˣ uᵃ⁻¹ (1−u)ᵇ⁻¹ du
//
// by the continued fraction of Didonato and Morris, and the chi-squared tail is
// the incomplete gamma function. Their leading factors are binomial and Poisson
// probabilities in Loader's saddle-point form, which does not subtract large
// log-gamma values and therefore keeps its digits at counts of 1e9. (The usual
// log-gamma form, as in gonum v0.17 mathext.RegIncBeta, is off by 2e-6 there.)
//
// # Assumes
//
// Arguments lie in the domain that each function states. A value outside it,
// or NaN, is a mistake of the caller and panics: a made-up probability would be
// worse. The packages beside this one check their input first and return errors.
//
// # Units
//
// Probabilities are in [0, 1]. A tail smaller than the smallest positive float64
// (4.9e-324) is returned as 0.
//
// # Not measurable
//
// Does not arise here.
//
// # References
//
// Didonato, A. R. and Morris, A. H. (1992). Algorithm 708: significant digit
// computation of the incomplete beta function ratios. ACM TOMS 18(3), 360–373.
// Loader, C. (2000). Fast and accurate computation of binomial probabilities.
// Hill, G. W. (1970). Algorithm 395: Student's t-distribution. CACM 13(10), 617–619.
// Chandrupatla, T. R. (1997). A new hybrid quadratic/bisection algorithm for
// finding the zero of a nonlinear function. Adv. Eng. Software 28(3), 145–149.
package tail
