/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLB shootdown as kernel/mm/tlb.c and kernel/core/smp.c do it, on CPUs that load, rest in, leave and reload one
 * space as they like.  Translations are tagged: they survive leaving.  They are filled as soon as they can be, which
 * covers every other moment, for nothing here depends on whether one is there.
 *
 *	unmapper	a task that takes a page away: tlb_flush(), F1 to F5 in tlb.c, on any CPU; from smp_call() on
 *			bound to one, which runs nothing else
 *	cpu		vm_space_load() (load, catch_up: L1 to L5), vm_space_rest(), unload(), and the interrupt:
 *			flush_here(), leave_here()
 *	ender		the end of the space: tlb_leave_space(), then its page table is freed
 *
 * Page 0 loses its frame.  Page 1 is a page table that is taken out (`tables`), which a walk on speculation reaches
 * also where the space is merely loaded.  What only its own CPU sees is done in one step with the next that others
 * see.  Memory is sequentially consistent here: that the barriers make it so is argued in tlb.c.
 *
 * check: no translation is used after what it leads to was freed, and no CPU waits for ever
 * check CPUS=3 PAGES=1: the same with three CPUs and one flush, tags not reused
 * break BUG_GENERATION_FIRST: the generation is read before the CPU shows itself
 * break BUG_NO_ANSWER: the flusher does not wait for the others' answers
 * break BUG_TABLES_SKIP_LAZY: lazy CPUs are left alone though page tables are freed
 * break BUG_WAIT_DEAF: a CPU that waits for others keeps its interrupts off
 * break BUG_NO_CATCH_UP: a CPU that was lazy does not compare generations
 * break BUG_LEAVE_FIRST: a CPU leaves the mask before it has loaded another page table
 * break BUG_FOLLOW_GAP: a CPU flushes one page though it has missed the flush before
 * break BUG_NO_LEAVE: the page table is freed while lazy CPUs have it loaded
 */
#ifndef CPUS
#define CPUS 2
#endif
#ifndef PAGES
#define PAGES 2
#endif
#define LAST  (CPUS - 1)
#define ENDER PAGES /* tasks: one a page, and the ender */

typedef per_page {
	bit at[PAGES]
}
typedef per_cpu {
	bit at[CPUS]
}

bit lazy[CPUS], loaded[CPUS], running[CPUS];
bit member[CPUS];      /* vm_space.cpus */
byte gen = 1;          /* vm_space.tlb_gen */
byte followed[CPUS];   /* asid_slot.gen of the space; 0: the slot was reused */
per_page tlb[CPUS];    /* it has the translation from before the change */
bit replaced[PAGES], freed[PAGES];
byte flush_gen[PAGES]; /* tlb_flush.gen */
byte finished;
bit dead, root_freed;

bit bound[CPUS];       /* preemption is off */
bit deaf[CPUS];        /* interrupts are off */
per_cpu inbox[CPUS];   /* inboxes[target].from[caller] */
byte request[CPUS];    /* requests[caller]: which task's */
byte pending[CPUS];

#define FREE(c) (!bound[c] && !deaf[c])

/* Drop all; walks of the loaded table fill again. */
inline forget(c)
{
	tlb[c].at[0] = loaded[c] && !replaced[0];
	tlb[c].at[PAGES - 1] = loaded[c] && !replaced[PAGES - 1]
}

inline follow(c, task)
{
	if
#ifdef BUG_FOLLOW_GAP
	:: followed[c] < flush_gen[task] ->
#else
	:: followed[c] + 1 == flush_gen[task] ->
#endif
		followed[c] = flush_gen[task];
		tlb[c].at[task] = 0
	:: else ->
		if
		:: followed[c] < flush_gen[task] ->
			followed[c] = gen;
			forget(c)
		:: else
		fi
	fi
}

/* flush_here(), leave_here() */
inline answer(c, task)
{
	if
	:: !loaded[c]
	:: loaded[c] && (task == ENDER || lazy[c]) -> loaded[c] = 0; member[c] = 0
	:: loaded[c] && task != ENDER && !lazy[c] -> follow(c, task)
	fi
}

/* serve_requests(), of what the CPU `from` asks. */
#define SERVE(from) \
	atomic { !deaf[_pid] && inbox[_pid].at[from] -> \
		inbox[_pid].at[from] = 0; \
		answer(_pid, request[from]); \
		pending[from]-- }

inline leave(c)
{
#ifdef BUG_LEAVE_FIRST
	member[c] = 0;
	loaded[c] = 0
#else
	d_step { loaded[c] = 0; member[c] = 0 }
#endif
}

#ifdef BUG_GENERATION_FIRST
#define THEN_READ_GEN(step) seen = gen; step
#else
#define THEN_READ_GEN(step) step; seen = gen
#endif
#ifdef BUG_NO_CATCH_UP
#define MUST_FORGET(c) (followed[c] != seen && !loaded[c])
#else
#define MUST_FORGET(c) (followed[c] != seen)
#endif

