#!/usr/bin/python3
"""Statistics of the corruptions, computed from their definitions.

Debian 12's python3-numpy, python3-scipy and python3-pil. The definitions are
those of Hendrycks and Dietterich (2019) and of the authors' make_imagenet_c.py
and make_cifar_c.py, written anew here; what those take from scikit-image,
OpenCV and ImageMagick is written with NumPy and SciPy from the descriptions of
those libraries. frost is left out: its pictures are not published numbers.

    /usr/bin/python3 reference.py > reference.csv      (names as arguments: only those)

Columns: preset, name, severity, channel (red, green, blue), mean and variance
of the change (corrupted - clean, levels of 255), then its power in four rings
of spatial frequency (below 1/16, 1/8, 1/4 cycles a pixel, and above). All are
means over draws (one where nothing is random); sd_* is the standard deviation
of one draw. JPEG rounds few and large coefficients, so that one image of 32
pixels says little: its draws are the image moved by (3k, 5k), k = 0, 1, ...

Colours are cut to whole levels after adding 1/1024: a colour that is whole by
the definition stays so. Without it, float64 cuts some of them to one less.
"""
import io
import sys

import numpy as np
from PIL import Image
from scipy import ndimage as nd

DRAWS = {224: 8, 32: 120}
JPEG_DRAWS = {224: 24, 32: 192}
CLIP = lambda x: np.clip(x, 0, 1) * 255


def scenery(n):
    y, x = np.mgrid[0:n, 0:n]
    u, v = x / n, y / n
    base = .5 + .3 * np.sin(2 * np.pi * (2 * u + v)) + .15 * np.sin(2 * np.pi * (9 * u - 7 * v))
    base = np.where((u - .6) ** 2 + (v - .4) ** 2 < .04, 1 - base, base)
    out = np.stack([base * (.55 + .2 * c) + .1 * v * (2 - c) for c in range(3)], -1)
    return np.floor(255 * np.clip(out, 0, 1) + .5).astype(np.uint8)


def smooth(x, sigma, mode="nearest", truncate=4.0):
    if x.ndim == 2:
        return nd.gaussian_filter(x, sigma, mode=mode, truncate=truncate) if sigma > 0 else x
    return nd.gaussian_filter(x, (sigma, sigma, 0), mode=mode, truncate=truncate) if sigma > 0 else x


def enlarged(x, factor):
    n = x.shape[0]
    c = int(np.ceil(n / factor))
    top = (n - c) // 2
    z = nd.zoom(x[top:top + c, top:top + c], (factor, factor) + (1,) * (x.ndim - 2), order=1)
    trim = (z.shape[0] - n) // 2
    return z[trim:trim + n, trim:trim + n]


def motion(x, radius, sigma, degrees):
    width = 2 * int(np.ceil(radius)) + 1
    w = np.exp(-np.arange(width) ** 2 / (2 * sigma ** 2))
    w /= w.sum()
    a = np.deg2rad(degrees)
    n, m = x.shape[:2]
    out = np.zeros(x.shape)
    for i in range(width):
        dx, dy = int(np.ceil(i * np.cos(a) - .5)), int(np.ceil(i * np.sin(a) - .5))
        out += w[i] * x[np.clip(np.arange(n) + dy, 0, n - 1)][:, np.clip(np.arange(m) + dx, 0, m - 1)]
    return np.floor(out + .5)


def gaussian_noise(x, c, r):
    return CLIP(x / 255 + r.normal(size=x.shape, scale=c[0]))


def shot_noise(x, c, r):
    return CLIP(r.poisson(x / 255 * c[0]) / c[0])


def impulse_noise(x, c, r):
    hit, salt = r.random(x.shape) <= c[0], r.random(x.shape) <= .5
    return np.where(hit, np.where(salt, 255., 0.), x)


def speckle_noise(x, c, r):
    return CLIP(x / 255 + x / 255 * r.normal(size=x.shape, scale=c[0]))


def gaussian_blur(x, c, r):
    return CLIP(smooth(x / 255, c[0]))


def defocus_blur(x, c, r):
    radius, alias = c
    reach, half = (8, 1) if radius <= 8 else (int(radius), 2)
    g = np.arange(-reach, reach + 1)
    k = (g[:, None] ** 2 + g ** 2 <= radius ** 2).astype(float)
    k /= k.sum()
    w = np.exp(-np.arange(-half, half + 1) ** 2 / (2 * alias ** 2))
    w /= w.sum()
    k = nd.correlate1d(nd.correlate1d(k, w, 0, mode="mirror"), w, 1, mode="mirror")
    return CLIP(np.stack([nd.correlate(x[..., i] / 255, k, mode="mirror") for i in range(3)], -1))


