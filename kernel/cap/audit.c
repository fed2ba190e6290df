/* SPDX-License-Identifier: BSD-2-Clause */
/* What happened to capabilities, and to whom: /proc/serix/audit shows it. */
#include <kernel/cap_audit.h>

#include <kernel/string.h>
#include <kernel/time.h>

#include "audit_ring.h"

static struct audit_ring rings[CAP_EVENTS];
static struct audit_limit limits[CAP_EVENTS];

static void kernel_itself(struct audit_record *r)
{
	(void)r;
}

void (*cap_audit_who)(struct audit_record *r) = kernel_itself;

void cap_audit(enum cap_event event, struct capability *cap, const char *what)
{
	struct audit_record r = { .time_ns = time_now_ns(), .event = (uint8_t)event };

	cap_audit_who(&r);
	if (!audit_limit_pass(&limits[event], r.pid, r.time_ns, &r.dropped))
		return;
	if (cap) {
		r.object = cap->object->id;
		r.type = (uint8_t)cap->type;
		r.tag = (uint16_t)(cap_tag(cap) >> 48);
	}
	strlcpy(r.what, what, sizeof(r.what));
	if (!audit_ring_put(&rings[event], &r))
		audit_limit_drop(&limits[event], r.pid);
}

/* The next record of one kind that is still there; *n moves to it. */
static bool peek(struct audit_ring *ring, uint64_t *n, struct audit_record *out)
{
	uint64_t end = atomic_load_explicit(&ring->end, memory_order_acquire);

	if (*n + AUDIT_SLOTS < end)
		*n = end - AUDIT_SLOTS;
	for (; *n < end; ++*n) {
		if (audit_ring_get(ring, *n, out))
			return true;
	}
	return false;
}

bool cap_audit_next(struct cap_audit_reader *reader, struct audit_record *out)
{
	struct audit_record r;
	bool found = false;

	for (unsigned event = 0; event < CAP_EVENTS; event++) {
		if (!peek(&rings[event], &reader->next[event], &r))
			continue;
		if (!found || r.time_ns < out->time_ns)
			*out = r;
		found = true;
	}
	if (found)
		reader->next[out->event]++;
	return found;
}

uint64_t cap_audit_dropped(enum cap_event event)
{
	return audit_limit_dropped(&limits[event]);
}

const char *cap_event_name(enum cap_event event)
{
	static const char *const names[] = { "grant", "denial", "expiry", "revocation" };
	_Static_assert(ARRAY_SIZE(names) == CAP_EVENTS, "each event has its name");

	return names[event];
}
