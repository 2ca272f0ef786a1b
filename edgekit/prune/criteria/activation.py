# SPDX-License-Identifier: Apache-2.0
"""A weight is worth |w| times the norm of the input that it multiplies (Sun 2023, "Wanda")."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from edgekit.prune.evidence import Evidence, outputs_of
from edgekit.prune.layout import Layout
from edgekit.prune.targets import Kernel


def activation(kernels: Sequence[Kernel], evidence: Evidence) -> list[np.ndarray]:
    """|w| times the root mean square of its input feature over samples and positions.

    Taps of a convolution share the norm of their input channel. A kernel whose input is not
    seen (one that is used without its layer being called) counts with norm 1.
    """
    meters = [_Meter(kernel) for kernel in kernels]
    with contextlib.ExitStack() as stack:
        for layer in {id(kernel.layer): kernel.layer for kernel in kernels}.values():
            stack.enter_context(_heard(layer, [m for m in meters if m.kernel.layer is layer]))
        for batch in evidence.batches:
            outputs_of(evidence.model, batch.x)
    return [
        np.abs(kernel.values()) * meter.norms()
        for kernel, meter in zip(kernels, meters, strict=True)
    ]


class _Meter:
    """Sums of squares of one kernel's inputs, by feature."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self._squares: Any = 0.0
        self._count = 0

    def hear(self, arguments: tuple[Any, ...]) -> None:
        position = 1 if self.kernel.attribute == "recurrent_kernel" else 0
        if position >= len(arguments):
            return
        value = arguments[position]
        value = value[0] if isinstance(value, (list, tuple)) else value
        array = np.asarray(value, np.float64)
        inputs = self._features()
        if array.size % inputs or array.size == 0:
            return
        array = array.reshape(-1, inputs)
        self._squares = self._squares + (array**2).sum(axis=0)
        self._count += len(array)

    def norms(self) -> np.ndarray:
        """Root mean squares, of the kernel's shape or 1 on axes without inputs."""
        layout: Layout = self.kernel.layout
        shape = tuple(self.kernel.variable.shape)
        if not self._count:
            return np.ones((1,) * len(shape))
        rms = np.sqrt(np.asarray(self._squares) / self._count)
        full = np.broadcast_to(rms[None, :, None], layout.matrix_shape(shape))
        return layout.kernel(full, shape)

    def _features(self) -> int:
        return self.kernel.layout.matrix_shape(tuple(self.kernel.variable.shape))[1]


@contextlib.contextmanager
def _heard(layer: Any, meters: Sequence[_Meter]) -> Iterator[None]:
    """`layer.call` tells `meters` its arguments; put back at the end."""
    call = layer.call

    def listening(*arguments: Any, **named: Any) -> Any:
        for meter in meters:
            meter.hear(arguments)
        return call(*arguments, **named)

    object.__setattr__(layer, "call", listening)
    try:
        yield
    finally:
        object.__delattr__(layer, "call")
