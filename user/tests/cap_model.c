/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities of 64 processes at once against user/lib/cap_model.h.  A controller gives each process one
 * step a batch; all of them run in parallel, and afterwards every table is read and compared.
 *
 *	quiet batches	steps in different processes commute, so each result is known beforehand
 *	races		one process revokes while all others go on: what acts on something that goes may
 *			succeed or find it gone, and a new capability may take a slot that has just been
 *			emptied; everything else is known, and afterwards nothing below what was revoked is
 *			left, whoever derived it meanwhile
 *	expiry		some capabilities get a millisecond; once that is over a use fails, and soon all below
 *			is gone
 *
 *	cap_model [--steps N] [--seed N] [--wrong]
 *
 * --wrong: the model errs on purpose, and is found out.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libserix/capability.h>
#include <libserix/process.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cap_model.h"
#include "tap.h"

#define SHARED_FD 3
#define BASE      4 /* descriptor of slot 0; those below are everybody's */
#define SELF      "/usr/lib/serix/tests/cap_model"
#define PATIENCE  60 /* seconds for a batch, on a busy host */

enum op {
	NOTHING,
	CREATE,
	DERIVE,
	GRANT,
	DUP,
	DUP_TO,
	CLOSE,
	READ,
	WRITE,
	STALE,
	LIMIT,
	EXPIRE,
	REVOKE,
	FORK,
	EXEC,
	EXIT,
	LIST
};

/* What one process is to do, and what came of it. */
struct box {
	_Atomic uint32_t go;
	_Atomic int pid;
	enum op op;
	int slot, to, other; /* other: a process */
	uint32_t rights;
	bool flag;           /* close-on-exec; revoke: itself, too */
	cap_handle_t handle; /* of a stale one; of what was made */
	int64_t result;
	int count;
	struct cap_info list[MODEL_SLOTS + BASE];
};

static struct shared {
	_Atomic uint32_t pending;
	struct box boxes[MODEL_PROCESSES];
} * shared;

static struct cap_model model;
static uint64_t chance;
static uint64_t steps = 4000, seed = 1, done, races, met;
static cap_handle_t handles[MODEL_PROCESSES][MODEL_SLOTS], gone[MODEL_PROCESSES];
static uint32_t all_rights;
static bool diverged;

static int below(int n)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return (int)((chance >> 11) % (unsigned)n);
}

static void futex_wait(_Atomic uint32_t *word, uint32_t value, int seconds)
{
	struct timespec t = { seconds, 0 };

	syscall(SYS_futex, word, 0 /* FUTEX_WAIT */, value, seconds ? &t : NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, 1 /* FUTEX_WAKE */, 64, NULL, NULL, 0);
}

/* --- a process ------------------------------------------------------------------------------------------ */

static void worker(int me) __attribute__((noreturn));

static int64_t made(struct box *box, int64_t handle)
{
	box->handle = handle;
	return handle < 0 ? handle : (int64_t)cap_fd(handle) - BASE;
}

/* The result of a POSIX call. */
static int64_t posix(int64_t result)
{
	return result < 0 ? -errno : result;
}

static int64_t derive(struct box *box)
{
	struct cap_derive how = { box->rights, box->flag ? CAP_DERIVE_CLOEXEC : 0, CAP_FOREVER, 0 };
	int64_t handle;
	int pidfd;

	if (box->op == DERIVE)
		return made(box, cap_derive(box->slot + BASE, &how));
	pidfd = pidfd_open(shared->boxes[box->other].pid, 0);
	if (pidfd < 0)
		return pidfd;
	handle = cap_grant(pidfd, box->slot + BASE, &how);
	close(pidfd);
	return made(box, handle);
}

static int64_t start_child(int other)
{
	pid_t pid = fork();

	if (pid == 0)
		worker(other);
	if (pid < 0)
		return -errno;
	shared->boxes[other].pid = pid;
	return 0;
}

