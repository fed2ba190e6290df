/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys: what threads and programs inherit, that nothing is charged for any more once it is gone, that a
 * search through many ways ends soon, and that confined processes are refused.  tests/calls/keys.c has what
 * each operation answers.
 */
#define _GNU_SOURCE
#include <libserix/confine.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "child.h"
#include "keyctl.h"
#include "tap.h"

#define FAILS(call, e) ((call) == -1 && errno == (e))
#define NOBODY         4242u

static char big[20000];

/* --- what is inherited --------------------------------------------------------------------------------- */

static void *in_thread(void *arg)
{
	long *mine = arg;

	mine[0] = keyring_id(KEY_SPEC_THREAD_KEYRING, 0);
	mine[1] = keyring_id(KEY_SPEC_PROCESS_KEYRING, 0);
	mine[2] = keyring_id(KEY_SPEC_SESSION_KEYRING, 0);
	return NULL;
}

static void run_thread(long mine[3])
{
	pthread_t thread;

	need(pthread_create(&thread, NULL, in_thread, mine) == 0 && pthread_join(thread, NULL) == 0);
}

static void threads_have_their_own(void)
{
	long mine[3], thread, process, session = session_join(NULL);

	run_thread(mine);
	need(mine[0] == -1 && mine[1] == -1 && mine[2] == session);
	thread = keyring_id(KEY_SPEC_THREAD_KEYRING, 1);
	process = keyring_id(KEY_SPEC_PROCESS_KEYRING, 1);
	run_thread(mine);
	need(mine[0] > 0 && mine[0] != thread); /* a new one, as its maker has one */
	need(mine[1] == process && mine[2] == session);
	need(FAILS(keyctl(KEYCTL_DESCRIBE, mine[0], NULL, 0, 0), ENOKEY)); /* gone with it */
}

static void exec_takes_some(void)
{
	char session[16], thread[16];

	snprintf(session, sizeof(session), "%ld", session_join(NULL));
	snprintf(thread, sizeof(thread), "%ld", keyring_id(KEY_SPEC_THREAD_KEYRING, 1));
	keyring_id(KEY_SPEC_PROCESS_KEYRING, 1);
	need(keyctl(KEYCTL_SET_REQKEY_KEYRING, KEY_REQKEY_DEFL_SESSION_KEYRING, 0, 0, 0) == 0);
	execl("/proc/self/exe", "keys", "after-exec", session, thread, NULL);
	need(false);
}

static int after_exec(long session, long thread)
{
	need(keyring_id(KEY_SPEC_SESSION_KEYRING, 0) == session);
	need(FAILS(keyring_id(KEY_SPEC_THREAD_KEYRING, 0), ENOKEY));
	need(FAILS(keyring_id(KEY_SPEC_PROCESS_KEYRING, 0), ENOKEY));
	need(FAILS(keyctl(KEYCTL_DESCRIBE, thread, NULL, 0, 0), ENOKEY));
	need(keyctl(KEYCTL_SET_REQKEY_KEYRING, KEY_REQKEY_DEFL_NO_CHANGE, 0, 0, 0) == 3);
	return 0;
}

