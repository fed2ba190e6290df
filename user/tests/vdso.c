/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vDSO: found by the auxiliary vector, with the names that C libraries look for; its clocks and those of
 * the calls are the same clocks, seen from every CPU; it is in a program's memory, but not for it to write.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "child.h"
#include "tap.h"

#define THREADS 4
#define CPUS    256

static int (*v_gettime)(int id, struct timespec *ts);
static int (*v_getres)(int id, struct timespec *ts);
static int (*v_timeofday)(struct timeval *tv, struct timezone *zone);
static time_t (*v_time)(time_t *out);
static int (*v_getcpu)(unsigned *cpu, unsigned *node, void *unused);

/* --- looking functions up as C libraries do ------------------------------------------------------------- */

static const char *base;
static const Elf64_Sym *symbols;
static const char *strings;
static const uint32_t *hash;
static const uint16_t *versions;
static const Elf64_Verdef *definitions;

static void find_tables(void)
{
	const Elf64_Ehdr *header = (const void *)base;
	const Elf64_Phdr *ph = (const void *)(base + header->e_phoff);
	const Elf64_Dyn *dyn = NULL;

	for (int i = 0; i < header->e_phnum; i++) {
		if (ph[i].p_type == PT_DYNAMIC)
			dyn = (const void *)(base + ph[i].p_vaddr);
	}
	for (; dyn && dyn->d_tag != DT_NULL; dyn++) {
		const void *at = base + dyn->d_un.d_ptr;

		if (dyn->d_tag == DT_SYMTAB)
			symbols = at;
		else if (dyn->d_tag == DT_STRTAB)
			strings = at;
		else if (dyn->d_tag == DT_HASH)
			hash = at;
		else if (dyn->d_tag == DT_VERSYM)
			versions = at;
		else if (dyn->d_tag == DT_VERDEF)
			definitions = at;
	}
}

static bool has_version(uint16_t number, const char *name)
{
	const Elf64_Verdef *def = definitions;

	for (;;) {
		const Elf64_Verdaux *aux = (const void *)((const char *)def + def->vd_aux);

		if ((def->vd_ndx & 0x7fff) == number)
			return strcmp(strings + aux->vda_name, name) == 0;
		if (!def->vd_next)
			return false;
		def = (const void *)((const char *)def + def->vd_next);
	}
}

static void *look_up(const char *name)
{
	for (uint32_t i = 0; i < hash[1]; i++) {
		if (symbols[i].st_shndx && strcmp(strings + symbols[i].st_name, name) == 0 &&
		    has_version(versions[i] & 0x7fff, "LINUX_2.6"))
			return (void *)(base + symbols[i].st_value);
	}
	return NULL;
}

static bool find(void)
{
	base = (const char *)getauxval(AT_SYSINFO_EHDR);
	if (!base || memcmp(base, ELFMAG, SELFMAG) != 0)
		return false;
	find_tables();
	if (!symbols || !strings || !hash || !versions || !definitions)
		return false;
	v_gettime = look_up("__vdso_clock_gettime");
	v_getres = look_up("__vdso_clock_getres");
	v_timeofday = look_up("__vdso_gettimeofday");
	v_time = look_up("__vdso_time");
	v_getcpu = look_up("__vdso_getcpu");
	return v_gettime && v_getres && v_timeofday && v_time && v_getcpu && look_up("clock_gettime") &&
	       look_up("getcpu");
}

/* --- clocks --------------------------------------------------------------------------------------------- */

static int64_t ns_of(const struct timespec *ts)
{
	return ts->tv_sec * 1000000000ll + ts->tv_nsec;
}

static int64_t by_vdso(int id)
{
	struct timespec ts = { -1, -1 };

	need(v_gettime(id, &ts) == 0 && ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
	return ns_of(&ts);
}

static int64_t by_call(int id)
{
	struct timespec ts;

	need(syscall(SYS_clock_gettime, id, &ts) == 0);
	return ns_of(&ts);
}

/* Coarse clocks may be a tick behind. */
static void agrees(void)
{
	static const int ids[] = { CLOCK_REALTIME,
				   CLOCK_MONOTONIC,
				   CLOCK_MONOTONIC_RAW,
				   CLOCK_REALTIME_COARSE,
				   CLOCK_MONOTONIC_COARSE,
				   CLOCK_BOOTTIME,
				   CLOCK_TAI };

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		for (int round = 0; round < 200; round++) {
			int64_t before = by_call(ids[i]), seen = by_vdso(ids[i]), after = by_call(ids[i]);

			need(before <= seen && seen <= after);
		}
	}
}

