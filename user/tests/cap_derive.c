/* SPDX-License-Identifier: BSD-2-Clause */
/* Deriving: a child names the same object, has its parent's rights at most, and is a capability of its
 * own. */
#include "cap_files.h"

#include <libserix/memory.h>
#include <libserix/process.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

static struct cap_info info_of(cap_handle_t handle)
{
	struct cap_info info = { 0 };

	need(cap_query(handle, &info) == 0);
	return info;
}

static cap_handle_t child_of(cap_handle_t handle)
{
	cap_handle_t child = cap_reduce(handle, ALL_RIGHTS);

	need(child >= 0);
	return child;
}

static void names_the_same_object(void)
{
	int fd = file();
	struct cap_info parent, child;

	child = info_of(child_of(fd));
	parent = info_of(fd);
	need(child.object == parent.object && child.type == parent.type && child.type == CAP_TYPE_FILE);
	need(child.parent_tag == parent.tag && child.tag != parent.tag && child.tag && parent.tag);
	need(parent.parent_tag == 0 && parent.depth == 0 && child.depth == 1);
	need(parent.children == 1 && child.children == 0);
	need(child.rights == parent.rights && child.expires_ns == CAP_FOREVER && child.expires_cycles == 0);
}

static void objects_differ(void)
{
	int fd = file(), other = open("file", O_RDONLY);

	need(info_of(fd).object != info_of(other).object);
	need(info_of(fd).tag != info_of(other).tag);
}

static void rights_only_shrink(void)
{
	cap_handle_t handle = file();
	uint32_t rights = info_of(handle).rights;

	for (uint32_t left = rights; left; left &= left - 1) {
		cap_handle_t next = cap_reduce(handle, ~(left & -left));

		rights &= ~(left & -left);
		need(next >= 0 && info_of(next).rights == rights);
		need(info_of(child_of(next)).rights == rights);
		handle = next;
	}
}

static void rights_that_it_never_had(void)
{
	scratch();
	close(make_file("file", "x"));
	need(!(info_of(child_of(open("file", O_RDONLY))).rights & (FILE_RIGHT_WRITE | FILE_RIGHT_APPEND)));
}

static void depth_64(void)
{
	cap_handle_t handle = file();
	char text[8];

	for (unsigned depth = 1; depth <= CAP_DEPTH_MAX; depth++) {
		handle = child_of(handle);
		need(info_of(handle).depth == depth);
	}
	need(pread(cap_fd(handle), text, 5, 0) == 5 && memcmp(text, "hello", 5) == 0);
	need(cap_reduce(handle, ALL_RIGHTS) == -EMLINK);
	need(dup(cap_fd(handle)) >= 0);
}

static void depth_with_closed_parents(void)
{
	cap_handle_t handle = file();

	for (unsigned depth = 1; depth <= CAP_DEPTH_MAX; depth++) {
		cap_handle_t next = child_of(handle);

		need(close(cap_fd(handle)) == 0);
		handle = next;
	}
	need(info_of(handle).depth == CAP_DEPTH_MAX);
	need(cap_reduce(handle, ALL_RIGHTS) == -EMLINK);
}

static void copies_do_not_count(void)
{
	int fd = file();

	for (int i = 0; i < 500; i++) {
		int copy = dup(fd);

		need(copy >= 0 && close(fd) == 0);
		fd = copy;
	}
	need(info_of(fd).depth == 0);
	for (int i = 0; i < 200; i++)
		need(dup(fd) >= 0);
	need(info_of(child_of(fd)).depth == 1);
}

static void forks_do_not_count(void)
{
	int fd = file(), status;
	uint64_t object = info_of(fd).object, tag = info_of(fd).tag;

	for (int i = 0; i < 40; i++) {
		pid_t pid = fork();

		need(pid >= 0);
		if (pid) {
			need(waitpid(pid, &status, 0) == pid);
			_exit(WEXITSTATUS(status));
		}
		need(info_of(fd).object == object && info_of(fd).tag != tag && info_of(fd).depth == 0);
	}
}

static void close_on_exec(void)
{
	struct cap_derive how = { .rights = ALL_RIGHTS,
				  .flags = CAP_DERIVE_CLOEXEC,
				  .expires_ns = CAP_FOREVER };
	int fd = file();
	cap_handle_t child = cap_derive(fd, &how);

	need(child >= 0 && fcntl(cap_fd(child), F_GETFD) == FD_CLOEXEC);
	need(info_of(child).flags == CAP_DERIVE_CLOEXEC);
	need(fcntl(cap_fd(child_of(child)), F_GETFD) == 0);
}

