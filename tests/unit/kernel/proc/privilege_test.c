/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/proc/privilege.c kernel/lib/string.c */
/*
 * What exec, a change of ids, capset and prctl make of a process's privileges: for every small case (two
 * privileges in all combinations) the same as the formulas of capabilities(7), written down here privilege by
 * privilege, where the kernel calculates with whole sets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <kernel/privilege.h>

#define EPERM   1
#define EINVAL  22
#define ENODATA 61

/* One that goes with user 0's files, and the one that the rules themselves ask for. */
static const enum privilege two[2] = { PRIV_CHOWN, PRIV_SETPCAP };

/* 0 to 3 as a set of the two. */
static uint64_t set(unsigned which)
{
	return (which & 1 ? PRIV_BIT(two[0]) : 0) | (which & 2 ? PRIV_BIT(two[1]) : 0);
}

static bool in(uint64_t s, int i)
{
	return s & PRIV_BIT(two[i]);
}

/* The n-th possible state, over all that a process can be in; false: not one that there can be. */
static bool state(unsigned n, uint32_t securebits, struct priv_sets *out)
{
	*out = (struct priv_sets){ set(n & 3),      set(n >> 2 & 3), set(n >> 4 & 3),
				   set(n >> 6 & 3), set(n >> 8 & 3), securebits };
	return priv_within(out->effective, out->permitted) &&
	       priv_within(out->ambient, out->permitted & out->inheritable);
}
#define STATES 1024u

/* --- exec ----------------------------------------------------------------------------------------------- */

struct program {
	bool has_caps, effective;
	uint64_t permitted, inheritable;
};

/* What the manual says of privilege `i`, given what holds for all of them. */
static void expect_one(const struct priv_exec *before, const struct priv_exec *after, const struct program *f,
		       int i)
{
	const struct priv_sets *p = &before->sets, *q = &after->sets;
	bool set_id = before->uid != before->euid || before->gid != before->egid;
	bool root = !(p->securebits & SECURE_NOROOT) &&
		    !(f->has_caps && before->uid != 0 && before->euid == 0) &&
		    (before->uid == 0 || before->euid == 0);
	bool file_inh = root || (f->has_caps && in(f->inheritable, i));
	bool file_perm = root || (f->has_caps && in(f->permitted, i));
	bool file_eff = (f->has_caps && f->effective) || (root && before->euid == 0);
	bool amb = !f->has_caps && !set_id && in(p->ambient, i);
	bool from_file = (in(p->inheritable, i) && file_inh) || (file_perm && in(p->bounding, i));
	bool perm;

	if (before->no_new_privs && !in(p->permitted, i))
		from_file = false;
	perm = from_file || amb;
	assert_int_equal(in(q->ambient, i), amb);
	assert_int_equal(in(q->permitted, i), perm);
	assert_int_equal(in(q->effective, i), file_eff ? perm : amb);
	assert_int_equal(in(q->inheritable, i), in(p->inheritable, i));
	assert_int_equal(in(q->bounding, i), in(p->bounding, i));
}

/* A program that cannot tell gets all that its file permits, or does not start. */
static bool refused(const struct priv_exec *x, const struct program *f)
{
	if (!f->has_caps || !f->effective)
		return false;
	for (int i = 0; i < 2; i++)
		if (in(f->permitted, i) && !in(x->sets.bounding, i) &&
		    !(in(x->sets.inheritable, i) && in(f->inheritable, i)))
			return true;
	return false;
}