static void other_clocks(void)
{
	struct timespec ts;

	need(by_vdso(CLOCK_PROCESS_CPUTIME_ID) <= by_call(CLOCK_PROCESS_CPUTIME_ID));
	need(by_vdso(CLOCK_THREAD_CPUTIME_ID) <= by_call(CLOCK_THREAD_CPUTIME_ID));
	need(v_gettime(12345, &ts) == -EINVAL && v_gettime(31, &ts) == -EINVAL);
	need(v_getres(12345, &ts) == -EINVAL && v_gettime(-1000000, &ts) == -EINVAL);
}

static void resolution(void)
{
	struct timespec a, b;

	for (int id = 0; id < 8; id++) {
		need(v_getres(id, &a) == 0 && syscall(SYS_clock_getres, id, &b) == 0);
		need(ns_of(&a) == ns_of(&b));
	}
	need(v_getres(CLOCK_MONOTONIC, NULL) == 0);
}

static void older_calls(void)
{
	struct timezone zone = { 1, 1 };

	for (int i = 0; i < 100; i++) {
		struct timeval before, seen, after;
		time_t stored;
		int64_t from, at, to;

		need(syscall(SYS_gettimeofday, &before, NULL) == 0 && v_timeofday(&seen, &zone) == 0);
		need(syscall(SYS_gettimeofday, &after, NULL) == 0);
		from = before.tv_sec * 1000000ll + before.tv_usec;
		at = seen.tv_sec * 1000000ll + seen.tv_usec;
		to = after.tv_sec * 1000000ll + after.tv_usec;
		need(from <= at && at <= to && seen.tv_usec < 1000000);
		stored = 0;
		from = syscall(SYS_time, NULL);
		at = v_time(&stored);
		need(from <= at && at <= syscall(SYS_time, NULL) && stored == at && v_time(NULL) >= at);
	}
	need(v_timeofday(NULL, NULL) == 0 && v_timeofday(NULL, &zone) == 0);
	need(zone.tz_minuteswest == 0 && zone.tz_dsttime == 0);
}

static void the_zone(void)
{
	struct timezone zone = { -120, 3 };

	need(syscall(SYS_settimeofday, NULL, &zone) == 0);
	zone = (struct timezone){ 1, 1 };
	need(v_timeofday(NULL, &zone) == 0 && zone.tz_minuteswest == -120 && zone.tz_dsttime == 3);
	zone = (struct timezone){ 0, 0 };
	need(syscall(SYS_settimeofday, NULL, &zone) == 0);
	zone = (struct timezone){ 1, 1 };
	need(v_timeofday(NULL, &zone) == 0 && zone.tz_minuteswest == 0 && zone.tz_dsttime == 0);
}

static _Atomic int64_t latest;
static _Atomic int went_back;

static void *watch(void *arg)
{
	for (long i = 0; i < (long)(intptr_t)arg; i++) {
		int64_t seen = atomic_load(&latest), now = by_vdso(CLOCK_MONOTONIC);

		if (now < seen)
			atomic_fetch_add(&went_back, 1);
		while (seen < now && !atomic_compare_exchange_weak(&latest, &seen, now))
			;
		if (i % 512 == 0)
			sched_yield();
	}
	return NULL;
}

static long rounds = 20000;

static void monotone(void)
{
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		need(pthread_create(&t[i], NULL, watch, (void *)rounds) == 0);
	for (int i = 0; i < THREADS; i++)
		need(pthread_join(t[i], NULL) == 0);
	need(went_back == 0);
}

/* Root only; the clock is set back afterwards. */
static void steps(void)
{
	struct timespec ts;
	struct timeval tv;
	int64_t real = by_call(CLOCK_REALTIME), monotonic = by_call(CLOCK_MONOTONIC), seen;

	ts = (struct timespec){ real / 1000000000 + 5000, 0 };
	if (clock_settime(CLOCK_REALTIME, &ts) < 0) {
		need(errno == EPERM);
		return;
	}
	seen = by_vdso(CLOCK_REALTIME) - ns_of(&ts);
	need(seen >= 0 && seen < 4000000000000ll);
	need(v_time(NULL) >= ts.tv_sec);
	need(by_vdso(CLOCK_MONOTONIC) - monotonic < 4000000000000ll);
	tv = (struct timeval){ real / 1000000000, 0 };
	need(settimeofday(&tv, NULL) == 0);
	seen = by_vdso(CLOCK_REALTIME) - tv.tv_sec * 1000000000;
	need(seen >= 0 && seen < 4000000000000ll);
	need(v_timeofday(&tv, NULL) == 0 && tv.tv_sec < ts.tv_sec);
}

