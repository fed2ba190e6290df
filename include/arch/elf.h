/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine contract: what programs are told about the machine, and which programs are its own. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Defined by the machine's <arch/elf_impl.h>: ARCH_ELF_MACHINE (e_machine), ARCH_PLATFORM (AT_PLATFORM). */
#include <arch/elf_impl.h>

/* AT_HWCAP and AT_HWCAP2. */
uint64_t arch_hwcap(void);
uint64_t arch_hwcap2(void);
/* The largest signal frame: AT_MINSIGSTKSZ. */
size_t arch_signal_frame_size(void);
