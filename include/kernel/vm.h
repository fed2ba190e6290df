/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aegis, user address spaces: trees of areas over memory objects.
 *
 * A vm_object is an array of pages by index: a file's page cache, shared anonymous memory.  A private
 * area has no object (anonymous) or reads through one; its own modified pages are anonymous pages held
 * by the page table alone, reference-counted in struct page and shared copy-on-write by fork.
 * Nothing is mapped before it is touched.
 *
 * Locks, in their order:
 *	vm_space.lock         the areas: faults read them, side by side; what changes areas writes
 *	vm_object.lock        the object's size and pages
 *	vm_object.areas_lock  which areas show the object, and the bounds of those areas
 *	vm_space.pt_lock      entries of the page table that are in use; spinning
 *
 * The reverse list (object to areas) lets pages be taken out of every space without any space's lock: that
 * holds areas_lock, so that areas and their spaces stay, and pt_lock for each table.  Therefore
 *	- an entry in use changes only under pt_lock;
 *	- an empty entry may be filled without it (arch_pt_slot_fill), with a page that no object holds;
 *	- a page of an object is entered under pt_lock, after a look that the object has not taken pages away
 *	  since the page was found (vm_object.generation);
 *	- tables appear under pt_lock and go only with vm_space.lock held for writing.
 */
#pragma once

#include <kernel/cpumask.h>
#include <kernel/mempolicy.h>
#include <kernel/mutex.h>
#include <kernel/pmm.h>
#include <kernel/rbtree.h>
#include <kernel/refcount.h>
#include <kernel/rwlock.h>
#include <kernel/topology.h>

struct userfault;
struct vm_object;

struct vm_object_ops {
	/* Fill a page that the object does not hold yet (the page is zeroed).  0 or -errno.  NULL: zero. */
	int (*fill)(struct vm_object *obj, uint64_t index, struct page *page);
	/* Where the object's frames come from and go to.  NULL: cleared ones of PAGE_CACHE, and page_put. */
	int (*take)(struct vm_object *obj, struct page **out);
	void (*give)(struct vm_object *obj, struct page *page);
	/* A page is about to be mapped; the object's lock is held.  May be NULL. */
	void (*wanted)(struct vm_object *obj, uint64_t index, struct page *page);
	/* An area over the object comes to be; one is gone, what it mapped unmapped and flushed.  May be
	 * NULL. */
	void (*attached)(struct vm_object *obj);
	void (*detached)(struct vm_object *obj);
	void (*release)(struct vm_object *obj); /* last reference gone; pages already dropped */
	/* punch has taken `pages` pages away; NULL: nobody counts.  The object is locked. */
	void (*dropped)(struct vm_object *obj, uint64_t pages);
	/* The path that /proc/pid/maps shows, plus identity.  NULL: anonymous. */
	void (*describe)(struct vm_object *obj, char *buf, size_t size, dev_t *dev, uint64_t *ino);
};

struct vm_object {
	struct refcount refs;
	const struct vm_object_ops *ops; /* [i] */
	struct mutex lock;
	bool pinned;              /* [i] no page leaves it while it lives */
	_Atomic uint32_t writers; /* [a] shared areas that may become writable, also those about to be made */
	uint64_t size;            /* [lock] bytes: access past the last page is SIGBUS */
	struct page_tree {        /* [lock] radix tree of struct page *, 64 slots a node */
		void *root;
		unsigned height;
		uint64_t count;
	} pages;
	struct mutex areas_lock;
	struct list areas;           /* [areas_lock] vm_area.of_object: who may have its pages mapped */
	_Atomic uint32_t generation; /* [a] counts the times that pages were taken away */
	uint64_t charged;            /* [i] pages promised with the object, given back with it */
	bool cache;                  /* [i] clean pages may go: `fill` brings them again */
	struct list in_cache;        /* vm_cache.c */
	uint64_t hand;               /* [lock] vm_cache.c: where the next look for old pages begins */
};

void vm_object_init(struct vm_object *obj, const struct vm_object_ops *ops, uint64_t size);
struct vm_object *vm_object_create_anon(uint64_t size); /* NULL: out of memory */
void vm_object_get(struct vm_object *obj);
void vm_object_put(struct vm_object *obj);
/* The page at `index` with a reference, made if absent.  -ENOMEM, -EIO.  Takes the lock. */
int vm_object_page(struct vm_object *obj, uint64_t index, struct page **out) __must_check;
/* As above but only if present; NULL. */
struct page *vm_object_find(struct vm_object *obj, uint64_t index) __must_check;
/* As many as follow each other without a gap from `index` on, at most `max`, maybe fewer, each with a
 * reference; their number. */
