# SPDX-License-Identifier: Apache-2.0
"""The process that tensorflow-model-optimization runs in: started, watched, and always ended."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError
from edgekit.progress import Task
from edgekit.prune.tfmot_worker import FAILED

SILENCE_S = 900.0  # a worker that finishes no step for this long is stopped
POLL_S = 0.2


def run_worker(folder: Path, task: Task) -> None:
    """Run the worker to its end; EdgekitError with its last words where it fails."""
    paths = [str(Path(__file__).parents[2]), *(path for path in sys.path if path)]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        "TF_USE_LEGACY_KERAS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, "-m", "edgekit.prune.tfmot_worker", str(folder)]
    with (folder / "said.txt").open("w") as said, _process(command, environment, said) as process:
        _watch(process, folder / "steps.txt", task)
    if process.returncode == FAILED and (folder / "error.json").exists():
        told = json.loads((folder / "error.json").read_text())
        raise EdgekitError(told["message"], hint=told["hint"])
    if process.returncode:
        lines = (folder / "said.txt").read_text().strip().splitlines() or ["no message"]
        raise EdgekitError(
            f"tensorflow-model-optimization failed on this model: {lines[-1][:300]}",
            hint="use edgekit's own engine, which works on Keras 3",
        )


@contextlib.contextmanager
def _process(
    command: list[str], environment: Mapping[str, str], said: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """The worker, killed when the block is left before its end."""
    process = subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _watch(process: subprocess.Popen[bytes], steps: Path, task: Task) -> None:
    seen, last = 0, time.monotonic()
    while process.poll() is None:
        lines = steps.read_text().splitlines() if steps.exists() else []
        if len(lines) > seen:
            task.advance(len(lines) - seen, f"loss {lines[-1]}")
            seen, last = len(lines), time.monotonic()
        if time.monotonic() - last > SILENCE_S:
            raise EdgekitError(
                f"tensorflow-model-optimization finished no step within {SILENCE_S:g} s",
                hint="give fewer samples a step with --batch-size, or use edgekit's own engine",
            )
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(POLL_S)
