/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Confinement: what a process and its descendants may reach by global names, for programs that know nothing
 * of capabilities.  A process may confine itself further at any time and never less; fork and exec keep it.
 *
 *	int cap_confine(const struct confinement *what, size_t size)
 *		EINVAL: unknown bits, rules without CONFINE_NO_PATHS, another size; E2BIG: more than
 *		CONFINE_RULES_MAX rules, or confined CONFINE_DEPTH_MAX times already; ENOMEM; EBADF: a rule's
 *		descriptor; EFAULT.
 *
 * Rules name files and directories, with all that is below, by descriptors (O_PATH will do).  A path is
 * judged by where it leads, whatever way it took: links, mounts and /proc make no difference.  What no rule
 * allows does not exist (EACCES for every call, also where there is nothing), but for the directories on the
 * way from the root to a rule's place, of which stat(2) says that they are there.  Nothing that may be
 * written may be executed.
 *
 * Whoever is confined gets no privileges from programs any more (no_new_privs).
 */
#pragma once

#include <stdint.h>

#include <serix/cap.h>

#define CONFINE_RULES_MAX 64
#define CONFINE_DEPTH_MAX 16

struct confine_rule {
	int32_t fd;
	uint32_t rights; /* FILE_RIGHT_*, DIR_RIGHT_* */
};

/* Deny. */
#define CONFINE_NO_NETWORK 0x001u /* new sockets but pairs, and abstract names of sockets */
#define CONFINE_NO_EXEC    0x002u /* another program */
#define CONFINE_NO_DEVICES 0x004u /* opening device files but null, zero, full, random, urandom */
#define CONFINE_NO_SIGNALS \
	0x008u /* other processes, but for those that are confined by the same or a narrower one */
#define CONFINE_NO_PATHS  0x010u /* all paths but those of the rules */
#define CONFINE_NO_ADMIN  0x020u /* the superuser's privileges, but for files that its id opens; other ids */
#define CONFINE_NO_RT     0x040u /* ISO and REALTIME scheduling, nice below 0 */
#define CONFINE_NO_EXPORT 0x080u /* tokens */
#define CONFINE_LAST_EXEC \
	0x100u /* NO_EXEC, from the next exec on: for who confines a program before it starts */
#define CONFINE_ALL 0x1ffu

/* Rights that rules are made of. */
#define CONFINE_READ                                                                                 \
	(FILE_RIGHT_READ | FILE_RIGHT_EXECUTE | FILE_RIGHT_SEEK | FILE_RIGHT_STAT | FILE_RIGHT_MAP | \
	 FILE_RIGHT_LOCK | DIR_RIGHT_LOOKUP | DIR_RIGHT_LIST | FILE_RIGHT_IOCTL)
#define CONFINE_WRITE                                                                                     \
	((CONFINE_READ & ~FILE_RIGHT_EXECUTE) | FILE_RIGHT_WRITE | FILE_RIGHT_APPEND | FILE_RIGHT_CHMOD | \
	 FILE_RIGHT_TRUNCATE | DIR_RIGHT_CREATE | DIR_RIGHT_REMOVE | FILE_RIGHT_SEAL)

struct confinement {
	uint32_t deny;       /* CONFINE_* */
	uint32_t rule_count; /* of the files' rules */
	const struct confine_rule *rules;
	uint64_t memory; /* bytes of address space that may be written, for each process; 0: as before */
	uint64_t
		/* from now: then all its capabilities are revoked and its processes killed; 0: never */
		expires_ns;
	uint32_t token_guesses; /* wrong tokens until all capabilities are revoked; 0: as before */
	uint32_t reserved;
};
