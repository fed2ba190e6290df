/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities of 64 processes at once against user/lib/cap_model.h.  A controller gives each process of the
 * crew (user/lib/cap_crew.h) a list of steps; all of them run in parallel, the result of each step is
 * compared, and afterwards every table is read and compared.
 *
 *	quiet batches	steps in different processes commute, so each result is known beforehand; who is
 *			granted something or has just been forked does nothing else meanwhile
 *	races		one process revokes while all others go on: what acts on something that goes may
 *			succeed until it finds it gone, and a new capability may take a slot that has just
 *			been emptied; everything else is known, what begins when the revocation has
 *			returned is, too, and afterwards nothing below what was revoked is left, whoever
 *			derived it meanwhile
 *	expiry		some capabilities get a millisecond; once that is over a use fails, and soon all below
 *			is gone
 *
 *	cap_model [--steps N] [--seconds N] [--seed N] [--wrong]
 *
 * It ends after so many steps, or so many seconds if that is earlier.  --wrong: the model errs on purpose,
 * and is found out.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "cap_expect.h"
#include "tap.h"

#define QUIET_STEPS 48 /* of one process, a batch */
/* Beside a revocation what a slot holds is not known beforehand: what hangs MODEL_HEIGHT high may get that
 * much higher, and stays below the kernel's bound. */
#define RACE_STEPS 20

static struct cap_model model;
static uint64_t chance;
static uint64_t steps = 20000, seconds = UINT64_MAX, seed = 1, done, races, met, refused;
static uint32_t all_rights;
static bool diverged;

static int pidfds[MODEL_PROCESSES];                        /* -1: is not there */
static int64_t expected[MODEL_PROCESSES][CREW_STEPS];      /* of each step, where it is known beforehand */
static cap_handle_t handles[MODEL_PROCESSES][MODEL_SLOTS]; /* as they were last read; 0: none */
static uint64_t serials[MODEL_PROCESSES][MODEL_SLOTS];     /* of what they are for */
static cap_handle_t gone[MODEL_PROCESSES];                 /* a stale one; 0: none */

static int below(int n)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return (int)((chance >> 11) % (unsigned)n);
}

static void differ(int process, const char *what, int64_t kernel, int64_t wanted)
{
	if (!diverged && !model.wrong)
		printf("# about step %lu of seed %lu: process %d: %s is %ld, the model says %ld\n", done,
		       seed, process, what, (long)kernel, (long)wanted);
	diverged = true;
}

static void same(int process, const char *what, int64_t kernel, int64_t wanted)
{
	if (kernel != wanted)
		differ(process, what, kernel, wanted);
}

/* --- the crew ------------------------------------------------------------------------------------------- */

static bool is_there(int process)
{
	return pidfds[process] >= 0;
}

static bool is_alive(int process)
{
	return model.processes[process].alive;
}

static void begin_batch(void)
{
	for (int p = 0; p < MODEL_PROCESSES; p++)
		crew->boxes[p].count = crew->boxes[p].next = 0;
}

static struct crew_step *add_step(int p)
{
	struct crew_box *box = &crew->boxes[p];

	return &box->steps[box->count++];
}

static void meet(int p)
{
	pidfds[p] = pidfd_open(crew->boxes[p].pid, 0);
	if (pidfds[p] < 0)
		differ(p, "a pidfd of it", pidfds[p], 0);
	memset(handles[p], 0, sizeof(handles[p]));
	gone[p] = 0;
}

static void wait_for_end(int p)
{
	struct pollfd ends = { .fd = pidfds[p], .events = POLLIN };

	same(p, "whether it ends", poll(&ends, 1, CREW_PATIENCE * 1000), 1);
	close(pidfds[p]);
	pidfds[p] = -1;
}

/* All do their steps at once.  Who came and who went is met and buried afterwards. */
static void run_batch(void)
{
	uint32_t count = 0;

	for (int p = 0; p < MODEL_PROCESSES; p++)
		count += is_there(p);
	same(-1, "the number of processes that do not answer", crew_run(count), 0);
	for (int p = 0; p < MODEL_PROCESSES; p++) {
		struct crew_box *box = &crew->boxes[p];

		done += (uint64_t)box->count;
		if (is_there(p) && !is_alive(p))
			wait_for_end(p);
		else if (!is_there(p) && is_alive(p))
			meet(p);
	}
}

/* --- what is in the tables ------------------------------------------------------------------------------ */

