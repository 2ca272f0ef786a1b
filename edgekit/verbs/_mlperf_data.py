# SPDX-License-Identifier: Apache-2.0
"""Inputs of MLPerf Tiny's tasks: files in the official runner's layout, or made for it.

The layout (mlcommons/tiny, benchmark/runner/datasets.py): FOLDER/TASK/y_labels.csv with rows
`file, classes, class` and for ad01 also `bytes to send, stride`, and the files beside it.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.artifacts import records_in
from edgekit.errors import EdgekitError
from edgekit.progress import Progress
from edgekit.verbs._mlperf_golden import Judge, as_sent
from edgekit.verbs._mlperf_task import Task

LABELS = "y_labels.csv"


@dataclass(frozen=True, slots=True)
class File:
    """One file of a data set: `label` is its class, `data` the bytes of one or more inputs."""

    name: str
    label: int
    data: bytes
    stride_bytes: int = 0

    def windows(self, task: Task) -> list[bytes]:
        """The inputs in it, as the official runner cuts them."""
        if not self.stride_bytes:
            return [self.data]
        last = len(self.data) - task.input_bytes
        return [
            self.data[at : at + task.input_bytes] for at in range(0, last + 1, self.stride_bytes)
        ]


@dataclass(frozen=True, slots=True)
class Files:
    """A data set. `truth` says where its labels are from; `source` where its inputs are; `real`
    whether they are of the task, and not made up."""

    files: tuple[File, ...]
    source: str
    truth: str
    warnings: tuple[str, ...] = ()
    real: bool = True


def find_files(judge: Judge, data: Any, count: int, seed: int) -> Files:
    """At most `count` files of `data`: a folder in the runner's layout, anything that
    `edgekit.bench` takes, or None for generated ones. EdgekitError where they do not fit.
    """
    if data is None:
        from edgekit.verbs._mlperf_generated import generated_files

        return generated_files(judge, count, seed)
    folder = _layout(Path(data), judge.task) if isinstance(data, (str, Path)) else None
    return _read(folder, judge.task, count) if folder else _converted(judge, data, count, seed)


def _layout(path: Path, task: Task) -> Path | None:
    """The folder with the labels, where `path` is in the runner's layout."""
    for folder in (path / task.id, path):
        if (folder / LABELS).is_file():
            return folder
    return None


def _read(folder: Path, task: Task, count: int) -> Files:
    files = []
    with (folder / LABELS).open(newline="") as table:
        rows = [row for row in csv.reader(table) if row]
    for row in rows[:count]:
        files.append(_read_row(folder, row, task))
    if not files:
        raise EdgekitError(f"'{folder / LABELS}' names no files", hint="give another folder")
    # a folder that was made here says what its files are
    made = records_in(folder).get("mlperf-data", {})
    truth = str(made.get("truth", LABELS))
    real = bool(made.get("real", True))
    return Files(tuple(files), folder.name, truth, missing(files, task), real)


def _read_row(folder: Path, row: list[str], task: Task) -> File:
    try:
        stride = int(row[4]) if task.stride_bytes else 0
        file = File(row[0], int(row[2]), (folder / row[0].strip()).read_bytes(), stride)
    except (OSError, ValueError, IndexError) as error:
        raise EdgekitError(
            f"'{folder / LABELS}': the row '{','.join(row)}' cannot be used: {error}",
            hint="a row is: file, number of classes, class; for ad01 also bytes and stride",
        ) from error
    enough = len(file.data) >= task.input_bytes if stride else len(file.data) == task.input_bytes
    if not enough:
        raise EdgekitError(
            f"'{file.name}' has {len(file.data)} bytes, an input of {task.id} {task.input_bytes}",
            hint=f"is the folder of another task than {task.id}?",
        )
    return file


def _converted(judge: Judge, data: Any, count: int, seed: int) -> Files:
    """Any data set, quantized as the model takes it, then as the task sends it."""
    from edgekit.verbs.samples import bench_samples

    task, graph = judge.task, judge.graph
    enough = count * task.classes
    samples = bench_samples(graph, data, count=enough, seed=seed, calibrated=0)
    if samples.labels is None:
        raise EdgekitError(
            f"'{samples.source}' has no labels, which {task.id} needs",
            hint="give data with y, or none for generated inputs",
        )
    quantized, labels = samples.inputs[0], samples.labels
    files = [
        File(
            file_name(task, position),
            int(labels[index]),
            as_sent(task, graph, quantized[index]),
            task.stride_bytes,
        )
        for position, index in enumerate(_balanced(labels, count))
    ]
    return Files(tuple(files), Path(samples.source).name, "the data set", missing(files, task))


def _balanced(labels: np.ndarray, count: int) -> list[int]:
    """`count` samples, every class as often as it can be: the first of each, then the second."""
    seen: dict[int, int] = {}
    ranks = []
    for index, label in enumerate(labels):
        seen[int(label)] = seen.get(int(label), 0) + 1
        ranks.append((seen[int(label)], index))
    return [index for _, index in sorted(ranks)[:count]]


def file_name(task: Task, index: int) -> str:
    """Of file `index` of a data set that is made here."""
    return f"{task.id}_{index:04d}.bin"


def missing(files: Sequence[File], task: Task) -> tuple[str, ...]:
    """A warning that names the classes of which there is no file."""
    absent = sorted(set(range(task.classes)) - {file.label for file in files})
    if not absent:
        return ()
    names = ", ".join(map(str, absent))
    return (f"no file has class {names}: the official runner then cannot compute its AUC",)


def write_files(folder: Path, task: Task, files: Files, progress: Progress) -> Path:
    """Writes `files` to FOLDER/TASK in the runner's layout, and returns that folder."""
    from edgekit.artifacts import hash_tree, staged_folder, write_record

    target = folder / task.id
    with staged_folder(target, "mlperf-data") as staged:
        rows = []
        for file in files.files:
            (staged / file.name).write_bytes(file.data)
            extra = (task.input_bytes, file.stride_bytes) if task.stride_bytes else ()
            rows.append((file.name, task.classes, file.label, *extra))
        with (staged / LABELS).open("w", newline="") as table:
            csv.writer(table, lineterminator="\n").writerows(rows)
        written = hash_tree(staged)
    facts = {
        "task": task.id,
        "source": files.source,
        "truth": files.truth,
        "real": files.real,
    }
    write_record(target, "mlperf-data", facts, files=written)
    progress.say(f"{len(files.files)} files of {task.id} in {target}")
    return target
