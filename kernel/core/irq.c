/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who handles which device interrupt.  A slot is bound once and stays: drivers in the kernel are never
 * unloaded.  So handlers are looked up without a lock, and publishing one is a single store.
 */
#include <kernel/irq.h>

#include <arch/platform.h>
#include <arch/trap.h>
#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/spinlock.h>
#include <serix/errno.h>

#define NO_GSI UINT32_MAX

/* [i] set before `handler` is published, [l] slots_lock */
struct irq_slot {
	_Atomic(irq_handler_t) handler;
	void *arg;        /* [i] */
	const char *name; /* [i] */
	uint64_t count;   /* written by the CPU that the line is routed to, as is `cpu` */
	uint32_t gsi;     /* [i] */
	uint32_t cpu;     /* that CPU */
};

static struct irq_slot slots[IRQ_SLOTS];
static unsigned slots_used; /* [l] */
static struct spinlock slots_lock = SPINLOCK_INIT("irq", RANK_IRQ);

void irq_dispatch(unsigned slot)
{
	struct irq_slot *s = &slots[slot];
	irq_handler_t handler = atomic_load_explicit(&s->handler, memory_order_acquire);
	struct cpu *cpu = arch_this_cpu();

	cpu->interrupts[INTERRUPT_DEVICE]++;
	random_interrupt(slot);
	if (unlikely(!handler)) /* a slot that nobody asked for */
		return;
	s->count++;
	s->cpu = cpu->id;
	handler(s->arg);
}

static bool is_taken_locked(uint32_t gsi)
{
	for (unsigned i = 0; i < slots_used; i++) {
		if (slots[i].gsi == gsi)
			return true;
	}
	return false;
}

/* A slot for this GSI.  Never given back: a failed routing leaves it without a line. */
static int take_slot(uint32_t gsi)
{
	uint64_t flags = spin_lock_irqsave(&slots_lock);
	int index = -EBUSY;

	if (slots_used < IRQ_SLOTS && !is_taken_locked(gsi)) {
		index = (int)slots_used++;
		slots[index].gsi = gsi;
	}
	spin_unlock_irqrestore(&slots_lock, flags);
	return index;
}

int irq_request_gsi(unsigned gsi, bool level, bool active_low, const char *name, irq_handler_t handler,
		    void *arg)
{
	int index = take_slot(gsi);
	struct irq_slot *slot;
	int err;

	if (index < 0)
		return index;
	slot = &slots[index];
	slot->arg = arg;
	slot->name = name;
	atomic_store_explicit(&slot->handler, handler, memory_order_release);
	err = arch_irq_route((unsigned)index, gsi, level, active_low);
	if (err < 0) {
		atomic_store_explicit(&slot->handler, NULL, memory_order_release);
		slot->gsi = NO_GSI;
		return err;
	}
	pr_debug("irq %u: %s", gsi, name);
	return 0;
}

int irq_request_isa(unsigned line, const char *name, irq_handler_t handler, void *arg)
{
	if (line >= 16)
		return -EINVAL;
	for (uint32_t i = 0; i < platform.override_count; i++) {
		const struct platform_override *o = &platform.overrides[i];

		if (o->isa_irq == line)
			return irq_request_gsi(o->gsi, o->level, o->active_low, name, handler, arg);
	}
	return irq_request_gsi(line, false, false, name, handler, arg);
}

bool irq_get_stats(unsigned index, struct irq_stats *out)
{
	struct irq_slot *slot;

	if (index >= READ_ONCE(slots_used))
		return false;
	slot = &slots[index];
	*out = (struct irq_stats){
		.gsi = slot->gsi,
		.name = slot->name,
		.count = READ_ONCE(slot->count),
		.cpu = READ_ONCE(slot->cpu),
	};
	return true;
}
