/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors, start of the C world, faults, sleep and reset, for any Cortex-M. */
#include "ek_cortex_m.h"

#include "ek_board.h"
#include "ek_commands.h"

#define NVIC_ISER 0xE000E100u
#define NVIC_ICER 0xE000E180u
#define NVIC_ICPR 0xE000E280u
#define SCB_VTOR 0xE000ED08u
#define SCB_AIRCR 0xE000ED0Cu
#define SCB_CFSR 0xE000ED28u
#define SCB_CPACR 0xE000ED88u
#define AIRCR_SYSRESETREQ 0x05FA0004u
#define CPACR_FPU_AND_MVE (0xFu << 20)
#define CFSR_MEMORY 0x000000FFu
#define CFSR_BUS 0x0000FF00u
#define FRAME_PC 6

/* At the bottom of RAM (see sections.ld): an overflow leaves RAM and faults, where above the
   data it would silently eat the model's arena. */
__attribute__((section(".stack"), aligned(8), used)) uint8_t ek_stack_area[EK_STACK_BYTES];

extern uint32_t ek_data_start[], ek_data_end[], ek_bss_start[], ek_bss_end[];
extern const uint32_t ek_data_image[];
extern int main(void);

void ek_reset(void);
void ek_fault(void);
void ek_fault_report(const uint32_t *frame);

/* What a chip has to do before memory is readied; most have nothing. */
__attribute__((weak)) void ek_port_early(void) {}

typedef struct {
  void *stack_top;
  void (*handlers[15])(void);
} ek_vectors;

__attribute__((section(".vectors"), used)) const ek_vectors ek_vector_table = {
    ek_stack_area + sizeof ek_stack_area,
    {ek_reset, ek_fault, ek_fault, ek_fault, ek_fault, ek_fault, ek_fault, ek_fault, ek_fault,
     ek_fault, ek_fault, ek_fault, ek_fault, ek_fault, ek_cycles_tick},
};

__attribute__((noinline, noreturn)) static void start(void) {
  ek_port_early();
  const uint32_t *image = ek_data_image;
  for (uint32_t *at = ek_data_start; at < ek_data_end;) *at++ = *image++;
  for (uint32_t *at = ek_bss_start; at < ek_bss_end;) *at++ = 0;
  (void)main();
  for (;;) {
  }
}

void ek_reset(void) {
  /* No peripheral's interrupt is ever taken: it only wakes the core. SysTick's may be, once
     ek_cycles_start has asked for it. */
  __asm volatile("cpsid i" ::: "memory");
  EK_REG(SCB_VTOR) = (uint32_t)(uintptr_t)&ek_vector_table;
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  /* Before anything else: the compiler may use vector registers in any loop. */
  EK_REG(SCB_CPACR) |= CPACR_FPU_AND_MVE;
#endif
  __asm volatile("dsb\n isb" ::: "memory");
  start();
}

/* Keeps the stack if there is room to report on it, else starts it anew: it has overflowed. */
__attribute__((naked)) void ek_fault(void) {
  __asm volatile(
      "mov r0, sp\n"
      "ldr r1, =ek_stack_area + 1024\n"
      "cmp r0, r1\n"
      "bhs 1f\n"
      "ldr r1, =ek_stack_area + %c0\n"
      "mov sp, r1\n"
      "movs r0, #0\n"
      "1: ldr r1, =ek_fault_report\n" /* further away than a Cortex-M0 can branch */
      "bx r1\n"
      ".ltorg\n" ::"i"(sizeof ek_stack_area));
}

__attribute__((used, noreturn)) void ek_fault_report(const uint32_t *frame) {
#if defined(__ARM_ARCH_6M__)
  const uint32_t status = 0; /* this architecture does not tell its faults apart */
  const char *text = "hard fault";
#else
  const uint32_t status = EK_REG(SCB_CFSR);
  const char *text = "usage fault";
#endif
  if (frame == NULL) {
    text = "stack overflow";
  } else if (status & CFSR_MEMORY) {
    text = "memory fault";
  } else if (status & CFSR_BUS) {
    text = "bus fault";
  }
  ek_commands_fault(text, frame != NULL ? frame[FRAME_PC] : 0u);
  for (;;) __asm volatile("wfi");
}

void ek_cortex_m_enable_wake(uint32_t irq) {
  EK_REG(NVIC_ISER + 4u * (irq / 32u)) = 1u << (irq % 32u);
}

void ek_cortex_m_sleep(void) {
  __asm volatile("dsb\n wfi" ::: "memory");
}

void ek_cortex_m_clear_wake(uint32_t irq) {
  EK_REG(NVIC_ICPR + 4u * (irq / 32u)) = 1u << (irq % 32u);
}

void ek_cortex_m_nap(uint32_t irq) {
  const uint32_t masked = ek_cortex_m_mask();
  EK_REG(NVIC_ISER + 4u * (irq / 32u)) = 1u << (irq % 32u);
  ek_cortex_m_sleep();
  EK_REG(NVIC_ICER + 4u * (irq / 32u)) = 1u << (irq % 32u);
  ek_cortex_m_clear_wake(irq);
  ek_cortex_m_unmask(masked);
}

uint32_t ek_cortex_m_mask(void) {
  uint32_t masked;
  __asm volatile("mrs %0, primask\n cpsid i" : "=r"(masked)::"memory");
  return masked;
}

void ek_cortex_m_unmask(uint32_t masked) {
  __asm volatile("msr primask, %0" ::"r"(masked) : "memory");
}

void ek_cortex_m_reset(void) {
  __asm volatile("dsb" ::: "memory");
  EK_REG(SCB_AIRCR) = AIRCR_SYSRESETREQ;
  for (;;) {
  }
}

ek_stack ek_cortex_m_stack(void) {
  const ek_stack stack = {ek_stack_area, sizeof ek_stack_area};
  return stack;
}
