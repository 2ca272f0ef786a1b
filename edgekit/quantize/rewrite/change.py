# SPDX-License-Identifier: Apache-2.0
"""What a rule of `rewrite` gives: attributes of a layer for as long as it is traced."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """`attributes` replace the layer's own; `remark` says what is not the same in the result, ""
    where all is."""

    attributes: dict[str, Any] = field(default_factory=dict)
    remark: str = ""
