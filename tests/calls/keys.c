/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys and keyrings, by the kernel's own calls.  No serial number is printed, and nothing of what a system
 * starts with; every function begins with a session keyring of its own. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"

enum {
	THREAD = -1,
	PROCESS = -2,
	SESSION = -3,
	USER = -4,
	USER_SESSION = -5,
	GROUP = -6,
	AUTHORITY = -7,
	REQUESTOR = -8
};

enum {
	GET_KEYRING_ID,
	JOIN,
	UPDATE,
	REVOKE,
	CHOWN,
	SETPERM,
	DESCRIBE,
	CLEAR,
	LINK,
	UNLINK,
	SEARCH,
	READ,
	INSTANTIATE,
	NEGATE,
	SET_REQKEY,
	SET_TIMEOUT,
	ASSUME,
	GET_SECURITY,
	TO_PARENT,
	REJECT,
	INSTANTIATE_IOV,
	INVALIDATE,
	GET_PERSISTENT,
	RESTRICT = 29,
	MOVE,
	CAPABILITIES,
};

static char text[65536];

static long add(const char *type, const char *description, const void *payload, size_t size, int keyring)
{
	return syscall(SYS_add_key, type, description, payload, size, keyring);
}

static long request(const char *type, const char *description, const char *callout, int keyring)
{
	return syscall(SYS_request_key, type, description, callout, keyring);
}

/* Arguments of system calls are as wide as a register. */
#define control(operation, a, b, c, d) \
	syscall(SYS_keyctl, (long)(operation), (long)(a), (long)(b), (long)(c), (long)(d))

/* "type;uid;gid;perm;description" */
static void described(long id)
{
	long length = control(DESCRIBE, id, text, sizeof(text), 0);

	if (length < 0)
		RESULT(length);
	else
		TEXT("description", text, (size_t)length);
}

static void contents(long id)
{
	long length = control(READ, id, text, sizeof(text), 0);

	if (length < 0)
		RESULT(length);
	else
		TEXT("contents", text, (size_t)length);
}

/* How many keys are linked there? */
static long linked(long id)
{
	long size = control(READ, id, NULL, 0, 0);

	return size < 0 ? size : size / 4;
}

static long session(void)
{
	return control(JOIN, NULL, 0, 0, 0);
}

static void test_add(void)
{
	char name[4200];
	long key, ring;

	RESULT(session() > 0);
	key = SUCCEEDS(add("user", "calls", "secret", 6, SESSION));
	described(key);
	contents(key);
	VALUE(add("user", "calls", "another", 7, SESSION) == key);
	contents(key);
	VALUE(add("user", "other", "x", 1, SESSION) == key);
	RESULT(add("user", "calls", NULL, 0, SESSION));
	RESULT(add("user", "calls", NULL, 1, SESSION));
	RESULT(add("user", "calls", nowhere(), 1, SESSION));
	RESULT(add("user", "", "x", 1, SESSION));
	RESULT(add("user", NULL, "x", 1, SESSION));
	RESULT(add("user", nowhere(), "x", 1, SESSION));
	RESULT(add("", "calls", "x", 1, SESSION));
	RESULT(add(NULL, "calls", "x", 1, SESSION));
	RESULT(add(".user", "calls", "x", 1, SESSION));
	RESULT(add("no such type", "calls", "x", 1, SESSION));
	RESULT(add("a type whose name is rather too long", "calls", "x", 1, SESSION));
	RESULT(add("user", "calls", text, 32768, SESSION));
	SUCCEEDS(add("user", "calls-large", text, 15000, SESSION));
	RESULT(add("user", "calls", text, 1024 * 1024, SESSION));
	RESULT(add("user", "calls", "x", 1, GROUP));
	RESULT(add("user", "calls", "x", 1, AUTHORITY));
	RESULT(add("user", "calls", "x", 1, REQUESTOR));
	RESULT(add("user", "calls", "x", 1, -9));
	RESULT(add("user", "calls", "x", 1, 0));
	RESULT(add("user", "calls", "x", 1, 1));
	RESULT(add("user", "calls", "x", 1, (int)key));
	SUCCEEDS(add("logon", "calls:name", "x", 1, SESSION));
	RESULT(add("logon", "calls", "x", 1, SESSION));
	RESULT(add("logon", ":calls", "x", 1, SESSION));
	ring = SUCCEEDS(add("keyring", "calls-ring", NULL, 0, SESSION));
	described(ring);
	RESULT(add("keyring", "calls-ring", "x", 1, SESSION));
	RESULT(add("keyring", ".calls-ring", NULL, 0, SESSION));
	VALUE(add("keyring", "calls-ring", NULL, 0, SESSION) == ring);
	memset(name, 'x', sizeof(name));
	name[4096] = '\0';
	RESULT(add("user", name, "x", 1, SESSION));
	name[4095] = '\0';
	SUCCEEDS(add("user", name, "x", 1, SESSION));
}

