# SPDX-License-Identifier: Apache-2.0
"""`edgekit.prune()`: a trained Keras model to one with exact zeros, fine-tuned where it can be."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.artifacts import sha256_file, write_record
from edgekit.progress import SILENT, Progress
from edgekit.verbs._channels import SHARE, STRUCTURE, channel_record, thin
from edgekit.verbs._lessons import Plan
from edgekit.verbs._pruned_files import beside, check_out, own_copy, save_model
from edgekit.verbs._pruning import Pruned, prune_copy

if TYPE_CHECKING:
    from edgekit.prune.masks import Choice, Masks

SPARSITY = 0.75  # where none is asked for


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One kernel: `sparsity` is zeros over weights; `protected` why it was left alone, or ""."""

    name: str
    shape: tuple[int, ...]
    weights: int
    sparsity: float
    protected: str


@dataclass(frozen=True, slots=True)
class PruneRecord:
    """What pruning did. Sparsities and accuracies are fractions of one.

    `sparsity` is zeros over weights in the kernels not protected, `sparsity_all` in all kernels.
    `accuracy` is of the float model on `samples` that it was not fine-tuned on, the mean over
    the outputs of a model with several, which `output_accuracy` has one by one. `macs` counts
    multiply-accumulates of one inference, `nonzero` those with a weight that is not zero.
    `fine_tuning` is None where the weights were zeroed at once; `batch_norm` then says what
    became of the statistics: "re-estimated", "kept" (re-estimating did not help) or "".
    `weight_bytes` are of the kernels as int8, by the way they are stored, and `bought` says in a
    line what of it shows on the runtimes there are. With the structure "channels" `channels` has
    a row (name, before, after, reason) for each group of them, `target_sparsity` is the share of
    the MACs or weights to remove, and `sparsity` counts zeros in what is left.
    """

    model: Path
    source: str
    source_sha256: str
    method: str
    structure: str
    scope: str
    schedule: str
    target_sparsity: float
    sparsity: float
    sparsity_all: float
    layers: tuple[LayerRow, ...]
    accuracy: dict[str, float] | None
    macs: dict[str, int] | None
    fine_tuning: dict[str, Any] | None
    objective: str
    batch_norm: str
    weight_bytes: dict[str, int]
    bought: str
    warnings: tuple[str, ...]
    channels: tuple[Any, ...] = ()
    output_accuracy: dict[str, dict[str, float]] = field(default_factory=dict)
    engine: str = "edgekit"
    versions: dict[str, str] = field(default_factory=dict)


def prune(
    model: Any,
    data: Any = None,
    *,
    out: str | Path,
    sparsity: float | None = None,
    schedule: Any = None,
    method: Any = "magnitude",
    scope: Any = "global",
    structure: Any = "unstructured",
    objective: str = "size",
    keep: tuple[str, ...] = (),
    of_all: bool = False,
    teacher: Any = "self",
    augment: Any = "none",
    recalibrate_bn: bool = True,
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    learning_rate: float = 1e-3,
    seed: int = 0,
    custom: tuple[Any, ...] = (),
    force: bool = False,
    progress: Progress = SILENT,
) -> PruneRecord:
    """Write a pruned copy of `model` to the file `out` (.keras) and `<stem>.prune.json` beside it.

    `sparsity` is 0.75 if not given, or what a structure N:M says. `method`, `scope`, `structure`
    and `schedule` are rows of their tables or objects of one's own. With labelled `data` (or, for
    a model whose output has its input's shape, any data) the model is fine-tuned while the
    sparsity rises, taught by `teacher` ("self": the dense model; a model or its path; "none"),
    and an interrupted run goes on when called again; without, and with `epochs=0`, the weights
    are zeroed at once and batch-norm statistics re-estimated. Raises EdgekitError for a model,
    target or data that do not serve, and where the zeros do not come out within half a point of
    `sparsity`. A live `model` is left as it is.
    """
    from edgekit.model.load import load_model
    from edgekit.prune.finetune import Budget
    from edgekit.prune.masks import Choice

    choice = Choice(method, scope, structure, tuple(keep), objective, of_all)
    sparsity = _checked(choice, sparsity, schedule, augment)
    budget = Budget(epochs, batch_size, learning_rate, seed, steps)
    out = Path(out)
    check_out(out, force=force)
    progress.say("loading the model")
    loaded = load_model(model, custom=custom)
    lesson = (teacher, augment, recalibrate_bn)
    plan = Plan(loaded, own_copy(loaded), out, sparsity, schedule, choice, budget, *lesson)
    return _done(plan, data, progress)


