"""Reference P-values: /usr/bin/python3 gen.py > reference.csv (Debian python3-scipy 1.10.1)."""
from scipy import stats

print("# scipy 1.10.1: t.sf for spread, binom.sf and binom.cdf for share; written by gen.py")
print("kind,a,b,c,margin,within,beyond")
for loss, se, dof, m in [(0.012, 0.004, 11.5, 0.02), (0.03, 0.004, 4, 0.02), (0.001, 0.0011, 58, 0.02), (-0.004, 0.002, 1, 0.005), (0.05, 0.002, 200, 0.02)]:
    t = (m - loss) / se
    print(f"spread,{loss!r},{se!r},{dof!r},{m!r},{stats.t.sf(t, dof)!r},{stats.t.sf(-t, dof)!r}")
for right, n, floor in [(77, 100, 0.7), (652, 1000, 0.7), (9990, 10000, 0.9), (0, 5, 0.5), (5, 5, 0.5)]:
    print(f"share,{right},{n},{floor!r},0.0,{stats.binom.sf(right - 1, n, floor)!r},{stats.binom.cdf(right, n, floor)!r}")
for n, m in [(50, 0.02), (149, 0.02), (3000, 0.02)]:
    print(f"unchanged,{n},0,0,{m!r},{stats.binom.pmf(0, n, m)!r},1.0")
