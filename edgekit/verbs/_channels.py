# SPDX-License-Identifier: Apache-2.0
"""`prune` with the structure "channels": a smaller dense model, fine-tuned by the larger one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.progress import Progress
from edgekit.verbs._lessons import Plan, Samples, evidence_of, judging, name_of, samples_of, some_of
from edgekit.verbs._prune_record import LayerRow, PruneRecord
from edgekit.verbs._pruning import nothing_to_learn
from edgekit.verbs._scoring import accuracies, compared
from edgekit.verbs._training import train

if TYPE_CHECKING:
    from edgekit.model.dataset import Dataset
    from edgekit.prune.channels import Removed
    from edgekit.prune.evidence import Evidence

STRUCTURE = "channels"
SHARE = 0.5  # removed where no sparsity is asked for
# Criteria whose scores say what is lost, so that groups can be weighed against each other.
_COMPARABLE = ("gradient", "stability")


@dataclass(frozen=True, slots=True, eq=False)
class Thinned:
    """`removed.model` is the smaller model, fine-tuned where there was something to learn."""

    removed: Removed
    accuracy: dict[str, float] | None
    output_accuracy: dict[str, dict[str, float]]
    fine_tuning: dict[str, Any] | None
    batch_norm: str
    warnings: tuple[str, ...]
    data_hash: dict[str, str]


def thin(plan: Plan, data: Any, progress: Progress) -> Thinned:
    """Remove `plan.sparsity` of the MACs (or weights) of `plan.copy`, which stays whole itself.

    EdgekitError for a model without a graph, a target that channels cannot reach, and as
    fine-tuning raises it.
    """
    from edgekit.model.data import load_data

    dataset = load_data(data, plan.loaded.inputs) if data is not None else None
    samples = samples_of(plan, dataset) if dataset else None
    held_out = samples.held_out if samples else None
    before = accuracies(plan.copy, held_out)
    progress.say("choosing channels")
    removed = _removed(plan, evidence_of(plan, samples))
    warnings = (tuple(dataset.warnings) if dataset else ()) + _without_effect(plan)
    fine_tuning, batch_norm = None, ""
    learns = samples is not None and samples.targets is not None and plan.budget.epochs != 0
    if learns and samples is not None and dataset is not None:
        fine_tuning, notes = _fit(plan, removed, samples, dataset, progress)
        warnings += notes
        # a short run leaves the moving averages behind the weights
        batch_norm = (
            _recalibrated(plan, removed.model, samples) if samples.judges is not None else ""
        )
    else:
        batch_norm = _recalibrated(plan, removed.model, samples)
        if plan.budget.epochs != 0:
            warnings += (nothing_to_learn(plan, samples, "channels were removed only"),)
    accuracy, each = compared(before, removed.model, held_out)
    digest = {name_of(dataset.source): dataset.sha256} if dataset and dataset.sha256 else {}
    return Thinned(removed, accuracy, each, fine_tuning, batch_norm, warnings, digest)


def _without_effect(plan: Plan) -> tuple[str, ...]:
    """Choices that are made for masks, and that whole channels have no use for."""
    choice = plan.choice
    given = {
        "schedule": plan.schedule is not None,
        "scope": choice.scope != "global",
        "of_all": choice.of_all,
    }
    names = [name for name, is_given in given.items() if is_given]
    if not names:
        return ()
    return (f"no effect on whole channels, which go at once: {', '.join(names)}",)


def _removed(plan: Plan, evidence: Evidence) -> Removed:
    from edgekit.prune.channels import ChannelPlan, find_groups, prune_channels
    from edgekit.prune.criteria import named_criterion

    choice = plan.choice
    criterion = named_criterion(choice.method)
    spread = "greedy" if criterion.name in _COMPARABLE else "uniform"
    how = ChannelPlan(objective=choice.objective, spread=spread, keep=tuple(choice.keep))
    groups = find_groups(plan.copy)
    if not groups:
        raise EdgekitError(
            "this model has no channels that can be followed from layer to layer",
            hint="build it with keras.Input and keras.Model, or use another --structure",
        )
    known = {name.split("/")[-1] for group in groups for name in group.layers}
    if unknown := set(choice.keep) - known - {n for g in groups for n in (g.name, *g.layers)}:
        raise EdgekitError(
            f"there is no layer with channels named '{min(unknown)}'",
            hint=f"layers: {', '.join(sorted(known))}",
        )
    if criterion.name == "magnitude":
        return prune_channels(plan.copy, plan.sparsity, how)
    scores = _scores(plan, groups, criterion, evidence)
    return prune_channels(plan.copy, plan.sparsity, how, scores=scores)


def _scores(plan: Plan, groups: Any, criterion: Any, evidence: Evidence) -> dict[str, np.ndarray]:
    """Taylor's from the gates of the channels; any other criterion's summed over the filters."""
    from edgekit.prune.channels import group_scores, summed_scores
    from edgekit.prune.channels.gradients import loss_gradients
    from edgekit.prune.targets import find_kernels

    if criterion.name == "gradient":
        evidence.need(criterion.needs, criterion.name)
        loss = evidence.loss
        assert loss is not None
        parts = [
            loss_gradients(plan.copy, batch.x, batch.y, loss)
            for batch in evidence.batches
            if batch.y is not None
        ]
        return group_scores(groups, "taylor", [each for part in parts for each in part])
    kernels = find_kernels(plan.copy)
    values = criterion(kernels, evidence)
    return summed_scores(
        groups, {id(k.variable): array for k, array in zip(kernels, values, strict=True)}
    )


def _fit(
    plan: Plan, removed: Removed, samples: Samples, dataset: Dataset, progress: Progress
) -> tuple[dict[str, Any], tuple[str, ...]]:
    from edgekit.prune.batchnorm import recalibrate_bn
    from edgekit.prune.channels.tuning import unmasked

    if plan.recalibrate_bn:  # the old statistics belong to sums over more channels
        recalibrate_bn(removed.model, some_of(samples.train), seed=plan.budget.seed)
    mark = "-".join(str(row.after) for row in removed.groups)
    pruner = unmasked(removed.share)
    return train(plan, removed.model, pruner, samples, dataset, progress, mark=mark)


def _recalibrated(plan: Plan, small: Any, samples: Samples | None) -> str:
    """Batch-norm statistics re-estimated on samples where that brings the outputs back."""
    from edgekit.prune.oneshot import likeness_scorer, recalibrate_if_better

    if samples is None or not plan.recalibrate_bn:
        return ""
    x, seed = some_of(samples.train), plan.budget.seed
    scorer = judging(plan, samples) or likeness_scorer(plan.copy, x, seed)
    return recalibrate_if_better(small, x, scorer, seed)


def channel_record(plan: Plan, done: Thinned) -> PruneRecord:
    """The record of `prune`; `sparsity` counts zeros in the kernels that are left."""
    removed = done.removed
    rows = _layers(removed.model)
    zeros = sum(round(row.sparsity * row.weights) for row in rows) / sum(r.weights for r in rows)
    macs = removed.macs and removed.macs | {"nonzero": removed.macs["after"]}
    return PruneRecord(
        model=plan.out,
        source=plan.loaded.source.name if plan.loaded.source else plan.loaded.name,
        source_sha256=plan.loaded.sha256,
        method=name_of(plan.choice.method),
        structure=STRUCTURE,
        scope="global",
        schedule="once",
        target_sparsity=plan.sparsity,
        sparsity=zeros,
        sparsity_all=zeros,
        layers=rows,
        accuracy=done.accuracy,
        output_accuracy=done.output_accuracy,
        macs=macs,
        fine_tuning=done.fine_tuning,
        objective=plan.choice.objective,
        batch_norm=done.batch_norm,
        weight_bytes={"dense": sum(row.weights for row in rows)},
        bought=_bought(removed),
        warnings=done.warnings,
        channels=removed.groups,
    )


def _layers(model: Any) -> tuple[LayerRow, ...]:
    """The kernels whose channels are followed."""
    from edgekit.prune.channels import find_groups

    parts = dict.fromkeys(part for group in find_groups(model) for part in group.parts)
    rows = []
    for part in parts:
        values = np.asarray(part.variable)
        if part.positions == 0:  # a bias or a statistic
            continue
        name = part.layer if part.attribute == "kernel" else f"{part.layer}/{part.attribute}"
        rows.append(LayerRow(name, values.shape, values.size, float(np.mean(values == 0)), ""))
    return tuple(rows)


def _bought(removed: Removed) -> str:
    """A smaller dense model is smaller and faster on every runtime, in RAM too."""
    shares = {"weights": removed.weights} | ({"MACs": removed.macs} if removed.macs else {})
    gone = [
        f"{100 * (1 - share['after'] / share['before']):.0f} % of the {name}"
        for name, share in shares.items()
    ]
    return f"{' and '.join(gone)} are gone, on every runtime: the model is dense and smaller"
