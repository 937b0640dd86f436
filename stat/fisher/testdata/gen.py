"""Writes exact.csv (a b c d, p, min p, source) and votes.csv (x, y, p, min p, d).

Run in testdata: /usr/bin/python3 gen.py
exact.csv p: scipy 1.10.1 fisher_exact above 1e-12, exact rational sums otherwise (scipy's
must agree to 1e-6). min p and votes.csv: exact rational sums over all tables (fractions).
"""
from fractions import Fraction
from math import comb, prod
import itertools
import random
import scipy
from scipy import stats

assert scipy.__version__ == "1.10.1"


def fisher(a, b, c, d):
    m, n, k = a + c, b + d, a + b
    w = {i: comb(m, i) * comb(n, k - i) for i in range(max(0, k - n), min(k, m) + 1)}
    total = sum(w.values())
    p = lambda x: Fraction(sum(v for v in w.values() if v <= x), total)
    return p(w[a]), p(min(w.values()))


def votes(x, y):
    pooled = [a + b for a, b in zip(x, y)]
    k0, kt = sum(x), sum(y)
    dist = lambda t: sum(abs(a * kt - (n - a) * k0) for a, n in zip(t, pooled))
    w = {}
    for t in itertools.product(*[range(n + 1) for n in pooled[:-1]]):
        last = k0 - sum(t)
        if 0 <= last <= pooled[-1]:
            t = t + (last,)
            w[dist(t)] = w.get(dist(t), 0) + prod(comb(n, a) for n, a in zip(pooled, t))
    total = sum(w.values())
    d = dist(x)
    return Fraction(sum(v for s, v in w.items() if s >= d), total), Fraction(w[max(w)], total), Fraction(d, k0 * kt)


with open("exact.csv", "w") as f:
    tables = [(3, 1, 1, 3), (8, 2, 1, 5), (0, 5, 5, 0), (10, 0, 0, 12), (27, 3, 15, 15), (5, 25, 5, 25), (0, 3, 2, 0), (60, 0, 0, 60),
              (400, 100, 250, 250), (12, 5, 29, 2), (30, 70, 70, 30), (1000, 10, 5, 900), (7, 7, 7, 7), (90000, 10000, 89000, 11000), (1, 0, 0, 1)]
    for t in tables:
        if sum(t) < 5000:
            exact, least = fisher(*t)
            p, source = stats.fisher_exact([t[:2], t[2:]])[1], "scipy 1.10.1"
            assert abs(p - exact) <= 1e-6 * exact, t
            if p < 1e-12:
                p, source = float(exact), "fractions"
            least = repr(float(least)) if least > Fraction(1, 10**300) else ""
        else:
            p, least, source = stats.fisher_exact([t[:2], t[2:]])[1], "", "scipy 1.10.1"
        f.write(",".join([" ".join(map(str, t)), repr(float(p)), least, source]) + "\n")

random.seed(4)
with open("votes.csv", "w") as f:
    cases = [([30, 0], [0, 30]), ([18, 12], [11, 19]), ([30, 0], [25, 5]), ([20, 9, 1], [12, 15, 3]), ([10, 10, 10], [10, 10, 10]), ([30], [30]),
             ([30, 0, 0], [27, 2, 1]), ([29, 0], [30, 0]), ([5, 0, 0, 0], [0, 1, 1, 1]), ([1, 0], [0, 1]), ([60, 0, 0], [0, 30, 30])]
    for labels, k0, kt in [(2, 30, 29), (3, 10, 10), (4, 7, 5), (5, 6, 6), (3, 30, 30), (4, 12, 9), (6, 5, 4), (3, 20, 13)]:
        for _ in range(3):
            p, q = [random.random() ** 2 for _ in range(labels)], [random.random() ** 2 for _ in range(labels)]
            x, y = random.choices(range(labels), p, k=k0), random.choices(range(labels), q, k=kt)
            cases.append(([x.count(c) for c in range(labels)], [y.count(c) for c in range(labels)]))
    for x, y in cases:
        p, least, d = votes(tuple(x), tuple(y))
        f.write(",".join([" ".join(map(str, x)), " ".join(map(str, y)), repr(float(p)), repr(float(least)), repr(float(d))]) + "\n")
