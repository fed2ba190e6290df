/* SPDX-License-Identifier: BSD-2-Clause */
/* Leases on files, F_SETLEASE of fcntl(2); all of this holds on Linux, too. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "tap.h"

#define SIG SIGRTMIN

static char dir[64];
static sigset_t set;

/* In a directory of its own, whose end nobody waits for; signals wait to be taken. */
static void enter(void)
{
	snprintf(dir, sizeof(dir), "/tmp/lease.XXXXXX");
	need(mkdtemp(dir) && chmod(dir, 0755) == 0 && chdir(dir) == 0);
	need(close(open("file", O_CREAT | O_RDWR, 0666)) == 0 && chmod("file", 0666) == 0);
	sigemptyset(&set);
	sigaddset(&set, SIG);
	sigaddset(&set, SIGIO);
	need(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
}

static bool fails(long result, int error)
{
	if (result == -1 && errno == error)
		return true;
	printf("# result %ld, errno %d, not %d\n", result, errno, error);
	return false;
}

static int lease(int flags, int type)
{
	int fd = open("file", flags);

	need(fd >= 0 && fcntl(fd, F_SETSIG, SIG) == 0 && fcntl(fd, F_SETLEASE, type) == 0);
	return fd;
}

static bool told(int fd)
{
	siginfo_t info;

	return sigtimedwait(&set, &info, &(struct timespec){ 0, 0 }) == SIG && info.si_fd == fd &&
	       info.si_code == 3 /* POLL_MSG */;
}

static bool silent(void)
{
	return sigtimedwait(&set, NULL, &(struct timespec){ 0, 0 }) == -1;
}

/* A child that opens the file in that way, and says how that went by its status.  It has no part in the lease
 * of `held`. */
static pid_t opener(int held, int flags)
{
	pid_t pid = fork();

	if (pid == 0) {
		close(held);
		alarm(60); /* the time that a break takes by itself is less */
		_exit(open("file", flags) >= 0 ? 0 : errno);
	}
	return pid;
}

static int status_of_opener(pid_t pid)
{
	int status;

	need(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* The child is about to wait, when the holder was told. */
static void wait_until_told(int fd)
{
	siginfo_t info;

	need(sigtimedwait(&set, &info, &(struct timespec){ 30, 0 }) == SIG && info.si_fd == fd);
}

/* --- who may have one --- */

static void leases_are_for_owners_of_files(void)
{
	int fd, other;

	enter();
	need(mkdir("dir", 0755) == 0 && mkfifo("fifo", 0666) == 0);
	fd = open("file", O_RDONLY);
	need(fcntl(fd, F_GETLEASE) == F_UNLCK && fails(fcntl(fd, F_SETLEASE, F_UNLCK), EAGAIN));
	need(fails(fcntl(fd, F_SETLEASE, 7), EINVAL));
	other = open("dir", O_RDONLY);
	need(fails(fcntl(other, F_SETLEASE, F_RDLCK), EINVAL));
	other = open("fifo", O_RDWR);
	need(fails(fcntl(other, F_SETLEASE, F_RDLCK), EINVAL));
	other = open("file", O_PATH);
	need(fails(fcntl(other, F_SETLEASE, F_RDLCK), EBADF));
	need(fails(fcntl(-1, F_SETLEASE, F_RDLCK), EBADF));
	need(setresuid(1000, 1000, 1000) == 0);
	need(fails(fcntl(fd, F_SETLEASE, F_RDLCK), EACCES));
}

static void others_stand_in_the_way(void)
{
	int reader, writer, both;

	enter();
	reader = open("file", O_RDONLY);
	need(fcntl(reader, F_SETLEASE, F_WRLCK) == 0 && fcntl(reader, F_GETLEASE) == F_WRLCK);
	need(fcntl(reader, F_SETLEASE, F_RDLCK) == 0 && fcntl(reader, F_GETLEASE) == F_RDLCK);
	need(fcntl(reader, F_SETLEASE, F_UNLCK) == 0 && fcntl(reader, F_GETLEASE) == F_UNLCK);
	writer = open("file", O_WRONLY);
	need(fails(fcntl(reader, F_SETLEASE, F_RDLCK), EAGAIN));
	need(fails(fcntl(reader, F_SETLEASE, F_WRLCK), EAGAIN));
	need(fails(fcntl(writer, F_SETLEASE, F_RDLCK), EAGAIN)); /* it writes itself */
	need(fails(fcntl(writer, F_SETLEASE, F_WRLCK), EAGAIN));
	need(close(reader) == 0 && fcntl(writer, F_SETLEASE, F_WRLCK) == 0 && close(writer) == 0);
	both = lease(O_RDONLY, F_RDLCK);
	reader = lease(O_RDONLY, F_RDLCK); /* readers go together */
	need(fails(fcntl(reader, F_SETLEASE, F_WRLCK), EAGAIN) && fcntl(reader, F_GETLEASE) == F_RDLCK);
	need(close(both) == 0 && fcntl(reader, F_SETLEASE, F_WRLCK) == 0);
}

/* --- breaking --- */

static void who_does_not_wait_is_refused(void)
{
	int fd;

	enter();
	fd = lease(O_RDONLY, F_WRLCK);
	need(fails(open("file", O_RDONLY | O_NONBLOCK), EAGAIN) && told(fd));
	need(fcntl(fd, F_GETLEASE) == F_RDLCK);
	need(fails(open("file", O_RDONLY | O_NONBLOCK), EAGAIN) && silent()); /* once is enough */
	need(fails(open("file", O_RDWR | O_NONBLOCK), EAGAIN) && told(fd));   /* that is more */
	need(fcntl(fd, F_GETLEASE) == F_UNLCK);
	need(fcntl(fd, F_SETLEASE, F_UNLCK) == 0);
	need(close(open("file", O_RDWR | O_NONBLOCK)) == 0);
	need(close(fd) == 0);
	fd = lease(O_RDONLY, F_RDLCK);
	need(close(open("file", O_RDONLY | O_NONBLOCK)) == 0 && silent());
	need(close(open("file", O_PATH)) == 0 && silent());
	need(fails(open("file", O_WRONLY | O_NONBLOCK), EAGAIN) && told(fd));
}

static void who_waits_is_let_in(void)
{
	pid_t child;
	int fd;

	enter();
	fd = lease(O_RDONLY, F_WRLCK);
	child = opener(fd, O_RDONLY);
	wait_until_told(fd);
	need(waitpid(child, NULL, WNOHANG) == 0);
	need(fcntl(fd, F_SETLEASE, F_RDLCK) == 0); /* enough for a reader */
	need(status_of_opener(child) == 0 && fcntl(fd, F_GETLEASE) == F_RDLCK);
	child = opener(fd, O_WRONLY);
	wait_until_told(fd);
	need(fails(fcntl(fd, F_SETLEASE, F_RDLCK), EAGAIN)); /* not for a writer, who has his foot in it */
	need(fcntl(fd, F_SETLEASE, F_UNLCK) == 0);
	need(status_of_opener(child) == 0 && close(fd) == 0);
	fd = lease(O_RDONLY, F_WRLCK);
	child = opener(fd, O_RDONLY);
	wait_until_told(fd);
	need(close(fd) == 0 &&
	     status_of_opener(child) == 0); /* the end of the file is the end of the lease */
}

static void truncate_breaks_it(void)
{
	int fd, status;
	pid_t child;

	enter();
	fd = lease(O_RDONLY, F_RDLCK);
	child = fork();
	if (child == 0)
		_exit(truncate("file", 100) == 0 ? 0 : errno);
	wait_until_told(fd);
	need(fcntl(fd, F_SETLEASE, F_UNLCK) == 0);
	need(waitpid(child, &status, 0) == child && status == 0);
}

static void set_seconds(const char *seconds)
{
	int fd = open("/proc/sys/fs/lease-break-time", O_WRONLY);

	need(fd >= 0 && write(fd, seconds, strlen(seconds)) > 0 && close(fd) == 0);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* A holder that does nothing loses what stands in the way, no more. */
static void time_runs_out(void)
{
	uint64_t start;
	pid_t child;
	int fd;

	enter();
	set_seconds("1");
	fd = lease(O_RDONLY, F_WRLCK);
	start = now_ms();
	child = opener(fd, O_RDONLY);
	need(status_of_opener(child) == 0 && now_ms() - start >= 900);
	need(told(fd) && fcntl(fd, F_GETLEASE) == F_RDLCK);
	child = opener(fd, O_WRONLY);
	need(status_of_opener(child) == 0 && now_ms() - start >= 1900);
	need(told(fd) && fcntl(fd, F_GETLEASE) == F_UNLCK && fails(fcntl(fd, F_SETLEASE, F_UNLCK), EAGAIN));
	set_seconds("45");
}

static void nothing(int sig)
{
	(void)sig;
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

static void a_signal_ends_the_wait(void)
{
	struct sigaction action = { .sa_handler = nothing };
	pid_t child;
	int fd;

	enter();
	sigaction(SIGUSR1, &action, NULL);
	fd = lease(O_RDONLY, F_WRLCK);
	child = opener(fd, O_RDONLY);
	wait_until_told(fd);
	do {
		kill(child, SIGUSR1); /* again: it may not sleep yet */
		usleep(20000);
	} while (!has_ended(child));
	need(status_of_opener(child) == EINTR && fcntl(fd, F_GETLEASE) == F_RDLCK);
}

static void it_is_the_open_files(void)
{
	int fd, copy, status;

	enter();
	fd = lease(O_RDONLY, F_WRLCK);
	copy = dup(fd);
	need(close(fd) == 0 && fcntl(copy, F_GETLEASE) == F_WRLCK);
	if (fork() == 0) {
		need(fcntl(copy, F_GETLEASE) == F_WRLCK && fcntl(copy, F_SETLEASE, F_UNLCK) == 0);
		_exit(0);
	}
	need(wait(&status) > 0 && status == 0 && fcntl(copy, F_GETLEASE) == F_UNLCK);
	need(fcntl(copy, F_GETOWN) == 0 && fcntl(copy, F_GETSIG) == 0); /* gone with it */
}

static void the_list_has_it(void)
{
	char text[8192], wanted[64];
	ssize_t n;
	int fd, list;

	enter();
	fd = lease(O_RDONLY, F_WRLCK);
	list = open("/proc/locks", O_RDONLY);
	n = read(list, text, sizeof(text) - 1);
	need(n > 0);
	text[n] = 0;
	snprintf(wanted, sizeof(wanted), "LEASE  ACTIVE    WRITE %d ", getpid());
	need(strstr(text, wanted) != NULL);
	need(fails(open("file", O_RDONLY | O_NONBLOCK), EAGAIN) && told(fd));
	n = pread(list, text, sizeof(text) - 1, 0);
	need(n > 0);
	text[n] = 0;
	snprintf(wanted, sizeof(wanted), "LEASE  BREAKING  READ %d ", getpid());
	need(strstr(text, wanted) != NULL);
}

/* --- races: taken, broken and closed at once --- */

#define ROUNDS 200

static atomic_int holders;

/* Alone with the file, or refused. */
static void *take_and_close(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		int fd = open("file", O_RDONLY);

		need(fd >= 0);
		if (fcntl(fd, F_SETLEASE, F_WRLCK) == 0) {
			need(atomic_fetch_add(&holders, 1) == 0);
			atomic_fetch_sub(&holders, 1);
			if (i % 3 == 0)
				need(fcntl(fd, F_SETLEASE, F_UNLCK) == 0);
		} else {
			need(errno == EAGAIN);
		}
		need(close(fd) == 0);
	}
	return NULL;
}

static void *open_and_close(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		int fd = open("file", (i % 2 ? O_RDONLY : O_RDWR) | (i % 3 ? 0 : O_NONBLOCK));

		need(fd >= 0 || (errno == EAGAIN && i % 3 == 0));
		if (fd >= 0) {
			need(atomic_load(&holders) == 0); /* whoever has a lease is alone */
			need(close(fd) == 0);
		}
		if (arg && i % 10 == 0)
			need(truncate("file", i) == 0);
	}
	return NULL;
}

static void taken_and_broken_at_once(void)
{
	void *(*const bodies[])(void *) = { take_and_close, take_and_close, open_and_close, open_and_close };
	pthread_t t[4];
	int fd;

	enter();
	for (intptr_t i = 0; i < 4; i++)
		need(pthread_create(&t[i], NULL, bodies[i], (void *)(i % 2)) == 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	fd = open("file", O_RDWR);
	need(fd >= 0 && fcntl(fd, F_SETLEASE, F_WRLCK) == 0); /* nobody is counted any more */
}

int main(void)
{
	tap(passes(leases_are_for_owners_of_files), "leases are for owners of files");
	tap(passes(others_stand_in_the_way), "who has the file open stands in the way, and other leases");
	tap(passes(who_does_not_wait_is_refused), "who does not wait is refused, and the holder told once");
	tap(passes(who_waits_is_let_in), "who waits is let in when the holder gives up enough");
	tap(passes(truncate_breaks_it), "truncate breaks a lease");
	tap(passes(time_runs_out), "a holder has the time of lease-break-time");
	tap(passes(a_signal_ends_the_wait), "a signal ends the wait");
	tap(passes(it_is_the_open_files), "a lease is the open file's");
	tap(passes(the_list_has_it), "/proc/locks lists leases");
	tap(passes(taken_and_broken_at_once), "taken, broken and closed by many threads");
	return tap_end();
}
