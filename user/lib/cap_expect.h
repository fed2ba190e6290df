/* SPDX-License-Identifier: BSD-2-Clause */
/* What a step of the crew (cap_crew.h) gives by the model (cap_model.h), which has then done it, too. */
#pragma once

#include "cap_crew.h"

static inline int expected_grant(struct cap_model *m, int p, const struct crew_step *step)
{
	struct model_node *node = model_node(m, p, step->slot);

	if (node && !(node->rights & CAP_RIGHT_GRANT))
		return -EPERM;
	return model_derive(m, p, step->slot, step->other, step->rights, 0, step->flag);
}

/* What has no position may be written with APPEND, too. */
static inline int expected_write(struct cap_model *m, int p, int slot)
{
	bool may =
		model_use(m, p, slot, FILE_RIGHT_WRITE) == 0 || model_use(m, p, slot, FILE_RIGHT_APPEND) == 0;

	return may ? 1 : -EBADF;
}

static inline int expected_create(struct cap_model *m, int p, const struct crew_step *step)
{
	int slot = model_create(m, p, step->rights);

	if (slot >= 0)
		model_node(m, p, slot)->cloexec = step->flag;
	return slot;
}

static inline int expected_count(struct cap_model *m, int p)
{
	int count = 0;

	for (int slot = 0; slot < MODEL_SLOTS; slot++)
		count += model_node(m, p, slot) != NULL;
	return count;
}

/* What the step gives, and leaves in the model. */
static inline int64_t expected_of(struct cap_model *m, int p, const struct crew_step *step)
{
	switch (step->op) {
	case CREATE:
		return expected_create(m, p, step);
	case DERIVE:
		return model_derive(m, p, step->slot, p, step->rights, 0, step->flag);
	case GRANT:
		return expected_grant(m, p, step);
	case DUP:
		return model_dup(m, p, step->slot, step->to, step->flag);
	case DUP_TO:
		return model_dup_to(m, p, step->slot, step->to, step->flag);
	case CLOSE:
		return model_close(m, p, step->slot);
	case READ:
		return model_use(m, p, step->slot, FILE_RIGHT_READ) ?: 1;
	case WRITE:
		return expected_write(m, p, step->slot);
	case STALE:
		return -EBADF;
	case LIMIT:
		return model_limit(m, p, step->slot, step->rights);
	case EXPIRE:
		return model_expire(m, p, step->slot, 1);
	case REVOKE:
		return model_revoke(m, p, step->slot, step->flag);
	case FORK:
		model_fork(m, p, step->other);
		return 0;
	case EXEC:
		model_exec(m, p);
		return 0;
	case EXIT:
		model_exit(m, p);
		return 0;
	case LIST:
		return expected_count(m, p);
	case AWAIT:
		return 0;
	}
	return -1;
}