static int64_t exec_self(int me)
{
	char number[8];

	snprintf(number, sizeof(number), "%d", me);
	execl(SELF, SELF, "--process", number, NULL);
	return -errno;
}

static int64_t list(struct box *box)
{
	struct cap_info *info = box->list;
	int n = cap_list(-1, -1, info, MODEL_SLOTS + BASE);

	box->count = n;
	return n < 0 ? n : 0;
}

static int64_t perform(struct box *box, int me)
{
	int fd = box->slot + BASE, flags = box->flag ? O_CLOEXEC : 0;
	char byte = 0;

	switch (box->op) {
	case NOTHING:
		return 0;
	case CREATE:
		return made(box, posix(open("/dev/zero", O_RDWR | flags)));
	case DERIVE:
	case GRANT:
		return derive(box);
	case DUP:
		return made(box, posix(fcntl(fd, box->flag ? F_DUPFD_CLOEXEC : F_DUPFD, box->to + BASE)));
	case DUP_TO:
		return made(box, posix(dup3(fd, box->to + BASE, flags)));
	case CLOSE:
		return posix(close(fd));
	case READ:
		return posix(read(fd, &byte, 1));
	case WRITE:
		return posix(write(fd, &byte, 1));
	case STALE:
		return cap_query(box->handle, box->list);
	case LIMIT:
		return cap_limit(fd, box->rights);
	case EXPIRE:
		return cap_expire(fd, 1000000);
	case REVOKE:
		return cap_revoke(fd, box->flag ? 0 : CAP_REVOKE_CHILDREN);
	case FORK:
		return start_child(box->other);
	case EXEC:
		return exec_self(me);
	case EXIT:
		return 0;
	case LIST:
		return list(box);
	}
	return -ENOSYS;
}

static void answer(void)
{
	if (atomic_fetch_sub(&shared->pending, 1) == 1)
		futex_wake(&shared->pending);
}

static void worker(int me)
{
	struct box *box = &shared->boxes[me];

	for (;;) {
		bool exits;

		while (!box->go)
			futex_wait(&box->go, 0, 0);
		box->go = 0;
		exits = box->op == EXIT;
		box->result = perform(box, me);
		answer();
		if (exits)
			_exit(0);
	}
}

/* Behind exec: the step is over. */
static void worker_again(int me)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, SHARED_FD, 0);
	if (shared == MAP_FAILED)
		_exit(1);
	shared->boxes[me].result = 0;
	answer();
	worker(me);
}

/* --- the controller ------------------------------------------------------------------------------------- */

static void differ(int process, const char *what, int64_t kernel, int64_t expected)
{
	if (!diverged && !model.wrong)
		printf("# about step %lu of seed %lu: process %d: %s is %ld, the model says %ld\n", done,
		       seed, process, what, (long)kernel, (long)expected);
	diverged = true;
}

static void same(int process, const char *what, int64_t kernel, int64_t expected)
{
	if (kernel != expected)
		differ(process, what, kernel, expected);
}

static bool takes_part(int process)
{
	return model.processes[process].alive;
}

/* All at once; each box with `op` is served by its process. */
static void run_batch(void)
{
	uint32_t count = 0, left;

	for (int p = 0; p < MODEL_PROCESSES; p++)
		count += takes_part(p);
	shared->pending = count;
	for (int p = 0; p < MODEL_PROCESSES; p++) {
		if (takes_part(p)) {
			shared->boxes[p].go = 1;
			futex_wake(&shared->boxes[p].go);
		}
	}
	for (int tries = 0; (left = shared->pending) != 0 && tries < PATIENCE; tries++)
		futex_wait(&shared->pending, left, 1);
	same(-1, "the number of processes that do not answer", shared->pending, 0);
}

static void wait_for_end(int process)
{
	for (int ms = 0; kill(shared->boxes[process].pid, 0) == 0 && ms < PATIENCE * 1000; ms++)
		usleep(1000);
}

