/* SPDX-License-Identifier: Apache-2.0 */
#include "ek_app.h"

int main(void) {
  ek_app_start();
  for (;;) ek_app_serve();
}