/* --- where it runs -------------------------------------------------------------------------------------- */

static void processor(void)
{
	cpu_set_t all, one;
	unsigned cpu, node, real_cpu, real_node;

	need(sched_getaffinity(0, sizeof(all), &all) == 0);
	for (int i = 0; i < CPUS; i++) {
		if (!CPU_ISSET(i, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		need(sched_setaffinity(0, sizeof(one), &one) == 0);
		need(v_getcpu(&cpu, &node, NULL) == 0 && cpu == (unsigned)i);
		need(syscall(SYS_getcpu, &real_cpu, &real_node, NULL) == 0);
		need(cpu == real_cpu && node == real_node);
	}
	need(v_getcpu(NULL, NULL, NULL) == 0);
}

/* --- in memory ------------------------------------------------------------------------------------------ */

/* The range and rights that /proc/self/maps shows for a name. */
static bool mapped(const char *name, uint64_t *start, uint64_t *end, char rights[5])
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, name) && sscanf(line, "%lx-%lx %4s", start, end, rights) == 3;
	if (f)
		fclose(f);
	return found;
}

static void shown(void)
{
	uint64_t start, end, data_start, data_end;
	char rights[5];

	need(mapped("[vdso]", &start, &end, rights) && strcmp(rights, "r-xp") == 0);
	need(start == (uint64_t)base);
	need(mapped("[vvar]", &data_start, &data_end, rights) && rights[0] == 'r' && rights[1] == '-' &&
	     rights[2] == '-');
	need(data_end <= start);
}

static void write_data(void)
{
	uint64_t start, end;
	char rights[5];

	need(mapped("[vvar]", &start, &end, rights));
	need(mprotect((void *)start, 4096, PROT_READ | PROT_WRITE) < 0 && errno == EACCES);
	*(volatile char *)start = 0;
}

static void write_code(void)
{
	*(volatile char *)base = 0;
}

static bool segfaults(void (*body)(void))
{
	int status = status_of(body);

	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void removable(void)
{
	uint64_t start, end;
	char rights[5];

	need(mapped("[vdso]", &start, &end, rights));
	need(munmap((void *)start, end - start) == 0 && !mapped("[vdso]", &start, &end, rights));
	need(by_call(CLOCK_MONOTONIC) > 0);
}

/* Two programs, two places. */
static void random_place(const char *self)
{
	char text[32], other[32];
	int differ = 0;

	snprintf(text, sizeof(text), "%p", (const void *)base);
	for (int i = 0; i < 4 && !differ; i++) {
		int pipes[2];
		ssize_t n;
		pid_t pid;

		need(pipe(pipes) == 0);
		pid = fork();
		if (pid == 0) {
			dup2(pipes[1], 1);
			execl(self, self, "where", NULL);
			_exit(1);
		}
		close(pipes[1]);
		n = read(pipes[0], other, sizeof(other) - 1);
		close(pipes[0]);
		waitpid(pid, NULL, 0);
		need(n > 0);
		other[n] = '\0';
		differ = strcmp(text, other) != 0;
	}
	need(differ);
}

static void elsewhere(void)
{
	random_place("/proc/self/exe");
}

int main(int argc, char **argv)
{
	bool found = find();

	if (argc > 1 && strcmp(argv[1], "where") == 0) {
		printf("%p", (const void *)base);
		return 0;
	}
	if (argc > 1)
		rounds = atol(argv[1]);
	tap(found, "the functions are found by name and version");
	if (!found)
		return tap_end();
	tap(passes(agrees), "its clocks are those of the calls");
	tap(passes(other_clocks), "for other clocks it calls, and answers with their errors");
	tap(passes(resolution), "the same resolutions");
	tap(passes(older_calls), "gettimeofday and time");
	tap(passes(the_zone), "the time zone that was set");
	tap(passes(monotone), "no thread sees the time go back");
	tap(passes(steps), "steps of the real-time clock are seen at once");
	tap(passes(processor), "getcpu on every CPU");
	tap(passes(shown), "/proc/self/maps names it and its data");
	tap(segfaults(write_data) && segfaults(write_code), "a program cannot write either");
	tap(passes(removable), "but it can unmap it");
	tap(passes(elsewhere), "programs have it at places of their own");
	return tap_end();
}
