/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is in a message arrives exactly, whatever way it takes: every path (copied, shared, moved), every
 * alignment of both sides, every kind of memory; and nobody can change it on the way.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <libserix/ipc.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "../lib/proc_kib.h"
#include "child.h"
#include "tap.h"

#define PAGE  4096ul
#define ROOM  (MESSAGE_MAX + 4 * PAGE)
#define GUARD 0xA5

static cap_handle_t port;
static unsigned char *source, *target, *expected;

static unsigned char *map(int prot, int flags, int fd)
{
	unsigned char *p = mmap(NULL, ROOM, prot, flags, fd, 0);

	need(p != MAP_FAILED);
	return p;
}

static unsigned char *anonymous(void)
{
	return map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static void set_up(void)
{
	port = port_create(NULL);
	need(port >= 0);
	source = anonymous();
	target = anonymous();
	expected = anonymous();
}

/* Bytes that depend on their place and on `seed`. */
static void fill(unsigned char *p, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (unsigned char)((i + seed) * 2654435761u >> 13);
}

static int send(size_t at, size_t size, unsigned flags)
{
	struct message m = { .data = source + at, .size = size, .flags = flags };

	return port_send(port, &m, 0);
}

static int receive(size_t at, size_t size, unsigned flags)
{
	struct message m = { .data = target + at, .capacity = size, .flags = flags };
	int err = port_receive(port, &m, PULSE_FOREVER);

	return err < 0 ? err : (int)m.size;
}

static bool all(const unsigned char *p, size_t from, size_t to, unsigned char value)
{
	for (; from < to; from++) {
		if (p[from] != value)
			return false;
	}
	return true;
}

/* What the sender's memory must be after a move: the whole pages of the message read as zeroes. */
static void expect_moved(size_t at, size_t size)
{
	size_t low = (at + PAGE - 1) & ~(PAGE - 1), high = (at + size) & ~(PAGE - 1);

	if (size > PAGE && low < high)
		memset(expected + low, 0, high - low);
}

/* One message through the port; everything around it stays as it was, on both sides. */
static void one_message(size_t from, size_t to, size_t size, unsigned flags)
{
	size_t high = from + size + PAGE, span = to + size + PAGE;

	fill(source, high, (unsigned)size);
	memcpy(expected, source, high);
	memset(target, GUARD, span);
	need(send(from, size, flags) == 0);
	/* While it is under way the sender goes on writing. */
	if (!(flags & MESSAGE_MOVE))
		memset(source + from, 0x77, size);
	need(receive(to, size, 0) == (int)size);
	need(memcmp(target + to, expected + from, size) == 0);
	need(all(target, 0, to, GUARD) && all(target, to + size, span, GUARD));
	if (flags & MESSAGE_MOVE) {
		expect_moved(from, size);
		need(memcmp(source, expected, high) == 0);
	} else {
		need(all(source, from, from + size, 0x77) && memcmp(source, expected, from) == 0);
		need(memcmp(source + from + size, expected + from + size, PAGE) == 0);
	}
}

static const size_t offsets[] = { 0, 1, 8, 100, 2048, 4095 };
static const size_t sizes[] = { 0,    1,    127,  128,   129,   4095,  4096,  4097,   8191,
				8192, 8193, 9000, 12288, 20000, 65536, 65537, 131071, 131072 };
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void every_alignment(void)
{
	static const unsigned kinds[] = { 0, MESSAGE_MOVE, MESSAGE_PAGES, MESSAGE_MOVE | MESSAGE_PAGES };

	set_up();
	for (size_t s = 0; s < COUNT(sizes); s++) {
		for (size_t a = 0; a < COUNT(offsets); a++) {
			for (size_t b = 0; b < COUNT(offsets); b++)
				one_message(offsets[a], offsets[b], sizes[s],
					    kinds[(a + b + s) % COUNT(kinds)]);
		}
	}
}

/* Each size near a page's end, at the same offset on both sides, all ways. */
static void every_size_at_the_borders(void)
{
	set_up();
	for (size_t size = PAGE - 3; size < PAGE + 4; size++) {
		for (size_t offset = 0; offset < PAGE;
		     offset += offset < 4 || offset > PAGE - 6 ? 1 : PAGE - 8) {
			one_message(offset, offset, size, 0);
			one_message(offset, offset, size + PAGE, MESSAGE_MOVE);
			one_message(offset, (offset + 1) % PAGE, size + 2 * PAGE, MESSAGE_MOVE);
			one_message(offset, offset, size + 2 * PAGE, 0);
		}
	}
}

/* With MESSAGE_PAGES on both sides the page goes as it is, with what is around the message. */
static void pages_made_for_messages(void)
{
	set_up();
	fill(source, 3 * PAGE, 5);
	memcpy(expected, source, 3 * PAGE);
	memset(target, GUARD, 3 * PAGE);
	need(send(100, 1000, MESSAGE_PAGES) == 0);
	source[100] ^= 1;
	need(receive(100, 1000, MESSAGE_PAGES) == 1000);
	need(memcmp(target, expected, PAGE) == 0 && all(target, PAGE, 3 * PAGE, GUARD));
	target[101] ^= 1;
	need(source[101] == expected[101] && source[100] != expected[100]);
	/* Across a border; then to a receiver that does not say so, and one whose buffer lies otherwise. */
	memcpy(source, expected, 3 * PAGE);
	need(send(PAGE + 4000, 200, MESSAGE_PAGES) == 0 && receive(4000, 200, MESSAGE_PAGES) == 200);
	need(memcmp(target, expected + PAGE, 2 * PAGE) == 0);
	one_message(100, 100, 1000, MESSAGE_PAGES);
	memset(target, GUARD, 3 * PAGE);
	need(send(100, 1000, MESSAGE_PAGES) == 0 && receive(101, 1000, MESSAGE_PAGES) == 1000);
	need(all(target, 0, 101, GUARD) && all(target, 1101, 3 * PAGE, GUARD));
}

/* Pages that a child shares copy-on-write: it looks when the message has been received and written to. */
static void a_child_keeps_its_pages(void)
{
	size_t size = 5 * PAGE;
	int status, ready[2];
	pid_t child;
	char go;

	set_up();
	fill(source, size, 9);
	memcpy(expected, source, size);
	need(pipe(ready) == 0);
	child = fork();
	if (child == 0)
		_exit(read(ready[0], &go, 1) != 1 || memcmp(source, expected, size) != 0);
	need(send(0, size, MESSAGE_MOVE) == 0 && receive(0, size, 0) == (int)size);
	memset(target, 1, size);
	memset(source, 2, size);
	need(write(ready[1], "", 1) == 1 && waitpid(child, &status, 0) == child && status == 0);
}

static void from_a_file(int flags)
{
	int fd = memfd_create("payload", 0);

	set_up();
	need(fd >= 0 && ftruncate(fd, ROOM) == 0);
	source = map(PROT_READ | PROT_WRITE, flags, fd);
	for (size_t a = 0; a < COUNT(offsets); a++) {
		one_message(offsets[a], offsets[a], 3 * PAGE, 0);
		one_message(offsets[a], 0, 5 * PAGE + 1, MESSAGE_MOVE);
		one_message(offsets[a], offsets[a], 4 * PAGE, MESSAGE_MOVE);
	}
}

static void from_a_private_file(void)
{
	from_a_file(MAP_PRIVATE);
}

static void from_a_shared_file(void)
{
	from_a_file(MAP_SHARED);
}

/* Received pages replace those of private memory only: a file is written to. */
static void into_a_shared_file(void)
{
	int fd = memfd_create("payload", 0);

	set_up();
	need(fd >= 0 && ftruncate(fd, ROOM) == 0);
	target = map(PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	one_message(0, 0, 4 * PAGE, MESSAGE_MOVE);
	one_message(10, 10, 4 * PAGE, 0);
	need(pread(fd, expected, 4 * PAGE, 10) == (ssize_t)(4 * PAGE) &&
	     memcmp(expected, target + 10, 4 * PAGE) == 0);
}

/* What may not be written stays; the message is right. */
static void from_read_only_memory(void)
{
	size_t size = 4 * PAGE;

	set_up();
	fill(source, size, 3);
	memcpy(expected, source, size);
	need(mprotect(source, size, PROT_READ) == 0);
	need(send(0, size, MESSAGE_MOVE) == 0 && receive(0, size, 0) == (int)size);
	need(memcmp(target, expected, size) == 0 && memcmp(source, expected, size) == 0);
}

static void from_untouched_memory(void)
{
	set_up();
	memset(target, GUARD, 9 * PAGE);
	source[4 * PAGE] = 1;
	need(send(0, 8 * PAGE, MESSAGE_MOVE) == 0 && receive(0, 8 * PAGE, 0) == (int)(8 * PAGE));
	need(all(target, 0, 4 * PAGE, 0) && target[4 * PAGE] == 1 && all(target, 4 * PAGE + 1, 8 * PAGE, 0));
	need(all(target, 8 * PAGE, 9 * PAGE, GUARD));
}

/* EFAULT for the sender, whose memory is as before. */
static void a_hole_in_the_source(void)
{
	set_up();
	fill(source, 8 * PAGE, 4);
	memcpy(expected, source, 8 * PAGE);
	need(munmap(source + 4 * PAGE, PAGE) == 0);
	for (unsigned flags = 0; flags <= MESSAGE_PAGES; flags++) {
		need(send(0, 8 * PAGE, flags) < 0 && errno == EFAULT);
		need(send(100, 4 * PAGE, flags) < 0 && errno == EFAULT);
		need(send(4 * PAGE + 100, 8 * PAGE, flags) < 0 && errno == EFAULT);
	}
	need(memcmp(source, expected, 4 * PAGE) == 0);
	need(memcmp(source + 5 * PAGE, expected + 5 * PAGE, 3 * PAGE) == 0);
	source = (unsigned char *)(UINTPTR_MAX - 2 * PAGE);
	need(send(0, 8 * PAGE, 0) < 0 && errno == EFAULT);
}

/* EFAULT for the receiver; the message is gone, and the next one arrives. */
static void a_hole_in_the_target(void)
{
	set_up();
	need(munmap(target + 4 * PAGE, PAGE) == 0 && mprotect(target + 5 * PAGE, PAGE, PROT_READ) == 0);
	for (unsigned moved = 0; moved < 2; moved++) {
		need(send(0, 8 * PAGE, moved) == 0 && receive(0, 8 * PAGE, 0) < 0 && errno == EFAULT);
		need(send(8, 8 * PAGE, moved) == 0 && receive(0, 8 * PAGE, 0) < 0 && errno == EFAULT);
		need(send(0, 4 * PAGE + 1, moved) == 0 && receive(0, 8 * PAGE, 0) < 0 && errno == EFAULT);
		need(send(0, 4 * PAGE, moved) == 0 && receive(5 * PAGE, 4 * PAGE, 0) < 0 && errno == EFAULT);
		fill(source, 4 * PAGE, 8);
		memcpy(expected, source, 4 * PAGE);
		need(send(0, 4 * PAGE, moved) == 0 && receive(0, 4 * PAGE, 0) == (int)(4 * PAGE));
		need(memcmp(target, expected, 4 * PAGE) == 0);
	}
}

/* Moved pages that could not be sent come back. */
static void what_is_not_sent_comes_back(void)
{
	struct port_options options = { .queue_limit = 1 };

	set_up();
	port = port_create(&options);
	need(port >= 0);
	fill(source, 8 * PAGE, 4);
	memcpy(expected, source, 8 * PAGE);
	need(send(0, 1, 0) == 0);
	need(send(0, 8 * PAGE, MESSAGE_MOVE) < 0 && errno == EAGAIN);
	need(memcmp(source, expected, 8 * PAGE) == 0);
	need(send(100, 6 * PAGE, MESSAGE_MOVE) < 0 && errno == EAGAIN);
	need(memcmp(source, expected, 8 * PAGE) == 0);
}

/* --- across CPUs ----------------------------------------------------------------------------------- */

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % (int)sysconf(_SC_NPROCESSORS_ONLN), &set);
	need(sched_setaffinity(0, sizeof(set), &set) == 0);
}

