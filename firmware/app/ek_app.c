/* SPDX-License-Identifier: Apache-2.0 */
#include "ek_app.h"

#include "ek_commands.h"
#include "ek_memory.h"
#include "ek_port.h"
#include "ek_timing.h"

void ek_app_start(void) {
  ek_memory_start();
  ek_port_init();
  ek_timing_start();
  ek_commands_start();
}

void ek_app_serve(void) {
  ek_commands_serve();
}
