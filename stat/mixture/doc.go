// Package mixture estimates how often the modal labels of two fresh
// populations of full size would disagree by chance, from the votes of one
// population: the model-based noise floor beside a PIE share.
//
// # Statistic
//
// Example i has n_i votes for its two leading labels, x_i of them for one of
// the two. Each member votes for the stronger label with probability p_i in
// [½, 1], and p_i comes from an unknown distribution G on a grid. Which label
// is the stronger one is not known, so
//
//	f_i(p) = Bin(x_i; n_i, p) + Bin(n_i − x_i; n_i, p)
//
// and G is the nonparametric maximum likelihood estimate, argmax Σ ln Σ_j G_j f_i(p_j),
// by the EM algorithm. It stops when Lindsay's directional derivative shows
// that no distribution on the grid is better by more than Gap per example. The
// floor is Σ_j G_j·Pr(two modal labels differ | p_j), where a tie falls to the
// stronger label with probability ½, the same in both populations.
//
// # Assumes
//
// Members vote independently given p_i; only the two leading labels matter; a
// population of K members gives them K votes. The leading two are picked by
// the same votes, and G is smoothed by nothing but the grid: report the value
// as estimated, never as measured.
//
// # Units
//
// Probabilities in [0, 1].
//
// # Not measurable
//
// No example is [ErrNoExamples], impossible votes are [ErrVotes]. One vote per
// example cannot tell distributions apart: [ErrTooFew].
//
// # References
//
// Laird, N. (1978). Nonparametric maximum likelihood estimation of a mixing
// distribution. Journal of the American Statistical Association 73(364), 805–811.
// Lindsay, B. G. (1983). The geometry of mixture likelihoods: a general theory.
// Annals of Statistics 11(1), 86–94.
package mixture
