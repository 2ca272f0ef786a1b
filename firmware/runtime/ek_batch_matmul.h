/* SPDX-License-Identifier: Apache-2.0 */
/* BATCH_MATMUL: int8 matrices times int8 matrices, each with one scale, batches broadcast. */
#ifndef EK_BATCH_MATMUL_H
#define EK_BATCH_MATMUL_H

#include "ek_kernel.h"

typedef struct {
  int32_t rows, depth, cols;
  int32_t a_row, a_col, a_batch0, a_batch1, a_batch2; /* elements to the next, 0 = repeats */
  int32_t b_row, b_col, b_batch0, b_batch1, b_batch2;
  int32_t batches0, batches1, batches2;
} ek_batch_matmul_params;

typedef struct {
  int32_t a_offset, b_offset, out_offset, multiplier, shift;
} ek_batch_matmul_quant;

EK_KERNEL void ek_batch_matmul_one(const ek_batch_matmul_params *p, const int8_t *a,
                                   const int8_t *b, int8_t *out,
                                   const ek_batch_matmul_quant *quant) {
  for (int32_t r = 0; r < p->rows; ++r) {
    for (int32_t c = 0; c < p->cols; ++c) {
      const int8_t *row = a + r * p->a_row;
      const int8_t *col = b + c * p->b_col;
      int32_t acc = 0;
      for (int32_t k = 0; k < p->depth; ++k) {
        acc += (row[k * p->a_col] + quant->a_offset) * (col[k * p->b_row] + quant->b_offset);
      }
      const int32_t scaled = ek_scale(acc, quant->multiplier, quant->shift) + quant->out_offset;
      out[r * p->cols + c] = (int8_t)ek_clamp(scaled, -128, 127);
    }
  }
}

EK_KERNEL void ek_batch_matmul(const ek_batch_matmul_params *p, const int8_t *a, const int8_t *b,
                               int8_t *out, const ek_batch_matmul_quant *quant) {
  for (int32_t i = 0; i < p->batches0; ++i) {
    for (int32_t j = 0; j < p->batches1; ++j) {
      for (int32_t k = 0; k < p->batches2; ++k, out += p->rows * p->cols) {
        const int8_t *first = a + i * p->a_batch0 + j * p->a_batch1 + k * p->a_batch2;
        const int8_t *second = b + i * p->b_batch0 + j * p->b_batch1 + k * p->b_batch2;
        ek_batch_matmul_one(p, first, second, out, quant);
      }
    }
  }
}

#endif
