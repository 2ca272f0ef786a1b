/* SPDX-License-Identifier: Apache-2.0 */
/* Smallest start of a test program on an emulated MPS2 board: text out through semihosting, and
   the FPGAIO counter, from which exact instruction counts follow under -icount. */
#include <stdint.h>
#include <string.h>

#define REG(address) (*(volatile uint32_t *)(address))

extern uint32_t data_start[], data_end[], bss_start[], bss_end[], stack_top[];
extern const uint32_t data_image[];
int main(void);

static int semihost(int operation, const void *argument) {
  register int r0 __asm("r0") = operation;
  register const void *r1 __asm("r1") = argument;
  __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

void core_text(const char *text) {
  (void)semihost(4, text);
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
  return REG(FPGAIO + 0x18u);
}

void core_exit(void) {
  (void)semihost(0x18, (const void *)0x20026);
}

static void fault(void) {
  core_text("fault\n");
  core_exit();
}

void reset(void) {
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  REG(0xE000ED88u) |= 0xFu << 20;
  __asm volatile("dsb\n isb" ::: "memory");
#endif
  const uint32_t *image = data_image;
  for (uint32_t *at = data_start; at < data_end;) *at++ = *image++;
  for (uint32_t *at = bss_start; at < bss_end;) *at++ = 0;
  REG(FPGAIO + 0x1Cu) = 0;
  main();
  core_exit();
}

__attribute__((section(".vectors"), used)) const void *const vectors[16] = {
    stack_top,           (const void *)reset, (const void *)fault, (const void *)fault,
    (const void *)fault, (const void *)fault, (const void *)fault};
