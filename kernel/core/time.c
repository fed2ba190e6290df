/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks: nanoseconds = (cycles - base) * ns_mult / 2^32, with a 128-bit product, so that nothing wraps
 * within the life of a machine.  The parameters are written once, before other CPUs run; the cycle counters
 * of all CPUs are equal, which the machine sees to when it starts them.
 */
#include <kernel/time.h>

#include <arch/cpu.h>
#include <kernel/vdso_data.h>

static uint64_t cycles_per_sec __ro_after_init;
struct clock time_clock __ro_after_init;
/* What programs read, once there is a page for it; real_offset is the kernel's own, too. */
static struct vdso_data start_data __initdata;
static struct vdso_data *data __ro_after_init = &start_data;

void time_init(uint64_t frequency)
{
	cycles_per_sec = frequency;
	time_clock.mult = (NSEC_PER_SEC << 32) / frequency;
	time_clock.base = arch_cycles();
}

uint64_t time_now_ns(void)
{
	return clock_now_ns();
}

uint64_t time_cycles_per_sec(void)
{
	return cycles_per_sec;
}

uint64_t time_real_ns(void)
{
	return time_now_ns() + atomic_load_explicit(&data->real_offset, memory_order_relaxed);
}

void time_set_real_ns(uint64_t now)
{
	atomic_store_explicit(&data->real_offset, now - time_now_ns(), memory_order_relaxed);
}

struct time_zone time_zone(void)
{
	uint64_t word = atomic_load_explicit(&data->zone, memory_order_relaxed);

	return (struct time_zone){ (int32_t)word, (int32_t)(word >> 32) };
}

void time_set_zone(struct time_zone zone)
{
	uint64_t word = (uint32_t)zone.minutes_west | (uint64_t)(uint32_t)zone.dst << 32;

	atomic_store_explicit(&data->zone, word, memory_order_relaxed);
}

void time_publish(struct vdso_data *to)
{
	to->base = time_clock.base;
	to->mult = time_clock.mult;
	atomic_init(&to->real_offset, atomic_load(&data->real_offset));
	data = to;
}

void delay_us(uint64_t us)
{
	uint64_t end = time_now_ns() + us * NSEC_PER_USEC;

	while (time_now_ns() < end)
		arch_cpu_relax();
}

/* Days from 1970-01-01: years count from March, so that the leap day is the last of its year. */
uint64_t civil_to_unix(const struct civil_time *t)
{
	int64_t year = t->year - (t->month <= 2);
	int64_t month = (t->month + 9) % 12;
	int64_t era = year / 400, year_of_era = year % 400;
	int64_t day_of_year = (153 * month + 2) / 5 + t->day - 1;
	int64_t days =
		era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;

	return (uint64_t)days * 86400 + (uint64_t)t->hour * 3600 + (uint64_t)t->minute * 60 +
	       (uint64_t)t->second;
}
