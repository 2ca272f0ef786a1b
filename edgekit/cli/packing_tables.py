# SPDX-License-Identifier: Apache-2.0
"""How the rewriting of a .tflite is shown: what was saved, and each weight tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgekit.cli.show import Row, kib, number, shape, table

if TYPE_CHECKING:
    from rich.console import Console


def packing_facts(packing: dict[str, Any] | None) -> list[Row]:
    """What the file was before, and what compressed weights save and cost."""
    if not packing:
        return []
    words = "without what nothing uses" + (", names or metadata" if packing["strip"] else "")
    rows: list[Row] = []
    if packing["tidy_bytes"] < packing["given_bytes"]:
        change = f"{kib(packing['given_bytes'])} -> {kib(packing['tidy_bytes'])}"
        rows.append(("tidied", change, words))
    if done := packing["compression"]:
        before, after = done["weight_bytes"]["before"], done["weight_bytes"]["after"]
        rows.append(("weights", f"{kib(before)} -> {kib(after)}", f"compressed: {done['mode']}"))
    if done and done["decoded_elements"]:
        cost = f"{kib(done['arena_extra_bytes'])} more arena"
        work = f"{number(done['decoded_elements'])} values decoded each inference"
        rows.append(("which costs", f"{cost}, {work}", "on tflm alone"))
    if checked := packing["checked"]:
        samples = f"{checked['samples']} generated inputs, {checked['by']} {checked['version']}"
        rows.append(("rewritten file", "outputs equal to the byte", samples))
    return rows


def show_compression(out: Console, packing: dict[str, Any] | None) -> None:
    """One line for every weight tensor, and below them why some are plain."""
    if not packing or not packing["compression"]:
        return
    tensors = packing["compression"]["tensors"]
    table(
        out,
        ("layer", "op", "weights", "plain", "stored", "mode", "bits", "why plain"),
        [_cells(tensor) for tensor in tensors],
        left=("layer", "op", "weights", "mode", "why plain"),
        may_shrink=("layer", "op", "why plain"),
        wide_only=("op", "weights"),
    )


def _cells(tensor: dict[str, Any]) -> tuple[str, ...]:
    return (
        tensor["layer"],
        tensor["op"],
        shape(tensor["shape"]),
        kib(tensor["bytes_before"]),
        kib(tensor["bytes_after"]),
        tensor["mode"],
        str(tensor["bits"]),
        tensor["reason"],
    )


def encoded_facts(tensors: list[dict[str, Any]]) -> list[Row]:
    """What the file holds encoded, for inspect."""
    found = [tensor for tensor in tensors if tensor["stored_as"] != "plain"]
    if not found:
        return []
    before, after = (sum(tensor[key] for tensor in found) for key in ("bytes", "stored_bytes"))
    change = f"{len(found)} weight tensors, {kib(before)} stored in {kib(after)}"
    return [("encoded", change, "TFLite Micro decodes them at each inference")]
