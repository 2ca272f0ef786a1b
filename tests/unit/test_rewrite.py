# SPDX-License-Identifier: Apache-2.0
"""Layers that are written in other ops for the converter compute what Keras computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras, tensorflow
from edgekit.quantize.rewrite import rewritten

pytestmark = pytest.mark.needs_tf
# layer, its arguments, shape without batch, largest difference (0 = rounding of float32)
SAME: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("UpSampling1D", {"size": 3}, (5, 4)),
    ("UpSampling2D", {"size": (2, 3)}, (4, 5, 3)),
    ("UpSampling3D", {"size": (2, 3, 2)}, (2, 3, 4, 2)),
    ("RepeatVector", {"n": 4}, (6,)),
    ("LSTM", {"units": 4, "return_sequences": True}, (5, 3)),
    ("LSTM", {"units": 4}, (300, 3)),
    ("LSTM", {"units": 4, "go_backwards": True}, (5, 3)),
    ("LSTM", {"units": 4, "activation": "relu"}, (5, 3)),
    ("GRU", {"units": 4}, (5, 3)),
    ("GRU", {"units": 4, "reset_after": False, "return_sequences": True}, (5, 3)),
    ("GRU", {"units": 4, "use_bias": False, "go_backwards": True}, (5, 3)),
    ("SimpleRNN", {"units": 4}, (5, 3)),
    ("ConvLSTM1D", {"filters": 3, "kernel_size": 3}, (3, 6, 2)),
    ("LayerNormalization", {}, (5, 16)),
    ("LayerNormalization", {"center": False}, (16,)),
    ("LayerNormalization", {"scale": False}, (4, 4, 8)),
    ("RMSNormalization", {}, (5, 16)),
    ("GroupNormalization", {"groups": 2}, (4, 4, 8)),
    ("UnitNormalization", {}, (5, 16)),
]


def traced(model: Any, x: np.ndarray) -> tuple[np.ndarray, set[str]]:
    """Outputs of the model traced inside `rewritten`, and the ops of the trace."""
    tf = tensorflow()
    with rewritten(model):
        concrete = tf.function(
            lambda value: model(value, training=False), autograph=False
        ).get_concrete_function(tf.TensorSpec((len(x), *x.shape[1:]), x.dtype))
    ops = {op.type for op in concrete.graph.get_operations()}
    return np.asarray(concrete(tf.constant(x))), ops


@pytest.mark.parametrize(("kind", "options", "shape"), SAME)
def test_outputs_are_kerass_own(kind: str, options: dict[str, Any], shape: Any) -> None:
    module = keras()
    module.utils.set_random_seed(2)
    model = module.Sequential([module.Input(shape), getattr(module.layers, kind)(**options)])
    for weight in model.weights:
        weight.assign(np.random.default_rng(1).normal(0.3, 0.5, weight.shape))
    x = np.random.default_rng(0).normal(0, 2, (3, *shape)).astype(np.float32)
    expected = np.asarray(model(x))
    outputs, ops = traced(model, x)
    # Layer and group normalization leave Keras's epsilon of 0.001 out.
    np.testing.assert_allclose(outputs, expected, atol=5e-3 if "Norm" in kind else 1e-5)
    assert not ops & {
        "Tile",
        "While",
        "StatelessWhile",
        "TensorListReserve",
        "SplitV",
        "Split",
    } or (kind in ("LSTM", "ConvLSTM1D"))
    assert np.array_equal(np.asarray(model(x)), expected)  # the model itself is as before


def test_gelu_is_close_and_said() -> None:
    module = keras()
    x = np.linspace(-6, 6, 1001, dtype=np.float32)[:, None]
    model = module.Sequential([module.Input((1,)), module.layers.Activation("gelu", name="bend")])
    with rewritten(model) as remarks:
        outputs = np.asarray(model(x))
    assert np.abs(outputs - np.asarray(model(x))).max() <= 0.0204
    assert len(remarks) == 1 and "'bend'" in remarks[0]


def test_embedding_is_one_gather() -> None:
    module = keras()
    model = module.Sequential([module.Input((4,), dtype="int32"), module.layers.Embedding(9, 3)])
    x = np.array([[0, 8, 3, 3]], np.int32)
    outputs, ops = traced(model, x)
    assert np.array_equal(outputs, np.asarray(model(x)))
    assert not ops & {"Select", "SelectV2", "Less"}


def test_too_many_steps_are_refused_with_the_layers_name() -> None:
    module = keras()
    model = module.Sequential([module.Input((400, 3)), module.layers.GRU(4, name="long")])
    with (
        pytest.raises(EdgekitError, match="'long' runs over 400 steps") as caught,
        rewritten(model),
    ):
        pass
    assert caught.value.hint
    assert model.layers[0].unroll is False


def test_all_is_put_back_after_an_error() -> None:
    module = keras()
    model = module.Sequential([module.Input((4, 4, 2)), module.layers.UpSampling2D(name="up")])
    with pytest.raises(RuntimeError), rewritten(model):
        assert "call" in vars(model.layers[0])
        raise RuntimeError
    assert "call" not in vars(model.layers[0])
