/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vDSO: system calls that need no system call.  This is user code, linked into a shared object of its own
 * (vdso.lds) that lies in every address space right behind the page with struct vdso_data.  C libraries and
 * run-time systems look its functions up by the names and the version that Linux's has.
 *
 * Time comes from the same counter by the same arithmetic as in the kernel (kernel/core/time.c), so both ways
 * tell one time.
 */
#include <stdbool.h>

#include <kernel/vdso_data.h>
#include <serix/abi.h>

#define NSEC_PER_SEC 1000000000ull

#define SYS_clock_gettime 228
#define SYS_clock_getres  229

/* Clock ids below 32, a bit each. */
#define CLOCKS_REAL      (1u << 0 | 1u << 5 | 1u << 11)          /* REALTIME, its COARSE, TAI */
#define CLOCKS_MONOTONIC (1u << 1 | 1u << 4 | 1u << 6 | 1u << 7) /* MONOTONIC, RAW, COARSE, BOOTTIME */

/* Its limit is the number of the CPU: arch/x86_64/gdt.c. */
#define SEL_CPU_NUMBER 0x53

extern const struct vdso_data vdso_data __attribute__((visibility("hidden")));

struct timezone {
	int32_t minutes_west, dst;
};

int __vdso_clock_gettime(int id, struct abi_timespec *ts);
int __vdso_clock_getres(int id, struct abi_timespec *ts);
int __vdso_gettimeofday(struct abi_timeval *tv, struct timezone *zone);
int64_t __vdso_time(int64_t *out);
int __vdso_getcpu(uint32_t *cpu, uint32_t *node, void *unused);

static inline int64_t call(long number, long a, void *b)
{
	int64_t result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return result;
}

/* As arch_cycles_ordered() and clock_now_ns(). */
static inline uint64_t monotonic_ns(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)((unsigned __int128)(((uint64_t)high << 32 | low) - vdso_data.base) *
				  vdso_data.mult >>
			  32);
}

static inline uint64_t real_ns(void)
{
	return monotonic_ns() + atomic_load_explicit(&vdso_data.real_offset, memory_order_relaxed);
}

static inline int tell(struct abi_timespec *ts, uint64_t ns)
{
	uint64_t sec = ns / NSEC_PER_SEC;

	ts->sec = (int64_t)sec;
	ts->nsec = (int64_t)(ns - sec * NSEC_PER_SEC);
	return 0;
}

static inline bool is_among(int id, uint32_t clocks)
{
	return (unsigned)id < 32 && (clocks & 1u << id);
}

int __vdso_clock_gettime(int id, struct abi_timespec *ts)
{
	if (is_among(id, CLOCKS_MONOTONIC))
		return tell(ts, monotonic_ns());
	if (is_among(id, CLOCKS_REAL))
		return tell(ts, real_ns());
	return (int)call(SYS_clock_gettime, id, ts);
}

int __vdso_clock_getres(int id, struct abi_timespec *ts)
{
	if (!is_among(id, CLOCKS_MONOTONIC | CLOCKS_REAL))
		return (int)call(SYS_clock_getres, id, ts);
	return ts ? tell(ts, 1) : 0;
}

int __vdso_gettimeofday(struct abi_timeval *tv, struct timezone *zone)
{
	if (tv) {
		uint64_t ns = real_ns(), sec = ns / NSEC_PER_SEC;

		tv->sec = (int64_t)sec;
		tv->usec = (int64_t)((ns - sec * NSEC_PER_SEC) / 1000);
	}
	if (zone) {
		uint64_t word = atomic_load_explicit(&vdso_data.zone, memory_order_relaxed);

		*zone = (struct timezone){ (int32_t)word, (int32_t)(word >> 32) };
	}
	return 0;
}

int64_t __vdso_time(int64_t *out)
{
	int64_t now = (int64_t)(real_ns() / NSEC_PER_SEC);

	if (out)
		*out = now;
	return now;
}

int __vdso_getcpu(uint32_t *cpu, uint32_t *node, void *unused)
{
	uint32_t number;

	(void)unused;
	__asm__ volatile("lsl %1, %0" : "=r"(number) : "r"(SEL_CPU_NUMBER) : "cc");
	if (cpu)
		*cpu = number;
	if (node)
		*node = vdso_data.node[number % VDSO_CPUS];
	return 0;
}

/* The names without prefix are there for programs that bind to them directly. */
#define ALIAS(name) __attribute__((weak, alias("__vdso_" #name)))
int clock_gettime(int id, struct abi_timespec *ts) ALIAS(clock_gettime);
int clock_getres(int id, struct abi_timespec *ts) ALIAS(clock_getres);
int gettimeofday(struct abi_timeval *tv, struct timezone *zone) ALIAS(gettimeofday);
int64_t time(int64_t *out) ALIAS(time);
int getcpu(uint32_t *cpu, uint32_t *node, void *unused) ALIAS(getcpu);
