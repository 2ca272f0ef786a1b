# SPDX-License-Identifier: Apache-2.0
"""What a rule of `rewrite` looks at, and gives: attributes of a layer while it is traced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """`attributes` replace the layer's own; `remark` says what is not the same in the result, ""
    where all is."""

    attributes: dict[str, Any] = field(default_factory=dict)
    remark: str = ""


def operations(model: Any) -> Iterator[Any]:
    """Every layer, inner ones too, and the operations of functional models that are no layers."""
    known: set[int] = set()
    waiting = [model]
    while waiting:
        part = waiting.pop(0)
        if id(part) in known:
            continue
        known.add(id(part))
        yield part
        waiting += list(getattr(part, "_layers", None) or ())
        waiting += list(getattr(part, "operations", None) or ())
