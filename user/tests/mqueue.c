/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX message queues: order, waiting, being told, limits, the file system. The same program passes on
 * Linux, run as root. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include "child.h"
#include "tap.h"

#define NAME         "/test-queue"
#define MQUEUE_MAGIC 0x19800202

static char buf[65536];

static mqd_t make(int flags, long count, long size)
{
	struct mq_attr attr = { .mq_maxmsg = count, .mq_msgsize = size };

	mq_unlink(NAME);
	return mq_open(NAME, O_CREAT | O_EXCL | O_RDWR | flags, 0600, &attr);
}

static struct timespec in_ms(long ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += ms * 1000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

static int joined(pid_t pid)
{
	int status = -1;

	return waitpid(pid, &status, 0) == pid ? status : -1;
}

/* --- order and waiting --- */

static void order(void)
{
	static const struct {
		char text;
		unsigned priority;
	} sent[] = { { 'a', 1 }, { 'b', 5 }, { 'c', 1 }, { 'd', 32767 }, { 'e', 5 }, { 'f', 0 } };
	static const char expected[] = "dbeacf";
	mqd_t q = make(O_NONBLOCK, 6, 1);
	unsigned priority;

	for (int i = 0; i < 6; i++)
		need(mq_send(q, &sent[i].text, 1, sent[i].priority) == 0);
	need(mq_send(q, "x", 1, 0) == -1 && errno == EAGAIN);
	for (int i = 0; i < 6; i++)
		need(mq_receive(q, buf, 1, &priority) == 1 && buf[0] == expected[i]);
	need(priority == 0 && mq_receive(q, buf, 1, NULL) == -1 && errno == EAGAIN);
	need(mq_send(q, "x", 1, 32768) == -1 && errno == EINVAL);
	need(mq_send(q, "xx", 2, 0) == -1 && errno == EMSGSIZE);
	need(mq_send(q, "", 0, 0) == 0 && mq_receive(q, buf, 0, NULL) == -1 && errno == EMSGSIZE);
	need(mq_receive(q, buf, 1, NULL) == 0);
}

/* A thousand messages through room for three, each way a child that waits. */
static void waiting(void)
{
	mqd_t q = make(0, 3, sizeof(int));
	pid_t pid = fork();
	int n;

	if (pid == 0) {
		for (int i = 0; i < 1000; i++)
			need(mq_send(q, (char *)&i, sizeof(i), 0) == 0);
		_exit(0);
	}
	for (int i = 0; i < 1000; i++)
		need(mq_receive(q, (char *)&n, sizeof(n), NULL) == sizeof(n) && n == i);
	need(joined(pid) == 0);
}

static void deadlines(void)
{
	mqd_t q = make(0, 1, 8);
	struct timespec soon = in_ms(50), past = { 1, 0 }, wrong = { 0, 1000000000 };

	need(mq_timedreceive(q, buf, 8, NULL, &soon) == -1 && errno == ETIMEDOUT);
	need(mq_timedreceive(q, buf, 8, NULL, &past) == -1 && errno == ETIMEDOUT);
	need(mq_timedsend(q, "1", 1, 0, &past) == 0); /* there is room */
	soon = in_ms(50);
	need(mq_timedsend(q, "2", 1, 0, &soon) == -1 && errno == ETIMEDOUT);
	need(mq_timedsend(q, "2", 1, 0, &wrong) == -1 && errno == EINVAL);
	need(mq_timedreceive(q, buf, 8, NULL, &past) == 1 && buf[0] == '1');
}

/* Children that wait begin in this order; those of less urgency came first. */
static void in_turn(void (*wait)(mqd_t q, int n), mqd_t q, pid_t pids[4])
{
	static const int nice_of[4] = { 10, 0, 0, -5 };

	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			need(nice(nice_of[i]) == nice_of[i]);
			wait(q, i);
			_exit(0);
		}
		need(pids[i] > 0);
		until_state(pids[i], 'S');
	}
}