size_t vm_object_find_run(struct vm_object *obj, uint64_t index, struct page **out, size_t max);
/* The first index at or after *index that has a page (or, `hole`, has none); false: there is no such. */
bool vm_object_edge(struct vm_object *obj, uint64_t *index, bool hole);
/* Make `page`, with the caller's reference, the one at `index`, which has none.  What ops->fill says,
 * -ENOMEM: the reference is still the caller's.  Takes the lock. */
int vm_object_adopt(struct vm_object *obj, uint64_t index, struct page *page) __must_check;
/* The same; -EEXIST: there is one, -EFAULT: past the object's size. */
int vm_object_add(struct vm_object *obj, uint64_t index, struct page *page) __must_check;
/* Change the size; pages beyond it go, from all mappings too (private copies included, as in Linux), and the
 * tail of the last page is cleared.  The caller holds no vm_space.lock. */
void vm_object_resize(struct vm_object *obj, uint64_t size);

/* Before others see the object: its pages may be evicted while they are clean (kernel/mm/vm_cache.c). Whoever
 * changes a page through other ways than mappings marks it first; release takes no mutex. */
void vm_object_make_cache(struct vm_object *obj);
static inline void page_mark_dirty(struct page *page)
{
	if (!(READ_ONCE(page->flags) & PAGE_FLAG_DIRTY))
		__atomic_fetch_or(&page->flags, PAGE_FLAG_DIRTY, __ATOMIC_ACQ_REL);
}
uint64_t vm_cache_evicted(void); /* pages, since start-up */

/* Charge all of an object's memory, once: -ENOMEM. */
int vm_object_charge(struct vm_object *obj) __must_check;
/* Drop the whole pages of [start, end), from all mappings too but for private copies: they read as fresh. */
void vm_object_punch(struct vm_object *obj, uint64_t start, uint64_t end);

/* While a file decides that a shared writable mapping may come to be, until the area itself counts: whoever
 * forbids writing (F_SEAL_WRITE) then sees one of both. */
static inline void vm_object_hold_writable(struct vm_object *obj)
{
	atomic_fetch_add(&obj->writers, 1);
}

static inline void vm_object_drop_writable(struct vm_object *obj)
{
	atomic_fetch_sub(&obj->writers, 1);
}

/* Areas.  Flags of an area: */
#define VM_READ       (1u << 0)
#define VM_WRITE      (1u << 1)
#define VM_EXEC       (1u << 2)
#define VM_SHARED     (1u << 3)
#define VM_STACK      (1u << 4)  /* grows down on faults just below it */
#define VM_HEAP       (1u << 5)  /* brk */
#define VM_DONTFORK   (1u << 6)  /* the child does not get the area */
#define VM_WIPEONFORK (1u << 7)  /* the child gets it empty */
#define VM_COPIED     (1u << 8)  /* private, over an object: may hold anonymous copies of its pages */
#define VM_HUGEPAGE   (1u << 9)  /* large pages wanted wherever they fit */
#define VM_NOHUGEPAGE (1u << 10) /* none wanted */
#define VM_LOCKED     (1u << 11) /* stays in memory */
#define VM_ONFAULT    (1u << 12) /* with VM_LOCKED: from the first touch on */
#define VM_NORESERVE  (1u << 13) /* not to be charged */
#define VM_ACCOUNT    (1u << 14) /* its pages are charged (kernel/overcommit.h) */
#define VM_DONTDUMP   (1u << 20) /* no part of a core */
#define VM_REVOKED    (1u << 15) /* only in what vm_next_area tells: its grant is revoked */
/* What the area's monitor is told of (kernel/userfaultfd.h); some of them exactly where there is one. */
#define VM_TELL_MISSING (1u << 16)
#define VM_TELL_WRITE   (1u << 17)
#define VM_TELL_MINOR   (1u << 18)
#define VM_USERFAULT    (VM_TELL_MISSING | VM_TELL_WRITE | VM_TELL_MINOR)

/*
 * Who a mapping is owed to, if that can take it back: all areas that come from one mmap share its grant,
 * the parts that munmap leaves, those that mremap has moved and those of forked children too.  A revoked
 * one gets no page any more: touching it is SIGBUS.  Areas that have one have an object.
 */