inline enter(c)
{
	if
	:: loaded[c] ->
		THEN_READ_GEN(lazy[c] = 0)
	:: !loaded[c] ->
		lazy[c] = 0;
		THEN_READ_GEN(member[c] = 1)
	fi;
	d_step {
		if
		:: MUST_FORGET(c) -> tlb[c].at[0] = 0; tlb[c].at[PAGES - 1] = 0
		:: else
		fi;
		followed[c] = seen;
		seen = 0;
		loaded[c] = 1;
		tlb[c].at[0] = tlb[c].at[0] || !replaced[0];
		tlb[c].at[PAGES - 1] = tlb[c].at[PAGES - 1] || !replaced[PAGES - 1];
		running[c] = 1;
		deaf[c] = 0
	}
}

active [CPUS] proctype cpu()
{
	byte seen;

end:	do
	:: SERVE(0)
	:: SERVE(1)
	:: SERVE(LAST)
	:: atomic { FREE(_pid) && running[_pid] -> running[_pid] = 0; lazy[_pid] = 1 } /* vm_space_rest() */
	:: atomic { FREE(_pid) && loaded[_pid] -> deaf[_pid] = 1; running[_pid] = 0 } /* load(), of another space */
		leave(_pid);
		deaf[_pid] = 0
	:: atomic { FREE(_pid) && !running[_pid] && !dead -> deaf[_pid] = 1 }
		enter(_pid)
#if CPUS == 2
	:: atomic { FREE(_pid) && !loaded[_pid] && followed[_pid] != 0 -> followed[_pid] = 0 } /* asid_set_find() */
#endif
	od
}

/* listeners(): the mask at once, then the lazy flags one after the other. */
inline read_mask()
{
	d_step {
		wanted.at[0] = member[0];
		wanted.at[1] = member[1];
		wanted.at[LAST] = member[LAST]
	}
}

inline skip_lazy()
{
	wanted.at[0] = wanted.at[0] && !lazy[0];
	wanted.at[1] = wanted.at[1] && !lazy[1];
#if CPUS > 2
	wanted.at[2] = wanted.at[2] && !lazy[2]
#endif
}

#define POST(target) \
	if \
	:: c != target && wanted.at[target] && !inbox[target].at[c] -> pending[c]++; inbox[target].at[c] = 1 \
	:: else \
	fi

/* smp_call(): bound to its CPU; interrupts are on, but for its own part. */
inline call(task)
{
	atomic {
		if
		:: FREE(0) -> c = 0
		:: FREE(1) -> c = 1
		:: FREE(LAST) -> c = LAST
		fi;
		bound[c] = 1;
		request[c] = task;
		POST(0);
		POST(1);
		POST(LAST);
#ifdef BUG_WAIT_DEAF
		deaf[c] = 1
#endif
	}
	atomic {
#ifndef BUG_WAIT_DEAF
		!deaf[c] ->
#endif
		if
		:: wanted.at[c] -> answer(c, task)
		:: else
		fi
	}
#ifndef BUG_NO_ANSWER
	pending[c] == 0;
#endif
	d_step {
#ifdef BUG_WAIT_DEAF
		deaf[c] = 0;
#endif
		bound[c] = 0;
		request[c] = 0;
		c = 0;
		wanted.at[0] = 0;
		wanted.at[1] = 0;
		wanted.at[LAST] = 0
	}
}

#if CPUS > 2
#define LOADED_ELSEWHERE(c) (member[(c + 1) % CPUS] || member[(c + 2) % CPUS])
#else
#define LOADED_ELSEWHERE(c) member[1 - c]
#endif

/* tlb_flush_begin(): on one CPU, interrupts off. */
inline begin(task)
{
	atomic {
		if
		:: FREE(0) -> c = 0
		:: FREE(1) -> c = 1
		:: FREE(LAST) -> c = LAST
		fi;
		deaf[c] = 1;
		gen++;
		flush_gen[task] = gen
	}
	atomic {
		alone = !LOADED_ELSEWHERE(c);
		if
		:: alone && loaded[c] -> follow(c, task)
		:: else
		fi;
		deaf[c] = 0;
		c = 0
	}
}

proctype unmapper(byte task)
{
	byte c;
	bit alone;
	per_cpu wanted;

	d_step { /* F1 */
		replaced[task] = 1
	}
	begin(task); /* F2 */
	if
	:: !alone ->
		read_mask(); /* F3 */
#ifndef BUG_TABLES_SKIP_LAZY
		if
		:: task == 0 -> skip_lazy()
		:: else
		fi;
#else
		skip_lazy();
#endif
		call(task) /* F4 */
	:: else
	fi;
	d_step { freed[task] = 1; alone = 0; finished++ } /* F5 */
}

active proctype ender()
{
	byte c;
	per_cpu wanted;

	atomic { run unmapper(0); if :: PAGES > 1 -> run unmapper(1) :: else fi }
	/* The last user is gone: no CPU runs a program of the space, or is about to. */
	atomic { finished == PAGES && !running[0] && !running[1] && !running[LAST] &&
		!deaf[0] && !deaf[1] && !deaf[LAST] -> dead = 1 }
#ifndef BUG_NO_LEAVE
	read_mask();
	call(ENDER);
#endif
	root_freed = 1
}

#define STALE(c) ((running[c] && tlb[c].at[0] && freed[0]) || \
	(PAGES > 1 && loaded[c] && tlb[c].at[PAGES - 1] && freed[PAGES - 1]) || (loaded[c] && root_freed))

active proctype monitor()
{
end:	STALE(0) || STALE(1) || STALE(LAST) -> assert(false)
}
