/* SPDX-License-Identifier: BSD-2-Clause */
/* NUMA policies as set_mempolicy(2), mbind(2), get_mempolicy(2), move_pages(2) describe them.  What needs a
 * second node is tried where there is one; what is refused is tried everywhere. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define PAGE  4096ul
#define PAGES 64
#define BITS  1025ul /* as libnuma says it */

enum { DEFAULT, PREFERRED, BIND, INTERLEAVE, LOCAL, PREFERRED_MANY };
#define F_NODE         1
#define F_ADDR         2
#define F_MEMS_ALLOWED 4
#define STATIC_NODES   (1 << 15)
#define RELATIVE_NODES (1 << 14)
#define MF_STRICT      1
#define MF_MOVE        2

typedef unsigned long nodeset[16];

static long set_policy(int mode, unsigned long nodes)
{
	nodeset set = { nodes };

	return syscall(SYS_set_mempolicy, mode, set, BITS);
}

static long bind_range(void *p, size_t len, int mode, unsigned long nodes, int flags)
{
	nodeset set = { nodes };

	return syscall(SYS_mbind, p, len, mode, set, BITS, flags);
}

static long get_policy(int *mode, unsigned long *nodes, void *addr, int flags)
{
	nodeset set = { 0 };
	long result = syscall(SYS_get_mempolicy, mode, set, BITS - 1, addr, flags);

	*nodes = set[0];
	return result;
}

static int fails(long result, int error)
{
	return result == -1 && errno == error;
}

static char *map(size_t pages, int flags)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void touch(char *p, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		p[i * PAGE] = (char)(i + 1);
}

static int node_of(char *p)
{
	void *page = p;
	int status = -1000;

	return syscall(SYS_move_pages, 0, 1ul, &page, NULL, &status, 0) == 0 ? status : -errno;
}

/* How many of the pages lie on a node. */
static size_t count_on(char *p, size_t pages, int node)
{
	size_t n = 0;

	for (size_t i = 0; i < pages; i++)
		n += node_of(p + i * PAGE) == node;
	return n;
}

static bool contents_as_touched(const char *p, size_t pages)
{
	for (size_t i = 0; i < pages; i++) {
		if (p[i * PAGE] != (char)(i + 1))
			return false;
	}
	return true;
}

struct numastat {
	long hit, miss, foreign, interleaved, local, other;
};

/* Read at once, because opening a file takes pages as well. */
static struct numastat numastat(int node)
{
	struct numastat s = { -1, -1, -1, -1, -1, -1 };
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/numastat", node);
	f = fopen(path, "r");
	if (!f)
		return s;
	if (fscanf(f,
		   "numa_hit %ld numa_miss %ld numa_foreign %ld interleave_hit %ld local_node %ld other_node "
		   "%ld",
		   &s.hit, &s.miss, &s.foreign, &s.interleaved, &s.local, &s.other) != 6)
		s.hit = -1;
	fclose(f);
	return s;
}

/* Does some line of numa_maps that begins with the address contain the text? */
static bool numa_maps_has(char *p, const char *text)
{
	FILE *f = fopen("/proc/self/numa_maps", "r");
	char start[32], line[512];
	bool found = false;

	snprintf(start, sizeof(start), "%08lx ", (unsigned long)p);
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, start, strlen(start)) == 0)
			found = strstr(line, text) != NULL;
	}
	if (f)
		fclose(f);
	return found;
}