/* A handle stays with its capability, and is stale with another in its place. */
static void follow_handle(int p, int slot, cap_handle_t handle)
{
	const struct model_node *node = model_node(&model, p, slot);
	uint64_t serial = node ? node->serial : 0;
	cap_handle_t old = handles[p][slot];

	if (old && serial == serials[p][slot])
		same(p, "the handle of something that stayed", handle, old);
	else if (old)
		gone[p] = old;
	if (old && old == handle && serial != serials[p][slot])
		differ(p, "the handle of something new", handle, 0);
	handles[p][slot] = handle;
	serials[p][slot] = serial;
}

static bool slot_equals(const struct cap_info *info, const struct model_node *node)
{
	if (!info || !node)
		return !info && !node;
	return info->rights == node->rights && info->depth == (uint32_t)node->depth &&
	       !(info->flags & CAP_DERIVE_CLOEXEC) == !node->cloexec;
}

static void compare_table(int p)
{
	struct cap_info list[MODEL_SLOTS + CREW_BASE], *there[MODEL_SLOTS] = { NULL };
	int count = cap_list(pidfds[p], -1, list, MODEL_SLOTS + CREW_BASE);

	for (int i = 0; i < count; i++) {
		int slot = cap_fd(list[i].handle) - CREW_BASE;

		if (slot >= 0 && slot < MODEL_SLOTS)
			there[slot] = &list[i];
	}
	if (count < CREW_BASE)
		differ(p, "the number of its capabilities", count, CREW_BASE);
	for (int slot = 0; slot < MODEL_SLOTS; slot++) {
		const struct model_node *node = model_node(&model, p, slot);

		if (!slot_equals(there[slot], node))
			differ(p, "what is in a slot", there[slot] ? (int64_t)there[slot]->rights : -1,
			       node ? (int64_t)node->rights : -1);
		follow_handle(p, slot, there[slot] ? there[slot]->handle : 0);
	}
}

static void compare_tables(void)
{
	for (int p = 0; p < MODEL_PROCESSES && !diverged; p++)
		if (is_alive(p))
			compare_table(p);
}

/* --- choosing steps, and what they give ----------------------------------------------------------------- */

static void choose(int p, struct crew_step *step)
{
	/* Tables are full now and then, and mostly have room for what others grant. */
	static const enum crew_op ops[] = { CREATE, CREATE, DERIVE, DERIVE, DERIVE, DUP,   DUP,
					    DUP_TO, CLOSE,  CLOSE,  CLOSE,  CLOSE,  CLOSE, CLOSE,
					    READ,   READ,   WRITE,  STALE,  LIMIT,  LIST };

	*step = (struct crew_step){
		.op = ops[below(20)],
		.slot = below(MODEL_SLOTS),
		.to = below(MODEL_SLOTS),
		.rights = below(3) ? UINT32_MAX : (uint32_t)below(1 << 30) | CAP_RIGHT_GRANT,
		.flag = !below(4),
		.handle = gone[p],
	};
	if (step->op == STALE && !gone[p])
		step->op = CREATE;
	if (step->op == CREATE)
		step->rights = all_rights;
	if ((step->op == DUP_TO && step->to == step->slot) || !model_is_low(&model, p, step->slot))
		step->op = CLOSE;
}

/* What concerns another process. */
static void choose_wide(int p, int other, struct crew_step *step)
{
	step->other = other;
	if (!is_alive(other) && model_may_fork(&model, p))
		step->op = FORK;
	/* It opens a pidfd, which must not come to lie where it is told to look. */
	else if (is_alive(other) && model_lowest_free(&model, p, 0) >= 0 && model_node(&model, p, step->slot))
		step->op = GRANT;
}

/* `other`: does nothing by itself meanwhile; -1: nobody. */
static void choose_any(int p, int other, struct crew_step *step)
{
	int dice = below(1024);

	choose(p, step);
	if (dice < 256 && other >= 0)
		choose_wide(p, other, step);
	else if (dice >= 256 && dice < 260)
		step->op = EXEC;
	else if (dice == 260 && p != 0)
		step->op = EXIT;
}

/* The step is chosen, and the model has done it. */
static void expect(int p, const struct crew_step *step)
{
	expected[p][step - crew->boxes[p].steps] = expected_of(&model, p, step);
}

static void compare_results(int p)
{
	struct crew_box *box = &crew->boxes[p];

	for (int i = 0; i < box->count; i++)
		same(p, crew_name(box->steps[i].op), box->steps[i].result, expected[p][i]);
}

/* --- quiet batches -------------------------------------------------------------------------------------- */

