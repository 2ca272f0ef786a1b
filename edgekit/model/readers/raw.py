# SPDX-License-Identifier: Apache-2.0
"""What a reader found, before anything is checked against the model, and which array is what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edgekit.errors import EdgekitError
from edgekit.model.dataset import Samples
from edgekit.model.info import InputSpec

Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """Arrays by name, and the names of the inputs' arrays followed by that of the labels or "".

    `train_answers` and `test_answers` map what a model's outputs are called to the names of the
    arrays of their labels, where each output has its own.
    """

    arrays: Mapping[str, Samples]
    train_keys: Keys
    test_keys: Keys = ()
    classes: tuple[str, ...] = ()
    source: str = "arrays"
    warnings: tuple[str, ...] = ()
    train_answers: Mapping[str, str] = field(default_factory=dict)
    test_answers: Mapping[str, str] = field(default_factory=dict)


def from_named(arrays: Mapping[str, Samples], inputs: Sequence[InputSpec], source: str) -> Raw:
    """Raw from arrays named x/y, x_train/y_train/x_test/y_test, or after the model's inputs.

    `y_<output>` (`y_train_<output>`, `y_test_<output>`) are the labels of one output of several.
    """
    found = dict(arrays)
    train, learned = _keys(found, inputs, ""), _answers(found, "")
    if not train:
        train, learned = _keys(found, inputs, "_train"), _answers(found, "_train")
    test, asked = _keys(found, inputs, "_test"), _answers(found, "_test")
    if not train and len(found) == 1 and len(inputs) == 1:
        train = (next(iter(found)), "")
    if not train and test:
        train, test, learned, asked = test, (), asked, {}
    if not train:
        wanted = " or ".join(["x", "x_train", ", ".join(_plain(s.name) for s in inputs)])
        raise EdgekitError(
            f"'{source}' holds the arrays {', '.join(sorted(found)) or 'none'}, and not {wanted}",
            hint="name the samples x (and the labels y), or each array after a model input",
        )
    return Raw(
        found, train, test, source=source, train_answers=learned, test_answers=asked if test else {}
    )


def _answers(found: Mapping[str, Samples], suffix: str) -> dict[str, str]:
    """Name of an output -> the array with its labels."""
    pattern = re.compile(rf"y{suffix}_(.+)" if suffix else r"y_(?!train|test)(.+)")
    matches = {name: pattern.fullmatch(name) for name in found}
    return {match[1]: name for name, match in matches.items() if match}


def _keys(found: Mapping[str, Samples], inputs: Sequence[InputSpec], suffix: str) -> Keys:
    label = next((name for name in (f"y{suffix}", f"labels{suffix}") if name in found), "")
    if len(inputs) == 1 and f"x{suffix}" in found:
        return (f"x{suffix}", label)
    plain = {_plain(name): name for name in found}
    names = [plain.get(f"{_plain(spec.name)}{suffix}", "") for spec in inputs]
    return (*names, label) if all(names) else ()


def _plain(name: str) -> str:
    """A model input's name without what TFLite's exporter puts round it."""
    return name.removeprefix("serving_default_").split(":")[0]