static void test_read(void)
{
	long key, ring, logon;

	RESULT(session() > 0);
	key = SUCCEEDS(add("user", "calls", "secret", 6, SESSION));
	logon = SUCCEEDS(add("logon", "calls:logon", "secret", 6, SESSION));
	ring = SUCCEEDS(add("keyring", "calls", NULL, 0, SESSION));
	RESULT(control(READ, key, NULL, 0, 0));
	RESULT(control(READ, key, text, 0, 0));
	memset(text, '-', 8);
	RESULT(control(READ, key, text, 5, 0));
	TEXT("too small", text, 8);
	RESULT(control(READ, key, text, 8, 0));
	TEXT("room enough", text, 8);
	RESULT(control(READ, key, nowhere(), 6, 0));
	RESULT(control(READ, logon, text, 8, 0));
	RESULT(control(READ, 0, text, 8, 0));
	RESULT(control(READ, -9, text, 8, 0));
	RESULT(control(READ, 1, text, 8, 0));
	RESULT(control(READ, ring, text, 8, 0));
	RESULT(control(READ, ring, text, 7, 0));
	RESULT(control(READ, SESSION, NULL, 0, 0));
	RESULT(control(READ, SESSION, text, 8, 0));
	RESULT(control(READ, SESSION, text, 6, 0));
	RESULT(control(READ, SESSION, text, 12, 0));
	RESULT(control(SETPERM, key, 0x3d000000, 0, 0));
	contents(key); /* possession is enough */
	RESULT(control(SETPERM, key, 0x00030000, 0, 0));
	contents(key); /* its owner may, too */
	RESULT(control(SETPERM, key, 0x3f000000, 0, 0));
	key = SUCCEEDS(add("user", "calls-2", "secret", 6, SESSION));
	RESULT(control(SETPERM, key, 0, 0, 0));
	contents(key);
	described(key);
	RESULT(control(DESCRIBE, ring, NULL, 0, 0));
	RESULT(control(DESCRIBE, ring, text, 3, 0));
	RESULT(control(DESCRIBE, ring, nowhere(), 100, 0));
	RESULT(control(DESCRIBE, 1, text, 100, 0));
	RESULT(control(DESCRIBE, 0, text, 100, 0));
	RESULT(control(GET_SECURITY, ring, NULL, 0, 0));
	text[0] = 'x';
	RESULT(control(GET_SECURITY, ring, text, 10, 0));
	VALUE(text[0]);
	RESULT(control(GET_SECURITY, ring, nowhere(), 10, 0));
	RESULT(control(GET_SECURITY, 1, text, 10, 0));
}

