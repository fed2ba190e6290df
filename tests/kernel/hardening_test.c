/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The protections that the kernel relies on, tried out: each forbidden access is made and must fault.
 * A CPU without a feature is held to what it has.
 */
#include <kernel/ktest.h>

#include <arch/cpu.h>
#include <arch/paging.h>
#include <arch/probe.h>
#include <arch/trap.h>
#include <arch/usercopy.h>
#include <kernel/cmdline.h>
#include <kernel/percpu.h>
#include <kernel/refcount.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <kernel/vmalloc.h>
#include <serix/errno.h>

#define RET_OPCODE 0xc3

#define CR0_WP   (1ull << 16)
#define CR4_UMIP (1ull << 11)
#define CR4_SMEP (1ull << 20)
#define CR4_SMAP (1ull << 21)

#define MSR_EFER  0xc0000080u
#define MSR_FMASK 0xc0000084u
#define EFER_NXE  (1ull << 11)

#define TSS_IST1         36
#define EXCEPTION_STACKS 4u
/* AC NT DF IF TF */
#define FMASK_NEEDED 0x44700ull

extern char __text_start[], __rodata_start[], __rodata_end[];
extern char boot_stack_guard[], boot_stack_bottom[];

static uint64_t sealed_word __ro_after_init = 1;
static uint8_t plain_data[16] = { RET_OPCODE };

struct descriptor_table {
	uint16_t limit;
	uint64_t base;
} __packed;

static uint64_t read_cr0(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr0, %0" : "=r"(value));
	return value;
}

