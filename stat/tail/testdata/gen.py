"""Writes reference.csv: tails and quantiles to 17 digits.

Run: /usr/bin/python3 gen.py > reference.csv
Sources: mpmath 1.2.1 at 60 digits (integrals, series and sums that the Go code
does not use), and scipy 1.10.1 where it is accurate (second source).
"""
import sys
import mpmath as mp
import scipy
from scipy import stats, special

assert mp.__version__ == "1.2.1" and scipy.__version__ == "1.10.1"
mp.mp.dps = 60
M = "mpmath 1.2.1"
S = "scipy 1.10.1"


def row(name, args, value, source):
    args = list(args) + [""] * (3 - len(args))
    print(",".join([name] + [repr(a) if a != "" else "" for a in args] + [mp.nstr(mp.mpf(value), 18, min_fixed=0, max_fixed=0), source]))


def student(t, v):
    t, v = mp.mpf(t), mp.mpf(v)
    c = mp.exp(mp.loggamma((v + 1) / 2) - mp.loggamma(v / 2)) / mp.sqrt(v * mp.pi)
    if v > 3000:  # substitute so that the decaying integrand has unit scale
        s = max(t, 1) if t < mp.sqrt(v) else mp.sqrt(v)
        g = lambda u: mp.exp(-(v + 1) / 2 * mp.log1p((t + u / s) ** 2 / v)) / s
        return c * mp.quad(g, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256])
    x = v / (v + t * t)
    return mp.betainc(v / 2, mp.mpf(1) / 2, 0, x, regularized=True) / 2


def binom_upper(k, n, p):
    p = mp.mpf(p)
    term = mp.exp(mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1) + k * mp.log(p) + (n - k) * mp.log(1 - p))
    s, r = mp.mpf(0), p / (1 - p)
    while k <= n and term > s * mp.mpf(10) ** -25:
        s += term
        term *= r * (n - k) / (k + 1)
        k += 1
    return s


def nct(t, v, d):
    """Johnson, Kotz, Balakrishnan (1995), eq. 31.15; t > 0."""
    t, v, d = mp.mpf(t), mp.mpf(v), mp.mpf(d)
    y = t * t / (v + t * t)
    s, j, h = mp.mpf(0), 0, d * d / 2
    small = 0
    while small < 5 or j < h:
        pj = mp.exp(-h + j * mp.log(h) - mp.loggamma(j + 1))
        qj = d / mp.sqrt(2) * mp.exp(-h + j * mp.log(h) - mp.loggamma(j + mp.mpf(3) / 2))
        add = pj * mp.betainc(j + mp.mpf(1) / 2, v / 2, 0, y, regularized=True) + qj * mp.betainc(j + 1, v / 2, 0, y, regularized=True)
        s += add
        small = small + 1 if abs(add) < mp.mpf(10) ** -55 else 0
        j += 1
    return 1 - (mp.ncdf(-d) + s / 2)


for z in [-8.0, -1.0, 0.0, 0.1, 1.0, 1.96, 5.0, 8.5, 20.0, 37.0]:
    row("Normal", [z], mp.erfc(mp.mpf(z) / mp.sqrt(2)) / 2, M)
row("Normal", [1.5], stats.norm.sf(1.5), S)
for u in [0.5, 0.4, 0.025, 1e-5, 1e-20, 1e-100, 1e-300]:
    t0 = stats.norm.isf(u)
    row("NormalQuantile", [u], mp.findroot(lambda z: mp.log(mp.erfc(z / mp.sqrt(2)) / 2) - mp.log(mp.mpf(u)), t0), M)
row("NormalQuantile", [0.9], stats.norm.isf(0.9), S)
for t, v in [(0.0, 3.0), (0.3, 1.0), (2.0, 2.5), (12.0, 58.0), (1e-6, 7.0), (1.2, 29.0), (4.0, 5.5846), (40.0, 58.0), (1e5, 3.0), (1e60, 5.0),
             (1e150, 1.0), (3.0, 0.3), (37.0, 58.0), (200.0, 300.0), (2.0, 2000.0), (60.0, 2000.0), (2.0, 5e4), (35.0, 5e4), (2.0, 99999.0),
             (38.0, 99999.0), (2.0, 1e5), (37.0, 1e5), (38.0, 1e5), (0.01, 1e6), (1.96, 1e6), (30.0, 1e7), (37.0, 1e12)]:
    row("StudentT", [t, v], student(t, v), M)
row("StudentT", [-2.0, 9.0], stats.t.sf(-2.0, 9), S)
row("StudentT", [2.5, 57.3], stats.t.sf(2.5, 57.3), S)
for u, v in [(0.025, 1.0), (0.025, 2.0), (0.025, 4.7), (0.4, 30.0), (1e-10, 29.0), (1e-200, 8.0), (0.025, 1e6), (0.49, 0.5)]:
    t0 = stats.t.isf(u, v)
    row("StudentTQuantile", [u, v], mp.findroot(lambda t: mp.log(student(t, v)) - mp.log(mp.mpf(u)), t0), M)
