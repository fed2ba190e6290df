/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frequency of the time-stamp counter.  CPUID and hypervisors may state it; if not, it is measured
 * against the first clock that runs: HPET, ACPI PM timer, PIT.  All three are counters of known frequency
 * behind the same few lines; one that is absent does not move and is passed over.
 */
#include <arch/platform.h>

#include <arch/cpu.h>
#include <arch/io.h>
#include <arch/paging.h>
#include <kernel/printk.h>
#include <kernel/time.h>
#include <kernel/vmalloc.h>

#include "apic.h"
#include "cpu.h"
#include "x86.h"

#define MEASURE_PER_SEC 250  /* measure for 4 ms */
#define CHECK_PER_SEC   2000 /* check a stated frequency for half a millisecond */
#define TOLERANCE       16   /* one part in so many */
#define ALIVE_READS     2000
#define PLAUSIBLE_MIN   10000000ull
#define PLAUSIBLE_MAX   20000000000ull

#define LEAF_TSC_RATIO       0x15
#define LEAF_FREQUENCY       0x16
#define LEAF_HYPERVISOR      0x40000000
#define LEAF_HYPERVISOR_FREQ 0x40000010

#define HPET_CAPABILITIES 0x000
#define HPET_CONFIG       0x010
#define HPET_COUNTER      0x0f0
#define HPET_WINDOW       0x400
#define HPET_ENABLE       1ull
#define HPET_PERIOD_MAX   100000000u /* femtoseconds, by its specification */
#define FEMTOSECONDS      1000000000000000ull

#define PM_TIMER_HZ 3579545ull
#define PIT_HZ      1193182ull

#define PIT_CHANNEL2 0x42
#define PIT_COMMAND  0x43
#define PIT_LATCH2   0x80
#define PIT_MODE2    0xb4 /* channel 2, both bytes, rate generator */
#define PORT_B       0x61
#define PORT_B_GATE2 0x01
#define PORT_B_SPEAK 0x02

/* Guess for machines that offer nothing at all: QEMU's and other hypervisors' bus clock. */
#define APIC_BUS_GUESS_HZ 1000000000ull

struct reference {
	const char *name;
	bool (*start)(void);
	uint64_t (*read)(void); /* counts up, wraps at mask */
	uint64_t mask, hz;
};

static volatile uint8_t *hpet;

static uint64_t hpet_register(unsigned reg)
{
	return *(volatile uint64_t *)(hpet + reg);
}

static uint64_t hpet_read(void)
{
	return *(volatile uint32_t *)(hpet + HPET_COUNTER);
}

static struct reference hpet_clock;

static bool hpet_start(void)
{
	uint64_t period;

	if (!platform.hpet_address)
		return false;
	if (!hpet)
		hpet = mmio_map(platform.hpet_address, HPET_WINDOW, PT_READ | PT_WRITE | PT_UNCACHED);
	if (!hpet)
		return false;
	period = hpet_register(HPET_CAPABILITIES) >> 32;
	if (period == 0 || period > HPET_PERIOD_MAX)
		return false;
	hpet_clock.hz = FEMTOSECONDS / period;
	*(volatile uint64_t *)(hpet + HPET_CONFIG) = hpet_register(HPET_CONFIG) | HPET_ENABLE;
	return true;
}

static bool pm_timer_start(void)
{
	return platform.pm_timer_port != 0;
}

static uint64_t pm_timer_read(void)
{
	return arch_in32(platform.pm_timer_port);
}

static bool pit_start(void)
{
	arch_out8(PORT_B, (uint8_t)((arch_in8(PORT_B) & ~PORT_B_SPEAK) | PORT_B_GATE2));
	arch_out8(PIT_COMMAND, PIT_MODE2);
	arch_out8(PIT_CHANNEL2, 0); /* 65536 */
	arch_out8(PIT_CHANNEL2, 0);
	return true;
}

static uint64_t pit_read(void)
{
	uint8_t low;

	arch_out8(PIT_COMMAND, PIT_LATCH2);
	low = arch_in8(PIT_CHANNEL2);
	return 0xffffu - (low | (uint32_t)arch_in8(PIT_CHANNEL2) << 8);
}

/* The APIC's own timer, as a last resort and to be measured itself.  From its maximum the counter runs down
 * for more than four seconds. */
static bool apic_start(void)
{
	apic_timer_setup(false);
	apic_timer_start(UINT32_MAX);
	return true;
}

static uint64_t apic_read_up(void)
{
	return UINT32_MAX - apic_timer_count();
}

static struct reference hpet_clock = { "HPET", hpet_start, hpet_read, UINT32_MAX, 0 };
/* 24 bits are enough and always there. */
static struct reference pm_timer = { "ACPI PM timer", pm_timer_start, pm_timer_read, 0xffffff, PM_TIMER_HZ };
static struct reference pit = { "PIT", pit_start, pit_read, 0xffff, PIT_HZ };
static struct reference apic_bus = { "a local APIC assumed to run at 1 GHz", apic_start, apic_read_up,
				     UINT32_MAX, APIC_BUS_GUESS_HZ };

/* One reading of both clocks, as close together as a few tries get them: an interrupted try is far apart. */
struct sample {
	uint64_t cycles, count;
};

