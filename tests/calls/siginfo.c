/* SPDX-License-Identifier: BSD-2-Clause */
/* What a signal says of where it comes from, by source; and in what order those that wait come. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"

/* --- sources ---------------------------------------------------------------------------------------- */

static sigset_t waited_for;

/* Signals are not handled but waited for: what comes is the same. */
static void block(int signo)
{
	sigemptyset(&waited_for);
	sigaddset(&waited_for, signo);
	sigprocmask(SIG_BLOCK, &waited_for, NULL);
}

static const char *who(pid_t pid, pid_t child)
{
	if (pid == 0)
		return "nobody";
	return pid == getpid()    ? "myself"
	       : pid == child     ? "the child"
	       : pid == getppid() ? "the parent"
				  : "another";
}

static siginfo_t wait_for_it(void)
{
	siginfo_t info;

	memset(&info, 0xaa, sizeof(info));
	while (sigwaitinfo(&waited_for, &info) < 0)
		;
	return info;
}

static siginfo_t tell(const char *what, pid_t child)
{
	siginfo_t info = wait_for_it();
	const char *sender = who(info.si_pid, child);

	calls_value(what, info.si_signo);
	VALUE(info.si_code);
	VALUE(info.si_errno);
	TEXT("si_pid", sender, strlen(sender));
	VALUE(info.si_uid);
	return info;
}

static void tell_value(const char *what, pid_t child)
{
	siginfo_t info = tell(what, child);

	VALUE(info.si_value.sival_int);
}

/* A child that does something and leaves; it is taken away afterwards. */
static pid_t by_child(void (*body)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		body();
		_exit(0);
	}
	return pid;
}

static void kills_parent(void)
{
	kill(getppid(), SIGUSR1);
}

static void queues_to_parent(void)
{
	sigqueue(getppid(), SIGUSR1, (union sigval){ .sival_int = 77 });
}

static void as_1000_queues_to_parent(void)
{
	setresuid(1000, 0, 0);
	queues_to_parent();
}

static void test_senders(void)
{
	siginfo_t made_up = { .si_code = -7, .si_errno = 5 };
	pid_t pid;

	block(SIGUSR1);
	kill(getpid(), SIGUSR1);
	tell("kill", 0);
	raise(SIGUSR1);
	tell("raise", 0);
	syscall(SYS_tkill, getpid(), SIGUSR1);
	tell("tkill", 0);
	pid = by_child(kills_parent);
	tell("kill by a child", pid);
	waitpid(pid, NULL, 0);
	sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 5 });
	tell_value("sigqueue", 0);
	pid = by_child(queues_to_parent);
	tell_value("sigqueue by a child", pid);
	waitpid(pid, NULL, 0);
	pid = by_child(as_1000_queues_to_parent);
	tell_value("sigqueue by a child of another user", pid);
	waitpid(pid, NULL, 0);
	made_up.si_value.sival_int = 9;
	made_up.si_pid = getpid();
	made_up.si_uid = 4711;
	syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &made_up);
	tell_value("rt_sigqueueinfo, made up", 0);
	made_up.si_code = SI_USER;
	RESULT(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &made_up));
	tell_value("rt_sigqueueinfo to myself, as by kill", 0);
	syscall(434 /* pidfd_open */, getpid(), 0);
	RESULT(syscall(424 /* pidfd_send_signal */, 3, SIGUSR1, NULL, 0));
	tell("pidfd_send_signal", 0);
}

/* What lies behind the fields that there are: nothing with a code that is known, else it must be zeros. */
static void queue_with_rest(const char *what, int code, unsigned char last)
{
	siginfo_t info = { .si_code = code }, got;
	const unsigned char *bytes = (const unsigned char *)&got;
	unsigned sum = 0;

	((unsigned char *)&info)[sizeof(info) - 1] = last;
	calls_value(what, code);
	if (RESULT(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info)) < 0)
		return;
	got = wait_for_it();
	for (size_t i = 48; i < sizeof(got); i++)
		sum += bytes[i];
	VALUE(sum);
}

static void test_rest(void)
{
	block(SIGUSR1);
	queue_with_rest("SI_QUEUE, more behind", SI_QUEUE, 1);
	queue_with_rest("unknown code", -8, 0);
	queue_with_rest("unknown code, more behind", -8, 1);
	queue_with_rest("SI_ASYNCNL, more behind", -60, 1);
	queue_with_rest("SI_KERNEL, more behind", 0x80, 1);
	queue_with_rest("the last code, more behind", 6, 1);
	queue_with_rest("one too high, more behind", 7, 1);
}

