/* SPDX-License-Identifier: BSD-2-Clause */
/* Tokens: who has an exported capability's id gets a child of it; who guesses has to wait, or loses all. */
#include <errno.h>
#include <fcntl.h>
#include <libserix/capability.h>
#include <libserix/confine.h>
#include <serix/confine.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "child.h"
#include "now.h"
#include "tap.h"

#define MANY 800

static const struct cap_derive as_it_is = { .rights = UINT32_MAX, .expires_ns = CAP_FOREVER };

static int some_file(void)
{
	int fd = open("/tmp/cap_tokens", O_RDWR | O_CREAT | O_TRUNC, 0600);

	need(fd >= 0);
	return fd;
}

static struct cap_token token_of(cap_handle_t handle)
{
	struct cap_token token;

	need(cap_export(handle, &token) == 0);
	return token;
}

static struct cap_info info_of(cap_handle_t handle)
{
	struct cap_info info;

	need(cap_query(handle, &info) == 0);
	return info;
}

static void gives_a_child(void)
{
	int fd = some_file();
	struct cap_token token = token_of(fd), again = token_of(fd);
	cap_handle_t child = cap_import(&token, &as_it_is);

	need(child >= 0);
	need(memcmp(&token, &again, sizeof(token)) == 0);
	need(token.id[0] && token.id[1]);
	need(info_of(child).object == info_of(fd).object);
	need(info_of(child).parent_tag == info_of(fd).tag);
	need(info_of(child).depth == info_of(fd).depth + 1);
	need(info_of(child).rights == info_of(fd).rights);
	need(write(cap_fd(child), "x", 1) == 1);
}

static void rights_only_shrink(void)
{
	cap_handle_t narrow = cap_reduce(some_file(), FILE_RIGHT_READ | FILE_RIGHT_STAT | CAP_RIGHT_EXPORT);
	struct cap_token token = token_of(narrow);
	cap_handle_t same = cap_import(&token, &as_it_is);
	struct cap_derive stat_only = { .rights = FILE_RIGHT_STAT, .expires_ns = CAP_FOREVER };
	cap_handle_t less = cap_import(&token, &stat_only);

	need(info_of(same).rights == info_of(narrow).rights);
	need(write(cap_fd(same), "x", 1) == -1 && errno == EBADF);
	need(info_of(less).rights == FILE_RIGHT_STAT);
	need(cap_export(less, &token) == -EPERM);
}

static void another_process_may_use_it_until_it_is_revoked(void)
{
	int fd = some_file(), to_child[2], to_parent[2];
	char c;
	pid_t pid;

	need(pipe(to_child) == 0 && pipe(to_parent) == 0);
	pid = fork();
	if (pid == 0) {
		struct cap_token token;
		cap_handle_t mine;

		close(fd);
		need(read(to_child[0], &token, sizeof(token)) == sizeof(token));
		mine = cap_import(&token, &as_it_is);
		need(mine >= 0);
		need(write(cap_fd(mine), "y", 1) == 1);
		need(write(to_parent[1], "r", 1) == 1);
		need(read(to_child[0], &c, 1) == 1);
		need(write(cap_fd(mine), "z", 1) == -1 && errno == EBADF);
		need(cap_import(&token, &as_it_is) == -ENOENT);
		_exit(0);
	}
	{
		struct cap_token token = token_of(fd);
		int status;

		need(write(to_child[1], &token, sizeof(token)) == sizeof(token));
		need(read(to_parent[0], &c, 1) == 1);
		need(cap_revoke(fd, 0) == 0);
		need(write(to_child[1], "g", 1) == 1);
		need(waitpid(pid, &status, 0) == pid && status == 0);
	}
}

static void what_ended_is_not_there(void)
{
	int closed = some_file(), revoked = some_file(), expired = some_file();
	struct cap_token a = token_of(closed), b = token_of(revoked), c = token_of(expired);

	need(close(closed) == 0);
	need(cap_import(&a, &as_it_is) == -ENOENT);
	need(cap_revoke(revoked, 0) == 0);
	need(cap_import(&b, &as_it_is) == -ENOENT);
	need(cap_expire(expired, 1000000) == 0);
	usleep(50000);
	need(cap_import(&c, &as_it_is) == -ENOENT);
}

/* A closed one that others were derived from is still in the tree, but nobody's any more. */
static void a_closed_parent_is_not_there(void)
{
	int fd = some_file();
	struct cap_token token = token_of(fd);
	cap_handle_t child = cap_import(&token, &as_it_is), other = cap_import(&token, &as_it_is);

	need(child >= 0 && other >= 0);
	need(close(fd) == 0);
	need(cap_import(&token, &as_it_is) == -ENOENT);
	need(write(cap_fd(child), "x", 1) == 1);
}

static void nearly_right_is_wrong(void)
{
	static const struct {
		int word;
		uint64_t flip;
	} cases[] = { { 0, 1 }, { 0, 1ull << 63 }, { 1, 1 }, { 1, 1ull << 63 } };
	struct cap_token token = token_of(some_file());

	for (int i = 0; i < 4; i++) {
		struct cap_token guess = token;

		guess.id[cases[i].word] ^= cases[i].flip;
		need(cap_import(&guess, &as_it_is) == -ENOENT);
	}
	need(cap_import(&token, &as_it_is) >= 0);
}

static void without_the_right_there_is_no_token(void)
{
	struct cap_token token;
	int fd = some_file();

	need(cap_export(cap_reduce(fd, FILE_RIGHT_READ), &token) == -EPERM);
	need(cap_export(1000, &token) == -EBADF);
	need(cap_limit(fd, FILE_RIGHT_READ | FILE_RIGHT_WRITE) == 0);
	need(cap_export(fd, &token) == -EPERM);
}

