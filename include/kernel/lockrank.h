/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lock order of the whole kernel: a lock may be taken only while all held ones have a lower rank.
 * docs/locking.md explains the order; debug builds check it at every acquisition.  Sleeping locks
 * (mutexes) come before all spinlocks.  Two locks of one rank may be held together only where the
 * comment says in which order.
 */
#pragma once

enum lock_rank {
	RANK_NONE,
	/* sleeping locks */
	RANK_RING_SUBMIT, /* who takes requests out of a ring, and what is registered with it */
	RANK_FILE_POS,    /* file.pos_lock: held for the whole of a read or write */
	RANK_SOCKET_BIND, /* who gives a socket its name */
	RANK_RENAME,      /* one rename of directories at a time */
	RANK_VNODE,       /* vnode.lock; two: parent before child, else by address */
	RANK_MQUEUE,      /* a message queue, or which there are */
	RANK_LANDLOCK,    /* rules of a ruleset that is being made */
	RANK_FILE_LOCKS,  /* who has locked or leased what of which file, and for their listing */
	RANK_TTY,         /* state behind one device file (a log reader's buffers) */
	RANK_SOCKET_READ, /* the one receiver of a socket */
	RANK_AIO_EVENTS,  /* who takes events of asynchronous I/O */
	RANK_VM_SPACE,    /* vm_space.lock; faults on user copies take it, so it follows file locks */
	RANK_SYSVIPC,     /* ids of System V IPC and what they name; areas count in segments */
	RANK_KEYS,        /* keys, links between them, and who has which keyrings */
	RANK_VM_OBJECT,   /* vm_object.lock */
	RANK_VM_AREAS,    /* vm_object.areas_lock */
	RANK_RECLAIM,     /* who frees memory, an allocation or kreclaim; any mutex may be held then */
	/* spinlocks */
	RANK_PAGE_TABLE,      /* vm_space.pt_lock; two: the parent's before the child's */
	RANK_PAGE_CACHE,      /* which objects there are to evict pages from */
	RANK_USERFAULT_SPACE, /* which space monitors of page faults belong to */
	RANK_USERFAULT,       /* faults that wait for a monitor */
	RANK_PORT,            /* port.lock */
	RANK_IPC_ACCOUNT,     /* who is charged for messages */
	RANK_SOCKET_FLIGHT,   /* descriptors in messages */
	RANK_SOCKET_NAMES,    /* what sockets are bound to */
	RANK_SOCKET_LIST,     /* which sockets there are */
	RANK_SOCKET,          /* socket.lock */
	RANK_SOCKET_STARVED,  /* who polls for room in another socket */
	RANK_CAP_TABLE,       /* two: by address */
	RANK_CAP_TREE,        /* links between capabilities of one tree */
	RANK_CAP_TOKEN,       /* which ids may be imported */
	RANK_DCACHE,
	RANK_MOUNT,
	RANK_FUTEX,            /* two: by address */
	RANK_FUTEX_PI,         /* who waits for whom, by futexes with an owner */
	RANK_UNSUPPORTED,      /* what programs asked for in vain */
	RANK_IDLE_LATENCY,     /* who limits how deep CPUs wait */
	RANK_WATCHES,          /* who watches which files, and what they have not read yet */
	RANK_FILE_HANDLES,     /* which file handles there are */
	RANK_SIGNALFD,         /* who has polled one signalfd */
	RANK_SECCOMP_LISTENER, /* calls that wait for a listener's answer */
	RANK_OBSERVERS,        /* who has to know when an object goes */
	RANK_EPOLL_NEST,       /* which epolls watch which */
	RANK_URING,            /* requests and completions of a ring */
	RANK_AIO,              /* events and requests of asynchronous I/O */
	/* from here on interrupts are off, as debug builds check: their handlers take the next four */
	RANK_TTY_INPUT,
	RANK_ASYNC,     /* who gets signals of files */
	RANK_PROC_TREE, /* pids, parents, children, groups, sessions */
	RANK_PROCESS,   /* process.lock: signals, threads, exit state */
	RANK_SIGNAL,
	RANK_DEVICE,
	RANK_TIMERFD_LIST, /* timers on the real-time clock */
	RANK_TIMERFD,      /* one timer's state */
	RANK_CAP_EXPIRY,   /* what has expired, for the thread that revokes it */
	RANK_WAITQUEUE,
	RANK_EPOLL_WATCHERS, /* who waits for an epoll as for a file; two: the watched one's first */
	RANK_EPOLL,          /* epoll.lock; one at a time */
	RANK_EPOLL_SLEEPERS, /* threads in epoll_wait */
	RANK_AIO_POLLS,      /* polls of asynchronous I/O that something was heard of */
	RANK_AIO_THREAD,     /* the thread that looks at them */
	RANK_URING_THREAD,   /* which of a thread's requests are ready */
	RANK_LOAN,           /* what a task waits for and was lent: kernel/sched/mutex.c */
	RANK_RESERVATION,    /* which task has which reservation: kernel/sched/reservation.c */
	RANK_RUNQ,           /* two: by cpu id */
	RANK_TIMER,          /* callbacks run without it */
	RANK_SLAB_CACHES,    /* which caches there are */
	RANK_SLAB,
	RANK_KVM, /* kernel address space */
	RANK_PMM,
	RANK_RANDOM,
	RANK_IRQ,
	RANK_CONSOLE, /* reads the log while it prints */
	RANK_LOG,
	RANK_SCREEN, /* the framebuffer terminal: written to by console output */
	RANK_UART,   /* a serial port's registers, likewise */
};
