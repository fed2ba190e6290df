/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V shared memory.  A segment is a memory object; who has it attached is told by the areas that show
 * it, however they came to be (shmat, fork, a part that munmap left) and went, as Linux counts.
 *
 * The table has a reference on a segment, each area has one.  A removed segment stays in the table, without
 * its key, until the last area is gone; then the table lets go.
 */
#include "ids.h"

#include <arch/paging.h>
#include <arch/usercopy.h>
#include <kernel/assert.h>
#include <kernel/format.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <serix/errno.h>

struct segment {
	struct ids_object ids;
	struct vm_object object;
	uint64_t size;               /* [i] bytes, as asked for */
	pid_t cpid, lpid;            /* [lock] who made it; who attached or detached last */
	int64_t atime, dtime, ctime; /* [lock] */
	uint64_t attached;           /* [lock] areas */
	bool listed;                 /* [lock] in the table */
};

static struct ids_table segments = IDS_TABLE(segments, "shm", &sysvipc_limits.shmmni);
static uint64_t total_pages; /* [segments.lock] */

static struct segment *segment_of(struct vm_object *obj)
{
	return container_of(obj, struct segment, object);
}

static uint64_t pages_of(const struct segment *s)
{
	return (s->size + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

static pid_t own_pid(void)
{
	return in_user_thread() ? current_process()->pid : 0;
}

/* --- as a memory object --------------------------------------------------------------------------------- */

static void attached(struct vm_object *obj)
{
	struct segment *s = segment_of(obj);

	mutex_lock(&segments.lock);
	s->attached++;
	s->atime = ids_now();
	s->lpid = own_pid();
	mutex_unlock(&segments.lock);
}

static void take_out_locked(struct segment *s)
{
	ids_remove_locked(&segments, &s->ids);
	s->listed = false;
	total_pages -= pages_of(s);
}

static void detached(struct vm_object *obj)
{
	struct segment *s = segment_of(obj);
	bool gone;

	mutex_lock(&segments.lock);
	s->dtime = ids_now();
	s->lpid = own_pid();
	gone = --s->attached == 0 && s->listed && (s->ids.mode & SHM_DEST);
	if (gone)
		take_out_locked(s);
	mutex_unlock(&segments.lock);
	if (gone)
		vm_object_put(obj); /* the table's; the area still has its own */
}

static void release(struct vm_object *obj)
{
	kfree(segment_of(obj));
}

static void describe(struct vm_object *obj, char *buf, size_t size, dev_t *dev, uint64_t *ino)
{
	struct segment *s = segment_of(obj);

	scnprintf(buf, size, "/SYSV%08x (deleted)", (uint32_t)s->ids.key);
	*dev = 1; /* Linux's place for them */
	*ino = (uint64_t)s->ids.id;
}

static const struct vm_object_ops segment_ops = {
	.attached = attached, .detached = detached, .release = release, .describe = describe
};

/* --- shmget --------------------------------------------------------------------------------------------- */

static int check_size(uint64_t size, uint32_t flags)
{
	if (size < 1 || size > atomic_load(&sysvipc_limits.shmmax))
		return -EINVAL;
	if (flags & SHM_HUGETLB) /* no large page is set aside for anybody */
		return cred_has_privilege(PRIV_IPC_LOCK) ? -ENOMEM : -EPERM;
	return size > INT64_MAX ? -ENOSPC : 0;
}

static int segment_create(uint64_t size, uint32_t flags, struct segment **out)
{
	struct segment *s = kzalloc(sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	vm_object_init(&s->object, &segment_ops, size);
	err = flags & SHM_NORESERVE ? 0 : vm_object_charge(&s->object);
	if (err < 0) {
		kfree(s);
		return err;
	}
	s->size = size;
	s->cpid = own_pid();
	s->ctime = ids_now();
	*out = s;
	return 0;
}

static int64_t make(int32_t key, uint64_t size, uint32_t flags)
{
	struct segment *s;
	int64_t id = check_size(size, flags);

	if (id < 0)
		return id;
	if (total_pages + ((size + PAGE_SIZE - 1) >> PAGE_SHIFT) > atomic_load(&sysvipc_limits.shmall))
		return -ENOSPC;
	id = segment_create(size, flags, &s);
	if (id < 0)
		return id;
	id = ids_add_locked(&segments, &s->ids, key, flags);
	if (id < 0) {
		vm_object_put(&s->object);
	} else {
		s->listed = true;
		total_pages += pages_of(s);
	}
	return id;
}

int64_t shm_get(int32_t key, uint64_t size, uint32_t flags)
{
	struct ids_object *obj;
	int64_t id;

	mutex_lock(&segments.lock);
	id = ids_find_key_locked(&segments, key, flags, &obj);
	if (id == 0 && !obj)
		id = make(key, size, flags);
	else if (id == 0 && size > container_of(obj, struct segment, ids)->size)
		id = -EINVAL;
	else if (id == 0)
		id = ids_check_get_locked(obj, flags) < 0 ? -EACCES : obj->id;
	mutex_unlock(&segments.lock);
	return id;
}

/* --- shmat, shmdt --------------------------------------------------------------------------------------- */

struct attachment {
	uint32_t prot, max_prot, permission;
	unsigned how;
};

static int where_to_attach(uint64_t *addr, uint32_t flags, struct attachment *a)
{
	a->how = 0;
	if (*addr == 0)
		return flags & SHM_REMAP ? -EINVAL : 0;
	if (*addr & ~PAGE_MASK) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		*addr = ALIGN_DOWN(*addr, PAGE_SIZE);
		if (*addr == 0 && (flags & SHM_REMAP))
			return -EINVAL;
	}
	if (*addr != 0)
		a->how = VM_MAP_FIXED | (flags & SHM_REMAP ? 0 : VM_MAP_NOREPLACE);
	return 0;
}

static void rights_to_attach(uint32_t flags, struct attachment *a)
{
	a->prot = VM_READ | (flags & SHM_RDONLY ? 0 : VM_WRITE) | (flags & SHM_EXEC ? VM_EXEC : 0);
	a->max_prot = a->prot;
	a->permission = IDS_READ | (flags & SHM_RDONLY ? 0 : IDS_WRITE) | (flags & SHM_EXEC ? IDS_EXEC : 0);
}

/* The segment, with a reference, if it may be used so. */
static int use_segment(int id, uint32_t permission, struct segment **out)
{
	struct ids_object *obj;
	int err;

	mutex_lock(&segments.lock);
	err = ids_lookup_locked(&segments, id, &obj);
	if (err == 0)
		err = ids_permit(obj, permission);
	if (err == 0) {
		*out = container_of(obj, struct segment, ids);
		vm_object_get(&(*out)->object);
	}
	mutex_unlock(&segments.lock);
	return err;
}

static bool too_much(uint64_t size)
{
	uint64_t limit = current_rlimit(RLIMIT_AS), used = READ_ONCE(current_task()->vm->pages_reserved);

	size = ALIGN_UP(size, PAGE_SIZE);
	return size > limit || used << PAGE_SHIFT > limit - size;
}

int64_t shm_attach(int id, uint64_t addr, uint32_t flags)
{
	struct attachment a;
	struct segment *s = NULL;
	int err = where_to_attach(&addr, flags, &a);

	if (err < 0)
		return err;
	rights_to_attach(flags, &a);
	err = use_segment(id, a.permission, &s);
	if (err < 0)
		return err;
	ASSERT(s);
	err = too_much(s->size) ? -ENOMEM
				: vm_map(current_task()->vm, &addr, s->size, a.prot | VM_SHARED, a.max_prot,
					 a.how, &s->object, 0);
	vm_object_put(&s->object);
	if (err == -EEXIST)
		err = -EINVAL; /* as shmat(2) calls it */
	return err < 0 ? err : (int64_t)addr;
}

/* The segment whose area would begin at `base` if it were whole, from the area that ends above *at on. */
static struct segment *find_part(struct vm_space *vm, uint64_t *at, uint64_t limit, uint64_t base,
				 struct vm_area *part)
{
	while (*at < limit && vm_next_area(vm, *at, part) && part->start < limit) {
		*at = part->end;
		if (!part->object)
			continue;
		if (part->object->ops == &segment_ops && part->start >= base &&
		    part->start - base == part->offset)
			return segment_of(part->object);
		vm_object_put(part->object);
	}
	return NULL;
}

int64_t shm_detach(uint64_t addr)
{
	struct vm_space *vm = current_task()->vm;
	struct segment *first, *next;
	struct vm_area part;
	uint64_t at = addr, end;
	int err;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	first = find_part(vm, &at, USER_END, addr, &part);
	if (!first)
		return -EINVAL;
	/* The rest of it, where other calls have cut it into parts. */
	end = addr + ALIGN_UP(first->size, PAGE_SIZE);
	err = vm_unmap(vm, part.start, part.end - part.start);
	while (err == 0 && (next = find_part(vm, &at, end, addr, &part)) != NULL) {
		if (next == first)
			err = vm_unmap(vm, part.start, part.end - part.start);
		vm_object_put(&next->object);
	}
	vm_object_put(&first->object);
	return err;
}

/* --- shmctl --------------------------------------------------------------------------------------------- */

static void describe_locked(struct segment *s, struct abi_shmid_ds *out)
{
	*out = (struct abi_shmid_ds){ .size = s->size,
				      .atime = s->atime,
				      .dtime = s->dtime,
				      .ctime = s->ctime,
				      .cpid = s->cpid,
				      .lpid = s->lpid,
				      .attached = s->attached };
	ids_describe(&s->ids, &out->perm);
}

static int64_t show_limits(uaddr_t buf)
{
	uint32_t ids = atomic_load(&sysvipc_limits.shmmni);
	struct abi_shminfo info = { .shmmax = atomic_load(&sysvipc_limits.shmmax),
				    .shmmin = 1,
				    .shmmni = ids,
				    .shmseg = ids,
				    .shmall = atomic_load(&sysvipc_limits.shmall) };
	int64_t last;

	mutex_lock(&segments.lock);
	last = ids_last_locked(&segments);
	mutex_unlock(&segments.lock);
	return copy_to_user(buf, &info, sizeof(info)) < 0 ? -EFAULT : last;
}

static int64_t show_use(uaddr_t buf)
{
	struct abi_shm_info info = { 0 };
	int64_t last;

	mutex_lock(&segments.lock);
	info.used_ids = (int32_t)segments.used;
	info.total = total_pages;
	for (uint32_t i = 0; i < segments.last; i++)
		if (segments.slots[i])
			info.resident += READ_ONCE(
				container_of(segments.slots[i], struct segment, ids)->object.pages.count);
	last = ids_last_locked(&segments);
	mutex_unlock(&segments.lock);
	return copy_to_user(buf, &info, sizeof(info)) < 0 ? -EFAULT : last;
}

static int64_t show_segment(int id, int cmd, uaddr_t buf)
{
	struct abi_shmid_ds ds;
	struct ids_object *obj;
	int64_t result;

	mutex_lock(&segments.lock);
	result =
		cmd == IPC_STAT ? ids_lookup_locked(&segments, id, &obj) : ids_at_locked(&segments, id, &obj);
	if (result == 0 && cmd != SHM_STAT_ANY)
		result = ids_permit(obj, IDS_READ);
	if (result == 0) {
		describe_locked(container_of(obj, struct segment, ids), &ds);
		result = cmd == IPC_STAT ? 0 : obj->id;
	}
	mutex_unlock(&segments.lock);
	if (result >= 0 && copy_to_user(buf, &ds, sizeof(ds)) < 0)
		return -EFAULT;
	return result;
}

static int set_locked(struct segment *s, const struct abi_shmid_ds *ds)
{
	int err = ids_set(&s->ids, &ds->perm);

	if (err == 0)
		s->ctime = ids_now();
	return err;
}

/* There is no swap that it could be kept from: the flag is kept for those who look. */
static int lock_locked(struct segment *s, int cmd)
{
	if (cmd == SHM_LOCK && !cred_has_privilege(PRIV_IPC_LOCK) && current_rlimit(RLIMIT_MEMLOCK) == 0)
		return -EPERM;
	s->ids.mode = cmd == SHM_LOCK ? s->ids.mode | SHM_LOCKED : s->ids.mode & ~SHM_LOCKED;
	return 0;
}

/* True: the table's reference is the caller's now. */
static bool remove_locked(struct segment *s)
{
	if (s->attached == 0) {
		take_out_locked(s);
		return true;
	}
	s->ids.mode |= SHM_DEST;
	s->ids.key = IPC_PRIVATE;
	return false;
}

static int64_t change_segment(int id, int cmd, uaddr_t buf)
{
	struct abi_shmid_ds ds;
	struct ids_object *obj;
	struct segment *gone = NULL, *s;
	int err;

	if (cmd == IPC_SET && copy_from_user(&ds, buf, sizeof(ds)) < 0)
		return -EFAULT;
	mutex_lock(&segments.lock);
	err = ids_lookup_locked(&segments, id, &obj);
	if (err == 0)
		err = ids_own(obj);
	if (err == 0) {
		s = container_of(obj, struct segment, ids);
		if (cmd == IPC_SET)
			err = set_locked(s, &ds);
		else if (cmd != IPC_RMID)
			err = lock_locked(s, cmd);
		else if (remove_locked(s))
			gone = s;
	}
	mutex_unlock(&segments.lock);
	if (gone)
		vm_object_put(&gone->object);
	return err;
}

int64_t shm_control(int id, int cmd, uaddr_t buf)
{
	if (id < 0 || cmd < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
		return show_limits(buf);
	case SHM_INFO:
		return show_use(buf);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return show_segment(id, cmd, buf);
	case IPC_SET:
	case IPC_RMID:
	case SHM_LOCK:
	case SHM_UNLOCK:
		return change_segment(id, cmd, buf);
	}
	return -EINVAL;
}

bool shm_next(unsigned *index, int *id, struct abi_shmid_ds *out, uint64_t *resident)
{
	struct ids_object *obj;

	mutex_lock(&segments.lock);
	obj = ids_next_locked(&segments, index);
	if (obj) {
		struct segment *s = container_of(obj, struct segment, ids);

		*id = obj->id;
		describe_locked(s, out);
		*resident = READ_ONCE(s->object.pages.count) * PAGE_SIZE;
	}
	mutex_unlock(&segments.lock);
	return obj != NULL;
}
