/* SPDX-License-Identifier: BSD-2-Clause */
/* The devices that are no hardware: null, zero, full, random, urandom, kmsg, cpu_dma_latency, ports. */
#pragma once

#include <kernel/types.h>

/* Register them.  Needs the slab. */
void chardev_init(void);

struct file;
/* Is it /dev/ports, which stands for the registry of ports' names? */
bool file_is_port_registry(const struct file *file);
