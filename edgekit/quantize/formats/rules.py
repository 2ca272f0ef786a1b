# SPDX-License-Identifier: Apache-2.0
"""Which layer has which format: rules `REGEX=FORMAT`, the last that fits a layer wins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgekit.errors import EdgekitError


@dataclass(frozen=True, slots=True)
class Format:
    """Type of activations and bits of weights."""

    name: str
    activations: str
    weight_bits: int
    words: str


FORMATS = {
    each.name: each
    for each in (
        Format("int8", "int8", 8, "8-bit activations and weights"),
        Format("int16x8", "int16", 8, "16-bit activations, 8-bit weights"),
        Format("int4", "int8", 4, "8-bit activations, 4-bit weights"),
    )
}
# What exists in words but that TFLite Micro's kernels refuse, and why.
_REFUSED = {
    "int16x4": "TFLite Micro multiplies 16-bit activations with 8-bit weights only",
    "float16": "TFLite Micro has no float16 kernels",
    "float32": "a float layer between int8 ones needs TFLite Micro's float kernels and their time",
}
_REFUSED |= {"int16": "16-bit weights have no kernels in TFLite Micro"}


@dataclass(frozen=True, slots=True)
class Rule:
    """Layers whose name `pattern` finds (`re.search`, so a plain name is enough)."""

    pattern: str
    format: Format

    def fits(self, layer: str) -> bool:
        return re.search(self.pattern, layer) is not None


def named_format(name: str) -> Format:
    """EdgekitError with the reason where TFLite Micro runs no such format."""
    if name in FORMATS:
        return FORMATS[name]
    known = "; ".join(f"{each.name} ({each.words})" for each in FORMATS.values())
    if name in _REFUSED:
        raise EdgekitError(f"format {name} is not offered: {_REFUSED[name]}", hint=known)
    raise EdgekitError(f"there is no format '{name}'", hint=known)


def parse_rules(texts: Iterable[str]) -> tuple[Rule, ...]:
    """Rules from `REGEX=FORMAT` texts; EdgekitError for one that is none."""
    rules = []
    for text in texts:
        pattern, equals, name = text.rpartition("=")
        if not equals or not pattern:
            raise EdgekitError(
                f"'{text}' is no rule for layers",
                hint="write REGEX=FORMAT, for example --layer 'dense.*=int16x8'",
            )
        try:
            re.compile(pattern)
        except re.error as error:
            raise EdgekitError(
                f"'{pattern}' is no regular expression: {error}",
                hint="a plain layer name is one too; escape special characters with \\",
            ) from error
        rules.append(Rule(pattern, named_format(name)))
    return tuple(rules)


def format_of(layer: str, rules: Sequence[Rule]) -> Format:
    """That of the last rule that fits; int8 where none does."""
    for rule in reversed(rules):
        if rule.fits(layer):
            return rule.format
    return FORMATS["int8"]


def check_rules(rules: Sequence[Rule], layers: Iterable[str]) -> None:
    """EdgekitError for a rule that fits no layer of the model."""
    names = list(dict.fromkeys(layers))
    for rule in rules:
        if not any(rule.fits(name) for name in names):
            shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
            raise EdgekitError(
                f"no layer of the model fits '{rule.pattern}'", hint=f"layers: {shown}"
            )
