/* SPDX-License-Identifier: Apache-2.0 */
/* RP2350: the block that makes a flash image bootable, and the way into the boot ROM's loaders.
   RP2350 Datasheet, bootrom: "minimum viable image metadata", API (lookup at 0x16; reboot, "RB").
 */
#include "ek_board.h"

#if defined(EK_RP2350)

#include "ek_cortex_m.h"
#include "ek_port.h"

__attribute__((section(".image_def"), used)) static const uint32_t image_def[5] = {
    0xFFFFDED3u, /* a block begins */
    0x10210142u, /* IMAGE_DEF of one word: an executable for the RP2350's Arm cores, secure */
    0x000001FFu, /* the last item, of one word before it */
    0x00000000u, /* the next block: this one */
    0xAB123579u, /* the block ends */
};

#define ARM_SECURE 0x0004u
#define REBOOT_TO_BOOTSEL 0x0002u
#define NO_RETURN 0x0100u
#define DELAY_MS 10u

typedef void *(*ek_rom_lookup)(uint32_t code, uint32_t mask);
typedef int (*ek_rom_reboot)(uint32_t flags, uint32_t delay_ms, uint32_t p0, uint32_t p1);

void ek_port_bootloader(void) {
  uintptr_t at = 0x16u;
  __asm volatile("" : "+r"(at)); /* the compiler would warn of a fixed address near 0 */
  const ek_rom_lookup lookup = (ek_rom_lookup)(uintptr_t) * (const uint16_t *)at;
  const ek_rom_reboot restart = (ek_rom_reboot)(uintptr_t)lookup('R' | ('B' << 8), ARM_SECURE);
  (void)restart(REBOOT_TO_BOOTSEL | NO_RETURN, DELAY_MS, 0, 0);
}

#endif
