// Package planted makes prediction tables whose effects are known, because they
// were planted: for the demonstration, for tests, and for the simulation study
// of the audit's own error rates.
//
// # Model
//
// Example i of class c has a latent ease τ_i = μ_c + σ·x_i, where x_i is a
// standard normal quantile: with σ = 2 or more, most examples are answered
// alike by all members, and a few are near the boundary, as in real votes.
// A member is right on i with probability Φ(τ_i); where it is wrong it answers
// the example's runner-up label (Spec.RunnerShare of the time) or its third
// label. A variant moves τ by one number for each class and subgroup, chosen so
// that the expected recall falls by exactly the planted loss; Variant.Reshuffle
// lets examples of one class and subgroup trade their ease, which changes
// answers but no recall.
//
// Members of a population are independent and identically distributed. A
// member's errors are correlated across examples by a Gaussian factor for the
// whole member (Variant.AccuracySD) and one for each cluster of examples
// (Variant.Correlation); neither changes Φ(τ_i). A member of a paired variant
// reuses its lineage's random draw on a share of the examples
// (Variant.KeepShare) and so answers as its lineage did there, save where the
// planted loss crosses the draw.
//
// # Truth
//
// [Truth] gives expectations over members in closed form: recalls, their
// changes, the variance of a member's recall, the probability of a changed
// answer, and the PIE share and noise floor of m members.
//
// # Examples fixed or drawn
//
// With [Quota] the eases are the quantiles of their distribution, so that
// planted losses hold exactly on the examples of the table; with [Drawn] they
// are drawn independently, planted losses hold for the population of examples,
// and [Truth.Population] gives its truth beside that of the examples at hand.
//
// Every member has a random stream of its own (PCG, seeded from Spec.Seed and
// the member's place), so that a table is the same at any number of threads.
package planted