static void test_special(void)
{
	long id;

	RESULT(control(GET_KEYRING_ID, THREAD, 0, 0, 0));
	RESULT(control(GET_KEYRING_ID, PROCESS, 0, 0, 0));
	id = SUCCEEDS(control(GET_KEYRING_ID, THREAD, 1, 0, 0));
	VALUE(control(GET_KEYRING_ID, THREAD, 0, 0, 0) == id);
	described(THREAD);
	SUCCEEDS(control(GET_KEYRING_ID, PROCESS, 1, 0, 0));
	described(PROCESS);
	SUCCEEDS(control(GET_KEYRING_ID, SESSION, 0, 0, 0));
	described(SESSION);
	VALUE(control(GET_KEYRING_ID, SESSION, 0, 0, 0) == control(GET_KEYRING_ID, USER_SESSION, 0, 0, 0));
	SUCCEEDS(control(GET_KEYRING_ID, SESSION, 1, 0, 0));
	described(SESSION);
	SUCCEEDS(control(GET_KEYRING_ID, USER, 0, 0, 0));
	described(USER);
	described(USER_SESSION);
	RESULT(control(GET_KEYRING_ID, GROUP, 1, 0, 0));
	RESULT(control(GET_KEYRING_ID, AUTHORITY, 1, 0, 0));
	RESULT(control(GET_KEYRING_ID, REQUESTOR, 1, 0, 0));
	RESULT(control(GET_KEYRING_ID, 0, 1, 0, 0));
	id = SUCCEEDS(control(JOIN, "calls-session", 0, 0, 0));
	described(SESSION);
	VALUE(control(JOIN, "calls-session", 0, 0, 0) == id); /* nobody but its possessor may search it */
	RESULT(control(SETPERM, SESSION, 0x3f1b0000, 0, 0));
	id = control(GET_KEYRING_ID, SESSION, 0, 0, 0);
	RESULT(control(JOIN, "calls-session", 0, 0, 0));
	VALUE(control(GET_KEYRING_ID, SESSION, 0, 0, 0) == id);
	RESULT(control(JOIN, "", 0, 0, 0));
	RESULT(control(JOIN, ".calls", 0, 0, 0));
	RESULT(control(JOIN, nowhere(), 0, 0, 0));
}

static long found;

static void inherited(void)
{
	VALUE(control(GET_KEYRING_ID, THREAD, 0, 0, 0));
	VALUE(control(GET_KEYRING_ID, PROCESS, 0, 0, 0));
	VALUE(control(GET_KEYRING_ID, SESSION, 0, 0, 0) == found);
}

static void give(void)
{
	SUCCEEDS(session());
	SUCCEEDS(add("user", "calls-given", "x", 1, SESSION));
	RESULT(control(TO_PARENT, 0, 0, 0, 0));
	RESULT(control(TO_PARENT, 0, 0, 0, 0));
}

static void test_inheritance(void)
{
	found = session();
	control(GET_KEYRING_ID, THREAD, 1, 0, 0);
	control(GET_KEYRING_ID, PROCESS, 1, 0, 0);
	in_child("a child", inherited);
	in_child("giving", give);
	VALUE(control(GET_KEYRING_ID, SESSION, 0, 0, 0) == found);
	VALUE(control(SEARCH, SESSION, "user", "calls-given", 0) > 0);
}

static void test_link(void)
{
	long key, a, b, c, rings[9];
	char name[16];

	RESULT(session() > 0);
	a = add("keyring", "a", NULL, 0, SESSION);
	b = add("keyring", "b", NULL, 0, SESSION);
	c = add("keyring", "c", NULL, 0, SESSION);
	key = add("user", "calls", "x", 1, a);
	RESULT(control(LINK, key, b, 0, 0));
	RESULT(control(LINK, key, b, 0, 0));
	VALUE(linked(b));
	RESULT(control(LINK, key, key, 0, 0));
	RESULT(control(LINK, a, a, 0, 0));
	RESULT(control(LINK, b, a, 0, 0));
	RESULT(control(LINK, c, b, 0, 0));
	RESULT(control(LINK, a, c, 0, 0));
	RESULT(control(LINK, b, c, 0, 0));
	RESULT(control(LINK, 1, b, 0, 0));
	RESULT(control(LINK, key, 1, 0, 0));
	RESULT(control(UNLINK, key, c, 0, 0));
	RESULT(control(UNLINK, key, b, 0, 0));
	RESULT(control(UNLINK, key, b, 0, 0));
	RESULT(control(UNLINK, key, key, 0, 0));
	RESULT(control(UNLINK, 1, b, 0, 0));
	RESULT(control(MOVE, key, a, b, 2));
	RESULT(control(MOVE, key, a, b, 0));
	VALUE(linked(a));
	RESULT(control(MOVE, key, a, b, 0));
	RESULT(control(MOVE, key, b, b, 0));
	RESULT(control(LINK, key, a, 0, 0));
	RESULT(control(MOVE, key, a, b, 1));
	RESULT(control(MOVE, key, a, b, 0));
	RESULT(control(MOVE, key, key, b, 0));
	RESULT(control(MOVE, a, SESSION, c, 0));
	add("user", "calls", "y", 1, c);
	RESULT(control(LINK, key, c, 0, 0)); /* takes the other's place */
	VALUE(linked(c));
	RESULT(control(CLEAR, c, 0, 0, 0));
	RESULT(control(CLEAR, key, 0, 0, 0));
	VALUE(linked(c));
	/* A chain from the top may be long; one that is linked at its top may not. */
	rings[0] = add("keyring", "0", NULL, 0, SESSION);
	for (int i = 1; i < 9; i++) {
		snprintf(name, sizeof(name), "%d", i);
		rings[i] = add("keyring", name, NULL, 0, (int)rings[i - 1]);
	}
	add("user", "deep", "x", 1, (int)rings[4]);
	add("user", "deeper", "x", 1, (int)rings[5]);
	add("user", "deepest", "x", 1, (int)rings[6]);
	VALUE(control(SEARCH, SESSION, "user", "deep", 0) > 0);
	VALUE(control(SEARCH, SESSION, "user", "deeper", 0) > 0);
	VALUE(control(SEARCH, SESSION, "user", "deepest", 0) > 0);
	RESULT(control(LINK, rings[8], a, 0, 0));
	RESULT(control(LINK, rings[3], a, 0, 0));
	RESULT(control(LINK, rings[2], a, 0, 0));
	RESULT(control(LINK, rings[1], a, 0, 0));
}

