/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of a call that waits when a signal comes: with a handler, with one that asks for a restart
 * (SA_RESTART), and when the process is only stopped and continued.
 *
 * The call waits in a process of its own, which says when it is about to begin.  It has begun to wait when it
 * sleeps; then the signal is sent, and either the call ends or the process sleeps again.  Nothing depends on
 * a time.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"

#define FUTEX_WAIT        0
#define FUTEX_LOCK_PI     6
#define FUTEX_WAIT_BITSET 9

static struct shared {
	_Atomic int ready, caught, returned;
	long result;
	int error;
} * shared;

/* The call that waits: nothing before it may. */
#define WAITS(call)                            \
	do {                                   \
		shared->ready = 1;             \
		errno = 0;                     \
		shared->result = (long)(call); \
		shared->error = errno;         \
		shared->returned = 1;          \
	} while (0)

/* --- how it is done ---------------------------------------------------------------------------------- */

static void handler(int signo)
{
	(void)signo;
	shared->caught++;
}

static char state_of(pid_t pid)
{
	char path[32], text[256] = "", *end;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	end = strrchr(text, ')');
	return end ? end[2] : '?';
}

/* Until it has been so a few times in a row, or the call is over. */
static void await_state(pid_t pid, char state)
{
	for (int in_a_row = 0; in_a_row < 3 && !shared->returned; usleep(3000))
		in_a_row = state_of(pid) == state ? in_a_row + 1 : 0;
}

static pid_t start(void (*body)(void), int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigaction(SIGUSR1, &sa, NULL);
		body();
		_exit(0);
	}
	while (!shared->ready)
		usleep(1000);
	await_state(pid, 'S');
	return pid;
}

