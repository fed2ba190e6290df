/* SPDX-License-Identifier: BSD-2-Clause */
/* What uname(2) and the first line of the log say.  Programs look for a Linux release of 6.1 or later. */
#pragma once

#define KERNEL_NAME       "Serix"
#define KERNEL_RELEASE    "6.1.0-serix"
#define KERNEL_VERSION    "0.1.0"
#define KERNEL_MACHINE    "x86_64"
#define KERNEL_MACHINE_32 "i686" /* to programs that asked for it, see personality(2) */