static void test_search(void)
{
	long key, inner;

	RESULT(session() > 0);
	inner = add("keyring", "inner", NULL, 0, SESSION);
	key = add("user", "calls", "x", 1, (int)inner);
	VALUE(control(SEARCH, SESSION, "user", "calls", 0) == key);
	VALUE(control(SEARCH, SESSION, "keyring", "inner", 0) == inner);
	VALUE(control(SEARCH, SESSION, "keyring", "_ses", 0) > 0);
	VALUE(control(SEARCH, SESSION, "user", "calls", PROCESS) == key);
	VALUE(linked(PROCESS));
	RESULT(control(SEARCH, SESSION, "user", "none", 0));
	RESULT(control(SEARCH, SESSION, "logon", "calls", 0));
	RESULT(control(SEARCH, SESSION, "none", "calls", 0));
	RESULT(control(SEARCH, SESSION, "user", "", 0));
	RESULT(control(SEARCH, SESSION, "user", NULL, 0));
	RESULT(control(SEARCH, SESSION, NULL, "calls", 0));
	RESULT(control(SEARCH, key, "user", "calls", 0));
	RESULT(control(SEARCH, SESSION, "user", "calls", key));
	RESULT(control(SEARCH, 1, "user", "calls", 0));
	RESULT(control(SETPERM, key, 0x37000000, 0, 0)); /* not to be found */
	RESULT(control(SEARCH, SESSION, "user", "calls", 0));
	RESULT(request("user", "calls", NULL, 0));
	RESULT(control(SETPERM, inner, 0x37000000, 0, 0));
	RESULT(control(SEARCH, SESSION, "user", "calls", 0));
}

static void test_request(void)
{
	long key;

	RESULT(session() > 0);
	key = add("user", "calls", "x", 1, SESSION);
	VALUE(request("user", "calls", NULL, 0) == key);
	VALUE(request("user", "calls", "callout", 0) == key);
	VALUE(request("user", "calls", NULL, THREAD) == key);
	VALUE(linked(THREAD));
	RESULT(request("user", "calls-none", NULL, 0));
	RESULT(request("user", "calls-none", NULL, (int)key));
	RESULT(request("none", "calls", NULL, 0));
	RESULT(request(".user", "calls", NULL, 0));
	RESULT(request("user", NULL, NULL, 0));
	RESULT(request("user", "calls", nowhere(), 0));
	RESULT(request("user", "calls", NULL, 1));
	RESULT(request("keyring", "calls-none", "callout", 0));
	RESULT(request("user", "", "callout", 0));
	RESULT(request("logon", "calls", "callout", 0));
	/* Nothing makes keys for whoever asks: it is negative now. */
	RESULT(request("user", "calls-asked", "callout", 0));
	VALUE(linked(THREAD));
	RESULT(request("user", "calls-asked", NULL, 0));
	RESULT(control(SEARCH, THREAD, "user", "calls-asked", 0));
	VALUE(request("user", "calls-asked", "callout", SESSION));
	VALUE(linked(SESSION));
	VALUE(add("user", "calls-asked", "x", 1, THREAD) > 0);
	VALUE(request("user", "calls-asked", NULL, 0) > 0);
	RESULT(control(SET_REQKEY, -1, 0, 0, 0));
	RESULT(control(SET_REQKEY, 3, 0, 0, 0));
	RESULT(control(SET_REQKEY, -1, 0, 0, 0));
	RESULT(control(SET_REQKEY, 6, 0, 0, 0));
	RESULT(control(SET_REQKEY, 8, 0, 0, 0));
	RESULT(control(SET_REQKEY, -2, 0, 0, 0));
	RESULT(request("user", "calls-asked-2", "callout", 0));
	VALUE(linked(SESSION));
	RESULT(control(SET_REQKEY, 0, 0, 0, 0));
}

