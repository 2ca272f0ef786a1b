# SPDX-License-Identifier: Apache-2.0
"""What a conversion does to weights, and ranges that came with a model trained quantized."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from edgekit.errors import EdgekitError
from edgekit.quantize.weights import Weights, Wishes
from edgekit.tflite.reader import read_graph

if TYPE_CHECKING:
    from edgekit.model.load import LoadedModel
    from edgekit.quantize.qat.match import PointRanges

_WORDS = ("rounding", "weight_scale", "bias_type")
_FLAGS = ("bias_correction", "equalize", "per_tensor")


def named_wishes(given: Mapping[str, Any]) -> Wishes:
    """EdgekitError for a name that there is not, with the nearest one."""
    known = [field.name for field in fields(Wishes) if field.name != "seed"]
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            raise EdgekitError(
                f"convert has no option '{name}'",
                hint=f"did you mean {near[0]}?" if near else f"of weights: {', '.join(known)}",
            )
    given = {**given, "layers": tuple(given.get("layers", ()))}
    return Wishes(**given)


def weight_words(wishes: Wishes) -> list[str]:
    """The command line words for whatever differs from the defaults."""
    plain, words = Wishes(), []
    for name in _WORDS:
        if getattr(wishes, name) != getattr(plain, name):
            words += [f"--{name.replace('_', '-')}", str(getattr(wishes, name))]
    words += [f"--{name.replace('_', '-')}" for name in _FLAGS if getattr(wishes, name)]
    return words + [word for rule in wishes.layers for word in ("--layer", rule)]


def handed_in(
    loaded: LoadedModel, wishes: Wishes, seed: int
) -> tuple[Weights | None, PointRanges | None]:
    """What `convert_int8` takes beside the samples; None for what the converter does itself.

    A model that train-quantized wrote brings its ranges, and the formats of its layers.
    """
    from edgekit.quantize.fold import fold_model
    from edgekit.quantize.qat.match import PointRanges
    from edgekit.quantize.qat.stored import read_trained

    trained = read_trained(loaded.source)
    if trained is not None:
        wishes = replace(wishes, layers=(*trained.rules(), *wishes.layers))
    wishes = replace(wishes, seed=seed)
    weights = None if wishes == Wishes(seed=seed) else Weights(wishes, read_graph)
    if trained is None:
        return weights, None
    return weights, PointRanges(fold_model(loaded.keras), trained.ranges)
