"""Limits of keep*p1 - p2 for TestContrastValue: python3 contrast.py (Python 3.11)."""
from math import sqrt

Z = 1.6448536269514722  # scipy.stats.norm.isf(.05)


def wilson(k, n):
    p = k / n
    centre = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    return p, centre - half, centre + half


def contrast(n11, n10, n01, n00, keep):
    n = n11 + n10 + n01 + n00
    p1, l1, u1 = (keep * x for x in wilson(n11 + n10, n))
    p2, l2, u2 = wilson(n11 + n01, n)
    num = n11 * n00 - n10 * n01
    if num > 0:
        num = max(0, num - n / 2)
    phi = num / sqrt((n11 + n10) * (n01 + n00) * (n11 + n01) * (n10 + n00))
    arm = lambda x, y: sqrt(max(0, x * x - 2 * phi * x * y + y * y))
    d = p1 - p2
    return d - arm(p1 - l1, u2 - p2), d + arm(u1 - p1, p2 - l2)


print(contrast(90, 6, 2, 2, 0.95))
