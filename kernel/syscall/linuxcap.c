/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capget(2), capset(2), seccomp(2).
 *
 * Linux's capabilities are modelled by the user: id 0 has them all, everybody else has none, and nothing can
 * take single ones away.  What would have to do that says that it failed.  (Serix's own capabilities are
 * another matter: cap.c.)
 */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/process.h>
#include <kernel/unsupported.h>
#include <serix/errno.h>

#define LAST_CAPABILITY 40u
#define ALL             ((1ull << (LAST_CAPABILITY + 1)) - 1)

/* --- capabilities --------------------------------------------------------------------------------------- */

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

static int euid_of(pid_t pid, uid_t *euid)
{
	struct process *p;

	if (pid < 0)
		return -EINVAL;
	*euid = current_cred()->euid;
	if (pid == 0)
		return 0;
	p = process_find(pid);
	if (!p)
		return -ESRCH;
	*euid = READ_ONCE(p->cred.euid);
	process_put(p);
	return 0;
}

/* lacks: privilege in parts: root has all, others none */
SYSCALL(capget)
{
	struct user_cap_data data[2] = { 0 };
	struct user_cap_header header;
	unsigned words;
	uid_t euid;
	int err = get_header(ARG(0, uaddr_t), &header, &words);

	if (!ARG(1, uaddr_t)) /* only the version is asked for */
		return err == -EINVAL ? 0 : err;
	if (err == 0)
		err = euid_of(header.pid, &euid);
	if (err < 0)
		return err;
	for (unsigned i = 0; i < words && euid == 0; i++)
		data[i].effective = data[i].permitted = (uint32_t)(ALL >> 32 * i);
	return copy_to_user(ARG(1, uaddr_t), data, words * sizeof(data[0]));
}

/* Only what is so already. */
/* lacks: privilege in parts: what would change some is EPERM */
SYSCALL(capset)
{
	struct user_cap_data data[2] = { 0 };
	struct user_cap_header header;
	uint64_t own = current_cred()->euid == 0 ? ALL : 0, effective, permitted;
	unsigned words;
	int err = get_header(ARG(0, uaddr_t), &header, &words);

	if (err < 0)
		return err;
	if (header.pid != 0 && header.pid != current_process()->pid)
		return -EPERM;
	if (copy_from_user(data, ARG(1, uaddr_t), words * sizeof(data[0])) < 0)
		return -EFAULT;
	effective = (uint64_t)data[1].effective << 32 | data[0].effective;
	permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	if (words == 1)
		own = (uint32_t)own;
	if ((effective & ALL) == own && (permitted & ALL) == own)
		return 0;
	if (!(permitted & ~own & ALL)) /* Linux would have let it give something up */
		unsupported_note(UNSUPPORTED_OTHER, permitted, "capset");
	return -EPERM;
}

/* --- seccomp -------------------------------------------------------------------------------------------- */

/* There are no filters: confinement is what Serix has. */
/* lacks: everything: EINVAL, and confinement (cap_confine) instead */
SYSCALL(seccomp)
{
	unsupported_note(UNSUPPORTED_FLAG, ARG(0, uint32_t), "seccomp");
	return -EINVAL;
}