struct vm_grant {
	struct refcount refs;  /* its areas, and the caller of vm_map_from */
	_Atomic bool revoked;  /* [a] for good */
	struct vm_grant *next; /* [space.lock] in vm_space.ended */
	/* No area has it any more.  May sleep: no lock of this part is held. */
	void (*release)(struct vm_grant *grant);
};

void vm_grant_init(struct vm_grant *grant,
		   void (*release)(struct vm_grant *grant)); /* the caller's reference */
void vm_grant_put(struct vm_grant *grant);
/* Take all pages that were mapped by the grant out of every space, private copies too, once and for all.
 * When it returns no CPU can use one of them.  `obj`: what its areas show.  The caller keeps both there and
 * holds no lock of rank RANK_VM_AREAS or above. */
void vm_grant_revoke(struct vm_grant *grant, struct vm_object *obj);
/* Called by vm_grant_revoke for each area of the grant, when nothing is mapped there any more: whoever sleeps
 * on a word of it shall look again.  RANK_VM_AREAS is held.  Provided by kernel/proc. */
extern void (*vm_wake_sleepers)(const struct vm_space *vm, uint64_t start, uint64_t end,
				const struct vm_object *obj);

/* All of it: [space.lock]; start, end and offset of an area with an object also [object.areas_lock]. */
struct vm_area {
	struct rb_node node;         /* by start */
	uint64_t start, end;         /* page-aligned */
	uint32_t flags;              /* VM_COPIED is set by faults, which only read: atomically */
	uint32_t max_prot;           /* what mprotect may reach: from the file's rights */
	struct vm_object *object;    /* holds a reference; NULL: anonymous */
	uint64_t offset;             /* in bytes, page-aligned, of start in the object */
	struct vm_space *space;      /* not referenced: a space's areas end before it */
	struct vm_grant *grant;      /* holds a reference; NULL: nobody can take it back */
	struct userfault *userfault; /* holds a reference, also [object.areas_lock]; NULL: no monitor */
	struct list of_object;       /* [object.areas_lock] in object->areas */
	bool writes;                 /* [object.areas_lock] counted in object->writers */
	struct mempolicy policy;     /* where its pages come from */
};

struct vm_space {
	struct refcount refs;
	struct rwlock lock;
	struct spinlock pt_lock;
	struct rb_tree areas; /* [lock] */
	paddr_t root;         /* [i] page table */
	/* Who may use translations of the space: kernel/mm/tlb.c. */
	struct cpumask cpus;           /* [a] that have it loaded */
	_Atomic uint64_t tlb_gen;      /* [a] flushes of the space so far */
	uint64_t tlb_id;               /* [i] never used twice */
	_Atomic uint32_t membarrier;   /* [a] MEMBARRIER_CMD_REGISTER_* that were given */
	uint64_t brk_start, brk;       /* [lock] */
	uint64_t mmap_top;             /* [i] areas are placed downwards from here */
	uint64_t stack_top;            /* [i] */
	bool layout_fixed;             /* [i] see vm_fix_layout */
	bool write_exec;               /* [lock] see vm_allow_write_exec */
	uint64_t stack_limit;          /* [lock] bytes the stack may grow to */
	_Atomic uint64_t pages_mapped; /* [a] resident */
	uint64_t pages_peak;           /* [a] about the most it was before a page was unmapped */
	uint64_t pages_reserved;       /* [lock] sum of area lengths, in pages */
	uint64_t pages_locked;         /* [lock] of areas with VM_LOCKED */
	uint64_t pages_data;           /* [lock] of private writable areas but stacks: RLIMIT_DATA */
	uint64_t pages_writable;       /* [lock] of all areas that may be written */
	uint64_t writable_limit;       /* [lock] pages that pages_writable may come to */
	uint64_t as_limit;             /* [lock] bytes that growing stacks may bring the areas to */
	uint32_t default_flags;        /* [lock] of areas to come: VM_LOCKED, VM_ONFAULT */
	uint32_t area_count;           /* [lock] */
	struct vm_area *recent; /* [a] where a fault was lately; NULL: none.  Changing areas resets it */
	uint64_t gap_top;       /* [lock] no gap of gap_size bytes lies between it and mmap_top */
	uint64_t gap_size;      /* [lock] */
	struct vm_grant *ended; /* [lock] without areas now: released when the lock is let go */
	struct list userfaults; /* kernel/mm/userfault.c: monitors of the space, once it is */
	bool monitored;         /* [the same] there was one */
	/* What /proc/pid/cmdline and environ show; set by exec. */
	uaddr_t arg_start, arg_end, env_start, env_end, auxv_start, auxv_end;
};

