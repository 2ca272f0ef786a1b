# SPDX-License-Identifier: Apache-2.0
"""The plugin that estimates cycles, against snippets whose cycles were counted by hand."""

from __future__ import annotations

import itertools
import subprocess
import time
from pathlib import Path

import pytest

from edgekit.boards import load_board
from edgekit.link.cycles import Cost, Meter, build_plugin, start_meter, symbol_address
from edgekit.tools import run_tool

pytestmark = [pytest.mark.needs_gcc, pytest.mark.needs_qemu]

START_S, STEP_S = 60.0, 0.05

# name: (instructions of assembler, executed instructions, cycles on a Cortex-M4)
M4 = {
    "nothing": ("", 0, 0),
    "arithmetic": ("adds r0, #1; add.w r1, r0, r2; eor r3, r1, r0, lsl #3", 3, 3),
    "one load": ("ldr r1, [r4]", 1, 2),
    "loads in a row": ("ldr r1, [r4]; ldrb r2, [r4, #4]; ldrsh.w r3, [r4, #8]", 3, 4),
    "loads apart": ("ldr r1, [r4]; adds r0, #1; ldr r2, [r4, #4]", 3, 5),
    "load of an address": ("ldr r1, [r6]; ldr r2, [r1]", 2, 4),
    "computed address": ("add.w r5, r4, #4; ldr r1, [r5]", 2, 4),
    "computed index": ("movs r5, #4; ldr r1, [r4, r5]", 2, 4),
    "address computed earlier": ("add.w r5, r4, #4; nop; ldr r1, [r5]", 3, 4),
    "load multiple": ("ldmia r4, {r0-r3}", 1, 5),
    "wide load multiple": ("ldmia.w r4, {r0-r3, r8, r9}", 1, 7),
    "pair": ("ldrd r0, r1, [r4]; strd r0, r1, [r4, #8]", 2, 6),
    "stores": ("str r0, [r4]; strb r1, [r4, #4]; strh.w r2, [r4, #6]", 3, 3),
    "load behind a store": ("str r0, [r4]; ldr r1, [r4, #4]", 2, 3),
    "push and pop": ("push {r0-r3}; pop {r0-r3}", 2, 10),
    "chain of products": ("smlad r0, r1, r2, r0; smlad r0, r1, r2, r0; mul r0, r1, r0", 3, 3),
    "long products": ("smlal r0, r1, r2, r3; umull r0, r1, r2, r3; smlald r0, r1, r2, r3", 3, 3),
    "rounding product": ("smmulr r0, r1, r2; smmlar r0, r1, r2, r0; ssat r0, #8, r0", 3, 3),
    "division": ("udiv r0, r1, r2", 1, 8),
    "loop of 100": ("movs r0, #100; 1: subs r0, #1; bne 1b", 201, 399),
    "branch not taken": ("movs r0, #1; cbz r0, 1f; nop; 1:", 3, 3),
    "branch taken": ("movs r0, #0; cbz r0, 1f; nop; 1:", 2, 4),
    "call": ("bl returns", 2, 6),
    "load loop": ("movs r0, #10; 1: ldr r1, [r4]; ldr r2, [r4]; subs r0, #1; bne 1b", 41, 69),
    "floating registers": ("vldr s0, [r4]; vmov r0, s0; vmov r0, r1, s0, s1; vldr d1, [r4]", 4, 8),
    "several floating": ("vldmia r4, {s0-s3}; vmul.f32 s0, s1, s2; vdiv.f32 s0, s1, s2", 3, 20),
}
# The rest is as on the M4.
M3 = {
    "multiply": ("mul r0, r1, r2", 1, 1),
    "multiply and add": ("mla r0, r1, r2, r3; mls r0, r1, r2, r3", 2, 4),
    "long products": ("smull r0, r1, r2, r3; smlal r0, r1, r2, r3", 2, 9),
    "loads in a row": ("ldr r1, [r4]; ldr r2, [r4, #4]", 2, 3),
}
M0PLUS = {
    "loads in a row": ("ldr r1, [r4]; ldr r2, [r4, #4]", 2, 4),
    "store": ("str r1, [r4]", 1, 2),
    "multiply": ("muls r0, r1, r0", 1, 1),
    "computed address": ("adds r5, r4, #4; ldr r1, [r5]", 2, 3),
    "load multiple": ("mov r5, r4; ldmia r5!, {r0-r3}", 2, 6),
    "loop of 100": ("movs r0, #100; 1: subs r0, #1; bne 1b", 201, 300),
    "call": ("bl returns", 2, 5),
}

