/* SPDX-License-Identifier: BSD-2-Clause */
/* x86-64's half of <arch/elf.h>. */
#pragma once

#define ARCH_ELF_MACHINE 62
#define ARCH_PLATFORM    "x86_64"

#define ARCH_USER_SIZE       928 /* struct user of <sys/user.h> */
#define ARCH_ELF_GREGS_SIZE  216
#define ARCH_ELF_FPREGS_SIZE 512
