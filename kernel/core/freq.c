/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each CPU asks for its own speed.  Everything in struct cpu_freq is written by its own CPU with interrupts
 * off: a new policy travels there by smp_call.  Others read single fields, which may be a moment old.
 */
#include <kernel/freq.h>

#include <arch/cpu.h>
#include <arch/freq.h>
#include <kernel/idle.h>
#include <kernel/smp.h>
#include <kernel/time.h>
#include <serix/errno.h>

#include "freq_policy.h"

#define WINDOW_NS          (10 * NSEC_PER_MSEC) /* utilisation is that of so long a stretch */
#define PREFERENCE_DEFAULT 128

struct cpu_freq {
	bool present;
	struct freq_caps caps;
	struct freq_policy policy;
	struct freq_request asked;
	uint64_t window_began_ns, window_idle_ns; /* when it began, and the idle time until then */
	uint64_t actual, reference;               /* the counters at that time */
	uint32_t utilisation, khz;                /* in the window before this one */
} __aligned(64);

static struct cpu_freq cpu_freq[MAX_CPUS];

static void request(struct cpu_freq *f)
{
	struct freq_request r;

	freq_decide(&f->caps, &f->policy, f->utilisation, &r);
	if (r.lowest == f->asked.lowest && r.highest == f->asked.highest && r.desired == f->asked.desired &&
	    r.preference == f->asked.preference)
		return;
	f->asked = r;
	arch_freq_request(&r);
}

static void measure(struct cpu_freq *f)
{
	uint64_t actual, reference;

	if (!arch_freq_counters(&actual, &reference))
		return;
	f->khz = freq_measured_khz((uint32_t)(time_cycles_per_sec() / 1000), actual - f->actual,
				   reference - f->reference);
	f->actual = actual;
	f->reference = reference;
}

void freq_tick(void)
{
	uint32_t cpu = arch_this_cpu()->id;
	struct cpu_freq *f = &cpu_freq[cpu];
	uint64_t now, idle;

	if (likely(!f->present))
		return;
	now = time_now_ns();
	if (now - f->window_began_ns < WINDOW_NS)
		return;
	idle = idle_total_ns(cpu);
	f->utilisation = freq_utilisation(idle - f->window_idle_ns, now - f->window_began_ns);
	f->window_began_ns = now;
	f->window_idle_ns = idle;
	measure(f);
	request(f);
}

uint32_t freq_init_this_cpu(void)
{
	struct cpu_freq *f = &cpu_freq[arch_this_cpu()->id];

	if (!arch_freq_init_cpu(&f->caps))
		return 0;
	f->policy = (struct freq_policy){
		.governor = FREQ_SCHEDUTIL,
		.min_khz = f->caps.lowest * f->caps.khz_per_step,
		.max_khz = f->caps.highest * f->caps.khz_per_step,
		.preference = PREFERENCE_DEFAULT,
	};
	f->present = true;
	request(f);
	return f->caps.highest;
}

bool freq_present(uint32_t cpu)
{
	return READ_ONCE(cpu_freq[cpu].present);
}

void freq_get_caps(uint32_t cpu, struct freq_caps *out)
{
	*out = cpu_freq[cpu].caps;
}

void freq_get_policy(uint32_t cpu, struct freq_policy *out)
{
	*out = cpu_freq[cpu].policy;
}

static void take_policy(void *arg)
{
	struct cpu_freq *f = &cpu_freq[arch_this_cpu()->id];

	f->policy = *(const struct freq_policy *)arg;
	request(f);
}

int freq_set_policy(uint32_t cpu, const struct freq_policy *policy)
{
	struct freq_policy checked = *policy;
	int err;

	if (!freq_present(cpu))
		return -ENODEV;
	err = freq_check_policy(&cpu_freq[cpu].caps, &checked);
	if (err == 0)
		smp_call_one(cpu, take_policy, &checked);
	return err;
}

uint32_t freq_current_khz(uint32_t cpu)
{
	return READ_ONCE(cpu_freq[cpu].khz);
}

const char *freq_governor_name(enum freq_governor governor)
{
	static const char *const names[FREQ_GOVERNORS] = { "performance", "powersave", "schedutil" };

	return names[governor];
}

const char *freq_driver(void)
{
	return arch_freq_driver();
}
