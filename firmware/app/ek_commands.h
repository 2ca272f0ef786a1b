/* SPDX-License-Identifier: Apache-2.0 */
/* The command loop: a request in, its answer out, one at a time. */
#ifndef EK_COMMANDS_H
#define EK_COMMANDS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Readies the model; HELLO tells how that went. */
void ek_commands_start(void);
/* Waits for bytes and serves what they complete. */
void ek_commands_serve(void);

/* Words for a person, at any time but inside a request. */
void ek_commands_log(const char *text);
/* The last words: for a port's fault handler, which must not return to the program. */
void ek_commands_fault(const char *text, unsigned long where);

#ifdef __cplusplus
}
#endif

#endif
