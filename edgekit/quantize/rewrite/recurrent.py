# SPDX-License-Identifier: Apache-2.0
"""Recurrent layers step by step: no int8 runtime for microcontrollers runs a loop."""

from __future__ import annotations

from typing import Any

from edgekit.errors import EdgekitError
from edgekit.model.tf import tensorflow
from edgekit.quantize.rewrite.change import Change
from edgekit.quantize.rewrite.lstm import is_fusable

MOST_STEPS = 64  # every step is some ten ops, each of which costs memory and time to convert
_LAYERS = ("LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM1D", "ConvLSTM2D")


def unrolled(layer: Any) -> Change | None:
    """`unroll` for as many steps as is sensible; EdgekitError beyond."""
    if type(layer).__name__ not in _LAYERS or layer.unroll or is_fusable(layer):
        return None
    steps = _steps(layer)
    if steps is None:
        return None  # Keras says what it lacks
    if steps > MOST_STEPS:
        raise EdgekitError(
            f"layer '{layer.name}' runs over {steps} steps; unrolled, as int8 runtimes for "
            f"microcontrollers need it, more than {MOST_STEPS} are too many ops",
            hint="shorten the sequence with Conv1D or pooling before it, or use convolutions",
        )
    remark = f"layer '{layer.name}' is unrolled over its {steps} steps"
    return Change({"unroll": True, "use_cudnn": False}, remark)


def _steps(layer: Any) -> int | None:
    shapes = getattr(layer, "_build_shapes_dict", None) or {}
    shape = next(iter(shapes.values()), None)
    return int(shape[1]) if shape and shape[1] else None


def separate_gates(cell: Any) -> Change | None:
    """A GRU's step with a product for each gate: none is split, and each has its own range."""
    if type(cell).__name__ != "GRUCell":
        return None
    kernels = _thirds(cell.kernel.value.numpy())
    recurrents = _thirds(cell.recurrent_kernel.value.numpy())
    bias = cell.bias.value.numpy() if cell.use_bias else None
    inner = (None,) * 3 if bias is None else _thirds(bias[0] if cell.reset_after else bias)
    outer = (None,) * 3 if bias is None or not cell.reset_after else _thirds(bias[1])

    def call(inputs: Any, states: Any, *_: Any, **__: Any) -> Any:
        nested = isinstance(states, (list, tuple))
        before = states[0] if nested else states
        x = [_product(inputs, k, b) for k, b in zip(kernels, inner, strict=True)]
        gates = [_product(before, k, b) for k, b in zip(recurrents[:2], outer[:2], strict=True)]
        update = cell.recurrent_activation(x[0] + gates[0])
        reset = cell.recurrent_activation(x[1] + gates[1])
        if cell.reset_after:
            recalled = reset * _product(before, recurrents[2], outer[2])
        else:
            recalled = _product(reset * before, recurrents[2], None)
        candidate = cell.activation(x[2] + recalled)
        after = candidate + update * (before - candidate)
        return after, [after] if nested else after

    return Change({"call": call})


def _thirds(values: Any) -> tuple[Any, Any, Any]:
    third = values.shape[-1] // 3
    return values[..., :third], values[..., third : 2 * third], values[..., 2 * third :]


def _product(x: Any, kernel: Any, bias: Any) -> Any:
    product = tensorflow().matmul(x, kernel)
    return product if bias is None else product + bias
