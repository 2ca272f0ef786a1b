# SPDX-License-Identifier: Apache-2.0
"""What `debug-quant` looks at: a model as float and as int8, and samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.progress import Progress
from edgekit.quantize.checks import Evidence, run_checks
from edgekit.quantize.debug.align import Step, align
from edgekit.quantize.debug.losses import real_range
from edgekit.tflite.golden import tflm_version
from edgekit.tflite.graph import Graph
from edgekit.tflite.reader import read_graph
from edgekit.verbs._conversion import Options, is_tflite

OUTSIDE = 0.01  # of input values beyond what the int8 input holds: data of another scale
UNUSED = 8.0  # times that the input's range is wider than the data: likewise


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """`float_file` and `tflite` are the same model, `aligned` says which tensors are the same."""

    source: str
    source_sha256: str
    data: str
    data_sha256: str
    tflite_name: str
    calibration: str
    float_file: bytes
    tflite: bytes
    floats: Graph
    graph: Graph
    aligned: tuple[Step, ...]
    x: list[np.ndarray]
    outputs: list[np.ndarray]
    warnings: tuple[str, ...]

    def evidence(self, integers: Sequence[np.ndarray]) -> Evidence:
        return Evidence(
            self.graph,
            self.source,
            samples=len(self.x[0]),
            floats=self.outputs,
            integers=integers,
        )

    def findings(self, evidence: Evidence) -> Iterator[str]:
        """What is wrong with the model as a whole, one line each."""
        yield from self._scales()
        for result in run_checks(evidence):
            if result.status == "failed":
                yield from result.found

    def _scales(self) -> Iterator[str]:
        for array, index in zip(self.x, self.graph.inputs, strict=True):
            tensor = self.graph.tensor(index)
            if tensor.quant is None or tensor.dtype == "float32":
                continue
            low, high = real_range(tensor)
            span = f"the data span {array.min():g}..{array.max():g}"
            holds = f"the int8 input holds {low:.4g}..{high:.4g}"
            half = tensor.q.scale / 2
            outside = float(np.mean((array < low - half) | (array > high + half)))
            wide = (high - low) / max(float(np.max(array)) - float(np.min(array)), 1e-30)
            if outside > OUTSIDE:
                yield f"input scaled wrongly: {span}, {holds}"
            elif wide > UNUSED:
                yield f"input scaled wrongly: {span}, {holds}, {wide:.0f} times as much"


def load_subject(
    model: Any,
    data: Any,
    tflite: str | Path | None,
    samples: int,
    eval_samples: int,
    calibration: str,
    seed: int,
    custom: tuple[Any, ...],
    progress: Progress,
) -> Subject:
    """Load, quantize (or read `tflite`), and run the float model; EdgekitError as `convert`."""
    _refuse_what_cannot(model)
    options = Options(samples=samples, seed=seed, calibration=calibration, custom=custom)
    options.check()
    file = Path(tflite) if tflite else None
    return _converted(model, data, file, options, eval_samples, progress)


def _refuse_what_cannot(model: Any) -> None:
    if is_tflite(model):
        raise EdgekitError(
            f"'{model}' is a .tflite file; what it lost can only be seen beside its float model",
            hint="give the Keras model it came from, and this file with --tflite",
        )
    if not tflm_version():
        raise EdgekitError(
            "the TFLM interpreter, which shows every layer, is not installed on this machine",
            hint="pip install tflite-micro (Linux x86-64 only)",
        )


def _converted(
    model: Any, data: Any, file: Path | None, options: Options, count: int, progress: Progress
) -> Subject:
    from edgekit.model.load import load_model
    from edgekit.quantize.suitable import check_suitable
    from edgekit.verbs._calibration import calibration_set
    from edgekit.verbs._conversion import _data_name, _dataset, _float_side

    progress.say("loading the model")
    loaded = load_model(model, custom=options.custom)
    check_suitable(loaded)
    dataset = _dataset(data, loaded, options)
    chosen = calibration_set(dataset, options.samples, options.seed)
    _, warnings = _float_side(loaded, dataset, chosen.first, options)  # a wrong scale is refused
    progress.say(f"quantizing with {len(chosen)} samples")
    quantized, float_file = _quantized(loaded, dataset, chosen.split.x, options.calibration)
    stored = file.read_bytes() if file else quantized.tflite
    graph = read_graph(stored, name=loaded.name)
    floats = read_graph(float_file, name=loaded.name)
    x = dataset.evaluation(count, options.seed, calibrated=options.samples).arrays()
    return Subject(
        source=loaded.source.name if loaded.source else loaded.name,
        source_sha256=loaded.sha256,
        data=_data_name(dataset),
        data_sha256=dataset.sha256,
        tflite_name=file.name if file else "",
        calibration="" if file else quantized.method,
        float_file=float_file,
        tflite=stored,
        floats=floats,
        graph=graph,
        aligned=_aligned(floats, graph, file),
        x=x,
        outputs=loaded(x),
        warnings=(*dataset.warnings, *chosen.warnings, *warnings, *quantized.remarks),
    )


def _quantized(loaded: Any, dataset: Any, x: Any, method: str) -> tuple[Any, bytes]:
    """What `convert_int8` gives, and its float file."""
    from edgekit.model.data import closed_inputs
    from edgekit.quantize.convert import convert_int8

    quantized = convert_int8(loaded, closed_inputs(loaded.inputs, dataset), x, method=method)
    if quantized.float_file is None:
        raise EdgekitError(
            "this TensorFlow does not show the float model before it is quantized",
            hint="pip install tensorflow==2.21.0",
        )
    return quantized, quantized.float_file


def _aligned(floats: Graph, graph: Graph, file: Path | None) -> tuple[Step, ...]:
    shapes = [[g.tensor(i).shape for i in g.inputs] for g in (floats, graph)]
    steps = align(floats, graph) if shapes[0] == shapes[1] else ()
    if len(steps) < 2 and len(floats.ops) > 0:
        where = f"'{file}'" if file else "the int8 file"
        raise EdgekitError(
            f"{where} is not this model: none of its ops is one of the model's",
            hint="give the Keras model that the file was converted from",
        )
    return steps
