# SPDX-License-Identifier: Apache-2.0
"""Every operator in every format, run in TFLite Micro's interpreter: the table in the docs.

    python benchmarks/quant_formats.py            # prints the table, and why not
    python benchmarks/quant_formats.py --write    # into docs/quantization.md, between its marks

An operator "runs" where the interpreter takes the file and gives what the int8 file gives, to one
step of its int8 output. The operators are those of tests/support/format_cases.py.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from edgekit.quantize.formats.kinds import WEIGHTS  # noqa: E402
from tests.support.format_cases import CASES, why_not  # noqa: E402

DOCS = ROOT / "docs" / "quantization.md"
FORMATS = {
    "int16x8": ("int16x8", "int64"),
    "int16x8, int32 bias": ("int16x8", "int32"),
    "int4": ("int4", "int64"),
}


def row(kind: str) -> str:
    cells = []
    for name, (form, bias_type) in FORMATS.items():
        if kind not in WEIGHTS and name != "int16x8":
            cells.append("-")
            continue
        reason = why_not(kind, form, bias_type)
        if reason:
            print(f"{kind}, {name}: {reason}", flush=True)
        cells.append("no" if reason else "yes")
    return f"| {kind} | " + " | ".join(cells) + " |"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--write", action="store_true")
    asked = arguments.parse_args()
    lines = ["| operator | " + " | ".join(FORMATS) + " |", "|---" * (len(FORMATS) + 1) + "|"]
    lines += [row(kind) for kind in CASES]
    print("\n".join(lines))
    if asked.write:
        marks = re.compile(r"(<!-- formats -->\n).*(<!-- /formats -->)", re.DOTALL)
        new = "\n".join(lines) + "\n"
        text = marks.sub(lambda found: found[1] + new + found[2], DOCS.read_text(), count=1)
        DOCS.write_text(text)


if __name__ == "__main__":
    main()