/* Where nothing is there, what is listed is no slot of the model's. */
static bool equals(int process, bool tell)
{
	struct box *box = &shared->boxes[process];
	bool there[MODEL_SLOTS] = { false };
	bool equal = true;

	for (int i = 0; i < box->count; i++) {
		int slot = cap_fd(box->list[i].handle) - BASE;
		struct model_node *node = model_node(&model, process, slot);

		if (slot < 0)
			continue;
		there[slot % MODEL_SLOTS] = true;
		equal &= node && box->list[i].rights == node->rights &&
			 box->list[i].depth == (uint32_t)node->depth &&
			 !(box->list[i].flags & CAP_DERIVE_CLOEXEC) == !node->cloexec;
		if (!equal && tell)
			differ(process, "what is in a slot", slot, node ? (int64_t)node->rights : -1);
		handles[process][slot] = box->list[i].handle;
	}
	for (int slot = 0; slot < MODEL_SLOTS; slot++) {
		equal &= there[slot] == (model_node(&model, process, slot) != NULL);
		if (!equal && tell)
			differ(process, "whether there is something in a slot", slot, !there[slot]);
	}
	return equal;
}

static bool tables_equal(bool tell)
{
	bool equal = true;

	for (int p = 0; p < MODEL_PROCESSES; p++)
		shared->boxes[p].op = LIST;
	run_batch();
	for (int p = 0; p < MODEL_PROCESSES && !diverged; p++)
		equal &= !takes_part(p) || equals(p, tell);
	return equal;
}

static void choose_local(int p, struct box *box)
{
	static const enum op ops[] = { CREATE, CREATE, DERIVE, DERIVE, DERIVE, DUP,   DUP,   DUP_TO,
				       CLOSE,  READ,   READ,   WRITE,  STALE,  LIMIT, CLOSE, CREATE };

	box->op = ops[below(16)];
	box->slot = below(MODEL_SLOTS);
	box->to = below(MODEL_SLOTS);
	box->rights = below(3) ? UINT32_MAX : (uint32_t)below(1 << 30) | CAP_RIGHT_GRANT;
	box->flag = !below(4);
	box->handle = gone[p];
	box->other = -1;
	if (box->op == STALE && !gone[p])
		box->op = NOTHING;
	if ((box->op == DUP_TO && box->to == box->slot) || !model_is_low(&model, p, box->slot))
		box->op = CLOSE;
	if (box->op == CLOSE)
		box->handle = handles[p][box->slot];
}

/* After its step: what was closed has left a stale handle. */
static void remember_stale(int p, const struct box *box)
{
	if (box->op == CLOSE && box->result == 0)
		gone[p] = box->handle;
}

/* Now and then what concerns another process, which does nothing meanwhile. */
static void choose_wide(int p, struct box *box, bool *engaged)
{
	int other = below(MODEL_PROCESSES), dice = below(24);
	/* It opens a pidfd, which must not come to lie where it is told to look. */
	bool grants = model_lowest_free(&model, p, 0) >= 0 && model_node(&model, p, box->slot);

	if (engaged[other]) /* also those that have their step already */
		return;
	if (dice < 4 && takes_part(other) && grants)
		box->op = GRANT;
	else if (dice == 4 && !takes_part(other) && model_may_fork(&model, p))
		box->op = FORK;
	else if (dice == 5)
		box->op = EXEC;
	else if (dice == 6 && p != 0)
		box->op = EXIT;
	else
		return;
	if (box->op == GRANT || box->op == FORK) {
		box->other = other;
		engaged[other] = true;
	}
	if (box->op == FORK || box->op == EXEC || box->op == EXIT)
		gone[box->op == FORK ? other : p] = 0;
}

static int model_grant(int p, const struct box *box)
{
	struct model_node *node = model_node(&model, p, box->slot);

	if (node && !(node->rights & CAP_RIGHT_GRANT))
		return -EPERM;
	return model_derive(&model, p, box->slot, box->other, box->rights, 0, box->flag);
}