static void test_refusals(char *p)
{
	nodeset set = { 1 };
	unsigned long nodes;
	int mode;

	tap(fails(set_policy(99, 1), EINVAL) && fails(set_policy(-1, 1), EINVAL),
	    "an unknown mode is EINVAL");
	tap(fails(set_policy(DEFAULT, 1), EINVAL) && fails(set_policy(LOCAL, 1), EINVAL),
	    "DEFAULT and LOCAL take no nodes");
	tap(fails(set_policy(BIND, 0), EINVAL) && fails(set_policy(INTERLEAVE, 0), EINVAL) &&
		    fails(set_policy(PREFERRED_MANY, 0), EINVAL),
	    "BIND, INTERLEAVE and PREFERRED_MANY need nodes");
	tap(fails(set_policy(BIND, 1ul << 40), EINVAL), "a set with no node that exists is EINVAL");
	tap(fails(set_policy(BIND | STATIC_NODES | RELATIVE_NODES, 1), EINVAL),
	    "static and relative nodes exclude each other");
	tap(fails(syscall(SYS_set_mempolicy, BIND, 8ul, BITS), EFAULT) &&
		    fails(syscall(SYS_set_mempolicy, BIND, set, PAGE * 8 + 2), EINVAL),
	    "a bad address is EFAULT, a set above a page EINVAL");
	tap(fails(bind_range(p + 1, PAGE, BIND, 1, 0), EINVAL) &&
		    fails(bind_range(p, PAGE, BIND, 1, 8), EINVAL),
	    "mbind wants a page's address and known flags");
	tap(bind_range(p, 0, BIND, 1, 0) == 0, "mbind of nothing does nothing");
	munmap(p + 4 * PAGE, PAGE);
	tap(fails(bind_range(p, 8 * PAGE, BIND, 1, 0), EFAULT), "mbind of a range with a hole is EFAULT");
	tap(bind_range(p, 8 * PAGE, DEFAULT, 0, 0) == 0, "but for DEFAULT");
	/* A range to the end of all addresses has the kernel's in it. */
	tap(bind_range(p, -(uintptr_t)p - PAGE, DEFAULT, 0, MF_MOVE) == 0 &&
		    fails(bind_range((char *)(1ul << 63), PAGE, DEFAULT, 0, MF_MOVE), EFAULT),
	    "and what is not the program's stays as it is");
	tap(fails(get_policy(&mode, &nodes, p, 0), EINVAL) &&
		    fails(get_policy(&mode, &nodes, NULL, 16), EINVAL) &&
		    fails(get_policy(&mode, &nodes, p, F_MEMS_ALLOWED | F_ADDR), EINVAL) &&
		    fails(get_policy(&mode, &nodes, p + 4 * PAGE, F_ADDR), EFAULT),
	    "get_mempolicy refuses what does not fit together, and addresses of nothing");
	tap(fails(syscall(SYS_migrate_pages, 0, BITS, set, (nodeset){ 0 }), EINVAL) &&
		    fails(syscall(SYS_migrate_pages, 99999, BITS, set, set), ESRCH) &&
		    fails(syscall(SYS_move_pages, 99999, 0ul, NULL, NULL, NULL, 0), ESRCH) &&
		    fails(syscall(SYS_move_pages, 0, 0ul, NULL, NULL, NULL, 1), EINVAL),
	    "migrate_pages and move_pages refuse bad nodes, processes and flags");
}

static void ignore(int signo)
{
	(void)signo;
}

/* A timer that ticks faster than a call asks for all pages: no call is ended by it. */
static void test_signals(void)
{
	struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { 0 };
	static int status[16 * PAGES];
	static void *pages[16 * PAGES];
	char *p = map(16 * PAGES, MAP_PRIVATE);
	int whole = 0;

	touch(p, 16 * PAGES);
	for (int i = 0; i < 16 * PAGES; i++)
		pages[i] = p + i * PAGE;
	sigaction(SIGALRM, &(struct sigaction){ .sa_handler = ignore }, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 50; i++)
		whole += syscall(SYS_move_pages, 0, 16ul * PAGES, pages, NULL, status, 0) == 0;
	setitimer(ITIMER_REAL, &never, NULL);
	signal(SIGALRM, SIG_DFL);
	munmap(p, 16 * PAGES * PAGE);
	tap(whole == 50, "signals do not end move_pages");
}

