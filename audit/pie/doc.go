// Package pie is the check for PIEs (pruning identified exemplars; for any
// compression also CIEs): examples whose modal label, the label that most
// members of a population predict, differs between the baseline and a variant.
//
// Two populations trained alike disagree too, so a PIE share is never read
// alone. The check measures it beside what no effect would give: at a matched
// population size the exact noise floor of the baseline, with an interval over
// members and examples ([Measurer]); for variants made from the baseline's own
// checkpoints the share under random swaps within each lineage ([MeasureSwap]).
// For each example it decides with an exact test and control of false
// discoveries whether the votes, and whether the majority label, changed. The
// page of the check says how each answer is made.
//
// # Work
//
// An example on which all members of both populations agree costs a comparison
// of its predictions and nothing else: it can be no PIE, whoever is drawn. The
// rest become ballots: the labels voted for, their counts, and a bit mask of
// members for each label, so that any draw of members is a few population
// counts. Exact quantities depend on counts only and are memoised by them.
// Tallies are integers; sums of floats are kept by block and added in block
// order, so a result has the same bytes at any number of threads.
package pie
