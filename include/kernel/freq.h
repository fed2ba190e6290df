/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How fast CPUs run.  Where the machine lets the kernel say (Intel's hardware-controlled performance states),
 * a governor for each CPU turns its limits, a wish and, for "schedutil", the CPU's recent utilisation into
 * a request; the hardware does the rest.  Elsewhere nothing here does anything.
 *
 *	performance  as fast as allowed
 *	powersave    the hardware's own choice within the limits, by the energy preference
 *	schedutil    what the utilisation of the last milliseconds asks for, with a quarter to spare
 */
#pragma once

#include <kernel/types.h>

enum freq_governor {
	FREQ_PERFORMANCE,
	FREQ_POWERSAVE,
	FREQ_SCHEDUTIL,
	FREQ_GOVERNORS,
};

/* What a CPU can do, in steps of the machine's. */
struct freq_caps {
	uint8_t lowest, highest;
	uint32_t khz_per_step;
};

struct freq_policy {
	enum freq_governor governor;
	uint32_t min_khz, max_khz;
	uint8_t preference; /* 0: speed, 255: energy */
};

#define UTILISATION_FULL 1024

/* From the timer interrupt and before waiting: look whether it is time for another request.  Interrupts off.
 */
void freq_tick(void);
/* On each CPU as it starts: the fastest step it has, comparable between CPUs; 0: it has no steps. */
uint32_t freq_init_this_cpu(void);

bool freq_present(uint32_t cpu);
void freq_get_caps(uint32_t cpu, struct freq_caps *out);
void freq_get_policy(uint32_t cpu, struct freq_policy *out);
/* -EINVAL: the limits cross.  They are cut to what the CPU can do.  May interrupt the CPU. */
int freq_set_policy(uint32_t cpu, const struct freq_policy *policy) __attribute__((warn_unused_result));
/* As measured lately; 0: unknown. */
uint32_t freq_current_khz(uint32_t cpu);
const char *freq_governor_name(enum freq_governor governor);
const char *freq_driver(void);