/* What has no position may be written with APPEND, too. */
static int expected_write(int p, int slot)
{
	bool may = model_use(&model, p, slot, FILE_RIGHT_WRITE) == 0 ||
		   model_use(&model, p, slot, FILE_RIGHT_APPEND) == 0;

	return may ? 1 : -EBADF;
}

/* What the step gives, and leaves in the model. */
static int64_t expected_of(int p, const struct box *box)
{
	int result;

	switch (box->op) {
	case CREATE:
		result = model_create(&model, p, all_rights);
		if (result >= 0)
			model_node(&model, p, result)->cloexec = box->flag;
		return result;
	case DERIVE:
		return model_derive(&model, p, box->slot, p, box->rights, 0, box->flag);
	case GRANT:
		return model_grant(p, box);
	case DUP:
		return model_dup(&model, p, box->slot, box->to, box->flag);
	case DUP_TO:
		return model_dup_to(&model, p, box->slot, box->to, box->flag);
	case CLOSE:
		return model_close(&model, p, box->slot);
	case READ:
		return model_use(&model, p, box->slot, FILE_RIGHT_READ) ?: 1;
	case WRITE:
		return expected_write(p, box->slot);
	case STALE:
		return -EBADF;
	case LIMIT:
		return model_limit(&model, p, box->slot, box->rights);
	case EXPIRE:
		return model_expire(&model, p, box->slot, 1);
	case REVOKE:
		return model_revoke(&model, p, box->slot, box->flag);
	case FORK:
		model_fork(&model, p, box->other);
		return 0;
	case EXEC:
		model_exec(&model, p);
		return 0;
	case EXIT:
		model_exit(&model, p);
		return 0;
	case NOTHING:
	case LIST:
		return 0;
	}
	return -1;
}

static const char *name_of(enum op op)
{
	static const char *const names[] = { "nothing", "create", "derive", "grant",   "dup",
					     "dup2",    "close",  "a read", "a write", "a stale handle's use",
					     "limit",   "expire", "revoke", "fork",    "exec",
					     "exit",    "list" };

	return names[op];
}

static void quiet_batch(void)
{
	bool engaged[MODEL_PROCESSES] = { false };

	for (int p = 0; p < MODEL_PROCESSES; p++) {
		struct box *box = &shared->boxes[p];

		if (!takes_part(p))
			continue;
		if (engaged[p]) {
			box->op = NOTHING;
			continue;
		}
		choose_local(p, box);
		engaged[p] = true;
		choose_wide(p, box, engaged);
	}
	run_batch();
	for (int p = 0; p < MODEL_PROCESSES; p++) {
		struct box *box = &shared->boxes[p];

		/* A process that a fork of this batch made has had no step. */
		if (!takes_part(p) || box->op == LIST)
			continue;
		same(p, name_of(box->op), box->result, expected_of(p, box));
		remember_stale(p, box);
		if (box->op == EXIT) {
			wait_for_end(p);
			box->pid = 0;
		}
		done++;
		box->op = LIST;
	}
}

static bool is_doomed(int root, bool self, int n)
{
	return n >= 0 && (n == root ? self : model_is_below(&model, n, root));
}

/* Is the slot right for something new, while what is doomed goes? */
static bool slot_may_be(const bool *doomed, int p, int64_t slot, int min)
{
	int lowest = model_lowest_free(&model, p, min);

	if (slot < min || slot >= MODEL_SLOTS)
		return slot == lowest;
	return slot == lowest ||
	       (doomed[model.processes[p].slots[slot] < 0 ? MODEL_NODES : model.processes[p].slots[slot]] &&
		(lowest < 0 || slot < lowest));
}

/* One step beside a revocation: is what came of it allowed?  False: the model is to leave it out, for nothing
 * is left of it. */
