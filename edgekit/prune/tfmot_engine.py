# SPDX-License-Identifier: Apache-2.0
"""Pruning and clustering by tensorflow-model-optimization, from the side of Keras 3.

The package works on Keras 2 only and turns the process that imports it to Keras 2, so it runs in
a worker (`tfmot_worker`); weights come back and go into a copy of the Keras 3 model. Outputs are
compared on both ways: Keras 2 must compute what Keras 3 does.
"""

from __future__ import annotations

import json
import math
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError, ToolMissing
from edgekit.model.tf import keras, quiet
from edgekit.progress import SILENT, Progress
from edgekit.prune.targets import SMALLEST, Kernel, find_kernels
from edgekit.prune.tfmot_process import run_worker
from edgekit.prune.tfmot_worker import get_weights, leaves, set_weights

PACKAGE = "tensorflow_model_optimization"
TOLERANCE = 1e-4  # of the largest output; float32 sums in another order differ by 1e-6
PROBES = 4
RAMP = 0.25  # of the steps, as in edgekit's own polynomial schedule
SCHEDULES = ("polynomial", "constant")
STARTS = ("KMEANS_PLUS_PLUS", "LINEAR", "DENSITY_BASED", "RANDOM")
_M_BY_N = re.compile(r"(\d+):(\d+)")
# Layers whose `kernel` (or pointwise kernel) the package prunes and clusters.
_TAKEN = {
    "Conv1D",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "Dense",
    "SeparableConv1D",
    "SeparableConv2D",
}


_DOING = {"prune": "pruning", "cluster": "clustering", "quantize": "training quantized"}


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """What is trained on: `x` one array per model input, `y` targets; Adam with a cosine rate."""

    x: Sequence[np.ndarray]
    y: np.ndarray
    epochs: int = 1
    batch_size: int = 128
    learning_rate: float = 1e-3

    @property
    def steps(self) -> int:
        return math.ceil(len(self.x[0]) / self.batch_size) * self.epochs


@dataclass(frozen=True, slots=True, eq=False)
class TfmotResult:
    """A new Keras 3 `model`; `layers` are the names of the kernels that it worked on.

    `off_before` and `off_after` are the largest difference between Keras 2's and Keras 3's
    outputs on random inputs, before and after, in parts of the largest output. `ranges` are those
    of layers' outputs, where they were trained.
    """

    model: Any
    layers: tuple[str, ...]
    off_before: float
    off_after: float
    version: str
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)


def need_tfmot() -> str:
    """Version of the installed package, without importing it; ToolMissing with the pip line."""
    if find_spec(PACKAGE) is None:
        raise ToolMissing(
            "tensorflow-model-optimization is not installed", hint="pip install 'edgekit[tfmot]'"
        )
    from importlib.metadata import version

    return version("tensorflow-model-optimization")


def prune_with_tfmot(
    model: Any,
    samples: Samples | None = None,
    *,
    sparsity: float,
    schedule: str = "polynomial",
    structure: str = "unstructured",
    keep: Sequence[str] = (),
    seed: int = 0,
    progress: Progress = SILENT,
) -> TfmotResult:
    """`model` pruned by magnitude to the same `sparsity` in each layer; it stays as it is.

    Protected are the layers that `find_kernels` protects. Without `samples` the weights are
    zeroed at once. `structure` is "unstructured" or "N:M", N weights of M going to zero where
    sparsity is N/M. EdgekitError for what the package cannot do.
    """
    version = need_tfmot()
    if schedule not in SCHEDULES:
        raise EdgekitError(
            f"the engine tfmot has no schedule '{schedule}'", hint=f"one of: {', '.join(SCHEDULES)}"
        )
    free = [kernel for kernel in find_kernels(model, keep) if not kernel.protected]
    kernels = _taken(model, free)
    job = {
        "verb": "prune",
        "sparsity": sparsity,
        "schedule": schedule,
        "ramp": RAMP,
        "m_by_n": check_structure(structure, sparsity),
    }
    return _run(model, kernels, samples, job, seed, version, progress)


def cluster_with_tfmot(
    model: Any,
    samples: Samples | None = None,
    *,
    clusters: int = 16,
    start: str = "KMEANS_PLUS_PLUS",
    keep: Sequence[str] = (),
    seed: int = 0,
    progress: Progress = SILENT,
) -> TfmotResult:
    """`model` with at most `clusters` different values in each kernel; it stays as it is.

    `start` is how the values are found (one of STARTS). Kernels with 256 weights or more take
    part, the first convolution too. EdgekitError for what the package cannot do.
    """
    version = need_tfmot()
    if start not in STARTS:
        raise EdgekitError(f"unknown start '{start}'", hint=f"one of: {', '.join(STARTS)}")
    if not 2 <= clusters <= 256:
        raise EdgekitError(
            f"{clusters} clusters are asked for, and it is 2 to 256", hint="give --clusters 16"
        )
    free = [k for k in find_kernels(model, keep) if k.protected in ("", "first convolution")]
    kernels = _taken(model, [kernel for kernel in free if kernel.values().size >= SMALLEST])
    job = {"verb": "cluster", "clusters": clusters, "start": start}
    return _run(model, kernels, samples, job, seed, version, progress)


def train_with_tfmot(
    model: Any, samples: Samples, *, seed: int = 0, progress: Progress = SILENT
) -> TfmotResult:
    """`model` trained with the package's fake-quantization (8 bits); it stays as it is.

    EdgekitError for a model that the package has no way to quantize.
    """
    version = need_tfmot()
    kernels = _taken(model, find_kernels(model, none_is_fine=True))
    return _run(model, kernels, samples, {"verb": "quantize"}, seed, version, progress)


