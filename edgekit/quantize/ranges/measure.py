# SPDX-License-Identifier: Apache-2.0
"""Forward passes of the float file, with a histogram for every tensor that will be quantized.

The float file is what TensorFlow's converter makes just before it quantizes: batch norms folded,
activations fused, one tensor for each that the int8 file will have. Its tensors are kept apart
in memory here; the converter's own calibration lets them share, and reads some of them too late
(https://github.com/tensorflow/tensorflow/issues/127842).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.tf import quiet, tensorflow
from edgekit.quantize.ranges.histogram import Histogram
from edgekit.quantize.ranges.images import Pixels

LARGEST = float(np.finfo(np.float32).max)
BUFFER = 1 << 16  # values of a tensor that are collected before they are counted

Namer = Callable[[str], str]


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """By index in the float file: what every activation was, and the ranges of image inputs."""

    histograms: dict[int, Histogram]
    images: dict[int, tuple[float, float]]
    samples: int


def measure_ranges(
    float_file: bytes, samples: Iterable[Sequence[np.ndarray]], layer_of: Namer
) -> Measured:
    """`samples` are one array per input each, with a first axis of 1; memory does not grow.

    EdgekitError names the layer (`layer_of` a tensor's name) that gives NaN or infinity.
    """
    tf = tensorflow()
    with quiet():
        interpreter = tf.lite.Interpreter(
            model_content=float_file,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        interpreter.allocate_tensors()
        wanted = _activations(interpreter)
        inputs = [int(entry["index"]) for entry in interpreter.get_input_details()]
        watch = _Watch(interpreter, wanted, [i for i in inputs if i in wanted], layer_of)
        for sample in samples:
            for index, array in zip(inputs, sample, strict=True):
                interpreter.set_tensor(index, array)
            interpreter.reset_all_variables()
            interpreter.invoke()
            watch.look()
    return watch.finish()


def _activations(interpreter: Any) -> dict[int, str]:
    """Index -> name of the float tensors that ops give, and of the float inputs."""
    details = {int(entry["index"]): entry for entry in interpreter.get_tensor_details()}
    given = [int(entry["index"]) for entry in interpreter.get_input_details()]
    made = [int(i) for op in interpreter._get_ops_details() for i in op["outputs"]]
    return {
        index: str(details[index]["name"])
        for index in (*given, *made)
        if index in details and details[index]["dtype"] is np.float32
    }


class _Watch:
    def __init__(
        self, interpreter: Any, wanted: dict[int, str], inputs: list[int], layer_of: Namer
    ) -> None:
        self._read = interpreter.get_tensor
        self._wanted = wanted
        self._layer_of = layer_of
        self._histograms = {index: Histogram() for index in wanted}
        self._pixels = {index: Pixels() for index in inputs}
        self._waiting: dict[int, list[np.ndarray]] = {index: [] for index in wanted}
        self._samples = 0

    def look(self) -> None:
        """Note the tensors as the last run left them."""
        self._samples += 1
        for index in self._wanted:
            values = np.asarray(self._read(index)).ravel()
            if index in self._pixels:
                self._pixels[index].add(values)
            waiting = self._waiting[index]
            waiting.append(values)
            if sum(part.size for part in waiting) >= BUFFER:
                self._count(index)

    def finish(self) -> Measured:
        for index in self._wanted:
            self._count(index)
        images = {index: pixels.range() for index, pixels in self._pixels.items()}
        known = {index: found for index, found in images.items() if found}
        return Measured(self._histograms, known, self._samples)

    def _count(self, index: int) -> None:
        if not self._waiting[index]:
            return
        waiting = self._waiting[index]
        values = np.concatenate(waiting) if len(waiting) > 1 else waiting[0]
        self._waiting[index] = []
        # NaN is neither; some kernels stop at the largest float32 instead of giving infinity
        if not (values.min() > -LARGEST and values.max() < LARGEST):
            name = self._wanted[index]
            raise EdgekitError(
                f"layer '{self._layer_of(name) or name}' gives NaN or infinity on the "
                "calibration data",
                hint="check the model and the scale of the data before converting",
            )
        self._histograms[index].add(values)
