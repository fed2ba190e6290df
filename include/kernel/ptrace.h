/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptrace(2): one thread looks at another, stops it and changes it.
 *
 * Who is who.  The tracee is a thread, and so is the tracer: each tracee has at most one, and only that very
 * thread makes requests; any thread of its process may wait.  The relation begins with ATTACH or SEIZE, with
 * TRACEME (the tracer is the thread that forked the process, else the parent's first), or at birth: a
 * tracee's child is its tracer's as the options say.  It ends with DETACH, or when one of the two ends.
 *
 * States of a tracee:
 *
 *	runs     its tracer may only INTERRUPT, KILL and wait
 *	stopped  it waits in ptrace_stop(); its registers lie on its kernel stack and are its tracer's
 *	listens  stopped, but only LISTEN's: what happens to the process wakes it, to stop again and tell
 *
 * What stops it: a signal on its way (all but SIGKILL), the process's stop (group-stop), INTERRUPT, begin and
 * end of system calls (a watcher, kernel/syscall_watch.h), and what options ask for: children, exec, exit.
 * The tracer hears of each stop by SIGCHLD and wait.  While it makes a request the tracee is frozen as well:
 * a fatal signal waits until that is over (microseconds), so registers stay what and where they are.
 *
 * Job control.  A tracee takes part in its process's stop by a stop of its own, which its tracer ends; the
 * process stays stopped for its parent.  A thread that is in another ptrace-stop meanwhile takes part when it
 * is let go, so until then the process's stop is not complete.  group_seen says that it has; SIGCONT, a newer
 * stop and the end of tracing take that back.
 *
 * Ends.
 *	tracee killed     SIGKILL ends every stop, at any time
 *	tracee exits      the tracer waits for it, also for a thread that is not its process's first: a
 *	                  corpse, made when tracing began, keeps status and number.  A traced process is
 *	                  its tracer's to wait for, then its parent's
 *	tracee execs      goes on being traced; a thread that takes the first one's number takes its place,
 *	                  and what was there is not reported.  A set-user-ID program gains nothing unless
 *	                  its tracer has privilege anyway; nobody attaches between that decision and the
 *	                  new identity
 *	tracer exits      its tracees go on by themselves, or die (EXITKILL); its corpses go to whose they are
 *	tracer execs      nothing changes
 *
 * Authority: as /proc/PID/mem (cred_may_look), and beyond that Serix's own rule: who is confined may trace
 * only what is confined by the same or more, and in capability mode nothing, as numbers name nothing there.
 * That is asked at every request, because a tracer may be confined later than it attached.  What only a
 * privileged tracer may do (have a set-user-ID program gain what it gains, look into the memory of who is not
 * dumpable) depends on who asked for the tracing: after TRACEME that is the tracee, because its parent may
 * have privileges at that moment and be somebody else's program afterwards.
 *
 * Locks: relations (tracer, lists, corpses) change under proc_tree_lock and the tracee's process.lock, so
 * either is enough to look; states under process.lock.  A tracee stops with both held, so that who has been
 * told of a stop finds it.
 *
 * Inherited, reset and freed: a new thread has none of it but what ptrace_child_locked() gives it; exec keeps
 * all; thread exit gives it up in ptrace_leave_locked().
 *
 * Legend: [t] proc_tree_lock, [p] the tracee's process.lock, [o] the thread itself.
 */
#pragma once

#include <kernel/list.h>
#include <kernel/types.h>
#include <serix/abi.h>

struct arch_regs;
struct call_watcher;
struct process;
struct ptrace_corpse;
struct thread;

/* How a tracee was let go. */
enum ptrace_mode {
	PTRACE_RUNS,
	PTRACE_TO_CALL,       /* until a call begins or ends */
	PTRACE_STEPS,         /* one instruction */
	PTRACE_EMULATES,      /* until a call begins, which is skipped */
	PTRACE_EMULATES_STEP, /* likewise, or one instruction */
};

struct ptrace {
	/* The thread as a tracee. */
	struct thread *tracer;        /* [t][p] NULL: it is none */
	struct list link;             /* [t] in the tracer's tracees */
	struct ptrace_corpse *corpse; /* [t][p] what will be left of it; there while it has a tracer */
	uint32_t options;             /* [p] PTRACE_O_* */
	bool seized;                  /* [p] SEIZE, not ATTACH or TRACEME */
	bool privileged;              /* [p] who asked for it had PRIV_SYS_PTRACE then */
	bool stopped;                 /* [p] only its tracer or a fatal signal ends that */
	bool listening;               /* [p] */
	bool frozen;                  /* [p] a request is under way */
	bool reported;                /* [p] the stop: wait has told */
	bool trap_asked;       /* [p] it is to stop for INTERRUPT, SIGCONT or because it was just born */
	bool group_seen;       /* [p] it has taken part in the stop that its process is in */
	bool ending;           /* [p] its last stop: only SIGKILL itself ends that */
	enum ptrace_mode mode; /* [p] */
	int code;              /* [p] of the stop: a signal and what else wait tells; then what comes back */
	int why;               /* [p] CLD_TRAPPED, CLD_STOPPED */
	uint64_t message;      /* [p] GETEVENTMSG */
	struct abi_siginfo *info; /* [p] of the stop, on the tracee's stack; NULL: none */
	bool call_end_due; /* [o] it was let go inside of a call that nobody watched: its end is to be told */
	int exit_status;   /* [o] as wait reports it, when the thread alone ends */

	/* The thread as a tracer. */
	struct list tracees; /* [t] */
	struct list corpses; /* [t] */
};

/* --- the system call: kernel/proc/ptrace.c ------------------------------------------------------------ */

int64_t ptrace_call(int64_t request, pid_t tid, uint64_t addr, uint64_t data);
/* PR_SET_PTRACER: everybody may trace whom he may look into, so this only says whether it makes sense. */
int ptrace_set_tracer(uint64_t pid);

#define CALL_WATCHER_PTRACE (1u << 1)
extern const struct call_watcher ptrace_call_watcher;

/* Does the running thread trace one of the process?  Then it may write where that may not. */
bool ptrace_may_force(const struct process *p);
/* For /proc: the tid of who traces a thread, 0 for none.  Its process's lock is held. */
pid_t ptrace_tracer_tid_locked(const struct thread *t);
