/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals to who wants to hear of a file's events: O_ASYNC, and whom it tells how (F_SETOWN, F_SETSIG;
 * fcntl(2)).
 *
 * What events come from, an end of a pipe say, has a struct async_source, in which open files stand while
 * they have O_ASYNC; file_ops.async says which. Whoever makes news there calls async_tell(), which is one
 * look where no file stands.
 *
 * O_ASYNC belongs to the open file, as do its owner and its signal. It ends with the file, with a hang-up,
 * and when the capability through which it was set is revoked.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>
#include <serix/abi_fs.h>

struct async_entry;
struct file;
struct file_use;

/* All zeros: nobody wants to hear. */
struct async_source {
	struct async_entry *first; /* [async_lock] written; a hint without it */
};

#define ASYNC_SOURCES 2 /* that one file may have */

/* For file_ops.async.  `owner`: whom to tell if nobody was named yet, as F_SETOWN has it; 0: nobody. */
struct async_wanted {
	struct async_source *sources[ASYNC_SOURCES]; /* NULL: no more */
	pid_t owner;
};

void async_tell_(struct async_source *source, int code);
/* `code`: POLL_IN, ... of siginfo_t.  Any context; no lock that ranks above RANK_ASYNC is held. */
static inline void async_tell(struct async_source *source, int code)
{
	if (unlikely(READ_ONCE(source->first) != NULL))
		async_tell_(source, code);
}

/* Turn O_ASYNC on or off; siginfo_t names `fd`.  Nothing changes on a file that knows no signals: `refuse`
 * says whether that is -ENOTTY or 0.  -ENOMEM, -EBADF (revoked meanwhile), what the file says. */
int async_set(const struct file_use *use, int fd, bool on, bool refuse) __must_check;
/* Those of the files of `source` that `which` picks have it no longer. */
void async_hang_up(struct async_source *source, bool (*which)(const struct file *file));

/* F_SETOWN_EX, F_GETOWN_EX; number 0: nobody.  -EINVAL, -ESRCH, -EPERM (confined), -ENOMEM. */
int async_set_owner(struct file *file, const struct abi_file_owner *named) __must_check;
void async_get_owner(struct file *file, struct abi_file_owner *named);
/* In one number: negative is a group. */
int async_set_owner_number(struct file *file, int32_t number) __must_check;
int32_t async_owner_number(struct file *file);
/* F_SETSIG, F_GETSIG; 0 is SIGIO without siginfo_t.  -EINVAL, -ENOMEM. */
int async_set_signal(struct file *file, uint64_t signo) __must_check;
int async_signal(struct file *file);

/* For signals that O_ASYNC has no part in.  The running process becomes the file's owner, unless it has one:
 * -ENOMEM. */
int async_claim(struct file *file) __must_check;
/* The owner hears; siginfo_t names `fd`.  As async_tell. */
void async_tell_owner(const struct file *file, int fd, int code);
/* Neither owner nor signal any more. */
void async_disown(struct file *file);

/* The file is released: nobody uses it. */
void async_release(struct file *file);