int vm_space_create(struct vm_space **out) __must_check;
/* Before anything is mapped: nothing in it is placed at random. */
void vm_fix_layout(struct vm_space *vm);
void vm_space_get(struct vm_space *vm);
void vm_space_put(struct vm_space *vm); /* the last one unmaps everything; may sleep */
int vm_space_fork(struct vm_space *parent, struct vm_space **out) __must_check;

/* Place an area.  addr 0 and no fixed: anywhere.  `fixed` replaces what is there; `noreplace` refuses
 * with -EEXIST.  Takes its own reference on object.  On success *addr is where it went.
 * -ENOMEM, -EINVAL (alignment, range, wrap), -EACCES (W and X together, where that is not allowed). */
#define VM_MAP_FIXED     (1u << 0)
#define VM_MAP_NOREPLACE (1u << 1)
#define VM_MAP_POPULATE  (1u << 2)
#define VM_MAP_32BIT     (1u << 3) /* in the second GiB */
int vm_map(struct vm_space *vm, uint64_t *addr, uint64_t len, uint32_t flags, uint32_t max_prot, unsigned how,
	   struct vm_object *object, uint64_t offset) __must_check;
/* The same of an object that somebody grants: the area keeps a reference on `grant`. */
struct vm_source {
	struct vm_object *object; /* NULL: anonymous */
	uint64_t offset;
	struct vm_grant *grant; /* NULL: none */
};
int vm_map_from(struct vm_space *vm, uint64_t *addr, uint64_t len, uint32_t flags, uint32_t max_prot,
		unsigned how, const struct vm_source *source) __must_check;
int vm_unmap(struct vm_space *vm, uint64_t addr, uint64_t len) __must_check;
/* From now on at most so many bytes may be writable; more only if they are already.  Never less strict than
 * before. */
void vm_limit_writable(struct vm_space *vm, uint64_t bytes);
/*
 * Memory that is written and executed at once.  A space has none unless this was called, before anything else
 * uses it; its forks may have what it may.  Which programs get it: kernel/proc/exec.c.
 */
void vm_allow_write_exec(struct vm_space *vm);
/* From now on, for good; what was both stays to be executed, and cannot be written any more. */
void vm_forbid_write_exec(struct vm_space *vm);
/* A look without the lock. */
static inline bool vm_may_write_exec(const struct vm_space *vm)
{
	return READ_ONCE(vm->write_exec);
}
/* Every program may, not only those whose file says so: /proc/sys/vm/write_exec. */
extern _Atomic uint32_t vm_write_exec_for_all;
int vm_protect(struct vm_space *vm, uint64_t addr, uint64_t len, uint32_t prot) __must_check;
/* Where the heap begins: behind the program's image, by a random distance.  Set once, by exec. */
void vm_set_brk(struct vm_space *vm, uint64_t image_end);
/* Set the break; returns the new (or, on failure, the old) break: Linux's brk. */
uint64_t vm_brk(struct vm_space *vm, uint64_t brk);

/* Where PROT_GROWSDOWN begins: the start of the area of addr if that is a stack, else -EINVAL. */
int vm_stack_start(struct vm_space *vm, uint64_t addr, uint64_t *start) __must_check;

/* mremap(2): what happens to the `old_len` bytes at `old`, which lie in one area (-EFAULT).  old_len 0: a
 * second mapping of the same, which must be shared (-EINVAL). */
#define VM_REMAP_MAYMOVE   (1u << 0)
#define VM_REMAP_FIXED     (1u << 1) /* to *addr, whatever is there */
#define VM_REMAP_DONTUNMAP (1u << 2) /* the area stays, empty; private only (-EINVAL) */
/* `lock_limit`: bytes that may be locked (-EAGAIN).  *addr is where it is then.  -ENOMEM, -EINVAL. */
int vm_remap(struct vm_space *vm, uint64_t old, uint64_t old_len, uint64_t len, unsigned how,
	     uint64_t lock_limit, uint64_t *addr) __must_check;

/* The calls on ranges below go through holes and tell so at the end: -ENOMEM. */
/* Drop what the range holds: private pages read as fresh afterwards.  -EINVAL: locked memory, unless
 * `locked`. */
