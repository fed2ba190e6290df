/* SPDX-License-Identifier: BSD-2-Clause */
#include "mce.h"

#include <arch/cpu.h>
#include <kernel/panic.h>
#include <kernel/printk.h>

#include "cpu.h"
#include "x86.h"

#define MCG_CAP_BANKS   0xff
#define MCG_CAP_CTL     (1u << 8)
#define MCI_STATUS_VAL  (1ull << 63)
#define MCI_STATUS_ADDR (1ull << 58)
#define BANK(msr, i)    ((msr) + 4 * (i))

void mce_init_cpu(void)
{
	uint64_t cap;

	if (!cpu_features.mce || !cpu_features.mca)
		return;
	cap = msr_read(MSR_MCG_CAP);
	if (cap & MCG_CAP_CTL)
		msr_write(MSR_MCG_CTL, UINT64_MAX);
	for (uint32_t i = 0; i < (cap & MCG_CAP_BANKS); i++) {
		msr_write(BANK(MSR_MC0_CTL, i), UINT64_MAX);
		msr_write(BANK(MSR_MC0_STATUS, i), 0);
	}
}

void mce_handle(const struct arch_regs *regs)
{
	uint64_t banks = cpu_features.mca ? msr_read(MSR_MCG_CAP) & MCG_CAP_BANKS : 0;

	for (uint32_t i = 0; i < banks; i++) {
		uint64_t status = msr_read(BANK(MSR_MC0_STATUS, i));

		if (!(status & MCI_STATUS_VAL))
			continue;
		pr_err("machine check: bank %u status %#lx address %#lx", i, status,
		       status & MCI_STATUS_ADDR ? msr_read(BANK(MSR_MC0_ADDR, i)) : 0);
	}
	panic_regs(regs, "machine check: the hardware reports an error it cannot correct");
}
