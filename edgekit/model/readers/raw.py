# SPDX-License-Identifier: Apache-2.0
"""What a reader found, before anything is checked against the model, and which array is what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgekit.errors import EdgekitError
from edgekit.model.dataset import Samples
from edgekit.model.info import InputSpec

Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """Arrays by name, and the names of the inputs' arrays followed by that of the labels or ""."""

    arrays: Mapping[str, Samples]
    train_keys: Keys
    test_keys: Keys = ()
    classes: tuple[str, ...] = ()
    source: str = "arrays"
    warnings: tuple[str, ...] = ()


def from_named(arrays: Mapping[str, Samples], inputs: Sequence[InputSpec], source: str) -> Raw:
    """Raw from arrays named x/y, x_train/y_train/x_test/y_test, or after the model's inputs."""
    found = dict(arrays)
    train = _keys(found, inputs, "") or _keys(found, inputs, "_train")
    test = _keys(found, inputs, "_test")
    if not train and len(found) == 1 and len(inputs) == 1:
        train = (next(iter(found)), "")
    if not train and test:
        train, test = test, ()
    if not train:
        wanted = " or ".join(["x", "x_train", ", ".join(_plain(s.name) for s in inputs)])
        raise EdgekitError(
            f"'{source}' holds the arrays {', '.join(sorted(found)) or 'none'}, and not {wanted}",
            hint="name the samples x (and the labels y), or each array after a model input",
        )
    return Raw(found, train, test, source=source)


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
