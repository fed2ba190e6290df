/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of one capability: made, used, and gone with its last reference. */
#include "cap_priv.h"

#include <arch/cpu.h>
#include <kernel/slab.h>

static struct slab_cache *capability_cache;

void cap_init(void)
{
	capability_cache = slab_create("capability", sizeof(struct capability), 0);
	cap_id_init();
}

#define FILE_RIGHTS                                                                                      \
	(CAP_READ | CAP_WRITE | CAP_EXEC | CAP_APPEND | CAP_SEEK | CAP_STAT | CAP_CHMOD | CAP_TRUNCATE | \
	 CAP_MAP | CAP_LOCK | CAP_IOCTL | CAP_SEAL)

uint32_t cap_type_rights(enum object_type type)
{
	static const uint32_t own[] = {
		[OBJECT_NONE] = 0,
		[OBJECT_FILE] = FILE_RIGHTS,
		[OBJECT_DIRECTORY] = FILE_RIGHTS | CAP_LOOKUP | CAP_LIST | CAP_CREATE | CAP_REMOVE,
		[OBJECT_MEMORY] = CAP_READ | CAP_WRITE | CAP_EXEC | CAP_SEEK | CAP_STAT | CAP_TRUNCATE |
				  CAP_MAP | CAP_SEAL | CAP_PHYSICAL,
		[OBJECT_PROCESS] = PROCESS_RIGHT_SIGNAL | PROCESS_RIGHT_WAIT | PROCESS_RIGHT_INSPECT |
				   PROCESS_RIGHT_SCHEDULE | PROCESS_RIGHT_GRANT,
		[OBJECT_THREAD] = PROCESS_RIGHT_SIGNAL | PROCESS_RIGHT_WAIT | PROCESS_RIGHT_INSPECT |
				  PROCESS_RIGHT_SCHEDULE,
		[OBJECT_PORT] = PORT_RIGHT_SEND | PORT_RIGHT_RECEIVE | PORT_RIGHT_CALL | PORT_RIGHT_NOTIFY |
				PORT_RIGHT_CONTROL | 0x00ff0000u,
		[OBJECT_NOTIFICATION] = NOTIFICATION_RIGHT_SIGNAL | NOTIFICATION_RIGHT_WAIT,
		[OBJECT_RING] = CAP_READ | CAP_WRITE | CAP_MAP,
		[OBJECT_DEVICE] = DEVICE_RIGHT_MAP | DEVICE_RIGHT_DMA | DEVICE_RIGHT_INTERRUPT |
				  DEVICE_RIGHT_RESET | DEVICE_RIGHT_POWER,
		[OBJECT_INTERRUPT] = INTERRUPT_RIGHT_BIND | INTERRUPT_RIGHT_ACK,
		[OBJECT_SOCKET] = FILE_RIGHTS,
		[OBJECT_TIMER] = TIMER_RIGHT_SET | TIMER_RIGHT_WAIT,
		[OBJECT_BUDGET] = BUDGET_RIGHT_BIND | BUDGET_RIGHT_RESIZE,
	};
	_Static_assert(ARRAY_SIZE(own) == OBJECT_TYPES, "each type has its row");

	return own[type] | CAP_RIGHTS_GENERAL;
}

struct capability *cap_alloc(struct kobject *object, uint32_t rights)
{
	struct capability *cap = slab_alloc(capability_cache);

	if (!cap)
		return NULL;
	*cap = (struct capability){
		.object = object,
		.rights = rights,
		.type = (uint16_t)object->type,
		.refs = 1,
		.state = CAP_LIVE,
	};
	list_init(&cap->children);
	list_init(&cap->sibling);
	return cap;
}

struct capability *cap_copy(const struct capability *from, uint32_t rights)
{
	struct capability *cap = cap_alloc(from->object, atomic_load(&from->rights) & rights);

	if (!cap)
		return NULL;
	kobject_get(cap->object);
	cap->depth = from->depth;
	cap->badge = from->badge;
	atomic_init(&cap->expires, atomic_load(&from->expires));
	return cap;
}

bool cap_is_expired(const struct capability *cap)
{
	uint64_t expires = atomic_load_explicit(&cap->expires, memory_order_relaxed);

	return unlikely(expires != 0) && arch_cycles() >= expires;
}

void cap_done(struct capability *cap)
{
	if (likely(atomic_fetch_sub_explicit(&cap->refs, 1, memory_order_acq_rel) != 1))
		return;
	kobject_put(cap->object);
	slab_free(capability_cache, cap);
}
