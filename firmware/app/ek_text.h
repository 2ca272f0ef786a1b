/* SPDX-License-Identifier: Apache-2.0 */
/* MLPerf Tiny's text protocol beside the frames, on the same line: commands end with '%', answers
   with "m-ready". Only in firmware built for a task of it, which ek_board.h names. */
#ifndef EK_TEXT_H
#define EK_TEXT_H

#include <stdint.h>

/* Most bytes that one byte off the wire can set free for the frame reader. */
#define EK_TEXT_PASSED 2u

/* Takes one byte off the wire and serves the text that it completes. What is not text is put into
   `frame`, for the frame reader; returns how many bytes that are. */
uint32_t ek_text_feed(uint8_t byte, uint8_t *frame);
/* Whether the host spoke text last, as is assumed at the start: then nothing is sent unasked. */
int ek_text_is_spoken(void);

#endif
