/* SPDX-License-Identifier: BSD-2-Clause */
/* Giving up authority for good: confinement and capability mode. */
#include <kernel/confine.h>
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/program_policy.h>
#include <kernel/slab.h>
#include <serix/errno.h>

#define ALL_RIGHTS 0xffffu /* of files and directories */

static int check(const struct confinement *c)
{
	if ((c->deny & ~CONFINE_ALL) || c->reserved)
		return -EINVAL;
	if (c->rule_count && !(c->deny & CONFINE_NO_PATHS))
		return -EINVAL;
	return c->rule_count > CONFINE_RULES_MAX ? -E2BIG : 0;
}

static int place_of(const struct confine_rule *rule, struct confine_place *out)
{
	struct file_use use;
	int err;

	if (rule->rights & ~ALL_RIGHTS)
		return -EINVAL;
	err = file_use(rule->fd, 0, &use);
	if (err < 0)
		return err;
	err = vfs_place(use.file, &out->path);
	file_done(&use);
	out->rights = rule->rights;
	return err;
}

static void put_places(const struct confine_place *places, uint32_t count)
{
	while (count-- > 0)
		path_put(&places[count].path);
}

static int get_places(const struct confinement *c, struct confine_place *places)
{
	for (uint32_t i = 0; i < c->rule_count; i++) {
		struct confine_rule rule;
		uaddr_t at = (uaddr_t)c->rules + i * sizeof(rule);
		int err = copy_from_user(&rule, at, sizeof(rule));

		if (err == 0)
			err = place_of(&rule, &places[i]);
		if (err < 0) {
			put_places(places, i);
			return err;
		}
	}
	return 0;
}

static int confine_as(const struct confinement *c, const struct confine_place *places)
{
	struct confine_terms terms = {
		.deny = c->deny,
		.memory = c->memory ? c->memory : UINT64_MAX,
		.expires = confine_end(c->expires_ns),
		.token_guesses = c->token_guesses,
		.places = places,
		.place_count = c->rule_count,
	};

	return confine_process(&terms);
}

SYSCALL(cap_confine)
{
	struct confinement c;
	struct confine_place *places;
	int err;

	if (ARG(1, size_t) != sizeof(c))
		return -EINVAL;
	err = copy_from_user(&c, ARG(0, uaddr_t), sizeof(c));
	if (err == 0)
		err = check(&c);
	if (err < 0)
		return err;
	places = kmalloc((c.rule_count + 1) * sizeof(*places));
	if (!places)
		return -ENOMEM;
	err = get_places(&c, places);
	if (err == 0) {
		err = confine_as(&c, places);
		put_places(places, c.rule_count);
	}
	kfree(places);
	return err;
}

/* takes: CAP_ENTER*, else EINVAL */
SYSCALL(cap_enter)
{
	static const struct confine_terms terms = {
		.deny = CONFINE_NO_ADMIN, .capability_mode = true, .memory = UINT64_MAX, .expires = UINT64_MAX
	};
	uint32_t flags = ARG(0, uint32_t);

	if (flags & ~CAP_ENTER)
		return -EINVAL;
	if (flags == 0)
		return confine_capability_mode();
	return confine_capability_mode() ? 0 : confine_process(&terms);
}

SYSCALL(policy_load)
{
	uint64_t size = args->a[1];
	void *data;
	int err;

	if (!cred_has_privilege(PRIV_MAC_ADMIN) || current_confine())
		return -EPERM;
	if (size > POLICY_SIZE_MAX)
		return -E2BIG;
	data = program_policy_alloc(size + 1);
	if (!data)
		return -ENOMEM;
	err = copy_from_user(data, ARG(0, uaddr_t), size);
	if (err == 0)
		err = program_policy_set(data, size);
	if (err < 0)
		program_policy_free(data);
	return err;
}