static void tell(const char *what, const char *how, pid_t pid)
{
	char text[128];

	snprintf(text, sizeof(text), "%s, %s", what, how);
	if (shared->returned) {
		errno = shared->error;
		calls_result(text, shared->result);
	} else {
		calls_text(text, "goes on", 7);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void with_handler(const char *what, void (*body)(void), int flags)
{
	pid_t pid = start(body, flags);

	kill(pid, SIGUSR1);
	while (!shared->caught && !shared->returned)
		usleep(1000);
	await_state(pid, 'S');
	tell(what, flags ? "SA_RESTART" : "a handler", pid);
}

static void stopped(const char *what, void (*body)(void))
{
	pid_t pid = start(body, 0);

	for (int i = 0; i < 2; i++) {
		kill(pid, SIGSTOP);
		await_state(pid, 'T');
		kill(pid, SIGCONT);
		await_state(pid, 'S');
	}
	tell(what, "stopped", pid);
}

static void interrupt(const char *what, void (*body)(void))
{
	with_handler(what, body, 0);
	with_handler(what, body, SA_RESTART);
	stopped(what, body);
}

static void share(void)
{
	alarm(0); /* there are many, and a hurry is not what is looked at */
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* --- pipes and files that are like them ----------------------------------------------------------------- */

static char buffer[1 << 20];
static int ends[2];

static void fill(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	while (write(fd, buffer, 4096) > 0)
		;
	fcntl(fd, F_SETFL, flags);
}

static void full_pipe(void)
{
	pipe(ends);
	fill(ends[1]);
}

static void reads_pipe(void)
{
	pipe(ends);
	WAITS(read(ends[0], buffer, 1));
}

static void reads_vectors(void)
{
	struct iovec v[2] = { { buffer, 10 }, { buffer, 10 } };

	pipe(ends);
	WAITS(readv(ends[0], v, 2));
}

static void writes_full_pipe(void)
{
	full_pipe();
	WAITS(write(ends[1], buffer, 1));
}

static void writes_much(void)
{
	pipe(ends);
	WAITS(write(ends[1], buffer, sizeof(buffer)));
}

static void opens_fifo(void)
{
	mkfifo("fifo", 0600);
	WAITS(open("fifo", O_RDONLY));
}

static void opens_fifo_for_writing(void)
{
	mkfifo("fifo", 0600);
	WAITS(open("fifo", O_WRONLY));
}

static void splices(void)
{
	int to[2];

	pipe(ends);
	pipe(to);
	WAITS(splice(ends[0], NULL, to[1], NULL, 100, 0));
}

static void tees(void)
{
	int to[2];

	pipe(ends);
	pipe(to);
	WAITS(tee(ends[0], to[1], 100, 0));
}

static void vmsplices(void)
{
	struct iovec v = { buffer, 100 };

	full_pipe();
	WAITS(vmsplice(ends[1], &v, 1, 0));
}

static void sends_file(void)
{
	int fd = file_with("file", "some text");

	full_pipe();
	WAITS(sendfile(ends[1], fd, NULL, 5));
}

static void reads_eventfd(void)
{
	int fd = eventfd(0, 0);

	WAITS(read(fd, buffer, 8));
}

static void writes_eventfd(void)
{
	uint64_t most = UINT64_MAX - 1;
	int fd = eventfd(0, 0);

	write(fd, &most, 8);
	WAITS(write(fd, &most, 8));
}

static void reads_timerfd(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	WAITS(read(fd, buffer, 8));
}

static void reads_signalfd(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	fd = signalfd(-1, &set, 0);
	WAITS(read(fd, buffer, 1024));
}

static void reads_inotify(void)
{
	int fd = inotify_init();

	WAITS(read(fd, buffer, 1024));
}

static void test_pipes(void)
{
	share();
	interrupt("read of a pipe", reads_pipe);
	interrupt("readv", reads_vectors);
	interrupt("write to a full pipe", writes_full_pipe);
	interrupt("a write of which a part finds room", writes_much);
	interrupt("open of a fifo to read", opens_fifo);
	interrupt("open of a fifo to write", opens_fifo_for_writing);
	interrupt("splice", splices);
	interrupt("tee", tees);
	interrupt("vmsplice", vmsplices);
	interrupt("sendfile", sends_file);
	interrupt("read of an eventfd", reads_eventfd);
	interrupt("write to an eventfd", writes_eventfd);
	interrupt("read of a timerfd", reads_timerfd);
	interrupt("read of a signalfd", reads_signalfd);
	interrupt("read of inotify", reads_inotify);
}

/* --- terminals ------------------------------------------------------------------------------------------ */

static int open_terminal(int *slave)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);

	grantpt(master);
	unlockpt(master);
	*slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	return master;
}

static void reads_terminal(void)
{
	int slave;

	open_terminal(&slave);
	WAITS(read(slave, buffer, 10));
}

static void reads_raw_terminal(void)
{
	struct termios t;
	int slave;

	open_terminal(&slave);
	tcgetattr(slave, &t);
	cfmakeraw(&t);
	tcsetattr(slave, TCSANOW, &t);
	WAITS(read(slave, buffer, 10));
}

static void reads_master(void)
{
	int slave, master = open_terminal(&slave);

	WAITS(read(master, buffer, 10));
}

static void writes_stopped_terminal(void)
{
	int slave;

	open_terminal(&slave);
	tcflow(slave, TCOOFF);
	WAITS(write(slave, "x", 1));
}

static void test_terminals(void)
{
	share();
	interrupt("read of a terminal", reads_terminal);
	interrupt("read of a raw terminal", reads_raw_terminal);
	interrupt("read of a terminal's other side", reads_master);
	interrupt("write to a terminal that is stopped", writes_stopped_terminal);
}

/* --- sockets -------------------------------------------------------------------------------------------- */

static const struct timeval long_time = { 1000, 0 };
static struct sockaddr_un address = { AF_UNIX, "socket" };

static void reads_stream(void)
{
	socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	WAITS(read(ends[0], buffer, 1));
}

static void receives(void)
{
	socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
	WAITS(recv(ends[0], buffer, 1, 0));
}

static void receives_packet(void)
{
	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends);
	WAITS(recv(ends[0], buffer, 1, 0));
}

static void receives_in_time(void)
{
	socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &long_time, sizeof(long_time));
	WAITS(recv(ends[0], buffer, 1, 0));
}

