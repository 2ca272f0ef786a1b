# SPDX-License-Identifier: Apache-2.0
"""What an operator is to the ahead-of-time runtime: one small class each, in `lower/ops/`."""

from __future__ import annotations

from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op, Tensor


class OpKind:
    """One TFLite operator. A subclass in `lower/ops/<kind>.py` registers itself by `kind`.

    `in_files` is False for a kind that only passes make. `states` are the positions of inputs that
    are variables which the kernel keeps itself.
    """

    kind = ""
    in_files = True
    states: tuple[int, ...] = ()

    def __init_subclass__(cls) -> None:
        if cls.kind:
            REGISTRY[cls.kind] = cls()

    def refuse(self, op: Op, graph: Graph) -> str:
        """Why the runtime cannot run `op`, as the end of "because ..."; "" where it can."""
        return ""

    def macs(self, op: Op, graph: Graph) -> int:
        """Multiply-accumulates of one inference, padding counted; 0 for all but the products."""
        return 0

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        """The kernel call that runs `op`; only asked where `refuse` gives ""."""
        raise NotImplementedError


REGISTRY: dict[str, OpKind] = {}


def not_int8(*tensors: Tensor | None) -> str:
    """Reason to refuse where a tensor is not int8 with one scale, "" otherwise."""
    for tensor in tensors:
        if tensor is None:
            continue
        if tensor.dtype != "int8":
            return f"tensor '{tensor.name}' is {tensor.dtype}, not int8"
        if tensor.quant is None:
            return f"tensor '{tensor.name}' has no quantization"
    return ""


def sides(tensor: Tensor, rank: int = 4) -> tuple[int, ...]:
    """Shape of `tensor` with ones put in front up to `rank`."""
    return (1,) * (rank - len(tensor.shape)) + tensor.shape
