/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the machine's entry code hands over to the kernel. */
#pragma once

#include <kernel/compiler.h>

struct boot_info;

/* Entered once, on the boot CPU, interrupts off, on the idle task's stack. */
void kernel_main(const struct boot_info *bi) __noreturn;