static void test_task_policy(void)
{
	unsigned long nodes;
	int mode = -1, status;
	pid_t child;

	tap(get_policy(&mode, &nodes, NULL, 0) == 0 && mode == DEFAULT && nodes == 0,
	    "a task begins with DEFAULT");
	tap(set_policy(PREFERRED, 0) == 0 && get_policy(&mode, &nodes, NULL, 0) == 0 && mode == LOCAL,
	    "PREFERRED without a node is LOCAL");
	tap(set_policy(BIND | STATIC_NODES, 1 | 1ul << 9) == 0 && get_policy(&mode, &nodes, NULL, 0) == 0 &&
		    mode == (BIND | STATIC_NODES) && nodes == (1 | 1ul << 9),
	    "static nodes are shown as they were named");
	child = fork();
	if (child == 0)
		_exit(get_policy(&mode, &nodes, NULL, 0) == 0 && (mode & 7) == BIND ? 0 : 1);
	tap(waitpid(child, &status, 0) == child && status == 0, "a child has its parent's policy");
	child = fork();
	if (child == 0) {
		execl("/proc/self/exe", "numa", "inherited", NULL);
		_exit(2);
	}
	tap(waitpid(child, &status, 0) == child && status == 0, "exec keeps it");
	tap(set_policy(DEFAULT, 0) == 0 && get_policy(&mode, &nodes, NULL, 0) == 0 && mode == DEFAULT,
	    "it can be taken back");
}

static void test_range_policy(void)
{
	char *p = map(PAGES, MAP_PRIVATE);
	unsigned long nodes;
	int mode;

	tap(bind_range(p + 8 * PAGE, 8 * PAGE, BIND, 1, 0) == 0 &&
		    get_policy(&mode, &nodes, p + 9 * PAGE, F_ADDR) == 0 && mode == BIND && nodes == 1 &&
		    get_policy(&mode, &nodes, p, F_ADDR) == 0 && mode == DEFAULT,
	    "a range has its own policy, its neighbours have none");
	touch(p, PAGES);
	tap(numa_maps_has(p + 8 * PAGE, "bind:0 anon=8 dirty=8 N0=8 kernelpagesize_kB=4") &&
		    numa_maps_has(p, "default"),
	    "numa_maps shows policies and pages");
	tap(get_policy(&mode, &nodes, p + 8 * PAGE, F_ADDR | F_NODE) == 0 && mode == 0,
	    "and get_mempolicy the node of a page");
	munmap(p, PAGES * PAGE);
	p = map(2, MAP_PRIVATE);
	tap(node_of(p) == -ENOENT && node_of((char *)PAGE) == -EFAULT,
	    "a page that is not there has no node");
	munmap(p, 2 * PAGE);
}

/* --- with two nodes ---------------------------------------------------------------------------------- */

static char *fresh(int mode, unsigned long nodes, int map_flags)
{
	char *p = map(PAGES, map_flags);

	if (p && (mode == DEFAULT || bind_range(p, PAGES * PAGE, mode, nodes, 0) == 0))
		touch(p, PAGES);
	return p;
}

static void test_places(int map_flags, const char *kind)
{
	char name[96], *p = fresh(BIND, 2, map_flags);

	snprintf(name, sizeof(name), "%s: bound to node 1, all pages are there", kind);
	tap(count_on(p, PAGES, 1) == PAGES, name);
	munmap(p, PAGES * PAGE);
	p = fresh(PREFERRED, 1, map_flags);
	snprintf(name, sizeof(name), "%s: node 0 preferred, all pages are there", kind);
	tap(count_on(p, PAGES, 0) == PAGES, name);
	munmap(p, PAGES * PAGE);
	p = fresh(PREFERRED_MANY, 2, map_flags);
	snprintf(name, sizeof(name), "%s: a set preferred, all pages are there", kind);
	tap(count_on(p, PAGES, 1) == PAGES, name);
	munmap(p, PAGES * PAGE);
	p = fresh(INTERLEAVE, 3, map_flags);
	snprintf(name, sizeof(name), "%s: interleaved, each node has every second page", kind);
	tap(count_on(p, PAGES, 0) == PAGES / 2 && count_on(p, PAGES, 1) == PAGES / 2 &&
		    node_of(p) != node_of(p + PAGE),
	    name);
	munmap(p, PAGES * PAGE);
}

static void test_task_places(void)
{
	char *p;

	for (int node = 0; node < 2; node++) {
		set_policy(BIND, 1ul << node);
		p = fresh(DEFAULT, 0, MAP_PRIVATE);
		tap(count_on(p, PAGES, node) == PAGES, "what a bound task touches is on its node");
		munmap(p, PAGES * PAGE);
	}
	set_policy(INTERLEAVE, 3);
	p = fresh(DEFAULT, 0, MAP_PRIVATE);
	tap(count_on(p, PAGES, 0) == PAGES / 2, "an interleaving task's pages alternate");
	munmap(p, PAGES * PAGE);
	p = fresh(BIND, 1, MAP_PRIVATE);
	tap(count_on(p, PAGES, 0) == PAGES, "a range's policy comes before the task's");
	munmap(p, PAGES * PAGE);
	set_policy(DEFAULT, 0);
}

