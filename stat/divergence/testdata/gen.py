"""Reference values for stat/divergence.

Made with Python 3.11, scipy 1.10.1 (Debian 12):
    /usr/bin/python3 stat/divergence/testdata/gen.py > stat/divergence/testdata/reference.csv
kl is sum(scipy.special.rel_entr), js is scipy.spatial.distance.jensenshannon
squared, for rows where float64 keeps enough digits. kind "logits" goes through
scipy.special.log_softmax. Rows marked "near" are nearly equal, "far" have tiny
probabilities; both are computed with 400 digits by Python's decimal, since the
float64 formulas lose theirs there.
"""
from decimal import Decimal, getcontext

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.special import log_softmax, rel_entr

getcontext().prec = 400


def show(kind, p, q, kl, js):
    print(",".join([kind, ";".join("%.17g" % v for v in p), ";".join("%.17g" % v for v in q),
                    "inf" if np.isinf(float(kl)) else "%.17g" % kl, "%.17g" % js]))


def exact(p, q, logits):
    p, q = [Decimal(float(v)) for v in p], [Decimal(float(v)) for v in q]
    if logits:
        p, q = [v.exp() for v in p], [v.exp() for v in q]
    sp, sq = sum(p), sum(q)
    p, q = [v / sp for v in p], [v / sq for v in q]
    kl = sum(a * (a / b).ln() for a, b in zip(p, q))
    js = sum(a * (2 * a / (a + b)).ln() + b * (2 * b / (a + b)).ln() for a, b in zip(p, q)) / 2
    return kl, js


rng = np.random.default_rng(5)
print("kind,p,q,kl,js")
for n in (2, 3, 10, 100):
    p, q = rng.dirichlet([.5] * n), rng.dirichlet([.5] * n)
    show("probabilities", p, q, rel_entr(p, q).sum(), jensenshannon(p, q)**2)
show("probabilities", [0, .5, .5], [.25, .25, .5], rel_entr([0, .5, .5], [.25, .25, .5]).sum(),
     jensenshannon([0, .5, .5], [.25, .25, .5])**2)
show("probabilities", [.25, .25, .5], [0, .5, .5], np.inf, jensenshannon([0, .5, .5], [.25, .25, .5])**2)
show("probabilities", [1, 0], [0, 1], np.inf, jensenshannon([1, 0], [0, 1])**2)
for n, s in ((2, 1), (10, 5), (10, 30)):
    x, y = rng.normal(0, s, n), rng.normal(0, s, n)
    lx, ly = log_softmax(x), log_softmax(y)
    show("logits", x, y, (np.exp(lx) * (lx - ly)).sum(), jensenshannon(np.exp(lx), np.exp(ly))**2)
for x, y in (([0, -400, -50], [0, -30, -700]), ([900, 0, 5], [899, 890, -900])):
    show("logits far", x, y, *exact(x, y, True))
for eps in (1e-2, 1e-5, 1e-9):
    x = rng.normal(0, 2, 8)
    y = x + eps * rng.normal(0, 1, 8)
    show("logits near", x, y, *exact(x, y, True))
    p = np.exp(log_softmax(x))
    q = p * (1 + eps * rng.uniform(-1, 1, 8))
    q[0] += 1 - q.sum()
    show("near", p, q, *exact(p, q, False))
