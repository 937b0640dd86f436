// Package power says what a test could have found: its power, the smallest effect it
// detects, and how many members or examples it would need.
//
// # Statistic
//
// Power is the probability that P ≤ α, two-sided, when the effect is real. With
// noncentral t and the critical value c = t_ν(α/2):
//
//	Paired   Pr(|T'_ν(δ)| > c),  δ = effect/(sd/√n),  ν = n − 1
//	Welch    the same with δ = effect/√(u+v), u = sd₀²/n₀, v = sd₁²/n₁, and ν as in
//	         Welch's test at the true variances
//	McNemar  Σ_d Pr(Bin(n, ψ) = d)·Pr(exact two-sided P ≤ α | d discordant), where each
//	         discordant example favours the first model with probability (1 + Δ/ψ)/2
//
// Each design inverts its own power for the minimum detectable effect and for the size.
//
// # Assumes
//
// What the test assumes, and that the standard deviations (or the discordance rate ψ)
// are known. Taken from the data at hand, they make the result an estimate. Never put
// the observed effect in: such "observed power" only restates P. Welch's power is an
// approximation (T is not exactly noncentral t): in simulations with spreads up to 5 : 1 it
// was off by up to .024 at n = 5 and by less than .01 where both n are 8 or more.
//
// # Units
//
// Effects and standard deviations in one unit of the caller's (recall: fractions). For
// McNemar the effect Δ is a difference of accuracies, (n₁₀ − n₀₁)/n, in [−ψ, ψ]. Power
// and alpha are probabilities. A one-sided test at α has, in effect, the power of the
// two-sided one at 2α: for a margin put the distance of the loss from the margin in as
// effect and 2α as alpha.
//
// # Not measurable
//
// [ErrTooFew], [ErrNoSpread] and [ErrArgument] refuse impossible designs;
// [ErrUnreachable] says that no effect or no size up to [MaxSize] reaches the power.
//
// # References
//
// Owen, D. B. (1965). A special case of a bivariate non-central t-distribution.
// Biometrika 52(3/4), 437–446.
// Duffy, S. W. (1984). Asymptotic and exact power for the McNemar test and its
// analogue with R controls per case. Biometrics 40(4), 1005–1015.
// Hoenig, J. M., Heisey, D. M. (2001). The abuse of power. American Statistician 55(1), 19–24.
package power