#define MESSAGES 3000u

static size_t size_of(unsigned n)
{
	return (n * 2654435761u >> 8) % (n % 8 ? 3 * PAGE : MESSAGE_MAX + 1);
}

/* The server's child: checks each and answers with what it got, to the same offset. */
static void echo(void)
{
	static struct message m;

	pin(1);
	m = (struct message){ .data = target, .capacity = ROOM };
	for (unsigned n = 0; n < MESSAGES; n++) {
		m.receive = target + n % PAGE;
		m.capacity = MESSAGE_MAX;
		m.data = n ? target + (n - 1) % PAGE : target;
		m.flags = n % 2 ? MESSAGE_MOVE : 0;
		need(port_reply_wait(port, &m, PULSE_FOREVER) == 0);
		fill(expected, m.size, n);
		need(m.size == size_of(n) && m.tag == n && memcmp(m.receive, expected, m.size) == 0);
	}
	m.data = m.receive;
	need(port_reply(port, &m) == 0);
}

static void across_processes(void)
{
	struct message m = { 0 };
	int status;
	pid_t child;

	set_up();
	pin(0);
	child = fork();
	if (child == 0) {
		echo();
		_exit(0);
	}
	for (unsigned n = 0; n < MESSAGES; n++) {
		size_t size = size_of(n), offset = n * 7 % PAGE;

		fill(source + offset, size, n);
		fill(expected, size, n);
		m = (struct message){ .tag = n,
				      .data = source + offset,
				      .size = size,
				      .receive = target + (n * 13 + n / 64) % PAGE,
				      .capacity = MESSAGE_MAX,
				      .flags = n % 3 ? MESSAGE_MOVE : 0 };
		need(port_call(port, &m, PULSE_FOREVER) == 0);
		need(m.size == size && memcmp(m.receive, expected, size) == 0);
	}
	need(waitpid(child, &status, 0) == child && status == 0);
}

