/* SPDX-License-Identifier: Apache-2.0 */
/* The app as a platform's main file calls it: start once, then serve for ever. */
#ifndef EK_APP_H
#define EK_APP_H

#ifdef __cplusplus
extern "C" {
#endif

/* Marks the stack, readies the port, the counter and the model. Once, first thing in main. */
void ek_app_start(void);
/* Waits for bytes and serves what they complete. */
void ek_app_serve(void);

#ifdef __cplusplus
}
#endif

#endif
