# SPDX-License-Identifier: Apache-2.0
"""What kinds of Keras layers are to the int8 graph that the converter makes of them."""

from __future__ import annotations

from typing import Any

# Class of a layer -> name of its kernel, axes of that over output channels (from the end).
KERNELS: dict[str, tuple[str, tuple[int, ...]]] = {
    "Conv1D": ("kernel", (-1,)),
    "Conv2D": ("kernel", (-1,)),
    "Conv3D": ("kernel", (-1,)),
    "Conv1DTranspose": ("kernel", (-2,)),
    "Conv2DTranspose": ("kernel", (-2,)),
    "Conv3DTranspose": ("kernel", (-2,)),
    "DepthwiseConv1D": ("kernel", (-2, -1)),
    "DepthwiseConv2D": ("kernel", (-2, -1)),
    "Dense": ("kernel", (-1,)),
}
# A depthwise kernel and one of 1 x 1 behind it.
SEPARABLE = {"SeparableConv1D": "1D", "SeparableConv2D": "2D"}
# Nothing but the identity in inference.
IDENTITIES = frozenset(
    [
        "ActivityRegularization",
        "AlphaDropout",
        "Dropout",
        "GaussianDropout",
        "GaussianNoise",
        "Identity",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "SpatialDropout3D",
    ]
)
# Ops that move integers: TFLite's specification has one scale for what goes in and comes out.
SAME_SCALE = frozenset(
    [
        "AveragePooling1D",
        "AveragePooling2D",
        "Cropping1D",
        "Cropping2D",
        "Flatten",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
        "MaxPooling1D",
        "MaxPooling2D",
        "Permute",
        "RepeatVector",
        "Reshape",
        "Resizing",
        "UpSampling1D",
        "UpSampling2D",
        "ZeroPadding1D",
        "ZeroPadding2D",
        "ExpandDims",
        "Squeeze",
        "Transpose",
        "GetItem",
        "Split",
    ]
)
# One scale for all inputs and the output, over the union of their values.
JOINING = frozenset(["Concatenate", "Maximum", "Minimum", "Stack"])
# Whose output can take a ReLU in: then only what comes after the ReLU is a tensor.
TAKES_RELU = frozenset([*KERNELS, "Add", "Subtract", "Multiply", "Affine"])
FUSED = ("linear", "relu", "relu6")
# https://www.tensorflow.org/lite/performance/quantization_spec: scale and zero point of the output.
FIXED = {
    "softmax": (0.0, 255 / 256),
    "sigmoid": (0.0, 255 / 256),
    "tanh": (-1.0, 127 / 128),
}
# One op of the int8 graph each, besides all of the above.
SINGLE = frozenset(
    [
        "Activation",
        "Add",
        "Affine",
        "AveragePooling2D",
        "ELU",
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "InputLayer",
        "LeakyReLU",
        "Multiply",
        "PReLU",
        "ReLU",
        "Softmax",
        "Subtract",
    ]
)


def is_fused_relu(layer: Any) -> bool:
    """Whether the converter can make this layer a part of the op before it."""
    kind = type(layer).__name__
    if kind in ("Relu", "Relu6"):
        return True
    if kind == "ReLU":
        plain = not layer.negative_slope and not layer.threshold
        return plain and layer.max_value in (None, 6.0)
    return kind == "Activation" and activation_name(layer) in ("relu", "relu6")


def activation_name(layer: Any) -> str:
    """Name of a layer's activation function, "linear" where it has none."""
    function = getattr(layer, "activation", None)
    if function is None:
        return "linear"
    return str(getattr(function, "__name__", None) or getattr(function, "name", "custom"))


def fixed_range(layer: Any) -> tuple[float, float] | None:
    """The int8 range that TFLite prescribes for what `layer` gives."""
    kind = type(layer).__name__
    if kind == "Activation":
        return FIXED.get(activation_name(layer))
    return FIXED.get(kind.lower())


def is_opaque(layer: Any) -> bool:
    """Whether the converter makes several ops of this layer, with tensors that have no name."""
    kind = type(layer).__name__
    if kind == "Activation":
        return activation_name(layer) not in (*FUSED, *FIXED, "leaky_relu", "elu")
    known = SINGLE | SAME_SCALE | JOINING | KERNELS.keys()
    if getattr(layer, "groups", 1) != 1 and "Depthwise" not in kind:
        return True
    return kind not in known
