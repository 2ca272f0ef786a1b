# SPDX-License-Identifier: Apache-2.0
"""The folded model made trainable as integers: ranges at its points, rounded kernels."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.quantize.fold import Folded, Point
from edgekit.quantize.qat.fake import MODES, KernelPlan, fake_kernels, fake_quant_class, pool_ties
from edgekit.quantize.qat.joined import joined_points, joined_ranges
from edgekit.quantize.qat.sums import Sum, sums_of, twice_rounded
from edgekit.quantize.ranges import Histogram, Measured, choose_ranges, method_named
from edgekit.quantize.ranges.images import Pixels
from edgekit.quantize.rounding.base import half_away
from edgekit.quantize.rounding.kernel import Rounded, round_kernel

BATCH = 64
Range = tuple[float, float]
# Values of these are values of their input: rounding them again changes nothing.
_MOVES = frozenset(
    [
        "Cropping1D",
        "Cropping2D",
        "Flatten",
        "GlobalMaxPooling2D",
        "MaxPooling1D",
        "MaxPooling2D",
        "Permute",
        "RepeatVector",
        "Reshape",
        "ZeroPadding1D",
        "ZeroPadding2D",
    ]
)


@dataclass(slots=True, eq=False)
class QatModel:
    """`train` has no rounding at its outputs, whose loss could not be computed otherwise;
    `exact` has: it gives what the integers will. Both share all variables with `folded.model`.
    """

    folded: Folded
    train: Any
    exact: Any
    nodes: dict[str, Any]
    plans: dict[str, KernelPlan]
    ends: dict[str, Range]

    @contextlib.contextmanager
    def rounding(self) -> Iterator[None]:
        """Inside of the block all three models compute with rounded kernels."""
        layers = {name: self.folded.model.get_layer(name) for name in self.plans}
        with fake_kernels(layers, self.plans):
            yield

    def ranges(self) -> dict[str, Range]:
        """Range of each point by name, as they are now."""
        found = {}
        for point in self.folded.points:
            node = self.nodes.get(point.same_as or point.name)
            if node is not None:
                low, high = (float(np.asarray(end)) for end in node.ends())
                found[point.name] = (low, high)
        return found

    def settle(self) -> dict[str, Rounded]:
        """Put each kernel and its bias on their grids for good; layer -> Rounded."""
        ranges, inputs = self.ranges(), _inputs_of(self.folded)
        done = {}
        for kernel in self.folded.kernels:
            plan = self.plans[kernel.layer]
            values = np.asarray(plan.variable, np.float32)
            axes = plan.axes or (values.ndim - 1,)
            rounded = round_kernel(values, axes, bits=plan.bits, one_scale=not plan.axes)
            plan.variable.assign(rounded.values)
            done[kernel.layer] = rounded
            scales = {_step(ranges[name]) for name in inputs[kernel.layer] if name in ranges}
            bias = self.folded.bias_of(kernel)
            if bias is not None and len(scales) == 1:
                # a bias is an integer in steps of input scale times weight scale
                step = scales.pop() * rounded.scales.astype(np.float64)
                bias.assign((half_away(np.asarray(bias) / step) * step).astype(np.float32))
        return done

    def refresh_outputs(self, samples: Sequence[Any], method: str) -> None:
        """Ranges of the outputs, which training did not move, as the trained weights need them.

        Outputs whose range is prescribed keep it.
        """
        joined = joined_points(self.folded)
        outputs = {
            p.name
            for p in self.folded.points
            if p.role == "output" and not p.fixed and joined.get(p.name, p.name) == p.name
        }
        if not outputs & self.nodes.keys():
            return
        with self.rounding():
            found = measure_points(self.folded, samples, method)
        for name in outputs & self.nodes.keys():
            self.nodes[name].start_from(*found[name])


def _step(ends: Range) -> float:
    return (ends[1] - ends[0]) / 255


def _inputs_of(folded: Folded) -> dict[str, set[str]]:
    """Layer -> names of the points that it reads, over all its calls."""
    found: dict[str, set[str]] = {}
    for step in folded.flat.steps:
        names = {folded.places[n].name for n in step.takes if n in folded.places}
        found.setdefault(str(step.layer.name), set()).update(names)
    return found


def measure_points(folded: Folded, samples: Sequence[Any], method: str) -> dict[str, Range]:
    """Ranges of all points over `samples` (one array per input), by a method of METHODS."""
    observer = folded.observer()
    histograms = {place: Histogram() for place in range(len(folded.points))}
    pixels = {place: Pixels() for place, p in enumerate(folded.points) if p.role == "input"}
    for start in range(0, len(samples[0]), BATCH):
        part = np.arange(start, min(start + BATCH, len(samples[0])))
        arrays = [np.asarray(array[part], np.float32) for array in samples]
        for place, array in enumerate(seen(observer, arrays)):
            _check_finite(array, folded.points[place])
            histograms[place].add(array)
            if place in pixels:
                pixels[place].add(array)
    images = {place: p.range() for place, p in pixels.items()}
    known = {place: ends for place, ends in images.items() if ends is not None}
    chosen = choose_ranges(Measured(histograms, known, len(samples[0])), method_named(method))
    return {
        point.name: point.fixed or chosen.ranges[place]
        for place, point in enumerate(folded.points)
        if point.fixed or place in chosen.ranges
    }


def seen(observer: Any, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Values of all points for one batch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Keras remarks on [x] for x
        values = observer(list(arrays) if len(arrays) > 1 else arrays[0], training=False)
    values = values if isinstance(values, (list, tuple)) else [values]
    return [np.asarray(value) for value in values]


def _check_finite(array: np.ndarray, point: Point) -> None:
    if not np.isfinite(array).all():
        raise EdgekitError(
            f"layer '{point.layer}' gives NaN or infinity",
            hint="check the model and the scale of the data before training it quantized",
        )


def make_qat(
    folded: Folded,
    ranges: Mapping[str, Range],
    *,
    mode: str = "learned",
    bits_of: Callable[[str], int] = lambda layer: 8,
) -> QatModel:
    """Fake-quantization at every point of `folded`, beginning with `ranges`.

    `mode` is how ranges move while training: "learned", "averaged" or "fixed". `bits_of` gives the
    bits of a layer's weights by its path.
    """
    if mode not in MODES:
        raise EdgekitError(
            f"there is no way '{mode}' for ranges", hint=f"one of: {', '.join(MODES)}"
        )
    plans = {kernel.layer: _plan(folded, kernel, bits_of(kernel.path)) for kernel in folded.kernels}
    nodes: dict[str, Any] = {}
    joined = joined_points(folded)
    ranges = joined_ranges(ranges, joined)
    points = {point.name: point for point in folded.points}
    made = _Placer(ranges, mode, nodes, sums_of(folded, plans), joined, points)
    exact = folded.rebuild(made.everywhere)
    train = folded.rebuild(made.inside)
    return QatModel(folded, train, exact, nodes, plans, dict(ranges))


def _plan(folded: Folded, kernel: Any, bits: int) -> KernelPlan:
    dense = type(folded.model.get_layer(kernel.layer)).__name__ == "Dense"
    # TFLite Micro's dense kernel takes 4-bit weights with one scale only
    axes = () if dense and bits == 4 else kernel.axes
    variable = folded.kernel_of(kernel)
    factor = _factor(np.asarray(variable, np.float64), kernel.axes)
    return KernelPlan(variable, kernel.attribute, axes, bits, factor)


def _factor(kernel: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """By which each channel is larger than He and others' initial weights, sqrt(2 / inputs)."""
    others = tuple(axis for axis in range(kernel.ndim) if axis not in axes)
    size = np.sqrt(np.mean(kernel**2, axis=others, keepdims=True))
    fresh = np.sqrt(2 / max(1, math.prod(kernel.shape[axis] for axis in others)))
    return np.asarray(np.where(size > 0, size / fresh, 1.0), np.float32)


