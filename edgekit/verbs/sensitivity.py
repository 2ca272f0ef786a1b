# SPDX-License-Identifier: Apache-2.0
"""`edgekit.sensitivity()`: what each layer of a model bears, tried one layer at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.artifacts import hash_tree, staged_folder, write_record, write_text
from edgekit.errors import EdgekitError
from edgekit.progress import SILENT, Progress

if TYPE_CHECKING:
    from edgekit.model.dataset import Dataset, Split
    from edgekit.model.load import LoadedModel
    from edgekit.prune.criteria import Criterion
    from edgekit.prune.evidence import Evidence
    from edgekit.prune.sensitivity import Harm
    from edgekit.prune.targets import Kernel

SPARSITIES = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9)
BITS = (8, 4)
STAGE = "sensitivity"
BEARS_POINTS = 0.02  # of accuracy that may be lost where a layer "bears" a sparsity
BEARS_CHANGE = 0.1  # of the outputs, where there is no accuracy


@dataclass(frozen=True, slots=True)
class Trial:
    """The model with one layer at `sparsity`, or its weights at `bits` bits (the other is None).

    `accuracy` is a fraction of one, `lost` how much less that is than the whole model's;
    both None without labels. `output_change` is the RMSE of the outputs against the whole
    model's, over their spread.
    """

    sparsity: float | None
    bits: int | None
    accuracy: float | None
    lost: float | None
    output_change: float


@dataclass(frozen=True, slots=True)
class SensitiveLayer:
    """One kernel. `bears` is the highest sparsity tried that costs at most two points of accuracy
    (or a tenth of output change), 0 where none does; `protected` why pruning leaves it alone."""

    name: str
    shape: tuple[int, ...]
    weights: int
    protected: str
    bears: float
    trials: tuple[Trial, ...]


@dataclass(frozen=True, slots=True)
class SensitivityRecord:
    """What each layer alone does to the model; nothing is fine-tuned, and nothing stays changed.

    `metric` is "accuracy" or "output_change": what `bears` and the heat map go by; `method` is the
    criterion that says which weights of a layer go first.
    """

    page: Path
    source: str
    source_sha256: str
    data: str
    metric: str
    accuracy: float | None
    samples: int
    seed: int
    method: str
    sparsities: tuple[float, ...]
    bits: tuple[int, ...]
    layers: tuple[SensitiveLayer, ...]
    warnings: tuple[str, ...]


def sensitivity(
    model: Any,
    data: Any = None,
    *,
    out: str | Path,
    sparsities: Sequence[float] = SPARSITIES,
    bits: Sequence[int] = BITS,
    method: Any = "magnitude",
    samples: int = 500,
    seed: int = 0,
    custom: tuple[Any, ...] = (),
    force: bool = False,
    progress: Progress = SILENT,
) -> SensitivityRecord:
    """Try each layer of `model` alone at each of `sparsities` and with weights of `bits` bits.

    `method` is the criterion that says which weights go first, a row of prune's table or one's own.
    Judged by accuracy on at most `samples` of labelled `data`, else by how much the outputs
    change; without data on generated inputs. Writes the folder `out`: `sensitivity.json` and the
    heat map `sensitivity.html`. EdgekitError for a model, data or values that do not serve.
    """
    from edgekit.artifacts import check_writable
    from edgekit.model.data import generated, load_data
    from edgekit.model.load import load_model
    from edgekit.prune.criteria import named_criterion
    from edgekit.prune.sensitivity import check_harms

    out, criterion = Path(out), named_criterion(method)
    harms = check_harms(sparsities, bits)
    if samples < 1:
        raise EdgekitError(f"{samples} samples were asked for", hint="give --samples 500")
    check_writable(out, force=force)
    progress.say("loading the model")
    loaded = load_model(model, custom=custom)
    dataset = generated(loaded.inputs, samples, seed) if data is None else None
    dataset = dataset or load_data(data, loaded.inputs)
    judge = _Judge(loaded, dataset.evaluation(samples, seed))
    evidence = _evidence(loaded, dataset, seed, labels=criterion.needs == "labels")
    layers = _scan(loaded, harms, judge, (criterion, evidence), progress)
    record = _record(out, loaded, dataset, judge, layers, harms, seed, criterion.name)
    _write(out, record, loaded, dataset, force=force)
    return record


class _Judge:
    """The whole model's outputs on the chosen samples, and how far a harmed model is from them."""

    def __init__(self, loaded: LoadedModel, split: Split) -> None:
        self._loaded = loaded
        self._x = split.arrays()
        self.samples = len(split)
        self._outputs = loaded(self._x)
        if not all(np.isfinite(array).all() for array in self._outputs):
            raise EdgekitError(
                f"model '{loaded.name}' gives outputs that are not finite numbers",
                hint="check its weights and that the data have the scale it was trained on",
            )
        self._y = split.y if _classes(split, self._outputs) else None
        self.accuracy = self._score(self._outputs)

    def __call__(self) -> tuple[float | None, float]:
        """Accuracy (None without labels) and output change of the model as it now is."""
        outputs = self._loaded(self._x)
        pairs = zip(outputs, self._outputs, strict=True)
        return self._score(outputs), float(np.mean([_change(a, b) for a, b in pairs]))

    def _score(self, outputs: Sequence[np.ndarray]) -> float | None:
        from edgekit.measure.compare import score

        return None if self._y is None else score(outputs[0], self._y).accuracy