/* The pages of 300 large messages, received, refused or left in the queue, are free again. */
static void large_messages(void)
{
	set_up();
	for (unsigned n = 0; n < 300; n++) {
		fill(source, MESSAGE_MAX, n);
		need(send(n % 2 ? 0 : 50, MESSAGE_MAX, n % 3 ? MESSAGE_MOVE : 0) == 0);
		if (n % 4 != 0)
			need(receive(n % 5 ? 0 : 50, MESSAGE_MAX, 0) == (int)MESSAGE_MAX);
		if (n % 64 == 63)
			need(port_close(port) == 0 && (port = port_create(NULL)) >= 0);
	}
}

static bool nothing_stays(void)
{
	long before, lost = 0;

	for (int i = 0; i < 3; i++) {
		before = free_kib();
		if (!passes(large_messages))
			return false;
		lost = before - free_kib();
		if (lost < 1024)
			return true;
	}
	printf("# %ld KiB lost\n", lost);
	return false;
}

int main(void)
{
	tap(passes(every_alignment), "every alignment and size, all ways");
	tap(passes(every_size_at_the_borders), "every size at the borders of pages");
	tap(passes(pages_made_for_messages), "pages made for messages");
	tap(passes(a_child_keeps_its_pages), "a child keeps its pages");
	tap(passes(from_a_private_file), "from a private mapping of a file");
	tap(passes(from_a_shared_file), "from a shared mapping of a file");
	tap(passes(into_a_shared_file), "into a shared mapping of a file");
	tap(passes(from_read_only_memory), "from read-only memory");
	tap(passes(from_untouched_memory), "from untouched memory");
	tap(passes(a_hole_in_the_source), "a hole in the source");
	tap(passes(a_hole_in_the_target), "a hole in the target");
	tap(passes(what_is_not_sent_comes_back), "what is not sent comes back");
	tap(passes(across_processes), "across processes and CPUs");
	tap(nothing_stays(), "memory is back to where it was");
	return tap_end();
}