static void receives_datagram_in_time(void)
{
	socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
	setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &long_time, sizeof(long_time));
	WAITS(recv(ends[0], buffer, 1, 0));
}

static void receives_message(void)
{
	struct iovec v = { buffer, 10 };
	struct msghdr message = { .msg_iov = &v, .msg_iovlen = 1 };

	socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
	WAITS(recvmsg(ends[0], &message, 0));
}

static void receives_messages(void)
{
	struct iovec v = { buffer, 10 };
	struct mmsghdr message = { .msg_hdr = { .msg_iov = &v, .msg_iovlen = 1 } };

	socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
	WAITS(recvmmsg(ends[0], &message, 1, 0, NULL));
}

static void sends_stream(void)
{
	socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	fill(ends[0]);
	WAITS(send(ends[0], buffer, 4096, 0));
}

static void sends_stream_in_time(void)
{
	socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	fill(ends[0]);
	setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &long_time, sizeof(long_time));
	WAITS(send(ends[0], buffer, 4096, 0));
}

static void sends_datagram(void)
{
	socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
	fill(ends[0]);
	WAITS(send(ends[0], buffer, 4096, 0));
}

static int listens(int type)
{
	int s = socket(AF_UNIX, type, 0);

	unlink(address.sun_path);
	bind(s, (void *)&address, sizeof(address));
	listen(s, 0);
	return s;
}

static void accepts(void)
{
	int s = listens(SOCK_STREAM);

	WAITS(accept(s, NULL, NULL));
}

static void accepts_in_time(void)
{
	int s = listens(SOCK_STREAM);

	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &long_time, sizeof(long_time));
	WAITS(accept(s, NULL, NULL));
}

/* The queue is full when one more than its length waits in it. */
static int connecting(void)
{
	listens(SOCK_STREAM);
	for (;;) {
		int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

		if (connect(s, (void *)&address, sizeof(address)) < 0)
			break;
	}
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static void connects(void)
{
	int s = connecting();

	WAITS(connect(s, (void *)&address, sizeof(address)));
}

static void connects_in_time(void)
{
	int s = connecting();

	setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &long_time, sizeof(long_time));
	WAITS(connect(s, (void *)&address, sizeof(address)));
}

static void test_sockets(void)
{
	share();
	interrupt("read of a stream", reads_stream);
	interrupt("recv of a datagram", receives);
	interrupt("recv of a packet", receives_packet);
	interrupt("recv of a stream, SO_RCVTIMEO", receives_in_time);
	interrupt("recv of a datagram, SO_RCVTIMEO", receives_datagram_in_time);
	interrupt("recvmsg", receives_message);
	interrupt("recvmmsg", receives_messages);
	interrupt("send to a stream", sends_stream);
	interrupt("send to a stream, SO_SNDTIMEO", sends_stream_in_time);
	interrupt("send of a datagram", sends_datagram);
	interrupt("accept", accepts);
	interrupt("accept, SO_RCVTIMEO", accepts_in_time);
	interrupt("connect", connects);
	interrupt("connect, SO_SNDTIMEO", connects_in_time);
}

/* --- time, and several descriptors at once -------------------------------------------------------------- */

static const struct timespec long_spec = { 1000, 0 };

static void sleeps(void)
{
	WAITS(nanosleep(&long_spec, NULL));
}

static void sleeps_by_clock(void)
{
	WAITS(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &long_spec, NULL));
}

static void sleeps_until(void)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += 1000;
	WAITS(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL));
}

static struct pollfd one_pipe(void)
{
	pipe(ends);
	return (struct pollfd){ ends[0], POLLIN, 0 };
}

static void polls(void)
{
	struct pollfd p = one_pipe();

	WAITS(poll(&p, 1, -1));
}

static void polls_in_time(void)
{
	struct pollfd p = one_pipe();

	WAITS(poll(&p, 1, 1000000));
}

