# SPDX-License-Identifier: Apache-2.0
"""The one place where TensorFlow and Keras are imported, and where their noise is kept away."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from typing import IO, Any

from edgekit.errors import EdgekitError

_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_CPP_MAX_VLOG_LEVEL": "0",
    "ABSL_MIN_LOG_LEVEL": "3",
    "GRPC_VERBOSITY": "ERROR",
    "KERAS_BACKEND": "tensorflow",
}


def tensorflow() -> Any:
    """The module tensorflow, imported without a word on the terminal."""
    if "tensorflow" not in sys.modules:
        set_environment()
        with quiet():
            import tensorflow as tf  # noqa: F401
    return sys.modules["tensorflow"]


def _calm_loggers() -> None:
    """Errors only, and never to the stream of the `quiet` in which TensorFlow was imported."""
    from absl import logging as absl_logging

    logger = sys.modules["tensorflow"].get_logger()
    logger.setLevel("ERROR")
    absl_logging.set_verbosity("error")
    absl_logging.set_stderrthreshold("error")
    _keep_open(absl_logging.get_absl_handler().python_handler, *logger.handlers)


class _Stderr:
    """Writes to whatever `sys.stderr` is by then."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()

    def close(self) -> None:
        """Called by absl at exit; stderr is not ours to close."""


def _keep_open(*handlers: logging.Handler) -> None:
    """Point handlers made while `quiet` away from its stream, which is closed afterwards."""
    for handler in handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.stream = _Stderr()


def keras() -> Any:
    """The module keras: version 3, on TensorFlow."""
    tensorflow()
    with quiet():
        import keras as module

    if int(module.__version__.split(".")[0]) < 3:
        raise EdgekitError(
            f"edgekit needs Keras 3, this environment has {module.__version__}",
            hint="pip install 'keras>=3.5'",
        )
    if module.backend.backend() != "tensorflow":
        raise EdgekitError(
            f"Keras runs on '{module.backend.backend()}' here, edgekit converts through TensorFlow",
            hint="set KERAS_BACKEND=tensorflow before Python starts",
        )
    return module


def is_keras_model(value: object) -> bool:
    """Whether `value` is a live Keras 3 model, without importing Keras to find out."""
    module = sys.modules.get("keras")
    return module is not None and isinstance(value, module.Model)


def is_keras2_model(value: object) -> bool:
    """Whether `value` is a live tf_keras (Keras 2) model, without importing tf_keras."""
    module = sys.modules.get("tf_keras")
    return module is not None and isinstance(value, module.Model)


def set_environment() -> None:
    """Tell TensorFlow to be quiet, before anything (a user's module too) imports it."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)


class Heard:
    """What was written to the terminal's streams during `quiet`: `text` is filled at its end."""

    text = ""


@contextlib.contextmanager
def quiet() -> Iterator[Heard]:
    """Keep everything off stdout and stderr, from Python and C++ alike; collect it instead.

    File descriptors 1 and 2 point to a temporary file inside the block, since TensorFlow's C++
    writes past `sys.stderr`; the Python streams too, since in a notebook they are no descriptors.
    All are put back whatever happens. Not for use in two threads.
    """
    heard = Heard()
    known = "tensorflow" in sys.modules
    _flush()
    with tempfile.TemporaryFile() as sink, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        saved = [(number, os.dup(number)) for number in (1, 2) if _is_open(number)]
        try:
            for number, _ in saved:
                os.dup2(sink.fileno(), number)
            with _python_streams_to(sink.fileno()):
                yield heard
        finally:
            _flush()
            for number, copy in saved:
                os.dup2(copy, number)
                os.close(copy)
            heard.text = _read(sink)
            if not known and "tensorflow" in sys.modules:
                _calm_loggers()


@contextlib.contextmanager
def _python_streams_to(descriptor: int) -> Iterator[None]:
    with (
        open(descriptor, "w", closefd=False, errors="replace") as stream,
        contextlib.redirect_stdout(stream),
        contextlib.redirect_stderr(stream),
    ):
        yield


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(ValueError, OSError, AttributeError):
            stream.flush()


def _read(sink: IO[bytes]) -> str:
    sink.seek(0)
    return sink.read().decode("utf-8", "replace")
