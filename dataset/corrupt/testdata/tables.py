#!/usr/bin/python3
"""Quantization tables that Pillow (Debian's python3-pil, libjpeg-turbo) writes.

    /usr/bin/python3 tables.py > jpegtables.csv

Columns: quality, table (0 luma, 1 chroma), 64 numbers in rows.
"""
import io

from PIL import Image

for quality in (25, 18, 15, 10, 7, 80, 65, 58, 50, 40):
    b = io.BytesIO()
    Image.new("RGB", (8, 8)).save(b, "JPEG", quality=quality)
    for t, numbers in sorted(Image.open(b).quantization.items()):
        print(quality, t, *numbers, sep=",")
