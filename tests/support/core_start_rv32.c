/* SPDX-License-Identifier: Apache-2.0 */
/* Smallest start of a test program on QEMU's RV32 virt machine: text out through the 16550 UART,
   the cycle counter, which under -icount shift=0 counts instructions, and the test device to exit.
 */
#include <stdint.h>

extern uint32_t data_start[], data_end[], bss_start[], bss_end[];
extern const uint32_t data_image[];
int main(void);
void core_begin(void);

__attribute__((naked, used, section(".vectors"))) void reset(void) {
  __asm volatile("la sp, stack_top\nla t0, core_fault\ncsrw mtvec, t0\nj core_begin\n");
}

void core_text(const char *text) {
  while (*text) *(volatile uint8_t *)0x10000000u = (uint8_t)*text++;
}

void core_number(uint32_t value) {
  char text[12];
  char *at = text + sizeof text;
  *--at = 0;
  do {
    *--at = (char)('0' + value % 10u);
    value /= 10u;
  } while (value);
  core_text(at);
}

uint32_t core_ticks(void) {
  uint32_t ticks;
  __asm volatile("csrr %0, mcycle" : "=r"(ticks));
  return ticks;
}

void core_exit(void) {
  *(volatile uint32_t *)0x100000u = 0x5555u;
  for (;;) {
  }
}

__attribute__((aligned(4), used)) void core_fault(void) {
  core_text("fault\n");
  core_exit();
}

__attribute__((used)) void core_begin(void) {
  const uint32_t *image = data_image;
  for (uint32_t *at = data_start; at < data_end;) *at++ = *image++;
  for (uint32_t *at = bss_start; at < bss_end;) *at++ = 0;
  main();
  core_exit();
}