static void plan_quiet(int p, bool *busy)
{
	int other = below(MODEL_PROCESSES);

	busy[p] = true;
	if (busy[other] || below(2)) /* also those that have their steps already */
		other = -1;
	else
		busy[other] = true;
	for (int i = 0; i < QUIET_STEPS && is_alive(p); i++) {
		struct crew_step *step = add_step(p);

		choose_any(p, other, step);
		expect(p, step);
	}
}

static void quiet_batch(void)
{
	bool busy[MODEL_PROCESSES] = { false };
	int first = below(MODEL_PROCESSES);

	begin_batch();
	for (int i = 0; i < MODEL_PROCESSES; i++) {
		int p = (first + i) % MODEL_PROCESSES;

		if (is_there(p) && !busy[p])
			plan_quiet(p, busy);
	}
	run_batch();
	for (int p = 0; p < MODEL_PROCESSES; p++)
		compare_results(p);
}

/* --- races ---------------------------------------------------------------------------------------------- */

/*
 * What is being revoked loses more and more: first nothing is derived from it any more, then it is not used
 * any more, then its slot is free.  A step that needs one of that shows how far it has come, at least.
 */
enum stage { WHOLE, BARREN, USELESS, OFF };

static struct fate {
	bool doomed; /* goes with what is being revoked */
	enum stage stage;
} fates[MODEL_NODES];

static enum stage stage_that_refuses(enum crew_op op)
{
	switch (op) {
	case DERIVE:
	case DUP:
	case DUP_TO:
		return BARREN;
	case CLOSE:
		return OFF;
	default:
		return USELESS;
	}
}

static bool makes(const struct crew_step *step)
{
	return step->op == CREATE || step->op == DERIVE || step->op == DUP || step->op == DUP_TO;
}

static struct fate *fate_in(int p, int slot)
{
	int n = model.processes[p].slots[slot];

	return n >= 0 && fates[n].doomed ? &fates[n] : NULL;
}

static void foretell(int root, bool self)
{
	for (int n = 0; n < MODEL_NODES; n++) {
		bool below_root = root >= 0 && model.nodes[n].live && model_is_below(&model, n, root);

		fates[n] = (struct fate){ .doomed = below_root || (n == root && self) };
	}
}

/* All that is doomed is off. */
static void bury(int p)
{
	for (int slot = 0; slot < MODEL_SLOTS; slot++)
		if (fate_in(p, slot))
			model_end_node(&model, model.processes[p].slots[slot]);
}

/* Something new may also have taken a slot that what was there has just lost. */
static void take_slot(int p, const struct crew_step *step)
{
	int min = step->op == DUP ? step->to : 0, lowest = model_lowest_free(&model, p, min);

	if (step->result >= min && step->result < MODEL_SLOTS && (lowest < 0 || step->result < lowest) &&
	    fate_in(p, (int)step->result))
		model_end_node(&model, model.processes[p].slots[step->result]);
	same(p, "the slot of something new", step->result, model_lowest_free(&model, p, min));
}

/* Would it be refused beside no revocation, too? */
static bool is_refused_anyway(int p, const struct crew_step *step)
{
	return (step->op == READ && model_use(&model, p, step->slot, FILE_RIGHT_READ) < 0) ||
	       (step->op == WRITE && expected_write(&model, p, step->slot) < 0);
}

static void found_gone(int p, const struct crew_step *step, struct fate *fate)
{
	enum stage stage = stage_that_refuses(step->op);

	refused++;
	if (stage == OFF)
		model_end_node(&model, model.processes[p].slots[step->slot]);
	else if (stage > fate->stage && !is_refused_anyway(p, step))
		fate->stage = stage;
}

/* What came of a step beside a revocation: is it allowed?  What it has left is the model's, too. */
static void judge(int p, const struct crew_step *step)
{
	bool needs_slot = step->op != CREATE && step->op != STALE;
	struct fate *fate;

	if (step->late)
		bury(p);
	fate = needs_slot ? fate_in(p, step->slot) : NULL;
	met += fate != NULL;
	if (fate && step->result == -EBADF) {
		found_gone(p, step, fate);
		return;
	}
	if (fate && fate->stage >= (step->result < 0 ? USELESS : stage_that_refuses(step->op)))
		differ(p, "what is done with something that was gone", step->result, -EBADF);
	if (makes(step) && step->op != DUP_TO && step->result >= 0)
		take_slot(p, step);
	same(p, crew_name(step->op), step->result, expected_of(&model, p, step));
	if (makes(step) && step->result >= 0 && !diverged)
		fates[model.processes[p].slots[step->result]] = (struct fate){ .doomed = fate != NULL };
}

/* A process and a slot, rather one that much hangs below, often the first process's, which forked the
 * others. */