static void test_timers(void)
{
	struct itimerval soon = { .it_value = { 0, 1000 } };
	struct itimerspec now = { .it_value = { 0, 1 } };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	siginfo_t info;
	timer_t timer;

	block(SIGALRM);
	setitimer(ITIMER_REAL, &soon, NULL);
	tell("setitimer", 0);
	timer_create(CLOCK_MONOTONIC, NULL, &timer);
	timer_settime(timer, 0, &now, NULL);
	info = wait_for_it();
	VALUE(info.si_code);
	VALUE(info.si_errno);
	VALUE(info.si_overrun);
	VALUE(info.si_timerid - (int)(long)timer);
	VALUE(info.si_value.sival_int - (int)(long)timer);
	block(SIGUSR1);
	event.sigev_value.sival_int = 99;
	timer_create(CLOCK_MONOTONIC, &event, &timer);
	timer_settime(timer, 0, &now, NULL);
	info = wait_for_it();
	VALUE(info.si_code);
	VALUE(info.si_overrun);
	VALUE(info.si_value.sival_int);
}

static void *spins(void *arg)
{
	(void)arg;
	for (;;)
		;
	return NULL;
}

static void test_cpu_timers(void)
{
	struct itimerval soon = { .it_value = { 0, 1000 } };
	pthread_t thread;

	block(SIGXCPU); /* the thread does, too: only who waits is to take them */
	block(SIGPROF);
	block(SIGVTALRM);
	setitimer(ITIMER_VIRTUAL, &soon, NULL);
	pthread_create(&thread, NULL, spins, NULL);
	tell("ITIMER_VIRTUAL", 0);
	block(SIGPROF);
	setitimer(ITIMER_PROF, &soon, NULL);
	tell("ITIMER_PROF", 0);
	block(SIGXCPU);
	setrlimit(RLIMIT_CPU, &(struct rlimit){ 1, 100 });
	tell("RLIMIT_CPU", 0);
}

static void test_descriptors(void)
{
	int ends[2], fd = file_with("file", "");

	block(SIGPIPE);
	pipe(ends);
	close(ends[0]);
	RESULT(write(ends[1], "x", 1));
	tell("SIGPIPE of a pipe", 0);
	socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	close(ends[0]);
	RESULT(write(ends[1], "x", 1));
	tell("SIGPIPE of a socket", 0);
	block(SIGXFSZ);
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 10, 10 });
	RESULT(pwrite(fd, "x", 1, 10));
	tell("SIGXFSZ of write", 0);
	RESULT(ftruncate(fd, 11));
	tell("SIGXFSZ of ftruncate", 0);
}

static void sends_message(void)
{
	mq_send(mq_open("/siginfo", O_RDWR), "x", 1, 0);
}

static void test_mq_notify(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGUSR1,
				  .sigev_value = { 55 } };
	mqd_t queue = mq_open("/siginfo", O_RDWR | O_CREAT, 0600, NULL);
	pid_t pid;

	block(SIGUSR1);
	RESULT(mq_notify(queue, &event));
	pid = by_child(sends_message);
	tell_value("mq_notify", pid);
	waitpid(pid, NULL, 0);
	mq_unlink("/siginfo");
}

static void exits_3(void)
{
	_exit(3);
}

static void dies(void)
{
	signal(SIGTERM, SIG_DFL);
	kill(getpid(), SIGTERM);
}

static int go[2];

/* Goes on to its end when it is told to: else the parent would have two signals of a kind, which are one. */
static void stops(void)
{
	char c;

	raise(SIGSTOP);
	read(go[0], &c, 1);
	_exit(5);
}

static void tell_child(const char *what, pid_t child)
{
	siginfo_t info = wait_for_it();
	const char *sender = who(info.si_pid, child);

	calls_value(what, info.si_signo);
	VALUE(info.si_code);
	VALUE(info.si_errno);
	TEXT("si_pid", sender, strlen(sender));
	VALUE(info.si_uid);
	VALUE(info.si_status);
	VALUE(info.si_utime < 100 && info.si_stime < 100);
}

static void does_nothing(int signo)
{
	(void)signo;
}

static pid_t clone_telling_by(int signo)
{
	pid_t pid = (pid_t)syscall(SYS_clone, signo, 0, 0, 0, 0);

	if (pid == 0)
		_exit(6);
	return pid;
}

