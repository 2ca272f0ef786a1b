/* SPDX-License-Identifier: Apache-2.0 */
/* SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: pixels of any type dealt out to batches, and back. */
#ifndef EK_SPACE_BATCH_H
#define EK_SPACE_BATCH_H

#include "ek_kernel.h"

/* Batch (oy * block_w + ox) * batches + n holds image n's pixels (y * block_h + oy - top,
 * x * block_w + ox - left), h x w of them; the image is space_h x space_w. A pixel is `bytes`. */
typedef struct {
  int32_t to_batch, batches, space_h, space_w, h, w, block_h, block_w, top, left, bytes;
} ek_space_batch_params;

/* Pixel in the image as an index, -1 outside of it. */
EK_KERNEL int32_t ek_space_pixel(const ek_space_batch_params *p, int32_t batch, int32_t y,
                                 int32_t x) {
  const int32_t offset = batch / p->batches;
  const int32_t space_y = y * p->block_h + offset / p->block_w - p->top;
  const int32_t space_x = x * p->block_w + offset % p->block_w - p->left;
  if (space_y < 0 || space_y >= p->space_h || space_x < 0 || space_x >= p->space_w) return -1;
  return (batch % p->batches * p->space_h + space_y) * p->space_w + space_x;
}

/* Towards batches every pixel is in the image; backwards those outside of it are cropped. */
EK_KERNEL void ek_space_batch(const ek_space_batch_params *p, const void *in, void *out) {
  const uint8_t *from = (const uint8_t *)in;
  uint8_t *to = (uint8_t *)out;
  const int32_t pixels = p->batches * p->block_h * p->block_w * p->h * p->w;
  for (int32_t i = 0; i < pixels; ++i) {
    const int32_t y = i / p->w % p->h;
    const int32_t pixel = ek_space_pixel(p, i / (p->h * p->w), y, i % p->w);
    if (pixel < 0) continue;
    if (p->to_batch) {
      memcpy(to + i * p->bytes, from + pixel * p->bytes, (size_t)p->bytes);
    } else {
      memcpy(to + pixel * p->bytes, from + i * p->bytes, (size_t)p->bytes);
    }
  }
}

#endif
