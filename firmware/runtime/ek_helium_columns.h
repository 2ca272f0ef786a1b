/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of four bytes for 3x3 depthwise convolutions with Helium.
 *
 * A strip of one channel is a table of columns: byte j of a column comes from input line j of the
 * strip. 16 bytes of it are a patch of 4 x 4 inputs, which holds four windows of stride 1.
 */
#ifndef EK_HELIUM_COLUMNS_H
#define EK_HELIUM_COLUMNS_H

#include "ek_helium.h"

/* Where the lines of a strip are; those outside of the input are masked. */
typedef struct {
  int32_t line[4]; /* bytes from the input's start */
  int32_t keep;    /* 0xFF in the bytes of a column that are inside */
  int32_t fill;    /* the zero point in the others */
} ek_helium_strip;

typedef struct {
  int8_t *table;
  const ek_helium_strip *strips;
  int32_t count;       /* strips */
  int32_t n;           /* inputs along a line */
  int32_t in_step;     /* bytes between neighbours along a line */
  int32_t strip_bytes; /* of table per strip */
  int32_t before;      /* bytes of padding columns before the first input */
  int32_t after;       /* padding columns to write after the last input */
  int32_t padding;     /* four zero points */
  /* Outputs, eight at a time: groups of a line, bytes to the next group and to the next strip. */
  int32_t groups, advance, out_strip, zero_point;
  int32_t all, last_strip, last_group; /* masks of lanes, two bits each */
  uint16_t offsets[8];                 /* of the eight outputs */
} ek_helium_lines;

/* The twin: all strips of the channel whose first input is `in`. */
EK_NOINLINE void ek_helium_columns_c(const int8_t *in, const ek_helium_lines *s) {
  for (int32_t strip = 0; strip < s->count; ++strip) {
    const ek_helium_strip *at = s->strips + strip;
    int8_t *to = s->table + strip * s->strip_bytes + s->before;
    for (int32_t i = 0; i < 4 * s->n; ++i) {
      const int32_t inside = (int8_t)((uint32_t)at->keep >> (i % 4 * 8) & 0xFFu);
      to[i] = inside ? in[at->line[i % 4] + i / 4 * s->in_step]
                     : (int8_t)((uint32_t)at->fill >> (i % 4 * 8) & 0xFFu);
    }
    for (int32_t i = 0; i < 4 * s->after; ++i) to[4 * s->n + i] = (int8_t)(s->padding & 0xFF);
  }
}

#ifdef EK_HELIUM
/* Register plan: r0 in, r1 to, r2 inputs left, r3 s, r4-r7 lines, r8 keep, r9 fill, r10 strips,
 * r11 the strip's table, r12 eight in_steps, lr rounds; q5 q6 offsets of eight inputs. On the
 * stack: strips left. Ten instructions for eight columns. */
#define EK_COLUMNS_OF_8(gather)                                        \
  gather                                                               \
      "vsli.16 q0, q2, #8\nvsli.16 q1, q3, #8\nvadd.i16 q5, q5, r12\n" \
      "vst20.16 {q0, q1}, [r1]\nvst21.16 {q0, q1}, [r1]!\n"
EK_NAKED void ek_helium_columns_asm(const int8_t *in EK_UNUSED,
                                    const ek_helium_lines *s EK_UNUSED) {
  __asm volatile(
      "push {r4-r11, lr}\nvpush {d8-d13}\nsub sp, #8\n"
      "mov r3, r1\nldr r4, [r3, #8]\nstr r4, [sp]\n"
      "ldrd r11, r10, [r3]\nldr r5, [r3, #16]\nlsl r12, r5, #3\n"
      "movs r4, #0\nvidup.u16 q6, r4, #1\nvmul.i16 q6, q6, r5\n"
      "1: ldmia r10!, {r4-r9}\nadd r4, r0\nadd r5, r0\nadd r6, r0\nadd r7, r0\n"
      "ldr r1, [r3, #24]\nadd r1, r11\nldr r2, [r3, #12]\nvmov q5, q6\n"
      "lsr lr, r2, #3\nwls lr, lr, 3f\n"
      "2:\n" EK_COLUMNS_OF_8("vldrb.u16 q0, [r4, q5]\nvldrb.u16 q2, [r5, q5]\n"
                             "vldrb.u16 q1, [r6, q5]\nvldrb.u16 q3, [r7, q5]\n")
      "le lr, 2b\n"
      "3: ands r2, r2, #7\nbeq 4f\nvctp.16 r2\n"
      EK_COLUMNS_OF_8("vpstttt\nvldrbt.u16 q0, [r4, q5]\nvldrbt.u16 q2, [r5, q5]\n"
                      "vldrbt.u16 q1, [r6, q5]\nvldrbt.u16 q3, [r7, q5]\n")
      "4: cmp r8, #-1\nbeq 6f\n"
      "ldrd r2, r4, [r3, #20]\nadd r1, r11, r4\nldr r2, [r3, #12]\nadds r2, #3\nlsr lr, r2, #2\n"
      "vdup.32 q0, r8\nvdup.32 q1, r9\nwls lr, lr, 6f\n"
      "5: vldrw.u32 q2, [r1]\nvand q2, q2, q0\nvorr q2, q2, q1\nvstrw.32 q2, [r1], #16\nle lr, 5b\n"
      "6: ldr r1, [r3, #12]\nldr r2, [r3, #24]\nadd r2, r11\nadd r1, r2, r1, lsl #2\n"
      "ldrd r2, r4, [r3, #28]\nwls lr, r2, 8f\n"
      "7: str r4, [r1], #4\nle lr, 7b\n"
      "8: ldr r4, [r3, #20]\nadd r11, r4\n"
      "ldr r4, [sp]\nsubs r4, #1\nstr r4, [sp]\nbne 1b\n"
      "add sp, #8\nvpop {d8-d13}\npop {r4-r11, pc}\n");
}
#endif

EK_KERNEL void ek_helium_columns(const int8_t *in, const ek_helium_lines *s) {
#ifdef EK_HELIUM
  ek_helium_columns_asm(in, s);
#else
  ek_helium_columns_c(in, s);
#endif
}

#endif
