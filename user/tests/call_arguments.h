/* SPDX-License-Identifier: BSD-2-Clause */
/* Arguments for random calls (call_fuzz.c), by the letters of call_signatures.h: mostly of the kind that the
 * call takes, now and then anything.  Structures are written to the arena of fuzz.h. */
#pragma once

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fuzz.h"

#define STRUCTS  (16ul * 4096) /* the arena's first part holds what calls may take for structures */
#define CHILDREN 4u            /* of a worker, whose numbers are remembered */

static _Thread_local bool expendable; /* a worker's child, that need not go on for long */
static _Atomic pid_t children[CHILDREN];

/* --- arguments ---------------------------------------------------------------------------------------- */

static const char *const paths[] = {
	"f0",
	"f1",
	"f2",
	"d0",
	"d1",
	"d0/f0",
	"d0/d1",
	"d1/f3",
	"link",
	"d0/link",
	".",
	"..",
	"",
	"/",
	"/proc/self/fd/4",
	"/proc/self/fd/5",
	"/proc/self/maps",
	"/proc/self/stat",
	"/proc/self/status",
	"/proc/self/mem",
	"/proc/self/root",
	"/proc/self/task",
	"/proc/mounts",
	"/proc/meminfo",
	"/dev/null",
	"/dev/zero",
	"/dev/full",
	"/dev/tty",
	"/dev/ptmx",
	"/dev/shm/f",
	"/sys/devices",
	"tmpfs",
	"none",
	"/q0",
	"loop/loop",
	"/bin/true",
	"/proc/self/exe",
	"/proc/self/fdinfo",
	"/proc/self/environ",
	"/proc/self/oom_score_adj",
	"/proc/self/task/1/stat",
	"/proc/self/mountinfo",
	"/proc/self/limits",
	"/proc/1/fd",
	"/proc/serix/unsupported",
	"/dev/fd",
	"/dev/pts/0",
	"/dev/random",
	"proc",
	"devpts",
};
#define PATHS (sizeof(paths) / sizeof(paths[0]))

static uint64_t any_address(struct dice *d)
{
	uint64_t at = (uint64_t)arena + (below(d, ARENA) & ~7ul);

	switch (below(d, 12)) {
	case 0:
		return odd[below(d, ODD)];
	case 1:
		return (uint64_t)arena + ARENA - below(d, 160); /* the end is near */
	case 2:
		return at + below(d, 8);
	default:
		return at;
	}
}

static uint64_t put_path(struct dice *d)
{
	uint64_t at = (uint64_t)arena + STRUCTS + below(d, ARENA - STRUCTS - 3 * 4096);

	strcpy((char *)at, paths[below(d, PATHS)]);
	return at;
}

/* Something that could be a time, a vector, an address, a list of descriptors. */
static uint64_t put_structure(struct dice *d)
{
	uint64_t *at = (uint64_t *)((uint64_t)arena + (below(d, STRUCTS - 512) & ~7ul));
	unsigned words = (unsigned)below(d, 24);

	for (unsigned i = 0; i < words; i++) {
		switch (below(d, 6)) {
		case 0:
			at[i] = any_address(d);
			break;
		case 1:
			at[i] = below(d, SLOTS) | below(d, 8) << 32;
			break;
		case 2:
			at[i] = odd[below(d, ODD)];
			break;
		case 3:
			at[i] = 1; /* AF_UNIX, one */
			break;
		default:
			at[i] = below(d, 3000);
		}
	}
	return (uint64_t)at;
}

static uint64_t put_vector(struct dice *d)
{
	uint64_t *at = (uint64_t *)((uint64_t)arena + (below(d, STRUCTS - 512) & ~7ul));

	for (int i = 0; i < 16; i += 2) {
		at[i] = any_address(d);
		at[i + 1] = below(d, 9000);
	}
	return (uint64_t)at;
}

/* A time that is over soon. */
static uint64_t put_time(struct dice *d)
{
	uint64_t *at = (uint64_t *)((uint64_t)arena + (below(d, STRUCTS - 512) & ~7ul));

	at[0] = 0;
	at[1] = one_in(d, 8) ? 0 : below(d, 3000000);
	return (uint64_t)at;
}

