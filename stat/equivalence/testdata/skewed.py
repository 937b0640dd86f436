"""Reference values for the corrected test, from its formulas;
P by scipy.stats.t, limits by scipy.optimize.brentq on the P.

Made with Python 3.11, scipy 1.10.1 (Debian 12):
    /usr/bin/python3 stat/equivalence/testdata/skewed.py > stat/equivalence/testdata/skewed.csv
"""
from scipy.optimize import brentq
from scipy.stats import t


def g(x, gamma, c):
    a = c / 2 - gamma / 6
    return x + a * x**2 + a**2 * x**3 / 3 + gamma / 6


print("value,se,dof,third,covariance,margin,alpha,within,beyond,low,high")
for value, se, dof, gamma, c, margin, alpha in [
    (0.03, 0.01, 29, 0.1, 0.1, 0.05, 0.05),
    (0.03, 0.01, 29, 0.1, 0.15, 0.05, 0.05),
    (0.05, 0.004, 4.7, -0.2, -0.1, 0.02, 0.01),
    (-0.01, 0.02, float("inf"), 0.4, 0.3, 0.02, 0.05),
    (0.002, 0.001, 12, 0.6, 0.7, 0.01, 0.1),
    (0.0, 0.001, float("inf"), 0.05, 0.05, 0.02, 0.05),
    (0.01, 0.01, 9, 0, 0, 0.02, 0.05),
]:
    def within(m):
        return t.cdf(g((value - m) / se, gamma, c), dof)

    def beyond(m):
        return t.sf(g((value - m) / se, gamma, c), dof)
    high = brentq(lambda m: within(m) - alpha, value - 20 * se, value + 200 * se, xtol=1e-15)
    low = brentq(lambda m: beyond(m) - alpha, value - 200 * se, value + 20 * se, xtol=1e-15)
    row = (value, se, dof, gamma * se**3, c * se**3, margin, alpha, within(margin), beyond(margin), low, high)
    print(",".join("%.17g" % v for v in row))
