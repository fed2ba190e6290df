/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <kernel/aio.h>
#include <kernel/list.h>
#include <kernel/mutex.h>
#include <kernel/rbtree.h>
#include <kernel/refcount.h>
#include <kernel/spinlock.h>
#include <kernel/wait.h>

#include "../shared_pages.h"
#include "ring.h"

struct aio_context {
	struct refcount refs; /* its process, each who found it, each poll */
	struct rb_node node;  /* [process.lock] */
	uaddr_t id;           /* [i] */
	uint32_t charged;     /* [i] counted in aio_count */
	struct shared_pages *pages;
	struct mutex reading; /* one copies events out at a time */
	struct spinlock lock;
	struct aio_ring ring;    /* [lock] */
	bool dead;               /* [lock] written; read anywhere */
	struct list polls;       /* [lock] */
	struct waitqueue change; /* events came, or something under way has ended */
};

/* End all polls of a context; they are over when nothing is under way any more. */
void aio_cancel_polls(struct aio_context *ctx);
