# SPDX-License-Identifier: Apache-2.0
"""Every form of `--data` as a Dataset that is known to fit the model."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.artifacts import sha256_file
from edgekit.errors import EdgekitError
from edgekit.model.dataset import Dataset, LazyArray, Samples, Split
from edgekit.model.fit import fit_labels, fit_samples
from edgekit.model.info import InputSpec
from edgekit.model.readers import csv_file, folders, functions, numpy_files, tfrecord
from edgekit.model.readers.raw import Raw

_FILES: dict[str, Callable[[Path, Sequence[InputSpec]], Raw]] = {
    ".npz": numpy_files.read_npz,
    ".npy": numpy_files.read_npy,
    ".csv": csv_file.read_csv,
    ".zip": folders.read_zip,
    ".tfrecord": tfrecord.read_tfrecord,
    ".tfrecords": tfrecord.read_tfrecord,
}
_FORMS = (
    ".npz, .npy, .csv, .tfrecord, a folder or .zip of class folders, or package.module:function"
)


def load_data(spec: Any, inputs: Sequence[InputSpec]) -> Dataset:
    """The data that `spec` names, checked against `inputs` (one InputSpec per model input).

    `spec` is a path, `package.module:function`, or live: an array of samples, a pair (x, y), a
    dict of arrays named as in an .npz, or a tf.data dataset. x keeps its own dtype (uint8 images
    stay uint8). EdgekitError: unreadable, empty, NaN, wrong shape or dtype, labels that do not
    match.
    """
    raw = _read(spec, inputs)
    where = f"'{raw.source}'"
    train = _split(raw.arrays, raw.train_keys, inputs, where, raw.train_answers)
    test = None
    if raw.test_keys:
        test = _split(raw.arrays, raw.test_keys, inputs, where, raw.test_answers)
    return Dataset(train, test, raw.classes, raw.source, _digest(spec), warnings=raw.warnings)


def generated(inputs: Sequence[InputSpec], samples: int, seed: int) -> Dataset:
    """`samples` seeded inputs for when there are no data; they stand for nothing real.

    Uniform over the range of a quantized input, over 0..1 of a float one.
    """
    rng = np.random.default_rng(seed)
    arrays: list[Samples] = []
    for spec in inputs:
        if spec.open:
            raise _open_shape(spec)
        low = 0.0 if spec.low is None else spec.low
        high = 1.0 if spec.high is None else spec.high
        shape = (samples, *(side or 1 for side in spec.shape))
        arrays.append(rng.uniform(low, high, shape).astype(np.float32))
    return Dataset(Split(arrays), source="generated", generated=True)


def closed_inputs(inputs: Sequence[InputSpec], dataset: Dataset | None) -> tuple[InputSpec, ...]:
    """`inputs` with open sides taken from the data; EdgekitError where there are none to ask."""
    closed = []
    for position, spec in enumerate(inputs):
        if not spec.open:
            closed.append(spec)
            continue
        if dataset is None or dataset.generated:
            raise _open_shape(spec)
        sample = np.asarray(dataset.train.take([0]).x[position])
        closed.append(InputSpec(spec.name, tuple(sample.shape[1:]), spec.dtype))
    return tuple(closed)


def _open_shape(spec: InputSpec) -> EdgekitError:
    return EdgekitError(
        f"input '{spec.name}' has an open shape {spec.words()}; a microcontroller needs one",
        hint="give --data of the size to use, or build it with a fixed keras.Input(shape=...)",
    )


def _read(spec: Any, inputs: Sequence[InputSpec]) -> Raw:
    if not isinstance(spec, (str, Path)):
        return functions.read_live(spec, inputs)
    path = Path(spec)
    if path.is_dir():
        return folders.read_folder(path, inputs)
    if path.is_file():
        reader = _FILES.get(path.suffix.lower())
        if reader is None:
            raise EdgekitError(
                f"'{path}' is no data file that edgekit reads", hint=f"give {_FORMS}"
            )
        return reader(path, inputs)
    text = str(spec)
    if ":" in text and "/" not in text.split(":")[-1] and path.suffix.lower() not in _FILES:
        return functions.read_function(text, inputs)
    raise EdgekitError(f"there is no data '{spec}'", hint=f"give {_FORMS}")


def _split(
    arrays: Mapping[str, Samples],
    keys: tuple[str, ...],
    inputs: Sequence[InputSpec],
    where: str,
    answers: Mapping[str, str],
) -> Split:
    """`keys` are the names of the inputs' arrays, then that of the labels ("" = none).

    `answers` maps outputs to the names of the arrays of their own labels.
    """
    *names, label_key = keys
    x: list[Samples] = []
    for name, spec in zip(names, inputs, strict=True):
        array = arrays[name]
        label = f"{where} (array '{name}')" if len(arrays) > 1 else where
        if isinstance(array, LazyArray):
            x.append(array)
        else:
            x.append(fit_samples(array, spec, label))
    counts = {len(array) for array in x}
    if len(counts) != 1:
        raise EdgekitError(
            f"the inputs in {where} have different numbers of samples: {sorted(counts)}",
            hint="give each input the same number of samples",
        )
    y = fit_labels(np.asarray(arrays[label_key]), len(x[0]), where) if label_key else None
    labels = {
        output: fit_labels(np.asarray(arrays[name]), len(x[0]), f"{where} (array '{name}')")
        for output, name in answers.items()
    }
    return Split(x, y, labels)


def _digest(spec: Any) -> str:
    if isinstance(spec, (str, Path)) and Path(spec).is_file():
        return sha256_file(Path(spec))
    return ""


def samples_bytes(inputs: Sequence[InputSpec]) -> int:
    """Bytes of one float32 sample, to choose batch sizes by."""
    return 4 * sum(math.prod(side or 1 for side in spec.shape) for spec in inputs)