/* What some calls take for a signal's action; a worker's own handlers stay. */
void return_from_handler(void); /* below: no C function ends with a call */
__asm__(".text\n"
	"return_from_handler:\n"
	"	mov $15, %eax\n"
	"	syscall\n");

static uint64_t put_action(struct dice *d)
{
	uint64_t *at = (uint64_t *)((uint64_t)arena + (below(d, STRUCTS - 512) & ~7ul));

	if (!expendable)
		return 0;
	at[0] = one_in(d, 2) ? (uint64_t)ignore : below(d, 2);
	at[1] = 0x04000000 | (roll(d) & 0xd8000007); /* SA_RESTORER, and any of those that there are */
	at[2] = (uint64_t)return_from_handler;
	at[3] = roll(d) & roll(d);
	return (uint64_t)at;
}

/* Of a local socket: a path, an abstract name, or anything. */
static uint64_t put_socket_address(struct dice *d)
{
	struct sockaddr_un *un = (void *)((uint64_t)arena + (below(d, STRUCTS - 512) & ~7ul));

	if (one_in(d, 6))
		return put_structure(d);
	un->sun_family = AF_UNIX;
	memset(un->sun_path, 0, sizeof(un->sun_path));
	snprintf(un->sun_path + below(d, 2), 8, "s%d", (int)below(d, 4));
	return (uint64_t)un;
}

/* As <linux/filter.h> has them. */
struct filter_step {
	uint16_t code;
	uint8_t if_true, if_false;
	uint32_t value;
};

struct filter {
	uint16_t steps;
	struct filter_step *step;
};

#define LOAD_WORD 0x20
#define JUMP      0x05
#define RETURN    0x06

/* A program for seccomp: what it looks at, and what becomes of the call. */
static uint64_t put_filter(struct dice *d)
{
	/* To allow, twice; to fail; a signal; the tracer; a line in the log. */
	static const uint32_t verdicts[] = {
		0x7fff0000, 0x7fff0000, 0x5000b, 0x30000, 0x7ff00000, 0x7ffc0000
	};
	uint64_t at = (uint64_t)arena + (below(d, STRUCTS - 512) & ~7ul);
	struct filter *filter = (void *)at;
	struct filter_step *first = (void *)(filter + 1), *next = first;

	*next++ = (struct filter_step){ LOAD_WORD, 0, 0, (uint32_t)below(d, 16) * 4 };
	for (uint64_t n = below(d, 6); n > 0; n--)
		*next++ = (struct filter_step){ (uint16_t)(JUMP | below(d, 5) << 4), (uint8_t)below(d, 3),
						(uint8_t)below(d, 3), (uint32_t)below(d, 400) };
	for (int i = 0; i < 4; i++)
		*next++ = (struct filter_step){ RETURN, 0, 0, verdicts[below(d, 6)] };
	if (one_in(d, 4))
		first[below(d, (uint64_t)(next - first))].code = (uint16_t)roll(d);
	*filter = (struct filter){ (uint16_t)(next - first), first };
	return at;
}

static uint64_t put_attribute(struct dice *d)
{
	static const char *const names[] = { "user.a",   "user.b", "trusted.a", "security.capability",
					     "system.a", "user.",  "a",         "system.posix_acl_access",
					     "keyring" };
	uint64_t at = (uint64_t)arena + STRUCTS + below(d, ARENA - STRUCTS - 3 * 4096);

	strcpy((char *)at, names[below(d, sizeof(names) / sizeof(names[0]))]);
	return at;
}

/* --- numbers -------------------------------------------------------------------------------------------- */

static uint64_t any_flags(struct dice *d)
{
	uint64_t flags = 0;

	for (uint64_t n = below(d, 4); n > 0; n--)
		flags |= 1ul << below(d, one_in(d, 8) ? 32 : 21);
	return flags;
}

static uint64_t any_process(struct dice *d)
{
	switch (below(d, 4)) {
	case 0:
		return (uint64_t)getpid();
	case 1:
	case 2:
		return (uint64_t)children[below(d, CHILDREN)];
	}
	return 0;
}