def glass_blur(x, c, r):
    sigma, d, rounds = c
    y = np.uint8(smooth(x / 255, sigma) * 255)
    n = len(x)
    for _ in range(rounds):
        for h in range(n - d, d, -1):
            for w in range(n - d, d, -1):
                dx, dy = r.integers(-d, d, size=2)
                y[h, w] = y[h + dy, w + dx]
    return CLIP(smooth(y / 255, sigma))


def motion_blur(x, c, r):
    return motion(x.astype(float), *c, r.uniform(-45, 45))


def zoom_blur(x, c, r):
    factors = np.arange(1, *c)
    y = x / 255
    return CLIP((y + sum(enlarged(y, f) for f in factors)) / (len(factors) + 1))


def snow(x, c, r):
    y = x / 255
    f = enlarged(r.normal(size=x.shape[:2], loc=c[0], scale=c[1]), c[2])
    f[f < c[3]] = 0
    f = np.uint8(np.clip(f, 0, 1) * 255)
    f = (motion(f.astype(float), c[4], c[5], r.uniform(-135, -45)) / 255)[..., None]
    grey = (y @ [.299, .587, .114])[..., None] * 1.5 + .5
    return CLIP(c[6] * y + (1 - c[6]) * np.maximum(y, grey) + f + np.rot90(f, 2))


def plasma(n, decay, r):
    m = np.zeros((n, n))
    s, w = n, 100.
    noisy = lambda a: a / 4 + w * r.uniform(-w, w, a.shape)
    while s >= 2:
        h = s // 2
        ul = m[::s, ::s]
        a = ul + np.roll(ul, -1, 0)
        m[h::s, h::s] = noisy(a + np.roll(a, -1, 1))
        dr = m[h::s, h::s]
        m[::s, h::s] = noisy(dr + np.roll(dr, 1, 0) + ul + np.roll(ul, -1, 1))
        m[h::s, ::s] = noisy(dr + np.roll(dr, 1, 1) + ul + np.roll(ul, -1, 0))
        s, w = h, w / decay
    m -= m.min()
    return m / m.max()


def fog(x, c, r):
    n = len(x)
    y = x / 255
    top = y.max()
    return CLIP((y + c[0] * plasma(256 if n == 224 else 32, c[1], r)[:n, :n, None]) * top / (top + c[0]))


def hsv(x):
    v, low = x.max(-1), x.min(-1)
    d = v - low
    s = np.where(v > 0, d / np.maximum(v, 1e-12), 0)
    r, g, b = np.moveaxis(x, -1, 0)
    dd = np.where(d > 0, d, 1)
    h = np.where(v == r, (g - b) / dd, np.where(v == g, 2 + (b - r) / dd, 4 + (r - g) / dd))
    return np.where(d > 0, (h / 6) % 1, 0), s, v


def rgb(h, s, v):
    i = np.floor(h * 6)
    f = h * 6 - i
    p, q, t = v * (1 - s), v * (1 - f * s), v * (1 - (1 - f) * s)
    parts = [(v, t, p), (q, v, p), (p, v, t), (p, q, v), (t, p, v), (v, p, q)]
    return np.stack([np.choose(i.astype(int) % 6, [t3[k] for t3 in parts]) for k in range(3)], -1)


def brightness(x, c, r):
    h, s, v = hsv(x / 255)
    return CLIP(rgb(h, s, np.clip(v + c[0], 0, 1)))


def saturate(x, c, r):
    h, s, v = hsv(x / 255)
    return CLIP(rgb(h, np.clip(s * c[0] + c[1], 0, 1), v))


def contrast(x, c, r):
    y = x / 255
    m = y.mean((0, 1))
    return CLIP((y - m) * c[0] + m)


def jpeg_compression(x, c, r):
    b = io.BytesIO()
    Image.fromarray(x).save(b, "JPEG", quality=c[0])
    return np.array(Image.open(b))


def pixelate(x, c, r):
    n = len(x)
    s = int(n * c[0])
    return np.array(Image.fromarray(x).resize((s, s), Image.BOX).resize((n, n), Image.BOX))


def elastic_transform(x, c, r):
    alpha, sigma, shift = c
    n = len(x)
    y = x / 255
    m, q = n // 2, n // 3
    a = np.array([[m + q, m + q], [m + q, m - q], [m - q, m - q]], float)
    b = a + r.uniform(-shift, shift, a.shape)
    back = np.linalg.solve(np.c_[b, np.ones(3)], a).T
    yy, xx = np.mgrid[0:n, 0:n].astype(float)
    fx = back[0, 0] * xx + back[0, 1] * yy + back[0, 2]
    fy = back[1, 0] * xx + back[1, 1] * yy + back[1, 2]
    y = np.stack([nd.map_coordinates(y[..., k], [fy, fx], order=1, mode="mirror") for k in range(3)], -1)
    dx = smooth(r.uniform(-1, 1, (n, n)), sigma, "reflect", 3.) * alpha
    dy = smooth(r.uniform(-1, 1, (n, n)), sigma, "reflect", 3.) * alpha
    return CLIP(np.stack([nd.map_coordinates(y[..., k], [yy + dy, xx + dx], order=1, mode="reflect") for k in range(3)], -1))


