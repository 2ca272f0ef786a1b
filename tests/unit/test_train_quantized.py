# SPDX-License-Identifier: Apache-2.0
"""Training quantized: what is learned, what stays, and that the int8 file gives the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgekit
from edgekit.errors import EdgekitError
from edgekit.model.load import call_keras, load_model
from edgekit.model.tf import keras
from edgekit.quantize.agree import quantized_inputs
from edgekit.quantize.fold import fold_model
from edgekit.quantize.qat.model import QatModel, make_qat
from edgekit.quantize.qat.stored import read_trained
from edgekit.tflite.golden import TflmGolden, tflm_version
from edgekit.tflite.reader import read_graph

pytestmark = pytest.mark.needs_tf
needs_tflm = pytest.mark.skipif(not tflm_version(), reason="tflite-micro is not installed")
CLASSES = 4


def _model(*, pruned: bool = False, last: str = "softmax") -> Any:
    """Convolutions with batch norms, a residual sum, pools, a depthwise and a dense layer."""
    module = keras()
    module.utils.set_random_seed(1)
    k = module.layers
    inputs = module.Input((8, 8, 2), name="image")
    x = k.Conv2D(8, 3, padding="same", name="first")(inputs)
    x = k.ReLU(name="relu")(k.BatchNormalization(name="norm")(x))
    y = k.DepthwiseConv2D(3, padding="same", activation="relu", name="depth")(x)
    y = k.Conv2D(8, 1, name="point")(y)
    x = k.ReLU()(k.Add(name="sum")([x, y]))
    x = k.Flatten()(k.AveragePooling2D(4, name="pool")(x))
    model = module.Model(inputs, k.Dense(CLASSES, activation=last, name="dense")(x))
    rng = np.random.default_rng(0)
    if pruned:
        for name in ("first", "point", "dense"):
            kernel = model.get_layer(name).kernel
            kernel.assign(np.where(rng.random(kernel.shape) < 0.5, 0, np.asarray(kernel)))
    return model


def _data() -> tuple[np.ndarray, np.ndarray]:
    """A class is the corner that is brighter; pixels 0..255, which make the kernels small."""
    rng = np.random.default_rng(3)
    y = rng.integers(0, CLASSES, 400)
    x = rng.integers(0, 150, (400, 8, 8, 2))
    for image, corner in zip(x, y, strict=True):
        row, column = divmod(int(corner), 2)
        image[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 60
    return x.astype(np.float32), y


def _trained(tmp_path: Path, model: Any, **options: Any) -> Any:
    chosen = {"out": tmp_path / "trained.keras", "epochs": 6, "batch_size": 32}
    return edgekit.train_quantized(model, _data(), **(chosen | {"learning_rate": 3e-3} | options))


def _exact(path: Path) -> QatModel:
    """The fake-quant model of a file that train-quantized wrote."""
    trained = read_trained(path)
    assert trained is not None
    folded = fold_model(load_model(path).keras)
    bits = dict.fromkeys(trained.formats, 4)
    return make_qat(folded, trained.ranges, mode="fixed", bits_of=lambda name: bits.get(name, 8))


def _steps(exact: QatModel, tflite: Path, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outputs of the fake-quant model and of TFLite Micro, as stored integers, sample by sample."""
    graph = read_graph(tflite)
    golden = TflmGolden(tflite)
    outputs = np.stack([golden.run([s])[0] for s in quantized_inputs(graph, [x])[0]])
    quant = graph.tensor(graph.outputs[0]).q
    expected = np.rint(call_keras(exact.exact, [x])[0] / quant.scale) + quant.zero_point
    return expected.astype(int), outputs.reshape(expected.shape).astype(int)


@needs_tflm
@pytest.mark.parametrize(
    ("layers", "ranges", "last"),
    [
        ((), "learned", "softmax"),
        ((), "averaged", "linear"),
        ((".*=int4",), "averaged", "linear"),
    ],
)
def test_the_file_gives_what_the_fake_quant_model_gives(
    tmp_path: Path, layers: tuple[str, ...], ranges: str, last: str
) -> None:
    options = {"teacher": "none", "epochs": 12, "learning_rate": 1e-2}  # the model knows nothing
    record = _trained(tmp_path, _model(last=last), layers=layers, ranges=ranges, **options)
    assert record.accuracy is not None
    assert record.accuracy["after"] > 0.8 > record.accuracy["rounded"]
    done = edgekit.convert(record.model, out=tmp_path / "out")  # without data
    assert done.calibration == {"samples": 200, "method": "trained", "seed": 0}
    assert not any("generated" in warning for warning in done.warnings)
    expected, outputs = _steps(_exact(record.model), done.tflite, _data()[0][:100])
    assert np.mean(np.abs(outputs - expected) <= 1) >= 0.99
    formats = {name for _, _, name in done.formats}
    assert formats == ({"int4"} if layers else set())