def _done(plan: Plan, data: Any, progress: Progress) -> PruneRecord:
    if plan.choice.structure == STRUCTURE:
        thinned = thin(plan, data, progress)
        return _saved(plan, thinned.removed.model, channel_record(plan, thinned), thinned.data_hash)
    return _written(plan, prune_copy(plan, data, progress))


def _checked(choice: Choice, sparsity: float | None, schedule: Any, augment: Any) -> float:
    """The target; EdgekitError for anything in the plan that is wrong before any model is read."""
    from edgekit.prune.augment import named_augment
    from edgekit.prune.criteria import named_criterion
    from edgekit.prune.objective import costs_of
    from edgekit.prune.schedule import bound_schedule
    from edgekit.prune.scopes import named_scope
    from edgekit.prune.structures import default_sparsity
    from edgekit.prune.target import check_target

    whole = choice.structure == STRUCTURE
    if sparsity is None:
        sparsity = SHARE if whole else default_sparsity(choice.structure, SPARSITY)
    check_target(sparsity)
    named_criterion(choice.method)
    named_scope(choice.scope)
    if not whole:
        default_sparsity(choice.structure, sparsity)
    costs_of(choice.objective, [])
    named_augment(augment)
    if schedule is not None:
        bound_schedule(schedule, sparsity, 1)
    return sparsity


def _written(plan: Plan, done: Pruned) -> PruneRecord:
    from edgekit.prune.target import check_reached

    check_reached(done.masks.sparsity, done.target, grain=done.masks.grain)
    return _saved(plan, plan.copy, _record(plan, done), done.data_hash)


def _saved(plan: Plan, model: Any, record: PruneRecord, data_hash: dict[str, str]) -> PruneRecord:
    out = plan.out
    save_model(model, out)
    inputs = {record.source: plan.loaded.sha256} | data_hash
    files = {out.name: sha256_file(out)}
    write_record(out.parent, "prune", record, inputs=inputs, files=files, file_name=beside(out))
    return record


def _record(plan: Plan, done: Pruned) -> PruneRecord:
    from edgekit.prune.schedule import default_schedule, schedule_name
    from edgekit.prune.structures import structure_name

    loaded, choice, masks = plan.loaded, plan.choice, done.masks
    shrinking = masks.criterion.shrink > 0
    schedule = plan.schedule or default_schedule(done.target, shrinking=shrinking)
    return PruneRecord(
        model=plan.out,
        source=loaded.source.name if loaded.source else loaded.name,
        source_sha256=loaded.sha256,
        method=masks.criterion.name,
        structure=structure_name(choice.structure),
        scope=choice.scope if isinstance(choice.scope, str) else type(choice.scope).__name__,
        schedule=schedule_name(schedule) if done.fine_tuning else "at once",
        target_sparsity=plan.sparsity,
        sparsity=masks.sparsity,
        sparsity_all=masks.sparsity_all,
        layers=_layers(masks),
        accuracy=done.accuracy,
        macs=_macs(masks),
        fine_tuning=done.fine_tuning,
        objective=choice.objective,
        batch_norm=done.batch_norm,
        weight_bytes={"dense": sum(kernel.values().size for kernel in masks.kernels)},
        bought=_bought(masks),
        warnings=done.warnings,
        output_accuracy=done.output_accuracy,
    )


def _bought(masks: Masks) -> str:
    """Both runtimes store and multiply zeros like any other weight."""
    return (
        f"sparsity {100 * masks.sparsity:.0f} %, flash -0 %, latency -0 % on this runtime: "
        "neither tflm nor aot skips zeros. Structure channels makes a smaller dense model"
    )


def _layers(masks: Masks) -> tuple[LayerRow, ...]:
    rows = []
    for kernel in masks.kernels:
        values = kernel.values()
        rows.append(
            LayerRow(
                name=kernel.name,
                shape=tuple(values.shape),
                weights=values.size,
                sparsity=float(np.mean(values == 0)),
                protected=kernel.protected,
            )
        )
    return tuple(rows)


def _macs(masks: Masks) -> dict[str, int] | None:
    """None where an open shape leaves the number of positions unknown."""
    total = nonzero = 0
    for kernel in masks.kernels:
        if kernel.positions is None:
            return None
        values = kernel.values()
        total += kernel.positions * values.size
        nonzero += kernel.positions * int(np.count_nonzero(values))
    return {"before": total, "after": total, "nonzero": nonzero}
