/* SPDX-License-Identifier: BSD-2-Clause */
/* Pseudo-terminals: names, locking, data both ways, packet mode, window size, hang-ups, job control.  Runs on
 * Linux, too (as root). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tap.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif
#ifndef TIOCGPTLCK
#define TIOCGPTLCK 0x80045439
#endif
#ifndef TIOCGPKT
#define TIOCGPKT 0x80045438
#endif
#ifndef TIOCPKT_FLUSHREAD
#define TIOCPKT_FLUSHREAD  1
#define TIOCPKT_FLUSHWRITE 2
#define TIOCPKT_STOP       4
#define TIOCPKT_START      8
#define TIOCPKT_NOSTOP     16
#define TIOCPKT_DOSTOP     32
#endif

#define FAILS(call, error)                                                                              \
	do {                                                                                            \
		errno = 0;                                                                              \
		long r_ = (long)(call);                                                                 \
		if (r_ != -1 || errno != (error))                                                       \
			printf("# %s: result %ld, errno %d, expected %d\n", #call, r_, errno, (error)); \
		tap(r_ == -1 && errno == (error), #call " -> " #error);                                 \
	} while (0)

#define IS(e) tap((e), #e)

/* A read ends after two seconds at the latest, and then says nothing. */
static ssize_t read_soon(int fd, char *buf, size_t size)
{
	struct pollfd p = { fd, POLLIN, 0 };

	if (poll(&p, 1, 2000) <= 0)
		return -2;
	return read(fd, buf, size);
}

