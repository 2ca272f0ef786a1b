# SPDX-License-Identifier: Apache-2.0
"""TFLite Micro as it lies on this machine: headers and a prebuilt library, checked before use.

The template's FindTFLM.cmake holds the same rules for whoever builds by hand.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from edgekit.artifacts import sha256_file
from edgekit.boards import Board
from edgekit.build.archive import ObjectFacts, read_archive
from edgekit.errors import EdgekitError

VARIABLE = "TFLM_DIR"
REFERENCE, CMSIS_NN = "reference", "cmsis-nn"
SLOW = (
    "this TFLite Micro has reference kernels only: published figures put them at 2 to 7 times "
    "slower than optimised ones; build it with OPTIMIZED_KERNEL_DIR=cmsis_nn"
)

# Tag_CPU_arch (Addenda to the ABI for the Arm Architecture, table "CPU_arch") in the order in
# which each runs the code of those before it.
_ARCHES = (
    (12, "v6S-M"),
    (11, "v6-M"),
    (16, "v8-M.baseline"),
    (10, "v7-M"),
    (13, "v7E-M"),
    (17, "v8-M.mainline"),
    (21, "v8.1-M.mainline"),
)
_RANKS = {number: rank for rank, (number, _) in enumerate(_ARCHES)}
_CORE_ARCH = {
    **dict.fromkeys(("cortex-m0", "cortex-m0plus"), 12),
    "cortex-m3": 10,
    **dict.fromkeys(("cortex-m4", "cortex-m7"), 13),
    "cortex-m33": 17,
    **dict.fromkeys(("cortex-m55", "cortex-m85"), 21),
}
_MACHINES = {"host": "EM_X86_64", "arm-none-eabi": "EM_ARM", "riscv64-unknown-elf": "EM_RISCV"}

_DOWNLOADS = "tensorflow/lite/micro/tools/make/downloads"
_INTERPRETER = "tensorflow/lite/micro/micro_interpreter.h"
_RESOLVER = "tensorflow/lite/micro/micro_mutable_op_resolver.h"
# Where a flat SDK and TFLM's own tree have what; all below TFLM_DIR.
_HEADERS = {
    _INTERPRETER: ("", "include", "src"),
    "flatbuffers/flatbuffers.h": (
        *("include", "src", f"{_DOWNLOADS}/flatbuffers/include", "third_party/flatbuffers/include"),
        *("third_party_static/flatbuffers/include", "src/third_party/flatbuffers/include", ""),
    ),
    "fixedpoint/fixedpoint.h": (
        *("include", "src", f"{_DOWNLOADS}/gemmlowp", "third_party/gemmlowp"),
        *("third_party_static/gemmlowp", "src/third_party/gemmlowp", ""),
    ),
}
_LIBRARIES = ("gen/*/lib/libtensorflow-microlite.a", "lib*/*.a", "*.a")


@dataclass(frozen=True)
class Library:
    """One static library and the facts of its objects."""

    path: Path
    objects: dict[str, ObjectFacts]

    @cached_property
    def calls(self) -> frozenset[str]:
        return frozenset().union(*(facts.calls for facts in self.objects.values()))

    @cached_property
    def defines(self) -> frozenset[str]:
        return frozenset().union(*(facts.defines for facts in self.objects.values()))

    @property
    def kernels(self) -> str:
        """ "cmsis-nn" where its kernels call CMSIS-NN, else "reference"."""
        return CMSIS_NN if any(map(_is_cmsis_nn, self.calls)) else REFERENCE

    @property
    def lacks_cmsis_nn(self) -> bool:
        """Whether it calls CMSIS-NN and does not hold it."""
        return bool({name for name in self.calls if _is_cmsis_nn(name)} - self.defines)


def _is_cmsis_nn(symbol: str) -> bool:
    return re.fullmatch(r"arm_\w+_s8", symbol) is not None


@dataclass(frozen=True, slots=True)
class TflmLibrary:
    """What a build takes of TFLite Micro. `version` is a commit or a package's version, ""
    where none can be read; `warnings` are for whoever builds."""

    root: Path
    library: Path
    version: str
    kernels: str
    arch: str
    sha256: str
    warnings: tuple[str, ...]


def find_tflm(directory: str, board: Board, methods: Sequence[str] = ()) -> TflmLibrary:
    """The library for `board` in `directory` (default: the environment's TFLM_DIR).

    `methods` are those of the op resolver that the model needs. Raises EdgekitError where
    headers or library are missing, too old, or of another core, in one line.
    """
    root = _root(directory)
    headers = _headers(root)
    _check_version(root, headers, methods)
    library = _choose(root, board)
    arch, warnings = _arch(library, board)
    if library.kernels == REFERENCE and board.core.startswith("cortex-m"):
        warnings.append(SLOW)
    return TflmLibrary(
        root=root,
        library=library.path,
        version=read_version(root),
        kernels=library.kernels,
        arch=arch,
        sha256=sha256_file(library.path),
        warnings=tuple(warnings),
    )


def _root(directory: str) -> Path:
    given = directory or os.environ.get(VARIABLE, "")
    if not given:
        raise EdgekitError(
            "this firmware needs TFLite Micro, and TFLM_DIR is not set",
            hint="set TFLM_DIR to a folder with its headers and static library, "
            "or take --runtime aot, which needs none",
        )
    root = Path(given).expanduser()
    if not root.is_dir():
        raise EdgekitError(
            f"TFLM_DIR is '{given}', which is no folder",
            hint="give the folder that holds TFLite Micro's headers and library",
        )
    return root.resolve()


def _headers(root: Path) -> Path:
    """The folder that holds tensorflow/; EdgekitError naming every header that is missing."""
    found = {
        header: next((root / where for where in places if (root / where / header).is_file()), None)
        for header, places in _HEADERS.items()
    }
    missing = [header for header, folder in found.items() if folder is None]
    if missing:
        raise EdgekitError(
            f"TFLM_DIR '{root}' lacks {', '.join(missing)}",
            hint="it has to hold TFLite Micro's headers with flatbuffers and gemmlowp, as its own "
            "build or a vendor's SDK leaves them",
        )
    folder = found[_INTERPRETER]
    assert folder is not None
    return folder


def _check_version(root: Path, headers: Path, methods: Sequence[str]) -> None:
    if re.search(r"ErrorReporter ?\* ?error_reporter", (headers / _INTERPRETER).read_text()):
        raise EdgekitError(
            f"the TFLite Micro in '{root}' is too old: its interpreter still takes an "
            "ErrorReporter",
            hint="take one of 2023 or later",
        )
    resolver = (headers / _RESOLVER).read_text() if (headers / _RESOLVER).is_file() else ""
    absent = [name for name in methods if not re.search(rf"\b{name}\(", resolver)]
    if absent:
        raise EdgekitError(
            f"the TFLite Micro in '{root}' has no {', '.join(absent)}, which this model needs",
            hint="take a newer TFLite Micro, or replace those layers",
        )


def _choose(root: Path, board: Board) -> Library:
    """The library for the board's core; of several the one with optimised kernels."""
    paths = sorted({path for pattern in _LIBRARIES for path in root.glob(pattern)})
    libraries = [Library(path, read_archive(path)) for path in paths]
    microlite = [each for each in libraries if any("MicroInterpreter" in n for n in each.defines)]
    if not microlite:
        raise EdgekitError(
            f"TFLM_DIR '{root}' has no static library of TFLite Micro",
            hint="build it there: make -f tensorflow/lite/micro/tools/make/Makefile "
            f"TARGET=cortex_m_generic TARGET_ARCH={board.core} OPTIMIZED_KERNEL_DIR=cmsis_nn "
            "microlite",
        )
    reasons = {each.path: _misfit(each, board) for each in microlite}
    fitting = [each for each in microlite if not reasons[each.path]]
    if not fitting:
        listed = "; ".join(sorted({f"{path.name}: {why}" for path, why in reasons.items()}))
        flags = f" ({' '.join(board.build.cpu_flags)})" if board.build.cpu_flags else ""
        raise EdgekitError(
            f"TFLM_DIR '{root}' has no library for {board.id}: {listed}",
            hint=f"build TFLite Micro for {board.core}{flags}, or take --runtime aot",
        )
    return next((each for each in fitting if each.kernels == CMSIS_NN), fitting[0])


def _misfit(library: Library, board: Board) -> str:
    """Why `library` cannot run on `board`; "" where it can."""
    wanted = _MACHINES.get(board.build.toolchain, "")
    machines = {facts.machine for facts in library.objects.values()}
    if machines != {wanted}:
        return f"it is for {', '.join(sorted(each.removeprefix('EM_') for each in machines))}"
    ranks = [_RANKS.get(arch, 99) for arch in _arches(library)]
    core_arch = _CORE_ARCH.get(board.core)
    if core_arch is not None and (not ranks or max(ranks) > _RANKS[core_arch]):
        newest = _arch_name(max(_arches(library), key=lambda a: _RANKS.get(a, 99), default=-1))
        return f"it is for {newest}, and {board.core} is {_arch_name(core_arch)}"
    hard = "-mfloat-abi=hard" in board.build.cpu_flags
    floats = {facts.hard_float for facts in library.objects.values() if facts.arch is not None}
    if core_arch is not None and hard not in floats:
        words = ("in the FPU's registers", "in the core's")
        return f"it passes floats {words[hard]}, and the board's flags {words[not hard]}"
    if library.lacks_cmsis_nn:
        return "it calls CMSIS-NN and does not hold it"
    return ""


def _arches(library: Library) -> set[int]:
    return {facts.arch for facts in library.objects.values() if facts.arch is not None}


def _arch_name(number: int) -> str:
    return dict(_ARCHES).get(number, f"architecture {number}")


def _arch(library: Library, board: Board) -> tuple[str, list[str]]:
    """The newest architecture in the library, and what to say where the core is a newer one."""
    arches = _arches(library)
    if not arches:
        return board.core, []
    newest = max(arches, key=lambda number: _RANKS.get(number, 99))
    core_arch = _CORE_ARCH.get(board.core, newest)
    if _RANKS[newest] == _RANKS[core_arch]:
        return _arch_name(newest), []
    return _arch_name(newest), [
        f"this TFLite Micro is compiled for {_arch_name(newest)}, and {board.core} is "
        f"{_arch_name(core_arch)}: it is slower than it could be"
    ]


def read_version(root: Path) -> str:
    """Commit (12 digits) of a git checkout, or the version that a package's own file tells."""
    if commit := _commit(root):
        return commit[:12]
    for name, pattern in (
        ("library.properties", r"^version=(.+)$"),
        ("idf_component.yml", r'^version: "?([^"\n]+)"?'),
        ("VERSION", r"^(\S+)"),
    ):
        if (root / name).is_file():
            found = re.search(pattern, (root / name).read_text(errors="replace"), re.MULTILINE)
            if found:
                return found[1].strip()
    return ""


def _commit(root: Path) -> str:
    head = root / ".git" / "HEAD"
    if not head.is_file():
        return ""
    text = head.read_text().strip()
    if not text.startswith("ref: "):
        return text
    name = text.removeprefix("ref: ")
    if (root / ".git" / name).is_file():
        return (root / ".git" / name).read_text().strip()
    packed = root / ".git" / "packed-refs"
    lines = packed.read_text().splitlines() if packed.is_file() else []
    return next((line.split()[0] for line in lines if line.endswith(f" {name}")), "")