static void ppolls(void)
{
	struct pollfd p = one_pipe();
	struct timespec limit = long_spec;

	WAITS(ppoll(&p, 1, &limit, NULL));
}

static void selects(void)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(one_pipe().fd, &set);
	WAITS(select(ends[0] + 1, &set, NULL, NULL, NULL));
}

static void selects_in_time(void)
{
	struct timeval limit = long_time;
	fd_set set;

	FD_ZERO(&set);
	FD_SET(one_pipe().fd, &set);
	WAITS(select(ends[0] + 1, &set, NULL, NULL, &limit));
}

static void pselects(void)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(one_pipe().fd, &set);
	WAITS(pselect(ends[0] + 1, &set, NULL, NULL, &long_spec, NULL));
}

static void waits_for_events(void)
{
	struct epoll_event event;
	int fd = epoll_create1(0);

	WAITS(epoll_wait(fd, &event, 1, -1));
}

static void waits_for_events_in_time(void)
{
	struct epoll_event event;
	int fd = epoll_create1(0);

	WAITS(epoll_pwait(fd, &event, 1, 1000000, NULL));
}

static void test_times(void)
{
	share();
	interrupt("nanosleep", sleeps);
	interrupt("clock_nanosleep", sleeps_by_clock);
	interrupt("clock_nanosleep, TIMER_ABSTIME", sleeps_until);
	interrupt("poll", polls);
	interrupt("poll with a limit", polls_in_time);
	interrupt("ppoll", ppolls);
	interrupt("select", selects);
	interrupt("select with a limit", selects_in_time);
	interrupt("pselect6", pselects);
	interrupt("epoll_wait", waits_for_events);
	interrupt("epoll_pwait with a limit", waits_for_events_in_time);
}

/* --- processes, locks ----------------------------------------------------------------------------------- */

static void have_child(void)
{
	pid_t parent = getpid();

	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		for (;;)
			pause();
	}
}

static void waits_for_child(void)
{
	have_child();
	WAITS(wait4(-1, NULL, 0, NULL));
}

static void waits_by_id(void)
{
	siginfo_t info;

	have_child();
	WAITS(waitid(P_ALL, 0, &info, WEXITED));
}

static void pauses(void)
{
	WAITS(pause());
}

static void suspends(void)
{
	sigset_t none;

	sigemptyset(&none);
	WAITS(sigsuspend(&none));
}

static sigset_t only(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return set;
}

static void waits_for_signal(void)
{
	sigset_t set = only(SIGUSR2);

	WAITS(syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 8));
}

static void waits_for_signal_in_time(void)
{
	sigset_t set = only(SIGUSR2);

	WAITS(syscall(SYS_rt_sigtimedwait, &set, NULL, &long_spec, 8));
}

static int word, taken;

static void waits_for_futex(void)
{
	WAITS(syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0));
}

static void waits_for_futex_in_time(void)
{
	WAITS(syscall(SYS_futex, &word, FUTEX_WAIT, 0, &long_spec, NULL, 0));
}

static void waits_for_futex_until(void)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += 1000;
	WAITS(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &end, NULL, -1));
}

static void *takes(void *arg)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	syscall(SYS_futex, &taken, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	*(_Atomic int *)arg = 1;
	for (;;)
		pause();
	return NULL;
}