def _classes(split: Split, outputs: Sequence[np.ndarray]) -> bool:
    """Whether labels are classes that the one output tells apart."""
    if not split.labelled or len(outputs) != 1 or split.y is None:
        return False
    return outputs[0][0].size > 1 or bool(np.isin(split.y, (0, 1)).all())


def _change(ours: np.ndarray, whole: np.ndarray) -> float:
    difference = np.sqrt(np.mean(np.square(ours.astype(np.float64) - whole)))
    spread = float(np.std(whole)) or float(np.sqrt(np.mean(np.square(whole)))) or 1.0
    return float(difference / spread)


def _scan(
    loaded: LoadedModel,
    harms: Sequence[Harm],
    judge: _Judge,
    ranking: tuple[Criterion, Evidence | None],
    progress: Progress,
) -> tuple[SensitiveLayer, ...]:
    from edgekit.prune.sensitivity import scan
    from edgekit.prune.targets import find_kernels

    if loaded.keras is None:
        raise EdgekitError(
            f"'{loaded.source}' is a SavedModel without Keras layers, so none can be tried alone",
            hint="give the .keras or .h5 file that it was exported from",
        )
    kernels = find_kernels(loaded.keras, none_is_fine=True)
    if not kernels:
        raise EdgekitError(
            "this model has no kernel of a kind that can be pruned",
            hint="it takes dense, convolutional, recurrent and attention layers",
        )
    criterion, evidence = ranking
    assert evidence is not None
    worths = criterion(kernels, evidence)
    trials: dict[str, list[Trial]] = {kernel.name: [] for kernel in kernels}
    with progress.task("trying layers", len(kernels) * len(harms)) as task:
        for probe in scan(kernels, harms, judge, worths):
            accuracy, change = probe.result
            lost = None
            if accuracy is not None and judge.accuracy is not None:
                lost = judge.accuracy - accuracy
            sparsity, bits = probe.harm.sparsity or None, probe.harm.bits or None
            trials[probe.kernel.name].append(Trial(sparsity, bits, accuracy, lost, change))
            task.advance(note=probe.kernel.name)
    return tuple(_layer(kernel, trials[kernel.name]) for kernel in kernels)


def _evidence(loaded: LoadedModel, dataset: Dataset, seed: int, *, labels: bool) -> Evidence | None:
    """The samples that criteria look at, never generated ones; None without Keras layers."""
    from edgekit.prune.evidence import make_evidence
    from edgekit.prune.goals import goals_of
    from edgekit.verbs._lessons import targets_of

    if loaded.keras is None:
        return None
    if dataset.generated:
        return make_evidence(loaded.keras, seed=seed)
    y = targets_of(loaded, dataset.train) if labels else None
    loss = goals_of(loaded.keras, y).loss if y is not None else None
    return make_evidence(loaded.keras, dataset.train.x, y, loss=loss, seed=seed)


def _layer(kernel: Kernel, trials: Sequence[Trial]) -> SensitiveLayer:
    shape = tuple(int(side) for side in kernel.variable.shape)
    return SensitiveLayer(
        name=kernel.name,
        shape=shape,
        weights=int(np.prod(shape)),
        protected=kernel.protected,
        bears=_bears(trials),
        trials=tuple(trials),
    )


def _bears(trials: Sequence[Trial]) -> float:
    """The last sparsity before the first one that costs too much."""
    found = 0.0
    for trial in sorted((t for t in trials if t.sparsity), key=lambda t: t.sparsity or 0.0):
        fine = (
            trial.output_change <= BEARS_CHANGE
            if trial.lost is None
            else (trial.lost <= BEARS_POINTS)
        )
        if not fine:
            break
        found = trial.sparsity or 0.0
    return found


def _record(
    out: Path,
    loaded: LoadedModel,
    dataset: Dataset,
    judge: _Judge,
    layers: tuple[SensitiveLayer, ...],
    harms: Sequence[Harm],
    seed: int,
    method: str,
) -> SensitivityRecord:
    warnings = list(dataset.warnings)
    if dataset.generated:
        warnings.append("tried on generated inputs, which stand for no real data; give --data")
    elif judge.accuracy is None:
        warnings.append("no class labels that fit the outputs: judged by how the outputs change")
    return SensitivityRecord(
        page=out / f"{STAGE}.html",
        source=loaded.source.name if loaded.source else loaded.name,
        source_sha256=loaded.sha256,
        data=Path(dataset.source).name if "/" in dataset.source else dataset.source,
        metric="output_change" if judge.accuracy is None else "accuracy",
        accuracy=judge.accuracy,
        samples=judge.samples,
        seed=seed,
        method=method,
        sparsities=tuple(harm.sparsity for harm in harms if harm.sparsity),
        bits=tuple(harm.bits for harm in harms if harm.bits),
        layers=layers,
        warnings=tuple(warnings),
    )


def _write(
    out: Path, record: SensitivityRecord, loaded: LoadedModel, dataset: Dataset, *, force: bool
) -> None:
    from edgekit.report.sensitivity import sensitivity_page

    with staged_folder(out, STAGE, force=force) as folder:
        write_text(folder / record.page.name, sensitivity_page(record))
        files = hash_tree(folder)
    inputs = {record.source: loaded.sha256}
    if dataset.sha256:
        inputs[record.data] = dataset.sha256
    write_record(out, STAGE, record, inputs=inputs, files=files)
