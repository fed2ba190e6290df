/* SPDX-License-Identifier: BSD-2-Clause */
/* semget(2) and semctl(2): sets of semaphores as a whole. */
#include <arch/usercopy.h>
#include <kernel/slab.h>
#include <serix/errno.h>

#include "sem_priv.h"

static uint32_t total; /* [sem_sets.lock] semaphores in all sets */

/* --- semget --------------------------------------------------------------------------------------------- */

static int64_t make_locked(int32_t key, uint32_t count, uint32_t flags)
{
	struct sem_set *set;
	int id;

	if (count == 0)
		return -EINVAL;
	if (count > atomic_load(&sysvipc_limits.semmns) - MIN(total, atomic_load(&sysvipc_limits.semmns)))
		return -ENOSPC;
	set = ids_memory_left() ? kzalloc(sizeof(*set) + count * sizeof(set->sems[0])) : NULL;
	if (!set)
		return -ENOMEM;
	list_init(&set->waiters);
	list_init(&set->undos);
	set->count = count;
	set->ctime = ids_now();
	id = ids_add_locked(&sem_sets, &set->ids, key, flags);
	if (id < 0)
		kfree(set);
	else
		total += count;
	return id;
}

int64_t sem_get(int32_t key, int count, uint32_t flags)
{
	struct ids_object *obj;
	int64_t id;

	if (count < 0 || (uint32_t)count > atomic_load(&sysvipc_limits.semmsl))
		return -EINVAL;
	mutex_lock(&sem_sets.lock);
	id = ids_find_key_locked(&sem_sets, key, flags, &obj);
	if (id == 0 && !obj)
		id = make_locked(key, (uint32_t)count, flags);
	else if (id == 0 && (uint32_t)count > sem_set_of(obj)->count)
		id = -EINVAL;
	else if (id == 0)
		id = ids_check_get_locked(obj, flags) < 0 ? -EACCES : obj->id;
	mutex_unlock(&sem_sets.lock);
	return id;
}

/* --- looking -------------------------------------------------------------------------------------------- */

static void describe_locked(const struct sem_set *set, struct abi_semid_ds *out)
{
	*out = (struct abi_semid_ds){ .otime = set->otime, .ctime = set->ctime, .count = set->count };
	ids_describe(&set->ids, &out->perm);
}

static int64_t show_limits(int cmd, uaddr_t buf)
{
	int32_t all = (int32_t)MIN(atomic_load(&sysvipc_limits.semmns), (uint32_t)INT32_MAX);
	struct abi_seminfo info = { .semmap = all,
				    .semmni = (int32_t)atomic_load(&sysvipc_limits.semmni),
				    .semmns = all,
				    .semmnu = all,
				    .semmsl = (int32_t)atomic_load(&sysvipc_limits.semmsl),
				    .semopm = (int32_t)atomic_load(&sysvipc_limits.semopm),
				    .semume = (int32_t)atomic_load(&sysvipc_limits.semopm),
				    .semusz = 20, /* Linux's number, which says nothing here */
				    .semvmx = SEM_VALUE_MAX,
				    .semaem = SEM_ADJUST_MAX };
	int64_t last;

	mutex_lock(&sem_sets.lock);
	last = ids_last_locked(&sem_sets);
	if (cmd == SEM_INFO) {
		info.semusz = (int32_t)sem_sets.used;
		info.semaem = (int32_t)total;
	}
	mutex_unlock(&sem_sets.lock);
	return copy_to_user(buf, &info, sizeof(info)) < 0 ? -EFAULT : last;
}

static int64_t show_set(int id, int cmd, uaddr_t buf)
{
	struct abi_semid_ds ds;
	struct ids_object *obj;
	int64_t result;

	mutex_lock(&sem_sets.lock);
	result =
		cmd == IPC_STAT ? ids_lookup_locked(&sem_sets, id, &obj) : ids_at_locked(&sem_sets, id, &obj);
	if (result == 0 && cmd != SEM_STAT_ANY)
		result = ids_permit(obj, IDS_READ);
	if (result == 0) {
		describe_locked(sem_set_of(obj), &ds);
		result = cmd == IPC_STAT ? 0 : obj->id;
	}
	mutex_unlock(&sem_sets.lock);
	if (result >= 0 && copy_to_user(buf, &ds, sizeof(ds)) < 0)
		return -EFAULT;
	return result;
}

bool sem_next(unsigned *index, int *id, struct abi_semid_ds *out)
{
	struct ids_object *obj;

	mutex_lock(&sem_sets.lock);
	obj = ids_next_locked(&sem_sets, index);
	if (obj) {
		*id = obj->id;
		describe_locked(sem_set_of(obj), out);
	}
	mutex_unlock(&sem_sets.lock);
	return obj != NULL;
}

/* --- single values -------------------------------------------------------------------------------------- */

static int64_t one_locked(struct sem_set *set, int num, int cmd)
{
	unsigned n = (unsigned)num;

	if (num < 0 || n >= set->count)
		return -EINVAL;
	switch (cmd) {
	case GETVAL:
		return set->sems[n].value;
	case GETPID:
		return set->sems[n].pid;
	default:
		return sem_count_waiters_locked(set, n, cmd == GETZCNT);
	}
}

