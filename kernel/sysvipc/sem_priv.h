/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files about semaphores share.  Everything is guarded by sem_sets.lock. */
#pragma once

#include <kernel/list.h>
#include <kernel/process.h>

#include "ids.h"

#define SEM_VALUE_MAX  32767
#define SEM_ADJUST_MAX 32767

struct semaphore {
	int16_t value;
	pid_t pid; /* who changed it last */
};

struct sem_set {
	struct ids_object ids;
	int64_t otime, ctime;
	struct list waiters; /* struct sem_waiter, oldest first */
	struct list undos;   /* struct sem_undo.of_set */
	uint32_t count;      /* [i] */
	struct semaphore sems[];
};

/* What one process, or those that share it, will add to the values of a set at their end. */
struct sem_undo {
	struct list of_set, of_list;
	struct sem_set *set; /* [i] */
	int16_t adjust[];
};

extern struct ids_table sem_sets;

static inline struct sem_set *sem_set_of(struct ids_object *obj)
{
	return container_of(obj, struct sem_set, ids);
}

/* --- sem.c --- */

/* Values have changed: do for those who wait what can be done now. */
void sem_changed_locked(struct sem_set *set);
void sem_refuse_all_locked(struct sem_set *set, int err);
/* How many wait for this one to become zero, or to grow. */
unsigned sem_count_waiters_locked(const struct sem_set *set, unsigned num, bool zero);

/* --- sem_undo.c --- */

/* The running process's for this set, made if there is none.  -ENOMEM. */
int sem_undo_find_locked(struct sem_set *set, struct sem_undo **out) __must_check;
/* A value was set: what was to be undone of it is void.  num -1: all. */
void sem_undo_clear_locked(struct sem_set *set, int num);
/* The set goes. */
void sem_undo_detach_locked(struct sem_set *set);