int vm_discard(struct vm_space *vm, uint64_t addr, uint64_t len, bool locked) __must_check;
/* As vm_discard, for private anonymous memory only (-EINVAL). */
int vm_free(struct vm_space *vm, uint64_t addr, uint64_t len) __must_check;
/* Punch a hole into the objects of shared writable areas: -EACCES, -EINVAL (no object, or locked). */
int vm_remove(struct vm_space *vm, uint64_t addr, uint64_t len) __must_check;
/* Have the object's pages filled; nothing is mapped. */
int vm_will_need(struct vm_space *vm, uint64_t addr, uint64_t len) __must_check;
/* Touch every page, for writing if `write`, else as its area would want it.  -EINTR, -ENOMEM; -EINVAL: rights
 * are missing; -EFAULT: beyond an object's end. */
int vm_populate(struct vm_space *vm, uint64_t addr, uint64_t len, bool write) __must_check;
/* Is any of it locked? */
bool vm_any_locked(struct vm_space *vm, uint64_t addr, uint64_t len);
/* Change flags of the areas in a range (VM_DONTFORK, VM_WIPEONFORK, VM_HUGEPAGE).  -ENOMEM, -EINVAL (shared).
 */
int vm_set_flags(struct vm_space *vm, uint64_t addr, uint64_t len, uint32_t set, uint32_t clear) __must_check;
/* Is every page of the range inside an area?  0 or -ENOMEM. */
int vm_check_mapped(struct vm_space *vm, uint64_t addr, uint64_t len) __must_check;
/* One byte a page: is it in memory (in the page table or the object)?  -ENOMEM: no area there. */
int vm_residency(struct vm_space *vm, uint64_t addr, unsigned char *out, size_t pages) __must_check;

/* What lies in [start, end): pages. */
#define VM_USAGE_SHIFT 12
struct vm_usage {
	uint64_t resident, shared, anonymous;
	uint64_t large;        /* parts of large pages */
	uint64_t proportional; /* each page divided among those who have it mapped, << VM_USAGE_SHIFT */
};
void vm_measure(struct vm_space *vm, uint64_t start, uint64_t end, struct vm_usage *out);
/* The same of single pages, few at a time: the page table's lock is held.  All zeroes: not mapped. */
struct vm_page_look {
	uint64_t frame; /* its number */
	bool mapped, anonymous;
	bool exclusive; /* nobody else has it mapped */
	bool watched;   /* PT_WATCHED */
};
void vm_look_at_pages(struct vm_space *vm, uint64_t start, unsigned count, struct vm_page_look *out);

/* NUMA (kernel/mm/vm_policy.c): where pages come from, and which they are. */
#define VM_POLICY_STRICT (1u << 0) /* -EIO: there are pages elsewhere (with MOVE: that stayed there) */
#define VM_POLICY_MOVE   (1u << 1) /* move pages that are nobody else's */
/* mbind(2) for whole pages.  -EFAULT: a hole, or for DEFAULT nothing but holes; -EIO, -ENOMEM. */
int vm_set_policy(struct vm_space *vm, uint64_t start, uint64_t end, const struct mempolicy *policy,
		  unsigned how) __must_check;
/* -EOPNOTSUPP: an area whose policy has no home; -EFAULT: nothing there. */
int vm_set_policy_home(struct vm_space *vm, uint64_t start, uint64_t end, unsigned node) __must_check;
/* The policy of the area at addr.  -EFAULT: none. */
int vm_get_policy(struct vm_space *vm, uint64_t addr, struct mempolicy *out) __must_check;
/* The node of the page that is mapped at addr.  -EFAULT: no area; -ENOENT: nothing mapped. */
int vm_page_node(struct vm_space *vm, uint64_t addr) __must_check;
/* Move it to a node, which is the result.  As above; -EACCES: shared with others, or an object's; -ENOMEM. */
int vm_move_page(struct vm_space *vm, uint64_t addr, unsigned node) __must_check;
/* Move all pages of the nodes in `from` to those in `to`, the first to the first and so on; how many stayed.
 */
uint64_t vm_migrate(struct vm_space *vm, uint32_t from, uint32_t to);

struct vm_node_usage {
	uint64_t anonymous, mapped, most_mapped; /* pages; the most mappings that one of them has */
	uint64_t pages[MAX_NODES];
};
void vm_measure_nodes(struct vm_space *vm, uint64_t start, uint64_t end, struct vm_node_usage *out);

/* Lock a range (VM_LOCKED, with VM_ONFAULT or without) or unlock it (0), within `limit` bytes.  -ENOMEM: a
 * hole, over the limit, or a page that cannot be had. */