static int64_t get_one(int id, int num, int cmd)
{
	struct ids_object *obj;
	int64_t result;

	mutex_lock(&sem_sets.lock);
	result = ids_lookup_locked(&sem_sets, id, &obj);
	if (result == 0)
		result = ids_permit(obj, IDS_READ);
	if (result == 0)
		result = one_locked(sem_set_of(obj), num, cmd);
	mutex_unlock(&sem_sets.lock);
	return result;
}

static int set_one_locked(struct sem_set *set, int num, int value)
{
	if (num < 0 || (uint32_t)num >= set->count)
		return -EINVAL;
	set->sems[num].value = (int16_t)value;
	set->sems[num].pid = current_process()->pid;
	set->ctime = ids_now();
	sem_undo_clear_locked(set, num);
	sem_changed_locked(set);
	return 0;
}

static int64_t set_one(int id, int num, int value)
{
	struct ids_object *obj;
	int err;

	if (value < 0 || value > SEM_VALUE_MAX)
		return -ERANGE;
	mutex_lock(&sem_sets.lock);
	err = ids_lookup_locked(&sem_sets, id, &obj);
	if (err == 0)
		err = ids_permit(obj, IDS_WRITE);
	if (err == 0)
		err = set_one_locked(sem_set_of(obj), num, value);
	mutex_unlock(&sem_sets.lock);
	return err;
}

/* --- all values ----------------------------------------------------------------------------------------- */

/* How many there are of a set that may be used so; -errno. */
static int64_t count_of(int id, uint32_t how)
{
	struct ids_object *obj;
	int64_t result;

	mutex_lock(&sem_sets.lock);
	result = ids_lookup_locked(&sem_sets, id, &obj);
	if (result == 0)
		result = ids_permit(obj, how);
	if (result == 0)
		result = sem_set_of(obj)->count;
	mutex_unlock(&sem_sets.lock);
	return result;
}

/* A number keeps its set, and a set its size: the second look finds the same or nothing. */
static int move_all(int id, int cmd, uint16_t *values)
{
	struct ids_object *obj;
	struct sem_set *set;
	int err;

	mutex_lock(&sem_sets.lock);
	err = ids_lookup_locked(&sem_sets, id, &obj);
	if (err < 0) {
		mutex_unlock(&sem_sets.lock);
		return -EIDRM;
	}
	set = sem_set_of(obj);
	for (uint32_t i = 0; i < set->count; i++) {
		if (cmd == GETALL) {
			values[i] = (uint16_t)set->sems[i].value;
		} else {
			set->sems[i].value = (int16_t)values[i];
			set->sems[i].pid = current_process()->pid;
		}
	}
	if (cmd == SETALL) {
		set->ctime = ids_now();
		sem_undo_clear_locked(set, -1);
		sem_changed_locked(set);
	}
	mutex_unlock(&sem_sets.lock);
	return 0;
}

static int check_values(const uint16_t *values, int64_t count)
{
	for (int64_t i = 0; i < count; i++)
		if (values[i] > SEM_VALUE_MAX)
			return -ERANGE;
	return 0;
}

static int64_t get_or_set_all(int id, int cmd, uaddr_t buf)
{
	int64_t count = count_of(id, cmd == GETALL ? IDS_READ : IDS_WRITE);
	size_t size = (size_t)count * sizeof(uint16_t);
	uint16_t *values;
	int err;

	if (count < 0)
		return count;
	values = kmalloc(size);
	if (!values)
		return -ENOMEM;
	err = cmd == SETALL ? copy_from_user(values, buf, size) : 0;
	if (err == 0 && cmd == SETALL)
		err = check_values(values, count);
	if (err == 0)
		err = move_all(id, cmd, values);
	if (err == 0 && cmd == GETALL)
		err = copy_to_user(buf, values, size);
	kfree(values);
	return err;
}

/* --- the set as a whole --------------------------------------------------------------------------------- */

static void remove_locked(struct sem_set *set)
{
	sem_refuse_all_locked(set, -EIDRM);
	sem_undo_detach_locked(set);
	ids_remove_locked(&sem_sets, &set->ids);
	total -= set->count;
	kfree(set);
}

static int64_t change_set(int id, int cmd, uaddr_t buf)
{
	struct abi_semid_ds ds;
	struct ids_object *obj;
	int err;

	if (cmd == IPC_SET && copy_from_user(&ds, buf, sizeof(ds)) < 0)
		return -EFAULT;
	mutex_lock(&sem_sets.lock);
	err = ids_lookup_locked(&sem_sets, id, &obj);
	if (err == 0)
		err = ids_own(obj);
	if (err == 0 && cmd == IPC_RMID) {
		remove_locked(sem_set_of(obj));
	} else if (err == 0) {
		err = ids_set(obj, &ds.perm);
		if (err == 0)
			sem_set_of(obj)->ctime = ids_now();
	}
	mutex_unlock(&sem_sets.lock);
	return err;
}

int64_t sem_control(int id, int num, int cmd, uint64_t arg)
{
	if (id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case SEM_INFO:
		return show_limits(cmd, arg);
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		return show_set(id, cmd, arg);
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
		return get_one(id, num, cmd);
	case SETVAL:
		return set_one(id, num, (int)arg);
	case GETALL:
	case SETALL:
		return get_or_set_all(id, cmd, arg);
	case IPC_SET:
	case IPC_RMID:
		return change_set(id, cmd, arg);
	}
	return -EINVAL;
}
