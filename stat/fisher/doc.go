// Package fisher holds exact conditional tests of counts: Fisher's test of a 2×2
// table, and a test whether two populations of models vote alike on one example.
//
// # Statistic
//
// [Exact]: given its margins, cell a of a table (a, b; c, d) is hypergeometric under
// independence. P is the probability of all tables that are no more likely than
// the observed one.
//
// [Votes]: on one example x_c of K₀ baseline members and y_c of K_t variant members
// vote for label c. The statistic is the taxicab distance
//
//	D = Σ_c |x_c/K₀ − y_c/K_t|,  in [0, 2]
//
// and P = Pr(D* ≥ D) given the pooled counts n_c = x_c + y_c, where the K₀ baseline
// votes are a random draw without replacement from all votes (multivariate
// hypergeometric). D treats the populations alike: to ask instead whether the
// baseline's own modal label lost votes would find such a loss by selection alone.
//
// Where there are few tables, as with two labels or a few stray votes, they are listed.
// Otherwise they are not: because Σ(x_c·N − n_c·K₀) = 0,
// with N = K₀ + K_t, D is 2/(K₀·K_t) times the integer S = Σ max(0, x_c·N − n_c·K₀), and a
// recursion over labels carries the weight of each pair (votes drawn so far, S so
// far). Ties in D are therefore exact, whatever the number of labels.
//
// MinP is the smallest P that any table with the same margins could have had. A
// family of tests leaves out those with MinP above the level: they could never
// be decided.
//
// # Assumes
//
// Members vote independently of each other within and between populations: not true
// of members that share a lineage, which need swaps within lineages. The margins
// are taken as given.
//
// # Units
//
// Counts of votes; D has no unit; P and MinP are in [0, 1], with 0 only below 4.9e-324.
//
// # Not measurable
//
// A population without votes is [ErrEmpty], vectors over different labels are
// [ErrLengths], a negative count is [ErrNegative]. Populations so large and of such
// sizes that the recursion would need more than [MaxStates] states, with too many tables
// to list, are [ErrTooLarge].
//
// # References
//
// Fisher, R. A. (1935). The logic of inductive inference. JRSS 98(1), 39–82.
// Mehta, C. R., Patel, N. R. (1983). A network algorithm for performing Fisher's
// exact test in r×c contingency tables. JASA 78(382), 427–434.
package fisher