static void test_children(void)
{
	struct sigaction sa = { .sa_handler = does_nothing };
	siginfo_t info;
	pid_t pid;

	pipe(go);
	block(SIGCHLD);
	pid = by_child(exits_3);
	tell_child("exit", pid);
	waitpid(pid, NULL, 0);
	pid = by_child(dies);
	tell_child("killed", pid);
	waitpid(pid, NULL, 0);
	pid = by_child(stops);
	tell_child("stopped", pid);
	kill(pid, SIGCONT);
	tell_child("continued", pid);
	write(go[1], "x", 1);
	tell_child("exit", pid);
	memset(&info, 0, sizeof(info));
	RESULT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	VALUE(info.si_signo);
	VALUE(info.si_code);
	VALUE(info.si_status);
	waitpid(pid, NULL, 0);
	sa.sa_flags = SA_NOCLDSTOP;
	sigaction(SIGCHLD, &sa, NULL);
	pid = by_child(stops);
	waitpid(pid, NULL, WUNTRACED);
	kill(pid, SIGCONT);
	write(go[1], "x", 1);
	tell_child("SA_NOCLDSTOP", pid);
	waitpid(pid, NULL, 0);
	sa.sa_flags = SA_NOCLDWAIT;
	sigaction(SIGCHLD, &sa, NULL);
	pid = by_child(exits_3);
	tell_child("SA_NOCLDWAIT", pid);
	RESULT(waitpid(pid, NULL, 0));
	block(SIGUSR1);
	pid = clone_telling_by(SIGUSR1);
	tell_child("clone with another signal", pid);
	waitpid(pid, NULL, __WALL);
	block(40);
	pid = clone_telling_by(40);
	tell_child("clone with a real-time signal", pid);
	waitpid(pid, NULL, __WALL);
}

/* A child's child, whose parent ends. */
static void test_parents_death(void)
{
	int told[2];
	char c;

	pipe(told);
	pipe(go);
	if (fork() == 0) {
		pid_t between = fork();

		if (between == 0) {
			pid_t parent = getppid();
			siginfo_t info;

			block(SIGUSR1);
			prctl(PR_SET_PDEATHSIG, SIGUSR1);
			write(go[1], "x", 1);
			info = wait_for_it();
			VALUE(info.si_signo);
			VALUE(info.si_code);
			VALUE(info.si_pid == parent);
			VALUE(info.si_uid);
			write(told[1], "x", 1);
			_exit(0);
		}
		read(go[0], &c, 1);
		_exit(0);
	}
	read(told[0], &c, 1);
}

/* --- terminals ------------------------------------------------------------------------------------------ */

static int master;

static void on_terminal(void (*body)(int slave))
{
	int slave;

	master = posix_openpt(O_RDWR | O_NOCTTY);
	grantpt(master);
	unlockpt(master);
	setsid();
	slave = open(ptsname(master), O_RDWR);
	body(slave);
}

static void types(int slave)
{
	struct winsize size = { 10, 20, 0, 0 };

	(void)slave;
	block(SIGINT);
	write(master, "\3", 1);
	tell("^C", 0);
	block(SIGQUIT);
	write(master, "\34", 1);
	tell("^\\", 0);
	block(SIGWINCH);
	signal(SIGWINCH, does_nothing);
	ioctl(master, TIOCSWINSZ, &size);
	tell("SIGWINCH", 0);
	block(SIGHUP);
	close(master);
	tell("SIGHUP", 0);
}

static void types_on_terminal(void)
{
	on_terminal(types);
}

static void reads_in_background(int slave)
{
	int told[2];
	pid_t pid;
	char c;

	pipe(told);
	pid = fork();
	if (pid == 0) {
		struct sigaction sa = { .sa_handler = does_nothing };

		setpgid(0, 0);
		block(SIGTTOU);
		sigaction(SIGTTOU, &sa, NULL);
		write(told[1], "x", 1);
		RESULT(tcsetpgrp(slave, getpgrp()));
		sigprocmask(SIG_UNBLOCK, &waited_for, NULL);
		_exit(0);
	}
	read(told[0], &c, 1);
	waitpid(pid, NULL, 0);
}

static void test_terminals(void)
{
	in_child("typed", types_on_terminal);
	on_terminal(reads_in_background);
}

/* --- signalfd ------------------------------------------------------------------------------------------- */

static void tell_fd(const char *what, int fd)
{
	struct signalfd_siginfo info;

	memset(&info, 0xaa, sizeof(info));
	RESULT(read(fd, &info, sizeof(info)));
	calls_value(what, info.ssi_signo);
	VALUE(info.ssi_code);
	VALUE(info.ssi_errno);
	VALUE(info.ssi_pid == (uint32_t)getpid());
	VALUE(info.ssi_uid);
	VALUE(info.ssi_fd);
	VALUE(info.ssi_band);
	VALUE(info.ssi_overrun);
	VALUE(info.ssi_trapno);
	VALUE(info.ssi_status);
	VALUE(info.ssi_int);
	VALUE(info.ssi_addr);
}

