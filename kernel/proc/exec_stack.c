/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The new program's first stack, as the System V ABI supplement has it.  From the top down:
 *
 *	0 | file name | environment strings | argument strings | platform, random bytes |
 *	auxiliary vector | environment pointers, 0 | argument pointers, 0 | argc
 *
 * The stack pointer starts at argc, aligned to 16.
 */
#include <arch/elf.h>
#include <arch/paging.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <serix/errno.h>

#include "exec_priv.h"

#define STACK_ROOM  (128ul * 1024) /* mapped below the strings from the start; the rest grows on faults */
#define CLOCK_TICKS 100u
#define RANDOM_SIZE 16u
#define STACK_ALIGN 16ull

enum auxv_type {
	AT_NULL,
	AT_PHDR = 3,
	AT_PHENT,
	AT_PHNUM,
	AT_PAGESZ,
	AT_BASE,
	AT_FLAGS,
	AT_ENTRY,
	AT_UID = 11,
	AT_EUID,
	AT_GID,
	AT_EGID,
	AT_PLATFORM,
	AT_HWCAP,
	AT_CLKTCK,
	AT_SECURE = 23,
	AT_RANDOM = 25,
	AT_HWCAP2,
	AT_EXECFN = 31,
	AT_SYSINFO_EHDR = 33,
	AT_MINSIGSTKSZ = 51,
};

/* Places strings downwards. */
struct stack_builder {
	struct vm_space *vm;
	uint64_t top;
	int err; /* the first failure; later calls do nothing */
};

static uint64_t push(struct stack_builder *b, const void *data, size_t len)
{
	b->top -= len;
	if (b->err == 0 && vm_write(b->vm, b->top, data, len) != (ssize_t)len)
		b->err = -ENOMEM;
	return b->top;
}

static uint64_t push_string(struct stack_builder *b, const char *s)
{
	return push(b, s, strlen(s) + 1);
}

/* Writes words upwards, a buffer at a time. */
struct word_writer {
	struct vm_space *vm;
	uint64_t at;
	uint64_t words[64];
	size_t count;
	int err;
};

static void flush_words(struct word_writer *w)
{
	size_t len = w->count * sizeof(uint64_t);

	if (w->err == 0 && len && vm_write(w->vm, w->at, w->words, len) != (ssize_t)len)
		w->err = -ENOMEM;
	w->at += len;
	w->count = 0;
}

static void put_word(struct word_writer *w, uint64_t word)
{
	if (w->count == ARRAY_SIZE(w->words))
		flush_words(w);
	w->words[w->count++] = word;
}

static void put_aux(struct word_writer *w, enum auxv_type type, uint64_t value)
{
	put_word(w, type);
	put_word(w, value);
}

/* Pointers to consecutive strings: the next one starts behind each NUL. */
static void put_strings(struct word_writer *w, const char *text, const char *end, uint64_t address)
{
	while (text < end) {
		size_t len = strlen(text) + 1;

		put_word(w, address);
		text += len;
		address += len;
	}
}

struct stack_strings {
	uint64_t name, environment, arguments, platform, random;
	uint64_t prefix[ARRAY_SIZE(((struct exec *)0)->prefix)];
};

static const char *first_argument(const struct exec *x)
{
	return x->replaced_argv0 ? x->args->text + strlen(x->args->text) + 1 : x->args->text;
}

static void push_strings(const struct exec *x, struct stack_builder *b, struct stack_strings *s)
{
	const struct exec_args *args = x->args;
	const char *arguments = first_argument(x);
	uint8_t random[RANDOM_SIZE];

	push(b, "\0\0\0\0\0\0\0", 8);
	s->name = push_string(b, x->name);
	x->vm->env_end = b->top;
	s->environment = push(b, args->text + args->argv_bytes, args->used - args->argv_bytes);
	x->vm->env_start = x->vm->arg_end = b->top;
	s->arguments = push(b, arguments, (size_t)(args->text + args->argv_bytes - arguments));
	for (uint32_t i = 0; i < x->prefix_count; i++)
		s->prefix[i] = push_string(b, x->prefix[i]);
	x->vm->arg_start = b->top;
	s->platform = push_string(b, ARCH_PLATFORM);
	b->top = ALIGN_DOWN(b->top, 16ull);
	random_bytes(random, sizeof(random));
	s->random = push(b, random, sizeof(random));
}