static bool judge_race(int p, const struct box *box, const bool *doomed)
{
	int n = model.processes[p].slots[box->slot];
	bool makes = box->op == CREATE || box->op == DERIVE || box->op == DUP;
	bool racing = n >= 0 && doomed[n] && box->op != CREATE;

	met += racing;
	if (makes && box->result >= 0 && !slot_may_be(doomed, p, box->result, box->op == DUP ? box->to : 0))
		differ(p, "the slot of something new", box->result, model_lowest_free(&model, p, 0));
	if (racing && (box->result == -EBADF || (makes && box->result == -EMFILE)))
		return false;
	return !racing;
}

/* How much would go with what is in a slot. */
static int breadth(int p, int slot)
{
	int root = model.processes[p].slots[slot], count = 0;

	for (int n = 0; root >= 0 && n < MODEL_NODES; n++)
		count += model.nodes[n].live && model_is_below(&model, n, root);
	return count;
}

/* A process and a slot, rather one that much hangs below, often the first process's, which forked the
 * others. */
static int choose_revoker(int *slot)
{
	int best = 0, most = -1;

	for (int tries = 0; tries < 16; tries++) {
		int p = below(4) ? below(MODEL_PROCESSES) : 0, s = below(MODEL_SLOTS), count = breadth(p, s);

		if (takes_part(p) && count > most) {
			best = p;
			*slot = s;
			most = count;
		}
	}
	return best;
}

/* Make the process act on something that is to go, if it has such a thing. */
static void aim(int p, struct box *box, const bool *doomed)
{
	for (int tries = 0; tries < MODEL_SLOTS; tries++) {
		int slot = below(MODEL_SLOTS), n = model.processes[p].slots[slot];

		if (n >= 0 && doomed[n] && model_is_low(&model, p, slot)) {
			box->slot = slot;
			box->handle = box->op == CLOSE ? handles[p][slot] : box->handle;
			return;
		}
	}
}

static void race(void)
{
	static bool doomed[MODEL_NODES + 1];
	static bool counts[MODEL_PROCESSES];
	int slot = 0, r = choose_revoker(&slot), root;
	struct box *revoker = &shared->boxes[r];

	for (int p = 0; p < MODEL_PROCESSES; p++) {
		choose_local(p, &shared->boxes[p]);
		/* These would need to know in which order things happened. */
		if (shared->boxes[p].op == DUP_TO || shared->boxes[p].op == LIMIT)
			shared->boxes[p].op = DERIVE;
	}
	revoker->op = REVOKE;
	revoker->slot = slot;
	root = model.processes[r].slots[revoker->slot];
	for (int n = 0; n < MODEL_NODES; n++)
		doomed[n] = root >= 0 && model.nodes[n].live && is_doomed(root, revoker->flag, n);
	for (int p = 0; p < MODEL_PROCESSES; p++)
		if (p != r && shared->boxes[p].op != STALE && below(2))
			aim(p, &shared->boxes[p], doomed);
	run_batch();
	for (int p = 0; p < MODEL_PROCESSES; p++)
		counts[p] = takes_part(p) && p != r && judge_race(p, &shared->boxes[p], doomed);
	same(r, "revoke", revoker->result, expected_of(r, revoker));
	for (int p = 0; p < MODEL_PROCESSES; p++) {
		struct box *box = &shared->boxes[p];
		bool makes = box->op == CREATE || box->op == DERIVE || box->op == DUP;

		if (!takes_part(p))
			continue;
		done++;
		remember_stale(p, box);
		if (!counts[p])
			continue;
		if (makes && box->result == -EMFILE)
			continue; /* it came before something went */
		model.forced = makes && box->result >= 0 ? (int)box->result : -1;
		same(p, name_of(box->op), box->result, expected_of(p, box));
		model.forced = -1;
	}
	races++;
}

