/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capget(2), capset(2).
 *
 * A process has its privileges as a whole: capset by one thread is for all, and every thread's id shows the
 * same.
 * The rules are in kernel/proc/privilege.c.  (Serix's own capabilities are another matter: cap.c.)
 */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/proc_calls.h>
#include <kernel/process.h>
#include <serix/errno.h>

#define VERSION_1 0x19980330u /* one word each */
#define VERSION_2 0x20071026u
#define VERSION_3 0x20080522u

struct user_cap_header {
	uint32_t version;
	int32_t pid;
};

struct user_cap_data {
	uint32_t effective, permitted, inheritable;
};

/* The header, and how many words each set has.  An unknown version is answered with the one that is known. */
static int get_header(uaddr_t from, struct user_cap_header *header, unsigned *words)
{
	if (copy_from_user(header, from, sizeof(*header)) < 0)
		return -EFAULT;
	*words = header->version == VERSION_1 ? 1 : 2;
	if (header->version == VERSION_1 || header->version == VERSION_2 || header->version == VERSION_3)
		return 0;
	return put_user_u32(from, VERSION_3) < 0 ? -EFAULT : -EINVAL;
}

static int sets_of(pid_t pid, struct priv_sets *out)
{
	struct credentials cred;
	struct process *p;

	if (pid < 0)
		return -EINVAL;
	p = pid ? process_of_thread(pid) : current_process();
	if (!p)
		return -ESRCH;
	(void)cred_get(p, &cred);
	if (pid)
		process_put(p);
	*out = cred.priv;
	return 0;
}

SYSCALL(capget)
{
	struct user_cap_data data[2];
	struct user_cap_header header;
	struct priv_sets sets = { 0 };
	unsigned words;
	int err = get_header(ARG(0, uaddr_t), &header, &words);

	if (!ARG(1, uaddr_t)) /* only the version is asked for */
		return err == -EINVAL ? 0 : err;
	if (err == 0)
		err = sets_of(header.pid, &sets);
	if (err < 0)
		return err;
	for (unsigned i = 0; i < 2; i++)
		data[i] = (struct user_cap_data){ (uint32_t)(sets.effective >> 32 * i),
						  (uint32_t)(sets.permitted >> 32 * i),
						  (uint32_t)(sets.inheritable >> 32 * i) };
	return copy_to_user(ARG(1, uaddr_t), data, words * sizeof(data[0]));
}

/* Effective, permitted, inheritable. */
static int64_t set_sets(struct credentials *cred, const uint64_t *sets)
{
	return priv_set(&cred->priv, sets[0], sets[1], sets[2]);
}

/* What there is no privilege for is not heard. */
static uint64_t both_words(uint32_t low, uint32_t high)
{
	return ((uint64_t)high << 32 | low) & PRIV_ALL;
}

/* lacks: sets for each thread: a process has one of each */
SYSCALL(capset)
{
	struct user_cap_data data[2] = { 0 };
	struct user_cap_header header;
	uint64_t sets[3];
	unsigned words;
	int err = get_header(ARG(0, uaddr_t), &header, &words);

	if (err < 0)
		return err;
	if (header.pid != 0 && header.pid != current_thread()->tid)
		return -EPERM;
	if (copy_from_user(data, ARG(1, uaddr_t), words * sizeof(data[0])) < 0)
		return -EFAULT;
	sets[0] = both_words(data[0].effective, data[1].effective);
	sets[1] = both_words(data[0].permitted, data[1].permitted);
	sets[2] = both_words(data[0].inheritable, data[1].inheritable);
	return cred_change(set_sets, sets);
}
