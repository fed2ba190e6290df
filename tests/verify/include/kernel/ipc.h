/* SPDX-License-Identifier: BSD-2-Clause */
/* Stands in for the kernel's own when Frama-C reads message_queue.c: of that header it uses one structure,
 * which tests/unit/kernel/ipc/message_queue_test.c is compiled with. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define NULL ((void *)0)

struct message_queue {
	void **slots;
	uint32_t size; /* of the ring: how many fit */
	uint32_t first;
	uint32_t count;
};
