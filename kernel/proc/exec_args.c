/* SPDX-License-Identifier: BSD-2-Clause */
/* exec's argument block: all strings in one buffer that grows up to the limit. */
#include <arch/usercopy.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vmalloc.h>
#include <serix/errno.h>

#include "proc_priv.h"

#define STRING_MAX (128u * 1024) /* one string with its NUL */
#define FIRST_SIZE 2048u
#define LARGE_SIZE (16u * 1024) /* from here on pages need not be adjacent */

static void *text_alloc(size_t size)
{
	return size > LARGE_SIZE ? vmalloc(size) : kmalloc(size);
}

static void text_free(void *text, size_t size)
{
	if (size > LARGE_SIZE)
		vfree(text);
	else
		kfree(text);
}

void exec_args_init(struct exec_args *args, size_t limit)
{
	*args = (struct exec_args){ .limit = limit };
}

void exec_args_free(struct exec_args *args)
{
	text_free(args->text, args->capacity);
	args->text = NULL;
	args->capacity = 0;
}

static int grow(struct exec_args *args)
{
	size_t size = args->capacity ? args->capacity * 2 : FIRST_SIZE;
	char *text;

	text = text_alloc(size);
	if (!text)
		return -ENOMEM;
	if (args->used)
		memcpy(text, args->text, args->used);
	text_free(args->text, args->capacity);
	args->text = text;
	args->capacity = size;
	return 0;
}

/* A string of `len` bytes with its NUL is in place: count it, pointer included. */
static int accept(struct exec_args *args, size_t len, bool environment)
{
	size_t strings = (size_t)args->argc + args->envc + 1;

	if (len > STRING_MAX || args->used + len + strings * sizeof(uint64_t) > args->limit)
		return -E2BIG;
	args->used += len;
	if (environment) {
		args->envc++;
	} else {
		args->argc++;
		args->argv_bytes = args->used;
	}
	return 0;
}

int exec_args_add(struct exec_args *args, const char *string, bool environment)
{
	size_t len = strlen(string) + 1;
	int err;

	if (len > STRING_MAX)
		return -E2BIG;
	while (args->capacity - args->used < len) {
		err = grow(args);
		if (err < 0)
			return err;
	}
	memcpy(args->text + args->used, string, len);
	return accept(args, len, environment);
}

static int add_user_string(struct exec_args *args, uaddr_t string, bool environment)
{
	for (;;) {
		size_t room = args->capacity - args->used;
		ssize_t len = room ? strncpy_from_user(args->text + args->used, string, room) : -ENAMETOOLONG;
		int err;

		if (len >= 0)
			return accept(args, (size_t)len + 1, environment);
		if (len != -ENAMETOOLONG)
			return (int)len;
		if (room >= STRING_MAX || args->used >= args->limit)
			return -E2BIG;
		err = grow(args);
		if (err < 0)
			return err;
	}
}

int exec_args_add_user(struct exec_args *args, uaddr_t vector, bool environment)
{
	uint64_t string;

	if (!vector) /* as Linux: a missing list is an empty one */
		return 0;
	for (;; vector += sizeof(string)) {
		int err = get_user_u64(vector, &string);

		if (err < 0)
			return err;
		if (!string)
			return 0;
		err = add_user_string(args, string, environment);
		if (err < 0)
			return err;
		if (signal_pending() && (current_task()->work & TASK_WORK_EXIT))
			return -EINTR;
	}
}