@needs_tflm
@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("kind", ["separable", "residual", "joined"])
def test_integers_of_other_layers_are_foreseen(tmp_path: Path, kind: str, bits: int) -> None:
    """Chains where errors of a step would add up: TFLite Micro rounds each sum twice."""
    layers = (".*=int4",) if bits == 4 else ()
    model = _other(kind)
    rng = np.random.default_rng(5)
    x = rng.normal(0, 1, (80, *model.inputs[0].shape[1:])).astype(np.float32)
    y = rng.integers(0, 16, len(x))
    options = {"out": tmp_path / "t.keras", "epochs": 1, "batch_size": 16, "layers": layers}
    options["ranges"] = "averaged" if kind == "joined" else "learned"
    record = edgekit.train_quantized(model, (x, y), **options)
    done = edgekit.convert(record.model, out=tmp_path / "out")
    expected, outputs = _steps(_exact(record.model), done.tflite, x)
    assert np.mean(np.abs(outputs - expected) <= 1) >= 0.99
    assert len(np.unique(outputs)) > 50


def _other(kind: str) -> Any:
    """16 numbers that spread over their range, out of layers of one kind."""
    module = keras()
    module.utils.set_random_seed(2)
    k = module.layers
    if kind == "residual":
        inputs = module.Input((20, 3), name="signal")
        x = k.Conv1D(12, 5, strides=2, activation="relu6")(inputs)
        x = k.Flatten()(k.Conv1D(4, 3, use_bias=False)(x))
        for _ in range(3):
            x = k.Add()([k.Dense(24, activation="relu")(x), k.Dense(24)(x)])
    elif kind == "joined":  # ranges of their own would not be those of the file
        inputs = module.Input((8, 8, 3), name="image")
        first = k.Conv2D(6, 3, padding="same", activation="relu")(inputs)
        second = k.Conv2D(6, 1)(inputs)
        x = k.Concatenate()([k.MaxPooling2D(2)(k.Maximum()([first, second])), second[:, ::2, ::2]])
        x = k.Flatten()(k.Conv2D(5, 3)(x))
    else:
        inputs = module.Input((9, 9, 3), name="image")
        x = k.SeparableConv2D(12, 3, activation="relu", padding="same")(inputs)
        x = k.Add()([x, k.BatchNormalization()(k.SeparableConv2D(12, 3, padding="same")(x))])
        x = k.DepthwiseConv2D(3, depth_multiplier=2)(x)
        gate = k.Dense(24, activation="sigmoid")(k.GlobalAveragePooling2D()(x))
        x = k.GlobalAveragePooling2D()(k.Multiply()([x, k.Reshape((1, 1, 24))(gate)]))
    return module.Model(inputs, k.Dense(16, name="last")(x))


def test_pruned_zeros_stay_and_come_into_the_file(tmp_path: Path) -> None:
    model = _model(pruned=True)
    zeros = {n: np.asarray(model.get_layer(n).kernel) == 0 for n in ("first", "point", "dense")}
    record = _trained(tmp_path, model, epochs=2)
    trained = load_model(record.model).keras
    for name, mask in zeros.items():
        kernel = np.asarray(trained.get_layer(name).kernel)
        assert not kernel[mask].any()
        assert np.mean(kernel == 0) < np.mean(mask) + 0.1
    done = edgekit.convert(record.model, out=tmp_path / "out")
    graph = read_graph(done.tflite)
    stored = {op.layer: graph.input_of(op, 1) for op in graph.ops if len(op.inputs) > 2}
    for name, mask in zeros.items():
        assert stored[name].data is not None
        assert np.sum(stored[name].data == 0) >= mask.sum()
    assert {row.layer for row in done.kernels} >= {"first", "point", "dense"} & {
        row.layer for row in done.kernels
    }


def test_the_model_given_and_its_teacher_are_left_alone(tmp_path: Path) -> None:
    model = _model()
    before = [np.asarray(w).copy() for w in model.weights]
    kinds = [type(layer) for layer in model.layers]
    record = _trained(tmp_path, model, epochs=1)
    assert all(np.array_equal(a, w) for a, w in zip(before, model.weights, strict=True))
    assert [type(layer) for layer in model.layers] == kinds
    assert record.fine_tuning["teacher"] == "self"
    # the file is a plain Keras model for anyone
    plain = keras().models.load_model(record.model)
    assert not any("quant" in layer.name for layer in plain.layers)
    assert edgekit.qat is edgekit.train_quantized


def test_what_cannot_be_trained(tmp_path: Path) -> None:
    out = tmp_path / "trained.keras"
    for options, said in (
        ({"layers": ("dense=int16x8",)}, "need no training"),
        ({"ranges": "guessed"}, "there is no way for ranges 'guessed'"),
        ({"calibration": "best"}, "calibration 'best'"),
        ({"engine": "other"}, "there is no engine 'other'"),
        ({"samples": 0}, "0 samples"),
        ({"out": tmp_path / "trained.h5"}, "does not end in .keras"),
    ):
        with pytest.raises(EdgekitError, match=said) as caught:
            edgekit.train_quantized(_model(), _data(), **({"out": out} | options))
        assert caught.value.hint
    with pytest.raises(EdgekitError, match="training needs samples"):
        edgekit.train_quantized(_model(), out=out)
    with pytest.raises(EdgekitError, match="nothing to learn from"):
        edgekit.train_quantized(_model(), _data()[0], out=out)
    assert not out.exists()


def test_a_file_that_is_trained_already(tmp_path: Path) -> None:
    record = _trained(tmp_path, _model(), epochs=1)
    with pytest.raises(EdgekitError, match="is trained quantized already"):
        edgekit.train_quantized(record.model, _data(), out=tmp_path / "again.keras")
