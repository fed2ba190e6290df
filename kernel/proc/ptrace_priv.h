/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of ptrace and the rest of this folder.  The model stands in <kernel/ptrace.h>. */
#pragma once

#include <kernel/ptrace.h>

#include "proc_priv.h"

/* Linux's numbers. */
enum ptrace_request {
	PTRACE_TRACEME,
	PTRACE_PEEKTEXT,
	PTRACE_PEEKDATA,
	PTRACE_PEEKUSER,
	PTRACE_POKETEXT,
	PTRACE_POKEDATA,
	PTRACE_POKEUSER,
	PTRACE_CONT,
	PTRACE_KILL,
	PTRACE_SINGLESTEP,
	PTRACE_GETREGS = 12,
	PTRACE_SETREGS,
	PTRACE_GETFPREGS,
	PTRACE_SETFPREGS,
	PTRACE_ATTACH,
	PTRACE_DETACH,
	PTRACE_SYSCALL = 24,
	PTRACE_SYSEMU = 31,
	PTRACE_SYSEMU_SINGLESTEP,
	PTRACE_SETOPTIONS = 0x4200,
	PTRACE_GETEVENTMSG,
	PTRACE_GETSIGINFO,
	PTRACE_SETSIGINFO,
	PTRACE_GETREGSET,
	PTRACE_SETREGSET,
	PTRACE_SEIZE,
	PTRACE_INTERRUPT,
	PTRACE_LISTEN,
	PTRACE_PEEKSIGINFO,
	PTRACE_GETSIGMASK,
	PTRACE_SETSIGMASK,
	PTRACE_GET_SYSCALL_INFO = 0x420e,
	PTRACE_GET_RSEQ_CONFIGURATION,
};

enum ptrace_event {
	PTRACE_EVENT_FORK = 1,
	PTRACE_EVENT_VFORK,
	PTRACE_EVENT_CLONE,
	PTRACE_EVENT_EXEC,
	PTRACE_EVENT_VFORK_DONE,
	PTRACE_EVENT_EXIT,
	PTRACE_EVENT_SECCOMP,
	PTRACE_EVENT_STOP = 128,
};

/* Options: the first is for stops at calls; bit n asks for event n. */
#define PTRACE_O_TRACESYSGOOD 1u
#define PTRACE_O_EXITKILL     (1u << 20)
#define PTRACE_O_EVENTS                                                                      \
	(1u << PTRACE_EVENT_FORK | 1u << PTRACE_EVENT_VFORK | 1u << PTRACE_EVENT_CLONE |     \
	 1u << PTRACE_EVENT_EXEC | 1u << PTRACE_EVENT_VFORK_DONE | 1u << PTRACE_EVENT_EXIT | \
	 1u << PTRACE_EVENT_SECCOMP)
#define PTRACE_O_ALL (PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_EVENTS)

/* What a stop at a call says, for GETEVENTMSG. */
#define PTRACE_CALL_BEGINS 1u
#define PTRACE_CALL_ENDS   2u
#define PTRACE_CALL_CODE   (SIGTRAP | 0x80) /* TRACESYSGOOD */

#define PTRACE_EVENT_CODE(event) (SIGTRAP | (event) << 8)

/* What is left of a tracee that has exited, until its tracer has waited for it. */
struct ptrace_corpse {
	struct list link;      /* [t] in the tracer's corpses */
	struct thread *tracer; /* [t] */
	struct process
		*process;   /* [t] the thread was its first, and it is not reaped before; NULL: another */
	bool dead;          /* [t] there is something to wait for: all of the process, or the one thread */
	bool exit_kill;     /* [t] */
	pid_t tid, pgid;    /* [t] */
	uid_t uid;          /* [t] */
	int status;         /* [t] */
	struct usage usage; /* [t] */
};

/* Cheap, where the answer may be out of date by the time that it is used. */
static inline bool ptrace_traced(const struct thread *t)
{
	return unlikely(READ_ONCE(t->ptrace.tracer) != NULL);
}

/* --- attaching and detaching: ptrace_attach.c --------------------------------------------------------- */

int ptrace_attach(pid_t tid, bool seize, uint64_t options) __must_check;
int ptrace_traceme(void) __must_check;
/* May the running thread go on looking into a tracee of its own? */
bool ptrace_confine_allows(const struct process *p);
/* The relation ends; if it is stopped it goes on, with `code`.  Both locks are held. */
void ptrace_unlink_locked(struct thread *t, int code);
void ptrace_init_thread(struct thread *t);
/* Nobody waits for it any more: a process that is dead is its parent's now. */
void ptrace_release_corpse_locked(struct ptrace_corpse *corpse, struct list *dead);

/* --- stops: ptrace_stop.c ------------------------------------------------------------------------------ */

/* Stop the running thread and tell its tracer: a stop code, CLD_*, what GETEVENTMSG says, and what
 * GETSIGINFO says (NULL: nothing).  What the tracer let it go with: a signal, or 0.  `code` when it has no
 * tracer, 0 when it is being killed. */
int ptrace_stop(int code, int why, uint64_t message, struct abi_siginfo *info);
/* The same for a stop that is no signal's. */
int ptrace_notify(int code, int why, uint64_t message);
/* It goes on; process.lock is held. */
void ptrace_resume_locked(struct thread *t, int code);
/* The tracee `tid` of the running thread, stopped and frozen; its registers are saved.  -ESRCH.  What follows
 * ends with thaw. */
