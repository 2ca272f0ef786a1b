/* SPDX-License-Identifier: Apache-2.0 */
/* Which requests are to be served. A HELLO opens a session under a number that was never used
   before; what comes without the number, or late, is not served: a device that was reset does not
   run a model on inputs that it has forgotten, and a frame that a fault kept back does no harm. */
#ifndef EK_SESSION_H
#define EK_SESSION_H

#include <stdint.h>

typedef enum {
  EK_REQUEST_NEW,      /* serve it */
  EK_REQUEST_REPEATED, /* send the last answer once more */
  EK_REQUEST_LATE,     /* a newer one was served: the host has its answer; say nothing */
  EK_REQUEST_STRANGE   /* of another session, or of none */
} ek_request_kind;

/* Forgets everything, as a start does. */
void ek_session_start(void);

/* Looks at a whole frame of `length` bytes; a HELLO with a new nonce opens a session. */
ek_request_kind ek_session_judge(const uint8_t *frame, uint32_t length);

/* The open session, what the host called it, and the number of this start: the session that was
   the first since. All 0 where none was opened yet. */
uint32_t ek_session_number(void);
uint32_t ek_session_nonce(void);
uint32_t ek_session_boot_id(void);

#endif
