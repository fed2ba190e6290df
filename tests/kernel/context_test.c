/* SPDX-License-Identifier: BSD-2-Clause */
/* What a task keeps while others run, and signal frames there and back. */
#include <kernel/ktest.h>

#include <arch/context.h>
#include <arch/paging.h>
#include <arch/usercopy.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <kernel/vm.h>
#include <serix/abi.h>
#include <serix/errno.h>

#define ROUNDS      200
#define MSR_FS_BASE 0xc0000100u
#define STACK       0x30000000ull
#define STACK_SIZE  (4 * PAGE_SIZE)
#define STACK_TOP   (STACK + STACK_SIZE)
#define USER_CS     0x33
#define USER_SS     0x2b

static _Atomic unsigned finished, mismatches;

static void xmm_load(uint64_t value)
{
	__asm__ volatile("movq %0, %%xmm0; movq %0, %%xmm15" : : "r"(value));
}

static bool xmm_holds(uint64_t value)
{
	uint64_t low, high;

	__asm__ volatile("movq %%xmm0, %0; movq %%xmm15, %1" : "=r"(low), "=r"(high));
	return low == value && high == value;
}

static uint64_t fs_base(void)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_FS_BASE));
	return (uint64_t)high << 32 | low;
}

static void keep_state(void *arg)
{
	uint64_t mine = (uintptr_t)arg;
	struct task *self = current_task();

	if (arch_fpu_alloc(&self->context) < 0) {
		atomic_fetch_add(&mismatches, 1);
		atomic_fetch_add(&finished, 1);
		return;
	}
	arch_fpu_reset(self);
	if (arch_set_tls(self, mine << 12) < 0)
		atomic_fetch_add(&mismatches, 1);
	for (unsigned i = 0; i < ROUNDS; i++) {
		xmm_load(mine + i);
		sched_yield();
		if (!xmm_holds(mine + i) || fs_base() != mine << 12)
			atomic_fetch_add(&mismatches, 1);
	}
	atomic_fetch_add(&finished, 1);
}

static void tasks_keep_fpu_and_thread_pointer(void)
{
	uint64_t deadline = time_now_ns() + 5 * NSEC_PER_SEC;

	atomic_store(&finished, 0);
	atomic_store(&mismatches, 0);
	for (uintptr_t i = 1; i <= 3; i++)
		KTEST_EXPECT(kthread_create("keeper", keep_state, (void *)(i * 1000)) != NULL);
	while (atomic_load(&finished) < 3 && time_now_ns() < deadline)
		sleep_until(time_now_ns() + NSEC_PER_MSEC, false);
	KTEST_EXPECT(atomic_load(&finished) == 3);
	KTEST_EXPECT(atomic_load(&mismatches) == 0);
}

static void thread_pointers_outside_the_user_half_are_refused(void)
{
	KTEST_EXPECT(arch_set_tls(current_task(), USER_END) == -EPERM);
	KTEST_EXPECT(arch_set_tls(current_task(), 0xffff800000000000ull) == -EPERM);
	KTEST_EXPECT(arch_set_tls(current_task(), 1ull << 63) == -EPERM);
}

/* Signal frames need a task with FPU state and a user stack: a helper thread borrows both. */
static void (*frame_test)(void);

static void frame_thread(void *unused)
{
	struct vm_space *vm;
	uint64_t at = STACK;

	(void)unused;
	KTEST_EXPECT(vm_space_create(&vm) == 0);
	KTEST_EXPECT(vm_map(vm, &at, STACK_SIZE, VM_READ | VM_WRITE, VM_READ | VM_WRITE, VM_MAP_FIXED, NULL,
			    0) == 0);
	KTEST_EXPECT(arch_fpu_alloc(&current_task()->context) == 0);
	task_switch_vm(vm);
	arch_fpu_reset(current_task());
	frame_test();
	task_switch_vm(NULL);
	vm_space_put(vm);
	atomic_store(&finished, 1);
}

