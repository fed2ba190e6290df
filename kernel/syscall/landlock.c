/* SPDX-License-Identifier: BSD-2-Clause */
/* Landlock's calls: rulesets, their rules, and giving up what they deny. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/cap_audit.h>
#include <kernel/file.h>
#include <kernel/landlock.h>
#include <kernel/pmm.h>
#include <serix/errno.h>

/* A ruleset by a descriptor that grants `right` to it. */
static int use_ruleset(int fd, uint32_t right, struct file_use *use)
{
	int err = file_use(fd, 0, use);

	if (err < 0)
		return err;
	if (!file_is_landlock_ruleset(use->file)) {
		err = -EBADFD;
	} else if (!(atomic_load(&use->cap->rights) & right)) {
		cap_audit(CAP_EVENT_DENIAL, use->cap, "ruleset");
		err = -EPERM;
	}
	if (err < 0)
		file_done(use);
	return err;
}

/* Programs made for later versions give more, which means nothing as long as it is zero. */
static int get_ruleset(uaddr_t user, uint64_t size, struct abi_landlock_ruleset *out)
{
	uint8_t rest[64];
	int err;

	if (!user)
		return -EFAULT;
	if (size < sizeof(*out))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	err = copy_from_user(out, user, sizeof(*out)) < 0 ? -EFAULT : 0;
	for (uint64_t at = sizeof(*out); err == 0 && at < size;) {
		size_t n = MIN(size - at, sizeof(rest));

		if (copy_from_user(rest, user + at, n) < 0)
			return -EFAULT;
		at += n;
		while (n > 0 && err == 0)
			err = rest[--n] ? -E2BIG : 0;
	}
	return err;
}

/*
 * takes: LANDLOCK_ACCESS_FS_* in LANDLOCK_ACCESS_FS_ALL, but LANDLOCK_ACCESS_FS_FILES
 * LANDLOCK_ACCESS_FS_MAKING, else EINVAL; LANDLOCK_CREATE_RULESET_*, else EINVAL
 */
SYSCALL(landlock_create_ruleset)
{
	uaddr_t user = ARG(0, uaddr_t);
	uint64_t size = ARG(1, uint64_t);
	uint32_t flags = ARG(2, uint32_t);
	struct abi_landlock_ruleset ruleset;
	struct file *file;
	int fd, err;

	if (flags)
		return flags == LANDLOCK_CREATE_RULESET_VERSION && !user && !size ? LANDLOCK_ABI_VERSION
										  : -EINVAL;
	err = get_ruleset(user, size, &ruleset);
	if (err != 0)
		return err;
	err = landlock_ruleset_create(ruleset.handled_access_fs, &file);
	if (err < 0)
		return err;
	fd = file_install(file, true);
	if (fd < 0)
		file_put(file);
	return fd;
}

/* What is said of the place that the descriptor is open for. */
static int add_path_beneath(struct file *ruleset, uaddr_t user)
{
	struct abi_landlock_path_beneath rule;
	struct file_use place;
	int err;

	if (copy_from_user(&rule, user, sizeof(rule)) < 0)
		return -EFAULT;
	err = landlock_ruleset_may_grant(ruleset, rule.allowed_access);
	if (err != 0)
		return err;
	err = file_use(rule.parent_fd, 0, &place);
	if (err != 0)
		return err;
	err = landlock_ruleset_add(ruleset, place.file, rule.allowed_access);
	file_done(&place);
	return err;
}

/*
 * takes: LANDLOCK_RULE_*, else EINVAL; LANDLOCK_ACCESS_FS_* in LANDLOCK_ACCESS_FS_ALL, but
 * LANDLOCK_ACCESS_FS_FILES LANDLOCK_ACCESS_FS_MAKING, else EINVAL
 */
SYSCALL(landlock_add_rule)
{
	struct file_use use;
	int err;

	if (ARG(3, uint32_t))
		return -EINVAL;
	err = use_ruleset(ARG(0, int), RULESET_RIGHT_ADD, &use);
	if (err < 0)
		return err;
	if (ARG(1, uint32_t) == LANDLOCK_RULE_PATH_BENEATH)
		err = add_path_beneath(use.file, ARG(2, uaddr_t));
	else
		err = -EINVAL;
	file_done(&use);
	return err;
}

SYSCALL(landlock_restrict_self)
{
	struct file_use use;
	int err;

	if (!landlock_may_restrict())
		return -EPERM;
	if (ARG(1, uint32_t))
		return -EINVAL;
	err = use_ruleset(ARG(0, int), RULESET_RIGHT_ENFORCE, &use);
	if (err < 0)
		return err;
	err = landlock_restrict_self(use.file);
	file_done(&use);
	return err;
}
