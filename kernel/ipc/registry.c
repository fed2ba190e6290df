/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registry's lock covers the list of names, and whether an entry is in it: whoever takes an entry out
 * frees it.  A port's death and the registration of a name for it meet in `named` and `dead`: each side sets
 * the one and then looks at the other, so either the name is refused or the end of the port finds it.
 */
#include <kernel/registry.h>

#include <kernel/ipc.h>
#include <kernel/mutex.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <serix/errno.h>

#define NAMES_MAX 4096u
/* What those who connect cannot have. */
#define KEPT_BACK (PORT_RIGHT_RECEIVE | PORT_RIGHT_CONTROL | CAP_RIGHT_BADGE | CAP_RIGHT_EXPORT)

struct port_name {
	struct list link;       /* [lock] */
	bool revoked;           /* [lock] before it came into the list */
	uint64_t number;        /* [i] grows from name to name */
	struct port *port;      /* [i] the capability keeps it */
	struct capability *cap; /* [i] */
	char name[PORT_NAME_MAX];
};

static struct mutex lock = MUTEX_INIT(lock, "registry", RANK_TTY);
static struct list names = LIST_INIT(names); /* [lock] by number */
static uint32_t count;                       /* [lock] */
static uint64_t next_number = 1;             /* [lock] */

static void name_free(struct port_name *n)
{
	cap_drop(n->cap);
	kfree(n);
}

static void unlink_locked(struct port_name *n)
{
	list_del(&n->link);
	count--;
}

static void revoked(struct capability *cap, void *holder)
{
	struct port_name *n = holder;
	bool listed;

	(void)cap;
	mutex_lock(&lock);
	listed = !list_empty(&n->link);
	if (listed)
		unlink_locked(n);
	n->revoked = true;
	mutex_unlock(&lock);
	if (listed)
		name_free(n);
}

static const struct cap_holder_ops name_ops = { .revoked = revoked };

static struct port_name *find_locked(const char *name)
{
	struct port_name *n;

	list_for_each (n, &names, link)
		if (strcmp(n->name, name) == 0)
			return n;
	return NULL;
}

static bool is_name(const char *name)
{
	size_t len = strnlen(name, PORT_NAME_MAX);

	if (len == 0 || len == PORT_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] == '/' || (unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return false;
	return true;
}

static int add_locked(struct port_name *n)
{
	if (n->revoked)
		return -EBADF;
	if (find_locked(n->name))
		return -EEXIST;
	if (count == NAMES_MAX)
		return -ENOSPC;
	atomic_store(&n->port->named, true);
	if (READ_ONCE(n->port->dead))
		return -EPIPE;
	n->number = next_number++;
	list_add_tail(&names, &n->link);
	count++;
	return 0;
}

int registry_add(struct capability *via, const char *name)
{
	const struct cap_terms terms = { .rights = ~KEPT_BACK };
	struct port_name *n;
	int err;

	if (!is_name(name))
		return -EINVAL;
	n = kmalloc(sizeof(*n));
	if (!n)
		return -ENOMEM;
	*n = (struct port_name){ .port = port_of(via->object) };
	list_init(&n->link);
	strlcpy(n->name, name, sizeof(n->name));
	err = cap_derive_held(via, &terms, &name_ops, n, &n->cap);
	if (err < 0) {
		kfree(n);
		return err;
	}
	mutex_lock(&lock);
	err = add_locked(n);
	mutex_unlock(&lock);
	if (err < 0)
		name_free(n);
	return err;
}

/* Take out one of the port's; NULL: none is left. */
static struct port_name *take_of(const struct port *port)
{
	struct port_name *n, *found = NULL;

	mutex_lock(&lock);
	list_for_each (n, &names, link) {
		if (n->port == port) {
			found = n;
			break;
		}
	}
	if (found)
		unlink_locked(found);
	mutex_unlock(&lock);
	return found;
}

void registry_forget(struct port *port)
{
	struct port_name *n;

	atomic_thread_fence(memory_order_seq_cst); /* port->dead was set before */
	if (!atomic_load(&port->named))
		return;
	while ((n = take_of(port)))
		name_free(n);
}

cap_handle_t registry_connect(const char *name, const struct cap_terms *terms, struct cap_table *table)
{
	cap_handle_t handle = -ENOENT;
	struct port_name *n;

	mutex_lock(&lock);
	n = find_locked(name);
	if (n)
		handle = cap_derive_from(n->cap, terms, table);
	mutex_unlock(&lock);
	return handle;
}

int registry_next(uint64_t *number, char *name)
{
	struct port_name *n;
	int err = -ENOENT;

	mutex_lock(&lock);
	list_for_each (n, &names, link) {
		if (n->number < *number)
			continue;
		strlcpy(name, n->name, PORT_NAME_MAX);
		*number = n->number + 1;
		err = 0;
		break;
	}
	mutex_unlock(&lock);
	return err;
}