static void run_with_user_stack(void (*test)(void))
{
	uint64_t deadline = time_now_ns() + 5 * NSEC_PER_SEC;

	atomic_store(&finished, 0);
	frame_test = test;
	KTEST_EXPECT(kthread_create("frames", frame_thread, NULL) != NULL);
	while (!atomic_load(&finished) && time_now_ns() < deadline)
		sleep_until(time_now_ns() + NSEC_PER_MSEC, false);
	KTEST_EXPECT(atomic_load(&finished) == 1);
}

static struct arch_regs some_regs(void)
{
	struct arch_regs regs;

	arch_regs_start(&regs, 0x401000, STACK_TOP - 1000);
	regs.rax = 1, regs.rbx = 2, regs.rcx = 3, regs.rdx = 4, regs.rsi = 5, regs.rdi = 6, regs.rbp = 7;
	regs.r8 = 8, regs.r9 = 9, regs.r10 = 10, regs.r11 = 11, regs.r12 = 12, regs.r13 = 13, regs.r14 = 14;
	regs.r15 = 15;
	regs.rflags |= 1 | 1 << 11; /* carry, overflow */
	return regs;
}

static int push(struct arch_regs *regs, uaddr_t altstack_top)
{
	static const struct abi_siginfo siginfo = { .signo = SIGUSR1, .code = SI_USER };
	struct arch_sigframe_info info = {
		.handler = 0x402000,
		.restorer = 0x403000,
		.mask = 0x1234,
		.altstack_top = altstack_top,
		.ss_sp = 0x1000,
		.ss_size = 0x2000,
		.ss_flags = SS_DISABLE,
		.siginfo = &siginfo,
		.signo = SIGUSR1,
	};

	return arch_signal_push(regs, &info);
}

static int pop(struct arch_regs *regs)
{
	uint64_t mask = 0, sp = 0, size = 0;
	uint32_t flags = 0;
	int err;

	regs->rsp += 8; /* the handler's RET */
	err = arch_signal_return(regs, &mask, &sp, &size, &flags);
	if (err == 0)
		KTEST_EXPECT(mask == 0x1234 && sp == 0x1000 && size == 0x2000 && flags == SS_DISABLE);
	return err;
}

static void frame_round_trip(void)
{
	struct arch_regs before = some_regs(), regs = before;
	uint64_t restorer = 0;

	xmm_load(0x5eed);
	KTEST_EXPECT(push(&regs, 0) == 0);
	KTEST_EXPECT(regs.rip == 0x402000 && regs.rdi == SIGUSR1 && regs.rax == 0);
	KTEST_EXPECT(regs.rsp % 16 == 8);
	KTEST_EXPECT(regs.rsp < before.rsp - 128);
	KTEST_EXPECT(get_user_u64(regs.rsp, &restorer) == 0 && restorer == 0x403000);
	KTEST_EXPECT(regs.rdx == regs.rsp + 8 && regs.rsi == regs.rsp + 312);
	KTEST_EXPECT(xmm_holds(0));
	KTEST_EXPECT(pop(&regs) == 0);
	KTEST_EXPECT(memcmp(&regs, &before, sizeof(regs)) == 0);
	KTEST_EXPECT(xmm_holds(0x5eed));
}

static void frame_on_alternate_stack(void)
{
	struct arch_regs regs = some_regs();

	regs.rsp = 0; /* the reason for having an alternate stack */
	KTEST_EXPECT(push(&regs, STACK_TOP) == 0);
	KTEST_EXPECT(regs.rsp >= STACK && regs.rsp < STACK_TOP);
}

static void frame_without_room(void)
{
	static const uaddr_t bad[] = {
		0, 64, STACK + 200, USER_END + 4096, 0xffff800000010000ull, UINT64_MAX
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct arch_regs regs = some_regs();

		regs.rsp = bad[i];
		KTEST_EXPECT(push(&regs, 0) == -EFAULT);
		KTEST_EXPECT(regs.rip == 0x401000);
	}
}

