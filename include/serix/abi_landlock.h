/* SPDX-License-Identifier: BSD-2-Clause */
/* Landlock's calls (landlock(7)) as Linux 6.1 has them: ABI version 2. */
#pragma once

#include <stdint.h>

#define LANDLOCK_ABI_VERSION 2

/* landlock_create_ruleset.flags: tell the version. */
#define LANDLOCK_CREATE_RULESET_VERSION 1u

/* landlock_add_rule.type */
#define LANDLOCK_RULE_PATH_BENEATH 1u

struct abi_landlock_ruleset {
	uint64_t handled_access_fs; /* LANDLOCK_ACCESS_FS_*: denied but where rules allow it */
};

struct abi_landlock_path_beneath {
	uint64_t allowed_access; /* LANDLOCK_ACCESS_FS_* */
	int32_t parent_fd;
} __attribute__((packed));

/* Of files, */
#define LANDLOCK_ACCESS_FS_EXECUTE    0x0001u
#define LANDLOCK_ACCESS_FS_WRITE_FILE 0x0002u
#define LANDLOCK_ACCESS_FS_READ_FILE  0x0004u
/* of directories, */
#define LANDLOCK_ACCESS_FS_READ_DIR    0x0008u
#define LANDLOCK_ACCESS_FS_REMOVE_DIR  0x0010u
#define LANDLOCK_ACCESS_FS_REMOVE_FILE 0x0020u
#define LANDLOCK_ACCESS_FS_MAKE_CHAR   0x0040u
#define LANDLOCK_ACCESS_FS_MAKE_DIR    0x0080u
#define LANDLOCK_ACCESS_FS_MAKE_REG    0x0100u
#define LANDLOCK_ACCESS_FS_MAKE_SOCK   0x0200u
#define LANDLOCK_ACCESS_FS_MAKE_FIFO   0x0400u
#define LANDLOCK_ACCESS_FS_MAKE_BLOCK  0x0800u
#define LANDLOCK_ACCESS_FS_MAKE_SYM    0x1000u
/* and what is renamed or linked from one directory to another: denied unless a rule allows it. */
#define LANDLOCK_ACCESS_FS_REFER 0x2000u

#define LANDLOCK_ACCESS_FS_FILES \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE)
#define LANDLOCK_ACCESS_FS_MAKING                                                                      \
	(LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |    \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | \
	 LANDLOCK_ACCESS_FS_MAKE_SYM)
#define LANDLOCK_ACCESS_FS_ALL                                                                    \
	(LANDLOCK_ACCESS_FS_FILES | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKING | LANDLOCK_ACCESS_FS_REFER)
