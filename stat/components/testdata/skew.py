"""Reference values for the skew of stat/components, straight from the definitions on
the whole tables; the third cumulant over examples by scipy.stats.kstat.

Made with Python 3.11, numpy 1.24.2, scipy 1.10.1 (Debian 12):
    /usr/bin/python3 stat/components/testdata/skew.py > stat/components/testdata/skew.csv
Tables are written as in gen.py.
"""
import numpy as np
from scipy.stats import kstat


def text(x):
    return "/".join("".join(str(v + 1) for v in row) for row in x)


def paired(x):
    k, n = x.shape
    m = x.mean()
    a, b = x.mean(1) - m, x.mean(0) - m
    examples = kstat(x.mean(0), 3) / n**2
    if k == 1:
        return examples, examples, examples
    e = x - m - a[:, None] - b[None, :]
    d = (k - 1) * (n - 1)
    abe, aee = np.einsum("k,i,ki", a, b, e) / d, np.einsum("k,ki,ki", a, e, e) / d
    bee, eee = np.einsum("i,ki,ki", b, e, e) / d, (e**3).sum() / d
    ke = eee
    kbee, kaee = bee - ke / k, aee - ke / n
    kabe = abe - kbee / n - kaee / k - ke / (k * n)
    kb = kstat(x.mean(0), 3) - 3 * kbee / k - ke / k**2
    rest = kb / n**2 + 3 * kaee / (k * k * n) + 3 * kbee / (k * n * n) + ke / (k * n)**2
    return examples, rest + 6 * kabe / (k * n), rest + 4 * kabe / (k * n)


rng = np.random.default_rng(2025)
print("kind,table,examples,both,covariance")
for k, n in [(1, 7), (2, 5), (3, 5), (5, 12), (8, 40)]:
    x = rng.integers(-1, 2, (k, n)) * (rng.random((1, n)) < .6) * (rng.random((k, 1)) < .9)
    print(",".join(["paired", text(x)] + ["%.17g" % v for v in paired(x)]))
for k0, kt, n in [(1, 1, 9), (2, 3, 6), (7, 3, 40)]:
    p = rng.random((1, n))
    x, y = (rng.random((k0, n)) < p).astype(int), (rng.random((kt, n)) < p * .7).astype(int)
    v = kstat(y.mean(0) - x.mean(0), 3) / n**2
    print(",".join(["unpaired", text(x) + "|" + text(y)] + ["%.17g" % v] * 3))
