/* SPDX-License-Identifier: BSD-2-Clause */
/* The limits of System V IPC below /proc/sys/kernel. */
#include <kernel/format.h>
#include <kernel/string.h>
#include <kernel/sysvipc.h>

#include "proc_priv.h"

/* A decimal number of up to 64 bits at *text, which moves behind it and the blanks that follow.  -EINVAL. */
static int take_number(const char **text, uint64_t *out)
{
	const char *end;

	while (**text == ' ' || **text == '\t')
		++*text;
	if (parse_u64(*text, &end, out) < 0)
		return -EINVAL;
	while (*end == ' ' || *end == '\t' || *end == '\n')
		end++;
	*text = end;
	return 0;
}

static int store_one(const char *text, uint64_t max, uint64_t *out)
{
	if (take_number(&text, out) < 0 || *text || *out > max)
		return -EINVAL;
	return 0;
}

/* A message is one piece of the kernel's memory. */
#define MESSAGE_MAX (1u << 20)

/* Those of one number, by the names of their files: 64 bits, or 32. */
static const struct limit {
	const char *name;
	_Atomic uint64_t *large;
	_Atomic uint32_t *small;
	uint64_t max;
} limits[] = {
	{ "msgmax", NULL, &sysvipc_limits.msgmax, MESSAGE_MAX },
	{ "msgmnb", NULL, &sysvipc_limits.msgmnb, INT32_MAX },
	{ "msgmni", NULL, &sysvipc_limits.msgmni, SYSVIPC_IDS },
	{ "shmall", &sysvipc_limits.shmall, NULL, UINT64_MAX },
	{ "shmmax", &sysvipc_limits.shmmax, NULL, UINT64_MAX },
	{ "shmmni", NULL, &sysvipc_limits.shmmni, SYSVIPC_IDS },
};

static const struct limit *limit_of(const struct proc_node *node)
{
	const struct limit *l = limits;

	while (strcmp(l->name, node->entry->name) != 0)
		l++;
	return l;
}

int proc_show_ipc_limit(struct proc_text *t, const struct proc_node *node)
{
	const struct limit *l = limit_of(node);

	text_printf(t, "%lu\n", l->large ? atomic_load(l->large) : (uint64_t)atomic_load(l->small));
	return 0;
}

int proc_store_ipc_limit(const struct proc_node *node, const char *text, size_t len)
{
	const struct limit *l = limit_of(node);
	uint64_t value;
	int err = store_one(text, l->max, &value);

	(void)len;
	if (err < 0)
		return err;
	if (l->large)
		atomic_store(l->large, value);
	else
		atomic_store(l->small, (uint32_t)value);
	return 0;
}

int proc_show_sem_limits(struct proc_text *t, const struct proc_node *node)
{
	const struct sysvipc_limits *l = &sysvipc_limits;

	(void)node;
	text_printf(t, "%u\t%u\t%u\t%u\n", atomic_load(&l->semmsl), atomic_load(&l->semmns),
		    atomic_load(&l->semopm), atomic_load(&l->semmni));
	return 0;
}

#define SEMMSL_MAX 65536u
#define SEMOPM_MAX 65536u

int proc_store_sem_limits(const struct proc_node *node, const char *text, size_t len)
{
	static const uint64_t most[4] = { SEMMSL_MAX, INT32_MAX, SEMOPM_MAX, SYSVIPC_IDS };
	uint64_t values[4];

	(void)node;
	(void)len;
	for (unsigned i = 0; i < ARRAY_SIZE(values); i++)
		if (take_number(&text, &values[i]) < 0 || values[i] > most[i])
			return -EINVAL;
	atomic_store(&sysvipc_limits.semmsl, (uint32_t)values[0]);
	atomic_store(&sysvipc_limits.semmns, (uint32_t)values[1]);
	atomic_store(&sysvipc_limits.semopm, (uint32_t)values[2]);
	atomic_store(&sysvipc_limits.semmni, (uint32_t)values[3]);
	return 0;
}
