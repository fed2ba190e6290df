/* SPDX-License-Identifier: BSD-2-Clause */
/* SEM_UNDO: what a process did to semaphores and takes back when it ends. */
#include <kernel/slab.h>
#include <kernel/string.h>
#include <serix/errno.h>

#include "sem_priv.h"

struct sem_undo_list {
	uint32_t users;   /* processes */
	struct list sets; /* struct sem_undo.of_list */
};

/* The running process's, made if it has none. */
static struct sem_undo_list *own_list_locked(void)
{
	struct process *p = current_process();

	if (p->sem_undo)
		return p->sem_undo;
	p->sem_undo = kmalloc(sizeof(*p->sem_undo));
	if (p->sem_undo) {
		p->sem_undo->users = 1;
		list_init(&p->sem_undo->sets);
	}
	return p->sem_undo;
}

int sem_undo_find_locked(struct sem_set *set, struct sem_undo **out)
{
	struct sem_undo_list *own = own_list_locked();
	struct sem_undo *u;

	if (!own)
		return -ENOMEM;
	list_for_each (u, &own->sets, of_list) {
		if (u->set == set) {
			*out = u;
			return 0;
		}
	}
	u = ids_memory_left() ? kzalloc(sizeof(*u) + set->count * sizeof(u->adjust[0])) : NULL;
	if (!u)
		return -ENOMEM;
	u->set = set;
	list_add_tail(&set->undos, &u->of_set);
	list_add_tail(&own->sets, &u->of_list);
	*out = u;
	return 0;
}

void sem_undo_clear_locked(struct sem_set *set, int num)
{
	struct sem_undo *u;

	list_for_each (u, &set->undos, of_set) {
		if (num < 0)
			memset(u->adjust, 0, set->count * sizeof(u->adjust[0]));
		else
			u->adjust[num] = 0;
	}
}

static void free_undo_locked(struct sem_undo *u)
{
	list_del(&u->of_set);
	list_del(&u->of_list);
	kfree(u);
}

void sem_undo_detach_locked(struct sem_set *set)
{
	while (!list_empty(&set->undos))
		free_undo_locked(list_first(&set->undos, struct sem_undo, of_set));
}

int sem_undo_share(struct process *child)
{
	struct sem_undo_list *own;

	mutex_lock(&sem_sets.lock);
	own = own_list_locked();
	if (own) {
		own->users++;
		child->sem_undo = own;
	}
	mutex_unlock(&sem_sets.lock);
	return own ? 0 : -ENOMEM;
}

/* As far as the range of values goes: the end of a process does not wait. */
static void apply_locked(const struct sem_undo *u, pid_t pid)
{
	struct sem_set *set = u->set;

	for (uint32_t i = 0; i < set->count; i++) {
		int value = set->sems[i].value + u->adjust[i];

		if (u->adjust[i] == 0)
			continue;
		set->sems[i].value = (int16_t)MIN(MAX(value, 0), SEM_VALUE_MAX);
		set->sems[i].pid = pid;
	}
	set->otime = ids_now();
	sem_changed_locked(set);
}

void sem_undo_exit(struct process *p)
{
	struct sem_undo_list *list = p->sem_undo;

	if (!list)
		return;
	mutex_lock(&sem_sets.lock);
	p->sem_undo = NULL;
	if (--list->users == 0) {
		while (!list_empty(&list->sets)) {
			struct sem_undo *u = list_first(&list->sets, struct sem_undo, of_list);

			apply_locked(u, p->pid);
			free_undo_locked(u);
		}
		kfree(list);
	}
	mutex_unlock(&sem_sets.lock);
}
