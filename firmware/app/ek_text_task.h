/* SPDX-License-Identifier: Apache-2.0 */
/* The task's side of the text protocol: what the bytes of an input mean, and what is a result.
   ek_board.h gives EK_TEXT_TASK (its id), EK_TEXT_BYTES (of one input) and EK_TEXT_INPUT. */
#ifndef EK_TEXT_TASK_H
#define EK_TEXT_TASK_H

#include <stdint.h>

#define EK_TEXT_UINT8 1   /* pixels 0..255; an int8 model takes them less 128 */
#define EK_TEXT_INT8 2    /* the model's own bytes */
#define EK_TEXT_FLOAT32 3 /* little-endian; the model rebuilds them, the result is the error */

/* An input of `bytes` follows; 0 where there is room for it. */
int ek_text_input_start(uint32_t bytes);
/* Adds one byte. Returns whether the input is whole, also for bytes that come after that. */
int ek_text_input_add(uint8_t byte);
uint32_t ek_text_input_expected(void);
uint32_t ek_text_input_loaded(void);
uint8_t ek_text_input_at(uint32_t index);

/* Readies a whole input for `put`: what takes time is done here, outside of what is timed. */
void ek_text_input_convert(void);
/* Puts it into the model's input, whose memory a run may have used for something else. */
void ek_text_input_put(void);

uint32_t ek_text_result_count(void);
float ek_text_result(uint32_t index);

#endif
