# SPDX-License-Identifier: Apache-2.0
"""Inputs made up for a task whose data are not at hand, the same for the same seed.

Their labels are what the host's golden says of them. So the device's accuracy on them is not the
model's: it is how often device and host agree, which is all that made-up inputs can show.
"""

from __future__ import annotations

import numpy as np

from edgekit.verbs._mlperf_data import File, Files, file_name, missing
from edgekit.verbs._mlperf_golden import Judge, as_sent

SOURCE = "generated"
# Patterns drawn at first, and changes tried for a class that none of them is of.
_DRAWN = 150
_STARTS, _CHANGES = 4, 400
# By how much a result is above the others, of which three decimals are said.
_CLEARLY = 0.01
_FRAMES_MORE = 3  # windows in a file of ad01, less one


def generated_files(judge: Judge, count: int, seed: int) -> Files:
    """About `count` files, each class as often; a class that is not found is named in a warning."""
    rng = np.random.default_rng(seed)
    if judge.task.convention == "float32":
        files = _spectra(judge, count, rng)
        truth = "made up: noise that the model cannot rebuild is the anomaly"
    else:
        files = _classes(judge, count, rng)
        truth = "the host's golden"
    return Files(tuple(files), SOURCE, truth, missing(files, judge.task), real=False)


def _classes(judge: Judge, count: int, rng: np.random.Generator) -> list[File]:
    found = _search(judge, rng)
    files = []
    for index in range(count):
        label = sorted(found)[index % len(found)]
        sent = as_sent(judge.task, judge.graph, _nearby(judge, found[label], label, rng))
        files.append(File(file_name(judge.task, index), label, sent))
    return files


def _shape(judge: Judge) -> tuple[int, ...]:
    shape = judge.graph.tensor(judge.graph.inputs[0]).shape[1:]
    return shape if len(shape) == 3 else (int(np.prod(shape)), 1, 1)


def _look(judge: Judge, pattern: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The golden's results for a pattern, and its finer scores."""
    results = judge.results(as_sent(judge.task, judge.graph, _as_input(judge, pattern)))
    return results, judge.scores(results)


def _as_input(judge: Judge, pattern: np.ndarray) -> np.ndarray:
    """A pattern of -128..127 as the model's input."""
    tensor = judge.graph.tensor(judge.graph.inputs[0])
    shift = 128 if tensor.dtype == "uint8" else 0
    return (np.clip(np.round(pattern), -128, 127) + shift).astype(tensor.dtype)


def _search(judge: Judge, rng: np.random.Generator) -> dict[int, np.ndarray]:
    """Class -> a pattern that the golden takes for it, for every class that was found."""
    drawn = [_draw(_shape(judge), rng) for _ in range(_DRAWN)]
    scores = np.array([_look(judge, pattern)[1] for pattern in drawn])
    found = {}
    for label in range(judge.task.classes):
        behind = np.array([_margin(each, label) for each in scores])
        for start in np.argsort(-behind)[:_STARTS]:
            pattern = _climb(judge, drawn[start], label, rng)
            if _is_clear(judge, pattern, label):
                found[label] = pattern
                break
    return found


def _draw(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Blocks of one value each, of a random size, about a random mean; a third are the same in
    every row, as silence is in a spectrogram."""
    height, width, channels = shape
    tall, wide = rng.integers(1, 9, 2)
    tall = height if rng.random() < 1 / 3 else tall
    rows, columns = -(-height // int(tall)), -(-width // int(wide))
    small = rng.normal(0, rng.uniform(5, 80), (rows, columns, channels))
    large = np.repeat(np.repeat(small, tall, axis=0), wide, axis=1)[:height, :width]
    return rng.uniform(-100, 100) + large


def _climb(judge: Judge, pattern: np.ndarray, label: int, rng: np.random.Generator) -> np.ndarray:
    """`pattern` changed, patch by patch, until the golden takes it for `label`, or as near as it
    came."""
    best = _margin(_look(judge, pattern)[1], label)
    for _ in range(_CHANGES):
        if best > 0 and _is_clear(judge, pattern, label):
            break
        changed = pattern.copy()
        top, left = (int(rng.integers(0, size)) for size in pattern.shape[:2])
        tall, wide = (int(rng.integers(1, max(2, size // 2))) for size in pattern.shape[:2])
        patch = changed[top : top + tall, left : left + wide]
        patch += rng.normal(0, 60, (1, 1, pattern.shape[2]))
        margin = _margin(_look(judge, changed)[1], label)
        if margin >= best:
            pattern, best = np.clip(changed, -128, 127), margin
    return pattern


def _is_clear(judge: Judge, pattern: np.ndarray, label: int) -> bool:
    return _margin(_look(judge, pattern)[0], label) > _CLEARLY


def _margin(scores: np.ndarray, label: int) -> float:
    """How far class `label` is above the others."""
    return float(scores[label] - np.delete(scores, label).max())


def _nearby(judge: Judge, pattern: np.ndarray, label: int, rng: np.random.Generator) -> np.ndarray:
    """Another input of the same class: with a little noise, or as it is where noise undoes it."""
    noisy = pattern + rng.normal(0, 2, pattern.shape)
    return _as_input(judge, noisy if _is_clear(judge, noisy, label) else pattern)


def _spectra(judge: Judge, count: int, rng: np.random.Generator) -> list[File]:
    """Frames of 128 mel bands in dB: smooth ones are normal (0), every second has noise (1)."""
    frame = judge.task.stride_bytes // 4
    frames = judge.task.values // frame + _FRAMES_MORE
    quant = judge.graph.tensor(judge.graph.inputs[0]).quant
    middle = 0.0 if quant is None else -quant.scale * quant.zero_point
    bands = np.linspace(6, -6, frame)
    files = []
    for index in range(count):
        label = index % 2
        sound = middle + bands + rng.normal(0, 1, (frames, 1)) + rng.normal(0, 1, (frames, frame))
        sound += label * rng.normal(0, 12, (frames, frame))
        data = sound.astype("<f4").tobytes()
        files.append(File(file_name(judge.task, index), label, data, judge.task.stride_bytes))
    return files
