# SPDX-License-Identifier: Apache-2.0
"""Arguments and options, written once: what is called the same means the same on every verb."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer


class Runtime(StrEnum):
    AOT = "aot"
    TFLM = "tflm"


class Optimize(StrEnum):
    SPEED = "speed"
    BALANCED = "balanced"
    SIZE = "size"


class Schedule(StrEnum):
    CONSTANT = "constant"
    POLYNOMIAL = "polynomial"
    ONE_SHOT = "one_shot"
    EXPONENTIAL = "exponential"


class Method(StrEnum):
    MAGNITUDE = "magnitude"
    GRADIENT = "gradient"
    ACTIVATION = "activation"
    STABILITY = "stability"
    L1 = "l1"
    RANDOM = "random"


class Scope(StrEnum):
    GLOBAL = "global"
    PER_LAYER = "per_layer"
    ADAPTIVE = "adaptive"


class Objective(StrEnum):
    SIZE = "size"
    MACS = "macs"
    CYCLES = "cycles"


class Augment(StrEnum):
    NONE = "none"
    FLIP_SHIFT = "flip_shift"


class ItemType(StrEnum):
    INT8 = "int8"
    UINT8 = "uint8"
    FLOAT32 = "float32"


class Compress(StrEnum):
    NONE = "none"
    PRUNE = "prune"
    LUT = "lut"
    AUTO = "auto"


OUTPUT = "Output"
DATA = "Data"
TARGET = "Target"

Model = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="A trained model: .keras, .h5, SavedModel or .tflite."),
]
TfliteModel = Annotated[Path, typer.Argument(metavar="FILE", help="An int8 .tflite file.")]
ConvertedModel = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A .tflite file, or a folder that convert wrote.")
]
Folder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="A firmware folder: what `firmware -o` wrote.")
]
Folders = Annotated[
    list[Path],
    typer.Argument(metavar="FOLDER...", help="Firmware folders: what `firmware -o` wrote."),
]
Out = Annotated[
    Path,
    typer.Option("-o", "--out", metavar="FOLDER", help="Where to write.", rich_help_panel=OUTPUT),
]
OptionalOut = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--out",
        metavar="FOLDER",
        help="Where to write; default: into the folder given.",
        rich_help_panel=OUTPUT,
    ),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Overwrite files that edgekit did not write.",
        rich_help_panel=OUTPUT,
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json", help="Print the record, and only that, on stdout.", rich_help_panel=OUTPUT
    ),
]
Debug = Annotated[
    bool,
    typer.Option("--debug", help="Show the traceback of an error.", rich_help_panel=OUTPUT),
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="DATA",
        help=".npz, .npy, .csv, a folder or .zip of images or wav files, .tfrecord,"
        " or module:function. Without it, generated inputs.",
        rich_help_panel=DATA,
    ),
]
Samples = Annotated[
    int,
    typer.Option(
        "--samples", metavar="N", min=1, help="Samples for calibration.", rich_help_panel=DATA
    ),
]
EvalSamples = Annotated[
    int,
    typer.Option(
        "--eval-samples",
        metavar="N",
        min=1,
        help="Samples that are scored and sent to the board.",
        rich_help_panel=DATA,
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed", metavar="N", min=0, help="Seed of every random choice.", rich_help_panel=DATA
    ),
]
Custom = Annotated[
    list[str] | None,
    typer.Option(
        "--custom",
        metavar="MODULE:NAME",
        help="A custom object that the model needs; may be repeated.",
        rich_help_panel=DATA,
    ),
]
BoardName = Annotated[
    str,
    typer.Option(
        "--board",
        envvar="EDGEKIT_BOARD",
        metavar="BOARD",
        help="A board's id (`edgekit boards`) or a .toml file.",
        rich_help_panel=TARGET,
    ),
]
OptionalBoard = Annotated[
    str | None,
    typer.Option(
        "--board",
        metavar="BOARD",
        help="Also check against this board's memory.",
        rich_help_panel=TARGET,
    ),
]
RuntimeName = Annotated[
    Runtime,
    typer.Option("--runtime", help="What runs the model.", rich_help_panel=TARGET),
]
TemplateName = Annotated[
    str,
    typer.Option(
        "--template",
        metavar="NAME",
        help="Kind of project: make, cmake, arduino, esp-idf, pico-sdk, platformio or zephyr;"
        " default: make for aot, cmake for tflm.",
        rich_help_panel=TARGET,
    ),
]
TflmDir = Annotated[
    str,
    typer.Option(
        "--tflm-dir",
        envvar="TFLM_DIR",
        metavar="FOLDER",
        help="TFLite Micro's headers and static library, for projects of --runtime tflm.",
        rich_help_panel=TARGET,
    ),
]
OptimizeFor = Annotated[
    Optimize,
    typer.Option("--optimize", help="What the code is made for.", rich_help_panel=TARGET),
]
PORT_HELP = "auto, id:SERIAL, port:PATH, a glob, a path or a pySerial URL"


def _port(remark: str) -> Any:
    return typer.Option(
        "--port",
        envvar="EDGEKIT_PORT",
        metavar="PORT",
        help=f"{PORT_HELP}{remark}",
        rich_help_panel=TARGET,
    )


Port = Annotated[str, _port("; not needed on an emulated board.")]
RealPort = Annotated[str, _port(".")]
Ports = Annotated[list[str] | None, _port("; several run side by side.")]
Boards = Annotated[
    list[str] | None,
    typer.Option(
        "--board",
        metavar="BOARD",
        help="Build the model for this board and run it there; several, or all (every emulated"
        " one that takes it), run side by side.",
        rich_help_panel=TARGET,
    ),
]
Compressed = Annotated[
    Compress,
    typer.Option(
        "--compress",
        help="Store weights encoded for TFLite Micro's DECODE where that is smaller: zeros left"
        " out (prune), indices into a table (lut), or what is smaller.",
        rich_help_panel=OUTPUT,
    ),
]
Strip = Annotated[
    bool,
    typer.Option(
        "--strip", help="Leave names and metadata out of the .tflite.", rich_help_panel=OUTPUT
    ),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="CHECK",
        help="Convert though this check fails; may be repeated. `edgekit inspect` lists checks.",
        rich_help_panel=TARGET,
    ),
]
Name = Annotated[
    str,
    typer.Option(
        "--name",
        metavar="NAME",
        help="Name in files and in C; default: the model file's.",
        rich_help_panel=OUTPUT,
    ),
]


def mode_of(compress: Compress) -> str:
    """What the verbs take for `--compress`: "" for none."""
    return "" if compress is Compress.NONE else compress.value
