/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that play CPUs: each calls host_cpu_start() first, and from then on is a CPU of its own. */
#pragma once

#include <kernel/percpu.h>

void host_cpu_start(void);
