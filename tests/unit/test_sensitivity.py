# SPDX-License-Identifier: Apache-2.0
"""The sensitivity scan: one layer at a time, everything put back, records and pages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgekit
from edgekit.errors import EdgekitError
from edgekit.model.tf import keras, quiet
from edgekit.prune.sensitivity import Harm, channel_axes, check_harms, rounded, scan
from edgekit.prune.targets import find_kernels
from edgekit.verbs.sensitivity import sensitivity

pytestmark = pytest.mark.needs_tf

RNG = np.random.default_rng(0)
X = RNG.random((60, 6, 6, 1)).astype(np.float32)


def net() -> Any:
    """`idle` is multiplied by zero behind it, so nothing that happens to it matters."""
    layers = keras().layers
    keras().utils.set_random_seed(2)
    image = layers.Input((6, 6, 1))
    x = layers.Conv2D(8, 3, activation="relu", name="first")(image)
    x = layers.Conv2D(8, 3, padding="same", name="idle")(x) * 0.0 + x
    x = layers.Dense(40, activation="relu", name="wide")(layers.Flatten()(x))
    return keras().Model(image, layers.Dense(4, activation="softmax", name="scores")(x))


def labels(model: Any) -> np.ndarray:
    return np.asarray(model(X)).argmax(axis=1)


def test_each_layer_is_harmed_alone_and_put_back() -> None:
    model = net()
    before = [array.copy() for array in model.get_weights()]
    kernels = find_kernels(model)
    seen = []

    def measure() -> int:
        now = model.get_weights()
        changed = [i for i, (a, b) in enumerate(zip(now, before, strict=True)) if (a != b).any()]
        seen.append(changed)
        return int(np.count_nonzero(now[changed[0]] == 0))

    probes = list(scan(kernels, [Harm(sparsity=0.5), Harm(sparsity=0.9)], measure))
    assert [len(changed) for changed in seen] == [1] * 8
    assert [probe.result for probe in probes] == [
        round(share * kernel.values().size) for kernel in kernels for share in (0.5, 0.9)
    ]
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_an_interrupted_scan_leaves_the_model_whole() -> None:
    model = net()
    before = [array.copy() for array in model.get_weights()]

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(scan(find_kernels(model), [Harm(bits=2)], interrupted))
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_the_smallest_weights_go() -> None:
    kernel = find_kernels(net())[2]
    values, harmed = kernel.values(), Harm(sparsity=0.3)(kernel)
    gone = (harmed == 0) & (values != 0)
    assert np.abs(values[gone]).max() <= np.abs(values[~gone]).min()
    assert np.array_equal(harmed[~gone], values[~gone])


def test_bits_are_the_grid_of_the_converter() -> None:
    values = np.array([[1.27, 12.7], [0.005, -0.05], [-0.015, 0.25]])
    whole = rounded(values, 8, (1,)) / np.array([0.01, 0.1])
    np.testing.assert_allclose(whole, [[127, 127], [1, -1], [-2, 3]], atol=1e-6)
    assert len(np.unique(rounded(RNG.normal(size=5000), 4, ()))) == 15
    assert not rounded(np.zeros((3, 2)), 4, (1,)).any()


def test_scales_are_per_output_channel() -> None:
    layers = keras().layers
    model = keras().Sequential(
        [
            layers.Input((8, 8, 3)),
            layers.Conv2D(5, 3, name="conv"),
            layers.DepthwiseConv2D(3, depth_multiplier=2, name="depth"),
            layers.SeparableConv2D(40, 3, name="both"),
            layers.Conv2DTranspose(6, 2, name="up"),
        ]
    )
    axes = {kernel.name: channel_axes(kernel) for kernel in find_kernels(model)}
    assert axes == {
        "conv": (3,),
        "depth": (2, 3),
        "both/depthwise_kernel": (2, 3),
        "both/pointwise_kernel": (3,),
        "up": (2,),
    }


def test_accuracy_lost_layer_by_layer(tmp_path: Path) -> None:
    model = net()
    before = [array.copy() for array in model.get_weights()]
    record = sensitivity(model, (X, labels(model)), out=tmp_path, sparsities=(0.5, 0.95), bits=[3])
    assert record.metric == "accuracy" and record.accuracy == 1.0 and record.samples == 60
    layers = {layer.name: layer for layer in record.layers}
    assert list(layers) == ["first", "idle", "wide", "scores"]
    assert all(t.lost == 0 and t.output_change == 0 for t in layers["idle"].trials)
    assert layers["idle"].bears == 0.95 and layers["first"].protected == "first convolution"
    changes = [trial.output_change for trial in layers["wide"].trials]
    assert 0 < changes[0] < changes[1]
    for layer in record.layers:
        assert [(t.sparsity, t.bits) for t in layer.trials] == [
            (0.5, None),
            (0.95, None),
            (None, 3),
        ]
        assert all(t.accuracy is not None and t.lost == 1.0 - t.accuracy for t in layer.trials)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("data", [X, None, (X, RNG.random((60, 4)).astype(np.float32))])
def test_without_labels_the_outputs_are_the_measure(data: Any, tmp_path: Path) -> None:
    record = sensitivity(net(), data, out=tmp_path, sparsities=[0.5], bits=[8, 2], samples=20)
    assert record.metric == "output_change" and record.accuracy is None and record.samples == 20
    assert record.warnings
    for layer in record.layers:
        _, eight, two = layer.trials
        assert eight.lost is None
        assert layer.name == "idle" or 0 < eight.output_change < two.output_change


def test_record_and_page(tmp_path: Path) -> None:
    model = net()
    record = sensitivity(model, (X, labels(model)), out=tmp_path / "out", sparsities=(0.5, 0.9))
    stored = json.loads((tmp_path / "out" / "sensitivity.json").read_text())
    assert stored["page"] == "sensitivity.html" and list(stored["files"]) == ["sensitivity.html"]
    assert stored["layers"][2]["trials"][1]["lost"] == record.layers[2].trials[1].lost
    page = record.page.read_text()
    heats = [float(value) for value in re.findall(r"--heat: ([\d.]+)", page)]
    assert len(heats) == 4 * 4 and max(heats) > 0 and min(heats) == 0
    assert "first convolution" in page and not re.search(r"https?:", page)
    again = sensitivity(model, (X, labels(model)), out=tmp_path / "out", sparsities=(0.5, 0.9))
    assert again == record
    (tmp_path / "out" / "mine.txt").write_text("")
    with pytest.raises(EdgekitError, match="did not write"):
        sensitivity(model, out=tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sparsities": (1.0,)}, "between 0 and 1"),
        ({"bits": (1,)}, "2 to 16"),
        ({"sparsities": (), "bits": ()}, "nothing to try"),
        ({"sparsities": (0.5, 0.5)}, "given twice"),
        ({"samples": 0}, "0 samples"),
        ({"method": "size"}, "no pruning method 'size'"),
        ({"method": "gradient", "data": X}, "have no labels"),
        ({"method": "stability"}, "there are none"),
        ({"data": (X, np.full(60, 9))}, "labels run from"),
        ({"data": np.ones((4, 3))}, "takes \\(6, 6, 1\\)"),
    ],
)
def test_what_cannot_be_done(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match=words) as caught:
        sensitivity(net(), out=tmp_path / "out", **options)
    assert caught.value.hint and not (tmp_path / "out").exists()
    assert len(check_harms((0.5,), (8,))) == 2


@pytest.mark.parametrize("method", ["stability", "activation", "gradient", "random"])
def test_the_weights_of_least_worth_go_first(method: str, tmp_path: Path) -> None:
    model = net()
    record = sensitivity(
        model, (X, labels(model)), out=tmp_path / "a", method=method, sparsities=[0.5], bits=[]
    )
    assert record.method == method
    assert f"(by {method})" in record.page.read_text()
    assert {layer.name for layer in record.layers} == {"first", "idle", "wide", "scores"}
    kernel = find_kernels(model)[2]
    worth = RNG.random(kernel.variable.shape)
    gone = Harm(sparsity=0.3)(kernel, worth) == 0
    assert worth[gone].max() < worth[~gone].min()


def test_a_model_whose_kernels_are_all_protected(tmp_path: Path) -> None:
    layers = keras().layers
    model = keras().Sequential(
        [
            keras().Input((6, 6, 1)),
            layers.DepthwiseConv2D(3, name="depths"),
            layers.Flatten(),
            layers.Dense(4, name="few"),
        ]
    )
    record = sensitivity(model, X, out=tmp_path / "a", sparsities=[0.5], bits=[4])
    assert [(layer.name, bool(layer.protected)) for layer in record.layers] == [
        ("depths", True),
        ("few", True),
    ]
    bare = keras().Sequential([keras().Input((6, 6, 1)), layers.Flatten()])
    with pytest.raises(EdgekitError, match="no kernel of a kind"):
        sensitivity(bare, X, out=tmp_path / "b")


def test_outputs_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    model = net()
    model.get_layer("wide").kernel.assign(np.full((128, 40), np.nan))
    with pytest.raises(EdgekitError, match="not finite"):
        sensitivity(model, X, out=tmp_path)


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from edgekit.cli.app import app

    model = net()
    with quiet():
        model.save(tmp_path / "net.keras")
    np.savez(tmp_path / "data.npz", x=X, y=labels(model))
    files = [str(tmp_path / "net.keras"), "--data", str(tmp_path / "data.npz")]
    options = ["--sparsities", "0.5, 0.9", "--bits", "4", "-o", str(tmp_path / "out"), "--json"]
    app(["sensitivity", *files, *options], standalone_mode=False)
    body = json.loads(capsys.readouterr().out)
    assert body["sparsities"] == [0.5, 0.9] and body["bits"] == [4]
    assert Path(body["page"]).is_file() and edgekit.sensitivity is sensitivity


def test_a_list_that_is_none() -> None:
    from edgekit.cli.study_commands import _numbers

    with pytest.raises(EdgekitError, match="no list of whole numbers"):
        _numbers("8,4.5", "--bits", int)
    assert _numbers("", "--bits", int) == []


def test_the_table_fits_a_terminal(tmp_path: Path) -> None:
    from io import StringIO

    from rich.console import Console

    from edgekit.artifacts import plain
    from edgekit.cli.study_tables import show_sensitivity

    out = StringIO()
    record = sensitivity(net(), X, out=tmp_path / "out", samples=5)
    show_sensitivity(Console(file=out, width=80, force_terminal=False), plain(record))
    text = out.getvalue()
    assert "90 %" in text and "8 bits" in text and "wide" in text
    assert max(len(line.rstrip()) for line in text.splitlines() if "wide" in line) <= 80