@dataclass(slots=True, eq=False)
class _Placer:
    """Puts the node of a point, or of the point whose range it shares."""

    ranges: Mapping[str, Range]
    mode: str
    nodes: dict[str, Any]
    sums: Mapping[str, Sum]
    joined: Mapping[str, str]
    points: Mapping[str, Point]
    roundings: dict[str, Any] = field(default_factory=dict)

    def everywhere(self, point: Point, tensor: Any) -> Any:
        root = point.same_as or point.name
        if root not in self.ranges or (point.same_as and point.kind in _MOVES):
            return tensor
        node = self._node(root)
        rounded = self._as_summed(point, tensor)
        # of points that share a range one is averaged: that which holds the values of all
        if self.joined.get(root, root) == point.name:
            return node(rounded)
        return node(rounded, training=False)

    def _as_summed(self, point: Point, tensor: Any) -> Any:
        """`tensor` with the rounding of the sums that it holds, where they have one of their own.

        The layer that does it is one for all models that are built.
        """
        if point.name not in self.roundings:
            self.roundings[point.name] = self._rounding(point)
        rounding = self.roundings[point.name]
        return tensor if rounding is None else rounding(tensor)

    def _rounding(self, point: Point) -> Any:
        node = self.nodes[point.same_as or point.name]
        if point.same_as and point.kind.startswith("AveragePooling"):
            return pool_ties(node, _layer_name("ties", point.name))
        found = self.sums.get(point.name)
        if found is None or not self.nodes.keys() >= set(found.sources):
            return None
        if not node.built:
            node.build(())  # its ends are read before it is called
        return twice_rounded(found, self.nodes.__getitem__, node, _layer_name("sums", point.name))

    def inside(self, point: Point, tensor: Any) -> Any:
        return tensor if point.role == "output" else self.everywhere(point, tensor)

    def _node(self, root: str) -> Any:
        """That of `root`, which is one for all points that are joined."""
        last = self.joined.get(root, root)
        if last not in self.nodes:
            point = self.points[last]
            fixed = point.fixed is not None or point.role in ("input", "output")
            low, high = self.ranges[last]
            mode = "fixed" if fixed else self.mode
            name = _layer_name("quant", last)
            self.nodes[last] = fake_quant_class()(low, high, mode, name=name)
        self.nodes[root] = self.nodes[last]
        return self.nodes[root]


def _layer_name(what: str, point: str) -> str:
    return f"{what}_" + "".join(c if c.isalnum() else "_" for c in point)
