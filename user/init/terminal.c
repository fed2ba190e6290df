/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "init.h"

static void make_plain(int fd)
{
	struct termios t;

	if (tcgetattr(fd, &t) < 0)
		return;
	t.c_iflag = 0;
	t.c_oflag = 0;
	t.c_lflag = ICANON | IEXTEN;
	tcsetattr(fd, TCSANOW, &t);
}

bool take_terminal(const char *path, bool plain)
{
	int fd;

	setsid();
	fd = open(path, O_RDWR);
	if (fd < 0)
		return false;
	ioctl(fd, TIOCSCTTY, 1);
	if (plain)
		make_plain(fd);
	for (int target = 0; target < 3; target++)
		dup2(fd, target);
	if (fd > 2)
		close(fd);
	return true;
}
