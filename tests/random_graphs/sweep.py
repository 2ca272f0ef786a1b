# SPDX-License-Identifier: Apache-2.0
"""Many seeds through `judge` in worker processes; TFLM may abort on a model, a sweep goes on."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from queue import Empty, Queue

from tests.random_graphs.judge import EQUAL, Verdict, judge, judge_aborting

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("keras", "flat", "thin")
SPARSE_KINDS = ("sparse50", "sparse75", "sparse90")
CRASHED = "crashed"
NOT_CONVERTED = "not converted by TensorFlow"
WORKER = "from tests.random_graphs.sweep import worker; worker()"


@dataclass(frozen=True, slots=True)
class Task:
    """One model: its family, its seed, and how it is judged."""

    kind: str
    seed: int
    sanitize: bool = False
    inputs: int = 6
    tflm_aborts: bool = False
    core: str = "generic"


@dataclass(slots=True)
class Summary:
    """What came of all tasks."""

    outcomes: Counter[str] = field(default_factory=Counter)
    ops: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, Counter[str]] = field(default_factory=dict)
    bad: list[tuple[Task, Verdict]] = field(default_factory=list)

    def add(self, task: Task, verdict: Verdict) -> None:
        self.outcomes[verdict.outcome] += 1
        if verdict.outcome == EQUAL:
            self.ops.update(verdict.ops)
        for reason in filter(None, verdict.reason.split("; ")):
            self.reasons.setdefault(verdict.outcome, Counter())[reason] += 1
        if verdict.bad or verdict.outcome == CRASHED:
            self.bad.append((task, verdict))


def model_of(task: Task) -> bytes:
    """The .tflite file of a task."""
    if task.kind == "flat":
        from tests.random_graphs.flat import draw_flat

        return draw_flat(task.seed)
    if task.kind == "thin":
        from tests.random_graphs.thin import draw_thin

        return draw_thin(task.seed)
    if task.kind in SPARSE_KINDS:
        from tests.random_graphs.sparse import draw_sparse

        return draw_sparse(task.kind, task.seed)
    from tests.random_graphs.convert import tflite_of
    from tests.random_graphs.draw import draw_spec

    return tflite_of(draw_spec(task.seed))


def verdict_of(task: Task) -> Verdict:
    """Draws, converts and judges one model in this process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data = model_of(task)
        except Exception as error:  # Keras and the converter raise whatever they like
            return Verdict(NOT_CONVERTED, f"{type(error).__name__}: {str(error)[:160]}")
        if task.tflm_aborts:
            return judge_aborting(data)
        return judge(data, inputs=task.inputs, sanitize=task.sanitize, core=task.core)


def worker() -> None:
    """Reads tasks from standard input, one JSON object a line; answers with verdicts."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing that a library prints may get between the answers
    for line in sys.stdin:
        verdict = verdict_of(Task(**json.loads(line)))
        answers.write(json.dumps(asdict(verdict)) + "\n")
        answers.flush()


class _Worker:
    """A worker process that is started again after a crash."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def ask(self, task: Task) -> Verdict:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-c", WORKER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                cwd=ROOT,
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
            )
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps(asdict(task)) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if line:
            answer = json.loads(line)
            return Verdict(answer["outcome"], answer["reason"], tuple(answer["ops"]))
        self.stop()
        if task.tflm_aborts:
            return Verdict(CRASHED, f"worker ended with {process.returncode}")
        return self.ask(replace(task, tflm_aborts=True))

    def stop(self) -> None:
        """Ends the worker: it stops reading tasks when its input closes."""
        if self._process is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.communicate()
        self._process = None


def sweep(tasks: Sequence[Task], processes: int = 2) -> Iterator[tuple[Task, Verdict]]:
    """Verdicts as they come, from at most `processes` workers."""
    waiting: Queue[Task] = Queue()
    done: Queue[tuple[Task, Verdict]] = Queue()
    for task in tasks:
        waiting.put(task)

    def serve() -> None:
        one = _Worker()
        try:
            while True:
                task = waiting.get_nowait()
                done.put((task, one.ask(task)))
        except Empty:
            one.stop()

    threads = [threading.Thread(target=serve, daemon=True) for _ in range(processes)]
    for thread in threads:
        thread.start()
    for _ in tasks:
        yield done.get()
    for thread in threads:
        thread.join()


def summarize(
    tasks: Sequence[Task],
    processes: int = 2,
    tell: Callable[[Task, Verdict], None] = lambda task, verdict: None,
) -> Summary:
    """Runs all tasks; `tell` hears each verdict."""
    summary = Summary()
    for task, verdict in sweep(tasks, processes):
        summary.add(task, verdict)
        tell(task, verdict)
    return summary


def fails_like(verdict: Verdict, sanitize: bool) -> Callable[[bytes], bool]:
    """For the shrinker: whether a smaller model ends the same way, judged in a process apart."""

    def fails(data: bytes) -> bool:
        return judge_apart(data, sanitize).outcome == verdict.outcome

    return fails


def judge_apart(data: bytes, sanitize: bool = False) -> Verdict:
    """`judge` in a fresh process, for models that may crash."""
    code = (
        "import sys, json, dataclasses; from tests.random_graphs.judge import judge; "
        "v = judge(sys.stdin.buffer.read(), sanitize=bool(int(sys.argv[1]))); "
        "print(json.dumps(dataclasses.asdict(v)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(int(sanitize))],
        input=data,
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    if done.returncode:
        return Verdict(CRASHED, f"worker ended with {done.returncode}")
    answer = json.loads(done.stdout.decode().splitlines()[-1])
    return Verdict(answer["outcome"], answer["reason"], tuple(answer["ops"]))
