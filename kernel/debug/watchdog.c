/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every CPU has a timer that beats.  A beat counts itself, for the neighbour to see, and asks for a look at
 * the run queue: a CPU whose scheduler has not come by many beats later does not let it in.
 */
#include <kernel/watchdog.h>

#include <arch/cpu.h>
#include <kernel/cmdline.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/smp.h>
#include <kernel/time.h>

#define DEFAULT_THRESHOLD 10u /* seconds */
#define THRESHOLD_MAX     60u

struct watch {
	struct timer timer;
	_Atomic uint32_t beats;    /* own CPU writes, the one before it reads */
	uint32_t seen;             /* own: the neighbour's beats when last looked at */
	uint64_t seen_ns;          /* own: when they last changed */
	uint32_t passes;           /* own: the scheduler's visits here when last looked at */
	uint64_t asked_ns;         /* own: since when it has been wanted without coming */
	bool hard_told, soft_told; /* own: once for each lockup */
} __aligned(64);

static struct watch watches[MAX_CPUS];
static uint64_t threshold_ns; /* [i] */
static bool stop_at_lockup;   /* [i] */

static void report(const char *kind, uint32_t cpu, uint64_t ns)
{
	if (stop_at_lockup)
		panic("watchdog: %s lockup on cpu %u for %llu s", kind, cpu, ns / NSEC_PER_SEC);
	pr_err("watchdog: %s lockup on cpu %u for %llu s", kind, cpu, ns / NSEC_PER_SEC);
	pr_err("cpu %u, task %s, reports; the others:", arch_this_cpu()->id, current_task()->name);
	cpus_print_where(LOG_ERR);
}

static void check_scheduler(struct watch *w, struct cpu *cpu, uint64_t now)
{
	atomic_store_explicit(&cpu->resched, 1, memory_order_relaxed);
	if (w->asked_ns == 0 || cpu->sched_passes != w->passes) {
		w->passes = cpu->sched_passes;
		w->asked_ns = now;
		w->soft_told = false;
	} else if (now - w->asked_ns > 2 * threshold_ns && !w->soft_told) {
		w->soft_told = true;
		report("soft", cpu->id, now - w->asked_ns);
	}
}

static void check_neighbour(struct watch *w, uint32_t self, uint64_t now)
{
	uint32_t next = (self + 1) % cpu_count;
	uint32_t beats = atomic_load_explicit(&watches[next].beats, memory_order_relaxed);

	if (beats != w->seen || w->seen_ns == 0) {
		w->seen = beats;
		w->seen_ns = now;
		w->hard_told = false;
	} else if (now - w->seen_ns > threshold_ns && !w->hard_told) {
		w->hard_told = true;
		report("hard", next, now - w->seen_ns);
	}
}

static void beat(struct timer *timer)
{
	struct watch *w = container_of(timer, struct watch, timer);
	struct cpu *cpu = arch_this_cpu();
	uint64_t now = time_now_ns();

	atomic_fetch_add_explicit(&w->beats, 1, memory_order_relaxed);
	check_scheduler(w, cpu, now);
	if (cpu_count > 1)
		check_neighbour(w, cpu->id, now);
	timer_arm(timer, now + threshold_ns * 2 / 5);
}

static void start_here(void *unused)
{
	struct watch *w = &watches[arch_this_cpu()->id];

	(void)unused;
	timer_init(&w->timer, beat);
	timer_arm(&w->timer, time_now_ns() + threshold_ns * 2 / 5);
}

void watchdog_init(void)
{
	uint64_t seconds = DEFAULT_THRESHOLD;

	if (cmdline_has("nowatchdog"))
		return;
	if (cmdline_get_u64("watchdog_thresh", &seconds) == 0 && (seconds == 0 || seconds > THRESHOLD_MAX)) {
		pr_warn("watchdog: watchdog_thresh= takes 1 to %u seconds: %u it is", THRESHOLD_MAX,
			DEFAULT_THRESHOLD);
		seconds = DEFAULT_THRESHOLD;
	}
	threshold_ns = seconds * NSEC_PER_SEC;
	stop_at_lockup = cmdline_has("watchdog_panic");
	smp_call(&cpus_online, start_here, NULL);
}
