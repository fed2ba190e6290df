/* SPDX-License-Identifier: BSD-2-Clause */
/* The devices that are no hardware: null, zero, full, random, urandom, kmsg, cpu_dma_latency. */
#pragma once

/* Register them.  Needs the slab. */
void chardev_init(void);
