/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Confinement: what a process may reach by global names (<serix/confine.h> has the programs' view).
 *
 * A struct confine never changes once it is made.  A process has none or one, hands it to its children, and
 * can only replace it by a narrower one, whose `outer` is the old one: what is allowed is what every one of
 * the chain allows.  So nobody needs a lock to look at the running process's own: it stays as long as the
 * process does, as part of the newer ones' chain.  Of another process it may be looked at with the tree lock
 * or process.lock held.
 *
 * Who is not confined pays for one look at process.confine.
 *
 * Legend: [i] immutable, [e] the expiry lock, [a] atomic.
 */
#pragma once

#include <kernel/list.h>
#include <kernel/process.h>
#include <kernel/refcount.h>
#include <kernel/vfs.h>
#include <serix/cap.h>
#include <serix/confine.h>

/* With all that is below it, `path` may be used in these ways. */
struct confine_place {
	struct path path; /* referenced, and marked: confine_mark() */
	uint32_t rights;  /* FILE_RIGHT_*, DIR_RIGHT_*; never writing and executing together */
};

/* What a confinement is made of.  0 and UINT64_MAX stand for no limit where <serix/confine.h> has 0. */
struct confine_terms {
	uint32_t deny; /* CONFINE_* */
	bool capability_mode;
	uint64_t memory;  /* bytes; UINT64_MAX: as before */
	uint64_t expires; /* monotonic time; UINT64_MAX: never */
	uint32_t token_guesses;
	uint64_t origin; /* what asked for it; 0: the process itself */
	const struct confine_place *places;
	uint32_t place_count;
};

struct confine {
	struct refcount refs;
	struct confine *outer;       /* [i] referenced; NULL: the outermost */
	const struct confine *scope; /* [i] of the chain, the innermost that denies signals; NULL: none */
	uint64_t id;                 /* [i] */
	uint64_t origin;             /* [i] of the terms */
	uint32_t depth;              /* [i] how many are outside of it */
	uint32_t deny;               /* [i] its own and those of all outer ones */
	bool places_only;            /* [i] itself denies paths; the outer ones see for themselves */
	bool capability_mode;        /* [i] or an outer one */
	uint32_t token_guesses;      /* [i] the fewest of the chain; 0: no limit */
	uint64_t memory;             /* [i] the smallest of the chain; UINT64_MAX: no limit */
	uint64_t expires;            /* [i] the earliest of the chain; UINT64_MAX: never */
	_Atomic bool expired;        /* [a] its processes are being ended: there will be no more of them */
	struct list expiring;        /* [e] those with an expiry of their own */
	uint32_t place_count;        /* [i] */
	struct confine_place places[];
};

/* Rights to change what is there: never together with executing it. */
#define CONFINE_CHANGING (FILE_RIGHT_WRITE | FILE_RIGHT_APPEND | FILE_RIGHT_TRUNCATE | DIR_RIGHT_CREATE)

void confine_init(void);

/* Monotonic time in so many nanoseconds, as confine_terms.expires has it; 0: never. */
uint64_t confine_end(uint64_t ns);
/* A narrower one than the running process has.  -E2BIG: the chain is as long as it may get; -ENOMEM. */
int confine_create(const struct confine_terms *terms, struct confine **out) __must_check;
void confine_get(struct confine *c);
void confine_put(struct confine *c); /* NULL: nothing happens; may sleep */
/* Confine the running process, for good; takes over the reference on success.  -EAGAIN: another thread has
 * done so since `c` was made, make it anew. */
int confine_enter(struct confine *c) __must_check;
/* What `c` (NULL: nothing) allows holds for the address space from now on: how much of it may be written, and
 * that nothing is written and executed at once. */
void confine_space(const struct confine *c, struct vm_space *vm);
/* confine_create and confine_enter, as often as it takes. */
int confine_process(const struct confine_terms *terms) __must_check;
/* Has one of the running process's chain this origin? */
bool confine_has_origin(uint64_t origin);
/* What the next exec of the running process changes: a reference to what it is confined by then (NULL:
 * nothing).  -ENOMEM, -E2BIG. */
int confine_for_exec(struct confine **out) __must_check;

static inline const struct confine *process_confine(const struct process *p)
{
	return atomic_load_explicit(&p->confine, memory_order_acquire);
}

/* With a reference; NULL: not confined. */
struct confine *process_confine_get(struct process *p);

/* The running process's; NULL: not confined, as kernel threads are. */
static inline const struct confine *current_confine(void)
{
	return in_user_thread() ? process_confine(current_process()) : NULL;
}

/* Is the running process denied this? */
static inline bool confine_denies(uint32_t what)
{
	const struct confine *c = current_confine();

	return unlikely(c != NULL) && (c->deny & what);
}

static inline bool confine_capability_mode(void)
{
	const struct confine *c = current_confine();

	return unlikely(c != NULL) && c->capability_mode;
}

/* Numbers of processes and threads are global names: in capability mode only its own mean something.  0 is
 * itself. */
bool confine_may_name(pid_t pid);
/* May the running process signal that one, look at it, change its scheduling and limits?  Whatever it says,
 * the usual conditions must hold, too.  The tree lock or a reference to `p` is held. */
bool confine_may_touch(const struct process *p);
/* Is `c` (NULL: none) `outer`, or inside of it? */
bool confine_within(const struct confine *c, const struct confine *outer);

/* Has one of the chain ended?  Then there are no new processes in it.  Caller holds the tree lock. */
bool confine_has_expired(const struct confine *c);

/* Bytes of address space that the running process may have writable; UINT64_MAX: no limit. */
static inline uint64_t confine_memory(void)
{
	const struct confine *c = current_confine();

	return likely(c == NULL) ? UINT64_MAX : c->memory;
}

/* Opening this device node is denied. */
bool confine_denies_device(dev_t rdev);

/* Text of /proc/PID/confinement, as the process's own root shows paths.  Its length, or -errno. */
int confine_text(const struct confine *c, char *buf, size_t size);

/* --- places: fs/confine_path.c -------------------------------------------------------------------------- */

/* What `c` allows with what lies at `path`: rights, none outside of all rules. */
uint32_t confine_rights_at(const struct confine *c, const struct path *path);
/* Is one of the places that `c` allows there or below it? */
bool confine_leads_to(const struct confine *c, const struct path *path);
/* A rule is about to name it, no longer names it. */
void confine_mark(const struct path *path);
void confine_unmark(const struct path *path);
/* Is `path` the same as `base`, or below it, across mounts? */
bool path_is_below(const struct path *path, const struct path *base);