/* Whatever a program writes into its frame, it stays a program. */
static void frame_forged(void)
{
	struct arch_regs regs = some_regs();
	uaddr_t uc;

	KTEST_EXPECT(push(&regs, 0) == 0);
	uc = regs.rdx;
	KTEST_EXPECT(put_user_u64(uc + 40 + 17 * 8, UINT64_MAX) == 0); /* flags */
	KTEST_EXPECT(pop(&regs) == 0);
	KTEST_EXPECT(regs.cs == USER_CS && regs.ss == USER_SS);
	KTEST_EXPECT((regs.rflags & 0x3000) == 0);   /* IOPL */
	KTEST_EXPECT((regs.rflags & 0x1a4000) == 0); /* NT VM VIF VIP */
	KTEST_EXPECT(regs.rflags & 0x200);           /* IF */
}

static void frame_with_forged_segments(void)
{
	struct arch_regs regs = some_regs();

	KTEST_EXPECT(push(&regs, 0) == 0);
	/* CS and the others */
	KTEST_EXPECT(put_user_u64(regs.rdx + 40 + 18 * 8, 0x0018001000100010ull) == 0);
	KTEST_EXPECT(pop(&regs) == -EFAULT);
}

static void frame_with_forged_fpu(void)
{
	struct arch_regs regs = some_regs();
	uint64_t fpstate = 0;

	KTEST_EXPECT(push(&regs, 0) == 0);
	KTEST_EXPECT(get_user_u64(regs.rdx + 40 + 184, &fpstate) == 0);
	KTEST_EXPECT(fpstate >= STACK && fpstate % 64 == 0);
	for (uaddr_t at = fpstate; at < fpstate + 464; at += 8)
		KTEST_EXPECT(put_user_u64(at, UINT64_MAX) == 0);
	for (uaddr_t at = fpstate + 512; at < fpstate + 576; at += 8)
		KTEST_EXPECT(put_user_u64(at, UINT64_MAX) == 0);
	KTEST_EXPECT(pop(&regs) == -EFAULT);
	arch_fpu_reset(current_task());
}

static void frame_with_bad_pointers(void)
{
	struct arch_regs regs = some_regs();

	KTEST_EXPECT(push(&regs, 0) == 0);
	KTEST_EXPECT(put_user_u64(regs.rdx + 40 + 184, 0xffff800000000000ull) == 0);
	KTEST_EXPECT(pop(&regs) == -EFAULT);
	regs.rsp = 0x8000000000000000ull;
	KTEST_EXPECT(pop(&regs) == -EFAULT);
}

static void signal_frames_survive_the_round_trip(void)
{
	run_with_user_stack(frame_round_trip);
	run_with_user_stack(frame_on_alternate_stack);
}

static void signal_frames_without_room_are_efault(void)
{
	run_with_user_stack(frame_without_room);
}

static void forged_signal_frames_give_no_rights(void)
{
	run_with_user_stack(frame_forged);
	run_with_user_stack(frame_with_forged_segments);
	run_with_user_stack(frame_with_forged_fpu);
	run_with_user_stack(frame_with_bad_pointers);
}

static void system_calls_restart(void)
{
	struct arch_regs regs = some_regs();

	regs.vector = REGS_VECTOR_SYSCALL;
	regs.error = 39;
	regs.rax = (uint64_t)-EINTR;
	KTEST_EXPECT(arch_regs_syscall(&regs) == 39);
	arch_regs_restart_syscall(&regs);
	KTEST_EXPECT(regs.rax == 39 && regs.rip == 0x401000 - 2);
	KTEST_EXPECT(arch_regs_syscall(&regs) == -1);
}

static const struct ktest_case cases[] = {
	{ "tasks keep FPU and thread pointer", tasks_keep_fpu_and_thread_pointer },
	{ "thread pointers outside the user half are refused",
	  thread_pointers_outside_the_user_half_are_refused },
	{ "signal frames survive the round trip", signal_frames_survive_the_round_trip },
	{ "signal frames without room are EFAULT", signal_frames_without_room_are_efault },
	{ "forged signal frames give no rights", forged_signal_frames_give_no_rights },
	{ "system calls restart", system_calls_restart },
};

KTEST_SUITE("context", cases);
