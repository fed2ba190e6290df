/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine contract: performance states.  Each function is about the running CPU. */
#pragma once

#include <kernel/freq.h>

/* What to ask of the hardware, in steps; desired 0: its own choice. */
struct freq_request {
	uint8_t lowest, highest, desired, preference;
};

/* Take control of this CPU's speed.  False: there is none to take, and the others are not to be called. */
bool arch_freq_init_cpu(struct freq_caps *out);
void arch_freq_request(const struct freq_request *request);
/* Two counters: at the speed of the moment, and at a fixed one that time_cycles_per_sec() gives. */
bool arch_freq_counters(uint64_t *actual, uint64_t *reference);
const char *arch_freq_driver(void);
