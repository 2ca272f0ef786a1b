# SPDX-License-Identifier: Apache-2.0
"""int8 against float on MLPerf Tiny's Keras models, the converter's ranges beside ours.

    python benchmarks/quant_mlperf.py           # into results/quant_mlperf.json

Visual wake words, keyword spotting and anomaly detection, with generated inputs of the kind that
each model takes: smooth coloured noise in pixels, and features with a spectrum's slope. They stand
for no real data, so no accuracy is counted: agreement of the class, signal over noise of the
output, and of every layer between, all on other inputs than those that calibrate. Layers are
those of TensorFlow's float file; int8 values are TFLite Micro's.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
from common import ROOT, conditions, shared_folder, table

RESULTS = ROOT / "benchmarks" / "results" / "quant_mlperf.json"
MODELS = {"vww": "vww_96.h5", "kws": "kws.h5", "ad": "ad01.h5"}
METHODS = ("converter", "minmax", "mse")
CALIBRATED, COMPARED = 100, 40


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    options = parser.parse_args()
    found: dict[str, Any] = {"conditions": conditions()}
    if RESULTS.exists():
        found = json.loads(RESULTS.read_text()) | found
    for name in options.models:
        found[name] = compared(name)
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")
        show(name, found[name])


def compared(name: str) -> dict[str, Any]:
    from edgekit.model.load import load_model
    from edgekit.quantize.convert import convert_int8

    loaded = load_model(shared_folder() / "models" / "mlperf_tiny" / MODELS[name])
    x = inputs(name, CALIBRATED + COMPARED)
    rows = {}
    for method in METHODS:
        done = convert_int8(loaded, loaded.inputs, [x[:CALIBRATED]], method=method)
        assert done.float_file is not None and done.method == method
        rows[method] = measured(done.tflite, done.float_file, x[CALIBRATED:])
    return rows


def inputs(name: str, count: int) -> np.ndarray:
    """Seeded samples: neighbours are alike, as in pictures and spectra."""
    rng = np.random.default_rng(11)
    if name == "ad":  # log-mel energies of a machine: a slope over 5 frames of 128 bands
        slope = np.tile(np.linspace(-20, -60, 128), 5)
        return (slope + _smooth(rng, (count, 640), 12)).astype(np.float32)
    if name == "kws":  # 49 frames of 10 MFCCs, the first ones largest
        sizes = np.array([40, 20, 12, 10, 8, 7, 6, 5, 5, 4.0])
        return (_smooth(rng, (count, 49, 10), 3) * sizes)[..., None].astype(np.float32) / 4
    grown = _smooth(rng, (count, 96, 96, 3), 6) * 60 + 128
    return np.round(np.clip(grown, 0, 255)).astype(np.float32) / 255


def _smooth(rng: np.random.Generator, shape: tuple[int, ...], width: int) -> np.ndarray:
    """Normal numbers, averaged over neighbours along the first axes of a sample, spread anew."""
    values = rng.normal(0, 1, shape)
    kernel = np.ones(width) / width
    for axis in range(1, min(len(shape), 3)):
        values = np.apply_along_axis(lambda row: np.convolve(row, kernel, "same"), axis, values)
    spread = values.std(axis=tuple(range(1, len(shape))), keepdims=True)
    return np.asarray(
        values / spread * rng.uniform(0.5, 1.5, (shape[0],) + (1,) * (len(shape) - 1))
    )


def measured(tflite: bytes, float_file: bytes, x: np.ndarray) -> dict[str, Any]:
    """Signal over noise in dB of the output and of every layer, and how often classes agree."""
    from edgekit.quantize.agree import quantized_inputs
    from edgekit.quantize.arrays import dequantize_array
    from edgekit.quantize.statistics import paired_ops
    from edgekit.tflite.golden import TflmGolden
    from edgekit.tflite.reader import read_graph

    graph, floats = read_graph(tflite), read_graph(float_file)
    golden = TflmGolden(tflite, preserve=True, graph=graph)
    stored = quantized_inputs(graph, [x])[0]
    tensors = float_tensors(float_file, x)
    pairs = [(a.outputs[0], b) for a, b in paired_ops(floats, graph)]
    power, noise = np.zeros(len(pairs)), np.zeros(len(pairs))
    same = 0
    for i, sample in enumerate(stored):
        output = golden.run([sample])[0]
        for place, (index, op) in enumerate(pairs):
            held = graph.output_of(op)
            real = tensors[index][i].ravel().astype(np.float64)
            value = dequantize_array(golden.tensor(held.index), held.q.scale, held.q.zero_point)
            power[place] += np.sum(real**2)
            noise[place] += np.sum((real - value.ravel()) ** 2)
        same += int(np.argmax(output) == np.argmax(tensors[pairs[-1][0]][i]))
    decibels = 10 * np.log10(power / np.maximum(noise, 1e-30))
    layers = [f"{op.layer} ({op.kind})" for _, op in pairs]
    return {
        "output_sqnr_db": round(float(decibels[-1]), 2),
        "same_class": same / len(stored),
        "layers": {name: round(float(v), 2) for name, v in zip(layers, decibels, strict=True)},
        "samples": len(stored),
    }


def float_tensors(float_file: bytes, x: np.ndarray) -> dict[int, list[np.ndarray]]:
    """Every tensor of the float file, sample by sample."""
    import tensorflow as tf

    plain = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = tf.lite.Interpreter(
        model_content=float_file,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=plain,  # the delegate does not keep what lies between
    )
    interpreter.allocate_tensors()
    place = interpreter.get_input_details()[0]["index"]
    made = [int(op["outputs"][0]) for op in interpreter._get_ops_details()]
    found: dict[int, list[np.ndarray]] = {index: [] for index in made}
    for i in range(len(x)):
        interpreter.set_tensor(place, x[i : i + 1])
        interpreter.invoke()
        for index in made:
            found[index].append(interpreter.get_tensor(index))
    return found


def show(name: str, rows: dict[str, Any]) -> None:
    layers = rows[METHODS[0]]["layers"]
    lines: list[list[object]] = [
        [layer, *(f"{rows[method]['layers'].get(layer, float('nan')):.1f}" for method in METHODS)]
        for layer in layers
    ]
    lines.append(["same class", *(f"{100 * rows[m]['same_class']:.1f} %" for m in METHODS)])
    print(f"\n{name}: signal over noise in dB")
    print(table(["layer", *METHODS], lines))


if __name__ == "__main__":
    main()