static void test_counters(void)
{
	struct numastat before = numastat(1), now;
	char *p = fresh(BIND, 2, MAP_PRIVATE);

	tap(numastat(1).hit >= before.hit + PAGES, "numa_hit counts what was had where it was wanted");
	munmap(p, PAGES * PAGE);
	p = fresh(INTERLEAVE, 3, MAP_PRIVATE);
	tap(numastat(1).interleaved == before.interleaved + PAGES / 2, "interleave_hit counts every page");
	munmap(p, PAGES * PAGE);
	for (int node = 0; node < 2; node++) {
		now = numastat(node);
		tap(now.hit > 0 && now.hit + now.miss == now.local + now.other,
		    "each page counts once by wish and once by who asked");
	}
}

static void test_moving(void)
{
	char *p = fresh(BIND, 1, MAP_PRIVATE);
	void *pages[PAGES];
	int nodes[PAGES], status[PAGES], good = 0;

	tap(fails(bind_range(p, PAGES * PAGE, BIND, 2, MF_STRICT), EIO) && count_on(p, PAGES, 0) == PAGES,
	    "strict, mbind tells of pages that are elsewhere");
	tap(bind_range(p, PAGES * PAGE, BIND, 2, MF_STRICT | MF_MOVE) == 0 &&
		    count_on(p, PAGES, 1) == PAGES && contents_as_touched(p, PAGES),
	    "mbind moves them, with what is in them");
	for (int i = 0; i < PAGES; i++) {
		pages[i] = p + i * PAGE;
		nodes[i] = i % 2;
	}
	if (syscall(SYS_move_pages, 0, (long)PAGES, pages, nodes, status, MF_MOVE) == 0) {
		for (int i = 0; i < PAGES; i++)
			good += status[i] == i % 2;
	}
	tap(good == PAGES && count_on(p, PAGES, 0) == PAGES / 2 && contents_as_touched(p, PAGES),
	    "move_pages puts each page where it is told");
	nodes[0] = 9;
	tap(fails(syscall(SYS_move_pages, 0, 1ul, pages, nodes, status, MF_MOVE), ENODEV),
	    "a node that is not there is ENODEV");
	tap(syscall(SYS_migrate_pages, 0, BITS, (nodeset){ 1 }, (nodeset){ 2 }) >= 0 &&
		    count_on(p, PAGES, 1) == PAGES && contents_as_touched(p, PAGES),
	    "migrate_pages empties a node");
	munmap(p, PAGES * PAGE);
}

/* Node 1 is 256 MiB at most: a bound program that wants more dies, alone. */
static void test_full_node(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		char *p = map(100000, MAP_PRIVATE | MAP_NORESERVE);

		if (!p || set_policy(BIND, 2) != 0)
			_exit(1);
		touch(p, 100000);
		_exit(2);
	}
	tap(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	    "who is bound to a node that is full is killed");
}

int main(int argc, char **argv)
{
	unsigned long nodes;
	int mode;

	if (argc == 2 && strcmp(argv[1], "inherited") == 0)
		return get_policy(&mode, &nodes, NULL, 0) == 0 && mode == (BIND | STATIC_NODES) ? 0 : 1;
	test_refusals(map(16, MAP_PRIVATE));
	test_task_policy();
	test_range_policy();
	test_signals();
	tap(get_policy(&mode, &nodes, NULL, F_MEMS_ALLOWED) == 0 && (nodes & 1), "node 0 is allowed");
	if (nodes & 2) {
		test_places(MAP_PRIVATE, "private");
		test_places(MAP_SHARED, "shared");
		test_task_places();
		test_counters();
		test_moving();
		if (argc == 2 && strcmp(argv[1], "full") == 0)
			test_full_node();
	}
	return tap_end();
}
