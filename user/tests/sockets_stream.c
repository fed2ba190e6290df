/* SPDX-License-Identifier: BSD-2-Clause */
/* Local stream sockets, as socket(7) and unix(7) have them: all of this holds on Linux, too. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "child.h"
#include "sockets.h"
#include "tap.h"

/* --- pairs ---------------------------------------------------------------------------------------------- */

static void pair_carries_both_ways(void)
{
	char buf[8];
	int s[2];

	pair(SOCK_STREAM, s);
	need(write(s[0], "hello", 5) == 5);
	need(read(s[1], buf, 8) == 5 && memcmp(buf, "hello", 5) == 0);
	need(write(s[1], "back", 4) == 4);
	need(read(s[0], buf, 8) == 4 && memcmp(buf, "back", 4) == 0);
}

static void bytes_have_no_bounds(void)
{
	char buf[16];
	int s[2];

	pair(SOCK_STREAM, s);
	need(write(s[0], "abc", 3) == 3 && write(s[0], "defg", 4) == 4);
	need(read(s[1], buf, 2) == 2 && memcmp(buf, "ab", 2) == 0);
	need(read(s[1], buf, 16) == 5 && memcmp(buf, "cdefg", 5) == 0);
}

static void vectors_scatter_and_gather(void)
{
	char a[3], b[4];
	struct iovec out[] = { { "ab", 2 }, { "", 0 }, { "cdefg", 5 } };
	struct iovec in[] = { { a, 3 }, { b, 4 } };
	int s[2];

	pair(SOCK_STREAM, s);
	need(writev(s[0], out, 3) == 7);
	need(readv(s[1], in, 2) == 7 && memcmp(a, "abc", 3) == 0 && memcmp(b, "defg", 4) == 0);
}

static void much_arrives_unchanged(void)
{
	enum { SIZE = 1 << 20 };
	unsigned char *buf = malloc(SIZE), *got = malloc(SIZE);
	size_t done = 0;
	pid_t child;
	int s[2];

	for (int i = 0; i < SIZE; i++)
		buf[i] = (unsigned char)(i * 7 + i / 251);
	pair(SOCK_STREAM, s);
	child = fork();
	if (child == 0)
		_exit(write(s[0], buf, SIZE) != SIZE);
	while (done < SIZE) {
		ssize_t n = read(s[1], got + done, SIZE - done);

		need(n > 0);
		done += (size_t)n;
	}
	need(memcmp(buf, got, SIZE) == 0);
	need(ends_well(child));
}

