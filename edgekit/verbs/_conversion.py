# SPDX-License-Identifier: Apache-2.0
"""The part of `convert` that needs TensorFlow: load, calibrate, quantize, and compare."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.progress import Progress
from edgekit.quantize.checks import CheckResult, Evidence, check_allowed
from edgekit.quantize.weights import Weights, Wishes
from edgekit.tflite.graph import Graph
from edgekit.verbs._calibration import CalibrationSet, calibration_set
from edgekit.verbs._checked import allow_words, checked, full_evidence, watched_outputs
from edgekit.verbs._weights import handed_in, weight_words
from edgekit.verbs._zeros import KernelZeros, Zeros, kernel_zeros

if TYPE_CHECKING:
    from edgekit.model.dataset import Dataset, Split
    from edgekit.model.load import LoadedModel
    from edgekit.quantize.convert import Quantized
    from edgekit.quantize.statistics import TensorStatistics
    from edgekit.verbs._hosted import Hosted

COMPARED_SAMPLES = 32  # for the output error; every one costs a run of TFLM's reference kernels


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a conversion that change its result."""

    samples: int = 200
    eval_samples: int = 100
    seed: int = 0
    calibration: str = "mse"
    input_dtype: str = "int8"
    output_dtype: str = "int8"
    custom: tuple[Any, ...] = ()
    compress: str = ""
    strip: bool = False
    allow: tuple[str, ...] = ()
    wishes: Wishes = field(default_factory=Wishes)

    def check(self) -> None:
        """EdgekitError for a value that no conversion can be done with."""
        from edgekit.quantize.compress.choose import check_mode
        from edgekit.quantize.convert import check_options

        check_options(self.input_dtype, self.output_dtype, self.calibration)
        check_mode(self.compress)
        check_allowed(self.allow)
        self.wishes.check()
        if self.samples < 1 or self.eval_samples < 0:
            raise EdgekitError(
                f"{self.samples} calibration and {self.eval_samples} evaluation samples are asked"
                " for",
                hint="give --samples 1 or more (200 are enough), --eval-samples 0 or more",
            )

    def words(self) -> list[str]:
        """The command line words for whatever differs from the defaults."""
        words = []
        for name in ("samples", "eval_samples", "seed", "calibration"):
            words += self._word(name)
        words += self._word("input_dtype") + self._word("output_dtype") + self._word("compress")
        words += ["--strip"] if self.strip else []
        words += weight_words(self.wishes) + allow_words(self.allow)
        for item in self.custom:
            words += ["--custom", item if isinstance(item, str) else item.__name__]
        return words

    def _word(self, name: str) -> list[str]:
        value = getattr(self, name)
        default = getattr(Options(), name)
        return [] if value == default else [f"--{name.replace('_', '-')}", str(value)]


