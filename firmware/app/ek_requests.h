/* SPDX-License-Identifier: Apache-2.0 */
/* What each request does. */
#ifndef EK_REQUESTS_H
#define EK_REQUESTS_H

#include <stdint.h>

/* Readies the model; HELLO tells how that went. */
void ek_requests_start(void);

/* What the model's init returned. */
int ek_requests_model_status(void);

/* Serves the request in `frame`, whose `length` counts no CRC, and writes the whole answer, header
   and payload. Returns its length. */
uint32_t ek_requests_serve(const uint8_t *frame, uint32_t length, uint8_t *answer);

#endif
