/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages (tests/system: a million) of every size from 0 to 128 KiB, by sends and calls, between processes
 * on one CPU and on two: none is lost, none doubled, none changed, and the memory is back where it was.
 *
 * Most are small.  Each message begins with its number, from which both sides compute the rest.  Sizes are
 * drawn by class, so that every class and the sizes around its bounds come up.
 *
 *	ipc_million [messages]
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "ipc.h"

#define MESSAGES 20000ul
#define PAGE     4096u
#define SLACK    512l /* KiB that caches of the kernel may keep */

/* Reproducible anywhere: xorshift64* (Vigna 2016). */
static uint64_t rng(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

static uint32_t near(uint64_t *state, uint32_t bound)
{
	uint32_t size = bound - 2 + (uint32_t)(rng(state) % 5);

	return size > MESSAGE_MAX ? MESSAGE_MAX : size;
}

/* 15 of 16 stay below 129 bytes; 1 in 2048 is above 32 KiB. */
static uint32_t draw_size(uint64_t *state)
{
	static const uint32_t bounds[] = { 128,      256,      512,       2048,       PAGE,
					   2 * PAGE, 3 * PAGE, 16 * PAGE, MESSAGE_MAX };
	uint32_t dice = (uint32_t)(rng(state) % 2048);

	if (dice < 1920)
		return (uint32_t)(rng(state) % (MESSAGE_SMALL + 1));
	if (dice < 1984)
		return near(state, bounds[rng(state) % 5]);
	if (dice < 2036)
		return (uint32_t)(rng(state) % (PAGE + 2));
	if (dice < 2044)
		return (uint32_t)(rng(state) % (8 * PAGE));
	if (dice < 2047)
		return near(state, bounds[5 + rng(state) % 4]);
	return (uint32_t)(rng(state) % (MESSAGE_MAX + 1));
}

static uint64_t load(const char *from, uint32_t len)
{
	uint64_t word = 0;

	memcpy(&word, from, len);
	return word;
}

/* The n-th eight bytes of a message: first its number, then what follows from that. */
static uint64_t word_of(uint64_t number, uint32_t n, uint64_t *state)
{
	return n ? rng(state) : number;
}

static uint64_t seed_of(uint64_t number)
{
	return number * 0x9e3779b97f4a7c15ull | 1;
}

static void write_contents(char *to, uint32_t size, uint64_t number)
{
	uint64_t state = seed_of(number), word;

	for (uint32_t at = 0; at < size; at += 8) {
		word = word_of(number, at, &state);
		memcpy(to + at, &word, size - at < 8 ? size - at : 8);
	}
}

static bool has_contents(const char *data, uint32_t size, uint64_t number)
{
	uint64_t state = seed_of(number), word, differs = 0;
	uint32_t at = 0;

	for (; at + 8 <= size; at += 8)
		differs |= load(data + at, 8) ^ word_of(number, at, &state);
	if (at < size) {
		word = word_of(number, at, &state);
		differs |= load(data + at, size - at) ^ load((const char *)&word, size - at);
	}
	return differs == 0;
}

struct party {
	char *data, *back; /* of MESSAGE_MAX and a page each */
	uint64_t state;
};

static struct party make_party(uint64_t seed)
{
	char *area = mmap(NULL, 2 * (MESSAGE_MAX + PAGE), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	need(area != MAP_FAILED);
	return (struct party){ area, area + MESSAGE_MAX + PAGE, seed };
}

/* Anywhere in a page now and then; mostly where whole pages can be passed. */
static char *place(struct party *p, char *area)
{
	uint64_t dice = rng(&p->state);

	return dice % 4 ? area : area + (dice >> 8) % PAGE;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	need(sched_setaffinity(0, sizeof(set), &set) == 0);
}

/* The tag says what should have come, so that also an empty message is recognised. */
static void check(const struct message *m, const char *data, uint64_t number)
{
	need(m->tag >> 32 == number && (uint32_t)m->tag == m->size);
	need(has_contents(data, (uint32_t)m->size, number));
}

static struct message make(struct party *p, uint64_t number)
{
	uint32_t size = draw_size(&p->state);
	struct message m = { .data = place(p, p->data), .size = size };

	m.tag = number << 32 | size;
	write_contents(m.data, size, number);
	if (rng(&p->state) % 8 == 0)
		m.flags = MESSAGE_MOVE;
	return m;
}

/* Half are sends, half calls, whose answer is the message itself. */
static void client(cap_handle_t port, uint64_t count, int cpu)
{
	struct party p = make_party(42);

	pin(cpu);
	for (uint64_t number = 0; number < count; number++) {
		struct message m = make(&p, number);

		if (number % 2) {
			need(port_send(port, &m, PULSE_FOREVER) == 0);
			continue;
		}
		m.receive = place(&p, p.back);
		m.capacity = m.size;
		need(port_call(port, &m, PULSE_FOREVER) == 0);
		check(&m, m.receive, number);
	}
	_exit(0);
}

static void server(cap_handle_t port, uint64_t count, int cpu)
{
	struct party p = make_party(43);
	uint64_t reply = 0;
	struct message m = { 0 };

	pin(cpu);
	for (uint64_t number = 0; number < count; number++) {
		m.receive = place(&p, p.back);
		m.capacity = MESSAGE_MAX;
		m.reply = reply;
		m.flags = 0;
		need(port_reply_wait(port, &m, PULSE_FOREVER) == 0);
		check(&m, m.receive, number);
		m.data = m.receive;
		reply = m.reply;
	}
	m.reply = reply;
	need(!reply || port_reply(port, &m) == 0);
	_exit(0);
}

static void run(uint64_t count, int server_cpu, int client_cpu)
{
	cap_handle_t port = make_port(0);
	pid_t child[2];

	child[0] = fork();
	if (child[0] == 0)
		server(port, count, server_cpu);
	child[1] = fork();
	if (child[1] == 0)
		client(port, count, client_cpu);
	need(leaves_with(child[1], 0) && leaves_with(child[0], 0));
	close((int)port);
}

static uint64_t messages = MESSAGES;

static void on_one_cpu(void)
{
	run(messages / 2, 0, 0);
}

static void on_two_cpus(void)
{
	run(messages / 2, 0, sysconf(_SC_NPROCESSORS_ONLN) > 1);
}

static long free_kib(void)
{
	char text[4096], *at;
	FILE *f = fopen("/proc/meminfo", "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = '\0';
	at = strstr(text, "MemFree:");
	return at ? atol(at + 8) : 0;
}

/* Freed memory may be a moment in other CPUs' caches. */
static bool memory_is_back(long before)
{
	long now = 0;

	for (int i = 0; i < 50; i++) {
		now = free_kib();
		if (now >= before - SLACK)
			return true;
		pause_ms(20);
	}
	printf("# %ld KiB free before, %ld after\n", before, now);
	return false;
}

int main(int argc, char **argv)
{
	long before;

	if (argc > 1)
		messages = strtoul(argv[1], NULL, 0);
	run(2000, 0, 0); /* what is made once */
	before = free_kib();
	tap(passes(on_one_cpu), "messages of every size on one CPU");
	tap(passes(on_two_cpus), "messages of every size across CPUs");
	tap(memory_is_back(before), "the memory is back where it was");
	return tap_end();
}
