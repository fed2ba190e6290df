/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys while several threads and processes do to them whatever can be done: nothing is read but what was once
 * put in, whole, and at the end nothing is charged to the user.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "keyctl.h"
#include "tap.h"

#define NOBODY  4243u
#define THREADS 6
#define ROUNDS  1500
#define RINGS   5
#define KEYS    8
#define SIZE    64

static long rings[RINGS];
static atomic_long keys[KEYS]; /* by number; some are gone */
static atomic_int torn;

static void write_one(unsigned which, unsigned seed)
{
	char text[SIZE], name[8];
	long id;

	memset(text, 'a' + (int)(seed % 26), sizeof(text));
	snprintf(name, sizeof(name), "%u", which);
	id = key_add("user", name, text, sizeof(text), rings[seed % RINGS]);
	if (id > 0)
		atomic_store(&keys[which], id);
}

static void read_one(long id)
{
	char text[SIZE];
	long size = keyctl(KEYCTL_READ, id, text, sizeof(text), 0);

	for (long i = 1; i < size && i < SIZE; i++)
		if (text[i] != text[0]) {
			atomic_fetch_add(&torn, 1);
			return;
		}
}

static void do_something(unsigned r)
{
	long key = atomic_load(&keys[r / 16 % KEYS]), ring = rings[r / 128 % RINGS],
	     other = rings[r / 1024 % RINGS];

	switch (r % 16) {
	case 0:
	case 1:
	case 2:
		write_one(r / 16 % KEYS, r / 128);
		break;
	case 3:
		keyctl(KEYCTL_LINK, key, ring, 0, 0);
		break;
	case 4:
		keyctl(KEYCTL_UNLINK, key, ring, 0, 0);
		break;
	case 5:
		keyctl(KEYCTL_REVOKE, key, 0, 0, 0);
		break;
	case 6:
		keyctl(KEYCTL_INVALIDATE, key, 0, 0, 0);
		break;
	case 7:
		keyctl(KEYCTL_SET_TIMEOUT, key, r / 128 % 2, 0, 0);
		break;
	case 8:
		keyctl(KEYCTL_LINK, ring, other, 0, 0);
		break;
	case 9:
		keyctl(KEYCTL_UNLINK, ring, other, 0, 0);
		break;
	case 10:
		keyctl(KEYCTL_MOVE, key, ring, other, r / 8192 % 2);
		break;
	case 11:
		keyctl(KEYCTL_SEARCH, ring, "user", "3", other);
		break;
	case 12:
		keyctl(KEYCTL_UPDATE, key, "zzzzzzzz", 8, 0);
		break;
	case 13:
		key_request("user", "nothing", "x", ring);
		break;
	case 14:
		keyctl(KEYCTL_CLEAR, ring, 0, 0, 0);
		break;
	default:
		read_one(key);
	}
}

static void *meddle(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	keyring_id(KEY_SPEC_THREAD_KEYRING, 1);
	for (int i = 0; i < ROUNDS; i++) {
		do_something((unsigned)rand_r(&seed));
		read_one(atomic_load(&keys[(unsigned)i % KEYS]));
	}
	return NULL;
}

static unsigned charged_keys(void)
{
	FILE *f = fopen("/proc/key-users", "r");
	unsigned uid, keys_of = 0, k;

	need(f != NULL);
	while (fscanf(f, "%u: %*u %*u/%*u %u/%*u %*u/%*u", &uid, &k) == 2)
		if (uid == NOBODY)
			keys_of = k;
	fclose(f);
	return keys_of;
}

static void be_nobody(void)
{
	need(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
	need(session_join(NULL) > 0);
}

static void all_at_once(void)
{
	pthread_t threads[THREADS];
	char name[16];

	be_nobody();
	for (int i = 0; i < RINGS; i++) {
		snprintf(name, sizeof(name), "ring-%d", i);
		rings[i] = key_add("keyring", name, NULL, 0, KEY_SPEC_SESSION_KEYRING);
		need(rings[i] > 0);
	}
	for (uintptr_t i = 0; i < THREADS; i++)
		need(pthread_create(&threads[i], NULL, meddle, (void *)(i + 1)) == 0);
	for (int i = 0; i < THREADS; i++)
		need(pthread_join(threads[i], NULL) == 0);
	need(atomic_load(&torn) == 0);
}

static atomic_bool over;

static void *join_sessions(void *arg)
{
	while (!atomic_load(&over)) {
		session_join(NULL);
		keyring_id(KEY_SPEC_PROCESS_KEYRING, 1);
		key_add("user", "x", "x", 1, KEY_SPEC_SESSION_KEYRING);
	}
	return arg;
}

static void child_that_gives(void)
{
	session_join(NULL);
	keyctl(KEYCTL_SESSION_TO_PARENT, 0, 0, 0, 0);
}

/* A session that changes while the process forks, and its children give it theirs and end. */
static void sessions_beside_forks(void)
{
	pthread_t threads[2];

	be_nobody();
	for (int i = 0; i < 2; i++)
		need(pthread_create(&threads[i], NULL, join_sessions, NULL) == 0);
	for (int i = 0; i < 100; i++)
		need(passes(child_that_gives));
	atomic_store(&over, true);
	for (int i = 0; i < 2; i++)
		need(pthread_join(threads[i], NULL) == 0);
	for (int i = 0; i < 50; i++)
		need(passes(child_that_gives));
}

/* A parent that ends while its child gives it a session. */
static void parents_that_end(void)
{
	be_nobody();
	for (int i = 0; i < 100; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			if (fork() == 0)
				child_that_gives();
			_exit(0);
		}
		need(waitpid(pid, NULL, 0) == pid);
	}
}

static void nothing_is_left(void)
{
	unsigned left = 0;

	be_nobody();
	/* Its session, and what the user keeps, if it was ever asked for; others' children may still end. */
	for (int i = 0; i < 600 && (left = charged_keys()) > 3; i++)
		usleep(50000);
	need(left <= 3);
}

int main(void)
{
	tap(passes(all_at_once),
	    "threads make, link, move, revoke, expire, invalidate and read the same keys");
	tap(passes(sessions_beside_forks), "sessions change while the process forks");
	tap(passes(parents_that_end), "a session is given to a parent that ends");
	tap(passes(nothing_is_left), "nothing is left that the user is charged for");
	return tap_end();
}
