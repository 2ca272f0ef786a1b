/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolutions from tables of columns for many channels, with Helium.
 *
 * Four lines of inputs, channels side by side as they are, become one table by interleaving stores:
 * [position along the lines][channel][line of four]. Four words of it, a column of channels apart,
 * are the 4 x 4 patch of a channel, which one gathering load brings into a register; dilated
 * windows take lines and words further apart. A list in flash says where the patches of eight
 * outputs are and where the outputs go.
 */
#ifndef EK_HELIUM_PATCHES_H
#define EK_HELIUM_PATCHES_H

#include "ek_helium.h"

/* Four lines to lay side by side: `positions` runs of `run` (16 or more) bytes of each. */
typedef struct {
  const int8_t *line[4];
  int32_t step[4]; /* from the end of a run to the line's next one */
  int32_t positions, run;
} ek_helium_lay_shape;

EK_NOINLINE void ek_helium_lay_c(int8_t *to, const ek_helium_lay_shape *s) {
  for (int32_t j = 0; j < 4; ++j) {
    const int8_t *from = s->line[j];
    int8_t *at = to + j;
    for (int32_t i = 0; i < s->positions; ++i, from += s->step[j]) {
      for (int32_t k = 0; k < s->run; ++k, at += 4) *at = *from++;
    }
  }
}

#ifdef EK_HELIUM
/* Register plan: r0 to, r2 r3 r11 r12 steps, r4-r7 lines, r8 positions left, r9 sixteens of a run,
 * r10 bytes that the last sixteen of a run shares with the one before. Nine instructions for 16
 * columns of four. */
#define EK_LAY_16                                                    \
  "vldrb.8 q0, [r4], #16\nvldrb.8 q1, [r5], #16\n"                   \
  "vldrb.8 q2, [r6], #16\nvldrb.8 q3, [r7], #16\n"                   \
  "vst40.8 {q0, q1, q2, q3}, [r0]\nvst41.8 {q0, q1, q2, q3}, [r0]\n" \
  "vst42.8 {q0, q1, q2, q3}, [r0]\nvst43.8 {q0, q1, q2, q3}, [r0]!\n"
EK_NAKED void ek_helium_lay_asm(int8_t *to EK_UNUSED, const ek_helium_lay_shape *s EK_UNUSED) {
  __asm volatile(
      "push {r4-r11, lr}\n"
      "ldrd r8, r10, [r1, #32]\nldrd r11, r12, [r1, #24]\nldrd r2, r3, [r1, #16]\n"
      "ldmia r1, {r4-r7}\nlsr r9, r10, #4\nrsb r10, r10, #0\nand r10, r10, #15\n"
      "1: dls lr, r9\n"
      "2:\n" EK_LAY_16
      "le lr, 2b\n"
      "cmp r10, #0\nbeq 3f\n"
      "sub r4, r4, r10\nsub r5, r5, r10\nsub r6, r6, r10\nsub r7, r7, r10\n"
      "sub r0, r0, r10, lsl #2\n" EK_LAY_16
      "3: add r4, r2\nadd r5, r3\nadd r6, r11\nadd r7, r12\n"
      "subs r8, #1\nbne 1b\npop {r4-r11, pc}\n");
}
#endif

EK_KERNEL void ek_helium_lay(int8_t *to, const ek_helium_lay_shape *s) {
#ifdef EK_HELIUM
  ek_helium_lay_asm(to, s);
#else
  ek_helium_lay_c(to, s);
#endif
}

/* `list`, per eight outputs: bytes into the table of their patches, then their eight offsets in the
 * output, 16 bits each; a number below 0 ends it. Output k is at offset 2k, output 4 + k at 2k + 1.
 * With windows of up to 3x3 and stride 1 both ways a patch is shared by four outputs (0, 0), (1,
 * 0), (0, 1), (1, 1) in lines and along, and there are two; else there are eight, and of each
 * output one patch, two or four: at 0, `next`, `below`, `below` + `next` from what the list says.
 *
 * `records`, per output channel: 16 bytes of taps per patch, 12 where it is shared, tap (line,
 * along) at 4 * along + line; then bias, multiplier and a word with the shift in its lowest byte
 * and above it the bytes to the next record's channel in the table. */