static bool reads(int fd, const char *expected)
{
	char buf[512];
	size_t done = 0, len = strlen(expected);

	while (done < len) {
		ssize_t n = read_soon(fd, buf + done, sizeof(buf) - 1 - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	buf[done] = '\0';
	if (strcmp(buf, expected) != 0)
		printf("# read \"%s\", expected \"%s\"\n", buf, expected);
	return strcmp(buf, expected) == 0;
}

static int events(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLPRI, 0 };

	poll(&p, 1, 0);
	return p.revents;
}

static int open_master(void)
{
	return open("/dev/ptmx", O_RDWR | O_NOCTTY);
}

static void slave_name(int master, char name[32])
{
	int n = -1;

	ioctl(master, TIOCGPTN, &n);
	snprintf(name, 32, "/dev/pts/%d", n);
}

static int open_slave(int master)
{
	int off = 0;
	char name[32];

	ioctl(master, TIOCSPTLCK, &off);
	slave_name(master, name);
	return open(name, O_RDWR | O_NOCTTY);
}

static void set_raw(int fd)
{
	struct termios t;

	tcgetattr(fd, &t);
	cfmakeraw(&t);
	tcsetattr(fd, TCSANOW, &t);
}

/* --- names and locks ------------------------------------------------------------------------------------ */

static void names_and_locks(void)
{
	int m = open_master(), m2, s, n = -1, locked = -1, off = 0, peer;
	struct stat st, fst;
	char name[32], buf[64];

	IS(m >= 0);
	IS(ioctl(m, TIOCGPTN, &n) == 0 && n >= 0);
	slave_name(m, name);
	IS(stat(name, &st) == 0 && S_ISCHR(st.st_mode));
	IS(major(st.st_rdev) == 136 && (int)minor(st.st_rdev) == n);
	IS(ioctl(m, TIOCGPTLCK, &locked) == 0 && locked == 1);
	FAILS(open(name, O_RDWR | O_NOCTTY), EIO);
	IS(ioctl(m, TIOCSPTLCK, &off) == 0);
	IS(ioctl(m, TIOCGPTLCK, &locked) == 0 && locked == 0);
	s = open(name, O_RDWR | O_NOCTTY);
	IS(s >= 0 && isatty(s));
	IS(ttyname_r(s, buf, sizeof(buf)) == 0 && strcmp(buf, name) == 0);
	peer = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	IS(peer >= 0 && fstat(peer, &fst) == 0 && fst.st_ino == st.st_ino && fst.st_dev == st.st_dev);
	IS(fcntl(peer, F_GETFD) == FD_CLOEXEC);
	close(peer);
	m2 = open_master();
	IS(ioctl(m2, TIOCGPTN, &off) == 0 && off != n);
	close(m2);
	FAILS(ioctl(s, TIOCGPTN, &n), ENOTTY);
	FAILS(ioctl(s, TIOCSPTLCK, &n), ENOTTY);
	FAILS(ioctl(m, TIOCGPTN, (void *)8), EFAULT);
	FAILS(unlink(name), EPERM);
	FAILS(mkdir("/dev/pts/x", 0755), EPERM);
	IS(chmod(name, 0600) == 0 && stat(name, &st) == 0 && (st.st_mode & 07777) == 0600);
	close(m);
	FAILS(open(name, O_RDWR | O_NOCTTY), ENOENT);
	close(s);
}

/* --- data ----------------------------------------------------------------------------------------------- */

static void lines_and_echo(void)
{
	int m = open_master(), s = open_slave(m), n = -1;

	IS(write(m, "hello\r", 6) == 6);
	IS(reads(s, "hello\n"));
	IS(reads(m, "hello\r\n"));
	IS(write(s, "a\nb", 3) == 3);
	usleep(20000);
	IS(ioctl(m, FIONREAD, &n) == 0 && n == 4);
	IS(reads(m, "a\r\nb"));
	IS(write(m, "x\177y\n", 4) == 4);
	IS(ioctl(s, FIONREAD, &n) == 0 && n == 2);
	IS(reads(s, "y\n"));
	IS(reads(m, "x\b \by\r\n"));
	IS(write(m, "\004", 1) == 1);
	IS(read(s, &n, sizeof(n)) == 0);
	IS(tcdrain(s) == 0 && tcdrain(m) == 0);
	close(s);
	close(m);
}

static void flush_and_raw(void)
{
	int m = open_master(), s = open_slave(m), n;
	char buf[8];

	set_raw(s);
	IS(write(m, "\r\003\n", 3) == 3 && reads(s, "\r\003\n"));
	IS(write(m, "gone", 4) == 4 && tcflush(s, TCIFLUSH) == 0);
	fcntl(s, F_SETFL, O_NONBLOCK);
	FAILS(read(s, buf, sizeof(buf)), EAGAIN);
	IS(write(s, "there", 5) == 5 && tcflush(s, TCOFLUSH) == 0 && reads(m, "there"));
	fcntl(m, F_SETFL, O_NONBLOCK);
	FAILS(read(m, buf, sizeof(buf)), EAGAIN);
	FAILS(tcflush(s, 7), EINVAL);
	IS(ioctl(s, TIOCOUTQ, &n) == 0 && n == 0);
	IS(tcflow(s, TCOOFF) == 0);
	FAILS(write(s, "later", 5), EAGAIN);
	IS(tcflow(s, TCOON) == 0 && write(s, "later", 5) == 5 && reads(m, "later"));
	close(s);
	close(m);
}

/* More than fits at once, both ways. */
static void much_data(void)
{
	enum { TOTAL = 300000 };
	int m = open_master(), s = open_slave(m), bad = 0;
	size_t done = 0;
	pid_t pid;

	set_raw(s);
	pid = fork();
	if (pid == 0) {
		unsigned char buf[700];

		close(m);
		for (size_t sent = 0; sent < TOTAL;) { /* send back what comes */
			ssize_t n = read(s, buf, sizeof(buf));

			if (n <= 0 || write(s, buf, (size_t)n) != n)
				_exit(1);
			sent += (size_t)n;
		}
		_exit(0);
	}
	for (size_t sent = 0; done < TOTAL;) {
		struct pollfd p = { m, (short)(sent < TOTAL ? POLLIN | POLLOUT : POLLIN), 0 };
		unsigned char buf[512];

		if (poll(&p, 1, 5000) <= 0)
			break;
		if (p.revents & POLLIN) {
			ssize_t n = read(m, buf, sizeof(buf));

			for (ssize_t i = 0; i < n; i++, done++)
				bad += buf[i] != (unsigned char)(done % 251);
			if (n <= 0)
				break;
		}
		if ((p.revents & POLLOUT) && sent < TOTAL) {
			ssize_t n;
			size_t len = TOTAL - sent < 100 ? TOTAL - sent : 100;

			for (size_t i = 0; i < len; i++)
				buf[i] = (unsigned char)((sent + i) % 251);
			n = write(m, buf, len);
			if (n > 0)
				sent += (size_t)n;
		}
	}
	IS(done == TOTAL && bad == 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(s);
	close(m);
}

/* A line that never ends, of which most is thrown away: typing it costs no more the longer it is, and its
 * writer can be killed in the middle of a write. */
static void endless_line(void)
{
	enum { SIZE = 16 << 20 };
	int m = open_master(), s = open_slave(m), status;
	char *text = malloc(SIZE);
	pid_t pid;

	memset(text, 'o', SIZE);
	pid = fork();
	if (pid == 0)
		for (;;)
			(void)!write(m, text, SIZE);
	usleep(50000);
	kill(pid, SIGKILL);
	IS(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	free(text);
	close(s);
	close(m);
}

/* --- packet mode ---------------------------------------------------------------------------------------- */

static int packet(int m)
{
	unsigned char c = 0xff;

	return read_soon(m, (char *)&c, 1) == 1 ? c : -1;
}

static void packet_mode(void)
{
	int m = open_master(), s = open_slave(m), on = 1, is = 0;
	struct termios t;
	char buf[8];

	IS(ioctl(m, TIOCPKT, &on) == 0 && ioctl(m, TIOCGPKT, &is) == 0 && is == 1);
	IS(write(s, "ab", 2) == 2 && read_soon(m, buf, sizeof(buf)) == 3 && memcmp(buf, "\0ab", 3) == 0);
	tcflush(s, TCIFLUSH);
	IS(events(m) & POLLPRI);
	IS(packet(m) == TIOCPKT_FLUSHREAD);
	tcflush(s, TCOFLUSH);
	IS(packet(m) == TIOCPKT_FLUSHWRITE);
	tcflow(s, TCOOFF);
	IS(packet(m) == TIOCPKT_STOP);
	tcflow(s, TCOON);
	IS(packet(m) == TIOCPKT_START);
	tcgetattr(s, &t);
	t.c_iflag &= ~(tcflag_t)IXON;
	tcsetattr(s, TCSANOW, &t);
	IS(packet(m) == TIOCPKT_NOSTOP);
	t.c_iflag |= IXON;
	tcsetattr(s, TCSANOW, &t);
	IS(packet(m) == TIOCPKT_DOSTOP);
	IS(!(events(m) & (POLLIN | POLLPRI)));
	close(s);
	close(m);
}

/* --- the end of either side ----------------------------------------------------------------------------- */

static void slave_goes_first(void)
{
	int m = open_master(), s;
	char buf[8];

	IS(events(m) == POLLOUT);
	s = open_slave(m);
	IS(write(s, "last", 4) == 4);
	close(s);
	IS((events(m) & (POLLIN | POLLHUP)) == (POLLIN | POLLHUP));
	IS(read(m, buf, sizeof(buf)) == 4);
	FAILS(read(m, buf, sizeof(buf)), EIO);
	IS(write(m, "x", 1) == 1); /* the next one reads it */
	s = open_slave(m);
	IS(s >= 0 && !(events(m) & POLLHUP));
	IS(write(m, "again\n", 6) == 6 && reads(s, "xagain\n"));
	close(s);
	close(m);
}

static void master_goes_first(void)
{
	int m = open_master(), s = open_slave(m);
	struct termios t;
	char buf[8], link[64];
	ssize_t n;

	close(m);
	IS(read(s, buf, sizeof(buf)) == 0);
	FAILS(write(s, "x", 1), EIO);
	FAILS(tcgetattr(s, &t), EIO);
	IS((events(s) & (POLLIN | POLLHUP | POLLERR)) == (POLLIN | POLLHUP | POLLERR));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", s);
	n = readlink(link, buf, sizeof(buf));
	IS(n > 0);
	close(s);
}

static volatile sig_atomic_t hangups;

static void on_hangup(int signo)
{
	static const char text[] = "H";

	(void)!write(9, text, signo == SIGHUP);
	hangups++;
}

/* A session leader on the slave; says "R" in the pipe when it is there, "H" at SIGHUP. */
static pid_t start_leader(int m, const char *name, int pipe_fd)
{
	pid_t pid = fork();
	int s;

	if (pid)
		return pid;
	close(m);
	dup2(pipe_fd, 9);
	signal(SIGHUP, on_hangup);
	setsid();
	s = open(name, O_RDWR); /* becomes the controlling terminal */
	if (s < 0 || tcgetpgrp(s) != getpid())
		_exit(1);
	(void)!write(9, "R", 1);
	while (hangups < 2)
		usleep(1000);
	_exit(open("/dev/tty", O_RDWR) < 0 && errno == ENXIO ? 42 : 43);
}

static void hangup_signals_the_leader(void)
{
	int m = open_master(), off = 0, p[2], status = 0;
	char name[32], c = 0;
	pid_t pid;

	ioctl(m, TIOCSPTLCK, &off);
	slave_name(m, name);
	(void)!pipe(p);
	pid = start_leader(m, name, p[1]);
	IS(read_soon(p[0], &c, 1) == 1 && c == 'R');
	IS(ioctl(m, TIOCGSID, &off) == 0 && off == pid);
	IS(ioctl(m, TIOCGPGRP, &off) == 0 && off == pid);
	close(m);
	IS(read_soon(p[0], &c, 1) == 1 && c == 'H');
	usleep(20000);
	kill(pid, SIGHUP);
	waitpid(pid, &status, 0);
	IS(WIFEXITED(status) && WEXITSTATUS(status) == 42);
	close(p[0]);
	close(p[1]);
}

/* --- sessions ------------------------------------------------------------------------------------------- */

static int in_session(int (*body)(int s, int m))
{
	int m = open_master(), s = open_slave(m), status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		setsid();
		alarm(10);
		_exit(ioctl(s, TIOCSCTTY, 0) < 0 ? 99 : body(s, m));
	}
	waitpid(pid, &status, 0);
	close(s);
	close(m);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static volatile sig_atomic_t got;

static void note(int signo)
{
	got = signo;
}

/* Typing is processed in its own time. */
static bool got_soon(int signo)
{
	for (int i = 0; i < 2000 && got != signo; i++)
		usleep(1000);
	return got == signo;
}

static int window_size(int s, int m)
{
	struct winsize w = { 24, 80, 0, 0 }, back;

	signal(SIGWINCH, note);
	if (ioctl(m, TIOCSWINSZ, &w) < 0 || ioctl(s, TIOCGWINSZ, &back) < 0)
		return 1;
	if (back.ws_row != 24 || back.ws_col != 80 || got != SIGWINCH)
		return 2;
	got = 0;
	if (ioctl(m, TIOCSWINSZ, &w) < 0 || got) /* the same again: no signal */
		return 3;
	w.ws_row = 50;
	return ioctl(s, TIOCSWINSZ, &w) == 0 && got == SIGWINCH ? 0 : 4;
}

static int typed_signals(int s, int m)
{
	signal(SIGINT, note);
	signal(SIGQUIT, note);
	signal(SIGTSTP, note);
	if (write(m, "abc\003", 4) != 4 || !got_soon(SIGINT))
		return 1;
	if (write(m, "\034", 1) != 1 || !got_soon(SIGQUIT))
		return 2;
	if (write(m, "\032", 1) != 1 || !got_soon(SIGTSTP))
		return 3;
	if (ioctl(m, TIOCSIG, SIGINT) < 0 || !got_soon(SIGINT))
		return 4;
	if (ioctl(m, TIOCSIG, SIGKILL) == 0 || errno != EINVAL)
		return 5;
	return ioctl(s, TIOCSIG, SIGINT) < 0 && errno == ENOTTY ? 0 : 6;
}

static long stat_field(const char *file, int index)
{
	char text[1024] = "", *p;
	int fd = open(file, O_RDONLY);

	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	p = strrchr(text, ')');
	for (int i = 2; p && i < index; i++)
		p = strchr(p + 1, ' ');
	return p ? strtol(p, NULL, 10) : -1;
}

static int own_terminal(int s, int m)
{
	struct stat st;
	int tty = open("/dev/tty", O_RDWR);
	char buf[8];

	(void)m;
	if (tty < 0 || write(tty, "x", 1) != 1 || read(m, buf, 1) != 1)
		return 1;
	fstat(s, &st);
	if (stat_field("/proc/self/stat", 7) != (long)st.st_rdev ||
	    stat_field("/proc/self/stat", 8) != getpid())
		return 2;
	if (ioctl(s, TIOCSCTTY, 0) < 0) /* has it already */
		return 3;
	if (ioctl(m, TIOCNOTTY) == 0)
		return 4;
	signal(SIGHUP, note);
	if (ioctl(s, TIOCNOTTY) < 0 || got != SIGHUP)
		return 5;
	if (open("/dev/tty", O_RDWR) >= 0 || errno != ENXIO)
		return 6;
	if (write(s, "y", 1) != 1) /* no hang-up */
		return 7;
	return stat_field("/proc/self/stat", 7) == 0 ? 0 : 8;
}

/* A background child that reads is stopped by SIGTTIN, one that writes with TOSTOP by SIGTTOU. */
static int background(int s, int m)
{
	for (int round = 0; round < 3; round++) {
		int status;
		struct termios t;
		pid_t pid;

		tcgetattr(s, &t);
		t.c_lflag |= TOSTOP;
		tcsetattr(s, TCSANOW, &t);
		pid = fork();
		if (pid == 0) {
			char c;
			long n;

			setpgid(0, 0);
			n = round == 0   ? read(s, &c, 1)
			    : round == 1 ? write(s, "w", 1)
					 : tcsetattr(s, TCSANOW, &t);
			_exit(n < 0 ? errno : 0);
		}
		setpgid(pid, pid);
		if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
			return 10 + round;
		if (WSTOPSIG(status) != (round == 0 ? SIGTTIN : SIGTTOU))
			return 20 + round;
		if (ioctl(s, TIOCSPGRP, &pid) < 0)
			return 30 + round;
		if (round == 0 && write(m, "z\n", 2) != 2)
			return 40;
		kill(pid, SIGCONT);
		if (waitpid(pid, &status, 0) != pid || status != 0)
			return 50 + round;
		signal(SIGTTOU, SIG_IGN);
		pid = getpid();
		if (ioctl(s, TIOCSPGRP, &pid) < 0)
			return 60 + round;
		signal(SIGTTOU, SIG_DFL);
	}
	return 0;
}

/* In an orphaned group there is nobody to continue it: EIO instead of a stop. */
static int orphan(int s, int m)
{
	int p[2], result = -1;
	pid_t pid;

	(void)m;
	(void)!pipe(p);
	pid = fork();
	if (pid == 0) {
		pid = fork();
		if (pid == 0) {
			char c;

			setpgid(0, 0);
			while (getppid() != 1 && getppid() == pid)
				usleep(1000);
			usleep(50000);
			result = read(s, &c, 1) < 0 ? errno : 0;
			(void)!write(p[1], &result, sizeof(result));
			_exit(0);
		}
		usleep(10000);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	(void)!read(p[0], &result, sizeof(result));
	return result == EIO ? 0 : result + 1;
}

/* A stopped member of a group that becomes orphaned gets SIGHUP and SIGCONT. */
static int orphan_is_woken(int s, int m)
{
	int p[2], result = -1;
	pid_t pid;

	(void)s;
	(void)m;
	(void)!pipe(p);
	pid = fork();
	if (pid == 0) {
		int status;

		setpgid(0, 0);
		pid = fork();
		if (pid == 0) {
			signal(SIGHUP, note);
			raise(SIGSTOP);
			result = got;
			(void)!write(p[1], &result, sizeof(result));
			_exit(0);
		}
		waitpid(pid, &status, WUNTRACED);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	(void)!read(p[0], &result, sizeof(result));
	return result == SIGHUP ? 0 : 1;
}

/* When the leader goes its terminal's foreground group hears of it, and the slave stays usable. */
static void leader_leaves(void)
{
	int m = open_master(), s = open_slave(m), p[2], result = 0;
	pid_t pid;

	(void)!pipe(p);
	pid = fork();
	if (pid == 0) {
		setsid();
		ioctl(s, TIOCSCTTY, 0);
		pid = fork();
		if (pid == 0) {
			signal(SIGHUP, note);
			(void)!write(p[1], "r", 1);
			while (!got)
				pause();
			result = write(s, "after", 5) == 5 && open("/dev/tty", O_RDWR) < 0 ? SIGHUP : 1;
			(void)!write(p[1], &result, sizeof(result));
			_exit(0);
		}
		(void)!read(p[0], &result, 1);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	close(p[1]);
	IS(read_soon(p[0], (char *)&result, sizeof(result)) == sizeof(result) && result == SIGHUP);
	IS(reads(m, "after"));
	close(p[0]);
	close(s);
	close(m);
}

/* A shell on the slave, as a terminal program would have it. */
/* A leader without a terminal: O_NOCTTY, by name or by TIOCGPTPEER, leaves it so; without, the first one is
 * its. */
static int first_terminal(void)
{
	char name[32];
	int m = open_master(), s, peer;

	if (setsid() < 0 || ioctl(m, TIOCSPTLCK, &(int){ 0 }) < 0 || ptsname_r(m, name, sizeof(name)) != 0)
		return 1;
	s = open(name, O_RDWR | O_NOCTTY);
	peer = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	if (s < 0 || peer < 0)
		return 2;
	if (fcntl(s, F_GETFL) & O_NOCTTY)
		return 3;
	if (open("/dev/tty", O_RDWR) >= 0 || errno != ENXIO)
		return 4;
	if (open(name, O_RDWR) < 0 || open("/dev/tty", O_RDWR) < 0)
		return 5;
	return 0;
}

static void open_without_control(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(first_terminal());
	waitpid(pid, &status, 0);
	if (status != 0)
		printf("# first_terminal: status %x\n", (unsigned)status);
	tap(status == 0, "O_NOCTTY keeps a session without a terminal");
}

static void shell_on_it(void)
{
	int m = open_master(), off = 0, status;
	char name[32], text[1024] = "";
	size_t len = 0;
	pid_t pid;

	ioctl(m, TIOCSPTLCK, &off);
	slave_name(m, name);
	pid = fork();
	if (pid == 0) {
		int s;

		setsid();
		s = open(name, O_RDWR);
		for (int i = 0; i < 3; i++)
			dup2(s, i);
		close(m);
		execl("/bin/sh", "sh", "-i", (char *)NULL);
		_exit(127);
	}
	(void)!write(m, "tty; echo $((6*7))done; exit 3\n", 31);
	while (len < sizeof(text) - 1) {
		ssize_t n = read_soon(m, text + len, sizeof(text) - 1 - len);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	waitpid(pid, &status, 0);
	IS(strstr(text, name) != NULL);
	IS(strstr(text, "42done") != NULL);
	IS(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	close(m);
}

/* Opens, closes, data and hang-ups at once: nobody is left waiting, and no number is lost. */
static void races(void)
{
	int first = -1, last = -1, m;

	m = open_master();
	ioctl(m, TIOCGPTN, &first);
	close(m);
	for (int i = 0; i < 4; i++) {
		if (fork())
			continue;
		for (int round = 0; round < 150; round++) {
			int master = open_master(), slave = open_slave(master);
			char c;
			pid_t pid = fork();

			if (pid == 0) {
				close(master);
				while (read(slave, &c, 1) > 0)
					(void)!write(slave, &c, 1);
				_exit(0);
			}
			(void)!write(master, "abc\n", round % 5);
			if (round & 1)
				close(slave);
			close(master);
			if (!(round & 1))
				close(slave);
			waitpid(pid, NULL, 0);
		}
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	m = open_master();
	ioctl(m, TIOCGPTN, &last);
	close(m);
	IS(first == last);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	names_and_locks();
	lines_and_echo();
	flush_and_raw();
	much_data();
	endless_line();
	packet_mode();
	slave_goes_first();
	master_goes_first();
	hangup_signals_the_leader();
	IS(in_session(window_size) == 0);
	IS(in_session(typed_signals) == 0);
	IS(in_session(own_terminal) == 0);
	IS(in_session(background) == 0);
	IS(in_session(orphan) == 0);
	IS(in_session(orphan_is_woken) == 0);
	leader_leaves();
	open_without_control();
	shell_on_it();
	races();
	return tap_end();
}
