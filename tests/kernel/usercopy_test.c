/* SPDX-License-Identifier: BSD-2-Clause */
/* The user-copy routines: right bytes, right bounds, and an error instead of a crash. */
#include <kernel/ktest.h>

#include <arch/paging.h>
#include <arch/usercopy.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#define BASE   0x20000000ull /* four pages: writable, writable, read-only, none */
#define PAGES  4
#define RO     (BASE + 2 * PAGE_SIZE)
#define HOLE   (BASE + 3 * PAGE_SIZE)
#define KERNEL 0xffff800000000000ull

static struct vm_space *vm;

static void enter(void)
{
	uint64_t at = BASE;

	KTEST_EXPECT(vm_space_create(&vm) == 0);
	KTEST_EXPECT(vm_map(vm, &at, (PAGES - 1) * PAGE_SIZE, VM_READ | VM_WRITE, VM_READ | VM_WRITE,
			    VM_MAP_FIXED, NULL, 0) == 0);
	KTEST_EXPECT(vm_protect(vm, RO, PAGE_SIZE, VM_READ) == 0);
	task_switch_vm(vm);
}

static void leave(void)
{
	task_switch_vm(NULL);
	vm_space_put(vm);
}

static void copies_every_length_and_alignment(void)
{
	uint8_t out[200], in[200];

	enter();
	for (size_t len = 0; len <= 140; len++) {
		/* Across the border of two pages, at every alignment. */
		uaddr_t at = BASE + PAGE_SIZE - 70 + len % 8;

		for (size_t i = 0; i < sizeof(out); i++)
			out[i] = (uint8_t)(i * 7 + len);
		memset(in, 0xee, sizeof(in));
		KTEST_EXPECT(copy_to_user(at, out, len) == 0);
		KTEST_EXPECT(copy_from_user(in, at, len) == 0);
		KTEST_EXPECT(memcmp(in, out, len) == 0);
		KTEST_EXPECT(in[len] == 0xee);
	}
	leave();
}

static void unmapped_memory_is_efault(void)
{
	uint8_t buf[64] = { 0 };
	uint32_t word;

	enter();
	KTEST_EXPECT(copy_from_user(buf, HOLE, 1) == -EFAULT);
	KTEST_EXPECT(copy_to_user(HOLE, buf, sizeof(buf)) == -EFAULT);
	KTEST_EXPECT(copy_from_user(buf, HOLE - 4, 8) == -EFAULT);
	KTEST_EXPECT(clear_user(HOLE - 8, 16) == -EFAULT);
	KTEST_EXPECT(get_user_u32(HOLE, &word) == -EFAULT);
	KTEST_EXPECT(put_user_u64(HOLE, 1) == -EFAULT);
	KTEST_EXPECT(cmpxchg_user_u32(HOLE, 0, 1, &word) == -EFAULT);
	leave();
}

static void read_only_memory_refuses_writes(void)
{
	uint32_t word = 1;

	enter();
	KTEST_EXPECT(get_user_u32(RO, &word) == 0 && word == 0);
	KTEST_EXPECT(put_user_u32(RO, 1) == -EFAULT);
	KTEST_EXPECT(clear_user(RO, 8) == -EFAULT);
	KTEST_EXPECT(cmpxchg_user_u32(RO, 0, 1, &word) == -EFAULT);
	leave();
}

static void kernel_and_wrapping_addresses_are_refused(void)
{
	static const uaddr_t bad[] = {
		KERNEL, USER_END, USER_END - 4, 1ull << 47, UINT64_MAX - 7, UINT64_MAX
	};
	uint8_t buf[16] = { 0 }, *any_size = buf;
	uint64_t word;

	__asm__("" : "+r"(any_size)); /* else the copy is refused for what it would do to buf */
	enter();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		KTEST_EXPECT(copy_from_user(buf, bad[i], 16) == -EFAULT);
		KTEST_EXPECT(copy_to_user(bad[i], buf, 16) == -EFAULT);
		KTEST_EXPECT(get_user_u64(bad[i], &word) == -EFAULT);
		KTEST_EXPECT(put_user_u64(bad[i], 0) == -EFAULT);
		KTEST_EXPECT(strncpy_from_user((char *)buf, bad[i], 16) == -EFAULT);
	}
	KTEST_EXPECT(copy_from_user(any_size, BASE, UINT64_MAX) == -EFAULT);
	KTEST_EXPECT(copy_from_user(any_size, BASE, UINT64_MAX - BASE + 1) == -EFAULT);
	leave();
}