typedef struct {
  const int8_t *table;
  const int32_t *list;
  int32_t channels; /* records */
  int32_t spacing;  /* bytes between the words of a patch */
  int32_t zero_point;
  int32_t mask; /* lanes to write, two bits each */
  int32_t next, below;
} ek_helium_patches;

/* Words of a record: of one patch, two or four; of a shared one where patches is 0. */
EK_KERNEL int32_t ek_patch_record(int32_t patches) {
  return patches ? 4 * patches + 3 : 6;
}

EK_NOINLINE int32_t ek_helium_patch_sum(const int8_t *at, const int8_t *taps, int32_t count,
                                        int32_t spacing, int32_t shift) {
  int32_t sum = 0;
  for (int32_t i = 0; i < count && i + shift < 16; ++i) {
    sum += taps[i] * at[(i + shift) / 4 * spacing + (i + shift) % 4];
  }
  return sum;
}

/* The twin. */
EK_KERNEL void ek_helium_patches_c(int8_t *out, const int32_t *records, const ek_helium_patches *s,
                                   int32_t patches, int32_t away) {
  const int32_t words = ek_patch_record(patches), listed = patches ? 8 : 2;
  const int8_t *table = s->table;
  for (int32_t c = 0; c < s->channels; ++c, table += records[words - 1] >> 8, records += words) {
    const int8_t *taps = (const int8_t *)records;
    const int32_t *end = records + words - 3;
    const ek_helium_finish finish = {end[0], end[1], (int8_t)(end[2] & 0xFF)};
    for (const int32_t *at = s->list; *at >= 0; at += listed + 4) {
      uint16_t offsets[8];
      memcpy(offsets, at + listed, sizeof offsets);
      for (int32_t k = 0; k < 8; ++k) {
        const int32_t lane = k % 4 * 2 + k / 4;
        const int8_t *from = table + at[patches ? k : k / 4];
        int32_t sum = 0;
        if (!((uint32_t)s->mask >> (2 * lane) & 1)) continue;
        if (!patches) sum = ek_helium_patch_sum(from, taps, 12, s->spacing, k % 2 + k / 2 % 2 * 4);
        for (int32_t i = 0; i < patches; ++i) {
          const int8_t *patch = from + i % 2 * s->next + i / 2 * s->below;
          sum += ek_helium_patch_sum(patch, taps + 16 * i, 16, s->spacing, 0);
        }
        out[c + offsets[lane]] = ek_helium_narrow(sum, &finish, s->zero_point, away);
      }
    }
  }
}

#ifdef EK_HELIUM
/* Register plan: r0 r2 ... r12 lr where patches are, then eight sums; r1 zero point, r3 bias, r5
 * multiplier, r7 out, r9 shift, r11 list; q0-q3 taps, q4 q5 patches, then sums; q6 where the words
 * of a patch at 0 are, q7 offsets of the outputs. Where outputs have more than one patch, r3 and r5
 * are `next` and `below`, r1 and r9 where patches are, and the finish is on the stack. The stack: 0
 * record, 4 list, 8 channels left, 12 zero point, 16 bias, multiplier, shift, zero point. 30
 * instructions for eight outputs of shared patches; 34, 61 and 109 for one patch each, two, four.
 */
#define EK_PATCHES_NEXT_0 "ldrd r0, r2, [r11], #8\n"
#define EK_PATCHES_SUMS_0                                                  \
  "vldrw.u32 q4, [r0, q6]\nvldrw.u32 q5, [r2, q6]\n"                       \
  "vmladav.s8 r0, q0, q4\nvmladav.s8 r2, q1, q4\nvmladav.s8 r4, q2, q4\n"  \
  "vmladav.s8 r6, q3, q4\nvmladav.s8 r8, q0, q5\nvmladav.s8 r10, q1, q5\n" \
  "vmladav.s8 r12, q2, q5\nvmladav.s8 lr, q3, q5\n"
#define EK_PATCHES_NEXT_1 "ldmia r11!, {r0, r2, r4, r6, r8, r10, r12, lr}\n"
#define EK_PATCHES_TWO(a, b)                                                  \
  "vldrw.u32 q4, [" #a ", q6]\nvmladav.s8 " #a ", q0, q4\nvldrw.u32 q5, [" #b \
  ", q6]\nvmladav.s8 " #b ", q0, q5\n"
#define EK_PATCHES_SUMS_1 \
  EK_PATCHES_TWO(r0, r2) EK_PATCHES_TWO(r4, r6) EK_PATCHES_TWO(r8, r10) EK_PATCHES_TWO(r12, lr)