static void put_auxv(const struct exec *x, struct word_writer *w, const struct stack_strings *s)
{
	put_aux(w, AT_SYSINFO_EHDR, x->vdso);
	put_aux(w, AT_HWCAP, arch_hwcap());
	put_aux(w, AT_HWCAP2, arch_hwcap2());
	put_aux(w, AT_MINSIGSTKSZ, arch_signal_frame_size());
	put_aux(w, AT_PAGESZ, PAGE_SIZE);
	put_aux(w, AT_CLKTCK, CLOCK_TICKS);
	put_aux(w, AT_PHDR, x->image.phdr_address ? x->base + x->image.phdr_address : 0);
	put_aux(w, AT_PHENT, ELF_PHDR_SIZE);
	put_aux(w, AT_PHNUM, x->image.header.phdr_count);
	put_aux(w, AT_BASE, x->has_interp ? x->interp_base : 0);
	put_aux(w, AT_FLAGS, 0);
	put_aux(w, AT_ENTRY, x->base + x->image.header.entry);
	put_aux(w, AT_UID, x->cred.uid);
	put_aux(w, AT_EUID, x->cred.euid);
	put_aux(w, AT_GID, x->cred.gid);
	put_aux(w, AT_EGID, x->cred.egid);
	put_aux(w, AT_SECURE, x->secure);
	put_aux(w, AT_RANDOM, s->random);
	put_aux(w, AT_EXECFN, s->name);
	put_aux(w, AT_PLATFORM, s->platform);
	put_aux(w, AT_NULL, 0);
}

#define AUXV_WORDS (2u * 21)

static int map_stack(struct exec *x, size_t strings)
{
	struct vm_space *vm = x->vm;
	uint64_t size = ALIGN_UP(strings, PAGE_SIZE) + STACK_ROOM;
	uint64_t limit = current_rlimit(RLIMIT_STACK), at;

	vm->as_limit = current_rlimit(RLIMIT_AS);
	vm->stack_limit = MAX(MIN(limit, vm->stack_top - vm->mmap_top), size);
	at = vm->stack_top - size;
	return vm_map(vm, &at, size, VM_READ | VM_WRITE | VM_STACK, VM_READ | VM_WRITE, VM_MAP_FIXED, NULL,
		      0);
}

/* Less than a page, so that programs do not share cache sets at the same stack offsets. */
static uint64_t stack_offset(const struct exec *x)
{
	return vm_random_offset(x->vm, PAGE_SIZE / STACK_ALIGN) / PAGE_SIZE * STACK_ALIGN;
}

int exec_build_stack(struct exec *x)
{
	const struct exec_args *args = x->args;
	uint32_t argc = args->argc - x->replaced_argv0 + x->prefix_count;
	size_t words = 1 + argc + 1 + args->envc + 1 + AUXV_WORDS;
	struct stack_builder b = { .vm = x->vm, .top = x->vm->stack_top - stack_offset(x) };
	struct word_writer w = { .vm = x->vm };
	struct stack_strings s;
	const char *environment = args->text + args->argv_bytes;
	int err = map_stack(x, args->used + words * sizeof(uint64_t) + 3 * PATH_MAX * EXEC_NESTING_MAX);

	if (err < 0)
		return err;
	push_strings(x, &b, &s);
	if (b.err < 0)
		return b.err;
	w.at = x->stack_pointer = ALIGN_DOWN(b.top - words * sizeof(uint64_t), STACK_ALIGN);
	put_word(&w, argc);
	for (uint32_t i = x->prefix_count; i > 0; i--)
		put_word(&w, s.prefix[i - 1]);
	put_strings(&w, first_argument(x), environment, s.arguments);
	put_word(&w, 0);
	put_strings(&w, environment, args->text + args->used, s.environment);
	put_word(&w, 0);
	flush_words(&w);
	x->vm->auxv_start = w.at;
	put_auxv(x, &w, &s);
	flush_words(&w);
	x->vm->auxv_end = w.at;
	return w.err;
}
