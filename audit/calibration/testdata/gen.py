# Writes mean_deviation.csv and ece.csv: E|X - np| of binomial counts, and the
# expected calibration error of a small sample with 15 bins of equal width.
# scipy 1.10.1, numpy 1.24.2; run: /usr/bin/python3 gen.py
import numpy as np
from scipy import stats

with open("mean_deviation.csv", "w") as f:
    f.write("# scipy 1.10.1 scipy.stats.binom.pmf, sum of |k - np| pmf(k); gen.py\nn,p,mad\n")
    for n, p in [(1, 0.5), (1, 0.999), (7, 0.3), (50, 0.96), (400, 0.9999), (1000, 0.5), (10000, 0.97), (100000, 0.123)]:
        k = np.arange(n + 1)
        f.write(f"{n},{p!r},{float(np.sum(np.abs(k - n * p) * stats.binom.pmf(k, n, p)))!r}\n")

rng = np.random.default_rng(20)
conf = np.sqrt(rng.random(300)).astype(np.float32)
right = (rng.random(300) < np.where(conf < 0.7, conf + 0.2, conf - 0.2)).astype(int)
edge = np.minimum(14, (conf.astype(float) * 15).astype(int))
ece = sum(abs(right[edge == b].sum() - conf[edge == b].astype(float).sum()) for b in range(15)) / 300
over = conf.astype(float).mean() - right.mean()
with open("ece.csv", "w") as f:
    f.write("# numpy 1.24.2; gen.py; first row: ece and mean confidence minus accuracy\n")
    f.write(f"{float(ece)!r},{float(over)!r}\n")
    for c, r in zip(conf, right):
        f.write(f"{float(c)!r},{r}\n")
