"""Writes reference.csv: design, parameters, effect, alpha, power, [size at power .8].

Run: /usr/bin/python3 gen.py > reference.csv
paired, welch: mpmath 1.2.1, series of noncentral t at mpmath's critical value. scipy
1.10.1 stats.nct and statsmodels 0.13.5 TTestPower and TTestIndPower (equal spreads) must
agree to 1e-6 (scipy's t.isf is off by 4e-9 and its nct by 4e-9 at 4 degrees of freedom),
and statsmodels gives the sizes (solve_power, rounded up). mcnemar: a sum over all pairs of
binomial probabilities (scipy 1.10.1), P from math.comb.
"""
from fractions import Fraction
from itertools import accumulate
from math import ceil, comb
import mpmath as mp
import numpy as np
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.power import TTestIndPower, TTestPower

assert scipy.__version__ == "1.10.1" and statsmodels.__version__.startswith("0.13.5")
mp.mp.dps = 30


def critical(alpha, v):
    v, a = mp.mpf(v), mp.mpf(alpha) / 2
    f = lambda t: mp.log(mp.betainc(v / 2, mp.mpf(1) / 2, 0, v / (v + t * t), regularized=True) / 2) - mp.log(a)
    return float(mp.findroot(f, stats.t.isf(float(a), float(v))))


def upper(t, v, d):
    """Pr(T' > t), t > 0, by the series of Johnson, Kotz, Balakrishnan (1995), eq. 31.15."""
    t, v, d = mp.mpf(t), mp.mpf(v), mp.mpf(d)
    y, h = t * t / (v + t * t), d * d / 2
    s, j, small = mp.mpf(0), 0, 0
    while small < 5 or j < h:
        pj = mp.exp(-h + j * mp.log(h) - mp.loggamma(j + 1))
        qj = d / mp.sqrt(2) * mp.exp(-h + j * mp.log(h) - mp.loggamma(j + mp.mpf(3) / 2))
        add = pj * mp.betainc(j + mp.mpf(1) / 2, v / 2, 0, y, regularized=True) + qj * mp.betainc(j + 1, v / 2, 0, y, regularized=True)
        s, j = s + add, j + 1
        small = small + 1 if abs(add) < mp.mpf(10) ** -25 else 0
    return 1 - (mp.ncdf(-d) + s / 2)


def two_sided(ncp, v, alpha):
    c = critical(alpha, v)
    p = upper(c, v, ncp) + upper(c, v, -ncp)
    rough = stats.nct.sf(c, float(v), ncp)
    assert abs(rough - p) < 1e-6 or abs(rough + stats.nct.sf(c, float(v), -ncp) - p) < 1e-6
    return float(p)


def out(design, params, effect, alpha, power, size=""):
    print(",".join([design, " ".join(repr(p) for p in params), repr(effect), repr(alpha), repr(float(power)), str(size)]))


for sd, n, effect, alpha in [(1.0, 30, 0.5, 0.05), (0.01, 5, 0.02, 0.05), (2.0, 2, 1.0, 0.1), (1.0, 12, 0.3, 0.001), (1.0, 100, 0.1, 0.05), (1.0, 30, 1.2, 0.05)]:
    p = two_sided(effect / sd * np.sqrt(n), n - 1, alpha)
    ref = TTestPower()
    assert abs(ref.power(effect / sd, n, alpha) - p) < 1e-6
    size = ref.solve_power(effect / sd, None, alpha, 0.8)
    out("paired", (sd, n), effect, alpha, p, ceil(float(np.squeeze(size))))
for s0, n0, s1, n1, effect, alpha in [(1.0, 30, 1.0, 30, 0.7, 0.05), (0.01, 5, 0.01, 5, 0.02, 0.05), (1.0, 30, 3.0, 30, 1.0, 0.05), (2.0, 8, 0.5, 20, 1.0, 0.01),
                                      (1.0, 10, 0.0, 5, 1.0, 0.05)]:
    u, w = s0**2 / n0, s1**2 / n1
    v = (u + w) ** 2 / (u**2 / (n0 - 1) + w**2 / (n1 - 1))
    p = two_sided(effect / np.sqrt(u + w), v, alpha)
    size = ""
    if s0 == s1 and n0 == n1:
        ref = TTestIndPower()
        assert abs(ref.power(effect / s0, n0, alpha) - p) < 1e-6
        size = ceil(float(np.squeeze(ref.solve_power(effect / s0, None, alpha, 0.8))))
    out("welch", (s0, n0, s1, n1), effect, alpha, p, size)
for n, psi, delta, alpha in [(50, 0.2, 0.1, 0.05), (200, 0.1, 0.05, 0.05), (300, 0.02, 0.01, 0.05), (20, 1.0, 0.4, 0.05), (400, 0.3, 0.0, 0.05), (100, 0.3, 0.2, 0.001), (5, 0.5, 0.2, 0.05)]:
    power = 0.0
    a = Fraction(alpha).limit_denominator(1000)
    for m in range(n + 1):
        w = stats.binom.pmf(m, n, psi)
        if w < 1e-18:
            continue
        tails = list(accumulate(comb(m, j) for j in range(m, -1, -1)))[::-1]  # tails[k]: sum from k to m
        ks = [k for k in range(m + 1) if 2 * k > m and Fraction(2 * tails[k], 2**m) <= a]
        if ks:
            th = (1 + delta / psi) / 2
            power += w * (stats.binom.sf(ks[0] - 1, m, th) + stats.binom.cdf(m - ks[0], m, th))
    out("mcnemar", (n, psi), delta, alpha, power)