static void full_says_so(void)
{
	static char buf[4096];
	struct pollfd p;
	int s[2], room = 0;

	pair(SOCK_STREAM | SOCK_NONBLOCK, s);
	while (write(s[0], buf, sizeof(buf)) > 0)
		room++;
	need(errno == EAGAIN && room > 10);
	p = (struct pollfd){ s[0], POLLOUT, 0 };
	need(poll(&p, 1, 0) == 0);
	while (read(s[1], buf, sizeof(buf)) > 0)
		;
	need(errno == EAGAIN);
	need(poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
}

static void blocked_writer_goes_on(void)
{
	static char buf[400000];
	size_t done = 0;
	pid_t child;
	int s[2];

	pair(SOCK_STREAM, s);
	child = fork();
	if (child == 0)
		_exit(write(s[0], buf, sizeof(buf)) != sizeof(buf));
	pause_ms(20);
	while (done < sizeof(buf)) {
		ssize_t n = read(s[1], buf, 10000);

		need(n > 0);
		done += (size_t)n;
	}
	need(ends_well(child));
}

static void nothing_there_is_eagain(void)
{
	char c;
	int s[2];

	pair(SOCK_STREAM, s);
	need(recv(s[0], &c, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
	need(recv(s[0], &c, 0, MSG_DONTWAIT) == -1 && errno == EAGAIN);
	need(read(s[0], &c, 0) == 0);
	need(write(s[1], "x", 1) == 1);
	need(recv(s[0], &c, 0, MSG_DONTWAIT) == 0);
	need(recv(s[0], &c, 1, MSG_DONTWAIT) == 1);
	need(send(s[0], &c, 0, 0) == 0 && write(s[0], &c, 0) == 0);
	need(recv(s[1], &c, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
}

static void peek_leaves_it(void)
{
	char buf[8];
	int s[2];

	pair(SOCK_STREAM, s);
	need(write(s[0], "abc", 3) == 3 && write(s[0], "def", 3) == 3);
	need(recv(s[1], buf, 2, MSG_PEEK) == 2 && memcmp(buf, "ab", 2) == 0);
	need(recv(s[1], buf, 8, MSG_PEEK) == 6 && memcmp(buf, "abcdef", 6) == 0);
	need(read(s[1], buf, 8) == 6 && memcmp(buf, "abcdef", 6) == 0);
}

static void waitall_waits_for_all(void)
{
	char buf[8];
	pid_t child;
	int s[2];

	pair(SOCK_STREAM, s);
	child = fork();
	if (child == 0) {
		need(write(s[0], "abc", 3) == 3);
		pause_ms(20);
		need(write(s[0], "defgh", 5) == 5);
		_exit(0);
	}
	need(recv(s[1], buf, 8, MSG_WAITALL) == 8 && memcmp(buf, "abcdefgh", 8) == 0);
	need(ends_well(child));
	need(write(s[0], "xy", 2) == 2 && close(s[0]) == 0);
	need(recv(s[1], buf, 8, MSG_WAITALL) == 2);
}

/* --- ends ----------------------------------------------------------------------------------------------- */

static void close_is_the_end(void)
{
	char c;
	int s[2];

	pair(SOCK_STREAM, s);
	need(write(s[0], "x", 1) == 1 && close(s[0]) == 0);
	need(events_of(s[1]) == (POLLIN | POLLOUT | POLLHUP | POLLRDHUP));
	need(read(s[1], &c, 1) == 1 && read(s[1], &c, 1) == 0 && read(s[1], &c, 1) == 0);
	signal(SIGPIPE, SIG_IGN);
	need(write(s[1], "x", 1) == -1 && errno == EPIPE);
}

static void unread_data_are_a_reset(void)
{
	char c;
	int s[2];

	pair(SOCK_STREAM, s);
	need(write(s[1], "x", 1) == 1 && close(s[0]) == 0);
	need(events_of(s[1]) == (POLLIN | POLLOUT | POLLHUP | POLLRDHUP | POLLERR));
	need(read(s[1], &c, 1) == -1 && errno == ECONNRESET);
	need(read(s[1], &c, 1) == 0);
}

static void error_option_takes_the_error(void)
{
	char c;
	int s[2];

	pair(SOCK_STREAM, s);
	need(write(s[1], "x", 1) == 1 && close(s[0]) == 0);
	need(option(s[1], SO_ERROR) == ECONNRESET && option(s[1], SO_ERROR) == 0);
	need(read(s[1], &c, 1) == 0);
}

static volatile sig_atomic_t pipes;
static void on_pipe(int signo)
{
	pipes += signo == SIGPIPE;
}

static void broken_pipe_is_signalled(void)
{
	int s[2];

	signal(SIGPIPE, on_pipe);
	pair(SOCK_STREAM, s);
	need(close(s[0]) == 0);
	need(write(s[1], "x", 1) == -1 && errno == EPIPE && pipes == 1);
	need(send(s[1], "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE && pipes == 1);
	need(send(s[1], "x", 1, 0) == -1 && errno == EPIPE && pipes == 2);
}

static void shut_for_writing(void)
{
	char c;
	int s[2];

	signal(SIGPIPE, SIG_IGN);
	pair(SOCK_STREAM, s);
	need(write(s[0], "x", 1) == 1 && shutdown(s[0], SHUT_WR) == 0);
	need(write(s[0], "x", 1) == -1 && errno == EPIPE);
	need(events_of(s[1]) == (POLLIN | POLLOUT | POLLRDHUP));
	need(read(s[1], &c, 1) == 1 && read(s[1], &c, 1) == 0);
	need(write(s[1], "y", 1) == 1 && read(s[0], &c, 1) == 1 && c == 'y');
	need(shutdown(s[0], SHUT_RD) == 0);
	need(events_of(s[0]) == (POLLIN | POLLOUT | POLLHUP | POLLRDHUP));
	need(write(s[1], "y", 1) == -1 && errno == EPIPE);
	need(shutdown(s[0], 3) == -1 && errno == EINVAL);
	need(shutdown(s[0], -1) == -1 && errno == EINVAL);
}

static void shut_for_reading(void)
{
	char c;
	int s[2];

	signal(SIGPIPE, SIG_IGN);
	pair(SOCK_STREAM, s);
	need(write(s[1], "x", 1) == 1 && shutdown(s[0], SHUT_RD) == 0);
	need(read(s[0], &c, 1) == 1 && read(s[0], &c, 1) == 0);
	need(write(s[1], "x", 1) == -1 && errno == EPIPE);
}

static void end_wakes_who_waits(void)
{
	pid_t child;
	char c;
	int s[2];

	pair(SOCK_STREAM, s);
	child = fork();
	if (child == 0)
		_exit(close(s[0]) != 0 || read(s[1], &c, 1) != 0);
	pause_ms(20);
	need(shutdown(s[0], SHUT_WR) == 0);
	need(ends_well(child));
}

/* --- names, connections --------------------------------------------------------------------------------- */

static void connects_by_path(void)
{
	struct sockaddr_un name = path_name("stream"), got;
	int listener = bound(SOCK_STREAM, &name), client, server;
	socklen_t len = sizeof(got);
	struct stat st;
	char c;

	need(listen(listener, 5) == 0);
	need(stat(name.sun_path, &st) == 0 && S_ISSOCK(st.st_mode));
	client = connected(SOCK_STREAM, &name);
	need(write(client, "x", 1) == 1); /* before anybody has accepted */
	server = accept(listener, (struct sockaddr *)&got, &len);
	need(server >= 0 && len == 2 && got.sun_family == AF_UNIX);
	need(read(server, &c, 1) == 1 && c == 'x');
	len = sizeof(got);
	need(getsockname(server, (struct sockaddr *)&got, &len) == 0);
	need(len == 3 + strlen(name.sun_path) && strcmp(got.sun_path, name.sun_path) == 0);
	len = sizeof(got);
	need(getpeername(client, (struct sockaddr *)&got, &len) == 0);
	need(len == 3 + strlen(name.sun_path) && strcmp(got.sun_path, name.sun_path) == 0);
	need(unlink(name.sun_path) == 0);
	need(write(server, "y", 1) == 1 && read(client, &c, 1) == 1 && c == 'y');
}

static void names_are_cut_to_size(void)
{
	struct sockaddr_un name = path_name("cut");
	int s = bound(SOCK_STREAM, &name);
	char buf[8] = "-------";
	socklen_t len = 4;

	need(getsockname(s, (struct sockaddr *)buf, &len) == 0);
	need(len == 3 + strlen(name.sun_path) && buf[2] == '/' && buf[4] == '-');
	len = (socklen_t)-1;
	need(getsockname(s, (struct sockaddr *)buf, &len) == -1 && errno == EINVAL);
	len = 4;
	need(getsockname(s, (struct sockaddr *)nowhere, &len) == -1 && errno == EFAULT);
	need(getsockname(s, (struct sockaddr *)buf, (socklen_t *)nowhere) == -1 && errno == EFAULT);
	need(getpeername(s, (struct sockaddr *)buf, &len) == -1 && errno == ENOTCONN);
	need(unlink(name.sun_path) == 0);
}

static void connects_by_abstract_name(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t len = 2 + 12;
	int a = socket(AF_UNIX, SOCK_STREAM, 0), b = socket(AF_UNIX, SOCK_STREAM, 0), client;

	memcpy(name.sun_path, "\0serix\0tests", 12);
	need(bind(a, (struct sockaddr *)&name, len) == 0 && listen(a, 1) == 0);
	need(bind(b, (struct sockaddr *)&name, len) == -1 && errno == EADDRINUSE);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	need(connect(client, (struct sockaddr *)&name, len - 1) == -1 && errno == ECONNREFUSED);
	need(connect(client, (struct sockaddr *)&name, len) == 0);
	need(close(a) == 0);
	need(bind(b, (struct sockaddr *)&name, len) == 0);
}

static void kernel_chooses_a_name(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX }, got;
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t len = sizeof(got);

	need(bind(s, (struct sockaddr *)&name, 2) == 0);
	need(getsockname(s, (struct sockaddr *)&got, &len) == 0 && len == 8 && got.sun_path[0] == 0);
	need(bind(s, (struct sockaddr *)&name, 2) == 0);
}

static void bad_names_are_refused(void)
{
	struct sockaddr_un name = path_name("bad"), other = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), t = socket(AF_UNIX, SOCK_STREAM, 0);

	need(bind(s, (struct sockaddr *)&name, 1) == -1 && errno == EINVAL);
	need(bind(s, (struct sockaddr *)&name, 111) == -1 && errno == EINVAL);
	need(bind(s, (struct sockaddr *)&name, 129) == -1 && errno == EINVAL);
	need(bind(s, (struct sockaddr *)&name, (socklen_t)-1) == -1 && errno == EINVAL);
	need(bind(s, (struct sockaddr *)nowhere, 20) == -1 && errno == EFAULT);
	name.sun_family = AF_INET;
	need(bind(s, (struct sockaddr *)&name, sizeof(name)) == -1 && errno == EINVAL);
	need(connect(s, (struct sockaddr *)&name, sizeof(name)) == -1 && errno == EINVAL);
	name.sun_family = AF_UNIX;
	need(connect(s, (struct sockaddr *)&name, sizeof(name)) == -1 && errno == ENOENT);
	need(bind(s, (struct sockaddr *)&name, sizeof(name)) == 0);
	need(bind(t, (struct sockaddr *)&name, sizeof(name)) == -1 && errno == EADDRINUSE);
	need(connect(t, (struct sockaddr *)&name, sizeof(name)) == -1 && errno == ECONNREFUSED);
	strcpy(other.sun_path, "/no/such/place");
	need(bind(t, (struct sockaddr *)&other, sizeof(other)) == -1 && errno == ENOENT);
	strcpy(other.sun_path, "/proc/self/status");
	need(connect(t, (struct sockaddr *)&other, sizeof(other)) == -1 &&
	     (errno == ECONNREFUSED || errno == EACCES));
	need(open(name.sun_path, O_RDWR) == -1 && errno == ENXIO);
	need(unlink(name.sun_path) == 0);
}

static void two_names_are_one_too_many(void)
{
	struct sockaddr_un name = path_name("two"), second = { AF_UNIX, "\0serix second" };
	int s = bound(SOCK_STREAM, &name);

	need(bind(s, (struct sockaddr *)&second, 15) == -1 && errno == EINVAL);
	need(unlink(name.sun_path) == 0);
}

static void closed_socket_leaves_a_dead_name(void)
{
	struct sockaddr_un name = path_name("dead");
	int s = bound(SOCK_STREAM, &name);

	need(listen(s, 1) == 0 && close(s) == 0);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	need(connect(s, (struct sockaddr *)&name, sizeof(name)) == -1 && errno == ECONNREFUSED);
	need(bind(s, (struct sockaddr *)&name, sizeof(name)) == -1 && errno == EADDRINUSE);
	need(unlink(name.sun_path) == 0);
	need(bind(s, (struct sockaddr *)&name, sizeof(name)) == 0 && unlink(name.sun_path) == 0);
}

static void name_has_a_mode(void)
{
	struct sockaddr_un name = path_name("mode");
	struct stat st;
	int s;

	umask(027);
	s = bound(SOCK_STREAM, &name);
	need(stat(name.sun_path, &st) == 0 && (st.st_mode & 07777) == 0750 && listen(s, 1) == 0);
	need(chmod(name.sun_path, 0) == 0);
	if (getuid() == 0)
		need(setgid(12345) == 0 && setuid(12345) == 0);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	need(connect(s, (struct sockaddr *)&name, sizeof(name)) == -1 && errno == EACCES);
}

static void types_must_agree(void)
{
	struct sockaddr_un name = path_name("types");
	int s = bound(SOCK_DGRAM, &name);

	s = socket(AF_UNIX, SOCK_STREAM, 0);
	need(connect(s, (struct sockaddr *)&name, sizeof(name)) == -1 && errno == EPROTOTYPE);
	need(unlink(name.sun_path) == 0);
}

static void states_are_minded(void)
{
	struct sockaddr_un name = path_name("states");
	int s = socket(AF_UNIX, SOCK_STREAM, 0), client, p[2];
	char c;

	signal(SIGPIPE, SIG_IGN);
	need(events_of(s) == (POLLOUT | POLLHUP));
	need(write(s, "x", 1) == -1 && errno == ENOTCONN);
	need(read(s, &c, 1) == -1 && errno == EINVAL);
	need(listen(s, 1) == -1 && errno == EINVAL);
	need(accept(s, NULL, NULL) == -1 && errno == EINVAL);
	need(shutdown(s, SHUT_RDWR) == 0);
	s = bound(SOCK_STREAM, &name);
	need(option(s, SO_ACCEPTCONN) == 0 && listen(s, 1) == 0 && option(s, SO_ACCEPTCONN) == 1);
	need(events_of(s) == 0);
	need(connect(s, (struct sockaddr *)&name, sizeof(name)) == -1 && errno == EINVAL);
	client = connected(SOCK_STREAM, &name);
	need(events_of(s) == POLLIN);
	need(connect(client, (struct sockaddr *)&name, sizeof(name)) == -1 && errno == EISCONN);
	need(sendto(client, "x", 1, 0, (struct sockaddr *)&name, sizeof(name)) == -1 && errno == EISCONN);
	pair(SOCK_STREAM, p);
	need(listen(p[0], 1) == -1 && errno == EINVAL);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	need(sendto(s, "x", 1, 0, (struct sockaddr *)&name, sizeof(name)) == -1 && errno == EOPNOTSUPP);
	need(unlink(name.sun_path) == 0);
}

static void backlog_is_limited(void)
{
	struct sockaddr_un name = path_name("backlog");
	int listener = bound(SOCK_STREAM, &name), s, n = 0;
	pid_t child;

	need(listen(listener, 1) == 0);
	for (;; n++) {
		s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(s, (struct sockaddr *)&name, sizeof(name)) < 0)
			break;
	}
	need(errno == EAGAIN && n == 2);
	child = fork();
	if (child == 0) {
		connected(SOCK_STREAM, &name);
		_exit(0);
	}
	pause_ms(20);
	need(accept(listener, NULL, NULL) >= 0);
	need(ends_well(child));
	need(unlink(name.sun_path) == 0);
}

static void nobody_accepts(void)
{
	struct sockaddr_un name = path_name("nobody");
	int listener = bound(SOCK_STREAM, &name), client;
	char c;

	need(listen(listener, 1) == 0);
	client = connected(SOCK_STREAM, &name);
	need(close(listener) == 0);
	need(read(client, &c, 1) == -1 && errno == ECONNRESET && read(client, &c, 1) == 0);
	need(unlink(name.sun_path) == 0);
}

static void accept_flags_and_faults(void)
{
	struct sockaddr_un name = path_name("accept");
	int listener = bound(SOCK_STREAM, &name), s;
	socklen_t len = 0;

	need(listen(listener, 5) == 0);
	need(fcntl(listener, F_SETFL, O_NONBLOCK) == 0);
	need(accept(listener, NULL, NULL) == -1 && errno == EAGAIN);
	connected(SOCK_STREAM, &name);
	need(syscall(SYS_accept4, listener, NULL, NULL, 1) == -1 && errno == EINVAL);
	s = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	need(s >= 0 && (fcntl(s, F_GETFL) & O_NONBLOCK) && fcntl(s, F_GETFD) == FD_CLOEXEC);
	connected(SOCK_STREAM, &name);
	s = accept(listener, NULL, NULL);
	need(s >= 0 && !(fcntl(s, F_GETFL) & O_NONBLOCK) && fcntl(s, F_GETFD) == 0);
	connected(SOCK_STREAM, &name);
	need(accept(listener, (struct sockaddr *)&name, (socklen_t *)nowhere) == -1 && errno == EFAULT);
	connected(SOCK_STREAM, &name);
	need(accept(listener, (struct sockaddr *)nowhere, &len) >= 0 && len == 2);
	need(unlink(name.sun_path) == 0);
}

static void who_is_there(void)
{
	struct sockaddr_un name = path_name("cred");
	int listener = bound(SOCK_STREAM, &name), client, server, s[2];
	struct ucred cred;
	pid_t child;

	pair(SOCK_STREAM, s);
	cred = peer_cred(s[0]);
	need(cred.pid == getpid() && cred.uid == geteuid() && cred.gid == getegid());
	need(listen(listener, 1) == 0);
	child = fork();
	if (child == 0) {
		client = connected(SOCK_STREAM, &name);
		cred = peer_cred(client);
		need(cred.pid == getppid() && cred.uid == geteuid());
		read(client, &cred, 1);
		_exit(0);
	}
	server = accept(listener, NULL, NULL);
	cred = peer_cred(server);
	need(cred.pid == child && cred.uid == geteuid() && cred.gid == getegid());
	need(close(server) == 0);
	need(ends_well(child));
	server = socket(AF_UNIX, SOCK_STREAM, 0);
	cred = peer_cred(server);
	need(cred.pid == 0 && cred.uid == (uid_t)-1 && cred.gid == (gid_t)-1);
	need(unlink(name.sun_path) == 0);
}

int main(void)
{
	tap(passes(pair_carries_both_ways), "a pair carries data both ways");
	tap(passes(bytes_have_no_bounds), "a stream keeps no bounds of writes");
	tap(passes(vectors_scatter_and_gather), "readv and writev");
	tap(passes(much_arrives_unchanged), "a megabyte arrives unchanged");
	tap(passes(full_says_so), "a full stream is EAGAIN and not writable until it is read");
	tap(passes(blocked_writer_goes_on), "a writer that waits for room goes on");
	tap(passes(nothing_there_is_eagain), "nothing there is EAGAIN; nothing asked for");
	tap(passes(peek_leaves_it), "MSG_PEEK leaves what it shows");
	tap(passes(waitall_waits_for_all), "MSG_WAITALL waits for all, or for the end");
	tap(passes(close_is_the_end), "close is the other's end of file, then EPIPE");
	tap(passes(unread_data_are_a_reset), "closing with data unread is ECONNRESET, once");
	tap(passes(error_option_takes_the_error), "SO_ERROR takes the error");
	tap(passes(broken_pipe_is_signalled), "SIGPIPE, and MSG_NOSIGNAL");
	tap(passes(shut_for_writing), "shutdown for writing");
	tap(passes(shut_for_reading), "shutdown for reading");
	tap(passes(end_wakes_who_waits), "the end wakes who waits for data");
	tap(passes(connects_by_path), "bind, listen, connect, accept by a path; names of both ends");
	tap(passes(names_are_cut_to_size), "names are cut to the size there is, with errors of getsockname");
	tap(passes(connects_by_abstract_name), "abstract names");
	tap(passes(kernel_chooses_a_name), "a name of the kernel's choice");
	tap(passes(bad_names_are_refused), "names that are none, or lead nowhere");
	tap(passes(two_names_are_one_too_many), "a second name is EINVAL");
	tap(passes(closed_socket_leaves_a_dead_name), "the path of a closed socket is ECONNREFUSED");
	tap(passes(name_has_a_mode), "umask and mode of a name");
	tap(passes(types_must_agree), "EPROTOTYPE");
	tap(passes(states_are_minded), "calls in the wrong state");
	tap(passes(backlog_is_limited), "the backlog's limit: EAGAIN, or wait");
	tap(passes(nobody_accepts), "a listener closed with connections waiting is ECONNRESET");
	tap(passes(accept_flags_and_faults), "accept4's flags, accept's faults");
	tap(passes(who_is_there), "SO_PEERCRED");
	return tap_end();
}
