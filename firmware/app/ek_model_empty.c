/* SPDX-License-Identifier: Apache-2.0 */
/* The app without a model: what it weighs is what the app itself weighs. */
#include <stddef.h>

#include "ek_model.h"

static int nothing(void) {
  return 0;
}

const ek_model ek_the_model = {
    .name = "empty",
    .runtime = "none",
    .sha256 = "",
    .init = nothing,
    .invoke = nothing,
};
