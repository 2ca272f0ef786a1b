# SPDX-License-Identifier: Apache-2.0
"""`edgekit.prune()`: a trained Keras model to one with exact zeros, fine-tuned where it can be."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.artifacts import sha256_file, write_record
from edgekit.progress import SILENT, Progress
from edgekit.verbs._auto import asked_of_board, checkable, told_choice
from edgekit.verbs._bought import unbuilt, with_board
from edgekit.verbs._channels import SHARE, STRUCTURE, channel_record, thin
from edgekit.verbs._lessons import Plan
from edgekit.verbs._prune_record import LayerRow, OnBoard, PruneRecord
from edgekit.verbs._pruned_files import beside, check_out, own_copy, save_model
from edgekit.verbs._pruning import Pruned, prune_copy
from edgekit.verbs._tfmot import check_choices, check_engine, prune_by_tfmot

if TYPE_CHECKING:
    from edgekit.prune.masks import Choice
    from edgekit.prune.targets import Kernel

__all__ = ["LayerRow", "OnBoard", "PruneRecord", "prune"]

SPARSITY = 0.75  # where none is asked for


def prune(
    model: Any,
    data: Any = None,
    *,
    out: str | Path,
    sparsity: float | None = None,
    schedule: Any = None,
    method: Any = "magnitude",
    scope: Any = None,
    structure: Any = "unstructured",
    objective: str = "size",
    keep: tuple[str, ...] = (),
    of_all: bool = False,
    teacher: Any = "self",
    augment: Any = "none",
    recalibrate_bn: bool = True,
    engine: str = "edgekit",
    board: str | Path | None = None,
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

    `sparsity` is 0.75 if not given, or what a structure N:M says. `method`, `scope` (None:
    "global"), `structure` and `schedule` are rows of their tables or objects of one's own. The
    structure "auto" and the objective "cycles" ask the cost model of `board`. With
    labelled `data` (or, for
    a model whose output has its input's shape, any data) the model is fine-tuned while the
    sparsity rises, taught by `teacher` ("self": the dense model; a model or its path; "none"),
    and an interrupted run goes on when called again; without, and with `epochs=0`, the weights
    are zeroed at once and batch-norm statistics re-estimated. `engine` "tfmot" has
    tensorflow-model-optimization do it. With `board` the model before and after is built and run
    there, and `bought` and `on_board` of the record say what of it shows. Raises EdgekitError
    for a model, target or data that do not serve, and where the zeros do not come out within half
    a point of `sparsity`. A live `model` is left as it is.
    """
    _check_start(engine, Path(out), board, force=force)
    asked_of_board(structure, objective, engine, board)
    scope = scope or ("per_layer" if engine == "tfmot" else "global")
    choice = (method, scope, structure, tuple(keep), objective, of_all)
    budget = (epochs, batch_size, learning_rate, seed, steps)
    lesson = (teacher, augment, recalibrate_bn)
    wish = (sparsity, schedule, choice, budget, lesson)
    plan, notes = _plan(model, Path(out), wish, board, custom, progress)
    record = _finished(plan, model, data, engine, board, custom, progress, notes)
    return record


def _check_start(engine: str, out: Path, board: str | Path | None, *, force: bool) -> None:
    """Whatever would fail only after minutes of training."""
    check_engine(engine)
    check_out(out, force=force)
    if board is None:
        return
    from edgekit.boards import load_board
    from edgekit.verbs.stages import check_tools

    check_tools(load_board(board))


def _plan(
    model: Any,
    out: Path,
    wish: tuple[Any, ...],
    board: str | Path | None,
    custom: tuple[Any, ...],
    progress: Progress,
) -> tuple[Plan, tuple[str, ...]]:
    """The plan, and what the board's cost model remarked."""
    from edgekit.model.load import load_model
    from edgekit.prune.finetune import Budget
    from edgekit.prune.masks import Choice

    sparsity, schedule, choice, budget, lesson = wish
    chosen = Choice(*choice)
    sparsity = _checked(checkable(chosen), sparsity, schedule, lesson[1])
    progress.say("loading the model")
    loaded = load_model(model, custom=custom)
    own = own_copy(loaded)
    chosen, notes = told_choice(own, chosen, sparsity, board, progress)
    return Plan(loaded, own, out, sparsity, schedule, chosen, Budget(*budget), *lesson), notes


