/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A load of everything at once, for as long as wanted:
 *
 *	load [--seconds N] [--rounds N] [--seed S] [--workers N] [--only KIND,...] [--patience N]
 *	     [--leaks KIB]
 *
 * Workers take the kinds in turn and perform rounds of theirs, each verified.  The parent watches: a worker
 * that fails, or that completes no round for --patience seconds, is named, and the load has failed.  --rounds
 * ends each worker after so many rounds instead, so that a failure can be had again with the same seed.
 * --leaks runs everything once before, and then fails if free memory ends lower than it began by more than
 * that.  The last line is the totals and `ok` or `FAILED`.  Runs unchanged on Linux, which is the judge of
 * the rounds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <libserix/ipc.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "proc_kib.h"
#include "watch.h"

#define MAX_WORKERS 256

const struct kind *const kinds[] = {
	&fork_kind,  &exec_kind, &pipe_kind,  &futex_kind, &yield_kind, &signal_kind, &map_kind,
	&fault_kind, &race_kind, &timer_kind, &file_kind,  &ipc_kind,   &caps_kind,   &mix_kind,
};
const unsigned kind_count = sizeof(kinds) / sizeof(kinds[0]);

char program_path[PATH_MAX];
struct worker *worker;

static struct {
	unsigned seconds, rounds, workers, patience;
	uint64_t seed;
	long leaks_kib; /* negative: not asked for */
	bool wanted[16];
} options = { .seconds = 10, .workers = 24, .patience = 60, .leaks_kib = -1 };

static struct run {
	_Atomic bool stop;
	struct worker workers[MAX_WORKERS];
} * run;

/* --- what every round uses ------------------------------------------------------------------------- */

static uint64_t random_state;