static void owner_follows(void)
{
	char text[128];
	long thread = keyring_id(KEY_SPEC_THREAD_KEYRING, 1);
	long process = keyring_id(KEY_SPEC_PROCESS_KEYRING, 1);

	need(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
	need(keyctl(KEYCTL_DESCRIBE, thread, text, sizeof(text), 0) > 0 &&
	     strncmp(text, "keyring;4242;4242;", 18) == 0);
	need(keyctl(KEYCTL_DESCRIBE, process, text, sizeof(text), 0) > 0 &&
	     strncmp(text, "keyring;0;0;", 12) == 0);
}

/* --- what is charged ----------------------------------------------------------------------------------- */

static void be_nobody(void)
{
	need(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
	need(session_join(NULL) > 0);
}

/* The user's row of /proc/key-users: keys and bytes. */
static void charged(unsigned *keys, unsigned *bytes)
{
	FILE *f = fopen("/proc/key-users", "r");
	unsigned uid, k, b;

	*keys = *bytes = 0;
	need(f != NULL);
	while (fscanf(f, "%u: %*u %*u/%*u %u/%*u %u/%*u", &uid, &k, &b) == 3)
		if (uid == NOBODY)
			*keys = k, *bytes = b;
	fclose(f);
}

static void all_is_given_back(void)
{
	unsigned keys[2], bytes[2];
	char name[16];
	long id, ring;

	be_nobody();
	charged(&keys[0], &bytes[0]);
	for (int round = 0; round < 20; round++) {
		ring = key_add("keyring", "ring", NULL, 0, KEY_SPEC_SESSION_KEYRING);
		need(ring > 0);
		for (int i = 0; i < 30; i++) {
			snprintf(name, sizeof(name), "%d", i);
			id = key_add("user", name, big, 100 + (size_t)i, ring);
			need(id > 0 && key_add("user", name, big, 200, ring) == id);
			need(keyctl(KEYCTL_LINK, id, KEY_SPEC_SESSION_KEYRING, 0, 0) == 0);
			if (i % 3 == 0)
				need(keyctl(KEYCTL_REVOKE, id, 0, 0, 0) == 0);
			if (i % 3 == 1)
				need(keyctl(KEYCTL_INVALIDATE, id, 0, 0, 0) == 0);
		}
		need(keyctl(KEYCTL_CLEAR, KEY_SPEC_SESSION_KEYRING, 0, 0, 0) == 0);
	}
	charged(&keys[1], &bytes[1]);
	need(keys[0] == keys[1] && bytes[0] == bytes[1]);
}

/* A long chain of keyrings, from the top: they go one by one, not one inside the other. */
static void long_chains_go(void)
{
	unsigned keys[2], bytes[2];
	char name[16];
	long ring, outer;

	be_nobody();
	charged(&keys[0], &bytes[0]);
	for (int round = 0; round < 10; round++) {
		outer = 0;
		for (int i = 0; i < 150; i++) {
			snprintf(name, sizeof(name), "%d", i);
			ring = key_add("keyring", name, NULL, 0, KEY_SPEC_SESSION_KEYRING);
			need(ring > 0);
			need(!outer || keyctl(KEYCTL_LINK, ring, outer, 0, 0) == 0);
			outer = ring;
		}
		need(keyctl(KEYCTL_CLEAR, KEY_SPEC_SESSION_KEYRING, 0, 0, 0) == 0);
	}
	charged(&keys[1], &bytes[1]);
	need(keys[0] == keys[1] && bytes[0] == bytes[1]);
}

static void dead_keys_are_collected(void)
{
	struct timespec tick = { 0, 50000000 };
	FILE *delay = fopen("/proc/sys/kernel/keys/gc_delay", "w");
	long id;
	int tries = 0;

	need(delay != NULL && fputs("0\n", delay) >= 0 && fclose(delay) == 0);
	need(session_join(NULL) > 0);
	id = key_add("user", "short", "x", 1, KEY_SPEC_SESSION_KEYRING);
	need(keyctl(KEYCTL_READ, KEY_SPEC_SESSION_KEYRING, NULL, 0, 0) == 4);
	need(keyctl(KEYCTL_SET_TIMEOUT, id, 1, 0, 0) == 0);
	while (keyctl(KEYCTL_READ, KEY_SPEC_SESSION_KEYRING, NULL, 0, 0) != 0 && tries++ < 1200)
		nanosleep(&tick, NULL);
	need(tries < 1200);
	delay = fopen("/proc/sys/kernel/keys/gc_delay", "w");
	need(delay != NULL && fputs("300\n", delay) >= 0 && fclose(delay) == 0);
}

/* --- hostile ones -------------------------------------------------------------------------------------- */

#define LEVELS 7
#define WIDTH  20

/* Each keyring of a level holds all of the next: 20 to the power of 6 ways, which nobody may go. */
static void many_ways(void)
{
	long rings[LEVELS][WIDTH];
	char name[16];

	be_nobody();
	for (int level = 0; level < LEVELS; level++)
		for (int i = 0; i < WIDTH; i++) {
			snprintf(name, sizeof(name), "%d-%d", level, i);
			rings[level][i] = key_add("keyring", name, NULL, 0, KEY_SPEC_SESSION_KEYRING);
			need(rings[level][i] > 0);
		}
	for (int level = LEVELS - 2; level >= 0; level--)
		for (int n = 0; n < WIDTH * WIDTH; n++)
			need(keyctl(KEYCTL_LINK, rings[level + 1][n % WIDTH], rings[level][n / WIDTH], 0,
				    0) == 0);
	need(FAILS(keyctl(KEYCTL_SEARCH, rings[0][0], "user", "none", 0), ENOKEY));
	need(FAILS(keyctl(KEYCTL_LINK, rings[0][0], rings[LEVELS - 1][0], 0, 0), EDEADLK));
	need(FAILS(key_request("user", "none", NULL, 0), ENOKEY));
	need(FAILS(keyctl(KEYCTL_LINK, keyring_id(KEY_SPEC_SESSION_KEYRING, 0), rings[0][0], 0, 0),
		   EDEADLK) ||
	     errno == ELOOP);
}

static long key_before;

static void confined(void)
{
	char text[64];

	need(cap_enter(CAP_ENTER) == 0);
	need(FAILS(key_add("user", "x", "x", 1, KEY_SPEC_PROCESS_KEYRING), EACCES));
	need(FAILS(key_request("user", "secret", NULL, 0), EACCES));
	need(FAILS(keyctl(KEYCTL_READ, key_before, text, sizeof(text), 0), EACCES));
	need(FAILS(keyctl(KEYCTL_DESCRIBE, key_before, text, sizeof(text), 0), EACCES));
	need(FAILS(keyctl(KEYCTL_UPDATE, key_before, "x", 1, 0), EACCES));
	need(FAILS(keyctl(KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "secret", 0), EACCES));
	need(FAILS(keyctl(KEYCTL_GET_SECURITY, key_before, NULL, 0, 0), EACCES));
	need(FAILS(keyctl(KEYCTL_RESTRICT_KEYRING, KEY_SPEC_SESSION_KEYRING, NULL, NULL, 0), EACCES));
	need(FAILS(keyctl(KEYCTL_SESSION_TO_PARENT, 0, 0, 0, 0), EACCES));
	need(FAILS(session_join("x"), EACCES));
	for (int operation = 0; operation <= KEYCTL_MOVE; operation++)
		need(keyctl(operation, key_before, 0, 0, 0) == -1);
}

static void confined_are_refused(void)
{
	char text[64];

	need(session_join(NULL) > 0);
	key_before = key_add("user", "secret", "secret", 6, KEY_SPEC_SESSION_KEYRING);
	need(key_before > 0 && passes(confined));
	need(keyctl(KEYCTL_READ, key_before, text, sizeof(text), 0) == 6 && memcmp(text, "secret", 6) == 0);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "after-exec") == 0)
		return after_exec(atol(argv[2]), atol(argv[3]));
	tap(passes(threads_have_their_own), "a thread has a keyring of its own, and those of its process");
	tap(passes(exec_takes_some), "a new program keeps its session's keyring only");
	tap(passes(owner_follows), "a thread's keyring belongs to whoever it acts as");
	tap(passes(all_is_given_back), "what is gone is charged to nobody");
	tap(passes(long_chains_go), "long chains of keyrings go, too");
	tap(passes(dead_keys_are_collected), "an expired key is taken out of its keyrings");
	tap(passes(many_ways), "a search does not go all ways through keyrings");
	tap(passes(confined_are_refused), "who is in capability mode is refused all keys");
	return tap_end();
}