def check_structure(structure: Any, sparsity: float) -> list[int]:
    """The package's (zeros, of): empty for single weights. "2:4" keeps 2 of 4.

    EdgekitError for what it does not know.
    """
    if structure == "unstructured":
        return []
    found = _M_BY_N.fullmatch(structure) if isinstance(structure, str) else None
    if not found:
        named = structure if isinstance(structure, str) else type(structure).__name__
        raise EdgekitError(
            f"the engine tfmot has no structure '{named}'",
            hint="it knows unstructured and N:M, for example 2:4; edgekit's own has more",
        )
    kept, of = int(found[1]), int(found[2])
    means = 1 - kept / max(of, 1)
    if not 0 < kept < of or abs(means - sparsity) > 1e-6:
        raise EdgekitError(
            f"structure {structure} means a sparsity of {means:g}, not {sparsity:g}",
            hint=f"give --sparsity {means:g}",
        )
    return [of - kept, of]


def _taken(model: Any, kernels: Sequence[Kernel]) -> list[Kernel]:
    """Those that the package handles; EdgekitError where none is."""
    own = {id(layer) for _, layer in leaves(model)}
    chosen = [
        kernel
        for kernel in kernels
        if id(kernel.layer) in own
        and type(kernel.layer).__name__ in _TAKEN
        and kernel.attribute in ("kernel", "pointwise_kernel")
    ]
    if not chosen:
        raise EdgekitError(
            "this model has no layer that tensorflow-model-optimization works on",
            hint=f"it takes {', '.join(sorted(_TAKEN))}",
        )
    return chosen


def _run(
    model: Any,
    kernels: Sequence[Kernel],
    samples: Samples | None,
    job: Mapping[str, Any],
    seed: int,
    version: str,
    progress: Progress,
) -> TfmotResult:
    paths = {id(layer): path for path, layer in leaves(model)}
    worked_on = [paths[id(kernel.layer)] for kernel in kernels]
    with tempfile.TemporaryDirectory(prefix="edgekit-tfmot-") as name:
        folder = Path(name)
        probe = _write_job(folder, model, samples, {**job, "layers": worked_on, "seed": seed})
        label = f"{_DOING[job['verb']]} (tfmot)"
        steps = samples.steps if samples else 0
        with progress.task(label, steps) as task:
            run_worker(folder, task)
        result = dict(np.load(folder / "result.npz"))
    off_before = _compare(_call(model, probe), result, "b")
    module = keras()
    with quiet():
        copy = module.models.clone_model(model)
    set_weights(copy, get_weights(model))
    set_weights(copy, result)
    off_after = _compare(_call(copy, probe), result, "a")
    names = tuple(kernel.name for kernel in kernels)
    ranges = {
        key.removeprefix("r/"): (float(ends[0]), float(ends[1]))
        for key, ends in result.items()
        if key.startswith("r/")
    }
    return TfmotResult(copy, names, off_before, off_after, version, ranges)


def _write_job(
    folder: Path, model: Any, samples: Samples | None, job: Mapping[str, Any]
) -> list[np.ndarray]:
    """Everything the worker reads; gives the probe's inputs."""
    rng = np.random.default_rng(0)
    probe = [
        rng.random((PROBES, *(side or 32 for side in tensor.shape[1:]))).astype(str(tensor.dtype))
        for tensor in model.inputs
    ]
    arrays = get_weights(model) | {f"p/{i}": array for i, array in enumerate(probe)}
    training: dict[str, Any] = {"steps": 0}
    if samples is not None:
        from edgekit.prune.loss import task_loss, task_of

        loss = task_loss(task_of(model, samples.y))
        logits = loss.get_config().get("from_logits")
        settings = {} if logits is None else {"from_logits": bool(logits)}
        training = {
            "steps": samples.steps,
            "epochs": samples.epochs,
            "batch_size": samples.batch_size,
            "learning_rate": samples.learning_rate,
            "loss": {"name": type(loss).__name__, "settings": settings},
        }
        arrays |= {f"x/{i}": np.asarray(array) for i, array in enumerate(samples.x)}
        arrays["y"] = samples.y
    np.savez(folder / "arrays.npz", **arrays)  # type: ignore[arg-type]
    (folder / "model.json").write_text(model.to_json())
    (folder / "job.json").write_text(json.dumps({**job, **training}))
    return probe


def _call(model: Any, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    with quiet():  # Keras remarks on [x] for x
        outputs = model(list(inputs) if len(inputs) > 1 else inputs[0], training=False)
    return [np.asarray(output) for output in keras().tree.flatten(outputs)]


def _compare(ours: Sequence[np.ndarray], result: Mapping[str, np.ndarray], when: str) -> float:
    """The largest difference in parts of the largest output; EdgekitError above TOLERANCE."""
    worst = 0.0
    for place, output in enumerate(ours):
        theirs = result[f"{when}/{place}"]
        largest = max(1.0, float(np.max(np.abs(theirs))))
        worst = max(worst, float(np.max(np.abs(output - theirs))) / largest)
    if not worst <= TOLERANCE:
        raise EdgekitError(
            f"Keras 2 computes something else than Keras 3 from this model (off by {worst:.2g})",
            hint="use edgekit's own engine, which works on Keras 3",
        )
    return worst
