# SPDX-License-Identifier: Apache-2.0
"""Layers written in ops that TFLite Micro runs in int8, while a model is traced.

Keras computes some layers with ops that no int8 runtime for microcontrollers has (TILE, ERF, loops,
RSQRT of a float), though the same can be said with ops that they have. A rule is one function in
one file: it looks at a layer and gives a `Change`, or None. The model itself stays as it is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from edgekit.quantize.rewrite.activation import approximate_gelu
from edgekit.quantize.rewrite.change import Change, operations
from edgekit.quantize.rewrite.embedding import plain_gather
from edgekit.quantize.rewrite.lstm import fused
from edgekit.quantize.rewrite.normalize import by_length
from edgekit.quantize.rewrite.recurrent import separate_gates, unrolled
from edgekit.quantize.rewrite.repeat import resized

RULES: tuple[Callable[[Any], Change | None], ...] = (
    approximate_gelu,
    plain_gather,
    by_length,
    fused,
    unrolled,
    separate_gates,
    resized,
)


@contextlib.contextmanager
def rewritten(model: Any) -> Iterator[list[str]]:
    """Inside, a call of the Keras `model` makes ops that can be converted; gives the remarks.

    None for `model` changes nothing. EdgekitError for a layer that cannot be written so.
    """
    remarks: list[str] = []
    with contextlib.ExitStack() as stack:
        for layer in operations(model) if model is not None else ():
            for rule in RULES:
                if change := rule(layer):
                    _apply(layer, change, stack)
                    remarks += [change.remark] if change.remark else []
        yield remarks


def _apply(layer: Any, change: Change, stack: contextlib.ExitStack) -> None:
    """Set past Keras's own __setattr__, which would track what is only lent."""
    for name, value in change.attributes.items():
        own = vars(layer)
        if name in own:
            stack.callback(object.__setattr__, layer, name, own[name])
        else:
            stack.callback(object.__delattr__, layer, name)
        object.__setattr__(layer, name, value)
