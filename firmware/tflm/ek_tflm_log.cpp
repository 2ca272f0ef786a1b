/* SPDX-License-Identifier: Apache-2.0 */
/* What TFLite Micro has to say goes to the host as a frame. Weak: a platform that has its own
   DebugLog keeps it. Release builds of TFLM say nothing, and then nothing of this is linked. */
#include <stdarg.h>
#include <stdio.h>

#include "ek_commands.h"

namespace {
constexpr int LONGEST_LINE = 120;
}

extern "C" __attribute__((weak)) void DebugLog(const char *format, va_list words) {
  char line[LONGEST_LINE];
  vsnprintf(line, sizeof line, format, words);
  if (line[0] >= ' ') ek_commands_log(line);  // TFLM sends the ends of lines one by one
}