static uint64_t read_cr4(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

static uint64_t read_msr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

static void read_cpuid(uint32_t leaf, uint32_t out[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
			 : "a"(leaf), "c"(0));
}

static void no_page_is_writable_and_executable(void)
{
	KTEST_EXPECT(arch_paging_audit() == 0);
}

static void code_and_constants_refuse_writes(void)
{
	uint64_t word;

	KTEST_EXPECT(arch_probe_read(__text_start, &word));
	KTEST_EXPECT(!arch_probe_write(__text_start, 0));
	KTEST_EXPECT(!arch_probe_write(__rodata_start, 0));
}

static void code_has_no_writable_alias(void)
{
	paddr_t pa = 0;
	unsigned prot = 0;

	KTEST_EXPECT(arch_pt_query(arch_pt_kernel_root(), (uint64_t)__text_start, &pa, &prot));
	KTEST_EXPECT((prot & (PT_WRITE | PT_EXEC)) == PT_EXEC);
	KTEST_EXPECT(!arch_probe_write(phys_to_virt(pa), 0));
}

static void start_up_data_is_sealed(void)
{
	struct descriptor_table idt, gdt;

	__asm__ volatile("sidt %0" : "=m"(idt));
	__asm__ volatile("sgdt %0" : "=m"(gdt));
	KTEST_EXPECT(!arch_probe_write((void *)idt.base, 0));
	KTEST_EXPECT(!arch_probe_write((void *)gdt.base, 0));
	KTEST_EXPECT(!arch_probe_write(&sealed_word, 0));
	KTEST_EXPECT(READ_ONCE(sealed_word) == 1);
}

static void data_does_not_execute(void)
{
	uint8_t on_stack[16] = { RET_OPCODE };
	uint8_t *heap = kzalloc(16);

	KTEST_EXPECT(heap != NULL);
	if (!heap)
		return;
	heap[0] = RET_OPCODE;
	KTEST_EXPECT(!arch_probe_exec(heap));
	KTEST_EXPECT(!arch_probe_exec(on_stack));
	KTEST_EXPECT(!arch_probe_exec(plain_data));
	kfree(heap);
}

static void write_and_execute_together_is_refused(void)
{
	paddr_t frame = pmm_alloc(PAGE_KERNEL, PMM_ZERO);
	uint64_t at = 0, prot = VM_READ | VM_WRITE | VM_EXEC;
	struct vm_space *vm;

	KTEST_EXPECT(frame != PADDR_NONE);
	KTEST_EXPECT(arch_pt_map(arch_pt_kernel_root(), KERNEL_HEAP_END - PAGE_SIZE, frame,
				 PT_READ | PT_WRITE | PT_EXEC) == -EINVAL);
	pmm_free(frame);
	/* A program's only where it was allowed, and no longer. */
	KTEST_EXPECT(vm_space_create(&vm) == 0);
	KTEST_EXPECT(vm_map(vm, &at, PAGE_SIZE, prot, prot, 0, NULL, 0) == -EACCES);
	vm_allow_write_exec(vm);
	KTEST_EXPECT(vm_map(vm, &at, PAGE_SIZE, prot, prot, 0, NULL, 0) == 0);
	vm_forbid_write_exec(vm);
	KTEST_EXPECT(vm_protect(vm, at, PAGE_SIZE, prot) == -EACCES);
	KTEST_EXPECT(vm_fault(vm, at, FAULT_USER | FAULT_WRITE) == -EACCES);
	KTEST_EXPECT(vm_fault(vm, at, FAULT_USER | FAULT_EXEC) == 0);
	vm_space_put(vm);
}

/* Call `test` with a user page in place, at this address; its code is one RET. */
static void with_user_page(unsigned flags, void (*test)(uaddr_t page))
{
	struct vm_space *vm;
	uint64_t page = 0x10000000;
	uint8_t ret = RET_OPCODE;

	KTEST_EXPECT(vm_space_create(&vm) == 0);
	KTEST_EXPECT(vm_map(vm, &page, PAGE_SIZE, VM_READ | VM_WRITE, VM_READ | VM_WRITE | VM_EXEC,
			    VM_MAP_FIXED, NULL, 0) == 0);
	task_switch_vm(vm);
	KTEST_EXPECT(copy_to_user(page, &ret, 1) == 0);
	KTEST_EXPECT(vm_protect(vm, page, PAGE_SIZE, flags) == 0);
	/* Fault it in with its new rights. */
	KTEST_EXPECT(copy_from_user(&ret, page, 1) == 0);
	test(page);
	task_switch_vm(NULL);
	vm_space_put(vm);
}

static void touch_user_page(uaddr_t page)
{
	uint64_t word;

	KTEST_EXPECT(!arch_probe_read((const void *)page, &word));
	KTEST_EXPECT(!arch_probe_write((void *)page, 0));
}

static void execute_user_page(uaddr_t page)
{
	KTEST_EXPECT(!arch_probe_exec((const void *)page));
}

static void kernel_cannot_touch_user_memory(void)
{
	if (read_cr4() & CR4_SMAP)
		with_user_page(VM_READ | VM_WRITE, touch_user_page);
}

static void kernel_cannot_execute_user_memory(void)
{
	if (read_cr4() & CR4_SMEP)
		with_user_page(VM_READ | VM_EXEC, execute_user_page);
}

static void protections_of_the_cpu_are_on(void)
{
	uint32_t top[4], seven[4] = { 0 };
	uint64_t cr4 = read_cr4();

	read_cpuid(0, top);
	if (top[0] >= 7)
		read_cpuid(7, seven);
	KTEST_EXPECT(read_cr0() & CR0_WP);
	KTEST_EXPECT(read_msr(MSR_EFER) & EFER_NXE);
	KTEST_EXPECT(!(cr4 & CR4_SMEP) == !(seven[1] & (1u << 7)));
	KTEST_EXPECT(!(cr4 & CR4_SMAP) == !(seven[1] & (1u << 20)));
	KTEST_EXPECT(!(cr4 & CR4_UMIP) == !(seven[2] & (1u << 2)));
	KTEST_EXPECT((read_msr(MSR_FMASK) & FMASK_NEEDED) == FMASK_NEEDED);
}

static void kernel_stacks_have_guard_pages(void)
{
	char *stack = kstack_alloc();

	KTEST_EXPECT(stack != NULL);
	if (!stack)
		return;
	KTEST_EXPECT(arch_probe_write(stack, 0));
	KTEST_EXPECT(arch_probe_write(stack + KERNEL_STACK_SIZE - 1, 0));
	KTEST_EXPECT(!arch_probe_write(stack - 1, 0));
	KTEST_EXPECT(kstack_guard_hit((uint64_t)stack - 1));
	KTEST_EXPECT(!kstack_guard_hit((uint64_t)stack));
	kstack_free(stack);
}

static void start_up_stack_has_a_guard_page(void)
{
	uint64_t word;

	KTEST_EXPECT(arch_probe_read(boot_stack_bottom, &word));
	KTEST_EXPECT(!arch_probe_read(boot_stack_guard + PAGE_SIZE - sizeof(word), &word));
	KTEST_EXPECT(!arch_probe_read(boot_stack_guard, &word));
}

/* The task-state segment, found as the processor finds it. */
static const char *task_state_segment(void)
{
	struct descriptor_table gdt;
	uint16_t selector;
	uint64_t low, high;

	__asm__ volatile("sgdt %0" : "=m"(gdt));
	__asm__ volatile("str %0" : "=r"(selector));
	memcpy(&low, (const char *)gdt.base + selector, sizeof(low));
	memcpy(&high, (const char *)gdt.base + selector + sizeof(low), sizeof(high));
	return (const char *)((low >> 16 & 0xffffff) | (low >> 56) << 24 | high << 32);
}

/* NMI, double fault, machine check and debug exceptions bring stacks of their own. */
static void exception_stacks_have_guard_pages(void)
{
	const char *tss = task_state_segment();

	for (unsigned i = 0; i < EXCEPTION_STACKS; i++) {
		uint64_t top, bottom;

		memcpy(&top, tss + TSS_IST1 + i * sizeof(top), sizeof(top));
		bottom = ALIGN_DOWN(top - 1, KERNEL_STACK_SIZE);
		KTEST_EXPECT(arch_probe_write((void *)(top - 1), 0));
		KTEST_EXPECT(!kstack_guard_hit(bottom));
		KTEST_EXPECT(kstack_guard_hit(bottom - 1));
		KTEST_EXPECT(!arch_probe_write((void *)(bottom - 1), 0));
	}
}

static void vmalloc_areas_have_guard_pages(void)
{
	char *area = vmalloc(PAGE_SIZE);

	KTEST_EXPECT(area != NULL);
	if (!area)
		return;
	KTEST_EXPECT(arch_probe_write(area + PAGE_SIZE - 1, 0));
	KTEST_EXPECT(!arch_probe_write(area + PAGE_SIZE, 0));
	vfree(area);
	KTEST_EXPECT(!arch_probe_write(area, 0));
}

static void stack_canary_is_set(void)
{
	uint64_t canary = arch_this_cpu()->canary;

	KTEST_EXPECT(canary != 0);
	KTEST_EXPECT((canary & 0xff) == 0);
}

static void low_addresses_stay_unmapped(void)
{
	struct vm_space *vm;
	uint64_t addr = 0;

	KTEST_EXPECT(vm_space_create(&vm) == 0);
	KTEST_EXPECT(vm_map(vm, &addr, PAGE_SIZE, VM_READ, VM_READ, VM_MAP_FIXED, NULL, 0) < 0);
	addr = USER_MIN - PAGE_SIZE;
	KTEST_EXPECT(vm_map(vm, &addr, PAGE_SIZE, VM_READ, VM_READ, VM_MAP_FIXED, NULL, 0) < 0);
	addr = USER_MIN;
	KTEST_EXPECT(vm_map(vm, &addr, PAGE_SIZE, VM_READ, VM_READ, VM_MAP_FIXED, NULL, 0) == 0);
	addr = USER_END;
	KTEST_EXPECT(vm_map(vm, &addr, PAGE_SIZE, VM_READ, VM_READ, VM_MAP_FIXED, NULL, 0) < 0);
	vm_space_put(vm);
}

/* Too many references leak the object; they never free it. */
static void reference_counts_saturate(void)
{
	struct refcount r;

	refcount_set(&r, REFCOUNT_MAX - 1);
	for (int i = 0; i < 3; i++)
		refcount_get(&r);
	for (int i = 0; i < 5; i++)
		KTEST_EXPECT(!refcount_put(&r));
	KTEST_EXPECT(refcount_read(&r) == REFCOUNT_MAX);
	KTEST_EXPECT(refcount_get_unless_zero(&r));
	KTEST_EXPECT(refcount_read(&r) == REFCOUNT_MAX);
	refcount_set(&r, 1);
	KTEST_EXPECT(refcount_put(&r));
	KTEST_EXPECT(!refcount_get_unless_zero(&r));
}

/* The layout of each space is drawn anew. */
static void address_spaces_are_random(void)
{
	struct vm_space *vm[4];
	bool same_stack = true, same_mmap = true;

	if (cmdline_has("norandmaps"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(vm); i++)
		KTEST_EXPECT(vm_space_create(&vm[i]) == 0);
	for (size_t i = 1; i < ARRAY_SIZE(vm); i++) {
		same_stack = same_stack && vm[i]->stack_top == vm[0]->stack_top;
		same_mmap = same_mmap && vm[i]->mmap_top == vm[0]->mmap_top;
	}
	KTEST_EXPECT(!same_stack && !same_mmap);
	for (size_t i = 0; i < ARRAY_SIZE(vm); i++)
		vm_space_put(vm[i]);
}

static const struct ktest_case cases[] = {
	{ "no page is writable and executable", no_page_is_writable_and_executable },
	{ "code and constants refuse writes", code_and_constants_refuse_writes },
	{ "code has no writable alias", code_has_no_writable_alias },
	{ "start-up data is sealed", start_up_data_is_sealed },
	{ "data does not execute", data_does_not_execute },
	{ "write and execute together is refused", write_and_execute_together_is_refused },
	{ "kernel cannot touch user memory", kernel_cannot_touch_user_memory },
	{ "kernel cannot execute user memory", kernel_cannot_execute_user_memory },
	{ "protections of the CPU are on", protections_of_the_cpu_are_on },
	{ "kernel stacks have guard pages", kernel_stacks_have_guard_pages },
	{ "start-up stack has a guard page", start_up_stack_has_a_guard_page },
	{ "exception stacks have guard pages", exception_stacks_have_guard_pages },
	{ "vmalloc areas have guard pages", vmalloc_areas_have_guard_pages },
	{ "stack canary is set", stack_canary_is_set },
	{ "low addresses stay unmapped", low_addresses_stay_unmapped },
	{ "reference counts saturate", reference_counts_saturate },
	{ "address spaces are random", address_spaces_are_random },
};

KTEST_SUITE("hardening", cases);