static void test_update(void)
{
	long key, ring;

	RESULT(session() > 0);
	key = add("user", "calls", "x", 1, SESSION);
	ring = add("keyring", "calls", NULL, 0, SESSION);
	RESULT(control(UPDATE, key, "longer", 6, 0));
	contents(key);
	RESULT(control(UPDATE, key, "x", 0, 0));
	RESULT(control(UPDATE, key, nowhere(), 1, 0));
	RESULT(control(UPDATE, key, text, 4097, 0));
	RESULT(control(UPDATE, key, text, 4096, 0));
	RESULT(control(UPDATE, ring, "x", 1, 0));
	RESULT(control(UPDATE, 1, "x", 1, 0));
	RESULT(control(SETPERM, key, 0x3b000000, 0, 0));
	RESULT(control(UPDATE, key, "x", 1, 0));
	RESULT(add("user", "calls", "x", 1, SESSION));
}

static void test_dying(void)
{
	long key, ring, outer;

	RESULT(session() > 0);
	key = add("user", "calls", "x", 1, SESSION);
	RESULT(control(REVOKE, key, 0, 0, 0));
	RESULT(control(REVOKE, key, 0, 0, 0));
	contents(key);
	described(key);
	RESULT(control(UPDATE, key, "x", 1, 0));
	RESULT(control(SEARCH, SESSION, "user", "calls", 0));
	RESULT(request("user", "calls", NULL, 0));
	RESULT(control(LINK, key, PROCESS, 0, 0));
	VALUE(linked(SESSION));
	VALUE(add("user", "calls", "y", 1, SESSION) == key);
	VALUE(linked(SESSION));
	key = add("user", "calls", "y", 1, SESSION);
	contents(key);
	RESULT(control(UNLINK, key, SESSION, 0, 0));

	outer = add("keyring", "outer", NULL, 0, SESSION);
	ring = add("keyring", "ring", NULL, 0, (int)outer);
	add("user", "calls", "x", 1, (int)ring);
	RESULT(control(REVOKE, ring, 0, 0, 0));
	RESULT(control(SEARCH, outer, "user", "calls", 0));
	RESULT(control(SEARCH, outer, "keyring", "ring", 0));
	RESULT(add("user", "calls", "x", 1, (int)ring));
	VALUE(linked(outer));

	key = add("user", "calls", "x", 1, SESSION);
	RESULT(control(SET_TIMEOUT, key, 1, 0, 0));
	contents(key);
	sleep(2);
	contents(key);
	described(key);
	RESULT(control(SET_TIMEOUT, key, 0, 0, 0));
	RESULT(control(SEARCH, SESSION, "user", "calls", 0));
	RESULT(request("user", "calls", NULL, 0));
	VALUE(add("user", "calls", "again", 5, SESSION) == key);
	contents(key);
	RESULT(control(SET_TIMEOUT, key, 1000, 0, 0));
	RESULT(control(SET_TIMEOUT, key, 0, 0, 0));
	RESULT(control(SET_TIMEOUT, 1, 0, 0, 0));

	RESULT(control(INVALIDATE, key, 0, 0, 0));
	RESULT(control(SEARCH, outer, "user", "calls", 0));
	contents(key);
	RESULT(control(INVALIDATE, key, 0, 0, 0));
	RESULT(control(INVALIDATE, 1, 0, 0, 0));
}