static void locks_futex(void)
{
	_Atomic int done = 0;
	pthread_t thread;

	pthread_create(&thread, NULL, takes, &done);
	while (!done)
		usleep(1000);
	WAITS(syscall(SYS_futex, &taken, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
}

static void locks(void)
{
	flock(open("locked", O_RDWR | O_CREAT, 0600), LOCK_EX);
	WAITS(flock(open("locked", O_RDWR), LOCK_EX));
}

/* A record lock that the parent has. */
static int lock_of_other(void)
{
	int fd = file_with("record", "0123456789");
	pid_t parent = getpid();
	_Atomic int *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (fork() == 0) {
		struct flock all = { .l_type = F_WRLCK };

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fcntl(fd, F_SETLKW, &all); /* the case before may not be gone yet */
		*done = 1;
		while (getppid() == parent)
			pause();
		_exit(0);
	}
	while (!*done)
		usleep(1000);
	return fd;
}

static void locks_record(void)
{
	struct flock all = { .l_type = F_WRLCK };
	int fd = lock_of_other();

	WAITS(fcntl(fd, F_SETLKW, &all));
}

static void locks_description(void)
{
	struct flock all = { .l_type = F_WRLCK };
	int fd = lock_of_other();

	WAITS(fcntl(fd, F_OFD_SETLKW, &all));
}

static void test_processes(void)
{
	share();
	interrupt("wait4", waits_for_child);
	interrupt("waitid", waits_by_id);
	interrupt("pause", pauses);
	interrupt("rt_sigsuspend", suspends);
	interrupt("rt_sigtimedwait", waits_for_signal);
	interrupt("rt_sigtimedwait with a limit", waits_for_signal_in_time);
	interrupt("futex", waits_for_futex);
	interrupt("futex with a limit", waits_for_futex_in_time);
	interrupt("futex, FUTEX_WAIT_BITSET", waits_for_futex_until);
	interrupt("futex, FUTEX_LOCK_PI", locks_futex);
	interrupt("flock", locks);
	interrupt("fcntl, F_SETLKW", locks_record);
	interrupt("fcntl, F_OFD_SETLKW", locks_description);
}

/* --- System V and POSIX queues -------------------------------------------------------------------------- */

static int id, queue;

static void takes_semaphore(void)
{
	struct sembuf down = { 0, -1, 0 };

	WAITS(semop(id, &down, 1));
}

static void takes_semaphore_in_time(void)
{
	struct sembuf down = { 0, -1, 0 };

	WAITS(semtimedop(id, &down, 1, &long_spec));
}

static void receives_v(void)
{
	WAITS(msgrcv(id, buffer, 100, 0, 0));
}

static void sends_v(void)
{
	WAITS(msgsnd(id, buffer, 100, 0));
}

static void receives_posix(void)
{
	WAITS(mq_receive(queue, buffer, 8192, NULL));
}

static void receives_posix_in_time(void)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 1000;
	WAITS(mq_timedreceive(queue, buffer, 8192, NULL, &end));
}

static void sends_posix(void)
{
	WAITS(mq_send(queue, buffer, 1, 0));
}

static void test_queues(void)
{
	share();
	id = semget(IPC_PRIVATE, 1, 0600);
	interrupt("semop", takes_semaphore);
	interrupt("semtimedop with a limit", takes_semaphore_in_time);
	semctl(id, 0, IPC_RMID);
	id = msgget(IPC_PRIVATE, 0600);
	interrupt("msgrcv", receives_v);
	*(long *)buffer = 1;
	while (msgsnd(id, buffer, 100, IPC_NOWAIT) == 0)
		;
	interrupt("msgsnd", sends_v);
	msgctl(id, IPC_RMID, NULL);
	queue = mq_open("/restarts", O_RDWR | O_CREAT, 0600, NULL);
	interrupt("mq_timedreceive", receives_posix);
	interrupt("mq_timedreceive with a limit", receives_posix_in_time);
	fcntl(queue, F_SETFL, O_NONBLOCK);
	while (mq_send(queue, buffer, 1, 0) == 0)
		;
	fcntl(queue, F_SETFL, 0);
	interrupt("mq_timedsend", sends_posix);
	mq_unlink("/restarts");
}

static const struct calls table[] = {
	{ "read readv write open splice tee vmsplice sendfile", test_pipes },
	{ "read write", test_terminals },
	{ "recvfrom recvmsg recvmmsg sendto accept connect", test_sockets },
	{ "nanosleep clock_nanosleep poll ppoll select pselect6 epoll_wait epoll_pwait", test_times },
	{ "wait4 waitid pause rt_sigsuspend rt_sigtimedwait futex flock fcntl", test_processes },
	{ "semop semtimedop msgrcv msgsnd mq_timedreceive mq_timedsend", test_queues },
};

CALLS_MAIN(table)
