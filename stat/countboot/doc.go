// Package countboot bootstraps statistics of counts by drawing the counts
// themselves.
//
// # Statistic
//
// A stratum (a class) has n examples in cells, such as n₁₁, n₁₀, n₀₁, n₀₀ for
// right and wrong under baseline and variant. Drawing n examples with
// replacement gives cells that are exactly multinomial(n, n_cell/n), so one
// replicate costs one draw of counts and not n draws of rows. Cells are drawn
// from the rarest to the most frequent, each binomial given the ones before;
// the last takes what is left. Intervals at level 1−α from B replicates θ*:
//
//	percentile  [θ*₍α/2₎, θ*₍1−α/2₎]
//	basic       [2θ − θ*₍1−α/2₎, 2θ − θ*₍α/2₎]
//
// θ*₍p₎ is the (B+1)p-th smallest replicate, interpolated linearly between
// neighbours.
//
// # Assumes
//
// Examples are independent draws within a stratum, strata sizes are fixed, and
// the models are fixed: an interval covers examples only, not other trainings.
//
// # Units
//
// Counts are examples. Replicates are in the unit of the statistic.
//
// # Not measurable
//
// A quantile beyond the outermost replicate is [ErrTooFew], a replicate that is
// NaN or infinite [ErrNotFinite]. Cells that are negative or a stratum without
// examples are [ErrCells].
//
// # References
//
// Efron, B., Tibshirani, R. J. (1993). An Introduction to the Bootstrap.
// Chapman & Hall, chapters 12–13.
// Davison, A. C., Hinkley, D. V. (1997). Bootstrap Methods and their
// Application. Cambridge University Press, sections 2.4, 5.2.
// Hörmann, W. (1993). The generation of binomial random variates. Journal of
// Statistical Computation and Simulation 46(1/2), 101–110 (algorithm BTRS).
package countboot
