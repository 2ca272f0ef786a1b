# SPDX-License-Identifier: Apache-2.0
"""docs/layers.md: the outcomes of layer_table as a page, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Any

YES, NO = "yes", "no"
Row = dict[str, Any]

HEAD = """\
# Keras layers: what converts, and what runs it

Written by `python scripts/layer_table.py`, which makes a small model of each layer with random
weights and data and takes it through `edgekit.convert()`. **Converts**: to full-integer int8, all
[checks](quantization.md#checks) passed. **TFLM**: TFLite Micro's interpreter ran it. **aot**: the
ahead-of-time C gave the same outputs to the byte. What does not convert is refused at once, with
the layer's name and the reason given here. `--check` compares this page with what edgekit does now,
`--only WORD` tries the rows with that word again.
"""


def page(rows: Iterable[Row]) -> str:
    """The whole file."""
    rows = list(rows)
    total, converts = len(rows), sum(row["converts"] for row in rows)
    both = sum(row["tflm"] == row["aot"] == YES for row in rows)
    text = f"{HEAD}\nOf {total} models {converts} convert, and {both} run in both runtimes.\n"
    for group, members in groupby(rows, key=lambda row: row["group"]):
        text += (
            f"\n## {group}\n\n| layer | converts | TFLM | aot | remark |\n|---|---|---|---|---|\n"
        )
        text += "".join(_line(row) for row in members)
    return text


def _line(row: Row) -> str:
    runs = [YES if row[name] == YES else NO if row["converts"] else "" for name in ("tflm", "aot")]
    reasons = [row[name] for name in ("tflm", "aot") if row[name] not in (YES, "")]
    remark = "; ".join([*reasons, row["remark"]] if row["remark"] else reasons)
    cells = [row["name"], YES if row["converts"] else NO, *runs, _plain(remark)]
    return "| " + " | ".join(cells) + " |\n"


def _plain(text: str) -> str:
    """Without what is only of use on the command line."""
    text = re.sub(r"; --allow [\w-]+ converts all the same", "", text)
    return text.replace(" of layer 'tried'", "").replace("layer 'tried'", "it").replace("|", "/")


def lines_of(text: str) -> dict[str, str]:
    """Layer -> its line of the page."""
    found = re.findall(r"^\| ([^|]+) \| (?:yes|no) \|.*$", text, flags=re.MULTILINE)
    lines = [line for line in text.splitlines() if re.match(r"\| [^|]+ \| (yes|no) \|", line)]
    return dict(zip(found, lines, strict=True))


def updated(text: str, rows: Iterable[Row]) -> str:
    """The page with the lines of `rows` replaced, and its counts."""
    lines = lines_of(text)
    for row in rows:
        text = text.replace(lines[row["name"]], _line(row).rstrip("\n"))
    now = lines_of(text).values()
    converts = sum(bool(re.match(r"\| [^|]+ \| yes \|", line)) for line in now)
    both = sum(bool(re.match(r"\| [^|]+ \| yes \| yes \| yes \|", line)) for line in now)
    counts = f"Of {len(now)} models {converts} convert, and {both} run in both runtimes."
    return re.sub(r"Of \d+ models .* runtimes\.", counts, text)
