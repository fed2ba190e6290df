/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs' limits, as /etc/serix/policy has them for people and docs/capabilities.md explains.  Here is the
 * table that is made of that file and handed to the kernel:
 *
 *	int policy_load(const void *table, size_t size)
 *		From now on the table holds for every program that is started; what runs already is not
 *		touched.  All or nothing.  EPERM: only the superuser, not confined; EINVAL: the table
 *		contradicts itself; E2BIG; ENOMEM; EFAULT.
 *
 * A table is a header, its programs, its roots and its strings, one after the other.  Strings end with NUL
 * and are named by where they begin.  The first program of the table whose path and user are those of what is
 * started counts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <serix/confine.h>

#define POLICY_MAGIC        0x50585253u /* "SRXP" */
#define POLICY_VERSION      1u
#define POLICY_PROGRAMS_MAX 1024u
#define POLICY_SIZE_MAX     (1024u * 1024)

/* policy_header.flags */
#define POLICY_DENY 1u /* what the table does not name is not started */

struct policy_header {
	uint32_t magic, version;
	uint32_t flags;
	uint32_t program_count, root_count;
	uint32_t string_size;
};

/* policy_program.flags */
#define POLICY_FREE     1u /* no limits: the rest is zero */
#define POLICY_BELOW    2u /* the path is a directory: all programs below it */
#define POLICY_ANY_USER 4u

enum policy_class {
	POLICY_CLASS_KEEP,
	POLICY_CLASS_NORMAL,
	POLICY_CLASS_BATCH,
	POLICY_CLASS_IDLE,
	POLICY_CLASSES
};

struct policy_program {
	uint32_t path; /* string: absolute */
	uint32_t flags;
	uint32_t user; /* real id */
	uint32_t deny; /* CONFINE_* */
	uint32_t cpu_class;
	uint32_t first_root, root_count; /* at most POLICY_ROOTS_MAX; none without CONFINE_NO_PATHS */
	uint32_t token_guesses;
	uint64_t memory, expires_ns; /* as in struct confinement */
};
/* Room for the program itself and its interpreters. */
#define POLICY_ROOTS_MAX (CONFINE_RULES_MAX - 3u)

struct policy_root {
	uint32_t path; /* string: absolute */
	uint32_t rights;
};
