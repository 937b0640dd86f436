#!/usr/bin/env python3
"""Trains a graph with PyTorch in float64: the reference of torch_test.go.

    torch_reference.py DIR [--rows]

DIR holds what the test writes: graph.json (nodes of an ONNX graph, its weights,
labels) and data.bin (float32: the weights in order, then the images). The first
step's loss, gradients and running statistics, and the losses of all steps of SGD
with momentum are written to DIR/out.bin (float64) in the order of out.json. With
--rows they are printed as rows of torch.csv instead: of every gradient the norm
and a few elements.
"""
import json
import sys

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)  # one number, whatever the machine


def padded(x, pads, value=0.0):
    n = len(pads) // 2
    flat = []
    for i in reversed(range(n)):
        flat += [pads[i], pads[n + i]]
    return F.pad(x, flat, value=value)


def run(node, v, training):
    op, a = node["op"], node["attrs"]
    x = [v[i] if i else None for i in node["inputs"]]
    if op == "Conv":
        y = padded(x[0], a.get("pads", [0, 0, 0, 0]))
        return F.conv2d(y, x[1], x[2] if len(x) > 2 else None, a.get("strides", 1), 0, a.get("dilations", 1), a.get("group", 1))
    if op == "BatchNormalization":
        return F.batch_norm(x[0], x[3], x[4], x[1], x[2], training, 1 - a.get("momentum", 0.9), a.get("epsilon", 1e-5))
    if op == "Relu":
        return F.relu(x[0])
    if op == "Clip":
        return F.hardtanh(x[0], float(x[1]), float(x[2]))
    if op == "HardSwish":
        return F.hardswish(x[0])
    if op == "Add":
        return x[0] + x[1]
    if op == "MaxPool":
        return F.max_pool2d(padded(x[0], a.get("pads", [0, 0, 0, 0]), -np.inf), a["kernel_shape"], a.get("strides", 1))
    if op == "AveragePool":
        return F.avg_pool2d(x[0], a["kernel_shape"], a.get("strides", 1))
    if op == "Pad":
        return padded(x[0], [int(p) for p in x[1]])
    if op == "GlobalAveragePool":
        return x[0].mean((2, 3), keepdim=True)
    if op == "Flatten":
        return x[0].flatten(1)
    if op == "Gemm":
        w = x[1] if a.get("transB", 0) else x[1].t()
        return F.linear(x[0], w, x[2] if len(x) > 2 else None)
    raise SystemExit(f"operator {op} is not here")


def main():
    folder = sys.argv[1]
    g = json.load(open(folder + "/graph.json"))
    data = np.fromfile(folder + "/data.bin", dtype="<f4")
    v, params, at = {}, [], 0
    for w in g["weights"]:
        n = int(np.prod(w["dims"]))
        t = torch.tensor(data[at:at + n].reshape(w["dims"]), dtype=torch.float64)
        at += n
        if w["trained"]:
            t.requires_grad_(True)
            params.append((w["name"], t))
        v[w["name"]] = t
    for c in g["ints"] or []:
        v[c["name"]] = torch.tensor(c["values"])
    x = torch.tensor(data[at:].reshape(g["input_dims"]), dtype=torch.float64)
    y = torch.tensor(g["labels"])
    opt = torch.optim.SGD([p for _, p in params], g["rate"], momentum=g["momentum"], nesterov=True, weight_decay=g["decay"])
    rows, out = [], []
    for step in range(g["steps"]):
        opt.zero_grad()
        values = dict(v)
        values[g["input"]] = x
        for node in g["nodes"]:
            values[node["output"]] = run(node, values, True)
        loss = F.cross_entropy(values[g["output"]], y, label_smoothing=g["smoothing"])
        loss.backward()
        rows.append((g["name"], "loss", "", step, float(loss)))
        out.append(np.array([float(loss)]))
        if step == 0:
            for name, p in params:
                d = p.grad.numpy().ravel()
                out.append(d.copy())
                rows.append((g["name"], "norm", name, 0, float(np.sqrt((d * d).sum()))))
                for i in sorted({0, len(d) // 3, len(d) - 1}):
                    rows.append((g["name"], "gradient", name, i, float(d[i])))
            for w in g["weights"]:
                if w["buffer"]:
                    d = v[w["name"]].numpy().ravel()
                    out.append(d.copy())
                    rows.append((g["name"], "buffer", w["name"], 0, float(d[0])))
        opt.step()
    if "--rows" in sys.argv:
        for r in rows:
            print(f"{r[0]},{r[1]},{r[2]},{r[3]},{r[4]!r}")
        return
    np.concatenate(out).astype("<f8").tofile(folder + "/out.bin")


main()
