/* SPDX-License-Identifier: BSD-2-Clause */
/* Terminals' own commands, at both ends of a pair. */
#define _GNU_SOURCE
#include "calls.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The kernel's, not the C library's. */
struct settings {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line, cc[19];
};
struct old_settings {
	uint16_t iflag, oflag, cflag, lflag;
	uint8_t line, cc[8];
};

enum { PTY_CANONICAL = 02, PTY_ECHO = 010, PTY_EXTENDED = 0100000 };
enum { CC_ERASE = 2, CC_MIN = 6, CC_WERASE = 14 };

static int master, slave;

static void open_pair(void)
{
	char name[32];
	int number = 0, unlock = 0;

	master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	ioctl(master, TIOCSPTLCK, &unlock);
	ioctl(master, TIOCGPTN, &number);
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	slave = open(name, O_RDWR | O_NOCTTY);
	VALUE(master >= 0 && slave >= 0);
}

static void wait_for_typing(void)
{
	struct pollfd p = { slave, POLLIN, 0 };

	RESULT(poll(&p, 1, 10000));
}

/* But for what IMAXBEL and IUTF8 are to begin with. */
#define SHOWN_IFLAG(flags) ((flags) & ~060000u)

static void show(const struct settings *t)
{
	VALUE(SHOWN_IFLAG(t->iflag));
	VALUE(t->oflag);
	VALUE(t->cflag);
	VALUE(t->lflag);
	VALUE(t->line);
	VALUE(t->cc[CC_ERASE]);
	VALUE(t->cc[CC_WERASE]);
}

static void test_termio(void)
{
	struct old_settings old = { 0 };
	struct settings t = { 0 };
	int file = file_with("file", "");

	open_pair();
	RESULT(ioctl(slave, TCGETA, &old));
	VALUE(SHOWN_IFLAG(old.iflag));
	VALUE(old.oflag);
	VALUE(old.cflag);
	VALUE(old.lflag);
	VALUE(old.line);
	TEXT("cc", (char *)old.cc, sizeof(old.cc));
	RESULT(ioctl(master, TCGETA, &old));
	VALUE(old.lflag);
	RESULT(ioctl(slave, TCGETS, &t));
	t.cc[CC_WERASE] = 'w';
	RESULT(ioctl(slave, TCSETS, &t));
	old.lflag &= (uint16_t)~PTY_ECHO;
	old.cc[CC_ERASE] = 'e';
	RESULT(ioctl(slave, TCSETA, &old));
	ioctl(slave, TCGETS, &t);
	show(&t);
	old.lflag |= PTY_ECHO;
	RESULT(ioctl(master, TCSETAW, &old));
	ioctl(slave, TCGETS, &t);
	VALUE(t.lflag & PTY_ECHO);
	VALUE(t.cc[CC_WERASE]);
	RESULT(ioctl(slave, TCGETA, nowhere()));
	RESULT(ioctl(slave, TCSETA, nowhere()));
	RESULT(ioctl(file, TCGETA, &old));
	RESULT(ioctl(file, TCSETAF, &old));
}

/* TCSETAF throws away what was typed, TCSETAW does not. */
static void test_termio_flush(void)
{
	struct old_settings old;
	char buf[8];

	open_pair();
	fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
	ioctl(slave, TCGETA, &old);
	old.lflag &= (uint16_t) ~(PTY_ECHO | PTY_CANONICAL);
	old.cc[CC_MIN] = 1;
	RESULT(ioctl(slave, TCSETA, &old));
	write(master, "abc", 3);
	wait_for_typing(); /* Linux brings it over later */
	RESULT(ioctl(slave, TCSETAW, &old));
	RESULT(read(slave, buf, sizeof(buf)));
	write(master, "abc", 3);
	wait_for_typing();
	RESULT(ioctl(slave, TCSETAF, &old));
	RESULT(read(slave, buf, sizeof(buf)));
}

static void set_locked_as_user(void)
{
	struct settings t = { 0 };

	RESULT(ioctl(slave, TIOCGLCKTRMIOS, &t));
	VALUE(t.lflag);
	RESULT(ioctl(slave, TIOCSLCKTRMIOS, &t));
	RESULT(ioctl(slave, TIOCSLCKTRMIOS, nowhere()));
}

static void test_locked(void)
{
	struct settings t, locked = { 0 };
	struct old_settings old;

	open_pair();
	memset(&t, 1, sizeof(t));
	RESULT(ioctl(slave, TIOCGLCKTRMIOS, &t));
	show(&t);
	locked.lflag = PTY_ECHO;
	locked.cc[CC_ERASE] = 1;
	locked.line = 1;
	RESULT(ioctl(slave, TIOCSLCKTRMIOS, &locked));
	RESULT(ioctl(master, TIOCGLCKTRMIOS, &t));
	show(&t);
	ioctl(slave, TCGETS, &t);
	t.lflag &= ~(uint32_t)(PTY_ECHO | PTY_EXTENDED);
	t.cc[CC_ERASE] = 'e';
	t.cc[CC_WERASE] = 'w';
	RESULT(ioctl(slave, TCSETS, &t));
	ioctl(slave, TCGETS, &t);
	show(&t);
	ioctl(slave, TCGETA, &old);
	old.lflag &= (uint16_t)~PTY_ECHO;
	RESULT(ioctl(slave, TCSETAF, &old));
	ioctl(slave, TCGETS, &t);
	VALUE(t.lflag & PTY_ECHO);
	as_user(1000, "a user's", set_locked_as_user);
	locked.lflag = 0;
	RESULT(ioctl(master, TIOCSLCKTRMIOS, &locked));
	RESULT(ioctl(slave, TCSETA, &old));
	ioctl(slave, TCGETS, &t);
	VALUE(t.lflag & PTY_ECHO);
	RESULT(ioctl(slave, TIOCGLCKTRMIOS, nowhere()));
	RESULT(ioctl(slave, TIOCSLCKTRMIOS, nowhere()));
}

/* They last as long as the pair. */
static void test_locked_end(void)
{
	struct settings t, locked = { .lflag = PTY_ECHO };

	open_pair();
	RESULT(ioctl(slave, TIOCSLCKTRMIOS, &locked));
	close(slave);
	RESULT(ioctl(master, TIOCGLCKTRMIOS, &t));
	VALUE(t.lflag);
	close(master);
	open_pair();
	RESULT(ioctl(slave, TIOCGLCKTRMIOS, &t));
	VALUE(t.lflag);
}

static const struct calls table[] = {
	{ "ioctl", test_termio },
	{ "ioctl", test_termio_flush },
	{ "ioctl", test_locked },
	{ "ioctl", test_locked_end },
};

CALLS_MAIN(table)