static void stranger(void)
{
	contents(found);
	described(found);
	RESULT(control(SETPERM, found, 0x3f3f3f3f, 0, 0));
	RESULT(control(CHOWN, found, 1000, -1, 0));
	RESULT(control(LINK, found, PROCESS, 0, 0));
	RESULT(control(REVOKE, found, 0, 0, 0));
	RESULT(control(INVALIDATE, found, 0, 0, 0));
	RESULT(control(SET_TIMEOUT, found, 1, 0, 0));
}

static void test_permissions(void)
{
	long key;

	RESULT(session() > 0);
	key = found = add("user", "calls", "x", 1, SESSION);
	RESULT(control(SETPERM, key, 0x40000000, 0, 0));
	RESULT(control(SETPERM, key, 0x80, 0, 0));
	RESULT(control(SETPERM, 1, 0, 0, 0));
	RESULT(control(SETPERM, key, 0x3f3f0000, 0, 0));
	/* The session is inherited, and possessed. */
	as_user(1000, "another user", stranger);
	RESULT(control(CHOWN, key, -1, -1, 0));
	RESULT(control(CHOWN, 1, -1, -1, 0));
	RESULT(control(CHOWN, 1, 5, -1, 0));
	key = found = add("user", "calls-2", "x", 1, PROCESS);
	RESULT(control(SETPERM, key, 0x3f3f0000, 0, 0));
	as_user(1000, "another user", stranger);
	RESULT(control(SETPERM, key, 0x3f3f0003, 0, 0));
	as_user(1000, "another user", stranger);
	RESULT(control(SETPERM, key, 0x3f3f003f, 0, 0));
	as_user(1000, "another user", stranger);
}

static void owner(void)
{
	long key = SUCCEEDS(add("user", "calls", "x", 1, PROCESS));

	described(key);
	described(THREAD);
	described(PROCESS);
	RESULT(control(CHOWN, key, 1000, -1, 0));
	RESULT(control(CHOWN, key, 1001, -1, 0));
	RESULT(control(CHOWN, key, -1, 1000, 0));
	RESULT(control(CHOWN, key, -1, 0, 0));
	described(key);
	described(USER);
}

/* As root: the keys of a user are few, so his quota is easily seen. */
static void quota(void)
{
	char name[16];
	long result = 0, made = 0;

	session();
	while (made < 1000) {
		snprintf(name, sizeof(name), "%ld", made);
		result = add("user", name, "x", 1, SESSION);
		if (result < 0)
			break;
		made++;
	}
	RESULT(result);
	VALUE(made > 150 && made < 200);
	control(CLEAR, SESSION, 0, 0, 0);
	/* What is not referred to any more goes a little later. */
	for (int i = 0; i < 100 && add("user", "calls", text, 10000, SESSION) < 0; i++)
		usleep(100000);
	SUCCEEDS(add("user", "calls", text, 10000, SESSION));
	RESULT(add("user", "calls", text, 20000, SESSION));
	RESULT(add("user", "calls-2", text, 10000, SESSION));
}

static void test_owners(void)
{
	long key;

	RESULT(session() > 0);
	control(GET_KEYRING_ID, THREAD, 1, 0, 0);
	as_user(1000, "a user", owner);
	key = add("user", "calls", "x", 1, SESSION);
	if (getuid() == 0) {
		RESULT(control(CHOWN, key, 1000, 1000, 0));
		described(key);
		as_user(1234, "quota", quota);
	}
}

static void test_authority(void)
{
	struct iovec piece = { text, 1 };
	long key;

	RESULT(session() > 0);
	key = add("user", "calls", "x", 1, SESSION);
	RESULT(control(INSTANTIATE, key, "x", 1, 0));
	RESULT(control(INSTANTIATE_IOV, key, &piece, 1, 0));
	RESULT(control(NEGATE, key, 1, 0, 0));
	RESULT(control(REJECT, key, 1, 128, 0));
	RESULT(control(REJECT, key, 1, 0, 0));
	RESULT(control(REJECT, key, 1, 4096, 0));
	RESULT(control(REJECT, key, 1, 512, 0));
	RESULT(control(ASSUME, 0, 0, 0, 0));
	RESULT(control(ASSUME, key, 0, 0, 0));
	RESULT(control(ASSUME, -1, 0, 0, 0));
	RESULT(control(99, 0, 0, 0, 0));
}

