# SPDX-License-Identifier: Apache-2.0
"""What is done to the weights on the way: equalized, rounded, and stored in other formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.tf import quiet, tensorflow
from edgekit.quantize.equalize import equalize_file
from edgekit.quantize.formats.rewrite import BIAS_TYPES, Formatted, apply_formats
from edgekit.quantize.formats.rules import Rule, check_rules, format_of, parse_rules
from edgekit.quantize.naming import LayerNames, rename_tensors
from edgekit.quantize.rounding.apply import KernelRow, WeightOptions, prepare_weights
from edgekit.quantize.rounding.base import Inputs
from edgekit.quantize.rounding.collect import collect_inputs
from edgekit.quantize.rounding.sites import find_sites
from edgekit.tflite.graph import Graph

Reader = Callable[[bytes], Graph]
Samples = Iterable[Sequence[np.ndarray]]
Ranges = dict[int, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asked for: `layers` are `REGEX=FORMAT` texts, the last that fits wins."""

    rounding: str = "nearest"
    weight_scale: str = "max"
    bias_correction: bool = False
    equalize: bool = False
    per_tensor: bool = False
    layers: tuple[str, ...] = ()
    bias_type: str = "int64"
    seed: int = 0

    def check(self) -> None:
        """EdgekitError for a value that there is not."""
        self.weights.check()
        parse_rules(self.layers)
        if self.bias_type not in BIAS_TYPES:
            raise EdgekitError(
                f"there is no bias of type '{self.bias_type}'",
                hint=f"one of: {', '.join(BIAS_TYPES)}",
            )

    @property
    def weights(self) -> WeightOptions:
        return WeightOptions(
            self.rounding, self.weight_scale, self.bias_correction, self.per_tensor, self.seed
        )

    @property
    def plain(self) -> bool:
        """Whether TensorFlow's converter does all of it by itself."""
        return self == replace(Wishes(), per_tensor=self.per_tensor, seed=self.seed)


@dataclass(slots=True, eq=False)
class Weights:
    """Does what `wishes` say, between the steps of a conversion; `rows` tell of each kernel.

    `read` makes a Graph of a file's bytes.
    """

    wishes: Wishes
    read: Reader
    rows: tuple[KernelRow, ...] = ()
    remarks: tuple[str, ...] = ()
    changed: tuple[tuple[str, str, str], ...] = ()
    _rules: tuple[Rule, ...] = ()
    _biases: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rules = parse_rules(self.wishes.layers)

    def before(self, float_file: bytes, names: LayerNames) -> bytes:
        """The float file that ranges are measured on; EdgekitError where a rule fits no layer."""
        graph = self._graph(float_file, names)
        check_rules(self._rules, (op.layer for op in graph.ops))
        if not self.wishes.equalize:
            return float_file
        done = equalize_file(float_file, graph)
        if not done.pairs:
            self.remarks += (
                "nothing was equalized: no two layers with kernels follow each other directly",
            )
        return done.tflite

    def after(self, float_file: bytes, names: LayerNames, samples: Samples) -> bytes:
        """The float file with its weights on their grids."""
        graph = self._graph(float_file, names)
        narrow = any(rule.format.weight_bits != 8 for rule in self._rules)
        if not self.wishes.weights.plain or narrow:
            inputs = self._inputs(float_file, graph, samples)
            done = prepare_weights(
                float_file, graph, self.wishes.weights, inputs=inputs, bits_of=self._bits
            )
            float_file, self.rows = done.tflite, done.rows
            graph = self._graph(float_file, names)
        self._biases = _biases(graph)
        return float_file

    def widened(
        self, ranges: Ranges, all_of: Ranges, float_file: bytes, names: LayerNames
    ) -> Ranges:
        """`ranges` with those of tensors beside 16-bit layers from `all_of`, nothing clipped."""
        graph = self._graph(float_file, names)
        wide = {
            index
            for op in graph.ops
            if format_of(op.layer, self._rules).activations == "int16"
            for index in (*op.inputs, *op.outputs)
        }
        return {
            index: all_of.get(index, given) if index in wide else given
            for index, given in ranges.items()
        }

    def formatted(self, tflite: bytes) -> bytes:
        """The int8 file with layers in the formats asked for."""
        if not self._rules:
            return tflite
        done: Formatted = apply_formats(
            tflite,
            self.read(tflite),
            self._rules,
            biases=self._biases,
            bias_type=self.wishes.bias_type,
        )
        self.changed = done.changed
        return done.tflite

    def _bits(self, layer: str) -> int:
        return format_of(layer, self._rules).weight_bits

    def _graph(self, float_file: bytes, names: LayerNames) -> Graph:
        """With layers named as the user knows them; tensors keep their numbers."""
        return self.read(rename_tensors(float_file, names))

    def _inputs(
        self, float_file: bytes, graph: Graph, samples: Samples
    ) -> Mapping[int, Inputs] | None:
        options = self.wishes.weights
        if not options.needs_inputs:
            return None
        moments = options.rounding == "gptq"
        return collect_inputs(
            graph, find_sites(graph), samples, runner(float_file), moments=moments
        )


def _biases(graph: Graph) -> dict[tuple[str, str], np.ndarray]:
    """Layer and op kind -> float bias, where there is one of that name."""
    found: dict[tuple[str, str], np.ndarray] = {}
    twice = set()
    for site in find_sites(graph):
        data = graph.tensor(site.bias).data if site.bias >= 0 else None
        key = (site.layer, site.op.kind)
        if key in found and (data is None or not np.array_equal(found[key], data)):
            twice.add(key)
        if data is not None:
            found[key] = data
    return {key: data for key, data in found.items() if key not in twice}


def runner(float_file: bytes) -> Callable[[Sequence[np.ndarray]], Callable[[int], np.ndarray]]:
    """Runs one sample after the other, and shows every tensor."""
    tf = tensorflow()
    kinds = tf.lite.experimental.OpResolverType
    with quiet():
        interpreter: Any = tf.lite.Interpreter(
            model_content=float_file,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        interpreter.allocate_tensors()
    inputs = [int(entry["index"]) for entry in interpreter.get_input_details()]

    def run(sample: Sequence[np.ndarray]) -> Callable[[int], np.ndarray]:
        for index, array in zip(inputs, sample, strict=True):
            interpreter.set_tensor(index, array)
        interpreter.reset_all_variables()
        interpreter.invoke()
        return lambda index: np.asarray(interpreter.get_tensor(index))

    return run