def canny(x, low, high):
    p = x.astype(int)
    dx, dy = nd.sobel(p, 1, mode="nearest"), nd.sobel(p, 0, mode="nearest")
    m = np.pad(abs(dx) + abs(dy), 1)
    c, t = m[1:-1, 1:-1], np.tan(np.pi / 8)
    at = lambda oy, ox: m[1 + oy:m.shape[0] - 1 + oy, 1 + ox:m.shape[1] - 1 + ox]
    flat, steep = abs(dy) < abs(dx) * t, abs(dy) > abs(dx) * (t + 2)
    same = (dx < 0) == (dy < 0)
    crest = np.where(flat, (c > at(0, -1)) & (c >= at(0, 1)), np.where(steep, (c > at(-1, 0)) & (c >= at(1, 0)),
            np.where(same, (c > at(-1, -1)) & (c > at(1, 1)), (c > at(-1, 1)) & (c > at(1, -1)))))
    weak = crest & (c > low)
    parts, _ = nd.label(weak, np.ones((3, 3)))
    return weak & np.isin(parts, np.unique(parts[weak & (c > high)]))


def chamfer(edges):
    n, m = edges.shape
    d = np.full((n + 4, m + 4), 1e6)
    d[2:-2, 2:-2][edges] = 0
    steps = [(0, -1, 1), (-1, 0, 1), (-1, -1, 1.4), (-1, 1, 1.4), (-1, -2, 2.1969), (-1, 2, 2.1969), (-2, -1, 2.1969), (-2, 1, 2.1969)]
    for sign, ys, xs in ((1, range(2, n + 2), range(2, m + 2)), (-1, range(n + 1, 1, -1), range(m + 1, 1, -1))):
        for y in ys:
            for x in xs:
                d[y, x] = min(d[y, x], min(d[y + sign * a, x + sign * b] + k for a, b, k in steps))
    return d[2:-2, 2:-2]


def equalize(x):
    h = np.bincount(x.ravel(), minlength=256)
    first = np.flatnonzero(h)[0]
    if h[first] == x.size:
        return x
    s = np.cumsum(h) - h[:first + 1].sum()
    return np.clip(np.rint(s * 255. / (x.size - h[first])), 0, 255).astype(np.uint8)[x]


def spatter(x, c, r):
    y = x / 255
    f = smooth(r.normal(size=x.shape[:2], loc=c[0], scale=c[1]), c[2])
    f[f < c[3]] = 0
    if c[5] == 1:
        m = smooth((f > c[3]).astype(float), c[4])
        m[m < .8] = 0
        return CLIP(y * (1 - m[..., None]) + np.array([63, 42, 20]) / 255 * m[..., None])
    f = np.uint8(f * 255)
    d = np.minimum(chamfer(canny(f, 50, 150)), 20)
    d = equalize(nd.uniform_filter(d, 3, mode="mirror").astype(np.uint8)).astype(float)
    d = np.clip(nd.correlate(d, np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]), mode="mirror"), 0, 255)
    m = f * np.rint(nd.uniform_filter(d, 3, mode="mirror"))
    if m.max() == 0:
        return x
    m = m / m.max() * c[4]
    return CLIP(y + m[..., None] * np.array([175, 238, 238]) / 255)


IMAGENET = dict(
    gaussian_noise=[.08, .12, .18, .26, .38], shot_noise=[60, 25, 12, 5, 3], impulse_noise=[.03, .06, .09, .17, .27],
    defocus_blur=[(3, .1), (4, .5), (6, .5), (8, .5), (10, .5)],
    glass_blur=[(.7, 1, 2), (.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)],
    motion_blur=[(10, 3), (15, 5), (15, 8), (15, 12), (20, 15)],
    zoom_blur=[(1.11, .01), (1.16, .01), (1.21, .02), (1.26, .02), (1.31, .03)],
    snow=[(.1, .3, 3, .5, 10, 4, .8), (.2, .3, 2, .5, 12, 4, .7), (.55, .3, 4, .9, 12, 8, .7), (.55, .3, 4.5, .85, 12, 8, .65),
          (.55, .3, 2.5, .85, 12, 12, .55)],
    fog=[(1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)], brightness=[.1, .2, .3, .4, .5], contrast=[.4, .3, .2, .1, .05],
    elastic_transform=[(488, 244 * .7, 24.4), (488, 244 * .08, 48.8), (244 * .05, 2.44, 4.88), (244 * .07, 2.44, 4.88), (244 * .12, 2.44, 4.88)],
    pixelate=[.6, .5, .4, .3, .25], jpeg_compression=[25, 18, 15, 10, 7], speckle_noise=[.15, .2, .35, .45, .6], gaussian_blur=[1, 2, 3, 4, 6],
    spatter=[(.65, .3, 4, .69, .6, 0), (.65, .3, 3, .68, .6, 0), (.65, .3, 2, .68, .5, 0), (.65, .3, 1, .65, 1.5, 1), (.67, .4, 1, .65, 1.5, 1)],
    saturate=[(.3, 0), (.1, 0), (2, 0), (5, .1), (20, .2)])