#define EK_PATCHES_NEXT_2 EK_PATCHES_NEXT_1
#define EK_PATCHES_PAIR(a)                                                                 \
  "add r1, " #a ", r3\nvldrw.u32 q4, [" #a ", q6]\nvldrw.u32 q5, [r1, q6]\nvmladav.s8 " #a \
  ", q0, q4\nvmladava.s8 " #a ", q1, q5\n"
#define EK_PATCHES_EIGHT(ONE) ONE(r0) ONE(r2) ONE(r4) ONE(r6) ONE(r8) ONE(r10) ONE(r12) ONE(lr)
#define EK_PATCHES_SUMS_2 EK_PATCHES_EIGHT(EK_PATCHES_PAIR)
#define EK_PATCHES_NEXT_4 EK_PATCHES_NEXT_1
#define EK_PATCHES_FOUR(a) \
  "add r9, " #a ", r5\n" EK_PATCHES_PAIR(a)                              \
  "vldrw.u32 q4, [r9, q6]\nadd r9, r3\nvldrw.u32 q5, [r9, q6]\n"         \
  "vmladava.s8 " #a ", q2, q4\nvmladava.s8 " #a ", q3, q5\n"
#define EK_PATCHES_SUMS_4 EK_PATCHES_EIGHT(EK_PATCHES_FOUR)
/* A channel's taps and finish; r4 is its record. */
#define EK_PATCHES_TAPS_0                                           \
  "vldrw.u32 q0, [r4], #12\nmovs r6, #0\nvmov.32 q0[3], r6\n"       \
  "vmov q1, q0\nvshlc q1, r6, #8\nvmov q2, q0\nvshlc q2, r6, #32\n" \
  "vmov q3, q1\nvshlc q3, r6, #32\nldmia r4!, {r3, r5, r9}\n"
#define EK_PATCHES_TAPS_1 "vldrw.u32 q0, [r4], #16\nldmia r4!, {r3, r5, r9}\n"
#define EK_PATCHES_PARK \
  "ldmia r4!, {r0, r3, r5}\nstrd r0, r3, [sp, #16]\nstr r5, [sp, #24]\nldrd r3, r5, [r2, #24]\n"
#define EK_PATCHES_TAPS_2 "vldrw.u32 q0, [r4], #16\nvldrw.u32 q1, [r4], #16\n" EK_PATCHES_PARK
#define EK_PATCHES_TAPS_4                              \
  "vldrw.u32 q0, [r4], #16\nvldrw.u32 q1, [r4], #16\n" \
  "vldrw.u32 q2, [r4], #16\nvldrw.u32 q3, [r4], #16\n" EK_PATCHES_PARK
#define EK_PATCHES_CONSTANTS_0 ""
#define EK_PATCHES_CONSTANTS_1 ""
#define EK_PATCHES_CONSTANTS_2 "ldrd r0, r2, [sp, #16]\nldrd r4, r6, [sp, #24]\n"
#define EK_PATCHES_CONSTANTS_4 EK_PATCHES_CONSTANTS_2
#define EK_PATCHES_ADVANCE_0 "asr r4, r9, #8\n"
#define EK_PATCHES_ADVANCE_1 EK_PATCHES_ADVANCE_0
#define EK_PATCHES_ADVANCE_2 "ldr r4, [sp, #24]\nasrs r4, r4, #8\n"
#define EK_PATCHES_ADVANCE_4 EK_PATCHES_ADVANCE_2
#define EK_PATCHES_UP
#define EK_PATCHES_AWAY                         \
  "vshr.s32 q7, q4, #31\nvadd.i32 q4, q4, q7\n" \
  "vshr.s32 q7, q5, #31\nvadd.i32 q5, q5, q7\n"
