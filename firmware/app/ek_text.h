/* SPDX-License-Identifier: Apache-2.0 */
/* MLPerf Tiny's text protocol beside the frames, on the same line: commands end with '%', answers
   with "m-ready". Only in firmware built for a task of it, which ek_board.h names. */
#ifndef EK_TEXT_H
#define EK_TEXT_H

#include <stdint.h>

/* Takes one byte off the wire and serves the command that it completes. Returns 0 for a byte that
   is no text: the frame reader's. */
int ek_text_take(uint8_t byte);
/* Whether the host spoke text last, as is assumed at the start: then nothing is sent unasked. */
int ek_text_is_spoken(void);

#endif