row("StudentTQuantile", [0.975, 11.0], stats.t.isf(0.975, 11), S)
for x, k in [(1.0, 1.0), (3.84, 1.0), (0.1, 3.0), (5.0, 4.0), (30.0, 29.0), (1400.0, 1.0), (1400.0, 60.0), (1e6, 1e6), (1.01e6, 1e6), (0.5, 0.5)]:
    row("ChiSquared", [x, k], mp.gammainc(mp.mpf(k) / 2, mp.mpf(x) / 2, mp.inf, regularized=True), M)
row("ChiSquared", [10.0, 7.0], stats.chi2.sf(10, 7), S)
for x, a, b in [(1.0, 1.0, 1.0), (4.0, 3.0, 20.0), (0.2, 5.0, 9.0), (50.0, 2.0, 58.0), (1e4, 4.0, 100.0), (1e9, 3.0, 12.0)]:
    a_, b_, x_ = mp.mpf(a), mp.mpf(b), mp.mpf(x)
    row("F", [x, a, b], mp.betainc(b_ / 2, a_ / 2, 0, b_ / (b_ + a_ * x_), regularized=True), M)
row("F", [2.5, 3.0, 40.0], stats.f.sf(2.5, 3, 40), S)
for k, n, p in [(113, 214, 0.5), (60, 113, 0.5), (3, 10, 0.01), (900, 1000, 0.5), (5, 5, 0.9), (30, 60, 0.05), (1000, 1000, 0.5),
                (500100000, 1000000000, 0.5), (500500000, 1000000000, 0.5), (500000001, 1000000000, 0.5), (1300, 1000000000, 1e-6)]:
    row("BinomialUpper", [k, n, p], binom_upper(k, n, p), M)
for k, n, p in [(101, 214, 0.5), (0, 50, 0.02), (499500000, 1000000000, 0.5)]:
    row("BinomialLower", [k, n, p], binom_upper(n - k, n, 1 - mp.mpf(p)), M)
row("BinomialLower", [7, 20, 0.3], stats.binom.cdf(7, 20, 0.3), S)
for k, a, b in [(3, 10, 12), (50, 100, 80), (30, 30, 30), (1000, 100000, 100000)]:
    d = {3: 7, 50: 60, 30: 30, 1000: 2000}[k]
    row("Hypergeometric%d" % d, [k, a, b], mp.binomial(a, k) * mp.binomial(b, d - k) / mp.binomial(a + b, d), M)
for n, k in [(5, 2), (60, 30), (61, 2), (1000, 500), (10**9, 3), (10**9, 5 * 10**8), (10**6, 999999)]:
    row("LogChoose", [n, k], mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1), M)
for x, a, b in [(0.3, 2.0, 5.0), (0.5, 3000.0, 3100.0), (0.999, 0.5, 40.0), (1e-9, 1e-3, 2.0), (0.9, 10.0, 30.0)]:
    row("Beta", [x, a, b], mp.betainc(mp.mpf(b), mp.mpf(a), 0, 1 - mp.mpf(x), regularized=True), M)
for p, a, b in [(0.025, 3.0, 8.0), (0.025, 1.0, 1e6), (0.3, 40.0, 2.0), (1e-20, 5.0, 5.0)]:
    x0 = special.betaincinv(a, b, p)
    f = lambda x: mp.log(mp.betainc(mp.mpf(a), mp.mpf(b), 0, x, regularized=True)) - mp.log(mp.mpf(p))
    row("BetaLowerQuantile", [p, a, b], mp.findroot(f, (mp.mpf(x0), mp.mpf(x0) * (1 + mp.mpf(10) ** -6)), solver="secant"), M)
row("BetaQuantile", [0.025, 4.0, 7.0], stats.beta.isf(0.025, 4, 7), S)
for t, v, d in [(2.0, 10.0, 1.0), (2.0, 29.0, 3.0), (1.0, 58.0, 0.2), (15.0, 29.0, 2.0), (60.0, 20.0, 1.0), (3.0, 2.0, -1.0), (25.0, 12.0, -2.0),
                (5.0, 1.0, 4.0), (2.0, 200.0, 6.0), (0.5, 9.0, 12.0)]:
    row("NoncentralT", [t, v, d], nct(t, v, d), M)
for t, v, d in [(-2.0, 10.0, 1.0), (-2.0, 10.0, -1.5)]:  # by reflection: 1 − Pr(T'(−d) > −t)
    row("NoncentralT", [t, v, d], 1 - nct(-t, v, -d), M)
row("NoncentralT", [2.2, 15.0, 1.2], stats.nct.sf(2.2, 15, 1.2), S)
sys.stdout.flush()
