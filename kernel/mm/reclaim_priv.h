/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to mm: what the allocators ask of reclaim. */
#pragma once

#include <kernel/reclaim.h>

/* May this context sleep and interrupt other CPUs? */
bool reclaim_may_wait(void);
/* An allocation found nothing: free about `pages` frames.  False: nothing came free, or this context may not
 * wait, in which case kreclaim is asked. */
bool reclaim_now(size_t pages);
/* After an allocator took memory from a zone: wake kreclaim if little is left. */
void reclaim_poll(void);