def _finished(
    plan: Plan,
    model: Any,
    data: Any,
    engine: str,
    board: str | Path | None,
    custom: tuple[Any, ...],
    progress: Progress,
    notes: tuple[str, ...],
) -> PruneRecord:
    """Prune, write, and run on the board where there is one."""
    done, small, data_hash = _done(plan, data, engine, progress)
    record = dataclasses.replace(done, engine=engine, warnings=(*notes, *done.warnings))
    save_model(small, plan.out)
    inputs = {record.source: plan.loaded.sha256} | data_hash
    _write(record, inputs)
    if board:
        record = with_board(record, model, plan.out, data, str(board), custom, progress)
        _write(record, inputs)
    return record


def _write(record: PruneRecord, inputs: dict[str, str]) -> None:
    out = record.model
    files = {out.name: sha256_file(out)}
    write_record(out.parent, "prune", record, inputs=inputs, files=files, file_name=beside(out))


def _done(
    plan: Plan, data: Any, engine: str, progress: Progress
) -> tuple[PruneRecord, Any, dict[str, str]]:
    """The record, the pruned model, and the hash of the data."""
    if engine == "tfmot":
        check_choices(plan)
        done = prune_by_tfmot(plan, data, progress)
    elif plan.choice.structure == STRUCTURE:
        thinned = thin(plan, data, progress)
        return channel_record(plan, thinned), thinned.removed.model, thinned.data_hash
    else:
        done = prune_copy(plan, data, progress)
    return _record(plan, done), done.model, done.data_hash


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


def _record(plan: Plan, done: Pruned) -> PruneRecord:
    """EdgekitError where the zeros did not come out as asked."""
    from edgekit.prune.masks import zeros_over_weights
    from edgekit.prune.objective import objective_name
    from edgekit.prune.structures import structure_name
    from edgekit.prune.target import check_reached

    check_reached(done.reached, done.target, grain=done.grain)
    loaded, choice = plan.loaded, plan.choice
    return PruneRecord(
        model=plan.out,
        source=loaded.source.name if loaded.source else loaded.name,
        source_sha256=loaded.sha256,
        method=done.method,
        structure=structure_name(choice.structure),
        scope=choice.scope if isinstance(choice.scope, str) else type(choice.scope).__name__,
        schedule=done.schedule,
        target_sparsity=plan.sparsity,
        sparsity=done.reached,
        sparsity_all=zeros_over_weights(done.kernels),
        layers=_layers(done.kernels, choice.structure),
        accuracy=done.accuracy,
        macs=_macs(done.kernels),
        fine_tuning=done.fine_tuning,
        objective=objective_name(choice.objective),
        batch_norm=done.batch_norm,
        weight_bytes={"dense": sum(kernel.values().size for kernel in done.kernels)},
        bought=unbuilt(done.reached),
        warnings=done.warnings,
        output_accuracy=done.output_accuracy,
        versions=done.versions,
    )


def _layers(kernels: Sequence[Kernel], structure: Any) -> tuple[LayerRow, ...]:
    from edgekit.prune.structures import structure_name, structure_of

    rows = []
    for kernel in kernels:
        values = kernel.values()
        rows.append(
            LayerRow(
                name=kernel.name,
                shape=tuple(values.shape),
                weights=values.size,
                sparsity=float(np.mean(values == 0)),
                protected=kernel.protected,
                structure=""
                if kernel.protected
                else structure_name(structure_of(structure, kernel.name)),
            )
        )
    return tuple(rows)


def _macs(kernels: Sequence[Kernel]) -> dict[str, int] | None:
    """None where an open shape leaves the number of positions unknown."""
    total = nonzero = 0
    for kernel in kernels:
        if kernel.positions is None:
            return None
        values = kernel.values()
        total += kernel.positions * values.size
        nonzero += kernel.positions * int(np.count_nonzero(values))
    return {"before": total, "after": total, "nonzero": nonzero}
