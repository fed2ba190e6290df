/* SPDX-License-Identifier: BSD-2-Clause */
#include "cap_names.h"

#include <serix/cap.h>
#include <serix/memory.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct right {
	uint32_t bit;
	const char *name;
};

/* Of everything that can be open as a file. */
static const struct right file_rights[] = {
	{ FILE_RIGHT_READ, "read" },       { FILE_RIGHT_WRITE, "write" },
	{ FILE_RIGHT_EXECUTE, "execute" }, { FILE_RIGHT_APPEND, "append" },
	{ FILE_RIGHT_SEEK, "seek" },       { FILE_RIGHT_STAT, "stat" },
	{ FILE_RIGHT_CHMOD, "chmod" },     { FILE_RIGHT_TRUNCATE, "truncate" },
	{ FILE_RIGHT_MAP, "map" },         { FILE_RIGHT_LOCK, "lock" },
	{ DIR_RIGHT_LOOKUP, "lookup" },    { DIR_RIGHT_LIST, "list" },
	{ DIR_RIGHT_CREATE, "create" },    { DIR_RIGHT_REMOVE, "remove" },
	{ FILE_RIGHT_IOCTL, "ioctl" },     { FILE_RIGHT_SEAL, "seal" },
};
static const struct right memory_rights[] = {
	{ MEM_RIGHT_READ, "read" },  { MEM_RIGHT_WRITE, "write" }, { MEM_RIGHT_EXECUTE, "execute" },
	{ FILE_RIGHT_SEEK, "seek" }, { FILE_RIGHT_STAT, "stat" },  { MEM_RIGHT_RESIZE, "resize" },
	{ MEM_RIGHT_MAP, "map" },    { MEM_RIGHT_SEAL, "seal" },   { MEM_RIGHT_PHYSICAL, "physical" },
};
static const struct right process_rights[] = {
	{ PROCESS_RIGHT_SIGNAL, "signal" },   { PROCESS_RIGHT_WAIT, "wait" },
	{ PROCESS_RIGHT_INSPECT, "inspect" }, { PROCESS_RIGHT_SCHEDULE, "schedule" },
	{ PROCESS_RIGHT_GRANT, "grant-to" },
};
static const struct right thread_rights[] = {
	{ PROCESS_RIGHT_SIGNAL, "signal" },
	{ PROCESS_RIGHT_WAIT, "wait" },
	{ PROCESS_RIGHT_INSPECT, "inspect" },
	{ PROCESS_RIGHT_SCHEDULE, "schedule" },
};
static const struct right port_rights[] = {
	{ PORT_RIGHT_SEND, "send" },       { PORT_RIGHT_RECEIVE, "receive" }, { PORT_RIGHT_CALL, "call" },
	{ PORT_RIGHT_CONTROL, "control" }, { PORT_RIGHT_USER(0), "user0" },   { PORT_RIGHT_USER(1), "user1" },
	{ PORT_RIGHT_USER(2), "user2" },   { PORT_RIGHT_USER(3), "user3" },   { PORT_RIGHT_USER(4), "user4" },
	{ PORT_RIGHT_USER(5), "user5" },   { PORT_RIGHT_USER(6), "user6" },   { PORT_RIGHT_USER(7), "user7" },
};
static const struct right notification_rights[] = {
	{ NOTIFICATION_RIGHT_SIGNAL, "signal" },
	{ NOTIFICATION_RIGHT_WAIT, "wait" },
};
static const struct right device_rights[] = {
	{ DEVICE_RIGHT_MAP, "map" },
	{ DEVICE_RIGHT_DMA, "dma" },
	{ DEVICE_RIGHT_INTERRUPT, "interrupt" },
	{ DEVICE_RIGHT_RESET, "reset" },
	{ DEVICE_RIGHT_POWER, "power" },
};
static const struct right interrupt_rights[] = {
	{ INTERRUPT_RIGHT_BIND, "bind" },
	{ INTERRUPT_RIGHT_ACK, "acknowledge" },
};
static const struct right timer_rights[] = {
	{ TIMER_RIGHT_WAIT, "wait" },  { TIMER_RIGHT_SET, "set" }, { FILE_RIGHT_STAT, "stat" },
	{ FILE_RIGHT_SEEK, "seek" },   { FILE_RIGHT_MAP, "map" },  { FILE_RIGHT_LOCK, "lock" },
	{ FILE_RIGHT_IOCTL, "ioctl" },
};
static const struct right socket_rights[] = {
	{ SOCKET_RIGHT_RECEIVE, "receive" },
	{ SOCKET_RIGHT_SEND, "send" },
	{ SOCKET_RIGHT_BIND, "bind" },
	{ SOCKET_RIGHT_LISTEN, "listen" },
	{ SOCKET_RIGHT_ACCEPT, "accept" },
	{ SOCKET_RIGHT_CONNECT, "connect" },
	{ SOCKET_RIGHT_GETOPT, "getopt" },
	{ SOCKET_RIGHT_SETOPT, "setopt" },
	{ SOCKET_RIGHT_SHUTDOWN, "shutdown" },
	{ FILE_RIGHT_STAT, "stat" },
	{ FILE_RIGHT_CHMOD, "chmod" },
	{ FILE_RIGHT_SEEK, "seek" },
	{ FILE_RIGHT_MAP, "map" },
	{ FILE_RIGHT_LOCK, "lock" },
	{ FILE_RIGHT_IOCTL, "ioctl" },
};
static const struct right ring_rights[] = {
	{ RING_RIGHT_WAIT, "wait" }, { RING_RIGHT_SUBMIT, "submit" }, { RING_RIGHT_REGISTER, "register" },
	{ FILE_RIGHT_STAT, "stat" }, { FILE_RIGHT_SEEK, "seek" },     { FILE_RIGHT_MAP, "map" },
	{ FILE_RIGHT_LOCK, "lock" }, { FILE_RIGHT_IOCTL, "ioctl" },
};