static void send_own(mqd_t q, int n)
{
	char text = (char)('0' + n);

	need(mq_send(q, &text, 1, 0) == 0);
}

static void receive_own(mqd_t q, int n)
{
	char text;

	need(mq_receive(q, &text, 1, NULL) == 1 && text == (char)('0' + n));
}

/* Receivers and senders alike: the most urgent first, then who came first, whoever runs first. */
static void urgency(void)
{
	static const char expected[] = "3120";
	mqd_t q = make(0, 1, 1);
	pid_t pids[4];

	in_turn(receive_own, q, pids);
	for (int i = 0; i < 4; i++)
		need(mq_send(q, &expected[i], 1, 0) == 0);
	for (int i = 0; i < 4; i++)
		need(joined(pids[i]) == 0);
	need(mq_send(q, "x", 1, 0) == 0);
	in_turn(send_own, q, pids);
	need(mq_receive(q, buf, 1, NULL) == 1 && buf[0] == 'x');
	for (int i = 0; i < 4; i++)
		need(mq_receive(q, buf, 1, NULL) == 1 && buf[0] == expected[i]);
	for (int i = 0; i < 4; i++)
		need(joined(pids[i]) == 0);
}

static void on_signal(int signo)
{
	(void)signo;
}

static void interrupted(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	mqd_t q = make(0, 1, 8);

	sigaction(SIGALRM, &action, NULL);
	ualarm(50000, 0);
	need(mq_receive(q, buf, 8, NULL) == -1 && errno == EINTR);
	need(mq_send(q, "", 0, 0) == 0);
	ualarm(50000, 0);
	need(mq_send(q, "", 0, 0) == -1 && errno == EINTR);
}

