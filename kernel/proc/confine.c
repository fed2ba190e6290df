/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of confinements, and the questions about them that paths have no part in.
 *
 * Everything that only ever narrows is summed up along the chain when a confinement is made, so that a
 * question costs one look.  Places cannot be summed up: fs/confine_path.c goes through the chain.
 */
#include <kernel/cap.h>
#include <kernel/device.h>
#include <kernel/format.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "confine_priv.h"
#include "proc_priv.h"

static _Atomic uint64_t next_id = 1;

void confine_init(void)
{
	confine_expiry_init();
}

uint64_t confine_end(uint64_t ns)
{
	uint64_t end;

	return ns == 0 || add_overflows(time_now_ns(), ns, &end) ? UINT64_MAX : end;
}

/* --- life --------------------------------------------------------------------------------------- */

void confine_get(struct confine *c)
{
	refcount_get(&c->refs);
}

static void confine_free(struct confine *c)
{
	confine_expiry_remove(c);
	for (uint32_t i = 0; i < c->place_count; i++) {
		confine_unmark(&c->places[i].path);
		path_put(&c->places[i].path);
	}
	kfree(c);
}

void confine_put(struct confine *c)
{
	/* A loop, because the outer one may be next. */
	while (c && refcount_put(&c->refs)) {
		struct confine *outer = c->outer;

		confine_free(c);
		c = outer;
	}
}

static void add_places(struct confine *c, const struct confine_terms *terms)
{
	for (uint32_t i = 0; i < terms->place_count; i++) {
		struct confine_place *place = &c->places[c->place_count++];

		*place = terms->places[i];
		path_get(&place->path);
		confine_mark(&place->path);
	}
}

/* The same or narrower than the outer one, field by field. */
static void narrow(struct confine *c, const struct confine_terms *terms, const struct confine *outer)
{
	uint32_t guesses = terms->token_guesses;

	c->places_only = terms->deny & CONFINE_NO_PATHS;
	c->deny = terms->deny;
	c->capability_mode = terms->capability_mode;
	c->memory = terms->memory;
	c->expires = terms->expires;
	c->scope = terms->deny & CONFINE_NO_SIGNALS ? c : NULL;
	c->token_guesses = guesses;
	if (!outer)
		return;
	c->depth = outer->depth + 1;
	c->deny |= outer->deny;
	c->capability_mode |= outer->capability_mode;
	c->memory = MIN(c->memory, outer->memory);
	c->expires = MIN(c->expires, outer->expires);
	if (!c->scope)
		c->scope = outer->scope;
	if (outer->token_guesses && (!guesses || outer->token_guesses < guesses))
		c->token_guesses = outer->token_guesses;
}

int confine_create(const struct confine_terms *terms, struct confine **out)
{
	struct confine *outer = atomic_load(&current_process()->confine), *c;

	if (outer && outer->depth + 1 >= CONFINE_DEPTH_MAX)
		return -E2BIG;
	c = kzalloc(sizeof(*c) + terms->place_count * sizeof(c->places[0]));
	if (!c)
		return -ENOMEM;
	refcount_set(&c->refs, 1);
	list_init(&c->expiring);
	c->id = atomic_fetch_add(&next_id, 1);
	c->origin = terms->origin;
	c->outer = outer;
	if (outer)
		confine_get(outer);
	narrow(c, terms, outer);
	add_places(c, terms);
	if (terms->expires != UINT64_MAX)
		confine_expiry_add(c);
	*out = c;
	return 0;
}

void confine_space(const struct confine *c, struct vm_space *vm)
{
	if (likely(!c))
		return;
	vm_limit_writable(vm, c->memory);
	vm_forbid_write_exec(vm);
}

int confine_enter(struct confine *c)
{
	struct process *p = current_process();
	struct confine *old;
	uint64_t flags = tree_lock();
	int err = 0;

	spin_lock(&p->lock);
	old = atomic_load(&p->confine);
	if (old == c->outer) {
		atomic_store_explicit(&p->confine, c, memory_order_release);
		p->no_new_privs = true;
	} else {
		err = -EAGAIN;
	}
	spin_unlock(&p->lock);
	tree_unlock(flags);
	if (err < 0)
		return err;
	confine_put(old); /* the process's reference; the chain has its own */
	confine_space(c, p->vm);
	if (c->token_guesses)
		cap_table_limit_guesses(p->caps, c->token_guesses);
	return 0;
}

int confine_process(const struct confine_terms *terms)
{
	struct confine *c;
	int err;

	do {
		err = confine_create(terms, &c);
		if (err < 0)
			return err;
		err = confine_enter(c);
		if (err < 0)
			confine_put(c);
	} while (err == -EAGAIN);
	return err;
}

bool confine_has_origin(uint64_t origin)
{
	const struct confine *c = current_confine();

	while (c && c->origin != origin)
		c = c->outer;
	return c != NULL;
}

