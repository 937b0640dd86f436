// Package stat holds no code: it describes the room of the statistics, a
// package each, below this folder.
//
// A leaf package is maths only. It knows numbers, not classes, models or
// findings, and of this module imports at most stat/tail, never another leaf. Its
// comment has the headings Statistic, Assumes, Units, Not measurable and
// References; its expected numbers come from a named program or paper and lie as
// CSV in testdata beside the script that made them.
//
//	tail         upper tails and quantiles, accurate far out
//
// Tests of means and of counts:
//
//	ttest        Welch, paired, one sample; variances from integer counts
//	contrast     one class against the rest, studentized
//	mcnemar      paired right/wrong answers of two models
//	fisher       2×2 tables; vote counts of two populations on one example
//	permutation  two samples, swaps in a lineage, pools of members, sign flips
//	multiple     adjusted p-values: Bonferroni, Holm, Benjamini–Hochberg, –Yekutieli
//
// Sizes and how well they are known:
//
//	interval     proportions and their differences, paired and independent
//	components   variance over members, examples or both
//	jackknife    delete-one-member variance
//	countboot    bootstrap of counts
//	effect       Hedges' g
//	equivalence  non-inferiority and equivalence at an absolute or relative margin
//	power        power, minimum detectable effect, sample size
//
// Votes, sets and rankings:
//
//	modal        modal labels and how often two draws of members disagree
//	mixture      the share of changed modal labels that chance explains
//	voteshift    unbiased distance of two vote distributions
//	divergence   Kullback–Leibler and Jensen–Shannon
//	agree        agreement of raters
//	confident    labels that are likely wrong (confident learning)
//	jaccard      overlap of sets
//	spearman     rank correlation
//
// # Rules of the room
//
// A p-value is a tail computed as such, never 1 − CDF, and stays positive as long
// as a float64 can hold it.
//
// What cannot be measured is a typed error that the caller reports as "not
// measurable" with its reason. No NaN, 0 or 1 stands in for an answer.
//
// Whatever draws random numbers takes a seed and gives the same result for it on
// every machine, at any GOMAXPROCS.
//
// Numbers are float64 in base units: a recall is in [0, 1], a difference of
// recalls in [−1, 1]. Percentage points exist only in what a reader sees.
package stat
