/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files, descriptors, names, locks and clocks used on several CPUs at once.  Each case runs threads or
 * processes against each other for some hundred rounds and proves a rule that only their meeting can break.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define TOP     "/tmp/fs_races"
#define THREADS 4
#define ROUNDS  300

static atomic_bool over, wrong;

static void complain_unless(bool right)
{
	if (!right)
		atomic_store(&wrong, true);
}

/* All THREADS threads run `fn` to its end, numbered from 0. */
static void run_all(void *(*fn)(void *))
{
	pthread_t t[THREADS];

	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, fn, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

/* `other` runs beside `fn` until that is done. */
static void run_beside(void *(*other)(void *), void (*fn)(void))
{
	pthread_t t;

	atomic_store(&over, false);
	pthread_create(&t, NULL, other, NULL);
	fn();
	atomic_store(&over, true);
	pthread_join(t, NULL);
}

static bool result(void)
{
	return !atomic_exchange(&wrong, false);
}

/* --- fifos: a writer that came and went still was there --------------------------------------------- */

static void meet_in_fifo(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		pid_t child = fork();
		char c = 0;
		int fd;

		if (child == 0) {
			fd = open(TOP "/fifo", O_WRONLY);
			_exit(write(fd, "x", 1) == 1 ? 0 : 1);
		}
		fd = open(TOP "/fifo", O_RDONLY);
		complain_unless(read(fd, &c, 1) == 1 && c == 'x');
		close(fd);
		waitpid(child, NULL, 0);
	}
}

/* --- record locks ------------------------------------------------------------------------------------- */

static struct flock whole_file(short type)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET };
}

/* Who holds a lock on the file, as another process sees it; 0: nobody. */
static pid_t locked_by(const char *name)
{
	int ends[2], status;
	pid_t holder = -1;

	if (pipe(ends) < 0)
		return -1;
	if (fork() == 0) {
		struct flock l = whole_file(F_WRLCK);
		int fd = open(name, O_RDWR);

		if (fcntl(fd, F_GETLK, &l) < 0)
			_exit(1);
		holder = l.l_type == F_UNLCK ? 0 : l.l_pid;
		_exit(write(ends[1], &holder, sizeof(holder)) != sizeof(holder));
	}
	close(ends[1]);
	if (read(ends[0], &holder, sizeof(holder)) != sizeof(holder))
		holder = -1;
	close(ends[0]);
	wait(&status);
	return holder;
}

static _Atomic int closing_fd;

