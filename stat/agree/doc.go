// Package agree measures how far several raters (people, or resampled
// populations) agree on categories, beyond chance: Fleiss' kappa and
// Krippendorff's alpha for nominal data.
//
// # Statistic
//
// n_uk of n_u ratings put unit u into category k. With π_k the share of all
// ratings in category k, N units and R ratings of each,
//
//	κ = (a − e)/(1 − e),  a = mean_u Σ_k n_uk(n_uk−1)/(R(R−1)),  e = Σ_k π_k²
//
// and, over the units with n_u ≥ 2, which have n ratings, n_k in category k,
//
//	α = 1 − D_o/D_e,  D_o = Σ_u (n_u² − Σ_k n_uk²)/(n_u−1) / n,
//	                  D_e = (n² − Σ_k n_k²)/(n(n−1))
//
// The standard error of κ is Gwet's, the linearization
//
//	κ*_u = (a_u − e − 2(1−κ)(e_u − e))/(1−e),  e_u = Σ_k π_k n_uk/R,
//	se²  = Σ_u (κ*_u − κ)² / (N(N−1));
//
// that of α is the delete-one-unit jackknife. Intervals are t intervals with
// N − 1 degrees of freedom, cut at 1.
//
// # Assumes
//
// Units are independent draws; raters are exchangeable and need not be the
// same from unit to unit. Ratings are missing at random (α).
//
// # Units
//
// κ and α have none: 1 is full agreement, 0 what chance gives.
//
// # Not measurable
//
// Ratings all in one category have no chance to disagree ([ErrOneCategory]);
// κ needs 2 or more ratings and the same number on each unit ([ErrRatings]), α
// one unit with 2 ([ErrRatings]). A standard error needs 2 units ([ErrTooFew]).
//
// # References
//
// Fleiss, J. L. (1971). Measuring nominal scale agreement among many raters.
// Psychological Bulletin 76(5), 378–382.
// Gwet, K. L. (2021). Large-sample variance of Fleiss generalized kappa.
// Educational and Psychological Measurement 81(4), 781–790.
// Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability.
// University of Pennsylvania, Annenberg School for Communication.
package agree
