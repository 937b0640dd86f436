#!/usr/bin/python3
"""Makes the pictures in pictures/ and what Pillow makes of them.

    cd dataset/testdata && /usr/bin/python3 gen.py

Ran with Debian 12: Pillow 9.4.0 (libjpeg-turbo 2.1.5, libwebp 1.2.4, libtiff
4.5.0), numpy 1.24.2. No picture is taken from anywhere: all are drawn here.

pictures/NAME.EXT      a file to decode
pictures/decoded.bin   zlib of: for each file in the order of decoded.csv, the
                       bytes of Image.open(f).convert("RGB")
resized.csv            sha256 of the bytes of Image.resize for sources, sizes
                       and filters; the source is source(width, height), which
                       the test draws too
"""
import csv
import hashlib
import io
import os
import struct
import zlib

import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))


def source(w, h, channels=3):
    """A picture from integers alone: a 32-bit linear congruential generator."""
    n = w * h * channels
    out = np.empty(n, np.uint8)
    s = (w * 65537 + h * 257 + channels) & 0xFFFFFFFF
    for i in range(n):
        s = (s * 1664525 + 1013904223) & 0xFFFFFFFF
        out[i] = s >> 24
    return out.reshape((h, w, channels) if channels > 1 else (h, w))


def scene(w, h):
    """Smooth colours, hard coloured edges and a little noise."""
    y, x = np.mgrid[0:h, 0:w]
    p = np.stack([128 + 100 * np.sin(x / 7.0), 128 + 100 * np.cos(y / 5.0), 255.0 * (x + y) / (w + h)], -1)
    p[(x // 9 + y // 7) % 3 == 0] = [230, 20, 40]
    p[(x - w / 2) ** 2 + (y - h / 2) ** 2 < (h / 4) ** 2] = [10, 60, 240]
    p += source(w, h).astype(float) / 16 - 8
    return np.clip(p, 0, 255).astype(np.uint8)


def pictures():
    rgb = Image.fromarray(scene(45, 35))
    odd = Image.fromarray(scene(33, 17))
    out = {}

    def add(name, im, **how):
        b = io.BytesIO()
        im.save(b, **how)
        out[name] = b.getvalue()

    for sub, s in (("444", 0), ("422", 1), ("420", 2)):
        add(f"jpeg_{sub}.jpg", rgb, format="JPEG", quality=90, subsampling=s)
        add(f"jpeg_{sub}_progressive.jpg", odd, format="JPEG", quality=75, subsampling=s, progressive=True)
    # A 4:2:2 file on its side is 4:4:0: swap the sampling factors of the first component.
    tall = out["jpeg_422.jpg"]
    at = tall.index(b"\xff\xc0")
    add("jpeg_440.jpg", Image.fromarray(scene(48, 32)), format="JPEG", quality=90, subsampling=1)
    b = bytearray(out["jpeg_440.jpg"])
    at = b.index(b"\xff\xc0")
    b[at + 11] = 0x12
    b[at + 5:at + 9] = struct.pack(">HH", 48, 32)  # height and width change places; MCUs stay in number
    out["jpeg_440.jpg"] = bytes(b)
    add("jpeg_narrow.jpg", Image.fromarray(scene(3, 5)), format="JPEG", quality=90, subsampling=2)
    add("jpeg_gray.jpg", rgb.convert("L"), format="JPEG", quality=90)
    add("jpeg_cmyk.jpg", rgb.convert("CMYK"), format="JPEG", quality=90)
    add("png_rgb.png", rgb, format="PNG")
    add("png_gray.png", rgb.convert("L"), format="PNG")
    add("png_palette.png", rgb.quantize(16), format="PNG")
    add("png_bilevel.png", rgb.convert("1"), format="PNG")
    alpha = rgb.copy()
    alpha.putalpha(rgb.convert("L"))
    add("png_alpha.png", alpha, format="PNG")
    add("png_gray_alpha.png", alpha.convert("LA"), format="PNG")
    add("webp_lossy.webp", rgb, format="WEBP", quality=80)
    add("webp_lossy_odd.webp", odd, format="WEBP", quality=50)
    add("webp_lossy_alpha.webp", alpha, format="WEBP", quality=80, exact=True)
    add("webp_lossless.webp", rgb, format="WEBP", lossless=True)
    add("bmp_rgb.bmp", odd, format="BMP")
    add("bmp_gray.bmp", odd.convert("L"), format="BMP")
    add("tiff_rgb.tiff", odd, format="TIFF")
    add("tiff_deflate.tiff", odd, format="TIFF", compression="tiff_adobe_deflate")
    add("tiff_lzw.tiff", odd, format="TIFF", compression="tiff_lzw")
    add("tiff_gray.tiff", odd.convert("L"), format="TIFF")
    return out


def resized():
    rows = []
    filters = {"box": Image.Resampling.BOX, "bilinear": Image.Resampling.BILINEAR,
               "bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}
    sizes = [(57, 43, 32, 32), (57, 43, 113, 91), (57, 43, 57, 20), (57, 43, 21, 43), (57, 43, 1, 1), (57, 43, 57, 43),
             (200, 3, 7, 9), (1, 1, 5, 4), (2, 300, 3, 11), (31, 64, 30, 65), (240, 180, 224, 224)]
    for w, h, ow, oh in sizes:
        for channels in (1, 3):
            im = Image.fromarray(source(w, h, channels))
            for name, f in filters.items():
                got = np.asarray(im.resize((ow, oh), f)).tobytes()
                rows.append([w, h, channels, ow, oh, name, hashlib.sha256(got).hexdigest()])
    return rows


def main():
    os.makedirs(os.path.join(HERE, "pictures"), exist_ok=True)
    blob, rows = b"", []
    for name, data in sorted(pictures().items()):
        with open(os.path.join(HERE, "pictures", name), "wb") as f:
            f.write(data)
        im = Image.open(io.BytesIO(data)).convert("RGB")
        rows.append([name, im.width, im.height])
        blob += im.tobytes()
    with open(os.path.join(HERE, "pictures", "decoded.bin"), "wb") as f:
        f.write(zlib.compress(blob, 9))
    write("decoded.csv", ["file", "width", "height"], rows)
    write("resized.csv", ["width", "height", "channels", "to_width", "to_height", "filter", "sha256"], resized())


def write(name, head, rows):
    with open(os.path.join(HERE, name), "w", newline="") as f:
        f.write("# Pillow %s, numpy %s: gen.py\n" % (Image.__version__, np.__version__))
        w = csv.writer(f, lineterminator="\n")
        w.writerow(head)
        w.writerows(rows)


main()
