# SPDX-License-Identifier: Apache-2.0
"""The `edgekit` command: parse, call the verb of the same name, show what it returns."""

from __future__ import annotations

import os
import sys
import traceback
from difflib import get_close_matches
from typing import Annotated, NoReturn

import typer

from edgekit import __version__
from edgekit.cli import (
    compare_commands,
    debug_commands,
    device_commands,
    info_commands,
    journey_commands,
    mlperf_commands,
    model_commands,
    port_commands,
    prune_commands,
    quantize_commands,
    shrink_commands,
    study_commands,
)
from edgekit.cli.console import show_error
from edgekit.errors import EdgekitError

INTERRUPTED = 130
USAGE = 2

app = typer.Typer(
    name="edgekit",
    help="From a trained Keras model to a number that can be trusted on a microcontroller.",
    epilog="Start here: edgekit demo\n"
    "Your own model: edgekit deploy model.keras --data test.npz -o build/model",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    journey_commands,
    model_commands,
    debug_commands,
    prune_commands,
    quantize_commands,
    shrink_commands,
    study_commands,
    device_commands,
    compare_commands,
    port_commands,
    mlperf_commands,
    info_commands,
):
    module.add_to(app)


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"edgekit {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """From a trained Keras model to a number that can be trusted on a microcontroller."""


def main() -> NoReturn:
    """Runs the command line; exit codes: 0, 1 limit, 2 user, 3 tool, 4 device, 130 Ctrl-C."""
    debug = "--debug" in sys.argv[1:]
    try:
        code = app(prog_name="edgekit", standalone_mode=False)
    except EdgekitError as error:
        if debug:
            traceback.print_exc()
        show_error(str(error), error.hint)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except Exception as error:
        if not hasattr(error, "format_message"):
            _unexpected(error, debug=debug)
        code = _usage_error(error)
    if code == INTERRUPTED:
        show_error("interrupted")
    sys.exit(code if isinstance(code, int) else 0)


def _usage_error(error: Exception) -> int:
    """Shows what the command line itself got wrong; typer names the nearest option."""
    message = getattr(error, "format_message", lambda: str(error))()
    message = message.replace(": Value error, ", ": ")  # what the parser says of an enum
    if not message:
        return USAGE
    context = getattr(error, "ctx", None)
    hint = f"{context.command_path if context else 'edgekit'} --help shows options and examples"
    if option := getattr(error, "option_name", ""):
        known = [name for each in context.command.params for name in each.opts] if context else []
        near = get_close_matches(option, known, n=1, cutoff=0.5)
        message = f"there is no option '{option}'"
        hint = f"did you mean '{near[0]}'? {hint}" if near else hint
    show_error(message, hint)
    return USAGE


def _unexpected(error: Exception, *, debug: bool) -> NoReturn:
    """A mistake of edgekit's own: said as such, with the traceback on request."""
    if debug:
        traceback.print_exception(error)
    show_error(
        f"edgekit failed unexpectedly: {type(error).__name__}: {error}",
        "report the traceback" if debug else "run it again with --debug, report the traceback",
    )
    sys.exit(USAGE)
