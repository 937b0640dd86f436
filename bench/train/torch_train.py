#!/usr/bin/env python3
"""One measurement of PyTorch for bench/train: training steps of a network.

    torch_train.py NET BATCH THREADS FORMAT WARMUP RUNS

FORMAT is nchw or nhwc (channels last). Prints JSON: seconds of each step
(forward, backward, SGD with Nesterov momentum) and the largest resident memory.
"""
import json
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


def conv(i, o, k=3, stride=1, bias=False):
    return nn.Conv2d(i, o, k, stride, k // 2, bias=bias)


class Basic(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, i, o, stride, bias=False, norm_shortcut=True):
        super().__init__()
        self.f = nn.Sequential(conv(i, o, 3, stride, bias), nn.BatchNorm2d(o), nn.ReLU(inplace=True), conv(o, o, 3, 1, bias), nn.BatchNorm2d(o))
        self.s = None
        if stride > 1 or i != o:
            self.s = nn.Sequential(conv(i, o, 1, stride, bias), nn.BatchNorm2d(o)) if norm_shortcut else conv(i, o, 1, stride, bias)

    def forward(self, x):
        return F.relu(self.f(x).add_(x if self.s is None else self.s(x)), inplace=True)


class Wide(nn.Module):
    """Normalization and activation in front of each convolution."""

    def __init__(self, i, o, stride):
        super().__init__()
        self.n = nn.Sequential(nn.BatchNorm2d(i), nn.ReLU(inplace=True))
        self.f = nn.Sequential(conv(i, o, 3, stride), nn.BatchNorm2d(o), nn.ReLU(inplace=True), conv(o, o))
        self.s = conv(i, o, 1, stride) if stride > 1 or i != o else None

    def forward(self, x):
        h = self.n(x)
        return self.f(h).add_(x if self.s is None else self.s(h))


class Head(nn.Module):
    def __init__(self, c, classes):
        super().__init__()
        self.fc = nn.Linear(c, classes)

    def forward(self, x):
        return self.fc(x.mean((2, 3)))


def build(name):
    def norm_conv(i, o, k=3, stride=1, bias=False):
        return [conv(i, o, k, stride, bias), nn.BatchNorm2d(o), nn.ReLU(inplace=True)]

    if name == "cnn-small":
        return 32, 10, nn.Sequential(*norm_conv(3, 32), nn.MaxPool2d(2), *norm_conv(32, 64), nn.MaxPool2d(2), *norm_conv(64, 128), Head(128, 10))
    if name == "resnet8":
        return 32, 10, nn.Sequential(*norm_conv(3, 16, bias=True), Basic(16, 16, 1, True, False), Basic(16, 32, 2, True, False), Basic(32, 64, 2, True, False), Head(64, 10))
    if name == "wrn-16-4":
        layers, i = [conv(3, 16)], 16
        for stage, c in enumerate((64, 128, 256)):
            for block in range(2):
                layers.append(Wide(i, c, 2 if stage and not block else 1))
                i = c
        return 32, 10, nn.Sequential(*layers, nn.BatchNorm2d(256), nn.ReLU(inplace=True), Head(256, 10))
    if name == "resnet18":
        layers, i = [*norm_conv(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)], 64
        for stage, c in enumerate((64, 128, 256, 512)):
            for block in range(2):
                layers.append(Basic(i, c, 2 if stage and not block else 1))
                i = c
        return 224, 1000, nn.Sequential(*layers, Head(512, 1000))
    raise SystemExit(f"no network {name}")


def peak():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def main():
    name, batch, threads, form, warmup, runs = sys.argv[1], *(int(a) if a.isdigit() else a for a in sys.argv[2:7])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    size, classes, m = build(name)
    x, y = torch.randn(batch, 3, size, size), torch.randint(0, classes, (batch,))
    if form == "nhwc":
        m, x = m.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    opt = torch.optim.SGD(m.parameters(), 0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
    seconds = []
    for i in range(warmup + runs):
        start = time.perf_counter()
        opt.zero_grad()
        F.cross_entropy(m(x), y).backward()
        opt.step()
        if i >= warmup:
            seconds.append(time.perf_counter() - start)
    print(json.dumps({"Seconds": seconds, "Peak": peak()}))


main()
