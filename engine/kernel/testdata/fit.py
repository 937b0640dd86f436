"""Minimax fits of gen/math.go: /usr/bin/python3 fit.py (numpy 1.24.2, scipy 1.10.1)."""
import numpy as np
from numpy.polynomial import chebyshev as Ch
from scipy import special
def lawson(f, w, lo, hi, powers, n=4000, it=400):
    # minimise max |w(x)(f - sum c_i x^p_i)| by Lawson's iteratively reweighted least squares
    x=(lo+hi)/2+(hi-lo)/2*np.cos(np.pi*(np.arange(n)+.5)/n)
    x=x.astype(np.longdouble); y=f(x); ww=w(x)
    A=np.stack([x**p for p in powers],1)
    lam=np.ones(n)/n; best=None
    for _ in range(it):
        s=np.sqrt(lam)*np.abs(ww).astype(float)
        c,*_=np.linalg.lstsq((A*s[:,None]).astype(float),(y*s).astype(float),rcond=None)
        e=np.abs((ww*(y-A@c)).astype(float)); m=e.max()
        if best is None or m<best[0]: best=(m,c)
        lam=lam*(e+1e-300); lam/=lam.sum()
    return best
def show(name,b): print(name,"max err %.3g"%b[0], ["%.9g"%np.float32(c) for c in b[1]])
L=np.log(2)/2
# exp: (e^r-1-r)/r^2
def q(r):
    r=r.astype(np.longdouble)
    s=np.zeros_like(r); t=np.ones_like(r)/2
    for k in range(3,30):
        s=s+t; t=t*r/k
    return s
for deg in (3,4): show("exp q deg%d"%deg, lawson(q, lambda r:r*r, -L*1.01, L*1.01, range(deg+1)))
# tanh: (tanh x / x -1)/x^2 as poly in x^2
def tq(x):
    x=x.astype(np.longdouble); return (np.tanh(x)/x-1)/x**2
for deg in (3,4,5): show("tanh deg%d"%deg, lawson(tq, lambda x:x*x, 1e-2, 0.625, range(0,2*deg+1,2)))
def eq(x):
    x=x.astype(float); return (special.erf(x)/x)
for cut in (0.9277,1.0):
  for deg in (5,6): show("erf/x deg%d cut %g"%(deg,cut), lawson(eq, lambda x:1/eq(x), 1e-3, cut, range(0,2*deg+1,2)))
# log erfc(t) on [cut, 4]
def le(t):
    t=t.astype(float); return np.log(special.erfc(t))
def wle(t):
    t=t.astype(float); return special.erfc(t)/special.erf(t)
for cut in (0.9277,1.0):
  for deg in (6,7,8): show("log erfc deg%d cut %g"%(deg,cut), lawson(le, wle, cut, 4.1, range(deg+1)))