static void bad_arguments(void)
{
	struct cap_derive how = { .rights = ALL_RIGHTS, .expires_ns = CAP_FOREVER };
	int fd = file();

	how.flags = 4;
	need(cap_derive(fd, &how) == -EINVAL);
	how.flags = 0;
	need(cap_derive(999, &how) == -EBADF && cap_derive(-1, &how) == -EBADF);
	need(syscall(1027, fd, &how, sizeof(how) - 8) == -1 && errno == EINVAL);
	need(syscall(1027, fd, &how, sizeof(how) + 8) == -1 && errno == EINVAL);
	need(syscall(1027, fd, (void *)8, sizeof(how)) == -1 && errno == EFAULT);
	need(syscall(1029, fd, (void *)8, sizeof(struct cap_info)) == -1 && errno == EFAULT);
	need(syscall(1029, fd, &how, 7) == -1 && errno == EINVAL);
}

static void badge_needs_its_right(void)
{
	struct cap_derive how = { ALL_RIGHTS, CAP_DERIVE_BADGE, CAP_FOREVER, 7 };

	need(cap_derive(file(), &how) == -EPERM);
}

static void lowest_slot(void)
{
	int fd = file(), first, second;

	first = dup(fd);
	second = dup(fd);
	need(second == first + 1 && close(first) == 0);
	need(cap_fd(child_of(fd)) == first);
}

static void no_slot_left(void)
{
	int fd = file();
	struct rlimit limit = { (rlim_t)fd + 1, (rlim_t)fd + 1 };

	need(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	need(cap_reduce(fd, ALL_RIGHTS) == -EMFILE);
}

static void outlives_its_parent(void)
{
	int fd = file();
	cap_handle_t child = child_of(fd), grandchild = child_of(child);
	char text[8];

	need(close(fd) == 0 && close(cap_fd(child)) == 0);
	need(pread(cap_fd(grandchild), text, 5, 0) == 5);
}

static void shares_the_open_file(void)
{
	int fd = file(), child = cap_fd(child_of(fd));
	char byte;

	need(lseek(child, 3, SEEK_SET) == 3 && read(fd, &byte, 1) == 1 && byte == 'l');
	need(fcntl(fd, F_SETFL, O_APPEND) == 0 && (fcntl(child, F_GETFL) & O_APPEND));
}

/* The last one to go closes it. */
static void keeps_a_pipe_open(void)
{
	int ends[2], child;
	char byte;

	need(pipe(ends) == 0);
	child = cap_fd(child_of(ends[1]));
	need(close(ends[1]) == 0 && write(child, "x", 1) == 1 && read(ends[0], &byte, 1) == 1);
	need(close(child) == 0 && read(ends[0], &byte, 1) == 0);
}

static void types(void)
{
	int ends[2];

	scratch();
	need(pipe(ends) == 0);
	need(info_of(open(".", O_RDONLY)).type == CAP_TYPE_DIRECTORY);
	need(info_of(ends[0]).type == CAP_TYPE_FILE);
	need(info_of((int)mem_create(MEM_NORMAL, 4096, 0)).type == CAP_TYPE_MEMORY);
	need(info_of(pidfd_open(getpid(), 0)).type == CAP_TYPE_PROCESS);
	need(info_of(pidfd_open(getpid(), PIDFD_THREAD)).type == CAP_TYPE_THREAD);
	need(info_of(pidfd_open(getpid(), 0)).object == info_of(pidfd_open(getpid(), 0)).object);
	need(info_of(pidfd_open(getpid(), 0)).object != info_of(pidfd_open(getppid(), 0)).object);
	need(info_of(pidfd_open(getpid(), 0)).rights ==
	     (PROCESS_RIGHTS | CAP_RIGHT_GRANT | CAP_RIGHT_EXPORT));
}

static void memory_objects(void)
{
	int fd = (int)mem_create(MEM_NORMAL, 4096, 0), part;

	part = (int)mem_share(fd, MEM_RIGHT_READ | MEM_RIGHT_MAP, 0);
	need(part >= 0 && info_of(part).depth == 1 && info_of(part).parent_tag == info_of(fd).tag);
	need(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, part, 0) == MAP_FAILED && errno == EACCES);
	part = cap_fd(cap_reduce(fd, MEM_RIGHT_READ));
	need(mmap(NULL, 4096, PROT_READ, MAP_SHARED, part, 0) == MAP_FAILED && errno == EPERM);
	part = cap_fd(cap_reduce(fd, MEM_RIGHT_READ | MEM_RIGHT_WRITE | MEM_RIGHT_MAP));
	need(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, part, 0) != MAP_FAILED);
	need(ftruncate(part, 8192) == -1 && errno == EPERM);
	need(fcntl(part, F_ADD_SEALS, F_SEAL_SHRINK) == -1 && errno == EPERM);
}