static void *close_it(void *arg)
{
	(void)arg;
	while (!atomic_load(&over)) {
		int fd = atomic_exchange(&closing_fd, -1);

		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

static void lock_what_is_closed(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct flock l = whole_file(F_WRLCK);
		int fd = open(TOP "/closing", O_RDWR | O_CREAT, 0600);

		atomic_store(&closing_fd, fd);
		for (int spin = i % 50 * 20; spin > 0; spin--)
			atomic_load(&over);
		fcntl(fd, F_SETLK, &l);
		while (atomic_load(&closing_fd) >= 0)
			;
		while (fcntl(fd, F_GETFD) >= 0)
			;
		if (i % 10 == 9)
			complain_unless(locked_by(TOP "/closing") == 0);
	}
}

/* Looking at a process that is ending must not take part in its end. */
static void look_into_the_dying(void)
{
	struct flock l = whole_file(F_WRLCK);
	int mine = open(TOP "/kept", O_RDWR | O_CREAT, 0600);

	fcntl(mine, F_SETLK, &l);
	for (int i = 0; i < ROUNDS / 3; i++) {
		pid_t child = fork(); /* with the descriptor, and without the lock */
		char name[64];

		if (child == 0)
			_exit(0);
		snprintf(name, sizeof(name), "/proc/%d/fd", child);
		for (DIR *d; (d = opendir(name)) != NULL; closedir(d))
			if (!readdir(d) || !readdir(d) || !readdir(d))
				break;
		waitpid(child, NULL, 0);
	}
	complain_unless(locked_by(TOP "/kept") == getpid());
	close(mine);
}

/* --- names ---------------------------------------------------------------------------------------------- */

#define LONG_A TOP "/a-name-that-is-too-long-for-the-entry-itself"
#define LONG_B TOP "/b-another-such-name-of-a-different-length-as-well"

static void *rename_to_and_fro(void *arg)
{
	(void)arg;
	while (!atomic_load(&over)) {
		complain_unless(rename(LONG_A, LONG_B) == 0);
		complain_unless(rename(LONG_B, LONG_A) == 0);
	}
	return NULL;
}

static void map_what_is_renamed(void)
{
	int fd = open(LONG_A, O_RDWR);

	if (fd < 0)
		fd = open(LONG_B, O_RDWR);
	for (int i = 0; i < 4 * ROUNDS; i++) {
		void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

		complain_unless(p != MAP_FAILED);
		munmap(p, 4096);
	}
	close(fd);
}

static int file_with(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	complain_unless(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

static void *look_through_links(void *arg)
{
	char text[4096];

	(void)arg;
	while (!atomic_load(&over)) {
		int fd = open(TOP "/mnt/link", O_RDONLY);

		if (fd >= 0)
			close(fd);
		fd = open(TOP "/mnt/link", O_RDWR | O_CREAT, 0600);
		if (fd >= 0)
			close(fd);
		fd = open("/proc/self/mountinfo", O_RDONLY);
		complain_unless(read(fd, text, sizeof(text)) > 0);
		close(fd);
	}
	return NULL;
}

static void mount_and_unmount(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		complain_unless(mount("none", TOP "/mnt", "tmpfs", 0, NULL) == 0);
		while (symlink(TOP "/target", TOP "/mnt/link") < 0)
			unlink(TOP "/mnt/link"); /* a file that the other one made */
		while (umount(TOP "/mnt") < 0)
			;
		unlink(TOP "/mnt/link"); /* made on the directory below, while nothing was mounted */
	}
}

/* Paths that begin where the process is, which another thread changes.  "here" is in both places. */
static void *look_from_here(void *arg)
{
	struct stat st;

	(void)arg;
	while (!atomic_load(&over)) {
		complain_unless(stat("here", &st) == 0 && S_ISREG(st.st_mode));
		complain_unless(stat(TOP "/here", &st) == 0);
	}
	return NULL;
}

static void move_in_and_out(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		complain_unless(mount("none", TOP "/mnt", "tmpfs", 0, NULL) == 0);
		close(file_with(TOP "/mnt/here", "text"));
		complain_unless(chdir(TOP "/mnt") == 0);
		complain_unless(chdir(TOP) == 0);
		while (umount(TOP "/mnt") < 0)
			; /* the other one is still on its way out */
	}
}

/* --- descriptors ---------------------------------------------------------------------------------------- */

static int fd_a, fd_b, fd_ab;

static void *swap_and_grow(void *arg)
{
	(void)arg;
	while (!atomic_load(&over)) {
		int many[120];

		dup2(fd_b, fd_ab);
		for (int i = 0; i < 120; i++)
			many[i] = dup(fd_a);
		dup2(fd_a, fd_ab);
		for (int i = 0; i < 120; i++)
			close(many[i]);
	}
	return NULL;
}

static void read_what_is_swapped(void)
{
	for (int i = 0; i < 20 * ROUNDS; i++) {
		char c = 0;

		complain_unless(pread(fd_ab, &c, 1, 0) == 1 && (c == 'a' || c == 'b'));
	}
}

/* --- positions ------------------------------------------------------------------------------------------ */

#define RECORD 48

static int shared_fd;

static void *write_records(void *arg)
{
	char record[RECORD];

	memset(record, 'A' + (int)(intptr_t)arg, sizeof(record));
	for (int i = 0; i < ROUNDS; i++)
		complain_unless(write(shared_fd, record, sizeof(record)) == sizeof(record));
	return NULL;
}

static bool uniform(const char *record)
{
	return memcmp(record, record + 1, RECORD - 1) == 0;
}

/* Nobody's record lies on anybody else's, be it by one position that all share or by O_APPEND. */
static void all_records_are_there(int flags)
{
	int count[THREADS] = { 0 };
	char record[RECORD];

	shared_fd = open(TOP "/records", O_RDWR | O_CREAT | O_TRUNC | flags, 0600);
	run_all(write_records);
	lseek(shared_fd, 0, SEEK_SET);
	while (read(shared_fd, record, sizeof(record)) == sizeof(record)) {
		complain_unless(uniform(record));
		count[(record[0] - 'A') % THREADS]++;
	}
	for (int i = 0; i < THREADS; i++)
		complain_unless(count[i] == ROUNDS);
	close(shared_fd);
}

/* --- pipes ---------------------------------------------------------------------------------------------- */

static int pipe_ends[2];
static atomic_int records_read;

static void *read_records(void *arg)
{
	char record[RECORD];

	(void)arg;
	while (read(pipe_ends[0], record, sizeof(record)) == sizeof(record)) {
		complain_unless(uniform(record));
		atomic_fetch_add(&records_read, 1);
	}
	return NULL;
}

static void many_to_many(void)
{
	pthread_t readers[THREADS];

	if (pipe(pipe_ends) < 0)
		abort();
	fcntl(pipe_ends[1], F_SETPIPE_SZ, 4096);
	atomic_store(&records_read, 0);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&readers[i], NULL, read_records, NULL);
	shared_fd = pipe_ends[1];
	run_all(write_records);
	close(pipe_ends[1]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(readers[i], NULL);
	complain_unless(atomic_load(&records_read) == THREADS * ROUNDS);
	close(pipe_ends[0]);
}

/* --- clocks and random numbers -------------------------------------------------------------------------- */

static _Atomic int64_t latest_ns;

/* A reading that was handed on, and then one's own: never earlier, whatever CPU each was taken on. */
static void *read_clock(void *arg)
{
	(void)arg;
	for (int i = 0; i < 50 * ROUNDS; i++) {
		int64_t before = atomic_load(&latest_ns), now;
		struct timespec ts;

		clock_gettime(CLOCK_MONOTONIC, &ts);
		now = ts.tv_sec * 1000000000ll + ts.tv_nsec;
		complain_unless(now >= before);
		atomic_store(&latest_ns, now);
	}
	return NULL;
}

static uint64_t drawn[THREADS][ROUNDS][2];

static void *draw(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		complain_unless(getrandom(drawn[(intptr_t)arg][i], 16, 0) == 16);
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

static void all_drawn_differ(void)
{
	uint64_t(*all)[2] = drawn[0];

	run_all(draw);
	qsort(all, THREADS * ROUNDS, 16, by_value);
	for (int i = 1; i < THREADS * ROUNDS; i++)
		complain_unless(by_value(all[i - 1], all[i]) != 0);
}

int main(void)
{
	mkdir(TOP, 0700);
	mkdir(TOP "/mnt", 0700);
	alarm(240); /* what hangs is found out by the signal */

	mkfifo(TOP "/fifo", 0600);
	meet_in_fifo();
	tap(result(), "who opens a fifo sees a partner that has closed it again already");

	run_beside(close_it, lock_what_is_closed);
	tap(result(), "no record lock stays behind a descriptor that is closed meanwhile");
	look_into_the_dying();
	tap(result(), "a look at what a process has open costs nobody's locks");

	close(file_with(LONG_A, "text"));
	run_beside(rename_to_and_fro, map_what_is_renamed);
	tap(result(), "a file can be mapped while it is renamed");
	close(file_with(TOP "/target", "text"));
	run_beside(look_through_links, mount_and_unmount);
	tap(result(), "links lead out of a file system while it is unmounted");

	close(file_with(TOP "/here", "text"));
	complain_unless(chdir(TOP) == 0);
	run_beside(look_from_here, move_in_and_out);
	tap(result(), "paths begin in one directory or the other while a thread changes it");

	fd_a = file_with(TOP "/a", "a");
	fd_b = file_with(TOP "/b", "b");
	fd_ab = dup(fd_a);
	run_beside(swap_and_grow, read_what_is_swapped);
	tap(result(), "a descriptor is one file or the other while it is exchanged and the table grows");

	all_records_are_there(0);
	tap(result(), "threads that share a file position do not write over each other");
	all_records_are_there(O_APPEND);
	tap(result(), "appending threads do not write over each other");
	many_to_many();
	tap(result(), "many writers and readers of one pipe: each record once, in one piece");

	run_all(read_clock);
	tap(result(), "time that was handed from CPU to CPU does not go backwards");
	all_drawn_differ();
	tap(result(), "no two threads draw the same random numbers");
	return tap_end();
}
