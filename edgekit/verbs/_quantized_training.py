# SPDX-License-Identifier: Apache-2.0
"""The parts of `train_quantized` round the training itself, and its record."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.artifacts import sha256_file, write_record
from edgekit.errors import EdgekitError
from edgekit.progress import Progress
from edgekit.verbs._lessons import Plan, Samples
from edgekit.verbs._pruned_files import beside, save_model
from edgekit.verbs._training import train

if TYPE_CHECKING:
    from edgekit.model.dataset import Dataset
    from edgekit.quantize.fold import Folded
    from edgekit.quantize.qat.model import QatModel

STAGE = "train_quantized"
ENGINES = ("edgekit", "tfmot")
SETTLED = 3000  # steps after which 5 % is left of what tfmot's moving averages began with


@dataclass(frozen=True, slots=True)
class TrainedKernel:
    """One kernel: bits of its weights, and zeros over weights before and after."""

    layer: str
    weights: int
    bits: int
    sparsity: dict[str, float]


@dataclass(frozen=True, slots=True)
class TrainQuantizedRecord:
    """What training quantized did. Accuracies are fractions of one.

    `accuracy` has that of the float model given ("before"), of its integers before any training
    ("rounded") and after it ("after"), over `accuracy["samples"]` samples that were not trained
    on; None where nothing can be counted. `ranges` are low and high of each activation, in real
    numbers, `moved` says how they moved: "learned", "averaged" or "fixed".
    """

    model: Path
    source: str
    source_sha256: str
    engine: str
    moved: str
    calibration: dict[str, Any]
    kernels: tuple[TrainedKernel, ...]
    ranges: dict[str, tuple[float, float]]
    accuracy: dict[str, float] | None
    fine_tuning: dict[str, Any]
    versions: dict[str, str]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """One run: what `train_quantized` was asked for, checked."""

    plan: Plan
    dataset: Dataset
    samples: Samples
    moved: str
    bits_of: Callable[[str], int]
    method: str
    count: int
    progress: Progress

    def by_edgekit(self) -> TrainQuantizedRecord:
        """Train, write the file, and tell."""
        from edgekit.quantize.fold import fold_model
        from edgekit.quantize.qat.model import make_qat
        from edgekit.verbs._scoring import accuracies

        folded = fold_model(self.plan.copy)
        qat = make_qat(folded, self.measured(folded), mode=self.moved, bits_of=self.bits_of)
        zeros, held_out = sparsities(qat), self.samples.held_out
        found = [accuracies(self.plan.copy, held_out)]
        with qat.rounding():
            found.append(accuracies(qat.exact, held_out))
            told, notes = self._trained(qat, zeros)
        self.finish(qat)
        found.append(accuracies(qat.exact, held_out))
        return self.write(qat, zeros, self.accuracy(found), told, notes)

    def by_tfmot(self) -> TrainQuantizedRecord:
        """The same with weights and ranges from tensorflow-model-optimization's training."""
        from edgekit.prune.tfmot_engine import train_with_tfmot
        from edgekit.quantize.fold import fold_model
        from edgekit.quantize.qat.model import make_qat
        from edgekit.verbs._scoring import accuracies

        check_tfmot(self.plan, self.moved)
        held_out = self.samples.held_out
        folded = fold_model(self.plan.copy)
        start = make_qat(folded, self.measured(folded), mode="fixed")
        found = [accuracies(self.plan.copy, held_out)]
        with start.rounding():
            found.append(accuracies(start.exact, held_out))
        taught, told = tfmot_samples(self.plan, self.samples)
        seed = self.plan.budget.seed
        result = train_with_tfmot(self.plan.copy, taught, seed=seed, progress=self.progress)
        folded = fold_model(result.model)
        ranges = self.measured(folded)
        inner = {p.name: p.layer for p in folded.points if p.role != "input" and not p.fixed}
        for name, layer in inner.items():
            ranges[name] = result.ranges.get(layer.rpartition("/")[2], ranges[name])
        qat = make_qat(folded, ranges, mode="fixed")
        zeros = sparsities(start)
        qat.settle()
        found.append(accuracies(qat.exact, held_out))
        versions = {"tensorflow-model-optimization": result.version}
        accuracy, notes = self.accuracy(found), _remarks(self.plan, qat, zeros, told["steps"])
        work = dataclasses.replace(self, moved="averaged")
        return work.write(qat, zeros, accuracy, told, notes, engine="tfmot", versions=versions)

    def _trained(
        self, qat: QatModel, zeros: dict[str, float]
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        from edgekit.quantize.qat.callback import tuner_class

        bits = {name: plan.bits for name, plan in qat.plans.items()}
        return train(
            self.plan,
            qat.train,
            tuner_class()(qat.plans),
            self.samples,
            self.dataset,
            self.progress,
            mark=f"{self.moved} {self.method} {self.count} {sorted(zeros.items())} {bits}",
            keep_best=False,
        )

    def calibration(self) -> list[np.ndarray]:
        return self.dataset.calibration(self.count, self.plan.budget.seed).arrays()

    def measured(self, folded: Folded) -> dict[str, tuple[float, float]]:
        from edgekit.quantize.qat.model import measure_points

        self.progress.say(f"measuring ranges on {self.count} samples")
        return measure_points(folded, self.calibration(), self.method)

    def finish(self, qat: QatModel) -> None:
        """Outputs' ranges as they are now, then kernels and biases on their grids."""
        qat.refresh_outputs(self.calibration(), self.method)
        qat.settle()

    def accuracy(self, found: list[dict[str, float]]) -> dict[str, float] | None:
        """Means over the outputs; None where nothing can be counted."""
        from edgekit.verbs._scoring import mean_accuracy

        means = [mean_accuracy(each) for each in found]
        if any(mean is None for mean in means):
            return None
        told = {name: float(m or 0.0) for name, m in zip(_TIMES, means, strict=True)}
        return told | {"samples": len(self.samples.held_out)}

    def write(
        self,
        qat: QatModel,
        zeros: dict[str, float],
        accuracy: dict[str, float] | None,
        told: dict[str, Any],
        notes: tuple[str, ...],
        *,
        engine: str = "edgekit",
        versions: dict[str, str] | None = None,
    ) -> TrainQuantizedRecord:
        """The model with its ranges, and the record beside it."""
        loaded, out = self.plan.loaded, self.plan.out
        record = TrainQuantizedRecord(
            model=out,
            source=loaded.source.name if loaded.source else loaded.name,
            source_sha256=loaded.sha256,
            engine=engine,
            moved=self.moved,
            calibration={"method": self.method, "samples": self.count},
            kernels=_rows(qat, zeros),
            ranges=qat.ranges(),
            accuracy=accuracy,
            fine_tuning=told,
            versions=versions or {},
            warnings=(*self.dataset.warnings, *notes),
        )
        _save(qat, record)
        inputs = {record.source: loaded.sha256}
        if self.dataset.sha256:
            inputs[Path(self.dataset.source).name] = self.dataset.sha256
        files = {out.name: sha256_file(out)}
        name = beside(out, STAGE)
        write_record(out.parent, STAGE, record, inputs=inputs, files=files, file_name=name)
        return record


def check_tfmot(plan: Plan, moved: str) -> None:
    """EdgekitError naming the first choice that the package has nothing for."""
    wanted = (
        ("ranges", moved, moved in ("learned", "averaged"), "leave --ranges out"),
        ("teacher", plan.teacher, plan.teacher in ("self", "none", None), "give --teacher none"),
        ("augment", plan.augment, plan.augment in ("none", None), "leave --augment out"),
        ("steps", plan.budget.steps, plan.budget.steps is None, "give --epochs"),
    )
    for option, given, fits, instead in wanted:
        if not fits:
            named = given if isinstance(given, (str, int)) else type(given).__name__
            raise EdgekitError(
                f"the engine tfmot cannot do --{option} {named}",
                hint=f"{instead}, or use --engine edgekit",
            )


def _remarks(plan: Plan, qat: QatModel, before: dict[str, float], steps: int) -> tuple[str, ...]:
    """What the package does otherwise than edgekit's own training, where it matters."""
    found = []
    if plan.teacher == "self":
        found.append("the engine tfmot has no teacher: it trained on labels alone")
    if steps < SETTLED:
        found.append(
            f"tfmot's ranges begin at -6..6 and move by a thousandth a step: {steps} steps leave"
            f" {0.999**steps:.0%} of that in them"
        )
    weights = {name: np.asarray(of.variable).size for name, of in qat.plans.items()}
    after, total = sparsities(qat), sum(weights.values())
    had, has = (sum(z[n] * weights[n] for n in weights) / total for z in (before, after))
    if had > 0.1 and has < had:
        found.append(
            f"tfmot does not keep zeros: {had:.0%} of the weights were 0, {has:.0%} are;"
            " --engine edgekit keeps them"
        )
    return tuple(found)


def tfmot_samples(plan: Plan, samples: Samples) -> tuple[Any, dict[str, Any]]:
    """What the package trains on, and what the record tells of it. It has no teacher."""
    from edgekit.prune.tfmot_engine import Samples as Taught

    if not isinstance(samples.targets, np.ndarray):
        raise EdgekitError(
            "the engine tfmot trains models with one output", hint="use --engine edgekit"
        )
    budget = plan.budget.resolved(len(samples.targets))
    batch, epochs = budget.batch_size or 1, budget.epochs or 1
    taught = Taught(samples.train.arrays(), samples.targets, epochs, batch, budget.learning_rate)
    told = dataclasses.asdict(budget) | {"steps": taught.steps, "samples": len(taught.y)}
    return taught, told | {"best_epoch": epochs, "teacher": "none", "augment": "none"}


_TIMES = ("before", "rounded", "after")


def sparsities(qat: QatModel) -> dict[str, float]:
    """Layer of the folded model -> zeros over weights of its kernel."""
    return {
        name: float(np.mean(np.asarray(plan.variable) == 0)) for name, plan in qat.plans.items()
    }


def _rows(qat: QatModel, before: dict[str, float]) -> tuple[TrainedKernel, ...]:
    after = sparsities(qat)
    return tuple(
        TrainedKernel(
            layer=qat.folded.paths[name],
            weights=int(np.asarray(plan.variable).size),
            bits=plan.bits,
            sparsity={"before": before[name], "after": after[name]},
        )
        for name, plan in qat.plans.items()
    )


def _save(qat: QatModel, record: TrainQuantizedRecord) -> None:
    from edgekit.quantize.qat.stored import Trained, add_trained

    formats = {name: "int4" for name, plan in qat.plans.items() if plan.bits == 4}
    save_model(
        qat.folded.model,
        record.model,
        lambda path: add_trained(path, Trained(record.ranges, formats)),
    )