int confine_for_exec(struct confine **out)
{
	static const struct confine_terms no_exec = { .deny = CONFINE_NO_EXEC,
						      .memory = UINT64_MAX,
						      .expires = UINT64_MAX };

	*out = NULL;
	if (!confine_denies(CONFINE_LAST_EXEC) || confine_denies(CONFINE_NO_EXEC))
		return 0;
	return confine_create(&no_exec, out);
}

struct confine *process_confine_get(struct process *p)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct confine *c = atomic_load(&p->confine);

	if (c)
		confine_get(c);
	spin_unlock_irqrestore(&p->lock, flags);
	return c;
}

/* --- questions ---------------------------------------------------------------------------------- */

bool confine_within(const struct confine *c, const struct confine *outer)
{
	while (c && c != outer)
		c = c->outer;
	return c == outer;
}

bool confine_has_expired(const struct confine *c)
{
	while (c && !atomic_load(&c->expired))
		c = c->outer;
	return c != NULL;
}

bool confine_may_touch(const struct process *p)
{
	const struct confine *c = current_confine();

	if (likely(!c) || p == current_process())
		return true;
	if (c->capability_mode)
		return false;
	return !c->scope || confine_within(process_confine(p), c->scope);
}

bool confine_may_name(pid_t pid)
{
	return !confine_capability_mode() || pid == 0 || pid == current_process()->pid ||
	       pid == current_thread()->tid;
}

/* /dev/null, zero, full, random and urandom: nothing but a file's worth of trouble. */
bool confine_denies_device(dev_t rdev)
{
	static const uint32_t harmless = 1u << 3 | 1u << 5 | 1u << 7 | 1u << 8 | 1u << 9;
	uint32_t minor = dev_minor(rdev);

	if (!confine_denies(CONFINE_NO_DEVICES))
		return false;
	return dev_major(rdev) != 1 || minor > 9 || !(harmless >> minor & 1);
}

/* --- as text ------------------------------------------------------------------------------------ */

static const struct {
	uint32_t bit;
	const char *name;
} denials[] = {
	{ CONFINE_NO_NETWORK, "network" }, { CONFINE_NO_EXEC, "exec" },     { CONFINE_NO_DEVICES, "devices" },
	{ CONFINE_NO_SIGNALS, "signals" }, { CONFINE_NO_PATHS, "paths" },   { CONFINE_NO_ADMIN, "admin" },
	{ CONFINE_NO_RT, "realtime" },     { CONFINE_NO_EXPORT, "export" },
};

/* A line each, as long as there is room. */
struct lines {
	char *buf;
	size_t size, len;
};

static void line(struct lines *l, const char *fmt, ...) __printf(2, 3);
static void line(struct lines *l, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	l->len += (size_t)vsnprintf(l->buf + MIN(l->len, l->size), l->len < l->size ? l->size - l->len : 0,
				    fmt, args);
	va_end(args);
}

static void place_line(struct lines *l, const struct confine_place *place, char *name)
{
	struct path root;
	ssize_t len;

	fs_current_root(&root);
	len = vfs_path_text(&place->path, &root, name, PATH_MAX);
	path_put(&root);
	line(l, "\t%c%c%c %s\n", place->rights & FILE_RIGHT_READ ? 'r' : '-',
	     place->rights & FILE_RIGHT_WRITE ? 'w' : '-', place->rights & FILE_RIGHT_EXECUTE ? 'x' : '-',
	     len < 0 ? "?" : name);
}

static void limit_lines(struct lines *l, const struct confine *c)
{
	uint64_t now = time_now_ns();

	if (c->memory != UINT64_MAX)
		line(l, "memory:\t%lu kB\n", c->memory >> 10);
	if (c->expires != UINT64_MAX)
		line(l, "expires:\t%llu ms\n", c->expires > now ? (c->expires - now) / NSEC_PER_MSEC : 0);
	if (c->token_guesses)
		line(l, "guesses:\t%u\n", c->token_guesses);
}

int confine_text(const struct confine *c, char *buf, size_t size)
{
	struct lines l = { buf, size, 0 };
	char *name = kmalloc(PATH_MAX);

	if (!name)
		return -ENOMEM;
	line(&l, "mode:\t%s\ndenied:", !c ? "open" : c->capability_mode ? "capability" : "confined");
	for (size_t i = 0; c && i < ARRAY_SIZE(denials); i++)
		if (c->deny & denials[i].bit)
			line(&l, "\t%s", denials[i].name);
	line(&l, "\n");
	if (c)
		limit_lines(&l, c);
	for (; c; c = c->outer) {
		if (!c->places_only)
			continue;
		line(&l, "places:\t%lu\n", c->id);
		for (uint32_t i = 0; i < c->place_count; i++)
			place_line(&l, &c->places[i], name);
	}
	kfree(name);
	return (int)MIN(l.len, size);
}
