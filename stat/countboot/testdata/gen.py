"""Reference values for stat/countboot.

Made with Python 3.11, numpy 1.24.2 (Debian 12):
    /usr/bin/python3 stat/countboot/testdata/gen.py > stat/countboot/testdata/reference.csv
Quantiles are numpy.quantile(method="weibull"), rank (B+1)p. x are the
replicates, joined by ";".
"""
import numpy as np

rng = np.random.default_rng(3)
print("x,estimate,level,lo,hi,basic_lo,basic_hi")
for b, level in [(19, .9), (39, .95), (50, .9), (199, .99), (333, .8)]:
    x, est = np.round(rng.normal(1, 2, b), 3), 1.25
    lo, hi = np.quantile(x, [(1 - level) / 2, (1 + level) / 2], method="weibull")
    print(",".join([";".join("%g" % v for v in x)] + ["%.17g" % v for v in (est, level, lo, hi, 2 * est - hi, 2 * est - lo)]))