/* Some get a millisecond.  A use after that fails at once; the rest goes when the kernel's thread has run. */
static void expiry(void)
{
	for (int p = 0; p < MODEL_PROCESSES; p++) {
		struct box *box = &shared->boxes[p];

		box->op = below(8) ? NOTHING : EXPIRE;
		box->slot = below(MODEL_SLOTS);
	}
	run_batch();
	for (int p = 0; p < MODEL_PROCESSES; p++)
		if (takes_part(p))
			same(p, "expire", shared->boxes[p].result, expected_of(p, &shared->boxes[p]));
	usleep(2000);
	for (int p = 0; p < MODEL_PROCESSES; p++)
		shared->boxes[p].op = shared->boxes[p].op == EXPIRE ? READ : NOTHING;
	run_batch();
	for (int p = 0; p < MODEL_PROCESSES; p++)
		if (takes_part(p) && shared->boxes[p].op == READ)
			same(p, "a read after the time is over", shared->boxes[p].result, -EBADF);
	model_expired(&model, 1);
	for (int tries = 0; !tables_equal(false) && tries < 1000; tries++)
		usleep(5000);
	done += MODEL_PROCESSES;
}

/* Nobody but the first process is sure to be there. */
static void repopulate(void)
{
	for (int p = 1; p < MODEL_PROCESSES && !diverged; p++) {
		if (takes_part(p) || !model_may_fork(&model, 0))
			continue;
		for (int q = 0; q < MODEL_PROCESSES; q++)
			shared->boxes[q].op = NOTHING;
		shared->boxes[0].op = FORK;
		shared->boxes[0].other = p;
		run_batch();
		same(0, "fork", shared->boxes[0].result, expected_of(0, &shared->boxes[0]));
	}
}

static bool start(void)
{
	struct rlimit limit = { MODEL_SLOTS + BASE, MODEL_SLOTS + BASE };
	int fd = memfd_create("model", 0);
	struct cap_info info;
	pid_t pid;

	if (fd != SHARED_FD || ftruncate(fd, sizeof(*shared)) < 0)
		return false;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED || setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return false;
	fd = open("/dev/zero", O_RDWR);
	if (cap_query(fd, &info) < 0)
		return false;
	all_rights = info.rights;
	close(fd);
	signal(SIGCHLD, SIG_IGN);
	memset(shared, 0, sizeof(*shared));
	pid = fork();
	if (pid == 0)
		worker(0);
	shared->boxes[0].pid = pid; /* the parent's to write alone */
	model_start_process(&model, 0);
	return pid > 0;
}

static bool run(bool wrong)
{
	model_init(&model);
	model.wrong = wrong;
	diverged = false;
	chance = seed * 0x9e3779b97f4a7c15;
	memset(gone, 0, sizeof(gone));
	done = races = met = 0;
	if (!start()) {
		printf("# cannot begin: errno %d\n", errno);
		exit(1);
	}
	for (uint64_t batch = 0; done < steps && !diverged; batch++) {
		if (batch % 16 == 0) {
			repopulate();
			tables_equal(true); /* and handles to all that is there */
		}
		if (batch % 32 == 31)
			expiry();
		else if (batch % 3 == 2)
			race();
		else
			quiet_batch();
		tables_equal(true);
	}
	for (int p = 0; p < MODEL_PROCESSES; p++)
		if (shared->boxes[p].pid > 0)
			kill(shared->boxes[p].pid, SIGKILL);
	munmap(shared, sizeof(*shared));
	close(SHARED_FD);
	return !diverged;
}

int main(int argc, char **argv)
{
	bool wrong = false, good;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--wrong"))
			wrong = true;
		else if (i + 1 < argc && !strcmp(argv[i], "--process"))
			worker_again(atoi(argv[i + 1]));
		else if (i + 1 < argc && !strcmp(argv[i], "--steps"))
			steps = strtoull(argv[++i], NULL, 0);
		else if (i + 1 < argc && !strcmp(argv[i], "--seed"))
			seed = strtoull(argv[++i], NULL, 0);
	}
	if (wrong)
		return !run(true);
	good = run(false);
	printf("# %lu steps of seed %lu; %lu races, in which %lu steps met what was being revoked\n", done,
	       seed, races, met);
	tap(good, "64 processes do what the model says");
	steps = 4000;
	tap(!run(true), "a model that is wrong is found out");
	return tap_end();
}
