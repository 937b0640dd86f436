#!/usr/bin/python3
# Debian's python3 3.11 (colorsys) and torch 1.13: hue turned in HSV by
# colorsys, and torchvision's formulas of brightness, contrast and saturation
# (torchvision/transforms/functional_tensor.py) written out, on one image of six
# pixels in [0, 1]. Run: /usr/bin/python3 colours.py > colours.csv
import colorsys
import torch

pixels = [(255, 0, 0), (10, 200, 30), (0, 0, 255), (128, 128, 128), (250, 240, 5), (17, 99, 180)]
image = torch.tensor(pixels, dtype=torch.float64) / 255
grey = image @ torch.tensor([0.2989, 0.587, 0.114], dtype=torch.float64)

def rows(name, factor, out):
    for i, p in enumerate(out.tolist()):
        print(",".join([name, repr(factor), str(i)] + [repr(v) for v in p]))

print("what,factor,pixel,red,green,blue")
for f in (0.4, 1.6):
    rows("brightness", f, (f * image).clamp(0, 1))
    rows("contrast", f, (f * image + (1 - f) * grey.mean()).clamp(0, 1))
    rows("saturation", f, (f * image + (1 - f) * grey[:, None]).clamp(0, 1))
for f in (-0.3, 0.1, 0.5):
    out = []
    for p in image.tolist():
        h, s, v = colorsys.rgb_to_hsv(*p)
        out.append(colorsys.hsv_to_rgb((h + f) % 1, s, v))
    rows("hue", f, torch.tensor(out, dtype=torch.float64))
