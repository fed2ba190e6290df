/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mappings that end with the capability that they were made through.
 *
 * The areas of a mapping share a grant (kernel/vm.h), and the grant holds a capability: closing the
 * descriptor leaves that alone, as POSIX wants it, and revoking it or an ancestor reaches it, in whatever
 * spaces the areas are by then. The other way round, the last area that goes lets go of the capability.
 */
#include <kernel/cap_mapping.h>

#include <kernel/cap.h>
#include <kernel/slab.h>
#include <kernel/vm.h>
#include <serix/errno.h>

struct cap_mapping {
	struct vm_grant grant;
	struct vm_object *object; /* [i] referenced: revoking may come when the last area is just going */
	struct capability *cap;   /* [i] from the caller's return on; held */
};

static struct slab_cache *mapping_cache;

static void end(struct cap_mapping *m)
{
	vm_object_put(m->object);
	slab_free(mapping_cache, m);
}

/* The last area is gone.  Dropping waits for a revocation that is telling us now. */
static void release(struct vm_grant *grant)
{
	struct cap_mapping *m = container_of(grant, struct cap_mapping, grant);

	cap_drop(m->cap);
	end(m);
}

static void revoked(struct capability *cap, void *holder)
{
	struct cap_mapping *m = holder;

	(void)cap;
	vm_grant_revoke(&m->grant, m->object);
}

static const struct cap_holder_ops mapping_ops = { .revoked = revoked };

int cap_mapping_create(struct capability *cap, struct vm_object *object, struct vm_grant **out)
{
	struct cap_mapping *m = slab_alloc(mapping_cache);
	int err;

	if (!m)
		return -ENOMEM;
	vm_grant_init(&m->grant, release);
	vm_object_get(object);
	m->object = object;
	err = cap_hold(cap, &mapping_ops, m, &m->cap);
	if (err < 0)
		end(m);
	else
		*out = &m->grant;
	return err;
}

void cap_mapping_init(void)
{
	mapping_cache = slab_create("cap_mapping", sizeof(struct cap_mapping), 0);
}
