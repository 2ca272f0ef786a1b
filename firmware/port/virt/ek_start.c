/* SPDX-License-Identifier: Apache-2.0 */
/* Start of the C world and traps of an RV32 core in machine mode: RISC-V Privileged Architecture
   1.12, 3.1 (mtvec, mcause, mepc, mtval). */
#include <stddef.h>

#include "ek_board.h"
#include "ek_commands.h"
#include "ek_port.h"

#define CAUSE_ILLEGAL 2u
#define CAUSE_BREAKPOINT 3u /* what __builtin_trap compiles to */

/* Checked by nobody: QEMU's machine has memory below it. An overflow eats FLASH's end first. */
__attribute__((section(".stack"), aligned(16), used)) uint8_t ek_stack_area[EK_STACK_BYTES];

extern uint32_t ek_data_start[], ek_data_end[], ek_bss_start[], ek_bss_end[];
extern const uint32_t ek_data_image[];
extern int main(void);

void ek_begin(void);
void ek_trap(void);

__attribute__((naked, used, section(".start"))) void ek_start(void) {
  __asm volatile(
      ".option push\n"
      ".option norelax\n"
      "la gp, __global_pointer$\n"
      ".option pop\n"
      "la sp, ek_stack_area + %0\n"
      "j ek_begin\n" ::"i"(sizeof ek_stack_area));
}

__attribute__((used, noreturn)) void ek_begin(void) {
  /* No interrupt is ever taken: one that is enabled and pending ends a WFI. */
  __asm volatile("csrw mtvec, %0" ::"r"((uintptr_t)&ek_trap));
  const uint32_t *image = ek_data_image;
  for (uint32_t *at = ek_data_start; at < ek_data_end;) *at++ = *image++;
  for (uint32_t *at = ek_bss_start; at < ek_bss_end;) *at++ = 0;
  (void)main();
  for (;;) {
  }
}

__attribute__((aligned(4), used, noreturn)) void ek_trap(void) {
  uint32_t cause, where;
  __asm volatile("csrr %0, mcause" : "=r"(cause));
  __asm volatile("csrr %0, mepc" : "=r"(where));
  const int usage = cause == CAUSE_ILLEGAL || cause == CAUSE_BREAKPOINT;
  ek_commands_fault(usage ? "usage fault" : "memory fault", where);
  for (;;) __asm volatile("wfi");
}

ek_stack ek_port_stack(void) {
  const ek_stack stack = {ek_stack_area, sizeof ek_stack_area};
  return stack;
}