int vm_lock(struct vm_space *vm, uint64_t addr, uint64_t len, uint32_t flags, uint64_t limit) __must_check;
/* The same for all areas that there are (`current`) and will be (`future`). */
int vm_lock_all(struct vm_space *vm, bool current, bool future, uint32_t flags, uint64_t limit) __must_check;
extern _Atomic uint32_t vm_areas_max; /* in one space: /proc/sys/vm/max_map_count */

/* A random multiple of the page size below `pages` pages; 0 with `norandmaps` on the command line, or where
 * the layout is fixed. */
uint64_t vm_random_offset(const struct vm_space *vm, uint64_t pages);

/* Resolve a fault.  0; -EFAULT no area (SEGV_MAPERR); -EACCES protection (SEGV_ACCERR); -ENXIO past
 * the object's end (SIGBUS); -ENOMEM; VM_FAULT_WAITS.  `access`: FAULT_* of arch/trap.h. */
int vm_fault(struct vm_space *vm, uint64_t addr, unsigned access) __must_check;
/* A monitor of page faults is to resolve it (kernel/userfaultfd.h), and vm_fault_wait() sleeps for that, in
 * the running process's space.  0: try again; with `interruptible` a signal may wait; -ENXIO: the access
 * fails; -EFAULT: so does the copy, which has to end.  No lock of memory is held. */
#define VM_FAULT_WAITS (-EINPROGRESS)
int vm_fault_wait(struct vm_space *vm, uint64_t addr, unsigned access, bool interruptible) __must_check;

/* Copy between kernel memory and another process's space (exec's argument block, /proc/pid/cmdline);
 * faults pages in.  Bytes copied, or -EFAULT when none. */
ssize_t vm_read(struct vm_space *vm, uaddr_t src, void *dst, size_t len);
ssize_t vm_write(struct vm_space *vm, uaddr_t dst, const void *src, size_t len);
/* A debugger's: also to private memory that may be read or executed only, which gets copies of its pages.
 * What the program itself may do there stays as it is. */
ssize_t vm_write_forced(struct vm_space *vm, uaddr_t dst, const void *src, size_t len);

/* Copy from the running process straight into another space, without a buffer in between.  -EFAULT, -ENOMEM:
 * `theirs` tells whether it was for the target (not mapped, not writable, out of memory) or for the running
 * process; some may have been copied.  The caller holds no lock. */
int vm_copy_to_space(struct vm_space *vm, uaddr_t dst, uaddr_t src, size_t len, bool *theirs) __must_check;

/* The most pages that were ever resident.  A look without the lock. */
static inline uint64_t vm_pages_peak(const struct vm_space *vm)
{
	return MAX(READ_ONCE(vm->pages_peak), READ_ONCE(vm->pages_mapped));
}

/* Frames that ending the space may give back: resident pages and page tables.  A guess without the lock. */
uint64_t vm_footprint(const struct vm_space *vm);

/* For /proc/pid/maps: copy out the first area that ends above `addr` (object with a reference that the
 * caller puts; without its grant).  False at the end. */
bool vm_next_area(struct vm_space *vm, uint64_t addr, struct vm_area *out);

/* What this CPU's page table is; by the scheduler, interrupts off (kernel/mm/tlb.c).  A program of the space
 * runs next; or something runs that uses no user address, and whatever is loaded stays. */
void vm_space_load(struct vm_space *vm);
void vm_space_rest(void);

/* smp_call on the CPUs that run programs of the space, this one included; `resting_too`: also on those that
 * ran one last and have it still loaded.  Any other has passed a full barrier since it left the space, or
 * passes one before it runs a program of it again, and loads the page table then. */
void vm_space_call(struct vm_space *vm, void (*fn)(void *arg), bool resting_too);

/* When large anonymous memory gets large pages: the rules stand in kernel/mm/vm_large.c.  The names are
 * Linux's; -EINVAL: none of them. */
enum vm_large_policy {
	VM_LARGE_ALWAYS,
	VM_LARGE_MADVISE,
	VM_LARGE_NEVER,
};
int vm_large_set_policy(const char *name) __must_check;
enum vm_large_policy vm_large_get_policy(void);
/* Small pages' worth of large pages in all page tables. */
uint64_t vm_large_mapped_pages(void);

/* Free memory below which private allocations are refused is none: overcommit as Linux's heuristic. */
void vm_init(void);