CIFAR = dict(
    gaussian_noise=[.04, .06, .08, .09, .1], shot_noise=[500, 250, 100, 75, 50], impulse_noise=[.01, .02, .03, .05, .07],
    defocus_blur=[(.3, .4), (.4, .5), (.5, .6), (1, .2), (1.5, .1)],
    glass_blur=[(.05, 1, 1), (.25, 1, 1), (.4, 1, 1), (.25, 1, 2), (.4, 1, 2)],
    motion_blur=[(6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)],
    zoom_blur=[(1.06, .01), (1.11, .01), (1.16, .01), (1.21, .01), (1.26, .01)],
    snow=[(.1, .2, 1, .6, 8, 3, .95), (.1, .2, 1, .5, 10, 4, .9), (.15, .3, 1.75, .55, 10, 4, .9), (.25, .3, 2.25, .6, 12, 6, .85),
          (.3, .3, 1.25, .65, 14, 12, .8)],
    fog=[(.2, 3), (.5, 3), (.75, 2.5), (1, 2), (1.5, 1.75)], brightness=[.05, .1, .15, .2, .3], contrast=[.75, .5, .4, .3, .15],
    elastic_transform=[(0, 0, 32 * .08), (32 * .05, 32 * .2, 32 * .07), (32 * .08, 32 * .06, 32 * .06), (3.2, 32 * .04, 32 * .05), (3.2, 32 * .03, 32 * .03)],
    pixelate=[.95, .9, .85, .75, .65], jpeg_compression=[80, 65, 58, 50, 40], speckle_noise=[.06, .1, .12, .16, .2], gaussian_blur=[.4, .6, .7, .8, 1],
    spatter=[(.62, .1, .7, .7, .5, 0), (.65, .1, .8, .7, .5, 0), (.65, .3, 1, .69, .5, 0), (.65, .1, .7, .69, .6, 1), (.65, .1, .5, .68, .6, 1)],
    saturate=[(.3, 0), (.1, 0), (1.5, 0), (2, .1), (2.5, .2)])
FIXED = {"defocus_blur", "gaussian_blur", "zoom_blur", "brightness", "contrast", "saturate", "pixelate", "jpeg_compression"}


def statistics(change):
    n = change.shape[0]
    f = np.fft.fftfreq(n) * 1.
    ring = np.hypot(f[:, None], f)
    rows = []
    for k in range(3):
        d = change[..., k]
        power = abs(np.fft.fft2(d - d.mean())) ** 2 / d.size ** 2
        edges = [0, 1 / 16, 1 / 8, 1 / 4, 2]
        rows.append([d.mean(), d.var()] + [power[(ring >= a) & (ring < b)].sum() for a, b in zip(edges, edges[1:])])
    return np.array(rows)


def main():
    columns = ["mean", "variance", "ring1", "ring2", "ring3", "ring4"]
    print("preset,name,severity,channel," + ",".join(columns) + "," + ",".join("sd_" + c for c in columns) + ",draws")
    for preset, n, tables in (("imagenet-c", 224, IMAGENET), ("cifar-c", 32, CIFAR)):
        clean = scenery(n)
        for name, levels in tables.items():
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            for s, c in enumerate(levels, 1):
                c = c if isinstance(c, tuple) else (c,)
                jpeg = name == "jpeg_compression"
                draws = JPEG_DRAWS[n] if jpeg else 1 if name in FIXED else DRAWS[n]
                if n == 224 and name in ("glass_blur", "spatter"):
                    draws = 3
                all = []
                for k in range(draws):
                    image = np.roll(clean, (3 * k, 5 * k), (0, 1)) if jpeg else clean
                    out = globals()[name](image, c, np.random.default_rng([k, s, n]))
                    out = np.uint8(np.clip(out + 1 / 1024, 0, 255))
                    all.append(statistics(out.astype(float) - image))
                all = np.array(all)
                mean, sd = all.mean(0), all.std(0, ddof=1) if draws > 1 else np.zeros(all[0].shape)
                for k, channel in enumerate(("red", "green", "blue")):
                    print(",".join([preset, name, str(s), channel] + ["%.6g" % v for v in mean[k]] + ["%.4g" % v for v in sd[k]] + [str(draws)]))
        sys.stdout.flush()


main()
