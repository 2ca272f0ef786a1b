/* SPDX-License-Identifier: Apache-2.0 */
/* One command of the text protocol, and its answer. */
#ifndef EK_TEXT_COMMANDS_H
#define EK_TEXT_COMMANDS_H

#include <stdint.h>

/* Characters of a command; MLPerf Tiny's reference device has the same limit. */
#define EK_TEXT_LINE 80u

/* Serves `line`, which it may change, and ends with "m-ready"; `too_long` where it was cut. */
void ek_text_serve(char *line, int too_long);

#endif
