// Package evidence compares audits and proves what they were made of.
//
// [Compare] says what changed between two audits: what became worse, better,
// decided or undecided. A verdict may change without a real change behind it,
// so every estimate that has a standard error in both audits is tested as well.
//
// A [Ratchet] records the losses that were accepted once, so that a later audit
// is held to them and not to zero.
//
// A [Manifest] (evidence.json) names every file of an audit directory, every
// input and every model by SHA-256; [Manifest.Verify] checks them
// (doc/format/evidence.md).
//
// # Statistic
//
// For the change of an estimate, Δ = new − old with variance s²_new + s²_old and
// Welch's degrees of freedom, T = Δ/√variance. The two audits are taken as
// independent. Where they share the baseline or the examples their errors are
// correlated, as a rule positively: then the variance is overstated and the test
// is cautious, never eager. Benjamini-Hochberg over each family (one question,
// one kind of scope, one variant).
//
// # Assumes
//
// Estimates near normal, each with the standard error that its audit gave; the
// standard errors cover the same chance (members, examples or both) in both.
//
// # Units
//
// Those of the findings: shares and differences of shares, variant minus baseline.
//
// # Not measurable
//
// A missing estimate, a missing or zero standard error, or different coverage: the
// row then says why and has no p-value.
package evidence
