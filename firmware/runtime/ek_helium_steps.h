/* SPDX-License-Identifier: Apache-2.0 */
/* ek_helium_block.h for up to four steps, each number of them a function without inner loops: what
 * a block of two pixels and four channels takes beside its products shrinks from 27 instructions to
 * 21.
 */
#ifndef EK_HELIUM_STEPS_H
#define EK_HELIUM_STEPS_H

#include "ek_helium_block.h"

typedef const int32_t *(*ek_helium_block_fn)(const int8_t *, const int32_t *, int8_t *,
                                             const ek_helium_shape *);

#ifdef EK_HELIUM
/* Register plan: sums as in ek_helium_block.h; r1 the four's constants and weights, r3 r9 inputs,
 * r5 zero point, r7 out, r11 out_c; q0-q3 weights, q4 q5 inputs, q6 biases, q7 where the eight
 * outputs go. On the stack: 0 end of the first inputs, 4 fours left, 8 12 inputs, 16 out. */
#define EK_STEPS_ONE(MAC, at)                                                                  \
  "vldrb.8 q4, [r3], #16\nvldrw.u32 q0, [r1, #" #at "]\n" MAC                                  \
  " r0, q0, q4\nvldrw.u32 q1, [r1, #" #at "+16]\n" MAC " r2, q1, q4\nvldrw.u32 q2, [r1, #" #at \
  "+32]\n" MAC " r4, q2, q4\nvldrw.u32 q3, [r1, #" #at "+48]\n" MAC                            \
  " r6, q3, q4\nvldrb.8 q5, [r9], #16\n" MAC " r8, q0, q5\n" MAC " r10, q1, q5\n" MAC          \
  " r12, q2, q5\n" MAC " lr, q3, q5\n"
#define EK_STEPS_2 EK_STEPS_ONE("vmladav.s8", 48) EK_STEPS_ONE("vmladava.s8", 112)
#define EK_STEPS_3 EK_STEPS_2 EK_STEPS_ONE("vmladava.s8", 176)
#define EK_STEPS_4 EK_STEPS_3 EK_STEPS_ONE("vmladava.s8", 240)
#define EK_STEPS_FINISH(AWAY)                                \
  "vmov q0[2], q0[0], r0, r4\nvmov q0[3], q0[1], r2, r6\n"   \
  "vmov q1[2], q1[0], r8, r12\nvmov q1[3], q1[1], r10, lr\n" \
  "vldrw.u32 q2, [r1, #16]\nvldrw.u32 q3, [r1, #32]\n"       \
  "vadd.i32 q0, q0, q6\nvadd.i32 q1, q1, q6\n"               \
  "vqrdmulh.s32 q0, q0, q2\nvqrdmulh.s32 q1, q1, q2\n" AWAY  \
  "vrshl.s32 q0, q0, q3\nvrshl.s32 q1, q1, q3\n" EK_HELIUM_BYTES(r5) "vstrb.16 q0, [r7, q7]\n"
/* One step: the weights stay in q0-q3, the constants come by way of q6. */
#define EK_STEPS_1                                                         \
  "vldrb.8 q4, [r3], #16\nvmladav.s8 r0, q0, q4\nvldrb.8 q5, [r9], #16\n"  \
  "vmladav.s8 r8, q0, q5\nvmladav.s8 r2, q1, q4\nvmladav.s8 r10, q1, q5\n" \
  "vmladav.s8 r4, q2, q4\nvmladav.s8 r12, q2, q5\nvmladav.s8 r6, q3, q4\n" \
  "vmladav.s8 lr, q3, q5\n"
#define EK_STEPS_FINISH_1(AWAY)                                                \
  "vmov q4[2], q4[0], r0, r4\nvldrw.u32 q6, [r1]\nvmov q4[3], q4[1], r2, r6\n" \
  "vmov q5[2], q5[0], r8, r12\nvmov q5[3], q5[1], r10, lr\n"                   \
  "vadd.i32 q4, q4, q6\nvadd.i32 q5, q5, q6\nvldrw.u32 q6, [r1, #16]\n"        \
  "vqrdmulh.s32 q4, q4, q6\nvqrdmulh.s32 q5, q5, q6\n" AWAY                    \
  "vldrw.u32 q6, [r1, #32]\nvrshl.s32 q4, q4, q6\nvrshl.s32 q5, q5, q6\n"      \
  "vqmovnb.s32 q4, q4\nvqmovnt.s32 q4, q5\nvqadd.s16 q4, q4, r5\n"             \
  "vqmovnb.s16 q4, q4\nvstrb.16 q4, [r7, q7]\n"
