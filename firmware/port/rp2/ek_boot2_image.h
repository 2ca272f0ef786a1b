/* SPDX-License-Identifier: Apache-2.0 */
/* ek_boot2.S, assembled, with the boot ROM's checksum. Written by
   `python -m edgekit.build.boot2`: edit there. */
#ifndef EK_BOOT2_IMAGE_H
#define EK_BOOT2_IMAGE_H

/* clang-format off */
#define EK_BOOT2_IMAGE                                                                             \
  {                                                                                                \
    0xA0064B12u, 0xC8062406u, 0x3C01505Au, 0x4810D1FBu, 0x60084910u, 0xF381C806u,                  \
    0x47108808u, 0x00000008u, 0x00000000u, 0x00000014u, 0x00000004u, 0x00000000u,                  \
    0x001F0300u, 0x00000004u, 0x00000000u, 0x000000F4u, 0x03000218u, 0x00000008u,                  \
    0x00000001u, 0x18000000u, 0x10000100u, 0xE000ED08u, 0x00000000u, 0x00000000u,                  \
    0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u,                  \
    0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u,                  \
    0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u,                  \
    0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u,                  \
    0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u,                  \
    0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u,                  \
    0x00000000u, 0x00000000u, 0x00000000u, 0x8013D8DEu,                                            \
  }
/* clang-format on */

#endif
