# SPDX-License-Identifier: Apache-2.0
"""The RP2040's second stage as the bytes that go into flash.

`python -m edgekit.build.boot2` assembles firmware/port/rp2/ek_boot2.S and writes the header with
its image anew; a test holds the two equal.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from edgekit.errors import EdgekitError
from edgekit.resources import resource_dir
from edgekit.tools import run_tool

# RP2040 Datasheet, bootrom, "checksum": 252 bytes and their CRC.
CODE_BYTES = 252
_TIMEOUT_S = 60.0


def crc32_mpeg2(data: bytes) -> int:
    """CRC-32 with polynomial 0x04C11DB7, from 0xFFFFFFFF, nothing reflected, nothing inverted."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ (0x04C11DB7 if crc & 0x80000000 else 0)
            crc &= 0xFFFFFFFF
    return crc


def boot2_image(code: bytes) -> bytes:
    """`code` filled up with zeros to 252 bytes, and the CRC that the boot ROM checks."""
    if len(code) > CODE_BYTES:
        raise EdgekitError(
            f"the second stage has {len(code)} bytes", hint=f"it may have {CODE_BYTES}"
        )
    code = code.ljust(CODE_BYTES, b"\0")
    return code + crc32_mpeg2(code).to_bytes(4, "little")


def assemble(source: Path) -> bytes:
    """The machine code of the assembler file `source`. Raises ToolMissing, ToolFailed."""
    with tempfile.TemporaryDirectory(prefix="edgekit-boot2-") as folder:
        elf, image = Path(folder) / "boot2.elf", Path(folder) / "boot2.bin"
        run_tool(
            "arm-none-eabi-gcc",
            "-nostdlib",
            "-Wl,-Ttext=0x20041f00,--entry=ek_boot2",
            "-o",
            elf,
            source,
            timeout_s=_TIMEOUT_S,
        )
        run_tool(
            "arm-none-eabi-objcopy", "-O", "binary", "-j", ".text", elf, image, timeout_s=_TIMEOUT_S
        )
        return image.read_bytes()


def header(image: bytes) -> str:
    """The C header with `image` as 64 words."""
    words = [int.from_bytes(image[at : at + 4], "little") for at in range(0, len(image), 4)]
    rows = [", ".join(f"0x{word:08X}u" for word in words[at : at + 6]) for at in range(0, 64, 6)]
    define = ["#define EK_BOOT2_IMAGE", "  {", *(f"    {row}," for row in rows)]
    return "\n".join(
        [
            "/* SPDX-License-Identifier: Apache-2.0 */",
            "/* ek_boot2.S, assembled, with the boot ROM's checksum. Written by",
            "   `python -m edgekit.build.boot2`: edit there. */",
            "#ifndef EK_BOOT2_IMAGE_H",
            "#define EK_BOOT2_IMAGE_H",
            "",
            "/* clang-format off */",
            *(f"{line:<98} \\" for line in define),
            "  }",
            "/* clang-format on */",
            "",
            "#endif",
            "",
        ]
    )


def main() -> None:
    """Writes firmware/port/rp2/ek_boot2_image.h from ek_boot2.S."""
    folder = resource_dir("firmware") / "port" / "rp2"
    text = header(boot2_image(assemble(folder / "ek_boot2.S")))
    (folder / "ek_boot2_image.h").write_text(text)


if __name__ == "__main__":
    main()