static void expect_exec(const struct priv_exec *before, const struct program *f)
{
	struct priv_file file = { f->permitted, f->inheritable, f->effective };
	struct priv_exec after = *before;
	bool set_id = before->uid != before->euid || before->gid != before->egid, more = false;
	int err;

	after.file = f->has_caps ? &file : NULL;
	err = priv_exec(&after);
	assert_int_equal(err, refused(before, f) ? -EPERM : 0);
	if (err < 0)
		return;
	for (int i = 0; i < 2; i++) {
		expect_one(before, &after, f, i);
		more |= in(after.sets.permitted, i) && !in(before->sets.permitted, i);
	}
	/* Never anything but what can be: within bounds, and no more without new privileges. */
	assert_true(priv_within(after.sets.effective, after.sets.permitted));
	assert_true(priv_within(after.sets.ambient, after.sets.permitted & after.sets.inheritable));
	assert_false(before->no_new_privs && more);
	assert_int_equal(after.gained, more);
	assert_int_equal(after.sets.securebits, before->sets.securebits & ~SECURE_KEEP_CAPS);
	if (!before->no_new_privs) {
		assert_int_equal(after.euid, before->euid);
		assert_int_equal(after.egid, before->egid);
	} else if (set_id) {
		assert_int_equal(after.euid, before->uid);
		assert_int_equal(after.egid, before->gid);
	}
	if (set_id)
		assert_true(after.secure);
	else if (before->uid == 0)
		assert_false(after.secure);
	else
		assert_int_equal(after.secure,
				 (f->has_caps && f->effective) || after.sets.permitted != after.sets.ambient);
}

/* Ids: real and effective user; the group is another by its set-id bit, or not. */
static void exec_with_ids(struct priv_exec *x, const struct program *f)
{
	for (unsigned ids = 0; ids < 3 * 3 * 2 * 2; ids++) {
		x->uid = ids % 3;
		x->euid = ids / 3 % 3;
		x->gid = 5;
		x->egid = 5 + ids / 9 % 2;
		x->no_new_privs = ids / 18;
		expect_exec(x, f);
	}
}

static void every_exec(void **unused)
{
	(void)unused;
	for (unsigned n = 0; n < 2 * STATES; n++) {
		struct priv_exec x;

		if (!state(n % STATES, n / STATES ? SECURE_NOROOT : SECURE_KEEP_CAPS, &x.sets))
			continue;
		exec_with_ids(&x, &(struct program){ false, false, 0, 0 });
		for (unsigned file = 0; file < 32; file++)
			exec_with_ids(
				&x, &(struct program){ true, file >> 4, set(file & 3), set(file >> 2 & 3) });
	}
}

/* --- other ids ------------------------------------------------------------------------------------------ */

static struct priv_ids ids(unsigned n)
{
	return (struct priv_ids){ n % 3, n / 3 % 3, n / 9 };
}

static void expect_ids(const struct priv_sets *p, const struct priv_ids *from, const struct priv_ids *to)
{
	bool fixed = p->securebits & SECURE_NO_SETUID_FIXUP, keeps = p->securebits & SECURE_KEEP_CAPS;
	bool was = !from->real || !from->effective || !from->saved;
	bool left = was && to->real && to->effective && to->saved && !fixed;
	struct priv_sets q = *p;

	priv_ids_changed(&q, from, to);
	for (int i = 0; i < 2; i++) {
		bool perm = in(p->permitted, i) && !(left && !keeps), eff = in(p->effective, i);

		if (!fixed && !from->effective && to->effective)
			eff = false;
		if (!fixed && from->effective && !to->effective)
			eff = perm;
		assert_int_equal(in(q.permitted, i), perm);
		assert_int_equal(in(q.effective, i), eff && perm);
		assert_int_equal(in(q.ambient, i), in(p->ambient, i) && !left);
		assert_int_equal(in(q.inheritable, i), in(p->inheritable, i));
		assert_int_equal(in(q.bounding, i), in(p->bounding, i));
	}
	assert_int_equal(q.securebits, p->securebits);
}

static void every_change_of_ids(void **unused)
{
	static const uint32_t bits[] = { 0, SECURE_KEEP_CAPS, SECURE_NO_SETUID_FIXUP,
					 SECURE_KEEP_CAPS | SECURE_NO_SETUID_FIXUP, SECURE_NOROOT };
	struct priv_sets p;

	(void)unused;
	for (unsigned n = 0; n < 5 * STATES; n++) {
		if (!state(n % STATES, bits[n / STATES], &p))
			continue;
		for (unsigned change = 0; change < 27 * 27; change++) {
			struct priv_ids from = ids(change / 27), to = ids(change % 27);

			expect_ids(&p, &from, &to);
		}
	}
}

/* The manual's list, by number. */
static bool goes_with_files(unsigned privilege)
{
	return privilege <= 4 || privilege == 9 || privilege == 27 || privilege == 32;
}

