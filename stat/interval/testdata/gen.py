"""Writes reference.csv: method, counts, level, low, high.

Run: /usr/bin/python3 gen.py > reference.csv
Source: statsmodels 0.13.5, stats.proportion: proportion_confint (wilson, beta,
normal) and confint_proportions_2indep(method="newcomb"). Clopper-Pearson: mpmath 1.2.1
roots of the incomplete beta function near statsmodels' limits.
"""
import mpmath as mp
import statsmodels
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

assert statsmodels.__version__.startswith("0.13.5") and mp.__version__ == "1.2.1"
mp.mp.dps = 40


def out(method, counts, level, lo, hi):
    print(",".join([method, " ".join(map(str, counts)), repr(level), repr(float(lo)), repr(float(hi))]))


def beta_root(p, a, b, near):
    f = lambda x: mp.log(mp.betainc(a, b, 0, x, regularized=True)) - mp.log(p)
    near = mp.mpf(float(near))
    r = mp.findroot(f, (near, near * (1 - mp.mpf(10) ** -5)), solver="secant")
    assert abs(r / near - 1) < 1e-6
    return r


for k, n in [(0, 10), (1, 10), (10, 10), (3, 7), (50, 1000), (999, 1000), (214, 10000), (1, 1000000)]:
    for level in (0.95, 0.99, 0.5):
        lo, hi = proportion_confint(k, n, 1 - level, "wilson")
        out("wilson", (k, n), level, max(lo, 0) if k else 0, hi if k < n else 1)
        out("wald", (k, n), level, *proportion_confint(k, n, 1 - level, "normal"))
        lo, hi = proportion_confint(k, n, 1 - level, "beta")
        h = (1 - mp.mpf(level)) / 2
        lo = beta_root(h, k, n - k + 1, lo) if k else 0
        hi = 1 - beta_root(h, n - k, k + 1, 1 - hi) if k < n else 1
        out("clopper", (k, n), level, lo, hi)
for c in [(56, 70, 48, 80), (9, 10, 3, 10), (6, 7, 2, 7), (5, 56, 0, 29), (10, 10, 0, 20), (10, 10, 0, 10), (900, 1000, 918, 1000)]:
    out("newcombe", c, 0.95, *confint_proportions_2indep(*c, method="newcomb", compare="diff", alpha=0.05))
