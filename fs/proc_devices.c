/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/{devices,tty/drivers,partitions,diskstats,softirqs}: what devices there are, and are not. */
#include "proc_priv.h"

#include <kernel/device.h>
#include <kernel/smp.h>

int proc_show_devices(struct proc_text *t, const struct proc_node *node)
{
	struct char_device *d;

	(void)node;
	text_printf(t, "Character devices:\n");
	for (size_t i = 0; (d = char_device_nth(i)) != NULL; i++)
		text_printf(t, "%3u %s\n", dev_major(d->dev), d->name);
	text_printf(t, "\nBlock devices:\n");
	return 0;
}

/* No block device has registered, and such tables have no heading without one. */
int proc_show_no_disks(struct proc_text *t, const struct proc_node *node)
{
	(void)t;
	(void)node;
	return 0;
}

/* Work that interrupts leave is done in threads: nothing is ever counted here. */
int proc_show_softirqs(struct proc_text *t, const struct proc_node *node)
{
	static const char *const kinds[] = { "HI",       "TIMER",   "NET_TX", "NET_RX",  "BLOCK",
					     "IRQ_POLL", "TASKLET", "SCHED",  "HRTIMER", "RCU" };

	(void)node;
	text_printf(t, "                    ");
	for (uint32_t i = 0; i < cpu_count; i++)
		text_printf(t, "CPU%-8u", i);
	text_printf(t, "\n");
	for (size_t kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		text_printf(t, "%12s:", kinds[kind]);
		for (uint32_t i = 0; i < cpu_count; i++)
			text_printf(t, " %10u", 0u);
		text_printf(t, "\n");
	}
	return 0;
}

/* --- terminals: how a program turns a number (stat's tty_nr) into a name -------------------------------- */

struct tty_range {
	const char *driver, *path;
	uint32_t major, first, last;
	const char *kind;
};

/* By their numbers, which are Linux's. */
static const struct tty_range ranges[] = {
	{ "/dev/tty", "/dev/tty", 5, 0, 0, "system:/dev/tty" },
	{ "/dev/console", "/dev/console", 5, 1, 1, "system:console" },
	{ "/dev/ptmx", "/dev/ptmx", 5, 2, 2, "system" },
	{ "/dev/vc/0", "/dev/vc/0", 4, 0, 0, "system:vtmaster" },
	{ "serial", "/dev/ttyS", 4, 64, 95, "serial" },
	{ "unknown", "/dev/tty", 4, 1, 63, "console" },
};

static bool any_registered(const struct tty_range *r)
{
	for (uint32_t minor = r->first; minor <= r->last; minor++)
		if (char_device_find(makedev(r->major, minor)))
			return true;
	return false;
}

static void tty_row(struct proc_text *t, const struct tty_range *r)
{
	text_printf(t, "%-20s %-13s %3u ", r->driver, r->path, r->major);
	if (r->first == r->last)
		text_printf(t, "%7u ", r->first);
	else
		text_printf(t, "%u-%u ", r->first, r->last);
	text_printf(t, "%s\n", r->kind);
}

/* Pseudo-terminals have no devices of their own: their file system knows them. */
static const struct tty_range pty_ranges[] = {
	{ "pty_slave", "/dev/pts", 136, 0, 1048575, "pty:slave" },
	{ "pty_master", "/dev/ptm", 128, 0, 1048575, "pty:master" },
};

int proc_show_tty_drivers(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (any_registered(&ranges[i]))
			tty_row(t, &ranges[i]);
	for (size_t i = 0; i < ARRAY_SIZE(pty_ranges); i++)
		tty_row(t, &pty_ranges[i]);
	return 0;
}
