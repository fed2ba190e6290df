/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Other CPUs: started one by one, then asked for favours.
 *
 * A call to other CPUs needs no memory and no lock.  Every CPU has one request of its own, and one inbox: a
 * bit for each CPU whose request it shall serve.  The caller writes its request, sets its bit in the
 * targets' inboxes and interrupts them; each target takes the bits out, runs the requests and counts them
 * down.  Preemption is off from the first to the last, so a CPU's request has one user at a time.
 */
#include <kernel/smp.h>

#include <arch/cpu.h>
#include <arch/platform.h>
#include <arch/smp.h>
#include <kernel/assert.h>
#include <kernel/cmdline.h>
#include <kernel/idle.h>
#include <kernel/preempt.h>
#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/time.h>
#include <kernel/topology.h>

struct cpumask cpus_online = { .bits = { 1 } };

struct request {
	void (*fn)(void *arg);
	void *arg;
	_Atomic uint32_t pending; /* targets that have not run it yet */
} __aligned(64);

struct inbox {
	_Atomic uint64_t from[CPUMASK_WORDS];
} __aligned(64);

static struct request requests[MAX_CPUS];
static struct inbox inboxes[MAX_CPUS];

/* --- starting --------------------------------------------------------------------------------------- */

static struct cpu *prepare(uint32_t id)
{
	struct cpu *cpu = kzalloc(sizeof(*cpu));

	if (!cpu)
		return NULL;
	cpu->id = id;
	cpu->random = random_create_cpu();
	cpu->current = cpu->random ? sched_prepare_cpu(cpu) : NULL;
	if (cpu->current)
		return cpu;
	kfree(cpu->random);
	kfree(cpu);
	return NULL;
}

static bool is_online(uint32_t id)
{
	return cpumask_test(&cpus_online, id);
}

/* Returns whether `cpu` was used up. */
static bool start(struct cpu *cpu, uint32_t index)
{
	const struct platform_cpu *p = &platform.cpus[index];
	int err;

	cpus[cpu->id] = cpu;
	err = arch_cpu_start(cpu, index);
	if (err < 0) {
		cpus[cpu->id] = NULL;
		pr_err("smp: the processor with APIC id %u does not start (error %d): left out", p->apic_id,
		       -err);
		return false;
	}
	/* It waits for this before it shows up anywhere. */
	WRITE_ONCE(cpu_count, cpu_count + 1);
	while (!is_online(cpu->id))
		arch_cpu_relax();
	return true;
}

/* maxcpus=N: this many at most; 0 and 1 mean the boot CPU alone. */
static uint32_t choose_limit(void)
{
	uint64_t limit;

	if (cmdline_get_u64("maxcpus", &limit) < 0)
		return MAX_CPUS;
	return (uint32_t)MIN(MAX(limit, 1ul), (uint64_t)MAX_CPUS);
}

void smp_init(void)
{
	uint64_t began = time_now_ns();
	uint32_t limit = choose_limit();
	struct cpu *cpu = NULL;

	for (uint32_t i = 0; i < platform.cpu_count && cpu_count < limit; i++) {
		if (!platform.cpus[i].enabled || arch_cpu_is_this(i))
			continue;
		if (!cpu)
			cpu = prepare(cpu_count);
		if (!cpu) {
			pr_err("smp: no memory for another CPU");
			break;
		}
		if (start(cpu, i))
			cpu = NULL;
	}
	arch_start_finish();
	if (cpu_count > 1)
		pr_info("smp: %u CPUs, the others started in %llu us", cpu_count,
			(time_now_ns() - began) / NSEC_PER_USEC);
}

void smp_cpu_main(void)
{
	uint32_t self = arch_this_cpu()->id;

	while (READ_ONCE(cpu_count) <= self)
		arch_cpu_relax();
	topology_init_this_cpu();
	cpumask_set_atomic(&cpus_online, self);
	sched_idle();
}

/* --- calls ------------------------------------------------------------------------------------------ */

static void post(uint32_t target, uint32_t self)
{
	uint64_t bit = 1ull << self % 64;

	/* Bits in the same word are still to be taken out by an interrupt that is under way. */
	if (atomic_fetch_or(&inboxes[target].from[self / 64], bit) == 0)
		arch_ipi_send(target, IPI_CALL);
}

static void serve_requests(void)
{
	struct inbox *inbox = &inboxes[arch_this_cpu()->id];

	for (uint32_t word = 0; word < CPUMASK_WORDS; word++) {
		uint64_t from;

		if (!atomic_load_explicit(&inbox->from[word], memory_order_relaxed))
			continue;
		from = atomic_exchange(&inbox->from[word], 0);
		for (; from; from &= from - 1) {
			struct request *r = &requests[word * 64 + (uint32_t)__builtin_ctzll(from)];

			r->fn(r->arg);
			atomic_fetch_sub_explicit(&r->pending, 1, memory_order_release);
		}
	}
}

static void call_here(void (*fn)(void *arg), void *arg)
{
	uint64_t flags = arch_irq_save();

	fn(arg);
	arch_irq_restore(flags);
}

void smp_call(const struct cpumask *targets, void (*fn)(void *arg), void *arg)
{
	struct cpumask mask = cpumask_and(targets, &cpus_online);
	struct request *r;
	uint32_t self;
	bool here;

	preempt_disable();
	self = arch_this_cpu()->id;
	here = cpumask_test(&mask, self);
	cpumask_clear(&mask, self);
	r = &requests[self];
	if (!cpumask_empty(&mask)) {
		ASSERT(arch_irqs_enabled() && arch_this_cpu()->irq_depth == 0);
		r->fn = fn;
		r->arg = arg;
		atomic_store_explicit(&r->pending, cpumask_count(&mask), memory_order_relaxed);
		cpumask_for_each(cpu, &mask) post(cpu, self);
	}
	if (here)
		call_here(fn, arg);
	while (atomic_load_explicit(&r->pending, memory_order_acquire))
		arch_cpu_relax();
	preempt_enable();
}

void smp_call_one(uint32_t cpu, void (*fn)(void *arg), void *arg)
{
	struct cpumask mask = cpumask_of(cpu);

	smp_call(&mask, fn, arg);
}

void smp_reschedule(uint32_t cpu)
{
	/* Ordered before the look at the target's state by whoever goes to sleep there. */
	if (atomic_exchange(&cpus[cpu]->resched, 1) == 0 && cpu != arch_this_cpu()->id && !idle_polls(cpu))
		arch_ipi_send(cpu, IPI_RESCHEDULE);
}

void ipi_handle(enum ipi ipi)
{
	struct cpu *cpu = arch_this_cpu();

	/* A reschedule has nothing to do here: the way out of the interrupt looks at cpu->resched. */
	if (ipi == IPI_RESCHEDULE) {
		cpu->interrupts[INTERRUPT_RESCHEDULE]++;
	} else if (ipi == IPI_CALL) {
		cpu->interrupts[INTERRUPT_CALL]++;
		serve_requests();
	}
}

void smp_stop_others(void)
{
	arch_stop_others();
}