static void the_file_systems_user(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < PRIV_COUNT; i++) {
		struct priv_sets p = { .permitted = PRIV_BIT(i), .effective = PRIV_BIT(i) };

		priv_fsuid_changed(&p, 0, 7);
		assert_int_equal(p.effective, goes_with_files(i) ? 0 : PRIV_BIT(i));
		priv_fsuid_changed(&p, 7, 8);
		priv_fsuid_changed(&p, 7, 7);
		assert_int_equal(p.effective, goes_with_files(i) ? 0 : PRIV_BIT(i));
		priv_fsuid_changed(&p, 7, 0);
		assert_int_equal(p.effective, PRIV_BIT(i));
		p.effective = 0;
		priv_fsuid_changed(&p, 7, 0);
		assert_int_equal(p.effective, goes_with_files(i) ? PRIV_BIT(i) : 0);
		p.permitted = p.effective = 0;
		priv_fsuid_changed(&p, 7, 0);
		assert_int_equal(p.effective, 0);
		p = (struct priv_sets){ PRIV_BIT(i), PRIV_BIT(i), 0, 0, 0, SECURE_NO_SETUID_FIXUP };
		priv_fsuid_changed(&p, 0, 7);
		assert_int_equal(p.effective, PRIV_BIT(i));
	}
}

static void for_the_real_user(void **unused)
{
	struct priv_sets p;

	(void)unused;
	for (unsigned n = 0; n < STATES; n++) {
		if (!state(n, 0, &p))
			continue;
		priv_as_real_user(&p, 0);
		assert_int_equal(p.effective, p.permitted);
		priv_as_real_user(&p, 1000);
		assert_int_equal(p.effective, 0);
	}
	(void)state(5, SECURE_NO_SETUID_FIXUP, &p);
	priv_as_real_user(&p, 1000);
	assert_int_equal(p.effective, set(1));
}

/* --- capset and prctl ----------------------------------------------------------------------------------- */

/* The four rules of capset. */
static bool may_set(const struct priv_sets *p, uint64_t eff, uint64_t perm, uint64_t inh)
{
	for (int i = 0; i < 2; i++) {
		if (in(inh, i) && !in(p->inheritable, i) && !in(p->permitted, i) && !in(p->effective, 1))
			return false;
		if (in(inh, i) && !in(p->inheritable, i) && !in(p->bounding, i))
			return false;
		if ((in(perm, i) && !in(p->permitted, i)) || (in(eff, i) && !in(perm, i)))
			return false;
	}
	return true;
}

static void every_capset(void **unused)
{
	struct priv_sets p, q;

	(void)unused;
	for (unsigned n = 0; n < STATES; n++) {
		for (unsigned wish = 0; wish < 64 && state(n, 0, &p); wish++) {
			uint64_t eff = set(wish & 3), perm = set(wish >> 2 & 3), inh = set(wish >> 4);

			q = p;
			if (!may_set(&p, eff, perm, inh)) {
				assert_int_equal(priv_set(&q, eff, perm, inh), -EPERM);
				assert_memory_equal(&p, &q, sizeof(p));
				continue;
			}
			assert_int_equal(priv_set(&q, eff, perm, inh), 0);
			assert_true(q.effective == eff && q.permitted == perm && q.inheritable == inh);
			assert_true(q.bounding == p.bounding && q.ambient == (p.ambient & perm & inh));
		}
	}
}

static void bounds_and_ambient(void **unused)
{
	struct priv_sets p, q;

	(void)unused;
	for (unsigned n = 0; n < STATES; n++) {
		if (!state(n, 0, &p))
			continue;
		for (int i = 0; i < 2; i++) {
			q = p;
			assert_int_equal(priv_drop_bounding(&q, two[i]), in(p.effective, 1) ? 0 : -EPERM);
			assert_int_equal(q.bounding,
					 in(p.effective, 1) ? p.bounding & ~PRIV_BIT(two[i]) : p.bounding);
			assert_int_equal(q.permitted, p.permitted);
			q = p;
			assert_int_equal(priv_raise_ambient(&q, two[i]),
					 in(p.permitted, i) && in(p.inheritable, i) ? 0 : -EPERM);
			q.securebits = SECURE_NO_AMBIENT_RAISE;
			assert_int_equal(priv_raise_ambient(&q, two[i]), -EPERM);
		}
		assert_int_equal(priv_drop_bounding(&p, 41), in(p.effective, 1) ? -EINVAL : -EPERM);
	}
}

