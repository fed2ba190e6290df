/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening, closing and duplicating. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calls.h"

static void open_unreadable(void)
{
	RESULT(open("secret", O_RDONLY));
	RESULT(open("new", O_RDWR | O_CREAT, 0600));
	RESULT(open("closed/file", O_RDONLY));
}

static void test_open(void)
{
	char name[300];

	close(file_with("file", "text"));
	mkdir("directory", 0755);
	RESULT(open("missing", O_RDONLY));
	RESULT(open("missing/file", O_RDONLY | O_CREAT, 0600));
	RESULT(open("file/below", O_RDONLY));
	RESULT(open("file/", O_RDONLY));
	RESULT(open("", O_RDONLY));
	RESULT(open("directory", O_WRONLY));
	RESULT(open("directory", O_RDONLY | O_CREAT, 0600));
	RESULT(open("new/", O_RDWR | O_CREAT, 0600));
	RESULT(open("file", O_RDONLY | O_DIRECTORY));
	RESULT(open("file", O_RDWR | O_CREAT | O_EXCL, 0600));
	RESULT(open(nowhere(), O_RDONLY));
	symlink("loop", "loop");
	RESULT(open("loop", O_RDONLY));
	symlink("file", "link");
	RESULT(open("link", O_RDONLY | O_NOFOLLOW));
	RESULT(open("link", O_RDWR | O_CREAT | O_EXCL, 0600));
	symlink("made", "dangling");
	SUCCEEDS(open("dangling", O_RDWR | O_CREAT, 0600));
	RESULT(access("made", F_OK));
	memset(name, 'a', 256);
	name[256] = '\0';
	RESULT(open(name, O_RDONLY));
	name[255] = '\0';
	RESULT(open(name, O_RDONLY));
	SUCCEEDS(open(".", O_RDWR | O_TMPFILE, 0600));
	RESULT(open(".", O_RDONLY | O_TMPFILE, 0600));
	close(file_with("secret", "text"));
	chmod("secret", 0);
	mkdir("closed", 0700);
	chmod(".", 0755);
	as_user(1000, "without rights", open_unreadable);
}

static void test_close(void)
{
	int fd = file_with("file", "text");

	RESULT(close(fd));
	RESULT(close(fd));
	RESULT(close(-1));
	RESULT(close(1000000));
}

static const struct calls table[] = {
	{ "open", test_open },
	{ "close", test_close },
};

CALLS_MAIN(table)
