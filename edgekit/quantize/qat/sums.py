# SPDX-License-Identifier: Apache-2.0
"""Sums rounded as TFLite Micro rounds them: twice.

Its kernels multiply an int32 sum by input scale * weight scale / output scale, written as
q * 2^-k with q from 0.5 to 1, and round after each of the two factors
(`MultiplyByQuantizedMultiplier` without TFLITE_SINGLE_ROUNDING). What lies within 2^-(k+1) below
a half goes up with it. With 8-bit weights k is near 8 and hardly a value meets that; 4-bit weights
have 18 times as large a scale, k is 3 or 4, and of 16 to 32 values one becomes another integer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgekit.model.tf import keras, tensorflow
from edgekit.quantize.fold import Folded
from edgekit.quantize.qat.fake import KernelPlan

FINEST = 16  # k from which the second rounding decides alone: int8 values have no more bits
_MEANS = ("GlobalAveragePooling1D", "GlobalAveragePooling2D")


@dataclass(frozen=True, slots=True, eq=False)
class Sum:
    """What is summed up at a point: products of the values at `sources` (names of points that
    have a range), with the kernel of `layer` if there is one; a mean is of `count` values.
    """

    sources: tuple[str, ...]
    layer: Any = None
    plan: KernelPlan | None = None
    count: int = 1


def sums_of(folded: Folded, plans: Mapping[str, KernelPlan]) -> dict[str, Sum]:
    """Name of a point -> the sums that it holds, ReLU taken in or not."""
    users = folded.flat.users()
    found = {}
    for step in folded.flat.steps:
        of = _sum(folded, step, plans.get(step.layer.name))
        number = step.gives[0]
        if of is None:
            continue
        if number not in folded.places:  # a ReLU that the converter takes in is its only user
            number = users[number][0].gives[0]
        found[folded.places[number].name] = of
    return found


def _sum(folded: Folded, step: Any, plan: KernelPlan | None) -> Sum | None:
    points = [folded.places.get(number) for number in step.takes]
    sources = tuple(point.same_as or point.name for point in points if point)
    if len(sources) != len(points) or getattr(step.layer, "data_format", "") == "channels_first":
        return None
    if plan is not None:
        return Sum(sources[:1], step.layer, plan)
    if step.kind == "Multiply" and len(sources) == 2:
        return Sum(sources)
    sides = folded.flat.shapes[step.takes[0]][1:-1] if step.takes else ()
    if step.kind in _MEANS and None not in sides:
        return Sum(sources, count=math.prod(side or 1 for side in sides))
    return None


def twice_rounded(of: Sum, node: Callable[[str], Any], output: Any, name: str) -> Any:
    """A layer that puts sums on the steps of `output` as the integers come out.

    `node` gives the fake-quant node of a point, `output` is that of what comes out.
    """
    base: Any = keras().layers.Layer

    class Sums(base):
        def call(self, inputs: Any) -> Any:
            tf = tensorflow()
            step = _step(output)
            parts = tf.stop_gradient(_parts(of, [_step(node(s)) for s in of.sources], step))
            once = tf.round(inputs / step * parts) / parts
            twice = tf.sign(once) * tf.floor(tf.abs(once) + 0.5)
            return inputs + tf.stop_gradient(twice * step - inputs)

    return Sums(name=name)


def _step(node: Any) -> Any:
    low, high = node.ends()
    return (high - low) / 255.0


def _parts(of: Sum, given: list[Any], step: Any) -> Any:
    """2^k, by which the first rounding is finer than the second; 1 where it is the only one.

    QuantizedMeanOrSum divides the multiplier by the count and shifts by its whole bits.
    """
    tf = tensorflow()
    ratio = math.prod(given[1:], start=given[0]) / step
    if of.layer is not None:
        ratio = ratio * _weight_scale(of.layer, of.plan)
    k = of.count.bit_length() - 1 - _exponent(ratio)
    return 2.0 ** tf.clip_by_value(k, 0.0, float(FINEST))


def _weight_scale(layer: Any, plan: Any) -> Any:
    """One scale, or one for each of the last axis of the outputs; the kernel is on its grid."""
    tf = tensorflow()
    kernel = tf.convert_to_tensor(getattr(layer, plan.attribute))
    others = [axis for axis in range(len(kernel.shape)) if axis not in plan.axes]
    scale = tf.reduce_max(tf.abs(kernel), axis=others) / plan.limit
    scale = tf.where(scale > 0, scale, tf.ones_like(scale))
    return tf.reshape(scale, [-1]) if plan.axes else scale


def _exponent(ratio: Any) -> Any:
    """e of ratio = q * 2^e with q from 0.5 to 1."""
    tf = tensorflow()
    exponent = tf.floor(tf.math.log(ratio) / tf.math.log(2.0)) + 1
    # the logarithm may be off by a unit in the last place
    exponent += tf.cast(ratio >= 2.0**exponent, ratio.dtype)
    return exponent - tf.cast(ratio < 2.0 ** (exponent - 1), ratio.dtype)
