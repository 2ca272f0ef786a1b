/* SPDX-License-Identifier: Apache-2.0 */
/* RP2040's second stage: the boot ROM copies the first 256 bytes of flash to RAM, checks their
   CRC and runs them. This one readies the SSI to read flash with the command that every serial
   flash has (03h, one wire, clk_sys / 4) and starts the program behind it. RP2040 Datasheet: bootrom
   (processor-controlled boot sequence, checksum), SSI (list of registers).
   ek_boot2_image.h holds the assembled bytes: `python -m edgekit.build.boot2` makes it from this. */
        .syntax unified
        .cpu cortex-m0plus
        .thumb

        .equ SSI, 0x18000000
        .equ PROGRAM, 0x10000100
        .equ SCB_VTOR, 0xE000ED08

        .section .text
        .global ek_boot2
        .thumb_func
ek_boot2:
        ldr     r3, =SSI
        adr     r0, settings
        movs    r4, #6
each:   ldmia   r0!, {r1, r2}           @ offset of a register, its value
        str     r2, [r3, r1]
        subs    r4, #1
        bne     each
        ldr     r0, =PROGRAM
        ldr     r1, =SCB_VTOR
        str     r0, [r1]
        ldmia   r0!, {r1, r2}           @ the program's stack and entry
        msr     msp, r1
        bx      r2

        .align  2
settings:
        .word   0x08, 0                 @ SSIENR: off while it is set up
        .word   0x14, 4                 @ BAUDR: clk_sys / 4
        .word   0x00, 0x001F0300        @ CTRLR0: 32-bit frames, "EEPROM read": command, then data
        .word   0x04, 0                 @ CTRLR1: one frame a read
        .word   0xF4, 0x03000218        @ SPI_CTRLR0: command 03h of 8 bits, address of 24
        .word   0x08, 1                 @ SSIENR: on; flash is memory from here on
        .ltorg
