// Package gate decides whether a compressed model may ship: a policy and the
// findings of an audit give a verdict.
//
// # Three answers
//
// A rule passes, fails or stays undecided. Over the scopes of a rule (classes,
// subgroups) multiplicity points two ways:
//
//	pass       every scope is shown to lose less than the margin, each at alpha,
//	           unadjusted (intersection-union)
//	fail       some scope is shown to lose more than the margin, after Holm's
//	           correction over the scopes
//	undecided  neither; what would decide it is said
//
// A fail outranks an undecided rule, which outranks a pass. Scope "worst" is
// decided by the largest upper bound and by Holm's correction, never by the
// largest point estimate. A scope with too few examples blocks a pass unless the
// policy leaves it out by name.
//
// # Evidence
//
// Rules are decided from [finding.Evidence] alone (members' right answers, cells of
// one pair of models, standard errors), at any margin, level and correction, and
// never from the outcome that the audit itself gave. How:
//
//	one pair of models    Newcombe's paired bounds on the four cells
//	populations           a t-test of the loss, over members and examples; with shared
//	                      lineage the variance is that of a loss at the margin
//	no answer changed     the exact binomial bound 1 − alpha^(1/n)
//	relative margin f     the contrast (1−f)·b₀ − b_t against 0, with its own variance
//
// # Units
//
// A loss is baseline minus variant for what is better when larger and variant minus
// baseline for what is worse, so that positive is always worse. Losses are shares
// (0.02 is 2 percentage points), or nats.
//
// # Never vacuous
//
// A candidate that predicts what the baseline predicts, a baseline at chance, too
// few joined rows, or no class with enough examples never pass, whatever the rules
// say ([Doubt]).
//
// The packages below it write a [Result] in one format each; package words holds
// the wording that they share; package vocabulary reads the gates of other tools.
package gate