int ptrace_freeze(pid_t tid, struct thread **out) __must_check;
void ptrace_thaw(struct thread *t);
/* The same, but it goes on. */
void ptrace_thaw_and_resume(struct thread *t, int code, enum ptrace_mode mode);
/* Run `act` on a tracee of the running thread whatever it does, with both locks held.  -ESRCH. */
int ptrace_act(pid_t tid, int (*act)(struct thread *t)) __must_check;
int ptrace_interrupt_locked(struct thread *t);
int ptrace_listen_locked(struct thread *t);

/* --- events and calls: ptrace_event.c ------------------------------------------------------------------ */

int ptrace_set_options(struct thread *t, uint64_t options) __must_check;
void ptrace_set_mode_locked(struct thread *t, enum ptrace_mode mode);
int64_t ptrace_syscall_info(struct thread *t, uint64_t size, uaddr_t to);

/* --- requests on what is frozen ------------------------------------------------------------------------- */

int64_t ptrace_registers(struct thread *t, enum ptrace_request request, uint64_t addr, uaddr_t data);
int64_t ptrace_memory(struct thread *t, enum ptrace_request request, uaddr_t addr, uint64_t data);
int64_t ptrace_signals(struct thread *t, enum ptrace_request request, uint64_t addr, uaddr_t data);

/* --- for the rest of this folder ------------------------------------------------------------------------ */

/* A signal was dequeued for the running thread, which is traced: what to deliver, 0 for nothing. */
int ptrace_deliver(struct thread *t, int signo, struct abi_siginfo *info);
/* Is the thread to stop for its tracer, by what is asked of it or of its process?  process.lock is held. */
static inline bool ptrace_trap_due_locked(const struct thread *t)
{
	const struct ptrace *tr = &t->ptrace;

	return unlikely(tr->tracer != NULL) &&
	       (tr->trap_asked || (t->process->stop_requested && !tr->group_seen));
}
/* The same, or to park for its process. */
static inline bool ptrace_stop_due_locked(const struct thread *t)
{
	if (likely(!t->ptrace.tracer))
		return t->process->stop_requested || t->ptrace.call_end_due;
	return ptrace_trap_due_locked(t) || t->ptrace.call_end_due;
}
/* Then, without it: */
void ptrace_trap(struct thread *t);
/* The process goes on, by SIGCONT; it is to stop, though it may be stopped already. */
void ptrace_continued_locked(struct thread *t);
void ptrace_stop_again_locked(struct thread *t);
/* The end of a call that was not watched when it began; on the way to user mode. */
void ptrace_call_ends(struct arch_regs *regs);
static inline void ptrace_late_call_end(struct thread *t, struct arch_regs *regs)
{
	if (unlikely(t->ptrace.call_end_due))
		ptrace_call_ends(regs);
}
/* A handler is to run: a tracer that steps sees its first instruction. */
static inline bool ptrace_steps(const struct thread *t)
{
	enum ptrace_mode mode = READ_ONCE(t->ptrace.mode);

	return unlikely(mode != PTRACE_RUNS) && (mode == PTRACE_STEPS || mode == PTRACE_EMULATES_STEP);
}

/* What the options of the running thread's tracer ask for. */
static inline bool ptrace_wants(const struct thread *t, enum ptrace_event event)
{
	return ptrace_traced(t) && (READ_ONCE(t->ptrace.options) & 1u << event);
}
void ptrace_event(enum ptrace_event event, uint64_t message);
void ptrace_exec_event(pid_t former_tid);
void ptrace_exit_event(int status);

/* Children.  Before they are published: which event that will be (0: none), and memory for it.  -ENOMEM. */
int ptrace_clone_begin(struct thread *child, uint64_t flags, int exit_signal) __must_check;
/* Is the child to be traced?  The tree lock and the child's process.lock are held. */
void ptrace_child_locked(struct thread *child);

/* Would what a set-user-ID program of the thread gains be its tracer's, who has it not?  The tree lock, or a
 * look that takes it. */
bool ptrace_forbids_privilege_locked(const struct thread *t);
bool ptrace_forbids_privilege(const struct thread *t);

/* A thread leaves: as a tracee, with both locks held; as a tracer, and after its process has become a zombie,
 * with the tree lock.  What is reaped goes to `dead`. */
void ptrace_leave_locked(struct thread *t, const struct usage *usage);
/* The tracer hears of the thread `tid` that has left. */
void ptrace_announce_locked(pid_t tid, struct list *dead);
void ptrace_tracer_leaves_locked(struct thread *t, struct list *dead);
/* Is a zombie its tracer's, before it is its parent's? */
bool ptrace_keeps_zombie_locked(struct process *p);
/* A thread takes its process's first one's place: nobody is told of that. */
void ptrace_forget_leader_locked(struct process *p);

/* wait: what a tracee, or what is left of one, has to tell to the running thread's process.  As try_wait. */
bool ptrace_wait_locked(const struct wait_target *target, unsigned options, struct wait_result *out,
			struct list *dead, int64_t *result);
/* Its parent hears of its stops as its tracer. */
bool ptrace_by_parent_locked(const struct process *p);
