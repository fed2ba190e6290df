/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Confinement: what a process and its descendants may reach by global names, for programs that know nothing of
 * capabilities.  A process may confine itself further at any time and never less; fork and exec keep it.
 *
 *	int cap_confine(const struct confinement *what, size_t size)
 *		EINVAL; E2BIG: more than CONFINE_RULES_MAX rules; ENOMEM; EBADF: a rule's descriptor.
 *
 * Rules name files and directories, with all that is below, by descriptors (O_PATH will do).  A path is judged by where
 * it leads, whatever way it took: links, "..", mounts and /proc make no difference.  What no rule allows does not exist
 * (EACCES for every call, also where there is nothing).  Read and execute rights, write rights: FILE_RIGHT_*,
 * DIR_RIGHT_*.  Nothing that may be written may be executed.
 */
#pragma once

#include <stdint.h>

#define CONFINE_RULES_MAX 64

struct confine_rule {
	int32_t fd;
	uint32_t rights; /* FILE_RIGHT_*, DIR_RIGHT_* */
};

/* Deny. */
#define CONFINE_NO_NETWORK 0x01u /* new sockets but local ones */
#define CONFINE_NO_EXEC    0x02u /* another program */
#define CONFINE_NO_DEVICES 0x04u /* opening device files but null, zero, full, random, urandom */
#define CONFINE_NO_SIGNALS 0x08u /* to processes that are not confined by the same or a narrower one */
#define CONFINE_NO_PATHS   0x10u /* all paths but those of the rules */
#define CONFINE_NO_ADMIN   0x20u /* mounting, changing roots, host name, clock, power, other users' ids */
#define CONFINE_NO_RT      0x40u /* ISO and REALTIME scheduling, nice below 0 */
#define CONFINE_NO_EXPORT  0x80u /* tokens */
#define CONFINE_ALL        0xffu

struct confinement {
	uint32_t deny;       /* CONFINE_* */
	uint32_t rule_count; /* of the files' rules */
	const struct confine_rule *rules;
	uint64_t memory; /* bytes of address space that may be written, for each process; 0: as before */
	uint64_t
		expires_ns; /* from now: then all its capabilities are revoked and its processes killed; 0: never */
	uint32_t token_guesses; /* wrong tokens until all capabilities are revoked; 0: as before */
	uint32_t reserved;
};
