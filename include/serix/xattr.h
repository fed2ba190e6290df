/* SPDX-License-Identifier: BSD-2-Clause */
/* Extended attributes that mean something to Serix alone. */
#pragma once

/*
 * A program's file: memory of it may be written and executed at once, as compilers into memory want it.  It
 * has no value (EINVAL).  Setting it takes CAP_SYS_ADMIN, and it goes when the file is written or changes its
 * owner.
 */
#define XATTR_WRITE_EXEC "security.serix.write_exec"
