/* SPDX-License-Identifier: Apache-2.0 */
/* RP2040: the second stage in its place, and the way into the boot ROM's USB loader. RP2040
   Datasheet, bootrom: contents (tables at 0x14 and 0x18), functions (reset_to_usb_boot, "UB"). */
#include "ek_board.h"

#if defined(EK_RP2040)

#include "ek_boot2_image.h"
#include "ek_cortex_m.h"
#include "ek_port.h"

__attribute__((section(".boot2"), used)) static const uint32_t boot2[64] = EK_BOOT2_IMAGE;

typedef void *(*ek_rom_lookup)(const uint16_t *table, uint32_t code);
typedef void (*ek_rom_usb_boot)(uint32_t activity_pins, uint32_t disabled_interfaces);

/* The compiler is not told that it is a fixed address near 0, which it would warn of. */
static uintptr_t rom_pointer(uintptr_t at) {
  __asm volatile("" : "+r"(at));
  return *(const uint16_t *)at;
}

void ek_port_bootloader(void) {
  const ek_rom_lookup lookup = (ek_rom_lookup)rom_pointer(0x18u);
  const uint16_t *functions = (const uint16_t *)rom_pointer(0x14u);
  const ek_rom_usb_boot usb_boot = (ek_rom_usb_boot)(uintptr_t)lookup(functions, 'U' | ('B' << 8));
  usb_boot(0, 0);
}

#endif