static int choose_revoker(int *slot)
{
	static int counts[MODEL_NODES];
	int best = 0, most = -1;

	memset(counts, 0, sizeof(counts));
	for (int n = 0; n < MODEL_NODES; n++)
		for (int up = n; model.nodes[n].live && (up = model.nodes[up].parent) >= 0;)
			counts[up]++;
	for (int tries = 0; tries < 16; tries++) {
		int p = below(4) ? below(MODEL_PROCESSES) : 0, s = below(MODEL_SLOTS);
		int n = is_alive(p) ? model.processes[p].slots[s] : -1, count = n < 0 ? 0 : counts[n];

		if (is_alive(p) && count > most) {
			best = p;
			*slot = s;
			most = count;
		}
	}
	return best;
}

/* What is going to be revoked is granted to all that have room for it. */
static void spread(int revoker, int slot)
{
	begin_batch();
	for (int p = 0; p < MODEL_PROCESSES; p++) {
		bool may = model_node(&model, revoker, slot) && model_lowest_free(&model, revoker, 0) >= 0;

		if (may && p != revoker && is_there(p) && model_lowest_free(&model, p, 0) >= 0) {
			struct crew_step *step = add_step(revoker);

			*step = (struct crew_step){
				.op = GRANT, .slot = slot, .other = p, .rights = UINT32_MAX, .flag = !below(4)
			};
			expect(revoker, step);
		}
	}
	run_batch();
	compare_results(revoker);
}

/* It begins with this and that, so that others are at work already; its last step is the revocation. */
static struct crew_step *plan_revoker(int p, int slot)
{
	struct crew_step *step;

	for (int i = below(RACE_STEPS); i > 0; i--) {
		step = add_step(p);
		choose(p, step);
		if ((step->op == CLOSE && step->slot == slot) || (step->op == DUP_TO && step->to == slot))
			step->op = READ;
		expect(p, step);
	}
	step = add_step(p);
	*step = (struct crew_step){
		.op = REVOKE, .slot = slot, .to = below(MODEL_PROCESSES), .flag = !below(4)
	};
	return step;
}

/* Make the step act on something that is to go, if the process has such a thing. */
static void aim(int p, struct crew_step *step)
{
	for (int tries = 0; tries < MODEL_SLOTS; tries++) {
		int slot = below(MODEL_SLOTS);

		if (slot != step->to && fate_in(p, slot) && model_is_low(&model, p, slot)) {
			step->slot = slot;
			return;
		}
	}
}

static void plan_racer(int p)
{
	for (int i = 0; i < RACE_STEPS; i++) {
		struct crew_step *step = add_step(p);

		choose(p, step);
		if (step->op == LIST) /* how many there are is not known */
			step->op = READ;
		if (below(2))
			aim(p, step);
	}
}

static void race(void)
{
	struct crew_step *revoke;
	int slot = 0, revoker;

	revoker = choose_revoker(&slot);
	spread(revoker, slot);
	begin_batch();
	revoke = plan_revoker(revoker, slot);
	foretell(model.processes[revoker].slots[slot], revoke->flag);
	for (int p = 0; p < MODEL_PROCESSES; p++)
		if (is_there(p) && p != revoker)
			plan_racer(p);
	run_batch();
	for (int p = 0; p < MODEL_PROCESSES; p++)
		for (int i = 0; p != revoker && i < crew->boxes[p].count; i++)
			judge(p, &crew->boxes[p].steps[i]);
	expect(revoker, revoke);
	compare_results(revoker);
	races++;
}

/* --- expiry --------------------------------------------------------------------------------------------- */

/* None of what is to expire hangs below another: that would be a race. */
static bool may_expire(int n)
{
	for (int m = 0; m < MODEL_NODES; m++)
		if (model.nodes[m].live && model.nodes[m].expires &&
		    (m == n || model_is_below(&model, n, m) || model_is_below(&model, m, n)))
			return false;
	return true;
}

static void plan_expiry(int p)
{
	for (int i = 0; i < 4; i++) {
		int slot = below(MODEL_SLOTS), n = model.processes[p].slots[slot];

		if (n < 0 || may_expire(n)) {
			struct crew_step *step = add_step(p);

			*step = (struct crew_step){ .op = EXPIRE, .slot = slot };
			expect(p, step);
		}
	}
}

/* The same slots again: whatever is tried. */
static void plan_refusals(int p)
{
	static const enum crew_op ops[] = { READ, WRITE, DERIVE, DUP, LIMIT };
	struct crew_box *box = &crew->boxes[p];

	box->next = 0;
	for (int i = 0; i < box->count; i++) {
		box->steps[i].op = ops[below(5)];
		expected[p][i] = -EBADF;
	}
}