/* fcntl's: locks, owners, leases, pipes, seals, hints. */
static uint64_t any_command(struct dice *d)
{
	if (one_in(d, 2))
		return below(d, 17);
	return one_in(d, 2) ? 1024 + below(d, 16) : 32 + below(d, 10);
}

/* ioctl's: of terminals, of all descriptors, of sockets, and of those that have structures. */
static uint64_t any_request(struct dice *d)
{
	static const uint32_t
		others
			[] = {
				0x80045430, 0x40045431, 0x80045432, 0x80045438,
				0x80045439, 0x5441, /* of pseudo-terminals */
				0x8901,     0x8902,     0x8903,     0x8904,
				0x8906,     0x8907,     0x8912,     0x8933, /* of sockets */
				0x80086601, 0x40086602, 0x40049409, 0xc020660b,
				0x5451,     0x5460, /* of files */
				0xc018aa3f, 0xc020aa00, 0x8010aa01, 0x8010aa02,
				0xc028aa03, 0xc020aa04,                         /* of userfaultfd */
				0xc0502100, 0xc0182101, 0x40082102, 0x40182103, /* of seccomp */
				0x80045200, 0x40045201, 0x5204,     0x4b33,
				0x5600,     0x5603, /* of random numbers, of consoles */
			};

	if (one_in(d, 2))
		return 0x5401 + below(d, 0x60);
	return others[below(d, sizeof(others) / sizeof(others[0]))];
}

static uint64_t any_prctl(struct dice *d)
{
	static const uint32_t others[] = { 0x59616d61 /* PR_SET_PTRACER */, 0x53564d41 /* PR_SET_VMA */ };
	uint64_t option = one_in(d, 12) ? others[below(d, 2)] : below(d, 68);

	/* Its parent's end is the worker's end; it may not lose its calls. */
	if (option == PR_SET_PDEATHSIG ||
	    (!expendable && (option == PR_SET_SECCOMP || option == 59 || option == PR_SET_TSC)))
		return PR_GET_NAME;
	return option;
}

static uint64_t any_clock(struct dice *d)
{
	return one_in(d, 8) ? ~(uint64_t)any_process(d) << 3 | below(d, 8) : below(d, 12);
}

static uint64_t any_user(struct dice *d)
{
	static const uint32_t users[] = { 0, NOBODY, 1000, UINT32_MAX };

	return users[below(d, 4)];
}

static uint64_t argument(struct dice *d, char kind)
{
	if (one_in(d, 24))
		return one_in(d, 2) ? odd[below(d, ODD)] : any_address(d);
	switch (kind) {
	case 'd':
		return one_in(d, 8) ? (uint64_t)-100 /* AT_FDCWD */ : below(d, 40);
	case 'p':
		return put_path(d);
	case 'b':
		return any_address(d);
	case 's':
		return one_in(d, 4) ? below(d, 200000) : below(d, 5000);
	case 't':
		return one_in(d, 6) ? 0 : put_structure(d);
	case 'f':
		return any_flags(d);
	case 'n':
		return any_process(d);
	case 'g':
		return below(d, 66);
	case 'm':
		return below(d, 010000) | (one_in(d, 8) ? below(d, 16) << 12 : 0);
	case 'o':
		return one_in(d, 4) ? below(d, 1 << 22) : below(d, 5000);
	case 'v':
		return put_vector(d);
	case 'a':
		return one_in(d, 2) ? 0 : ((uint64_t)arena + below(d, 2 * ARENA)) & ~4095ul;
	case 'l':
		return below(d, 20) * 4096 + (one_in(d, 8) ? below(d, 4096) : 0);
	case 'c':
		return any_clock(d);
	case 'u':
		return any_user(d);
	case 'w':
		return one_in(d, 6) ? 0 : put_time(d);
	case 'z':
		return 8;
	case 'x':
		return put_attribute(d);
	case 'A':
		return put_action(d);
	case 'C':
		return any_command(d);
	case 'D':
		return put_socket_address(d);
	case 'F':
		return put_filter(d);
	case 'I':
		return any_request(d);
	case 'O':
		return below(d, 70);
	case 'P':
		return any_prctl(d);
	case 'T':
		return one_in(d, 2) ? below(d, 26) : 0x4200 + below(d, 16);
	}
	return below(d, one_in(d, 4) ? 70 : 12);
}
