/* SPDX-License-Identifier: BSD-2-Clause */
#include "ids.h"

#include <kernel/confine.h>
#include <kernel/pmm.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <serix/errno.h>

#define INDEX_BITS     15 /* as Linux has it */
#define SEQUENCE_LIMIT (1u << (31 - INDEX_BITS))
#define FIRST_SIZE     16u
#define RESERVE_PART   32

_Static_assert(SYSVIPC_IDS == 1u << INDEX_BITS, "places");

struct sysvipc_limits sysvipc_limits = {
	.shmmax = UINT64_MAX - (1ull << 24), /* Linux's: no limit, with room to add */
	.shmall = UINT64_MAX - (1ull << 24),
	.shmmni = 4096,
	.semmsl = 32000,
	.semmns = 1024000000,
	.semopm = 500,
	.semmni = 32000,
	.msgmax = 8192,
	.msgmnb = 16384,
	.msgmni = 32000,
};

int64_t ids_now(void)
{
	return (int64_t)(time_real_ns() / NSEC_PER_SEC);
}

bool ids_memory_left(void)
{
	return pmm_free_beyond(pmm_total_memory() / RESERVE_PART);
}

/* --- whose they are ------------------------------------------------------------------------------------ */

/* The confinement that keeps global names from the running process; 0: none does. */
static uint64_t own_scope(void)
{
	const struct confine *c = current_confine();

	return unlikely(c != NULL) && (c->capability_mode || (c->deny & CONFINE_NO_PATHS)) ? c->id : 0;
}

static bool may_know(const struct ids_object *obj)
{
	uint64_t scope = own_scope();

	return likely(scope == 0) || obj->scope == scope;
}

int ids_permit(const struct ids_object *obj, uint32_t how)
{
	const struct credentials *cred = current_cred();
	uint32_t granted = obj->mode, wanted = (how >> 6 | how >> 3 | how) & 7;

	if (cred->euid == obj->cuid || cred->euid == obj->uid)
		granted >>= 6;
	else if (cred_in_group(cred, obj->cgid) || cred_in_group(cred, obj->gid))
		granted >>= 3;
	return (wanted & ~granted) && !cred_has_privilege(PRIV_IPC_OWNER) ? -EACCES : 0;
}

int ids_own(const struct ids_object *obj)
{
	uid_t euid = current_cred()->euid;

	return euid == obj->cuid || euid == obj->uid || cred_has_privilege(PRIV_SYS_ADMIN) ? 0 : -EPERM;
}

int ids_set(struct ids_object *obj, const struct abi_ipc_perm *perm)
{
	if (perm->uid == UINT32_MAX || perm->gid == UINT32_MAX)
		return -EINVAL;
	obj->uid = perm->uid;
	obj->gid = perm->gid;
	obj->mode = (obj->mode & ~0777u) | (perm->mode & 0777);
	return 0;
}

void ids_describe(const struct ids_object *obj, struct abi_ipc_perm *out)
{
	*out = (struct abi_ipc_perm){ .key = obj->key,
				      .uid = obj->uid,
				      .gid = obj->gid,
				      .cuid = obj->cuid,
				      .cgid = obj->cgid,
				      .mode = obj->mode,
				      .seq = (uint16_t)(obj->id >> INDEX_BITS) };
}

/* --- by key --------------------------------------------------------------------------------------------- */

static struct ids_object *of_key_locked(const struct ids_table *t, int32_t key)
{
	for (uint32_t i = 0; i < t->last; i++)
		if (t->slots[i] && t->slots[i]->key == key)
			return t->slots[i];
	return NULL;
}

int ids_check_get_locked(const struct ids_object *obj, uint32_t flags)
{
	return ids_permit(obj, flags & 0777);
}

int ids_find_key_locked(struct ids_table *t, int32_t key, uint32_t flags, struct ids_object **out)
{
	*out = NULL;
	if (key == IPC_PRIVATE)
		return 0;
	if (own_scope())
		return -EACCES;
	*out = of_key_locked(t, key);
	if (!*out)
		return flags & IPC_CREAT ? 0 : -ENOENT;
	return (flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL) ? -EEXIST : 0;
}

/* --- the table ------------------------------------------------------------------------------------------ */

static int grow_locked(struct ids_table *t)
{
	uint32_t size = t->size ? MIN(2 * t->size, SYSVIPC_IDS) : FIRST_SIZE;
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are meant */
	struct ids_object **slots = kcalloc(size, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	if (t->slots) /* NOLINTNEXTLINE(bugprone-sizeof-expression): here too */
		memcpy(slots, t->slots, t->size * sizeof(*slots));
	kfree(t->slots);
	t->slots = slots;
	t->size = size;
	return 0;
}

static uint32_t free_place_locked(const struct ids_table *t)
{
	uint32_t i = 0;

	while (i < t->last && t->slots[i])
		i++;
	return i;
}

int ids_add_locked(struct ids_table *t, struct ids_object *obj, int32_t key, uint32_t flags)
{
	const struct credentials *cred = current_cred();
	uint32_t place = free_place_locked(t);
	int err = 0;

	if (t->used >= MIN(atomic_load(t->limit), SYSVIPC_IDS) || !ids_memory_left())
		return -ENOSPC;
	if (place >= t->size)
		err = grow_locked(t);
	if (err < 0)
		return err;
	if (place < t->last) /* one that was used before */
		t->sequence = (uint16_t)((t->sequence + 1) % SEQUENCE_LIMIT);
	t->last = MAX(t->last, place + 1);
	t->used++;
	t->slots[place] = obj;
	obj->id = (int)((uint32_t)t->sequence << INDEX_BITS | place);
	obj->key = key;
	obj->uid = obj->cuid = cred->euid;
	obj->gid = obj->cgid = cred->egid;
	obj->mode = flags & 0777;
	obj->scope = own_scope();
	return obj->id;
}

void ids_remove_locked(struct ids_table *t, struct ids_object *obj)
{
	uint32_t place = (uint32_t)obj->id % SYSVIPC_IDS;

	t->slots[place] = NULL;
	t->used--;
	/* The next to come takes the place, with another number. */
	if (place + 1 == t->last)
		t->sequence = (uint16_t)((t->sequence + 1) % SEQUENCE_LIMIT);
	while (t->last > 0 && !t->slots[t->last - 1])
		t->last--;
}

/* --- by id ---------------------------------------------------------------------------------------------- */

int ids_at_locked(struct ids_table *t, int index, struct ids_object **out)
{
	struct ids_object *obj = NULL;

	if (index >= 0 && (uint32_t)index < t->last)
		obj = t->slots[index_nospec((uint64_t)index, t->last)];
	if (!obj)
		return -EINVAL;
	*out = obj;
	return may_know(obj) ? 0 : -EACCES;
}

int ids_lookup_locked(struct ids_table *t, int id, struct ids_object **out)
{
	struct ids_object *obj;
	int err;

	if (id < 0)
		return -EINVAL;
	err = ids_at_locked(t, id % (int)SYSVIPC_IDS, &obj);
	if (err < 0)
		return err;
	*out = obj;
	return obj->id == id ? 0 : -EINVAL;
}

struct ids_object *ids_next_locked(struct ids_table *t, unsigned *index)
{
	for (; *index < t->last; ++*index) {
		struct ids_object *obj = t->slots[*index];

		if (obj && may_know(obj)) {
			++*index;
			return obj;
		}
	}
	return NULL;
}

int ids_last_locked(const struct ids_table *t)
{
	return t->last ? (int)t->last - 1 : 0;
}