static void polled(void)
{
	mqd_t q = make(0, 1, 8);
	struct pollfd p = { .fd = q, .events = POLLIN | POLLOUT };
	pid_t pid;

	need(poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
	need(mq_send(q, "", 0, 0) == 0 && poll(&p, 1, 0) == 1 && p.revents == POLLIN);
	p.events = POLLOUT;
	pid = fork();
	if (pid == 0) {
		usleep(50000);
		_exit(mq_receive(q, buf, 8, NULL) != 0);
	}
	need(poll(&p, 1, 5000) == 1 && p.revents == POLLOUT && joined(pid) == 0);
}

/* --- being told --- */

static volatile sig_atomic_t told;
static siginfo_t how_told;

static void on_message(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	how_told = *info;
	told++;
}

static void notified(void)
{
	struct sigaction action = { .sa_sigaction = on_message, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGUSR1,
				  .sigev_value.sival_int = 77 };
	mqd_t q = make(O_NONBLOCK, 4, 8);
	pid_t pid;

	sigaction(SIGUSR1, &action, NULL);
	need(mq_notify(q, &event) == 0);
	need(mq_notify(q, &event) == -1 && errno == EBUSY);
	pid = fork();
	if (pid == 0) {
		need(mq_notify(q, &event) == -1 && errno == EBUSY);
		need(mq_notify(q, NULL) == 0); /* not its own: stays */
		_exit(mq_send(q, "1", 1, 0) != 0);
	}
	need(joined(pid) == 0);
	need(told == 1 && how_told.si_code == SI_MESGQ && how_told.si_pid == pid &&
	     how_told.si_uid == getuid() && how_told.si_value.sival_int == 77);
	need(mq_send(q, "2", 1, 0) == 0 && told == 1);                              /* once only */
	need(mq_notify(q, &event) == 0 && mq_send(q, "3", 1, 0) == 0 && told == 1); /* it was not empty */
	while (mq_receive(q, buf, 8, NULL) >= 0)
		;
	need(mq_send(q, "4", 1, 0) == 0 && told == 2);
	mq_receive(q, buf, 8, NULL);
	need(mq_notify(q, &event) == 0 && mq_notify(q, NULL) == 0 && mq_send(q, "5", 1, 0) == 0 && told == 2);
}

/* A descriptor closed, or a receiver that waits: nobody is told. */
static void not_notified(void)
{
	struct sigaction action = { .sa_sigaction = on_message, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	mqd_t q = make(0, 4, 8), other = mq_open(NAME, O_RDWR);
	pid_t pid;

	sigaction(SIGUSR1, &action, NULL);
	need(mq_notify(q, &event) == 0 && mq_close(other) == 0);
	need(mq_send(q, "", 0, 0) == 0 && told == 0 && mq_receive(q, buf, 8, NULL) == 0);
	pid = fork();
	if (pid == 0)
		_exit(mq_receive(q, buf, 8, NULL) != 0);
	usleep(100000);
	need(mq_notify(q, &event) == 0 && mq_send(q, "", 0, 0) == 0 && joined(pid) == 0 && told == 0);
	need(mq_send(q, "", 0, 0) == 0 && told == 1);
	event.sigev_signo = 65;
	need(mq_notify(q, &event) == -1 && errno == EINVAL);
	need(mq_notify(0, &event) == -1);
}

/* --- attributes and limits --- */

static void attributes(void)
{
	struct mq_attr attr, set = { .mq_flags = O_NONBLOCK, .mq_maxmsg = 99 };
	mqd_t q = make(0, 7, 32);

	need(mq_send(q, "x", 1, 0) == 0 && mq_getattr(q, &attr) == 0);
	need(attr.mq_flags == 0 && attr.mq_maxmsg == 7 && attr.mq_msgsize == 32 && attr.mq_curmsgs == 1);
	need(mq_setattr(q, &set, &attr) == 0 && attr.mq_flags == 0 && mq_getattr(q, &attr) == 0);
	need(attr.mq_flags == O_NONBLOCK && attr.mq_maxmsg == 7);
	need(fcntl(q, F_GETFL) & O_NONBLOCK && fcntl(q, F_GETFD) == FD_CLOEXEC);
	set.mq_flags = O_APPEND;
	need(mq_setattr(q, &set, NULL) == -1 && errno == EINVAL);
	need(mq_getattr(0, &attr) == -1 && errno == EBADF);
}

static void sizes(void)
{
	struct rlimit limit = { 10 * (8192 + 96) * 2, 10 * (8192 + 96) * 2 };
	mqd_t a, b;

	need(make(0, 0, 8) == -1 && errno == EINVAL);
	need(make(0, 8, 0) == -1 && errno == EINVAL);
	need(make(0, 65537, 1) == -1 && errno == EINVAL);
	need(make(0, 65536, 65536) == -1 && errno == EMFILE);
	need(make(0, 11, 8193) >= 0); /* root may */
	need(setresuid(1000, 1000, 1000) == 0 && setrlimit(RLIMIT_MSGQUEUE, &limit) == 0);
	struct mq_attr large = { .mq_maxmsg = 11, .mq_msgsize = 8 };
	need(mq_open("/other", O_CREAT | O_RDWR, 0600, &large) == -1 && errno == EINVAL);
	a = mq_open("/one", O_CREAT | O_RDWR, 0600, NULL);
	b = mq_open("/two", O_CREAT | O_RDWR, 0600, NULL);
	need(a >= 0 && b >= 0 && mq_open("/three", O_CREAT | O_RDWR, 0600, NULL) == -1 && errno == EMFILE);
	need(mq_unlink("/one") == 0 && mq_open("/three", O_CREAT | O_RDWR, 0600, NULL) == -1);
	need(mq_close(a) == 0 && (a = mq_open("/three", O_CREAT | O_RDWR, 0600, NULL)) >= 0);
	need(mq_open(NAME, O_RDWR) == -1 && errno == EACCES);
	need(mq_unlink(NAME) == -1 &&
	     (errno == EPERM || errno == EACCES)); /* musl turns one into the other */
	need(mq_unlink("/two") == 0 && mq_unlink("/three") == 0);
}

static void names(void)
{
	mqd_t q = make(0, 2, 8), reader = mq_open(NAME, O_RDONLY);

	need(reader >= 0 && mq_send(reader, "", 0, 0) == -1 && errno == EBADF);
	need(mq_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0600, NULL) == -1 && errno == EEXIST);
	need(mq_open("/a/b", O_CREAT | O_RDWR, 0600, NULL) == -1 && errno == EACCES);
	need(mq_open("/none", O_RDWR) == -1 && errno == ENOENT);
	need(mq_send(q, "stays", 5, 0) == 0 && mq_unlink(NAME) == 0);
	need(mq_open(NAME, O_RDWR) == -1 && errno == ENOENT && mq_unlink(NAME) == -1 && errno == ENOENT);
	need(mq_receive(reader, buf, 8, NULL) == 5);
	need(write(q, "x", 1) == -1 && errno == EINVAL);
}

/* --- the file system --- */

static const char *status(const char *path)
{
	static char text[128];
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static bool lists(const char *path, const char *name)
{
	DIR *d = opendir(path);
	struct dirent *e;
	bool found = false;

	while (d && (e = readdir(d)) != NULL)
		found |= strcmp(e->d_name, name) == 0 && e->d_type == DT_REG;
	if (d)
		closedir(d);
	return found;
}

static void mounted(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	mqd_t q = make(0, 4, 16), from_path, other;
	char path[64], want[128];
	struct statfs fs;
	struct stat st;

	need(mkdir("/tmp/mq", 0755) == 0 && mount("none", "/tmp/mq", "mqueue", 0, NULL) == 0);
	snprintf(path, sizeof(path), "/tmp/mq%s", NAME);
	need(statfs("/tmp/mq", &fs) == 0 && fs.f_type == MQUEUE_MAGIC && lists("/tmp/mq", NAME + 1));
	need(stat("/tmp/mq", &st) == 0 && st.st_mode == (S_IFDIR | 01777) && stat(path, &st) == 0);
	need(st.st_mode == (S_IFREG | 0600) && st.st_size == 80);
	need(mq_send(q, "12345", 5, 0) == 0);
	need(strcmp(status(path), "QSIZE:5          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n") == 0);
	need(mq_notify(q, &event) == 0);
	from_path = open(path, O_RDWR);
	need(from_path >= 0 && mq_receive(from_path, buf, 16, NULL) == 5 &&
	     mq_send(from_path, "xy", 2, 0) == 0);
	snprintf(want, sizeof(want), "QSIZE:2          NOTIFY:0     SIGNO:0     NOTIFY_PID:%-6d\n", 0);
	need(strcmp(status(path), want) == 0);
	need(unlink(path) == 0 && mq_open(NAME, O_RDWR) == -1 && errno == ENOENT);
	close(open("/tmp/mq/made", O_CREAT | O_RDWR, 0600));
	need((other = mq_open("/made", O_RDONLY)) >= 0 && mq_unlink("/made") == 0);
	need(mkdir("/tmp/mq/dir", 0700) == -1 && errno == EPERM);
	need(mq_close(other) == 0 && close(from_path) == 0);
	need(umount("/tmp/mq") == 0 && rmdir("/tmp/mq") == 0);
}

static void notified_ignoring(void)
{
	signal(SIGUSR1, SIG_IGN);
	mounted();
}

int main(void)
{
	tap(passes(order), "by priority, then by age");
	tap(passes(waiting), "who finds no room, or no message, waits");
	tap(passes(deadlines), "until a time");
	tap(passes(urgency), "the most urgent first");
	tap(passes(interrupted), "or a signal");
	tap(passes(polled), "poll");
	tap(passes(notified), "a signal for a message in an empty queue, once");
	tap(passes(not_notified), "none for who closed it, or while somebody waits");
	tap(passes(attributes), "attributes");
	tap(passes(sizes), "limits: of a queue, of a user");
	tap(passes(names), "names come and go, queues stay while they are open");
	tap(passes(notified_ignoring), "the file system");
	mq_unlink(NAME);
	return tap_end();
}