static void test_restrict(void)
{
	long key, ring;

	RESULT(session() > 0);
	ring = add("keyring", "calls", NULL, 0, SESSION);
	key = add("user", "calls", "x", 1, (int)ring);
	RESULT(control(RESTRICT, ring, "user", NULL, 0));
	RESULT(control(RESTRICT, ring, NULL, "x", 0));
	RESULT(control(RESTRICT, ring, "user", "x", 0));
	RESULT(control(RESTRICT, ring, "none", "x", 0));
	RESULT(control(RESTRICT, key, NULL, NULL, 0));
	RESULT(control(RESTRICT, 1, NULL, NULL, 0));
	RESULT(control(RESTRICT, ring, NULL, NULL, 0));
	RESULT(control(RESTRICT, ring, NULL, NULL, 0));
	RESULT(add("user", "calls", "x", 1, (int)ring));
	RESULT(add("user", "calls-2", "x", 1, (int)ring));
	RESULT(control(LINK, key, ring, 0, 0));
	RESULT(control(UNLINK, key, ring, 0, 0));
	VALUE(linked(ring));
}

static void test_persistent(void)
{
	unsigned char caps[8];
	long id;

	RESULT(session() > 0);
	id = SUCCEEDS(control(GET_PERSISTENT, -1, SESSION, 0, 0));
	described(id);
	VALUE(control(GET_PERSISTENT, getuid(), PROCESS, 0, 0) == id);
	VALUE(linked(PROCESS));
	RESULT(control(GET_PERSISTENT, -1, 1, 0, 0));
	RESULT(control(GET_PERSISTENT, -1, 0, 0, 0));
	memset(caps, 0xff, sizeof(caps));
	RESULT(control(CAPABILITIES, caps, 0, 0, 0));
	RESULT(control(CAPABILITIES, caps, 5, 0, 0));
	VALUE(caps[0] & 0xe3); /* without what cryptography there is, and large keys */
	VALUE(caps[1] & 0x3);
	VALUE(caps[2]);
	VALUE(caps[5]);
	RESULT(control(CAPABILITIES, nowhere(), 5, 0, 0));
}

/* The key's line, without its number; whose line comes first depends on that. */
static void show_line(const char *what)
{
	char line[512];
	FILE *keys = fopen("/proc/keys", "r");

	while (keys && fgets(line, sizeof(line), keys))
		if (strstr(line, what))
			TEXT("/proc/keys", line + 9, strlen(line + 9));
	if (keys)
		fclose(keys);
}

static void test_proc(void)
{
	static const char *const names[] = { "gc_delay",      "maxbytes",
					     "maxkeys",       "persistent_keyring_expiry",
					     "root_maxbytes", "root_maxkeys" };
	char name[64], line[512];
	FILE *keys;
	long key;

	RESULT(session() > 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(name, sizeof(name), "/proc/sys/kernel/keys/%s", names[i]);
		keys = fopen(name, "r");
		if (keys && fgets(line, sizeof(line), keys))
			TEXT(names[i], line, strlen(line));
		if (keys)
			fclose(keys);
	}
	key = add("user", "calls-proc", "payload", 7, SESSION);
	control(SET_TIMEOUT, key, 7200 + 60, 0, 0);
	control(LINK, add("keyring", "calls-proc", NULL, 0, SESSION), PROCESS, 0, 0);
	show_line("user      calls-proc: ");
	show_line("keyring   calls-proc: ");
}

static const struct calls table[] = {
	{ "add_key", test_add },
	{ "keyctl", test_read },
	{ "keyctl special", test_special },
	{ "keyctl inheritance", test_inheritance },
	{ "keyctl links", test_link },
	{ "keyctl search", test_search },
	{ "request_key", test_request },
	{ "keyctl update", test_update },
	{ "keyctl dying", test_dying },
	{ "keyctl permissions", test_permissions },
	{ "keyctl owners", test_owners },
	{ "keyctl authority", test_authority },
	{ "keyctl restrict", test_restrict },
	{ "keyctl persistent", test_persistent },
	{ "keyctl proc", test_proc },
};

CALLS_MAIN(table)