HEAD = """
  .syntax unified
  .thumb
  .global reset, ek_port_ticks
  .word 0x20001000, reset + 1
  .thumb_func
ek_port_ticks: bx lr
  .thumb_func
returns: bx lr
  .thumb_func
reset:
  ldr r0, =0xE000ED88
  ldr r1, =0x00F00000
  str r1, [r0]
  ldr r4, =0x20000100
  ldr r6, =0x20000200
  str r4, [r6]
  movs r2, #3
  b 2f
2:
"""


def _costs(snippets: list[str], model: str, machine: str, folder: Path) -> list[Cost]:
    """What each snippet costs between two marks, less what the first, an empty one, does."""
    marks = "  bl ek_port_ticks\n"
    body = marks.join("  " + snippet.replace("; ", "\n  ") + "\n" for snippet in snippets)
    source = folder / "snippets.s"
    source.write_text(f"{HEAD}{marks}{body}{marks}3: wfi\n  b 3b\n  .ltorg\n")
    elf = folder / "snippets.elf"
    flags = ["-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard", "-nostdlib"]
    flags += ["-Wl,-Ttext=0", "-Wl,--entry=reset"]
    run_tool("arm-none-eabi-gcc", *flags, source, "-o", elf, timeout_s=60)
    file = folder / "marks"
    option = (
        f"{build_plugin()},core={model},mark={symbol_address(elf, 'ek_port_ticks'):#x},out={file}"
    )
    command = ["qemu-system-arm", "-M", machine, "-kernel", str(elf), "-plugin", option]
    command += ["-display", "none", "-monitor", "none", "-serial", "null"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        found = _wait(Meter(option, file), len(snippets) + 1, process)
    finally:
        process.kill()
        process.wait()
    spans = [after - before for before, after in itertools.pairwise(found)]
    return [span - spans[0] for span in spans]


def _wait(meter: Meter, count: int, process: subprocess.Popen[bytes]) -> list[Cost]:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        if len(found := meter.marks()) >= count:
            return found
        time.sleep(STEP_S)
    raise AssertionError(f"{len(meter.marks())} of {count} marks; QEMU: {process.poll()}")


@pytest.mark.parametrize(
    ("model", "machine", "snippets"),
    [
        ("cortex-m4", "mps2-an386", M4),
        ("cortex-m3", "mps2-an385", M3),
        ("cortex-m0plus", "mps2-an385", M0PLUS),
    ],
    ids=["m4", "m3", "m0plus"],
)
def test_hand_counted(
    model: str, machine: str, snippets: dict[str, tuple[str, int, int]], tmp_path: Path
) -> None:
    texts = ["", *(text for text, _, _ in snippets.values())]
    costs = _costs(texts, model, machine, tmp_path)[1:]
    got = {name: (c.instructions, c.cycles) for name, c in zip(snippets, costs, strict=True)}
    assert got == {name: (count, cycles) for name, (_, count, cycles) in snippets.items()}


def test_no_estimate_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elf = tmp_path / "none.elf"
    with start_meter(load_board("native"), elf) as meter:
        assert (meter.plugin, meter.marks()) == ("", []) and "emulators" in meter.reason
    with start_meter(load_board("qemu-mps2-an500"), elf) as meter:
        assert not meter.plugin and "cortex-m7" in meter.reason
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with start_meter(load_board("qemu-mps2-an386"), elf) as meter:
        assert not meter.plugin and "'cc' is not installed" in meter.reason
    assert not list(tmp_path.rglob("*.so"))