/* Then all that went with it. */
static void plan_ends(int p, const struct model_process *before)
{
	for (int slot = 0; slot < MODEL_SLOTS; slot++) {
		if (before->slots[slot] >= 0 && !model_node(&model, p, slot)) {
			struct crew_step *step = add_step(p);

			*step = (struct crew_step){ .op = AWAIT, .slot = slot };
			expect(p, step);
		}
	}
}

/* Some get a millisecond.  A use after that fails at once; the rest goes when the kernel's thread has run. */
static void expiry(void)
{
	struct model_process before[MODEL_PROCESSES];

	begin_batch();
	for (int p = 0; p < MODEL_PROCESSES; p++)
		if (is_there(p) && below(4) == 0)
			plan_expiry(p);
	run_batch();
	for (int p = 0; p < MODEL_PROCESSES; p++)
		compare_results(p);
	memcpy(before, model.processes, sizeof(before));
	model_expired(&model, 1);
	for (int p = 0; p < MODEL_PROCESSES; p++) {
		plan_refusals(p);
		plan_ends(p, &before[p]);
	}
	usleep(2 * CREW_NS / 1000);
	run_batch();
	for (int p = 0; p < MODEL_PROCESSES; p++)
		compare_results(p);
}

/* --- all of it ------------------------------------------------------------------------------------------ */

/* Nobody but the first process is sure to be there: it forks those that are missing. */
static void repopulate(void)
{
	begin_batch();
	for (int p = 1; p < MODEL_PROCESSES; p++) {
		struct crew_step *step;

		if (is_alive(p) || !model_may_fork(&model, 0))
			continue;
		step = add_step(0);
		*step = (struct crew_step){ .op = FORK, .other = p };
		expect(0, step);
	}
	run_batch();
	compare_results(0);
}

static bool start(void)
{
	struct cap_info info;
	int fd = open("/dev/zero", O_RDWR), err = cap_query(fd, &info);

	close(fd);
	all_rights = info.rights;
	signal(SIGCHLD, SIG_IGN);
	for (int p = 0; p < MODEL_PROCESSES; p++)
		pidfds[p] = -1;
	if (err < 0 || crew_start() < 0)
		return false;
	model_start_process(&model, 0);
	meet(0);
	return !diverged;
}

static void stop(void)
{
	for (int p = 0; p < MODEL_PROCESSES; p++) {
		if (is_there(p))
			pidfd_send_signal(pidfds[p], SIGKILL, NULL, 0);
		close(pidfds[p]);
	}
	munmap(crew, sizeof(*crew));
	close(CREW_FD);
}

static bool run(bool wrong)
{
	time_t begin = time(NULL);

	model_init(&model);
	model.wrong = wrong;
	diverged = false;
	chance = seed * 0x9e3779b97f4a7c15;
	done = races = met = refused = 0;
	if (!start()) {
		printf("# cannot begin: errno %d\n", errno);
		exit(1);
	}
	for (uint64_t batch = 0; done < steps && !diverged && (uint64_t)(time(NULL) - begin) < seconds;
	     batch++) {
		if (batch % 16 == 0) {
			repopulate();
			compare_tables(); /* and handles to all that is there */
		}
		if (batch % 32 == 31)
			expiry();
		else if (batch % 3 == 2)
			race();
		else
			quiet_batch();
		compare_tables();
	}
	stop();
	return !diverged;
}

int main(int argc, char **argv)
{
	bool wrong = false, good;
	time_t begin = time(NULL);

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--wrong"))
			wrong = true;
		else if (i + 1 < argc && !strcmp(argv[i], "--process"))
			crew_again(atoi(argv[i + 1]));
		else if (i + 1 < argc && !strcmp(argv[i], "--steps"))
			steps = strtoull(argv[++i], NULL, 0);
		else if (i + 1 < argc && !strcmp(argv[i], "--seconds"))
			seconds = strtoull(argv[++i], NULL, 0);
		else if (i + 1 < argc && !strcmp(argv[i], "--seed"))
			seed = strtoull(argv[++i], NULL, 0);
	}
	if (wrong)
		return !run(true);
	good = run(false);
	printf("# %lu steps of seed %lu in %lu s; %lu races, in which %lu steps met what was being revoked, "
	       "%lu of them too late\n",
	       done, seed, (uint64_t)(time(NULL) - begin), races, met, refused);
	tap(good, "64 processes do what the model says");
	steps = 1000000;
	tap(!run(true), "a model that is wrong is found out");
	return tap_end();
}