static void bad_arguments(void)
{
	struct cap_token token = token_of(some_file());
	struct cap_derive strange = as_it_is;

	strange.flags = 0x80000000u;
	need(cap_export(0, (struct cap_token *)8) == -EFAULT);
	need(cap_import((const struct cap_token *)8, &as_it_is) == -EFAULT);
	need(cap_import(&token, (const struct cap_derive *)8) == -EFAULT);
	need(cap_import(&token, &strange) == -EINVAL);
}

/* The table grows and shrinks meanwhile. */
static void many_are_all_found(void)
{
	static struct cap_token tokens[MANY];
	int first = some_file(), fds[MANY];

	for (int i = 0; i < MANY; i++) {
		fds[i] = dup(first);
		need(fds[i] >= 0);
		tokens[i] = token_of(fds[i]);
	}
	for (int i = 0; i < MANY; i++) {
		cap_handle_t child = cap_import(&tokens[i], &as_it_is);

		need(child >= 0);
		need(info_of(child).parent_tag == info_of(fds[i]).tag);
		need(close(cap_fd(child)) == 0);
	}
	for (int i = 0; i < MANY; i += 2)
		need(close(fds[i]) == 0);
	for (int i = 1; i < MANY; i += 2)
		need(close(cap_fd(cap_import(&tokens[i], &as_it_is))) == 0);
	need(cap_import(&tokens[0], &as_it_is) == -ENOENT);
	need(cap_import(&tokens[MANY - 2], &as_it_is) == -ENOENT);
}

static uint64_t guesses(int n)
{
	uint64_t start = now_ns();

	for (int i = 0; i < n; i++) {
		struct cap_token guess = { { (uint64_t)i, 1 } };

		need(cap_import(&guess, &as_it_is) == -ENOENT);
	}
	return now_ns() - start;
}

static void guessing_gets_slow(void)
{
	struct cap_token token = token_of(some_file());
	uint64_t start;

	need(guesses(10) > 30000000); /* 1, 2, 4, 8 and 16 ms */
	/* The right one waits its turn, too, and in a child as well. */
	start = now_ns();
	need(cap_import(&token, &as_it_is) >= 0);
	need(now_ns() - start > 10000000);
	if (fork() == 0) {
		guesses(1);
		_exit(0);
	}
	start = now_ns();
	need(wait(NULL) > 0);
	need(now_ns() - start > 10000000);
}

static void on_alarm(int signo)
{
	(void)signo;
}

static void signals_do_not_make_it_faster(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	struct cap_token guess = { { 1, 2 } };
	uint64_t start = now_ns();
	int wrong = 0;

	need(sigaction(SIGALRM, &action, NULL) == 0);
	need(setitimer(ITIMER_REAL, &often, NULL) == 0);
	while (now_ns() - start < 300000000) {
		cap_handle_t result = cap_import(&guess, &as_it_is);

		need(result == -ENOENT || result == -EINTR);
		wrong += result == -ENOENT;
	}
	/* Four for nothing, then after 1, 3, 7, 15, 31, 63, 127 and 255 ms. */
	need(wrong >= 5 && wrong <= 13);
}

static void confined_guessers_lose_everything(void)
{
	struct confinement c = { .token_guesses = 3 };
	int fd = some_file(), status;

	need(cap_confine(&c, sizeof(c)) == 0);
	guesses(2);
	need(write(fd, "x", 1) == 1);
	if (fork() == 0) { /* one left, there as here */
		int failed = 0;

		guesses(1);
		failed += write(fd, "x", 1) != -1 || errno != EBADF;
		failed += write(1, "# still here\n", 13) != -1 || errno != EBADF;
		failed += fcntl(0, F_GETFD) != -1;
		_exit(failed);
	}
	need(wait(&status) > 0 && status == 0);
	need(write(fd, "x", 1) == 1);
}

static void confinement_can_forbid_tokens(void)
{
	struct confinement c = { .deny = CONFINE_NO_EXPORT };
	int fd = some_file();
	struct cap_token token = token_of(fd), other;

	need(cap_confine(&c, sizeof(c)) == 0);
	need(cap_export(fd, &other) == -EPERM);
	need(cap_import(&token, &as_it_is) == -EPERM);
}

int main(void)
{
	tap(passes(gives_a_child), "a token gives a child of its capability");
	tap(passes(rights_only_shrink), "rights only shrink on the way through a token");
	tap(passes(another_process_may_use_it_until_it_is_revoked),
	    "another process has it until it is revoked");
	tap(passes(what_ended_is_not_there), "closed, revoked and expired capabilities cannot be imported");
	tap(passes(a_closed_parent_is_not_there), "nor can one that only its children keep");
	tap(passes(nearly_right_is_wrong), "a bit more or less is another token");
	tap(passes(without_the_right_there_is_no_token), "a token needs the right to export");
	tap(passes(bad_arguments), "bad arguments are refused");
	tap(passes(many_are_all_found), "hundreds of tokens are all found, and gone when they are");
	tap(passes(guessing_gets_slow), "guessing gets slow, for children, too");
	tap(passes(signals_do_not_make_it_faster), "signals do not make guessing faster");
	tap(passes(confined_guessers_lose_everything), "with a limit a guesser loses all capabilities");
	tap(passes(confinement_can_forbid_tokens), "a confinement may forbid tokens");
	return tap_end();
}