/* Locked bits stay, locks stay, others than the eight there are none, and it takes a privilege. */
static void every_securebit(void **unused)
{
	(void)unused;
	for (unsigned old = 0; old < 256; old++) {
		for (unsigned new = 0; new < 1024; new ++) {
			struct priv_sets p = { .securebits = old, .effective = PRIV_BIT(PRIV_SETPCAP) };
			bool may = new < 256;

			for (unsigned bit = 0; bit < 8; bit += 2)
				if ((old >> bit & 2) && ((old ^ new) >> bit & 3))
					may = false;
			assert_int_equal(priv_set_securebits(&p, new), may ? 0 : -EPERM);
			assert_int_equal(p.securebits, may ? new : old);
			p.effective = ~PRIV_BIT(PRIV_SETPCAP);
			assert_int_equal(priv_set_securebits(&p, new), -EPERM);
		}
	}
}

static void keeping(void **unused)
{
	struct priv_sets p = { 0 };

	(void)unused;
	assert_int_equal(priv_keep(&p, 1), 0);
	assert_int_equal(p.securebits, SECURE_KEEP_CAPS);
	assert_int_equal(priv_keep(&p, 2), -EINVAL);
	assert_int_equal(priv_keep(&p, 0), 0);
	assert_int_equal(p.securebits, 0);
	p.securebits = SECURE_KEEP_CAPS_LOCKED;
	assert_int_equal(priv_keep(&p, 1), -EPERM);
	assert_int_equal(priv_keep(&p, 2), -EINVAL);
}

/* --- the attribute -------------------------------------------------------------------------------------- */

static int parse(const uint32_t *words, size_t size, struct priv_file *f)
{
	*f = (struct priv_file){ 0 };
	return priv_file_parse(words, size, f);
}

static void revisions(void **unused)
{
	static const uint32_t second[] = { 0x02000001, 0x11, 0x22, 0xfffffe01, 0x3 };
	static const uint32_t third[] = { 0x03000000, 0x11, 0x22, 0, 0, 0 };
	static const uint32_t others[] = { 0x03000000, 0x11, 0x22, 0, 0, 1000 };
	static const uint32_t first[] = { 0x01000001, 0x11, 0x22 };
	struct priv_file f;

	(void)unused;
	assert_int_equal(parse(second, sizeof(second), &f), 0);
	assert_true(f.effective && f.permitted == 0x100000011 && f.inheritable == 0x300000022);
	assert_int_equal(parse(third, sizeof(third), &f), 0);
	assert_true(!f.effective && f.permitted == 0x11 && f.inheritable == 0x22);
	assert_int_equal(parse(others, sizeof(others), &f), -ENODATA);
	assert_int_equal(parse(first, sizeof(first), &f), 0);
	assert_true(f.effective && f.permitted == 0x11 && f.inheritable == 0x22);
}

/* Every length but the right one, and every revision that there is not. */
static void damaged(void **unused)
{
	uint32_t words[8] = { 0 };
	struct priv_file f;

	(void)unused;
	for (uint32_t revision = 0; revision < 256; revision++) {
		for (size_t size = 0; size <= sizeof(words); size++) {
			bool right = (revision == 1 && size == 12) || (revision == 2 && size == 20) ||
				     (revision == 3 && size == 24);

			words[0] = revision << 24;
			assert_int_equal(parse(words, size, &f), right ? 0 : -EINVAL);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_exec),
		cmocka_unit_test(every_change_of_ids),
		cmocka_unit_test(the_file_systems_user),
		cmocka_unit_test(for_the_real_user),
		cmocka_unit_test(every_capset),
		cmocka_unit_test(bounds_and_ambient),
		cmocka_unit_test(every_securebit),
		cmocka_unit_test(keeping),
		cmocka_unit_test(revisions),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
