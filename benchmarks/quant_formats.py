# SPDX-License-Identifier: Apache-2.0
"""Every operator in every format, run in TFLite Micro's interpreter: the tables in the docs.

    python benchmarks/quant_formats.py            # prints the tables
    python benchmarks/quant_formats.py --write    # into docs/quantization.md, between its marks

An operator "runs" where the interpreter takes the file and its outputs are near the float
model's: nearer than the int8 file's for 16-bit activations, within the error of 4-bit weights
otherwise.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.load import load_model
from edgekit.model.tf import keras, tensorflow
from edgekit.quantize.agree import real_outputs
from edgekit.quantize.convert import convert_int8
from edgekit.quantize.formats.rewrite import apply_formats
from edgekit.quantize.formats.rules import parse_rules
from edgekit.tflite.golden import TflmGolden
from edgekit.tflite.reader import read_graph

DOCS = Path(__file__).parents[1] / "docs" / "quantization.md"
FORMATS = ("int16x8", "int16x8, int32 bias", "int4")
SIDE, CHANNELS, SAMPLES = 8, 4, 16
INT8_ERROR = 0.1  # of the outputs' spread
NOISE = 1.05  # 16 bits may be no better than 8 where an operator only moves values


def operators() -> dict[str, Callable[[Any, Any], Any]]:
    """Operator kind -> what makes it, called with keras.layers and a tensor [8, 8, 4]."""
    ops = keras().ops
    tf = tensorflow()
    return {
        "CONV_2D": lambda k, x: k.Conv2D(6, 3, name="it")(x),
        "DEPTHWISE_CONV_2D": lambda k, x: k.DepthwiseConv2D(3, name="it")(x),
        "FULLY_CONNECTED": lambda k, x: k.Dense(5, name="it")(k.Flatten()(x)),
        "TRANSPOSE_CONV": lambda k, x: k.Conv2DTranspose(6, 3, 2, padding="same", name="it")(x),
        "ADD": lambda k, x: k.Add(name="it")([x, k.ReLU()(x)]),
        "SUB": lambda k, x: k.Subtract(name="it")([x, k.ReLU()(x)]),
        "MUL": lambda k, x: k.Multiply(name="it")([x, k.ReLU()(x)]),
        "MAXIMUM": lambda k, x: k.Maximum(name="it")([x, x[:, ::-1]]),
        "MINIMUM": lambda k, x: k.Minimum(name="it")([x, x[:, ::-1]]),
        "BATCH_MATMUL": lambda k, x: k.Dot(axes=(2, 1))([k.Reshape((16, 16))(x)] * 2),
        "MAX_POOL_2D": lambda k, x: k.MaxPooling2D(2, name="it")(x),
        "AVERAGE_POOL_2D": lambda k, x: k.AveragePooling2D(2, name="it")(x),
        "MEAN": lambda k, x: k.GlobalAveragePooling2D(name="it")(x),
        "SUM": lambda k, x: ops.sum(x, axis=(1, 2)),
        "REDUCE_MAX": lambda k, x: ops.max(x, axis=(1, 2)),
        "SOFTMAX": lambda k, x: k.Softmax(name="it")(x),
        "LOGISTIC": lambda k, x: k.Activation("sigmoid", name="it")(x),
        "TANH": lambda k, x: k.Activation("tanh", name="it")(x),
        "RELU": lambda k, x: k.ReLU(name="it")(k.Add()([x, x[:, ::-1]])[:, 1:]),
        "RELU6": lambda k, x: k.ReLU(6.0, name="it")(k.Add()([x, x[:, ::-1]])[:, 1:]),
        "LEAKY_RELU": lambda k, x: k.LeakyReLU(0.1, name="it")(x),
        "PRELU": lambda k, x: k.PReLU(alpha_initializer="random_uniform", name="it")(x),
        "ELU": lambda k, x: k.ELU(name="it")(x),
        "HARD_SWISH": lambda k, x: ops.hard_swish(x),
        "ABS": lambda k, x: ops.abs(x),
        "SQUARED_DIFFERENCE": lambda k, x: tf_call(tf.math.squared_difference)(x, k.ReLU()(x)),
        "CONCATENATION": lambda k, x: k.Concatenate(name="it")([x, k.ReLU()(x)]),
        "RESHAPE": lambda k, x: k.Reshape((16, 16), name="it")(x),
        "PAD": lambda k, x: k.ZeroPadding2D(name="it")(x),
        "TRANSPOSE": lambda k, x: k.Permute((2, 3, 1), name="it")(x),
        "STRIDED_SLICE": lambda k, x: x[:, ::2],
        "SLICE": lambda k, x: tf_call(lambda t: tf.slice(t, [0, 1, 1, 0], [-1, 4, 4, 4]))(x),
        "SPLIT": lambda k, x: k.Add()(ops.split(x, 2, axis=-1)),
        "GATHER": lambda k, x: tf_call(lambda t: tf.gather(t, [3, 1], axis=-1))(x),
        "EXPAND_DIMS": lambda k, x: ops.expand_dims(x, 1),
        "SQUEEZE": lambda k, x: ops.squeeze(x[:, :1], 1),
        "REDUCE_MIN": lambda k, x: ops.min(x, axis=(1, 2)),
        "ARG_MAX": lambda k, x: ops.argmax(x, axis=-1),
        "PADV2": lambda k, x: tf_call(lambda t: tf.pad(t, [[0, 0], [1, 1]] * 2, constant_values=1))(
            x
        ),
        "MIRROR_PAD": lambda k, x: tf_call(
            lambda t: tf.pad(t, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT")
        )(x),
        "BROADCAST_TO": lambda k, x: tf_call(lambda t: tf.broadcast_to(t[:, :1], tf.shape(t)))(x),
        "SPLIT_V": lambda k, x: tf_call(lambda t: tf.split(t, [3, 1], axis=-1)[0])(x),
        "PACK": lambda k, x: ops.stack([x, k.ReLU()(x)], axis=1),
        "UNPACK": lambda k, x: k.Add()(ops.unstack(x, axis=1)[:2]),
        "RESIZE_NEAREST_NEIGHBOR": lambda k, x: resized("nearest")(x),
        "RESIZE_BILINEAR": lambda k, x: resized("bilinear")(x),
        "SPACE_TO_DEPTH": lambda k, x: tf_call(lambda t: tf.nn.space_to_depth(t, 2))(x),
        "DEPTH_TO_SPACE": lambda k, x: tf_call(lambda t: tf.nn.depth_to_space(t, 2))(x),
    }


def tf_call(function: Callable[..., Any]) -> Any:
    """A layer that calls a TensorFlow function."""
    base: Any = keras().layers.Layer

    class Call(base):
        def call(self, *arguments: Any) -> Any:
            return function(*arguments)

    return Call()


def resized(method: str) -> Any:
    tf = tensorflow()
    size = (2 * SIDE, 2 * SIDE)
    return tf_call(lambda t: tf.compat.v1.image.resize(t, size, method=method))


def made(build: Callable[[Any, Any], Any]) -> tuple[Any, np.ndarray]:
    """A model with that operator, inputs and outputs int8, and samples."""
    module = keras()
    module.utils.set_random_seed(0)
    inputs = module.Input((SIDE, SIDE, CHANNELS))
    # A product before it, so that what is tried lies inside of the graph.
    x = module.layers.Conv2D(CHANNELS, 1, name="before")(inputs)
    model = module.Model(inputs, build(module.layers, x), name="tried")
    for variable in model.trainable_variables:
        noise = np.random.default_rng(1).normal(0, 0.05, variable.shape)
        variable.assign(np.asarray(variable) + noise)
    x = np.random.default_rng(2).normal(0, 1, (SAMPLES, SIDE, SIDE, CHANNELS))
    return load_model(model), x.astype(np.float32)


def tried(build: Callable[[Any, Any], Any], kind: str) -> Iterator[tuple[str, str]]:
    """(format, "" where it runs or the reason) for each of FORMATS."""
    loaded, x = made(build)
    plain = convert_int8(loaded, loaded.inputs, [x], output_dtype="float32").tflite
    graph = read_graph(plain)
    if kind not in {op.kind for op in graph.ops}:
        yield from ((name, f"the converter wrote {shown(graph)} instead") for name in FORMATS)
        return
    if any(
        graph.tensor(i).dtype == "float32" for op in graph.ops for i in op.inputs if op.kind == kind
    ):
        yield from ((name, "it stays float") for name in FORMATS)
        return
    floats = loaded([x])[0]
    error8 = _error(plain, x, floats)
    if error8 > INT8_ERROR * float(np.std(floats)):
        yield from ((name, f"int8 is wrong too: error {error8:.4g}") for name in FORMATS)
        return
    for name in FORMATS:
        form, _, bias = name.partition(", ")
        rules = parse_rules([f".*={form}", *(["before=int8"] if form == "int4" else [])])
        bias_type = "int32" if bias else "int64"
        try:
            done = apply_formats(plain, graph, rules, bias_type=bias_type, known_only=False)
            error = _error(done.tflite, x, floats)
        except EdgekitError as refused:
            yield name, str(refused)
            continue
        limit = 0.3 * float(np.std(floats)) if form == "int4" else NOISE * error8
        yield name, "" if error <= limit else f"wrong: error {error:.4g}, int8 {error8:.4g}"


def shown(graph: Any) -> str:
    return ", ".join(op.kind for op in graph.ops)


def _error(data: bytes, x: np.ndarray, floats: np.ndarray) -> float:
    """RMS difference from the float outputs."""
    outputs = real_outputs(TflmGolden(data), read_graph(data), [x])[0]
    return float(np.sqrt(np.mean((outputs.reshape(floats.shape) - floats) ** 2)))


def rows() -> Iterator[tuple[str, dict[str, str]]]:
    for kind, build in operators().items():
        try:
            yield kind, dict(tried(build, kind))
        except EdgekitError as refused:
            yield kind, dict.fromkeys(FORMATS, f"not even int8: {refused}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--write", action="store_true")
    asked = arguments.parse_args()
    lines = ["| operator | " + " | ".join(FORMATS) + " |", "|---" * (len(FORMATS) + 1) + "|"]
    for kind, found in rows():
        cells = []
        for name in FORMATS:
            weighted = name == FORMATS[0] or kind in weights()
            cells.append(("yes" if not found[name] else "no") if weighted else "-")
        print(kind, {name: reason for name, reason in found.items() if reason}, flush=True)
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    print("\n".join(lines))
    if asked.write:
        marks = re.compile(r"(<!-- formats -->\n).*(<!-- /formats -->)", re.DOTALL)
        new = "\n".join(lines) + "\n"
        text = marks.sub(lambda found: found[1] + new + found[2], DOCS.read_text(), count=1)
        DOCS.write_text(text)


def weights() -> tuple[str, ...]:
    from edgekit.quantize.formats.kinds import WEIGHTS

    return tuple(WEIGHTS)


if __name__ == "__main__":
    main()