static void pages_without_rights_are_efault(void)
{
	uint32_t word;

	enter();
	KTEST_EXPECT(put_user_u32(BASE, 7) == 0);
	KTEST_EXPECT(vm_protect(vm, BASE, PAGE_SIZE, 0) == 0);
	KTEST_EXPECT(get_user_u32(BASE, &word) == -EFAULT);
	KTEST_EXPECT(vm_protect(vm, BASE, PAGE_SIZE, VM_READ) == 0);
	KTEST_EXPECT(get_user_u32(BASE, &word) == 0 && word == 7);
	leave();
}

static void strings_end_at_nul_limit_or_fault(void)
{
	char buf[64];

	enter();
	for (size_t len = 0; len < 40; len++) {
		uaddr_t at = BASE + PAGE_SIZE - 17 + len % 5;
		char text[64] = { 0 };

		memset(text, 'a', len);
		KTEST_EXPECT(copy_to_user(at, text, len + 1) == 0);
		memset(buf, 'x', sizeof(buf));
		KTEST_EXPECT(strncpy_from_user(buf, at, sizeof(buf)) == (ssize_t)len);
		KTEST_EXPECT(strlen(buf) == len);
		KTEST_EXPECT(strncpy_from_user(buf, at, len + 1) == (ssize_t)len);
		KTEST_EXPECT(len == 0 || strncpy_from_user(buf, at, len) == -ENAMETOOLONG);
	}
	/* The page before the hole ends without a NUL. */
	KTEST_EXPECT(vm_protect(vm, RO, PAGE_SIZE, VM_READ | VM_WRITE) == 0);
	KTEST_EXPECT(copy_to_user(HOLE - 5, "12345", 5) == 0);
	KTEST_EXPECT(strncpy_from_user(buf, HOLE - 5, sizeof(buf)) == -EFAULT);
	KTEST_EXPECT(strncpy_from_user(buf, HOLE - 5, 5) == -ENAMETOOLONG);
	leave();
}

static void compare_and_exchange_tells_the_old_value(void)
{
	uint32_t old = 0, now = 0;

	enter();
	KTEST_EXPECT(put_user_u32(BASE, 5) == 0);
	KTEST_EXPECT(cmpxchg_user_u32(BASE, 4, 9, &old) == 0 && old == 5);
	KTEST_EXPECT(get_user_u32(BASE, &now) == 0 && now == 5);
	KTEST_EXPECT(cmpxchg_user_u32(BASE, 5, 9, &old) == 0 && old == 5);
	KTEST_EXPECT(get_user_u32(BASE, &now) == 0 && now == 9);
	KTEST_EXPECT(cmpxchg_user_u32(BASE + 1, 5, 9, &old) == -EFAULT);
	leave();
}

static void clear_user_clears_exactly(void)
{
	uint8_t buf[64];

	enter();
	for (size_t len = 0; len < 40; len++) {
		memset(buf, 0xff, sizeof(buf));
		KTEST_EXPECT(copy_to_user(BASE, buf, sizeof(buf)) == 0);
		KTEST_EXPECT(clear_user(BASE + 3, len) == 0);
		KTEST_EXPECT(copy_from_user(buf, BASE, sizeof(buf)) == 0);
		KTEST_EXPECT(buf[2] == 0xff && buf[3 + len] == 0xff);
		KTEST_EXPECT(len == 0 || (buf[3] == 0 && buf[2 + len] == 0));
	}
	leave();
}

static void without_an_address_space_everything_is_efault(void)
{
	uint32_t word;

	KTEST_EXPECT(get_user_u32(BASE, &word) == -EFAULT);
	KTEST_EXPECT(put_user_u32(BASE, 1) == -EFAULT);
}

static const struct ktest_case cases[] = {
	{ "copies every length and alignment", copies_every_length_and_alignment },
	{ "unmapped memory is EFAULT", unmapped_memory_is_efault },
	{ "read-only memory refuses writes", read_only_memory_refuses_writes },
	{ "kernel and wrapping addresses are refused", kernel_and_wrapping_addresses_are_refused },
	{ "pages without rights are EFAULT", pages_without_rights_are_efault },
	{ "strings end at NUL, limit or fault", strings_end_at_nul_limit_or_fault },
	{ "compare-and-exchange tells the old value", compare_and_exchange_tells_the_old_value },
	{ "clear_user clears exactly", clear_user_clears_exactly },
	{ "without an address space everything is EFAULT", without_an_address_space_everything_is_efault },
};

KTEST_SUITE("usercopy", cases);
