/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of what programs asked for in vain, its lock, and which paths are worth keeping. */
#include "unsupported_table.h"

#include <kernel/printk.h>
#include <kernel/process.h>
#include <kernel/string.h>

static struct spinlock lock = SPINLOCK_INIT("unsupported", RANK_UNSUPPORTED);
static struct unsupported_table table; /* [lock] */

/* The last part of the path of the running program: unlike its name it says what was executed. */
static void program_name(struct process *p, char *out, size_t size)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);
	const char *slash = strrchr(p->exe, '/');

	strlcpy(out, slash && slash[1] ? slash + 1 : p->comm, size);
	spin_unlock_irqrestore(&p->lock, flags);
}

/* A program that asks for the same again and again: its last row is looked at without the lock, since rows
 * stay what they are. */
static bool count_again(const struct process *p, enum unsupported_kind kind, uint64_t number)
{
	uint32_t at = atomic_load_explicit(&p->unsupported_row, memory_order_acquire);

	if (at == 0 || table.row[at - 1].number != number || table.row[at - 1].kind != kind)
		return false;
	atomic_fetch_add_explicit(&table.row[at - 1].count, 1, memory_order_relaxed);
	return true;
}

static void note(struct process *p, enum unsupported_kind kind, uint64_t number, const char *text)
{
	char program[UNSUPPORTED_PROGRAM];
	uint32_t at;
	bool first;

	program_name(p, program, sizeof(program));
	spin_lock(&lock);
	at = unsupported_table_add(&table, program, kind, number, text, &first);
	spin_unlock(&lock);
	if (at != UNSUPPORTED_NO_ROW && !text)
		atomic_store_explicit(&p->unsupported_row, at + 1, memory_order_release);
	if (first)
		pr_debug("%s[%d] asks for what is not there: see /proc/serix/unsupported", program, p->pid);
}

void unsupported_note(enum unsupported_kind kind, uint64_t number, const char *text)
{
	if (in_user_thread() && (text || !count_again(current_process(), kind, number)))
		note(current_process(), kind, number, text);
}

bool unsupported_next(unsigned *index, struct unsupported_row *out)
{
	bool found;

	spin_lock(&lock);
	found = unsupported_table_next(&table, index, out);
	spin_unlock(&lock);
	return found;
}

uint64_t unsupported_lost(void)
{
	return READ_ONCE(table.lost);
}

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Numbers of processes become PID, so that a look at each of them is one row; false: the process itself is
 * what was looked for, and it is only gone. */
static bool without_pids(const char *path, char *out, size_t size)
{
	size_t len = 0;

	while (*path && len + 4 < size) {
		if (path[0] == '/' && is_digit(path[1])) {
			for (path++; is_digit(*path); path++)
				;
			memcpy(out + len, "/PID", 4);
			len += 4;
			continue;
		}
		out[len++] = *path++;
	}
	out[len] = '\0';
	return len < 4 || strcmp(out + len - 4, "/PID") != 0;
}

void unsupported_note_path(const char *path)
{
	char text[UNSUPPORTED_TEXT];

	if (starts_with(path, "/proc/")) {
		if (without_pids(path, text, sizeof(text)))
			unsupported_note(UNSUPPORTED_PATH, 0, text);
	} else if (starts_with(path, "/sys/")) {
		unsupported_note(UNSUPPORTED_PATH, 0, path);
	} else if (starts_with(path, "/dev/") && !starts_with(path, "/dev/shm/") &&
		   !starts_with(path, "/dev/pts/") && !starts_with(path, "/dev/mqueue/")) {
		unsupported_note(UNSUPPORTED_PATH, 0, path);
	}
}
