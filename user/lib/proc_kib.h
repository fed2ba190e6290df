/* SPDX-License-Identifier: BSD-2-Clause */
/* Figures out of those files of /proc whose lines are `Name:   value kB`. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value of the line that starts with `name`, its colon included; -1: there is none. */
static inline long proc_kib(const char *file, const char *name)
{
	FILE *f = fopen(file, "r");
	char line[256];
	long value = -1;

	while (f && value < 0 && fgets(line, sizeof(line), f)) {
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtol(line + strlen(name), NULL, 10);
	}
	if (f)
		fclose(f);
	return value;
}

/* Memory that is free, or could be at once. */
static inline long free_kib(void)
{
	static const char *const names[] = { "MemFree:", "Cached:", "Buffers:", "SReclaimable:" };
	long sum = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		long value = proc_kib("/proc/meminfo", names[i]);

		sum += value > 0 ? value : 0;
	}
	return sum;
}
