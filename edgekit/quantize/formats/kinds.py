# SPDX-License-Identifier: Apache-2.0
"""What TFLite Micro's kernels take, found by running each in its interpreter.

`tests/unit/test_formats.py` holds these tables to it: what is offered runs right there, and what is
refused does not.
"""

from __future__ import annotations

# Ops with constant weights -> the places of weights and bias among their inputs.
WEIGHTS = {
    "CONV_2D": (1, 2),
    "DEPTHWISE_CONV_2D": (1, 2),
    "FULLY_CONNECTED": (1, 2),
    "TRANSPOSE_CONV": (1, 3),
}
# Operands that stay int8 where activations are int16.
KEPT_INT8 = {"PRELU": (1,)}
# Outputs whose scale TFLite's specification fixes: 1/32768 for int16.
FIXED_SCALE = {"SOFTMAX": 1 / 32768, "LOGISTIC": 1 / 32768, "TANH": 1 / 32768}
# Ops that move values and do not change them, or clamp them (RELU6): one scale.
SAME_SCALE = (
    "AVERAGE_POOL_2D",
    "BATCH_TO_SPACE_ND",
    "CONCATENATION",
    "DEPTH_TO_SPACE",
    "EXPAND_DIMS",
    "GATHER",
    "MAX_POOL_2D",
    "MAXIMUM",
    "MINIMUM",
    "PACK",
    "PAD",
    "PADV2",
    "RELU6",
    "RESHAPE",
    "RESIZE_BILINEAR",
    "RESIZE_NEAREST_NEIGHBOR",
    "SLICE",
    "SPACE_TO_BATCH_ND",
    "SPACE_TO_DEPTH",
    "SPLIT",
    "SPLIT_V",
    "SQUEEZE",
    "STRIDED_SLICE",
    "TRANSPOSE",
    "UNPACK",
)
INT16_KINDS = (
    "ABS",
    "ADD",
    "AVERAGE_POOL_2D",
    "BATCH_MATMUL",
    "BROADCAST_TO",
    "CONCATENATION",
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "EXPAND_DIMS",
    "FULLY_CONNECTED",
    "LEAKY_RELU",
    "LOGISTIC",
    "MAXIMUM",
    "MAX_POOL_2D",
    "MEAN",
    "MINIMUM",
    "MUL",
    "PACK",
    "PAD",
    "PADV2",
    "PRELU",
    "RELU",
    "RELU6",
    "RESHAPE",
    "RESIZE_NEAREST_NEIGHBOR",
    "SLICE",
    "SOFTMAX",
    "SPLIT",
    "SPLIT_V",
    "SQUARED_DIFFERENCE",
    "SQUEEZE",
    "STRIDED_SLICE",
    "SUB",
    "SUM",
    "TANH",
    "TRANSPOSE",
    "TRANSPOSE_CONV",
    "UNPACK",
)
# With 16-bit activations. Of the others the kernels read an int32 bias as int64, without a word.
INT32_BIAS_KINDS = ("CONV_2D", "FULLY_CONNECTED")
INT4_KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
# 4-bit weights of these have one scale: the kernel refuses one per channel.
ONE_SCALE_INT4 = ("FULLY_CONNECTED",)
