/* SPDX-License-Identifier: BSD-2-Clause */
#include "watch.h"

#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* One line of what is told about a process: state, parent, group. */
static void show_if_in_group(const char *pid, pid_t group)
{
	char path[64], line[256], state;
	const char *rest;
	int parent, its_group;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return;
	rest = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	if (rest && sscanf(rest, ") %c %d %d", &state, &parent, &its_group) == 3 && its_group == group)
		fprintf(stderr, "load:   process %s: state %c, parent %d\n", pid, state, parent);
	fclose(f);
}

static void show_group(pid_t group)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			show_if_in_group(entry->d_name, group);
	if (proc)
		closedir(proc);
}

static void check_progress(struct watch *watch, unsigned i)
{
	struct worker *w = &watch->workers[i];
	uint64_t rounds = w->rounds, now = now_ns();

	if (rounds != watch->seen_rounds[i] || watch->seen_ns[i] == 0) {
		watch->seen_rounds[i] = rounds;
		watch->seen_ns[i] = now;
		return;
	}
	if (now - watch->seen_ns[i] < watch->patience * 1000000000ul)
		return;
	fprintf(stderr, "load: worker %u (%s), process %d: stuck in round %lu (way %u) for %u s\n", i,
		w->kind->name, w->pid, (unsigned long)rounds, w->way, watch->patience);
	show_group(w->pid);
	watch->seen_ns[i] = now;
	watch->failed++;
}

static void check_end(struct watch *watch, struct worker *w)
{
	int status;

	if (waitpid(w->pid, &status, WNOHANG) != w->pid)
		return;
	if (status != 0) {
		fprintf(stderr, "load: worker %u (%s) ended with wait status %#x in round %lu\n", w->index,
			w->kind->name, (unsigned)status, (unsigned long)w->rounds);
		watch->failed++;
	}
	kill(-w->pid, SIGKILL); /* what it may have left */
	w->pid = 0;
}

bool watch_step(struct watch *watch)
{
	bool any = false;

	for (unsigned i = 0; i < watch->count; i++) {
		if (watch->workers[i].pid == 0)
			continue;
		check_end(watch, &watch->workers[i]);
		if (watch->workers[i].pid == 0)
			continue;
		check_progress(watch, i);
		any = true;
	}
	return any;
}

void watch_end(struct watch *watch)
{
	for (unsigned i = 0; i < watch->count; i++) {
		struct worker *w = &watch->workers[i];

		if (w->pid == 0)
			continue;
		kill(-w->pid, SIGKILL);
		kill(w->pid, SIGKILL); /* if it has not made its group yet */
		waitpid(w->pid, NULL, 0);
		w->pid = 0;
	}
}