uint64_t scramble(uint64_t a, uint64_t b)
{
	uint64_t z = (a ^ (b << 32 | b >> 32)) + 0x9e3779b97f4a7c15ul; /* the finish of SplitMix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ul;
	z = (z ^ z >> 27) * 0x94d049bb133111ebul;
	return z ^ z >> 31;
}

uint64_t draw(void)
{
	return scramble(random_state += 0x9e3779b97f4a7c15ul, 0);
}

unsigned draw_below(unsigned limit)
{
	return (unsigned)((draw() >> 32) * limit >> 32);
}

void one_of(void (*const ways[])(void), unsigned count)
{
	worker->way = draw_below(count);
	ways[worker->way]();
}

_Noreturn void expect_failed(const char *file, int line, const char *condition)
{
	dprintf(2, "load: worker %u (%s), round %lu (way %u), process %d: %s:%d: %s; errno %d\n",
		worker->index, worker->kind->name, (unsigned long)worker->rounds, worker->way, getpid(), file,
		line, condition, errno);
	_exit(99);
}

pid_t start_child(void)
{
	pid_t pid = fork();

	expect(pid >= 0);
	return pid;
}

void expect_exit(pid_t child, int code)
{
	int status;
	pid_t got;

	do
		got = waitpid(child, &status, 0);
	while (got < 0 && errno == EINTR);
	expect(got == child);
	expect(WIFEXITED(status));
	expect(WEXITSTATUS(status) == code);
}

void *map_pages(size_t pages)
{
	void *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	expect(at != MAP_FAILED);
	return at;
}

bool can_run(const struct kind *kind)
{
	return !kind->serix || port_close(-1) != -ENOSYS;
}

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void sleep_us(unsigned us)
{
	struct timespec left = { us / 1000000, us % 1000000 * 1000 };

	while (nanosleep(&left, &left) < 0)
		expect(errno == EINTR);
}

/* --- workers --------------------------------------------------------------------------------------- */

static _Noreturn void work(struct worker *self)
{
	worker = self;
	random_state = scramble(options.seed, self->index);
	setpgid(0, 0);
	while (!run->stop && (options.rounds == 0 || self->rounds < options.rounds)) {
		self->kind->round();
		self->rounds++;
	}
	_exit(0);
}

static void start_workers(void)
{
	unsigned kind = 0;

	for (unsigned i = 0; i < options.workers; i++) {
		struct worker *w = &run->workers[i];
		pid_t pid;

		while (!options.wanted[kind % kind_count])
			kind++;
		*w = (struct worker){ .index = i, .kind = kinds[kind++ % kind_count] };
		pid = fork();
		if (pid == 0)
			work(w);
		if (pid < 0) {
			perror("load: fork");
			options.workers = i;
		}
		w->pid = pid;
	}
}

/* Load for some seconds; how many workers failed. */
static unsigned load(unsigned seconds)
{
	struct watch watch = { .workers = run->workers,
			       .count = options.workers,
			       .patience = options.patience };
	uint64_t end = now_ns() + seconds * 1000000000ul;

	run->stop = false;
	start_workers();
	watch.count = options.workers;
	while (watch_step(&watch) && watch.failed == 0) {
		if (options.rounds == 0 && now_ns() >= end)
			run->stop = true;
		sleep_us(100000);
	}
	watch_end(&watch);
	return watch.failed;
}

static uint64_t report(void)
{
	uint64_t total = 0;

	for (unsigned k = 0; k < kind_count; k++) {
		uint64_t rounds = 0;
		unsigned workers = 0;

		for (unsigned i = 0; i < options.workers; i++) {
			if (run->workers[i].kind == kinds[k]) {
				rounds += run->workers[i].rounds;
				workers++;
			}
		}
		if (workers)
			printf("load: %-8s %3u workers %9lu rounds\n", kinds[k]->name, workers, rounds);
		total += rounds;
	}
	return total;
}

/* --- free memory ----------------------------------------------------------------------------------- */

/* What the last processes held may come back a moment after they were waited for. */
static bool memory_is_back(long before)
{
	long after = free_kib();

	for (int i = 0; i < 50 && after + options.leaks_kib < before; i++) {
		sleep_us(100000);
		after = free_kib();
	}
	printf("load: %ld KiB free before, %ld after\n", before, after);
	return after + options.leaks_kib >= before;
}

/* --- the command line ------------------------------------------------------------------------------ */

static _Noreturn void usage(void)
{
	fprintf(stderr,
		"load [--seconds N] [--rounds N] [--seed S] [--workers N] [--only KIND,...] [--patience N] "
		"[--leaks KIB]\nkinds:");
	for (unsigned i = 0; i < kind_count; i++)
		fprintf(stderr, " %s", kinds[i]->name);
	fprintf(stderr, "\n");
	exit(2);
}

static void choose(char *list)
{
	for (char *name = strtok(list, ","); name; name = strtok(NULL, ",")) {
		unsigned i = 0;

		while (i < kind_count && strcmp(kinds[i]->name, name) != 0)
			i++;
		if (i == kind_count)
			usage();
		options.wanted[i] = true;
	}
}

static void parse(int argc, char *argv[])
{
	static const struct option known[] = {
		{ "seconds", 1, NULL, 's' }, { "rounds", 1, NULL, 'r' }, { "seed", 1, NULL, 'S' },
		{ "workers", 1, NULL, 'w' }, { "only", 1, NULL, 'o' },   { "patience", 1, NULL, 'p' },
		{ "leaks", 1, NULL, 'l' },   { NULL, 0, NULL, 0 },
	};
	int letter;
	bool all = true;

	options.seed = now_ns();
	while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (letter) {
		case 's':
			options.seconds = (unsigned)atoi(optarg);
			break;
		case 'r':
			options.rounds = (unsigned)atoi(optarg);
			break;
		case 'S':
			options.seed = strtoul(optarg, NULL, 0);
			break;
		case 'w':
			options.workers = (unsigned)atoi(optarg);
			break;
		case 'p':
			options.patience = (unsigned)atoi(optarg);
			break;
		case 'l':
			options.leaks_kib = atol(optarg);
			break;
		case 'o':
			choose(optarg);
			all = false;
			break;
		default:
			usage();
		}
	}
	for (unsigned i = 0; all && i < kind_count; i++)
		options.wanted[i] = can_run(kinds[i]);
	if (optind != argc || options.workers == 0 || options.workers > MAX_WORKERS)
		usage();
}

int main(int argc, char *argv[])
{
	unsigned failed = 0;
	uint64_t rounds;
	long before;

	if (argc == 3 && strcmp(argv[1], "--exit") == 0)
		return atoi(argv[2]); /* the exec kind's other half */
	parse(argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (readlink("/proc/self/exe", program_path, sizeof(program_path) - 1) < 0)
		strcpy(program_path, argv[0]);
	run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (run == MAP_FAILED)
		return perror("load: mmap"), 1;
	printf("load: seed %lu, %u workers, %u seconds\n", options.seed, options.workers, options.seconds);
	if (options.leaks_kib >= 0)
		failed += load(3); /* every cache has seen its use */
	before = free_kib();
	failed += failed ? 0 : load(options.seconds);
	rounds = report();
	rmdir("/tmp/load.common"); /* empty, unless a worker was killed */
	if (!failed && options.leaks_kib >= 0 && !memory_is_back(before))
		failed++;
	printf("load: %lu rounds by %u workers, seed %lu: %s\n", rounds, options.workers, options.seed,
	       failed ? "FAILED" : "ok");
	return failed > 0;
}
