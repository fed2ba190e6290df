/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <kernel/file.h>

extern const struct file_ops kmsg_ops;               /* kmsg.c */
extern const struct file_ops cpu_dma_latency_ops;    /* cpu_dma_latency.c */
extern const struct file_ops ports_ops;              /* ports.c */
extern const struct file_ops userfaultfd_device_ops; /* userfaultfd.c */
