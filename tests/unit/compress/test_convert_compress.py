# SPDX-License-Identifier: Apache-2.0
"""`edgekit.convert(compress=..., strip=...)`: files, record, what reads them, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import EdgekitError, ToolMissing
from edgekit.lower.build import lower_graph
from edgekit.quantize.same import difference
from edgekit.tflite.golden import TflmGolden, tflm_version
from edgekit.tflite.graph import DECODE, needs_decode
from edgekit.tflite.reader import read_graph
from edgekit.verbs import _packing
from edgekit.verbs._named import read_named
from edgekit.verbs.convert import convert
from edgekit.verbs.inspect import inspect
from tests.support.small_models import sparse_model

pytestmark = pytest.mark.skipif(not tflm_version(), reason="no TFLM interpreter (tflite-micro)")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return sparse_model(tmp_path / "sparse.tflite")


@pytest.mark.parametrize("strip", [False, True])
def test_files_and_record(model: Path, tmp_path: Path, strip: bool) -> None:
    out = tmp_path / "out"
    record = convert(model, out=out, compress="auto", strip=strip)
    stored = json.loads((out / "convert.json").read_text())
    packing = stored["packing"]
    assert packing["bytes"] == record.tflite.stat().st_size == stored["tflite_bytes"]
    assert packing["bytes"] < packing["tidy_bytes"] < packing["given_bytes"]
    rows = {row["layer"]: row for row in packing["compression"]["tensors"]}
    assert {layer: row["mode"] for layer, row in rows.items()} == {
        "hidden": "prune",
        "few": "lut",
        "scores": "plain",
    }
    assert rows["hidden"]["bytes_after"] < 0.4 * rows["hidden"]["bytes_before"]
    assert "bytes with its op" in rows["scores"]["reason"]
    assert packing["compression"]["decoded_elements"] == 64 * 64 * 2
    assert packing["checked"]["by"] == "tflite-micro" and packing["strip"] is strip
    assert "AddDecode()" in (out / "sparse_ops.h").read_text()
    array = (out / "sparse_model.c").read_text()
    assert array.count("0x") == packing["bytes"]
    assert "--compress auto" in array and ("--strip" in array) is strip


def test_the_file_reads_as_plain_weights(model: Path, tmp_path: Path) -> None:
    record = convert(model, out=tmp_path / "out", compress="auto", strip=True)
    graph, raw = read_graph(record.tflite), read_graph(record.tflite, decode=False)
    assert difference(read_graph(model), graph) == ""
    assert needs_decode(graph) and needs_decode(raw) and not needs_decode(read_graph(model))
    assert [op.kind for op in raw.ops].count(DECODE) == len(graph.decodes) == 2
    assert [op.index for op in graph.ops] == list(range(4))
    assert lower_graph(graph).plan.arena_bytes == lower_graph(read_graph(model)).plan.arena_bytes
    x = [np.arange(64, dtype=np.int8).reshape(1, 64)]
    assert np.array_equal(TflmGolden(model).run(x)[0], TflmGolden(record.tflite).run(x)[0])


def test_layers_keep_their_names_in_the_record_of_a_stripped_file(
    model: Path, tmp_path: Path
) -> None:
    record = convert(model, out=tmp_path / "out", compress="auto", strip=True)
    assert [row.layer for row in record.ops] == ["hidden", "few", "scores", "probs"]
    assert {t.name for t in read_graph(record.tflite).tensors} == {""}
    assert [row.layer for row in inspect(record.tflite).ops] == ["hidden", "few", "scores", "probs"]
    raw = read_named(record.tflite, decode=False)
    assert [(op.kind, op.layer) for op in raw.ops][:3] == [
        (DECODE, "hidden"),
        ("FULLY_CONNECTED", "hidden"),
        (DECODE, "few"),
    ]
    alone = tmp_path / "alone.tflite"
    alone.write_bytes(record.tflite.read_bytes())
    assert [row.layer for row in inspect(alone).ops] == ["op 0", "op 1", "op 2", "op 3"]


def test_inspect_says_what_is_encoded(model: Path, tmp_path: Path) -> None:
    record = inspect(convert(model, out=tmp_path / "out", compress="auto").tflite)
    assert record.runtimes == {"aot": "", "tflm": ""}
    encoded = {t.name: t for t in record.tensors if t.stored_as != "plain"}
    assert {name.split("/")[1] for name in encoded} == {"hidden", "few"}
    assert all(0 < t.stored_bytes < t.bytes for t in encoded.values())
    assert [row.op for row in record.ops].count("FULLY_CONNECTED") == 3
    assert record.decodes == 2 and record.sparsity > 0.4


@pytest.mark.parametrize("mode", ["prune", "lut"])
def test_one_mode_alone(model: Path, tmp_path: Path, mode: str) -> None:
    record = convert(model, out=tmp_path / "out", compress=mode)
    modes = {row.layer: row.mode for row in record.packing.compression.tensors}
    assert set(modes.values()) == {mode, "plain"}
    assert modes["hidden" if mode == "prune" else "few"] == mode


def test_nothing_to_gain_is_said(tmp_path: Path) -> None:
    from tests.support.small_models import dense_model

    record = convert(dense_model(tmp_path / "d.tflite"), out=tmp_path / "out", compress="auto")
    assert any("no weight tensor is smaller" in text for text in record.warnings)
    assert not needs_decode(read_graph(record.tflite))


def test_what_is_encoded_already_stays(model: Path, tmp_path: Path) -> None:
    once = convert(model, out=tmp_path / "a", compress="auto", strip=True)
    twice = convert(once.tflite, out=tmp_path / "b", compress="auto", strip=True)
    assert twice.tflite.read_bytes() == once.tflite.read_bytes()


def test_an_unknown_mode_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match="no compression 'zip'") as caught:
        convert(model, out=tmp_path / "out", compress="zip")
    assert "prune, lut, auto" in caught.value.hint and not (tmp_path / "out").exists()


def test_without_an_interpreter_nothing_is_compressed(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgekit.verbs.golden.tflm_version", lambda: "")
    with pytest.raises(ToolMissing, match="can prove them"):
        convert(model, out=tmp_path / "out", compress="auto")
    assert not (tmp_path / "out").exists()
    record = convert(model, out=tmp_path / "out", strip=True)
    assert record.packing.checked is None and record.packing.strip


def test_a_wrong_rewrite_never_leaves_convert(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One value of the encoded weights changed: the graphs differ, so does the output."""
    from edgekit.quantize import hygiene

    def damaged(*arguments: object, **options: object) -> hygiene.Tidied:
        done = original(*arguments, **options)
        data = bytearray(done.data)
        if b"TFLM_DECODE" in data:
            data[data.index(MARK)] ^= 0x55
        return hygiene.Tidied(bytes(data), done.dropped)

    MARK = np.arange(1, 9, dtype=np.int8).tobytes()  # noqa: N806
    original = hygiene.tidy_model
    monkeypatch.setattr(hygiene, "tidy_model", damaged)
    with pytest.raises(EdgekitError, match="not the same model"):
        convert(model, out=tmp_path / "out", compress="auto")
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr("edgekit.quantize.same.difference", lambda *graphs: "")
    with pytest.raises(EdgekitError, match="output 0 differs in TFLite Micro"):
        convert(model, out=tmp_path / "out", compress="auto")


def test_more_ram_than_flash_saved_is_a_warning(model: Path) -> None:
    record = _packing.Packing(1000, 900, 850, False, {}, None, None)
    assert _packing._warnings(record) == []
    done = _packing.Compression("auto", (), {"before": 1, "after": 1}, 51, 0)
    [text] = _packing._warnings(_packing.replace(record, compression=done))
    assert "saves 50 bytes of flash and takes 51 bytes more RAM" in text