@dataclass(frozen=True, slots=True, eq=False)
class Conversion:
    """A quantized model and where it came from; the results of comparing it once they exist."""

    graph: Graph
    tflite: bytes
    source: str
    source_sha256: str
    source_bytes: int
    data: str = ""
    data_sha256: str = ""
    float_tflite_bytes: int | None = None
    calibration: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    floats: Floats | None = None
    quantized: Quantized | None = None
    kernels: tuple[KernelZeros, ...] = ()
    evidence: Evidence | None = None
    allow: tuple[str, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    weights: Weights | None = None
    accuracy: dict[str, float] | None = None
    output_error: dict[str, float] | None = None

    def statistics(self) -> tuple[TensorStatistics, ...]:
        """Of activations on the calibration samples and of weights; () where nothing was seen."""
        from edgekit.quantize.statistics import tensor_statistics
        from edgekit.tflite.reader import read_graph

        if self.quantized is None or self.quantized.float_file is None:
            return ()
        floats = read_graph(self.quantized.float_file)
        return tensor_statistics(self.graph, floats, self.quantized.measured)

    def compare(self, hosted: Hosted, progress: Progress) -> Conversion:
        """With `output_error` and `accuracy` filled in; unchanged for a .tflite given as it is."""
        if self.floats is None or hosted.golden is None:
            return self
        return _compare(self, self.floats, hosted, progress)


@dataclass(frozen=True, slots=True, eq=False)
class Floats:
    """What the float model gave: `calibration` outputs for `x`, and the scored split's."""

    x: list[np.ndarray]
    outputs: list[np.ndarray]
    scored: Split | None
    accuracy: float | None


def is_tflite(model: Any) -> bool:
    """Whether `model` is the path of a .tflite file (by content)."""
    if not isinstance(model, (str, Path)):
        return False
    from edgekit.model.files import kind_of

    return kind_of(Path(model)) == "tflite"


def from_keras(model: Any, data: Any, options: Options, progress: Progress) -> Conversion:
    """Load, check the data, quantize and check the result; `floats` holds the float outputs.

    A model trained quantized does not have to agree with its float self on generated inputs.
    """
    from edgekit.model.data import closed_inputs
    from edgekit.model.load import load_model
    from edgekit.quantize.convert import TRAINED
    from edgekit.quantize.suitable import check_suitable
    from edgekit.tflite.reader import read_graph

    progress.say("loading the model")
    loaded = load_model(model, custom=options.custom)
    check_suitable(loaded)
    dataset = _dataset(data, loaded, options)
    inputs = closed_inputs(loaded.inputs, dataset)
    chosen = calibration_set(dataset, options.samples, options.seed)
    floats, warnings = _float_side(loaded, dataset, chosen.first, options)
    progress.say(f"quantizing with {len(chosen)} samples")
    quantized, weights = _quantized(loaded, inputs, chosen, options)
    alone = dataset.generated and quantized.method == TRAINED
    warnings = [*dataset.warnings, *chosen.warnings, *([] if alone else warnings)]
    graph = read_graph(quantized.tflite, name=loaded.name)
    zeros = Zeros() if loaded.keras is None else kernel_zeros(loaded.keras, graph)
    evidence = Evidence(graph, loaded.name, generated=dataset.generated, lost_zeros=zeros.lost)
    return Conversion(
        graph=graph,
        tflite=quantized.tflite,
        source=loaded.source.name if loaded.source else loaded.name,
        source_sha256=loaded.sha256,
        source_bytes=loaded.source_bytes,
        data=_data_name(dataset),
        data_sha256=dataset.sha256,
        float_tflite_bytes=len(quantized.float_file) if quantized.float_file else None,
        calibration={"samples": len(chosen), "method": quantized.method, "seed": options.seed},
        warnings=(*warnings, *quantized.remarks, *zeros.remarks),
        floats=None if alone else floats,
        quantized=quantized,
        weights=weights,
        kernels=zeros.rows,
        evidence=evidence,
        allow=options.allow,
        checks=checked(evidence, options.allow),
    )


def _quantized(
    loaded: LoadedModel, inputs: Any, chosen: CalibrationSet, options: Options
) -> tuple[Quantized, Weights | None]:
    from edgekit.quantize.convert import convert_int8

    weights, trained = handed_in(loaded, options.wishes, options.seed)
    quantized = convert_int8(
        loaded,
        inputs,
        chosen.split.x,
        input_dtype=options.input_dtype,
        output_dtype=options.output_dtype,
        method=options.calibration,
        weights=weights,
        trained=trained,
    )
    return quantized, weights


def _dataset(data: Any, loaded: LoadedModel, options: Options) -> Dataset:
    from edgekit.model.data import generated, load_data

    if data is None:
        return generated(loaded.inputs, options.samples, options.seed)
    return load_data(data, loaded.inputs)


def _data_name(dataset: Dataset) -> str:
    return Path(dataset.source).name if "/" in dataset.source else dataset.source


def _float_side(
    loaded: LoadedModel, dataset: Dataset, x: list[np.ndarray], options: Options
) -> tuple[Floats, list[str]]:
    """Float outputs before the conversion, so that data of a wrong scale are refused early."""
    from edgekit.measure.compare import score
    from edgekit.model.scale import refuse_wrong_scale, scale_warning

    warnings = []
    if dataset.generated:
        warnings.append("calibrated on generated inputs: its ranges fit no real data; give --data")
    scored = None
    if dataset.train.labelled and options.eval_samples and _has_one_output(loaded):
        scored = dataset.evaluation(options.eval_samples, options.seed, calibrated=options.samples)
    first = [array[:COMPARED_SAMPLES] for array in x]
    if not scored or not len(scored):
        outputs, accuracy, scored = loaded(first), None, None
    else:
        arrays = scored.arrays()
        both = loaded([np.concatenate(pair) for pair in zip(first, arrays, strict=True)])
        outputs = [array[: len(first[0])] for array in both]
        results = both[0][len(first[0]) :]
        if scored.y is None or not _counts_classes(results, scored.y):
            return Floats(first, outputs, None, None), warnings
        accuracy = score(results, scored.y).accuracy
        if len(arrays) == 1:
            refuse_wrong_scale(loaded, arrays[0], scored.y, accuracy)
    if len(x) == 1 and not dataset.generated and (warning := scale_warning(loaded, x[0])):
        warnings.append(warning)
    return Floats(first, outputs, scored, accuracy), warnings


def _has_one_output(loaded: LoadedModel) -> bool:
    return loaded.keras is None or len(loaded.keras.outputs) == 1


def _counts_classes(results: np.ndarray, y: np.ndarray) -> bool:
    """False for a single output with whole numbers other than 0 and 1 as targets: a regression."""
    return results[0].size > 1 or bool(np.isin(y, (0, 1)).all())


def _compare(done: Conversion, floats: Floats, hosted: Hosted, progress: Progress) -> Conversion:
    from edgekit.measure.compare import score
    from edgekit.quantize.agree import output_error, real_outputs

    assert hosted.golden is not None and done.evidence is not None
    scored = floats.scored.arrays() if floats.scored else []
    total = len(floats.x[0]) + (len(scored[0]) if scored else 0)
    with progress.task("comparing int8 with float", total) as task:
        quantized, watcher = watched_outputs(
            done.tflite, done.graph, hosted.golden, floats.x, task.advance
        )
        error = output_error(floats.outputs, quantized) | {"samples": len(floats.x[0])}
        clipped = {row.index: row.clipped for row in done.statistics() if row.kind != "weights"}
        evidence = replace(done.evidence, clipped=clipped)
        evidence = full_evidence(evidence, done.graph, floats.outputs, quantized, watcher)
        done = replace(done, output_error=error, checks=checked(evidence, done.allow))
        if not scored or floats.scored is None or floats.scored.y is None:
            return done
        outputs = real_outputs(hosted.golden, done.graph, scored, task.advance)
    accuracy = {
        "float": float(floats.accuracy or 0.0),
        "int8": score(outputs[0], floats.scored.y).accuracy,
        "samples": len(floats.scored),
    }
    return replace(done, accuracy=accuracy)
