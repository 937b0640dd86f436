"""Writes reference.csv: n10, n01, p, mid-p, odds interval at 95 %, source.

Run: /usr/bin/python3 gen.py > reference.csv
p: statsmodels 0.13.5 (contingency_tables.mcnemar exact=True) below 1,000 pairs,
mpmath 1.2.1 sums of binomial terms otherwise; mid-p: those sums (Fagerland et
al. 2013, eq. 4); interval: statsmodels proportion_confint(method="beta").
"""
import mpmath as mp
import scipy
import statsmodels
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

assert scipy.__version__ == "1.10.1" and statsmodels.__version__.startswith("0.13.5")
mp.mp.dps = 50


def term(k, n):
    return mp.exp(mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1) - n * mp.log(2))


def upper(k, n):
    s, t = mp.mpf(0), term(k, n)
    while k <= n and t > s * mp.mpf(10) ** -25:
        s, t, k = s + t, t * (n - k) / (k + 1), k + 1
    return s


for a, b in [(113, 101), (60, 53), (1, 0), (6, 0), (5, 5), (1, 2), (3, 17), (0, 60), (400, 250), (900, 100), (10500, 9500), (501000, 499000),
             (500_050_000, 499_950_000), (500_500_000, 499_500_000)]:
    n = a + b
    hi = max(a, b)
    full = min(mp.mpf(1), 2 * upper(hi, n))
    mid = 1 - term(a, n) / 2 if a == b else full - term(hi, n)
    source = "mpmath 1.2.1"
    if n <= 1000:
        p = mcnemar([[0, a], [b, 0]], exact=True).pvalue
        if p > 1e-12:
            assert abs(p - full) < 1e-9 * p
            full, source = mp.mpf(float(p)), "statsmodels 0.13.5"
    lo, up = proportion_confint(a, n, 0.05, "beta") if n < 10**6 else ("nan", "nan")
    odds = lambda v: "" if v == "nan" else ("inf" if v >= 1 else repr(float(v / (1 - v))))
    print(",".join([str(a), str(b), mp.nstr(full, 17), mp.nstr(mid, 17), odds(lo), odds(up), source]))