#define EK_PATCHES_BODY(n, AWAY, bias, multiplier, shift, zero)                             \
  __asm volatile(EK_HELIUM_OPEN(                                                            \
      32) "mov r7, r0\nldrd r4, r3, [r2]\nldrd r5, r6, [r2, #8]\n"                          \
          "strd r1, r3, [sp]\nstr r5, [sp, #8]\nldrd r1, r5, [r2, #16]\nvmsr p0, r5\n"      \
          "str r1, [sp, #28]\nstr r2, [sp, #12]\n"                                          \
          "movs r0, #0\nvidup.u32 q6, r0, #1\nvmul.i32 q6, q6, r6\nvadd.i32 q6, q6, r4\n"   \
          "1: ldrd r4, r11, [sp]\nldr r2, [sp, #12]\n" EK_PATCHES_TAPS_##n                  \
                 "str r4, [sp]\n" EK_PATCHES_NEXT_##n "2:\n" EK_PATCHES_SUMS_##n            \
                 "vmov q4[2], q4[0], r0, r4\nvmov q4[3], q4[1], r2, r6\n"                   \
                 "vmov q5[2], q5[0], r8, r12\nvmov q5[3], q5[1], r10, "                     \
                 "lr\n" EK_PATCHES_CONSTANTS_##n                                            \
                 "vadd.i32 q4, q4, " #bias "\nvadd.i32 q5, q5, " #bias                      \
                 "\n"                                                                       \
                 "vqrdmulh.s32 q4, q4, " #multiplier "\nvqrdmulh.s32 q5, q5, " #multiplier  \
                 "\n" AWAY "vldrh.u16 q7, [r11], #16\nvrshl.s32 q4, " #shift                \
                 "\nvrshl.s32 q5, " #shift                                                  \
                 "\n"                                                                       \
                 "vqmovnb.s32 q4, q4\nvqmovnt.s32 q4, q5\nvqadd.s16 q4, q4, " #zero         \
                 "\nvqmovnb.s16 q4, q4\nvpst\nvstrbt.16 q4, [r7, q7]\n" EK_PATCHES_NEXT_##n \
                 "cmp r0, #0\nbge 2b\n"                                                     \
                 "adds r7, #1\n" EK_PATCHES_ADVANCE_##n                                     \
                 "vadd.i32 q6, q6, r4\n"                                                    \
                 "ldr r4, [sp, #8]\nsubs r4, #1\nstr r4, [sp, #8]\nbne 1b\n" EK_HELIUM_CLOSE(32))
#define EK_PATCHES_FUNCTION(name, n, AWAY, bias, multiplier, shift, zero)     \
  EK_NAKED void name(int8_t *out EK_UNUSED, const int32_t *records EK_UNUSED, \
                     const ek_helium_patches *s EK_UNUSED) {                  \
    EK_PATCHES_BODY(n, AWAY, bias, multiplier, shift, zero);                  \
  }
#define EK_PATCHES_BOTH(n, bias, multiplier, shift, zero)                                   \
  EK_PATCHES_FUNCTION(ek_patches_##n##_up, n, EK_PATCHES_UP, bias, multiplier, shift, zero) \
  EK_PATCHES_FUNCTION(ek_patches_##n##_away, n, EK_PATCHES_AWAY, bias, multiplier, shift, zero)
EK_PATCHES_BOTH(0, r3, r5, r9, r1)
EK_PATCHES_BOTH(1, r3, r5, r9, r1)
EK_PATCHES_BOTH(2, r0, r2, r4, r6)
EK_PATCHES_BOTH(4, r0, r2, r4, r6)
#else
#define EK_PATCHES_FUNCTION(name, n, away)                                                 \
  EK_NOINLINE void name(int8_t *out, const int32_t *records, const ek_helium_patches *s) { \
    ek_helium_patches_c(out, records, s, n, away);                                         \
  }
#define EK_PATCHES_BOTH(n)                       \
  EK_PATCHES_FUNCTION(ek_patches_##n##_up, n, 0) \
  EK_PATCHES_FUNCTION(ek_patches_##n##_away, n, 1)
EK_PATCHES_BOTH(0)
EK_PATCHES_BOTH(1)
EK_PATCHES_BOTH(2)
EK_PATCHES_BOTH(4)
#endif

typedef void (*ek_helium_patches_fn)(int8_t *, const int32_t *, const ek_helium_patches *);

/* Constants at each call, so that a model holds only the variants it needs; 0: shared patches. */
EK_KERNEL ek_helium_patches_fn ek_helium_patches_for(int32_t patches, int32_t away) {
  if (patches == 0) return away ? ek_patches_0_away : ek_patches_0_up;
  if (patches == 1) return away ? ek_patches_1_away : ek_patches_1_up;
  if (patches == 2) return away ? ek_patches_2_away : ek_patches_2_up;
  return away ? ek_patches_4_away : ek_patches_4_up;
}

#endif