static struct sample take_sample(const struct reference *ref)
{
	struct sample best = { 0, 0 };
	uint64_t best_gap = UINT64_MAX;

	for (unsigned i = 0; i < 4; i++) {
		uint64_t before = arch_cycles(), count = ref->read(), after = arch_cycles();

		if (after - before >= best_gap)
			continue;
		best_gap = after - before;
		best = (struct sample){ before + best_gap / 2, count };
	}
	return best;
}

static bool is_running(const struct reference *ref)
{
	uint64_t first = ref->read();

	for (unsigned i = 0; i < ALIVE_READS; i++) {
		if (ref->read() != first)
			return true;
	}
	return false;
}

static uint64_t measure(const struct reference *ref, uint64_t windows_per_sec)
{
	uint64_t window = ref->hz / windows_per_sec, ticks;
	struct sample start, end;

	start = take_sample(ref);
	while (((ref->read() - start.count) & ref->mask) < window)
		arch_cpu_relax();
	end = take_sample(ref);
	ticks = (end.count - start.count) & ref->mask;
	/* Both factors stay far below 2^32: the window is some milliseconds long. */
	return (end.cycles - start.cycles) * ref->hz / ticks;
}

uint64_t calibrate_apic_timer(uint64_t cycles_per_sec)
{
	uint64_t window = cycles_per_sec / 1000;
	struct sample start, end;

	apic_start();
	start = take_sample(&apic_bus);
	while (arch_cycles() - start.cycles < window)
		arch_cpu_relax();
	end = take_sample(&apic_bus);
	apic_timer_start(0);
	return (end.count - start.count) * cycles_per_sec / (end.cycles - start.cycles);
}

static bool is_plausible(uint64_t hz)
{
	return hz >= PLAUSIBLE_MIN && hz <= PLAUSIBLE_MAX;
}

static uint64_t stated_by_cpu(void)
{
	struct cpuid ratio;
	uint64_t crystal;

	if (cpu_features.max_leaf < LEAF_TSC_RATIO)
		return 0;
	ratio = cpuid(LEAF_TSC_RATIO, 0);
	if (ratio.eax == 0 || ratio.ebx == 0)
		return 0;
	crystal = ratio.ecx;
	/* Some generations leave the crystal out, but the base frequency (MHz) gives it away. */
	if (crystal == 0 && cpu_features.max_leaf >= LEAF_FREQUENCY)
		return (cpuid(LEAF_FREQUENCY, 0).eax & 0xffff) * 1000000ull;
	return crystal * ratio.ebx / ratio.eax;
}

static uint64_t stated_by_hypervisor(void)
{
	if (!cpu_features.hypervisor || cpuid(LEAF_HYPERVISOR, 0).eax < LEAF_HYPERVISOR_FREQ)
		return 0;
	return cpuid(LEAF_HYPERVISOR_FREQ, 0).eax * 1000ull;
}

/* By the first reference that runs; 0 when there is none. */
static uint64_t measured(uint64_t windows_per_sec, const char **how)
{
	static struct reference *const references[] = { &hpet_clock, &pm_timer, &pit };

	for (unsigned i = 0; i < ARRAY_SIZE(references); i++) {
		struct reference *ref = references[i];
		uint64_t hz;

		if (!ref->start() || !is_running(ref))
			continue;
		hz = measure(ref, windows_per_sec);
		*how = ref->name;
		if (is_plausible(hz))
			return hz;
	}
	return 0;
}

static uint64_t guessed(const char **how)
{
	uint64_t hz;

	pr_warn("clock: no HPET, PM timer or PIT: the frequency below is a guess");
	*how = apic_bus.name;
	apic_bus.start();
	hz = is_running(&apic_bus) ? measure(&apic_bus, MEASURE_PER_SEC) : 0;
	apic_timer_start(0);
	return is_plausible(hz) ? hz : APIC_BUS_GUESS_HZ;
}

/* Emulators state the frequency of the CPU that they imitate, not of the counter that they run. */
static bool is_confirmed(uint64_t stated, const char *by)
{
	const char *how = NULL;
	uint64_t seen = measured(CHECK_PER_SEC, &how);

	if (seen == 0 || (seen > stated - stated / TOLERANCE && seen < stated + stated / TOLERANCE))
		return true;
	pr_warn("clock: %s states %lu MHz, but the %s shows %lu MHz", by, stated / 1000000, how,
		seen / 1000000);
	return false;
}

static uint64_t stated(const char **how)
{
	uint64_t hz = stated_by_cpu();

	*how = "CPUID";
	if (!is_plausible(hz)) {
		hz = stated_by_hypervisor();
		*how = "the hypervisor";
	}
	return is_plausible(hz) && is_confirmed(hz, *how) ? hz : 0;
}

uint64_t arch_calibrate_cycles(void)
{
	uint64_t flags = arch_irq_save();
	const char *how;
	uint64_t hz = stated(&how);

	if (hz == 0)
		hz = measured(MEASURE_PER_SEC, &how);
	if (hz == 0)
		hz = guessed(&how);
	arch_irq_restore(flags);
	pr_info("clock: %lu.%03lu MHz cycle counter, by %s", hz / 1000000, hz / 1000 % 1000, how);
	if (!cpu_features.tsc_invariant && !cpu_features.hypervisor)
		pr_notice("clock: on this CPU it may change with power saving");
	return hz;
}
