# SPDX-License-Identifier: Apache-2.0
"""What a folded model consists of, by name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Point:
    """One activation tensor that is quantized: where a fake-quant node belongs.

    `name` is unique ("conv", its second call "conv#2", a second output "split:1"), `layer` the
    path of its layer in the model given ("backbone/conv"), `kind` the class of that layer.
    `role` is "input", "output" or "inner". `same_as` names the point whose range this tensor must
    share since its op moves integers without rescaling them, "" for none. `fixed` is the range
    that TFLite's specification prescribes for int8 (softmax, sigmoid, tanh), None for none.
    """

    name: str
    layer: str
    kind: str
    role: str
    same_as: str = ""
    fixed: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Kernel:
    """The weights of one layer of the folded model: `axes` run over the output channels.

    `layer` is the name in the folded model, `path` that in the model given; `attribute` and
    `bias` name the layer's variables ("" for no bias).
    """

    layer: str
    path: str
    attribute: str
    axes: tuple[int, ...]
    bias: str

    def per_channel(self, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """One value per output channel as an array that multiplies a kernel of `shape`."""
        sides = [side if axis in self.axes else 1 for axis, side in enumerate(shape)]
        return np.reshape(values, sides)
