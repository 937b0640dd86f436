"""Reference values for package onnx, from ONNX's own Python package.

Made with Debian 12's python3-onnx 1.12.0 (opsets to 17), Python 3.11, numpy 1.24.2:
    cd onnx/testdata && /usr/bin/python3 gen.py
It writes
    schemas.csv  signatures of the operators in schema_table.go, versions to 17
    models/*.onnx  small models as exporters write them
    shapes.csv   onnx.shape_inference.infer_shapes(strict_mode=True, data_prop=True)
    half.csv     numpy.float16 and bfloat16 (the upper half of float32) as float32 bits
"""
import csv
import os
import struct

import numpy as np
import onnx
from onnx import TensorProto as T, helper as h, numpy_helper as nh

OPS = set(l.split()[0] for l in open("../schema_table.go") if l[0].isupper())
KIND = {"INT": "i", "INTS": "is", "FLOAT": "f", "FLOATS": "fs", "STRING": "s", "STRINGS": "ss",
        "TENSOR": "t", "SPARSE_TENSOR": "sp"}


def schemas():
    with open("schemas.csv", "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow("operator since min_in max_in min_out max_out attributes".split())
        rows = []
        for s in onnx.defs.get_all_schemas_with_history():
            if s.domain == "" and s.name in OPS and not s.deprecated:
                attrs = sorted(k + "=" + KIND[str(a.type).split(".")[-1]] + "!" * a.required
                               for k, a in s.attributes.items())
                many = lambda n: "many" if n > 1000 else n
                rows.append((s.name, s.since_version, s.min_input, many(s.max_input),
                             s.min_output, many(s.max_output), " ".join(attrs)))
        w.writerows(sorted(rows))


def ints(name, *v):
    return nh.from_array(np.array(v, np.int64), name)


def scalar(name, v):
    return nh.from_array(np.array(v, np.int64), name)


def weight(name, *dims):
    return nh.from_array(np.zeros(dims, np.float32), name)


def n(op, inputs, outputs, **attrs):
    return h.make_node(op, inputs.split(), outputs.split(), **attrs)


X = ("x", T.FLOAT, ["N", 3, 32, 32])
MODELS = {}


def model(name, nodes, inits=(), inputs=(X,), outputs=(("y", T.FLOAT, None),), opset=13):
    value = lambda v: h.make_tensor_value_info(*v)
    g = h.make_graph(nodes, name, [value(v) for v in inputs], [value(v) for v in outputs], list(inits))
    MODELS[name] = h.make_model(g, opset_imports=[h.make_opsetid("", opset)], producer_name="gen.py", ir_version=8)


def build():
    # x.view(x.size(0), -1), as PyTorch's exporter writes it
    model("view", [
        n("Conv", "x w", "c", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
        n("GlobalAveragePool", "c", "p"),
        n("Shape", "p", "s"), n("Gather", "s zero", "b", axis=0), n("Unsqueeze", "b ax0", "b1"),
        n("Concat", "b1 minus", "r", axis=0), n("Reshape", "p r", "f"), n("Gemm", "f fc bias", "y", transB=1),
    ], [weight("w", 8, 3, 3, 3), weight("fc", 10, 8), weight("bias", 10), scalar("zero", 0), ints("ax0", 0), ints("minus", -1)])
    # patches of a vision transformer, the class token expanded to the batch
    model("tokens", [
        n("Conv", "x w", "c", kernel_shape=[8, 8], strides=[8, 8]),
        n("Shape", "c", "s"), n("Slice", "s i0 i2 i0", "s2"), n("Concat", "s2 minus", "r", axis=0),
        n("Reshape", "c r", "f"), n("Transpose", "f", "t", perm=[0, 2, 1]),
        n("Shape", "t", "ts"), n("Gather", "ts zero", "b", axis=0), n("Unsqueeze", "b i0", "b1"),
        n("Concat", "b1 minus minus", "e0", axis=0),
        n("ConstantOfShape", "three", "ones", value=nh.from_array(np.array([1], np.int64))),
        n("Mul", "ones minus", "neg"), n("Equal", "e0 neg", "eq"), n("Where", "eq ones e0", "e1"),
        n("Expand", "cls e1", "cb"), n("Concat", "cb t", "y", axis=1),
    ], [weight("w", 16, 3, 8, 8), weight("cls", 1, 1, 16), scalar("zero", 0), ints("i0", 0), ints("i2", 2), ints("three", 3), ints("minus", -1)])
    # heads of attention
    model("heads", [
        n("MatMul", "x wq", "q"), n("Split", "q", "q1 q2 q3", axis=2),
        n("Reshape", "q1 r", "a"), n("Transpose", "a", "at", perm=[0, 2, 1, 3]),
        n("Reshape", "q2 r", "k"), n("Transpose", "k", "kt", perm=[0, 2, 3, 1]),
        n("MatMul", "at kt", "m"), n("Softmax", "m", "sm", axis=-1),
        n("Reshape", "q3 r", "v"), n("Transpose", "v", "vt", perm=[0, 2, 1, 3]),
        n("MatMul", "sm vt", "o"), n("Transpose", "o", "ot", perm=[0, 2, 1, 3]), n("Reshape", "ot r3", "y"),
    ], [weight("wq", 16, 48), ints("r", 0, 0, 4, 4), ints("r3", 0, 0, 16)], inputs=[("x", T.FLOAT, ["N", 17, 16])])
    # windows: every padding, ceil mode, dilation, groups, three and one dimensions
    x = ("x", T.FLOAT, ["N", 4, 17, 12])
    model("windows", [
        n("MaxPool", "x", "p1", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
        n("MaxPool", "x", "p2", kernel_shape=[2, 3], strides=[2, 3], pads=[0, 1, 1, 0]),
        n("AveragePool", "x", "p3", kernel_shape=[5, 4], strides=[3, 2], auto_pad="SAME_UPPER"),
        n("AveragePool", "x", "p4", kernel_shape=[5, 4], auto_pad="VALID"),
        n("Conv", "x w1", "c1", dilations=[2, 3], pads=[2, 3, 1, 0]),
        n("Conv", "x w2", "c2", group=4, auto_pad="SAME_LOWER", strides=[2, 1]),
        n("Conv", "x w3", "c3", group=2),
        n("Conv", "l w4", "c4", strides=[3]), n("Conv", "v w5", "c5", pads=[1, 0, 1, 1, 0, 1]),
        n("Concat", "p1 p1", "y", axis=3),
    ], [weight("w1", 5, 4, 3, 3), weight("w2", 8, 1, 3, 5), weight("w3", 6, 2, 1, 1), weight("w4", 2, 4, 7), weight("w5", 2, 1, 3, 1, 3)],
        inputs=[x, ("l", T.FLOAT, ["N", 4, 31]), ("v", T.FLOAT, [2, 1, 5, 6, 7])])
    # moving data
    model("moves", [
        n("Slice", "x st en ax sp", "a"), n("Slice", "x i1 big i1", "b"), n("Pad", "x pads", "c"),
        n("Squeeze", "u i1", "d"), n("Unsqueeze", "u m1", "e"), n("Flatten", "x", "f", axis=2), n("Flatten", "x", "g", axis=0),
        n("Split", "x parts", "h1 h2 h3", axis=3), n("ReduceMean", "x", "i", axes=[2, 3], keepdims=0), n("ReduceSum", "x i1", "j"),
        n("ArgMax", "x", "k", axis=-1, keepdims=0), n("Gather", "x idx", "l", axis=2), n("Transpose", "x", "m"),
        n("Size", "u", "o"), n("Range", "r0 r9 r2", "p"), n("Cast", "x", "q", to=T.FLOAT16), n("Shape", "x", "s"),
        n("Identity", "x", "y"),
    ], [ints("st", 1, -1), ints("en", 100, -100), ints("ax", 1, 3), ints("sp", 1, -2), ints("i1", 1), ints("big", 2**63 - 1),
        ints("pads", 0, 1, 2, -3, 0, 0, 4, 5), ints("m1", -1), ints("parts", 8, 20, 4), nh.from_array(np.zeros((2, 5), np.int64), "idx"),
        scalar("r0", 0), scalar("r9", 9), scalar("r2", 2)], inputs=[X, ("u", T.FLOAT, [4, 1, 7])])
    # quantized operators and QDQ
    s, z = nh.from_array(np.float32(0.1), "s"), nh.from_array(np.int8(3), "z")
    q8 = lambda name, *d: nh.from_array(np.zeros(d, np.int8), name)
    model("quantized", [
        n("QuantizeLinear", "x s z", "q"), n("QLinearConv", "q s z w s z s z b", "c", pads=[1, 1, 1, 1], strides=[2, 2]),
        n("DequantizeLinear", "c s z", "d"), n("DynamicQuantizeLinear", "d", "dq ds dz"), n("ConvInteger", "dq w2", "ci"),
        n("DequantizeLinear", "wq sc zc", "wf", axis=0), n("Conv", "x wf", "cf"),
        n("Flatten", "c", "f"), n("QLinearMatMul", "f s z m s z s z", "qm"), n("MatMulInteger", "f m", "y"),
    ], [s, z, q8("w", 4, 3, 3, 3), nh.from_array(np.zeros(4, np.int32), "b"), q8("w2", 2, 4, 1, 1), q8("wq", 5, 3, 3, 3),
        nh.from_array(np.ones(5, np.float32), "sc"), q8("zc", 5), q8("m", 1024, 10)], outputs=[("y", T.INT32, None)])
    # broadcasting and normalization
    model("broadcast", [
        n("Add", "x c", "a"), n("Mul", "x row", "b"), n("Max", "x c row", "d"), n("Greater", "x c", "m"), n("Where", "m x c", "e"),
        n("BatchNormalization", "x g g g g", "f"), n("Pow", "x two", "h"), n("LayerNormalization", "x row", "i mean inv", axis=-1),
        n("Clip", "x lo", "j"), n("Sum", "a b", "k"), n("Softmax", "x", "y", axis=1),
    ], [weight("c", 3, 1, 1), weight("row", 32), weight("g", 3), nh.from_array(np.float32(2), "two"), nh.from_array(np.float32(0), "lo")], opset=17)
    # opset 9: attributes that became inputs later
    model("opset9", [
        n("Slice", "x", "a", starts=[1, 0], ends=[3, -1], axes=[1, 2]), n("Pad", "x", "b", pads=[0, 0, 1, 1, 0, 0, 1, 1]),
        n("Unsqueeze", "x", "c", axes=[0, 5]), n("Squeeze", "c", "d", axes=[0, 5]), n("Split", "x", "e1 e2", axis=2, split=[30, 2]),
        n("Clip", "x", "f", min=0.0, max=6.0), n("Dropout", "x", "g mask", ratio=0.3), n("ReduceSum", "x", "i", axes=[1], keepdims=1),
        n("Constant", "", "shape", value=ints("", 0, -1)), n("Reshape", "x shape", "y"),
    ], opset=9)


def shapes():
    os.makedirs("models", exist_ok=True)
    with open("shapes.csv", "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow("model value type shape".split())
        for name, m in sorted(MODELS.items()):
            with open("models/%s.onnx" % name, "wb") as out:
                out.write(m.SerializeToString())
            inferred = onnx.shape_inference.infer_shapes(m, strict_mode=True, data_prop=True)
            context = onnx.checker.C.CheckerContext()
            context.ir_version, context.opset_imports = m.ir_version, {"": m.opset_import[0].version}
            for node in m.graph.node:  # check_model wants the shape of every output, which inference may not know
                onnx.checker.check_node(node, context)
            g = inferred.graph
            for v in sorted(list(g.value_info) + list(g.output), key=lambda v: v.name):
                t = v.type.tensor_type
                dims = []
                for d in t.shape.dim:
                    # names that inference made up are unknown dimensions
                    made = d.dim_param.startswith("unk__")
                    dims.append(str(d.dim_value) if d.HasField("dim_value") else "?" if made or not d.dim_param else d.dim_param)
                shape = " ".join(dims) if t.HasField("shape") else "unknown"
                w.writerow([name, v.name, t.elem_type, shape])


def half():
    with open("half.csv", "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow("type bits float32_bits".split())
        rng = np.random.default_rng(3)
        special = [0, 1, 2, 0x3ff, 0x400, 0x3c00, 0x3c01, 0x7bff, 0x7c00, 0x8000, 0x8001, 0xbc00, 0xfbff, 0xfc00, 0x0080, 0x7f80, 0xff80, 0x7f7f]
        for b in special + [int(v) for v in rng.integers(0, 1 << 16, 60)]:
            v = np.frombuffer(struct.pack("<H", b), np.float16).astype(np.float32)
            if not np.isnan(v[0]):
                w.writerow(["float16", b, v.view(np.uint32)[0]])
            w.writerow(["bfloat16", b, b << 16])


build()
schemas()
shapes()
half()
