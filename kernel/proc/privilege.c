/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules of privilege in parts, as capabilities(7) has them: what capset, prctl, a change of user ids and
 * an exec make of a process's sets.  Nothing here knows a process; tests/unit/kernel/proc/privilege_test.c
 * holds each rule against the manual's formulas.
 */
#include <kernel/privilege.h>

#include <kernel/string.h>
#include <serix/errno.h>

#define ROOT 0

/* --- what a process asks for ---------------------------------------------------------------------------- */

int priv_set(struct priv_sets *s, uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	uint64_t may_inherit = s->inheritable | s->bounding;

	if (!priv_has(s, PRIV_SETPCAP))
		may_inherit &= s->inheritable | s->permitted;
	if (!priv_within(inheritable, may_inherit) || !priv_within(permitted, s->permitted) ||
	    !priv_within(effective, permitted))
		return -EPERM;
	s->effective = effective;
	s->permitted = permitted;
	s->inheritable = inheritable;
	s->ambient &= permitted & inheritable;
	return 0;
}

int priv_drop_bounding(struct priv_sets *s, uint64_t number)
{
	if (!priv_has(s, PRIV_SETPCAP))
		return -EPERM;
	if (!priv_valid(number))
		return -EINVAL;
	s->bounding &= ~PRIV_BIT(number);
	return 0;
}

int priv_set_securebits(struct priv_sets *s, uint64_t bits)
{
	uint64_t locks = s->securebits & SECURE_LOCKS, changed = s->securebits ^ bits;

	if ((changed & (locks | locks >> 1)) || (bits & ~(uint64_t)(SECURE_BITS | SECURE_LOCKS)) ||
	    !priv_has(s, PRIV_SETPCAP))
		return -EPERM;
	s->securebits = (uint32_t)bits;
	return 0;
}

int priv_keep(struct priv_sets *s, uint64_t on)
{
	if (on > 1)
		return -EINVAL;
	if (s->securebits & SECURE_KEEP_CAPS_LOCKED)
		return -EPERM;
	s->securebits = on ? s->securebits | SECURE_KEEP_CAPS : s->securebits & ~SECURE_KEEP_CAPS;
	return 0;
}

int priv_raise_ambient(struct priv_sets *s, uint64_t privilege)
{
	if ((s->securebits & SECURE_NO_AMBIENT_RAISE) ||
	    !priv_within(PRIV_BIT(privilege), s->permitted & s->inheritable))
		return -EPERM;
	s->ambient |= PRIV_BIT(privilege);
	return 0;
}

/* --- what comes with other ids -------------------------------------------------------------------------- */

static bool has_root(const struct priv_ids *ids)
{
	return ids->real == ROOT || ids->effective == ROOT || ids->saved == ROOT;
}

void priv_ids_changed(struct priv_sets *s, const struct priv_ids *from, const struct priv_ids *to)
{
	if (s->securebits & SECURE_NO_SETUID_FIXUP)
		return;
	if (has_root(from) && !has_root(to)) {
		if (!(s->securebits & SECURE_KEEP_CAPS))
			s->permitted = s->effective = 0;
		s->ambient = 0;
	}
	if (from->effective == ROOT && to->effective != ROOT)
		s->effective = 0;
	else if (from->effective != ROOT && to->effective == ROOT)
		s->effective = s->permitted;
}

void priv_fsuid_changed(struct priv_sets *s, uid_t from, uid_t to)
{
	if (s->securebits & SECURE_NO_SETUID_FIXUP)
		return;
	if (from == ROOT && to != ROOT)
		s->effective &= ~PRIV_OF_FILES;
	else if (from != ROOT && to == ROOT)
		s->effective |= s->permitted & PRIV_OF_FILES;
}

void priv_as_real_user(struct priv_sets *s, uid_t real)
{
	if (!(s->securebits & SECURE_NO_SETUID_FIXUP))
		s->effective = real == ROOT ? s->permitted : 0;
}

/* --- what comes with a program -------------------------------------------------------------------------- */

/* The attribute, in words of four bytes, lowest first: revision and flags; for every 32 privileges which are
 * permitted and which inheritable; from the third revision on, whose root is meant. */
#define REVISION_MASK  0xff000000u
#define REVISION(n)    ((uint32_t)(n) << 24)
#define FLAG_EFFECTIVE 1u
#define WORDS_MAX      (PRIV_XATTR_SIZE_MAX / sizeof(uint32_t))

static size_t words_of(uint32_t magic)
{
	switch (magic & REVISION_MASK) {
	case REVISION(1):
		return 3;
	case REVISION(2):
		return 5;
	case REVISION(3):
		return 6;
	}
	return 0;
}

int priv_file_parse(const void *value, size_t size, struct priv_file *out)
{
	uint32_t word[WORDS_MAX] = { 0 };
	size_t words;

	if (size > sizeof(word) || size < sizeof(word[0]))
		return -EINVAL;
	memcpy(word, value, size);
	words = words_of(word[0]);
	if (words * sizeof(word[0]) != size)
		return -EINVAL;
	if (words == 6 && word[5] != ROOT)
		return -ENODATA;
	out->effective = word[0] & FLAG_EFFECTIVE;
	out->permitted = ((uint64_t)word[3] << 32 | word[1]) & PRIV_ALL;
	out->inheritable = ((uint64_t)word[4] << 32 | word[2]) & PRIV_ALL;
	return 0;
}

/* What the file gives.  -EPERM: not all of what it cannot do without. */
static int permit_by_file(struct priv_sets *s, const struct priv_file *file)
{
	s->permitted = 0;
	if (!file)
		return 0;
	s->permitted = (s->bounding & file->permitted) | (s->inheritable & file->inheritable);
	return file->effective && !priv_within(file->permitted, s->permitted) ? -EPERM : 0;
}

/* To user 0 every file seems to give everything, unless it says something itself and the user is 0 by its
 * set-user-ID bit only.  True: what is permitted is in effect. */
static bool permit_by_root(struct priv_exec *x)
{
	struct priv_sets *s = &x->sets;

	if ((s->securebits & SECURE_NOROOT) || (x->file && x->uid != ROOT && x->euid == ROOT))
		return false;
	if (x->uid == ROOT || x->euid == ROOT)
		s->permitted = s->bounding | s->inheritable;
	return x->euid == ROOT;
}

int priv_exec(struct priv_exec *x)
{
	struct priv_sets *s = &x->sets;
	uint64_t before = s->permitted;
	bool set_id = x->euid != x->uid || x->egid != x->gid, effective;
	int err = permit_by_file(s, x->file);

	if (err < 0)
		return err;
	effective = permit_by_root(x) || (x->file && x->file->effective);
	x->gained = !priv_within(s->permitted, before);
	if (x->no_new_privs && (set_id || x->gained)) {
		x->euid = x->uid;
		x->egid = x->gid;
		s->permitted &= before;
		x->gained = false;
	}
	if (x->file || set_id)
		s->ambient = 0;
	s->permitted |= s->ambient;
	s->effective = effective ? s->permitted : s->ambient;
	s->securebits &= ~SECURE_KEEP_CAPS;
	x->secure = set_id || (x->uid != ROOT && (effective || s->permitted != s->ambient));
	return 0;
}
