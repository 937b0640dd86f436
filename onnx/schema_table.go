package onnx

// schemaTable lists the operators of the default domain whose shapes are known,
// one line for each version that changed the inputs, outputs or attributes:
//
//	operator since inputs outputs attribute=type...
//
// Inputs and outputs are a number, least-most or least-; the types of
// attributes are i, is, f, fs, s, ss, t and sp (int, ints, float, floats, string,
// strings, tensor, sparse tensor), with ! where the attribute is required.
// Versions that only widened the element types have no line; versions before 7
// stand for those still valid in operator set 7.
// Source: ONNX's operator schemas (testdata/gen.py compares with ONNX 1.12), and
// docs/Changelog.md for versions 18 to 25.
const schemaTable = `
Abs 6 1 1
Add 7 2 1
ArgMax 1 1 1 axis=i keepdims=i
ArgMax 12 1 1 axis=i keepdims=i select_last_index=i
ArgMin 1 1 1 axis=i keepdims=i
ArgMin 12 1 1 axis=i keepdims=i select_last_index=i
AveragePool 7 1 1 auto_pad=s count_include_pad=i kernel_shape=is! pads=is strides=is
AveragePool 10 1 1 auto_pad=s ceil_mode=i count_include_pad=i kernel_shape=is! pads=is strides=is
AveragePool 19 1 1 auto_pad=s ceil_mode=i count_include_pad=i dilations=is kernel_shape=is! pads=is strides=is
BatchNormalization 7 5 1-5 epsilon=f momentum=f spatial=i
BatchNormalization 9 5 1-5 epsilon=f momentum=f
BatchNormalization 14 5 1-3 epsilon=f momentum=f training_mode=i
Cast 6 1 1 to=i!
Cast 19 1 1 saturate=i to=i!
Cast 24 1 1 round_mode=s saturate=i to=i!
Ceil 6 1 1
Clip 6 1 1 max=f min=f
Clip 11 1-3 1
Concat 4 1- 1 axis=i!
Constant 1 0 1 value=t!
Constant 11 0 1 sparse_value=sp value=t
Constant 12 0 1 sparse_value=sp value=t value_float=f value_floats=fs value_int=i value_ints=is value_string=s value_strings=ss
ConstantOfShape 9 1 1 value=t
Conv 1 2-3 1 auto_pad=s dilations=is group=i kernel_shape=is pads=is strides=is
ConvInteger 10 2-4 1 auto_pad=s dilations=is group=i kernel_shape=is pads=is strides=is
DequantizeLinear 10 2-3 1
DequantizeLinear 13 2-3 1 axis=i
DequantizeLinear 21 2-3 1 axis=i block_size=i
DequantizeLinear 23 2-3 1 axis=i block_size=i output_dtype=i
Div 7 2 1
Dropout 7 1 1-2 ratio=f
Dropout 12 1-3 1-2 seed=i
DynamicQuantizeLinear 11 1 3
Elu 6 1 1 alpha=f
Equal 7 2 1
Erf 9 1 1
Exp 6 1 1
Expand 8 2 1
Flatten 1 1 1 axis=i
Floor 6 1 1
Gather 1 2 1 axis=i
Gelu 20 1 1 approximate=s
Gemm 7 3 1 alpha=f beta=f transA=i transB=i
Gemm 11 2-3 1 alpha=f beta=f transA=i transB=i
GlobalAveragePool 1 1 1
GlobalMaxPool 1 1 1
Greater 7 2 1
GroupNormalization 18 3 1 epsilon=f num_groups=i!
GroupNormalization 21 3 1 epsilon=f num_groups=i! stash_type=i
HardSigmoid 6 1 1 alpha=f beta=f
HardSwish 14 1 1
Identity 1 1 1
InstanceNormalization 6 3 1 epsilon=f
LRN 1 1 1 alpha=f beta=f bias=f size=i!
LayerNormalization 17 2-3 1-3 axis=i epsilon=f stash_type=i
LeakyRelu 6 1 1 alpha=f
Less 7 2 1
Log 6 1 1
LogSoftmax 1 1 1 axis=i
MatMul 1 2 1
MatMulInteger 10 2-4 1
Max 6 1- 1
MaxPool 1 1 1 auto_pad=s kernel_shape=is! pads=is strides=is
MaxPool 8 1 1-2 auto_pad=s kernel_shape=is! pads=is storage_order=i strides=is
MaxPool 10 1 1-2 auto_pad=s ceil_mode=i dilations=is kernel_shape=is! pads=is storage_order=i strides=is
Mean 6 1- 1
Min 6 1- 1
Mish 18 1 1
Mul 7 2 1
Neg 6 1 1
Not 1 1 1
PRelu 7 2 1
Pad 2 1 1 mode=s pads=is! value=f
Pad 11 2-3 1 mode=s
Pad 18 2-4 1 mode=s
Pow 7 2 1
QLinearConv 10 8-9 1 auto_pad=s dilations=is group=i kernel_shape=is pads=is strides=is
QLinearMatMul 10 8 1
QuantizeLinear 10 2-3 1
QuantizeLinear 13 2-3 1 axis=i
QuantizeLinear 19 2-3 1 axis=i saturate=i
QuantizeLinear 21 2-3 1 axis=i block_size=i output_dtype=i saturate=i
QuantizeLinear 23 2-3 1 axis=i block_size=i output_dtype=i precision=i saturate=i
RMSNormalization 23 2 1 axis=i epsilon=f stash_type=i
Range 11 3 1
Reciprocal 6 1 1
ReduceL2 1 1 1 axes=is keepdims=i
ReduceL2 18 1-2 1 keepdims=i noop_with_empty_axes=i
ReduceMax 1 1 1 axes=is keepdims=i
ReduceMax 18 1-2 1 keepdims=i noop_with_empty_axes=i
ReduceMean 1 1 1 axes=is keepdims=i
ReduceMean 18 1-2 1 keepdims=i noop_with_empty_axes=i
ReduceMin 1 1 1 axes=is keepdims=i
ReduceMin 18 1-2 1 keepdims=i noop_with_empty_axes=i
ReduceProd 1 1 1 axes=is keepdims=i
ReduceProd 18 1-2 1 keepdims=i noop_with_empty_axes=i
ReduceSum 1 1 1 axes=is keepdims=i
ReduceSum 13 1-2 1 keepdims=i noop_with_empty_axes=i
Relu 6 1 1
Reshape 5 2 1
Reshape 14 2 1 allowzero=i
Round 11 1 1
Selu 6 1 1 alpha=f gamma=f
Shape 1 1 1
Shape 15 1 1 end=i start=i
Sigmoid 6 1 1
Size 1 1 1
Slice 1 1 1 axes=is ends=is! starts=is!
Slice 10 3-5 1
Softmax 1 1 1 axis=i
Softplus 1 1 1
Split 2 1 1- axis=i split=is
Split 13 1-2 1- axis=i
Split 18 1-2 1- axis=i num_outputs=i
Sqrt 6 1 1
Squeeze 1 1 1 axes=is
Squeeze 13 1-2 1
Sub 7 2 1
Sum 6 1- 1
Swish 24 1 1 alpha=f
Tanh 6 1 1
Transpose 1 1 1 perm=is
Unsqueeze 1 1 1 axes=is!
Unsqueeze 13 2 1
Where 9 3 1
`
