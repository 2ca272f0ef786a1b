# SPDX-License-Identifier: Apache-2.0
"""Zeros of pruned kernels, counted again in the int8 file: none may be lost on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.quantize.checks import Finding
from edgekit.tflite.graph import Graph, Tensor

if TYPE_CHECKING:
    from edgekit.prune.targets import Kernel

PRUNED = 0.05  # zeros over weights: what a dense kernel never has
TOLERANCE = 0.005  # of the sparsity, in parts of one


@dataclass(frozen=True, slots=True)
class KernelZeros:
    """A pruned kernel: zeros over weights in the float model and in the int8 file."""

    layer: str
    weights: int
    float_sparsity: float
    int8_sparsity: float


@dataclass(frozen=True, slots=True)
class Zeros:
    """A row for each pruned kernel, remarks, and a finding for each that lost zeros."""

    rows: tuple[KernelZeros, ...] = ()
    remarks: tuple[str, ...] = ()
    lost: tuple[Finding, ...] = ()


def check_zeros(model: Any, graph: Graph) -> None:
    """EdgekitError naming the first layer that `kernel_zeros` finds to have lost zeros."""
    for finding in kernel_zeros(model, graph).lost:
        raise EdgekitError(finding.text, hint=finding.remedy)


def kernel_zeros(model: Any, graph: Graph) -> Zeros:
    """The pruned kernels of the Keras `model`, counted again in the file.

    Lost is what the file has fewer zeros of than the model, or more than rounding to 8 bits
    makes. Small weights that rounding makes zero are remarked on above half a point, and so is a
    pruned kernel that cannot be told apart in the file.
    """
    from edgekit.prune.targets import find_kernels

    rows, remarks, lost = [], [], []
    taken: set[int] = set()
    for kernel in find_kernels(model, none_is_fine=True):
        values = kernel.values()
        sparsity = float(np.mean(values == 0))
        if sparsity < PRUNED:
            continue
        tensor = stored_kernel(kernel, graph, taken)
        if tensor is None:
            remarks.append(f"the zeros of layer '{kernel.name}' cannot be found in the int8 file")
            continue
        taken.add(tensor.index)
        assert tensor.data is not None
        stored = float(np.mean(tensor.data == 0))
        rows.append(KernelZeros(kernel.name, values.size, sparsity, stored))
        lost += _lost(rows[-1], kernel, values, tensor)
        remarks += _rounded_away(rows[-1])
    return Zeros(tuple(rows), tuple(remarks), tuple(lost))


def stored_kernel(kernel: Kernel, graph: Graph, taken: set[int]) -> Tensor | None:
    """The constant with the kernel's weights: of the op with its layer's name, else of its size."""
    size = kernel.values().size
    found: dict[int, str] = {}
    for op in graph.ops:
        for index in op.inputs:
            if index >= 0 and index not in taken and _is_kernel(graph.tensor(index), size):
                found[index] = op.layer
    words = kernel.name.removesuffix(f"/{kernel.attribute}").split("/")
    named = [index for index, layer in found.items() if layer.split("/")[-1] == words[-1]]
    chosen = named or (list(found) if len(found) == 1 else [])
    return graph.tensor(chosen[0]) if chosen else None


def _is_kernel(tensor: Tensor, size: int) -> bool:
    return tensor.data is not None and tensor.dtype == "int8" and tensor.data.size == size


def _lost(row: KernelZeros, kernel: Kernel, values: np.ndarray, tensor: Tensor) -> list[Finding]:
    """Where zeros were lost or made up."""
    rounded = float(np.mean(_rounded(kernel, values, tensor) == 0))
    lost = row.float_sparsity - row.int8_sparsity
    narrow = tensor.encoded is not None and tensor.encoded.bits == 4  # which zeroes many more
    made_up = not narrow and row.int8_sparsity - _dead(tensor) > rounded + TOLERANCE
    if lost * row.weights <= 0.5 and not made_up:
        return []
    text = (
        f"layer '{row.layer}' has {100 * row.int8_sparsity:.2f} % zeros in the int8 file, and "
        f"{100 * row.float_sparsity:.2f} % in the model"
    )
    remedy = "report this with the model: the converter did not keep its zeros"
    return [Finding(row.layer, text, remedy)]


def _rounded_away(row: KernelZeros) -> list[str]:
    if not 1.0 > row.int8_sparsity - row.float_sparsity > TOLERANCE:
        return []
    more = 100 * (row.int8_sparsity - row.float_sparsity)
    return [f"layer '{row.layer}': rounding to int8 zeroes another {more:.1f} % of the weights"]


def _rounded(kernel: Kernel, values: np.ndarray, tensor: Tensor) -> np.ndarray:
    """The float kernel on the grid that its largest weights make, a channel's where it has one."""
    from edgekit.prune.sensitivity import channel_axes, rounded

    per_channel = tensor.quant is not None and tensor.quant.per_channel
    return rounded(values, 8, channel_axes(kernel) if per_channel else ())


def _dead(tensor: Tensor) -> float:
    """Share of the weights in channels that are all zero: batch norm may scale one to nothing."""
    assert tensor.data is not None
    channels = tensor.channels()
    if tensor.quant is None or not tensor.quant.per_channel:
        return 0.0
    alive = np.zeros(len(tensor.quant.scales), bool)
    np.logical_or.at(alive, channels, tensor.data.ravel() != 0)
    return float(np.mean(~alive[channels]))
