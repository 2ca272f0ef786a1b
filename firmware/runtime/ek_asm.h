/* SPDX-License-Identifier: Apache-2.0 */
/* Functions in assembly, called by the rules of the core's procedure call standard. */
#ifndef EK_ASM_H
#define EK_ASM_H

#include "ek_kernel.h"

#ifndef EK_UNUSED
#define EK_UNUSED __attribute__((unused))
#endif
#ifndef EK_NAKED
#define EK_NAKED EK_OPAQUE static __attribute__((naked, noinline, unused, aligned(4)))
#endif

#if defined(__ARM_FEATURE_MVE) && defined(__GNUC__) && !defined(EK_PORTABLE)
#define EK_HELIUM 1
#endif
/* Thumb-1 runs on every Cortex-M; cores with the DSP extension have kernels of their own. */
#if defined(__thumb__) && defined(__GNUC__) && !defined(__ARM_FEATURE_DSP) && !defined(EK_PORTABLE)
#define EK_THUMB 1
#endif
/* RV32 has registers enough for the compiler: C, with the optimisation asked for. */
#if defined(__riscv) && __riscv_xlen == 32 && defined(__GNUC__) && !defined(EK_PORTABLE)
#define EK_RV32 1
#ifdef __clang__
#define EK_OPTIMIZED EK_NOINLINE
#else
#define EK_OPTIMIZED static __attribute__((noinline, unused, optimize("O2")))
#endif
#endif

#endif