#define MANY 10000

static void many_children(void)
{
	struct rlimit limit = { MANY + 100, MANY + 100 };
	int fd = file();

	need(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	for (int i = 0; i < MANY; i++)
		child_of(fd);
	need(info_of(fd).children == MANY);
	for (int i = 0; i < MANY; i++)
		need(close(fd + 1 + i) == 0);
	need(info_of(fd).children == 0);
}

static _Atomic bool racing_failed;

static void *derive_and_close(void *arg)
{
	cap_handle_t handle = *(int *)arg;

	for (int i = 0; i < 400; i++) {
		cap_handle_t child = cap_reduce(handle, FILE_RIGHT_READ), grandchild;

		if (child < 0) {
			racing_failed = true;
			continue;
		}
		grandchild = cap_reduce(child, ALL_RIGHTS);
		if (close(cap_fd(child)) || grandchild < 0 || cap_rights(grandchild) != FILE_RIGHT_READ ||
		    close(cap_fd(grandchild)))
			racing_failed = true;
	}
	return NULL;
}

static void threads_at_once(void)
{
	pthread_t threads[4];
	int fd = file();

	for (int i = 0; i < 4; i++)
		need(pthread_create(&threads[i], NULL, derive_and_close, &fd) == 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	need(!racing_failed && info_of(fd).children == 0);
}

/* POSIX: closing any descriptor of a file drops the process's record locks on it. */
static void locks_go_with_any(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = file(), child = cap_fd(child_of(fd)), status;
	pid_t pid;

	need(fcntl(fd, F_SETLK, &lock) == 0 && close(child) == 0);
	pid = fork();
	if (pid == 0)
		_exit(fcntl(fd, F_SETLK, &lock) == 0 ? 0 : 1);
	need(waitpid(pid, &status, 0) == pid && status == 0);
}

static void limits_leave_children_alone(void)
{
	int fd = file();
	cap_handle_t child = child_of(fd);
	uint32_t before = info_of(child).rights;

	need(cap_limit(fd, FILE_RIGHT_READ) == 0);
	need(info_of(child).rights == before && info_of(child_of(fd)).rights == FILE_RIGHT_READ);
}

int main(void)
{
	tap(passes(names_the_same_object), "a child names the same object and knows its parent");
	tap(passes(objects_differ), "two openings are two objects");
	tap(passes(rights_only_shrink), "each right, once taken, stays away from all below");
	tap(passes(rights_that_it_never_had), "what the parent cannot do, no child can");
	tap(passes(depth_64), "a chain of 64, and no more");
	tap(passes(depth_with_closed_parents), "depth counts parents that are closed");
	tap(passes(copies_do_not_count), "copies by dup do not count");
	tap(passes(forks_do_not_count), "copies by fork do not count, but are capabilities of their own");
	tap(passes(close_on_exec), "CAP_DERIVE_CLOEXEC");
	tap(passes(bad_arguments), "flags, sizes, addresses and handles that are wrong");
	tap(passes(badge_needs_its_right), "a badge takes the right to give one");
	tap(passes(lowest_slot), "the lowest free slot");
	tap(passes(no_slot_left), "RLIMIT_NOFILE");
	tap(passes(outlives_its_parent), "a child outlives its closed parents");
	tap(passes(shares_the_open_file), "position and status flags are the open file's");
	tap(passes(keeps_a_pipe_open), "a child keeps its object open");
	tap(passes(types), "types and objects of what POSIX calls open");
	tap(passes(memory_objects), "memory objects: mem_share and cap_derive");
	tap(passes(many_children), "10,000 children");
	tap(passes(threads_at_once), "four threads derive and close");
	tap(passes(locks_go_with_any), "record locks go with the first descriptor closed");
	tap(passes(limits_leave_children_alone), "cap_limit leaves the children as they are");
	return tap_end();
}
