/* SPDX-License-Identifier: BSD-2-Clause */
/* seccomp: what filters may answer, by name, and which answers are logged. */
#include "seccomp_priv.h"

#include <kernel/string.h>
#include <serix/errno.h>

static const struct action {
	const char *name;
	uint32_t action;
} actions[] = {
	{ "kill_process", SECCOMP_RET_KILL_PROCESS },
	{ "kill_thread", SECCOMP_RET_KILL_THREAD },
	{ "trap", SECCOMP_RET_TRAP },
	{ "errno", SECCOMP_RET_ERRNO },
	{ "user_notif", SECCOMP_RET_USER_NOTIF },
	{ "trace", SECCOMP_RET_TRACE },
	{ "log", SECCOMP_RET_LOG },
	{ "allow", SECCOMP_RET_ALLOW },
};
#define ACTIONS       ARRAY_SIZE(actions)
#define ACTIONS_NAMED ((1u << ACTIONS) - 1)
#define ACTION_ALLOW  (1u << (ACTIONS - 1)) /* is never logged */

static _Atomic uint32_t logged_actions = ACTIONS_NAMED & ~ACTION_ALLOW; /* bits of the table's rows */

static size_t row_of(uint32_t action)
{
	size_t i = 0;

	while (i < ACTIONS && actions[i].action != action)
		i++;
	return i;
}

bool seccomp_action_is_known(uint32_t action)
{
	return row_of(action) < ACTIONS;
}

int seccomp_actions_text(bool logged, char *buf, size_t size)
{
	uint32_t which = logged ? atomic_load(&logged_actions) : ACTIONS_NAMED;

	buf[0] = '\0';
	for (size_t i = 0; i < ACTIONS; i++) {
		if (!(which & 1u << i))
			continue;
		if (buf[0])
			strlcat(buf, " ", size);
		strlcat(buf, actions[i].name, size);
	}
	return (int)strlen(buf);
}

/* The bit of the action that the first `len` characters name; 0: none. */
static uint32_t action_named(const char *name, size_t len)
{
	for (size_t i = 0; i < ACTIONS; i++) {
		if (strlen(actions[i].name) == len && memcmp(actions[i].name, name, len) == 0)
			return 1u << i;
	}
	return 0;
}

int seccomp_actions_log(const char *text)
{
	uint32_t which = 0;

	while (*text) {
		size_t len = 0;
		uint32_t bit;

		while (text[len] && text[len] != ' ' && text[len] != '\n')
			len++;
		bit = action_named(text, len);
		if (len && (!bit || bit == ACTION_ALLOW))
			return -EINVAL;
		which |= bit;
		text += len + (text[len] != '\0');
	}
	atomic_store(&logged_actions, which);
	return 0;
}

bool seccomp_action_is_logged(uint32_t action, bool asked)
{
	size_t row = row_of(action);
	bool logged;

	if (row == ACTIONS) /* what is not known kills the process */
		row = row_of(SECCOMP_RET_KILL_PROCESS);
	logged = atomic_load(&logged_actions) & 1u << row;
	if (action == SECCOMP_RET_TRAP || action == SECCOMP_RET_ERRNO || action == SECCOMP_RET_TRACE ||
	    action == SECCOMP_RET_USER_NOTIF)
		return asked && logged;
	return logged;
}
