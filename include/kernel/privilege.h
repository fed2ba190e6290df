/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Linux calls capabilities (capabilities(7)): the superuser's privilege in parts, and the rules by which
 * a process gets and loses them.
 *
 * Here they are privileges, PRIV_*: CAP_* are the rights of Serix's own capabilities (<serix/cap.h>), with
 * which these have nothing in common, and some names would be the same (CAP_KILL).  The numbers are Linux's.
 *
 * The rules are pure (kernel/proc/privilege.c): they know no process and no lock.  A process has one struct
 * priv_sets, part of its credentials, for all of its threads, as it has one of each id; Linux keeps all that
 * by thread and leaves it to the C library to tell the others, which for privileges it does not do.
 *
 * A confinement is above all this: whatever privilege a process that is denied CONFINE_NO_ADMIN holds is
 * worth nothing where cred_has_privilege() is asked, and no exec gives it more (a confined process gets no
 * new privileges).
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>

enum privilege {
	PRIV_CHOWN,
	PRIV_DAC_OVERRIDE,
	PRIV_DAC_READ_SEARCH,
	PRIV_FOWNER,
	PRIV_FSETID,
	PRIV_KILL,
	PRIV_SETGID,
	PRIV_SETUID,
	PRIV_SETPCAP,
	PRIV_LINUX_IMMUTABLE,
	PRIV_NET_BIND_SERVICE,
	PRIV_NET_BROADCAST,
	PRIV_NET_ADMIN,
	PRIV_NET_RAW,
	PRIV_IPC_LOCK,
	PRIV_IPC_OWNER,
	PRIV_SYS_MODULE,
	PRIV_SYS_RAWIO,
	PRIV_SYS_CHROOT,
	PRIV_SYS_PTRACE,
	PRIV_SYS_PACCT,
	PRIV_SYS_ADMIN,
	PRIV_SYS_BOOT,
	PRIV_SYS_NICE,
	PRIV_SYS_RESOURCE,
	PRIV_SYS_TIME,
	PRIV_SYS_TTY_CONFIG,
	PRIV_MKNOD,
	PRIV_LEASE,
	PRIV_AUDIT_WRITE,
	PRIV_AUDIT_CONTROL,
	PRIV_SETFCAP,
	PRIV_MAC_OVERRIDE,
	PRIV_MAC_ADMIN,
	PRIV_SYSLOG,
	PRIV_WAKE_ALARM,
	PRIV_BLOCK_SUSPEND,
	PRIV_AUDIT_READ,
	PRIV_PERFMON,
	PRIV_BPF,
	PRIV_CHECKPOINT_RESTORE,
	PRIV_COUNT
};

#define PRIV_BIT(privilege) (1ull << (privilege))
#define PRIV_ALL            (PRIV_BIT(PRIV_COUNT) - 1)

/* What somebody has whose file-system user id is 0, and loses with that. */
#define PRIV_OF_FILES                                                                          \
	(PRIV_BIT(PRIV_CHOWN) | PRIV_BIT(PRIV_DAC_OVERRIDE) | PRIV_BIT(PRIV_DAC_READ_SEARCH) | \
	 PRIV_BIT(PRIV_FOWNER) | PRIV_BIT(PRIV_FSETID) | PRIV_BIT(PRIV_LINUX_IMMUTABLE) |      \
	 PRIV_BIT(PRIV_MKNOD) | PRIV_BIT(PRIV_MAC_OVERRIDE))

/* struct priv_sets.securebits, Linux's numbers.  The bit above each locks it as it is. */
#define SECURE_NOROOT           (1u << 0) /* user 0 is nobody special to exec */
#define SECURE_NO_SETUID_FIXUP  (1u << 2) /* to or from user 0 is a change of ids like any other */
#define SECURE_KEEP_CAPS        (1u << 4) /* until the next exec: who leaves user 0 keeps what is permitted */
#define SECURE_KEEP_CAPS_LOCKED (1u << 5)
#define SECURE_NO_AMBIENT_RAISE (1u << 6)
#define SECURE_BITS             0x55u
#define SECURE_LOCKS            (SECURE_BITS << 1)

/* Always: effective and ambient are within permitted, ambient is within inheritable. */
struct priv_sets {
	uint64_t permitted;   /* what it may have in effect */
	uint64_t effective;   /* what counts */
	uint64_t inheritable; /* what programs whose files say so get from it */
	uint64_t bounding;    /* no program's file gives more than this */
	uint64_t ambient;     /* what programs get whose files say nothing */
	uint32_t securebits;  /* SECURE_* */
};

static inline bool priv_has(const struct priv_sets *sets, enum privilege privilege)
{
	return sets->effective >> privilege & 1;
}

static inline bool priv_within(uint64_t part, uint64_t whole)
{
	return !(part & ~whole);
}

static inline bool priv_valid(uint64_t number)
{
	return number < PRIV_COUNT;
}

/* --- what a process asks for ---------------------------------------------------------------------------- */

/* capset(2).  -EPERM. */
int priv_set(struct priv_sets *sets, uint64_t effective, uint64_t permitted,
	     uint64_t inheritable) __must_check;
/* prctl(2): PR_CAPBSET_DROP, PR_SET_SECUREBITS, PR_SET_KEEPCAPS.  -EPERM, -EINVAL. */
int priv_drop_bounding(struct priv_sets *sets, uint64_t number) __must_check;
int priv_set_securebits(struct priv_sets *sets, uint64_t bits) __must_check;
int priv_keep(struct priv_sets *sets, uint64_t on) __must_check;
/* PR_CAP_AMBIENT_RAISE; `privilege` is valid.  -EPERM. */
int priv_raise_ambient(struct priv_sets *sets, uint64_t privilege) __must_check;

/* --- what comes with other ids -------------------------------------------------------------------------- */

struct priv_ids {
	uid_t real, effective, saved;
};

/* setuid(2), setreuid(2), setresuid(2) have changed the ids. */
void priv_ids_changed(struct priv_sets *sets, const struct priv_ids *from, const struct priv_ids *to);
/* setfsuid(2) has. */
void priv_fsuid_changed(struct priv_sets *sets, uid_t from, uid_t to);
/* access(2) asks for the real user: the same sets for him. */
void priv_as_real_user(struct priv_sets *sets, uid_t real);

/* --- what comes with a program -------------------------------------------------------------------------- */

#define PRIV_XATTR_SIZE_MAX 24u

/* What the attribute of a program's file says. */
struct priv_file {
	uint64_t permitted, inheritable;
	bool effective; /* all that the program gets is in effect, and less than `permitted` will not do */
};

/* -EINVAL: no such thing; -ENODATA: meant for another user namespace, of which there is none. */
int priv_file_parse(const void *value, size_t size, struct priv_file *out) __must_check;

struct priv_exec {
	/* Given. */
	uid_t uid; /* the real ids, which stay */
	gid_t gid;
	const struct priv_file *file; /* NULL: its file says nothing, or is not heard */
	bool no_new_privs;
	/* Before and after.  Ids: as the set-id bits have it; they may be taken back. */
	uid_t euid;
	gid_t egid;
	struct priv_sets sets;
	/* The answer. */
	bool secure; /* AT_SECURE: the program has rights that its caller lacks */
	bool gained; /* something is permitted that was not */
};

/* -EPERM: its file asks for more than it would get. */
int priv_exec(struct priv_exec *x) __must_check;
