/* SPDX-License-Identifier: BSD-2-Clause */
/* What programs are told about this processor: see <arch/elf.h>. */
#include <arch/elf.h>

#include "cpu.h"
#include "x86.h"

#define HWCAP2_FSGSBASE 2u
#define FRAME_FIXED     (440u + 128u + 64u + 16u) /* frame, red zone, alignments: see signal.c */

uint64_t arch_hwcap(void)
{
	return cpuid(1, 0).edx;
}

uint64_t arch_hwcap2(void)
{
	return cpu_features.fsgsbase ? HWCAP2_FSGSBASE : 0;
}

size_t arch_signal_frame_size(void)
{
	return FRAME_FIXED + fpu_area_size() + sizeof(uint32_t);
}
