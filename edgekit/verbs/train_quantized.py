# SPDX-License-Identifier: Apache-2.0
"""`edgekit.train_quantized()`: fine-tuning with the rounding of the integers in the loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.errors import EdgekitError
from edgekit.progress import SILENT, Progress
from edgekit.verbs._lessons import Plan, Samples, samples_of
from edgekit.verbs._pruned_files import check_out, own_copy
from edgekit.verbs._quantized_training import ENGINES, STAGE, TrainQuantizedRecord, Work

if TYPE_CHECKING:
    from edgekit.model.dataset import Dataset

__all__ = ["TrainQuantizedRecord", "train_quantized"]


def train_quantized(
    model: Any,
    data: Any = None,
    *,
    out: str | Path,
    ranges: str = "learned",
    layers: tuple[str, ...] = (),
    calibration: str = "mse",
    samples: int = 200,
    teacher: Any = "self",
    augment: Any = "none",
    engine: str = "edgekit",
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    learning_rate: float = 5e-4,
    seed: int = 0,
    custom: tuple[Any, ...] = (),
    force: bool = False,
    progress: Progress = SILENT,
) -> TrainQuantizedRecord:
    """Write `model` with weights trained as integers to the file `out` (.keras).

    Batch norms are folded first; every kernel and every activation is rounded in the forward pass.
    `layers` are REGEX=FORMAT texts (int8 or int4). `ranges` begin as `calibration` finds them on
    `samples` samples and are then "learned", "averaged" or "fixed". Weights that are zero stay
    zero. `teacher` as in `prune`. The file holds a plain Keras model and the ranges, which
    `convert` uses: it needs no data then. `engine` "tfmot" lets tensorflow-model-optimization
    train, on Keras 2: 8 bits, on labels, averaged ranges, zeros not kept. Goes on from an
    interrupted run. Raises EdgekitError for a model or data that do not serve.
    """
    out = Path(out)
    bits_of = _checked(out, ranges, layers, calibration, engine, samples, force=force)
    progress.say("loading the model")
    budget = (epochs, batch_size, learning_rate, seed, steps)
    plan = _plan(model, out, budget, (teacher, augment), custom)
    dataset, chosen = _lesson(plan, data)
    work = Work(plan, dataset, chosen, ranges, bits_of, calibration, samples, progress)
    return work.by_tfmot() if engine == "tfmot" else work.by_edgekit()


def _checked(
    out: Path,
    ranges: str,
    layers: tuple[str, ...],
    calibration: str,
    engine: str,
    samples: int,
    *,
    force: bool,
) -> Callable[[str], int]:
    """Bits of a layer's weights by its name; EdgekitError for what is wrong before any work."""
    from edgekit.prune.tfmot_engine import need_tfmot
    from edgekit.quantize.formats.rules import format_of, parse_rules
    from edgekit.quantize.qat.fake import MODES
    from edgekit.quantize.ranges import method_named

    check_out(out, force=force, stage=STAGE)
    rules = parse_rules(layers)
    for rule in rules:
        if rule.format.activations != "int8":
            raise EdgekitError(
                f"activations of {rule.format.name} need no training: 16 bits lose next to nothing",
                hint=f"give --layer '{rule.pattern}={rule.format.name}' to edgekit convert",
            )
    for what, value, known in (("way for ranges", ranges, MODES), ("engine", engine, ENGINES)):
        if value not in known:
            raise EdgekitError(f"there is no {what} '{value}'", hint=f"one of: {', '.join(known)}")
    method_named(calibration)
    if engine == "tfmot":
        need_tfmot()
    if engine == "tfmot" and any(rule.format.weight_bits != 8 for rule in rules):
        raise EdgekitError(
            "the engine tfmot trains weights of 8 bits", hint="use --engine edgekit for int4"
        )
    if samples < 1:
        raise EdgekitError(
            f"{samples} samples to begin ranges with", hint="give --samples 1 or more"
        )
    return lambda layer: format_of(layer, rules).weight_bits


def _plan(
    model: Any,
    out: Path,
    budget: tuple[Any, ...],
    lesson: tuple[Any, Any],
    custom: tuple[Any, ...],
) -> Plan:
    from edgekit.model.load import load_model
    from edgekit.prune.augment import named_augment
    from edgekit.prune.finetune import Budget
    from edgekit.prune.masks import Choice
    from edgekit.quantize.qat.stored import read_trained
    from edgekit.quantize.suitable import check_suitable

    teacher, augment = lesson
    named_augment(augment)
    loaded = load_model(model, custom=custom)
    if read_trained(loaded.source) is not None:
        raise EdgekitError(
            f"'{loaded.source}' is trained quantized already",
            hint="give the float model it came from, and more --steps",
        )
    check_suitable(loaded)
    own = own_copy(loaded)
    return Plan(loaded, own, out, 0.0, None, Choice(), Budget(*budget), teacher, augment, False)


def _lesson(plan: Plan, data: Any) -> tuple[Dataset, Samples]:
    from edgekit.model.data import load_data
    from edgekit.verbs._pruning import nothing_to_learn

    if data is None:
        raise EdgekitError(
            "training needs samples", hint="give --data; without any, edgekit convert rounds"
        )
    dataset = load_data(data, plan.loaded.inputs)
    samples = samples_of(plan, dataset)
    if samples.targets is None or plan.budget.epochs == 0:
        words = nothing_to_learn(plan, samples, "nothing was trained")
        raise EdgekitError(words.split("; ")[0], hint=words.split("; ")[-1])
    return dataset, samples