#define EK_STEPS_AWAY_1                         \
  "vshr.s32 q6, q4, #31\nvadd.i32 q4, q4, q6\n" \
  "vshr.s32 q6, q5, #31\nvadd.i32 q5, q5, q6\n"
#define EK_STEPS_KEEP                                  \
  "vldrw.u32 q0, [r1, #48]\nvldrw.u32 q1, [r1, #64]\n" \
  "vldrw.u32 q2, [r1, #80]\nvldrw.u32 q3, [r1, #96]\n"
#define EK_STEPS_BODY(START, STEPS, FINISH, bytes)                                           \
  __asm volatile(EK_HELIUM_OPEN(                                                             \
      24) "ldmia r3, {r4-r9}\n"                                                              \
          "lsl r10, r4, #4\nmla r11, r10, r7, r0\nmla r12, r10, r6, r0\n"                    \
          "strd r12, r5, [sp]\nstrd r0, r11, [sp, #8]\nstr r2, [sp, #16]\n"                  \
          "mul r7, r7, r8\nmovs r0, #0\nvidup.u16 q7, r0, #1\nmovs r0, #1\nvdup.16 q6, r0\n" \
          "vand q6, q6, q7\nvshr.u16 q7, q7, #1\nvmla.s16 q7, q6, r7\n"                      \
          "mov r5, r9\nmov r11, r8\n"                                                        \
          "1: ldrd r3, r9, [sp, #8]\nldr r7, [sp, #16]\n" START "2:\n" STEPS FINISH          \
          "add r7, r11\nldr r4, [sp]\ncmp r3, r4\nbne 2b\n"                                  \
          "add r1, r1, #" #bytes                                                             \
          "\nldr r4, [sp, #16]\nadds r4, #4\nstr r4, [sp, #16]\n"                            \
          "ldr r6, [sp, #4]\nsubs r6, #1\nstr r6, [sp, #4]\nbne 1b\n"                        \
          "mov r0, r1\n" EK_HELIUM_CLOSE(24))
#define EK_STEPS_FUNCTION(name, START, STEPS, FINISH, bytes)                                \
  EK_NAKED const int32_t *name(const int8_t *x EK_UNUSED, const int32_t *stream EK_UNUSED,  \
                               int8_t *out EK_UNUSED, const ek_helium_shape *s EK_UNUSED) { \
    EK_STEPS_BODY(START, STEPS, FINISH, bytes);                                             \
  }
#define EK_STEPS_BIAS "vldrw.u32 q6, [r1]\n"
#define EK_STEPS_BOTH(n, bytes)                                              \
  EK_STEPS_FUNCTION(ek_helium_steps_##n##_up, EK_STEPS_BIAS, EK_STEPS_##n,   \
                    EK_STEPS_FINISH(EK_HELIUM_UP), bytes)                    \
  EK_STEPS_FUNCTION(ek_helium_steps_##n##_away, EK_STEPS_BIAS, EK_STEPS_##n, \
                    EK_STEPS_FINISH(EK_HELIUM_AWAY), bytes)
EK_STEPS_FUNCTION(ek_helium_steps_1_up, EK_STEPS_KEEP, EK_STEPS_1, EK_STEPS_FINISH_1(EK_HELIUM_UP),
                  112)
EK_STEPS_FUNCTION(ek_helium_steps_1_away, EK_STEPS_KEEP, EK_STEPS_1,
                  EK_STEPS_FINISH_1(EK_STEPS_AWAY_1), 112)
EK_STEPS_BOTH(2, 176)
EK_STEPS_BOTH(3, 240)
EK_STEPS_BOTH(4, 304)
#endif

/* Constants at each call, so that a model holds only the variants it needs. */
EK_KERNEL ek_helium_block_fn ek_helium_block_for(int32_t steps, int32_t away) {
#ifdef EK_HELIUM
  if (steps == 1) return away ? ek_helium_steps_1_away : ek_helium_steps_1_up;
  if (steps == 2) return away ? ek_helium_steps_2_away : ek_helium_steps_2_up;
  if (steps == 3) return away ? ek_helium_steps_3_away : ek_helium_steps_3_up;
  if (steps == 4) return away ? ek_helium_steps_4_away : ek_helium_steps_4_up;
#else
  (void)steps;
#endif
  return away ? ek_helium_block_away : ek_helium_block_up;
}

#endif