static void test_signalfd(void)
{
	int fd;

	block(SIGUSR1);
	fd = signalfd(-1, &waited_for, 0);
	kill(getpid(), SIGUSR1);
	tell_fd("kill", fd);
	raise(SIGUSR1);
	tell_fd("raise", fd);
	sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 3 });
	tell_fd("sigqueue", fd);
	block(SIGCHLD);
	fd = signalfd(-1, &waited_for, 0);
	waitid(P_PID, (id_t)by_child(exits_3), &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	tell_fd("a child", fd);
}

/* --- order ---------------------------------------------------------------------------------------------- */

static char order[512];
static bool with_values;

static void notes_order(int signo, siginfo_t *info, void *context)
{
	size_t used = strlen(order);

	(void)context;
	if (with_values)
		snprintf(order + used, sizeof(order) - used, "%d:%d ", signo, info->si_value.sival_int);
	else
		snprintf(order + used, sizeof(order) - used, "%d ", signo);
}

/* What C libraries keep for themselves, and what cannot be blocked. */
static bool is_mine(int signo)
{
	return signo != SIGKILL && signo != SIGSTOP && (signo < 32 || signo > 34);
}

static void handle_all(uint64_t mask)
{
	struct sigaction sa = { .sa_sigaction = notes_order, .sa_flags = SA_SIGINFO };

	memcpy(&sa.sa_mask, &mask, sizeof(mask));
	for (int i = 1; i <= 64; i++)
		if (is_mine(i))
			sigaction(i, &sa, NULL);
}

static void block_all(int how)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(how, &all, NULL);
}

static void let_them_come(const char *what)
{
	order[0] = '\0';
	block_all(SIG_UNBLOCK);
	TEXT(what, order, strlen(order));
	block_all(SIG_BLOCK);
}

static void send_all(void)
{
	for (int i = 64; i > 0; i--)
		if (is_mine(i))
			kill(getpid(), i);
}

static void test_order(void)
{
	block_all(SIG_BLOCK);
	handle_all(UINT64_MAX);
	send_all();
	let_them_come("one after the other");
	handle_all(0);
	send_all();
	let_them_come("one within the other");
	handle_all(UINT64_MAX);
	kill(getpid(), SIGHUP);
	kill(getpid(), SIGTERM);
	syscall(SYS_tkill, getpid(), SIGUSR2);
	kill(getpid(), 50);
	syscall(SYS_tkill, getpid(), 40);
	kill(getpid(), SIGSEGV);
	syscall(SYS_tkill, getpid(), SIGTRAP);
	let_them_come("the thread's and the process's, faults among them");
	with_values = true;
	for (int round = 1; round <= 3; round++)
		for (int i = 64; i > 34; i -= 3)
			sigqueue(getpid(), i, (union sigval){ .sival_int = round });
	sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 1 });
	sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 2 });
	let_them_come("values in their order");
}

static void test_limit(void)
{
	union sigval v = { .sival_int = 4 };

	block_all(SIG_BLOCK);
	handle_all(UINT64_MAX);
	with_values = true;
	setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){ 2, 2 });
	/* Others of the user may have some pending. */
	for (int i = 0; i < 3 && sigqueue(getpid(), 40, v) == 0; i++)
		;
	order[0] = '\0';
	RESULT(sigqueue(getpid(), 40, v));
	RESULT(sigqueue(getpid(), 41, v));
	RESULT(kill(getpid(), 42));
	RESULT(kill(getpid(), SIGUSR1));
	RESULT(sigqueue(getpid(), SIGUSR2, v));
	sigset_t pending;

	sigpending(&pending);
	VALUE(sigismember(&pending, 42));
	VALUE(sigismember(&pending, SIGUSR1));
	VALUE(sigismember(&pending, SIGUSR2));
}

static const struct calls table[] = {
	{ "kill tkill rt_sigqueueinfo pidfd_send_signal", test_senders },
	{ "rt_sigqueueinfo rt_sigtimedwait", test_rest },
	{ "setitimer timer_create timer_settime", test_timers },
	{ "setitimer setrlimit", test_cpu_timers },
	{ "write ftruncate", test_descriptors },
	{ "mq_notify", test_mq_notify },
	{ "clone waitid", test_children },
	{ "prctl", test_parents_death },
	{ "ioctl", test_terminals },
	{ "signalfd4", test_signalfd },
	{ "rt_sigprocmask rt_sigqueueinfo", test_order },
	{ "setrlimit rt_sigqueueinfo", test_limit },
};

CALLS_MAIN(table)
