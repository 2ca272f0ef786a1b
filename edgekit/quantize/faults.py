# SPDX-License-Identifier: Apache-2.0
"""What the converter's many lines of complaint mean: which op, of which layer, what to do."""

from __future__ import annotations

import re
from typing import Any

from edgekit.errors import EdgekitError
from edgekit.quantize.naming import LayerNames

_REMEDIES = {
    "AvgPool3D": "use AveragePooling2D on stacked frames",
    "Conv2DBackpropInput": "use Conv2DTranspose without dilation_rate",
    "Erf": "use keras.activations.gelu as a layer's activation, or relu",
    "MaxPool3D": "use MaxPooling2D on stacked frames",
    "ResizeBicubic": "use interpolation='bilinear' or 'nearest'",
    "Rsqrt": "normalize with BatchNormalization, which folds into the layer before it",
}
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")  # a SavedModel's functions, no layers
_CONTROL_FLOW = frozenset(["While", "StatelessWhile", "If", "StatelessIf", "TensorListReserve"])
_REFUSED = (
    r"'?tf\.(\w+)'? op is neither a custom op nor a flex op",
    r"Quantization not yet supported for op: '?(?:tfl\.)?([\w.]+)",
    r"tf\.(\w+)\(",
    r"'tfl\.(\w+)' op",
)


def refuse_loops(graph: Any, names: LayerNames) -> None:
    """EdgekitError for a loop or condition in a traced graph, which the converter may crash on."""
    for op in graph.get_operations():
        if op.type in _CONTROL_FLOW:
            layer = names.layer_path(op.name)
            raise EdgekitError(
                f"layer '{layer or op.name}' holds a loop or a condition ({op.type}), "
                "which no int8 runtime for microcontrollers runs",
                hint="unroll a recurrent layer with unroll=True, or use convolutions instead",
            )


def converter_fault(error: Exception, heard: str, names: LayerNames) -> EdgekitError:
    """One line for an exception of the converter; `heard` is what it wrote to the terminal."""
    text = f"{error}\n{heard}"
    if found := re.search(r"'(.*)' is not a valid (?:root )?scope name", text):
        return EdgekitError(
            f"TensorFlow cannot convert the name '{found.group(1).rstrip('/')}'",
            hint="rename that model or layer: letters, digits, '_', '-' and '.', no space",
        )
    for pattern in _REFUSED:
        if found := re.search(pattern, text):
            return _refused_op(found.group(1), text, names)
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "no message")
    return EdgekitError(
        f"TensorFlow's converter failed: {type(error).__name__}: {first[:200]}",
        hint="--debug shows all that it said",
    )


def _refused_op(op: str, text: str, names: LayerNames) -> EdgekitError:
    layer = _layer_in(text, op, names)
    place = f" of layer '{layer}'" if layer else ""
    if re.search(rf"tf\.{re.escape(op)}\([^)]*xf64>", text):
        return EdgekitError(
            f"op {op}{place} computes in float64, and int8 files are made from float32",
            hint="build the model with dtype float32 and load the weights into it",
        )
    remedy = _REMEDIES.get(op, "replace the layer by ones that TFLite has int8 kernels for")
    return EdgekitError(f"op {op}{place} has no int8 version in TFLite", hint=remedy)


def _layer_in(text: str, op: str, names: LayerNames) -> str:
    """The first layer among the locations in the converter's text, those of `op` before others."""
    found = [location.split("@")[0] for location in re.findall(r'"([^"\s]*/[^"\s]*)"', text)]
    found.sort(key=lambda location: not location.rstrip("0123456789_").endswith(op))
    parts = (names.layer_path(location).split("/") for location in found)
    paths = ("/".join(part for part in path if part not in _CALLS) for path in parts)
    return next(filter(None, paths), "")