static const struct right ruleset_rights[] = {
	{ RULESET_RIGHT_ENFORCE, "enforce" }, { RULESET_RIGHT_ADD, "add" },  { FILE_RIGHT_STAT, "stat" },
	{ FILE_RIGHT_SEEK, "seek" },          { FILE_RIGHT_MAP, "map" },     { FILE_RIGHT_LOCK, "lock" },
	{ FILE_RIGHT_TRUNCATE, "truncate" },  { FILE_RIGHT_IOCTL, "ioctl" },
};
static const struct right budget_rights[] = {
	{ BUDGET_RIGHT_BIND, "bind" },
	{ BUDGET_RIGHT_RESIZE, "resize" },
};
static const struct right general_rights[] = {
	{ CAP_RIGHT_GRANT, "grant" },
	{ CAP_RIGHT_EXPORT, "export" },
	{ CAP_RIGHT_BADGE, "badge" },
};

static const struct type {
	const char *name;
	const struct right *rights;
	size_t count;
} types[] = {
	[CAP_TYPE_NONE] = { "none", NULL, 0 },
	[CAP_TYPE_FILE] = { "file", file_rights, COUNT(file_rights) },
	[CAP_TYPE_DIRECTORY] = { "directory", file_rights, COUNT(file_rights) },
	[CAP_TYPE_MEMORY] = { "memory", memory_rights, COUNT(memory_rights) },
	[CAP_TYPE_PROCESS] = { "process", process_rights, COUNT(process_rights) },
	[CAP_TYPE_THREAD] = { "thread", thread_rights, COUNT(thread_rights) },
	[CAP_TYPE_PORT] = { "port", port_rights, COUNT(port_rights) },
	[CAP_TYPE_NOTIFICATION] = { "notification", notification_rights, COUNT(notification_rights) },
	[CAP_TYPE_DEVICE] = { "device", device_rights, COUNT(device_rights) },
	[CAP_TYPE_INTERRUPT] = { "interrupt", interrupt_rights, COUNT(interrupt_rights) },
	[CAP_TYPE_SOCKET] = { "socket", socket_rights, COUNT(socket_rights) },
	[CAP_TYPE_TIMER] = { "timer", timer_rights, COUNT(timer_rights) },
	[CAP_TYPE_BUDGET] = { "budget", budget_rights, COUNT(budget_rights) },
	[CAP_TYPE_RING] = { "ring", ring_rights, COUNT(ring_rights) },
	[CAP_TYPE_RULESET] = { "ruleset", ruleset_rights, COUNT(ruleset_rights) },
};
_Static_assert(COUNT(types) == CAP_TYPES, "each type has its row");

const char *cap_type_name(uint32_t type)
{
	return type < CAP_TYPES ? types[type].name : "?";
}

uint32_t cap_type_of_name(const char *name)
{
	uint32_t type = 0;

	while (type < CAP_TYPES && strcmp(types[type].name, name) != 0)
		type++;
	return type;
}

/* Append a word.  What does not fit is left out. */
static void add(char *buf, size_t size, const char *word)
{
	size_t len = strlen(buf);

	snprintf(buf + len, size - len, "%s%s", len ? " " : "", word);
}

static uint32_t all_of(const struct right *rights, size_t count)
{
	uint32_t all = 0;

	for (size_t i = 0; i < count; i++)
		all |= rights[i].bit;
	return all;
}

/* Names those of `rights` that the table knows; the others. */
static uint32_t add_names(const struct right *table, size_t count, uint32_t rights, char *buf, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		if (rights & table[i].bit)
			add(buf, size, table[i].name);
	}
	return rights & ~all_of(table, count);
}

void cap_rights_text(uint32_t type, uint32_t rights, char *buf, size_t size)
{
	const struct type *t = &types[type < CAP_TYPES ? type : CAP_TYPE_NONE];
	uint32_t all = all_of(t->rights, t->count) | all_of(general_rights, COUNT(general_rights));
	char number[16];

	buf[0] = '\0';
	if (rights == 0 || rights == all) {
		add(buf, size, rights ? "all" : "none");
		return;
	}
	rights = add_names(t->rights, t->count, rights, buf, size);
	rights = add_names(general_rights, COUNT(general_rights), rights, buf, size);
	if (rights) {
		snprintf(number, sizeof(number), "%#x", rights);
		add(buf, size, number);
	}
}
