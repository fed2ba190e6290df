/* SPDX-License-Identifier: BSD-2-Clause */
/* Aegis in the running kernel: frames, kernel objects, kernel virtual memory, address spaces. */
#include <kernel/ktest.h>

#include <arch/paging.h>
#include <arch/shadow.h>
#include <arch/trap.h>
#include <kernel/pmm.h>
#include <kernel/random.h>
#include <kernel/reclaim.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <kernel/vmalloc.h>
#include <serix/errno.h>

#define RW   (VM_READ | VM_WRITE)
#define ALL  (VM_READ | VM_WRITE | VM_EXEC)
#define NONE UINT64_MAX

/* --- frames ------------------------------------------------------------------------------------------ */

/* Frames that are in use in all, page tables of the kernel included. */
static uint64_t used_pages(void)
{
	return pmm_used_memory() / PAGE_SIZE;
}

static void thousand_frames(void)
{
	static paddr_t frames[1000];
	uint64_t before = used_pages();

	for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
		frames[i] = pmm_alloc(PAGE_KERNEL, i % 2 ? PMM_ZERO : 0);
		KTEST_EXPECT(frames[i] != PADDR_NONE && IS_ALIGNED(frames[i], PAGE_SIZE));
		if (i % 2)
			KTEST_EXPECT(*(uint64_t *)phys_to_virt(frames[i] + 8 * (i % 512)) == 0);
		memcpy(phys_to_virt(frames[i]), &i, sizeof(i));
	}
	KTEST_EXPECT(used_pages() == before + 1000);
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
		KTEST_EXPECT(memcmp(phys_to_virt(frames[i]), &i, sizeof(i)) == 0);
		KTEST_EXPECT(page_addr(page_of(frames[i])) == frames[i] && pmm_is_ram(frames[i]));
		pmm_free(frames[i]);
	}
	KTEST_EXPECT(used_pages() == before);
}

/* Take all there is, linked through the frames themselves; then everything must still work. */
static void exhaustion_is_an_error(void)
{
	paddr_t head = PADDR_NONE, pa;
	uint64_t before, taken = 0;
	struct pmm_stats stats;

	reclaim_everything(); /* as running out of memory will */
	before = used_pages();
	while ((pa = pmm_alloc(PAGE_KERNEL, 0)) != PADDR_NONE) {
		*(paddr_t *)phys_to_virt(pa) = head;
		head = pa;
		taken++;
	}
	pmm_get_stats(&stats);
	KTEST_EXPECT(stats.free_pages == 0);
	KTEST_EXPECT(pmm_alloc_contiguous(2, 1, PAGE_KERNEL, 0) == PADDR_NONE);
	KTEST_EXPECT(kmalloc(100000) == NULL);
	KTEST_EXPECT(vmalloc(100000) == NULL);
	while (head != PADDR_NONE) {
		pa = head;
		head = *(paddr_t *)phys_to_virt(pa);
		pmm_free(pa);
	}
	KTEST_EXPECT(used_pages() == before);
	KTEST_EXPECT(taken * PAGE_SIZE + pmm_used_memory() == pmm_total_memory());
}

static void contiguous_frames_are_adjacent(void)
{
	static const size_t counts[] = { 1, 2, 3, 7, 16, 64, 100, 512 };
	uint64_t before = used_pages();

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		size_t align = counts[i] & (counts[i] - 1) ? 1 : counts[i];
		paddr_t pa = pmm_alloc_contiguous(counts[i], align, PAGE_KERNEL, PMM_DMA32 | PMM_ZERO);

		KTEST_EXPECT(pa != PADDR_NONE && pa % (align * PAGE_SIZE) == 0);
		if (pa == PADDR_NONE)
			continue;
		KTEST_EXPECT(pa + counts[i] * PAGE_SIZE <= 1ull << 32);
		for (size_t n = 0; n < counts[i]; n++)
			KTEST_EXPECT(page_of(pa + n * PAGE_SIZE) == page_of(pa) + n);
		memset(phys_to_virt(pa), 0xff, counts[i] * PAGE_SIZE);
		pmm_free_contiguous(pa, counts[i]);
	}
	KTEST_EXPECT(pmm_alloc_contiguous(SIZE_MAX / PAGE_SIZE, 1, PAGE_KERNEL, 0) == PADDR_NONE);
	KTEST_EXPECT(used_pages() == before);
}

static void ten_thousand_cycles_leak_nothing(void)
{
	uint64_t before = used_pages();

	for (int i = 0; i < 10000; i++) {
		paddr_t pa = pmm_alloc(PAGE_ANON, 0);

		KTEST_EXPECT(pa != PADDR_NONE);
		pmm_free(pa);
	}
	KTEST_EXPECT(used_pages() == before);
}

static void frames_in_random_order(void)
{
	static paddr_t frames[512];
	uint64_t before = used_pages();

	memset(frames, 0xff, sizeof(frames));
	for (int step = 0; step < 20000; step++) {
		paddr_t *frame = &frames[random_u64() % ARRAY_SIZE(frames)];

		if (*frame == PADDR_NONE) {
			*frame = pmm_alloc(PAGE_KERNEL, 0);
			*(paddr_t *)phys_to_virt(*frame) = *frame;
		} else {
			KTEST_EXPECT(*(paddr_t *)phys_to_virt(*frame) == *frame);
			pmm_free(*frame);
			*frame = PADDR_NONE;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
		if (frames[i] != PADDR_NONE)
			pmm_free(frames[i]);
	}
	KTEST_EXPECT(used_pages() == before);
}

static void references_keep_a_page(void)
{
	uint64_t before = used_pages();
	paddr_t pa = pmm_alloc(PAGE_ANON, 0);
	struct page *page = page_of(pa);

	page_get(page);
	page_put(page);
	KTEST_EXPECT(used_pages() == before + 1);
	page_put(page);
	KTEST_EXPECT(used_pages() == before);
}

/* --- kernel objects ---------------------------------------------------------------------------------- */

static void kmalloc_in_random_order(void)
{
	static unsigned char *blocks[256];
	static size_t sizes[256];
	uint64_t before;

	slab_reap();
	before = used_pages();
	for (int step = 0; step < 20000; step++) {
		size_t i = random_u64() % ARRAY_SIZE(blocks);

		if (!blocks[i]) {
			sizes[i] = random_u64() % (step % 50 ? 3000 : 40000) + 1;
			blocks[i] = kmalloc(sizes[i]);
			KTEST_EXPECT(blocks[i]);
			memset(blocks[i], (int)i, sizes[i]);
		} else {
			KTEST_EXPECT(blocks[i][0] == (unsigned char)i &&
				     blocks[i][sizes[i] - 1] == (unsigned char)i);
			kfree(blocks[i]);
			blocks[i] = NULL;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		kfree(blocks[i]);
		blocks[i] = NULL;
	}
	slab_reap();
	KTEST_EXPECT(used_pages() == before);
}

static void vmalloc_is_zeroed_and_freed(void)
{
	uint64_t before, *small = vmalloc(1), *large;
	/* Page tables stay, and in sanitizer builds the shadow of addresses that were used. */
	uint64_t kept = 2 + (WITH_SHADOW ? 40 : 0);

	vfree(small); /* its page tables stay */
	before = used_pages();
	small = vmalloc(100);
	large = vmalloc(1 << 20);
	KTEST_EXPECT(small && large && used_pages() >= before + 257);
	for (size_t i = 0; large && i < (1 << 20) / sizeof(*large); i++)
		KTEST_EXPECT(large[i] == 0);
	vfree(small);
	vfree(large);
	KTEST_EXPECT(vmalloc(0) == NULL && vmalloc(SIZE_MAX) == NULL && vmalloc(1ull << 50) == NULL);
	KTEST_EXPECT(used_pages() <= before + kept);
}

static void stacks_have_guard_pages(void)
{
	char *stack = kstack_alloc();

	KTEST_EXPECT(stack);
	memset(stack, 0x55, 16384);
	KTEST_EXPECT(!kstack_guard_hit((uint64_t)stack));
	KTEST_EXPECT(kstack_guard_hit((uint64_t)stack - 1));
	KTEST_EXPECT(kstack_guard_hit((uint64_t)stack - PAGE_SIZE));
	KTEST_EXPECT(!kstack_guard_hit((uint64_t)&stacks_have_guard_pages));
	kstack_free(stack);
	KTEST_EXPECT(kstack_alloc() == stack); /* kept for the next one */
	kstack_free(stack);
}

/* --- address spaces ---------------------------------------------------------------------------------- */

static uint64_t frames_before;

/* Roots of page tables are kept for the next space: have as many as a test needs. */
static void warm_up(void)
{
	struct vm_space *spaces[3];

	for (size_t i = 0; i < ARRAY_SIZE(spaces); i++)
		KTEST_EXPECT(vm_space_create(&spaces[i]) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(spaces); i++)
		vm_space_put(spaces[i]);
}

static struct vm_space *new_space(void)
{
	struct vm_space *vm = NULL;

	warm_up();
	slab_reap();
	kstack_reap();
	frames_before = used_pages();
	KTEST_EXPECT(vm_space_create(&vm) == 0);
	return vm;
}

/* Nothing of the space may stay behind. */
static void end_space(struct vm_space *vm)
{
	vm_space_put(vm);
	slab_reap();
	KTEST_EXPECT(used_pages() == frames_before);
}

/* Where it went, or the error as a number near the top. */
static uint64_t map(struct vm_space *vm, uint64_t at, uint64_t pages, uint32_t flags, unsigned how)
{
	int err = vm_map(vm, &at, pages * PAGE_SIZE, flags, ALL, how, NULL, 0);

	return err < 0 ? (uint64_t)err : at;
}

static unsigned count_areas(struct vm_space *vm)
{
	struct vm_area area;
	unsigned n = 0;

	for (uint64_t at = 0; vm_next_area(vm, at, &area); at = area.end) {
		if (area.object)
			vm_object_put(area.object);
		n++;
	}
	return n;
}

static uint64_t peek(struct vm_space *vm, uint64_t addr)
{
	uint64_t value;

	return vm_read(vm, addr, &value, sizeof(value)) == sizeof(value) ? value : NONE;
}

static bool poke(struct vm_space *vm, uint64_t addr, uint64_t value)
{
	return vm_write(vm, addr, &value, sizeof(value)) == sizeof(value);
}

static void places_follow_linux(void)
{
	struct vm_space *vm = new_space();
	uint64_t a, b;

	a = map(vm, 0, 4, RW, 0);
	KTEST_EXPECT(a == vm->mmap_top - 4 * PAGE_SIZE);
	b = map(vm, 0, 2, VM_READ, 0);
	KTEST_EXPECT(b == a - 2 * PAGE_SIZE);
	KTEST_EXPECT(map(vm, 0x10000000, 1, RW, 0) == 0x10000000);         /* a free hint is taken */
	KTEST_EXPECT(map(vm, 0x10000123, 1, VM_READ, 0) == b - PAGE_SIZE); /* a taken one is not */
	KTEST_EXPECT(map(vm, a, 1, RW, VM_MAP_NOREPLACE) == (uint64_t)-EEXIST);
	KTEST_EXPECT(map(vm, a, 1, VM_READ, VM_MAP_FIXED) == a);
	KTEST_EXPECT(map(vm, a + 1, 1, RW, VM_MAP_FIXED) == (uint64_t)-EINVAL);
	KTEST_EXPECT(map(vm, 0, 1, RW, VM_MAP_FIXED) == (uint64_t)-EPERM);
	KTEST_EXPECT(map(vm, USER_END - PAGE_SIZE, 2, RW, VM_MAP_FIXED) == (uint64_t)-ENOMEM);
	KTEST_EXPECT(map(vm, 0, 1, ALL, 0) == (uint64_t)-EACCES);
	KTEST_EXPECT(map(vm, 0, 0, RW, 0) == (uint64_t)-EINVAL);
	KTEST_EXPECT(map(vm, 0, 1ull << 45, RW, 0) == (uint64_t)-ENOMEM);
	/* A gap that opens is found again. */
	KTEST_EXPECT(vm_unmap(vm, a + PAGE_SIZE, 3 * PAGE_SIZE) == 0);
	KTEST_EXPECT(map(vm, 0, 3, RW, 0) == a + PAGE_SIZE);
	end_space(vm);
}

static void neighbours_merge_and_split(void)
{
	struct vm_space *vm = new_space();
	uint64_t a = 0x20000000;

	KTEST_EXPECT(map(vm, a, 4, RW, VM_MAP_FIXED) == a);
	KTEST_EXPECT(map(vm, a + 8 * PAGE_SIZE, 4, RW, VM_MAP_FIXED) == a + 8 * PAGE_SIZE);
	KTEST_EXPECT(count_areas(vm) == 2);
	KTEST_EXPECT(map(vm, a + 4 * PAGE_SIZE, 4, RW, VM_MAP_FIXED) == a + 4 * PAGE_SIZE);
	KTEST_EXPECT(count_areas(vm) == 1 && vm->pages_reserved == 12);
	KTEST_EXPECT(vm_protect(vm, a + 2 * PAGE_SIZE, PAGE_SIZE, VM_READ) == 0);
	KTEST_EXPECT(count_areas(vm) == 3);
	KTEST_EXPECT(vm_protect(vm, a + 2 * PAGE_SIZE, PAGE_SIZE, RW) == 0);
	KTEST_EXPECT(count_areas(vm) == 1);
	KTEST_EXPECT(vm_unmap(vm, a + 5 * PAGE_SIZE, PAGE_SIZE) == 0);
	KTEST_EXPECT(count_areas(vm) == 2 && vm->pages_reserved == 11);
	KTEST_EXPECT(vm_protect(vm, a, 12 * PAGE_SIZE, VM_READ) == -ENOMEM); /* a hole */
	KTEST_EXPECT(vm_protect(vm, a, PAGE_SIZE, ALL) == -EACCES);
	KTEST_EXPECT(vm_unmap(vm, 0, USER_END) == 0);
	KTEST_EXPECT(count_areas(vm) == 0 && vm->pages_reserved == 0);
	end_space(vm);
}

static void faults_give_what_the_area_says(void)
{
	struct vm_space *vm = new_space();
	uint64_t a = map(vm, 0, 4, RW, 0);

	KTEST_EXPECT(vm->pages_mapped == 0);
	KTEST_EXPECT(peek(vm, a) == 0 && vm->pages_mapped == 1);
	KTEST_EXPECT(poke(vm, a + PAGE_SIZE, 7) && peek(vm, a + PAGE_SIZE) == 7 && vm->pages_mapped == 2);
	KTEST_EXPECT(vm_fault(vm, a - 1, 0) == -EFAULT);
	KTEST_EXPECT(vm_fault(vm, 0, 0) == -EFAULT && vm_fault(vm, UINT64_MAX, FAULT_WRITE) == -EFAULT);
	KTEST_EXPECT(vm_fault(vm, a, FAULT_EXEC) == -EACCES);
	KTEST_EXPECT(vm_protect(vm, a, PAGE_SIZE, VM_READ) == 0);
	KTEST_EXPECT(vm_fault(vm, a, FAULT_WRITE) == -EACCES && vm_fault(vm, a, 0) == 0);
	KTEST_EXPECT(vm_protect(vm, a + PAGE_SIZE, PAGE_SIZE, 0) == 0);
	KTEST_EXPECT(peek(vm, a + PAGE_SIZE) == NONE);
	KTEST_EXPECT(vm_protect(vm, a + PAGE_SIZE, PAGE_SIZE, RW) == 0 && peek(vm, a + PAGE_SIZE) == 7);
	KTEST_EXPECT(vm_discard(vm, a, 4 * PAGE_SIZE, false) == 0);
	KTEST_EXPECT(vm->pages_mapped == 0 && peek(vm, a + PAGE_SIZE) == 0);
	end_space(vm);
}

static void fork_copies_on_write(void)
{
	struct vm_space *vm = new_space(), *child = NULL;
	uint64_t a = map(vm, 0, 8, RW, 0), used;

	for (uint64_t i = 0; i < 8; i++)
		KTEST_EXPECT(poke(vm, a + i * PAGE_SIZE, i));
	KTEST_EXPECT(vm_space_fork(vm, &child) == 0);
	used = used_pages();
	KTEST_EXPECT(child->pages_mapped == 8 && child->pages_reserved == 8);
	KTEST_EXPECT(poke(child, a, 100) && used_pages() == used + 1);
	KTEST_EXPECT(poke(vm, a, 200) && used_pages() == used + 1); /* the last user keeps the page */
	KTEST_EXPECT(peek(child, a) == 100 && peek(vm, a) == 200);
	KTEST_EXPECT(poke(vm, a + PAGE_SIZE, 300) && peek(child, a + PAGE_SIZE) == 1);
	vm_space_put(child);
	for (uint64_t i = 2; i < 8; i++)
		KTEST_EXPECT(peek(vm, a + i * PAGE_SIZE) == i);
	end_space(vm);
}

static void fork_obeys_advice(void)
{
	struct vm_space *vm = new_space(), *child = NULL;
	uint64_t a = map(vm, 0, 3, RW, 0);

	for (uint64_t i = 0; i < 3; i++)
		KTEST_EXPECT(poke(vm, a + i * PAGE_SIZE, 5));
	KTEST_EXPECT(vm_set_flags(vm, a, PAGE_SIZE, VM_DONTFORK, 0) == 0);
	KTEST_EXPECT(vm_set_flags(vm, a + PAGE_SIZE, PAGE_SIZE, VM_WIPEONFORK, 0) == 0);
	KTEST_EXPECT(vm_space_fork(vm, &child) == 0);
	KTEST_EXPECT(peek(child, a) == NONE && peek(child, a + PAGE_SIZE) == 0);
	KTEST_EXPECT(peek(child, a + 2 * PAGE_SIZE) == 5);
	vm_space_put(child);
	end_space(vm);
}

static void objects_are_shared_or_copied(void)
{
	struct vm_space *vm = new_space(), *child = NULL;
	struct vm_object *object = vm_object_create_anon(2 * PAGE_SIZE + 100);
	uint64_t shared = 0, private = 0;
	struct page *page = NULL;

	KTEST_EXPECT(vm_map(vm, &shared, 4 * PAGE_SIZE, RW | VM_SHARED, ALL, 0, object, 0) == 0);
	KTEST_EXPECT(vm_map(vm, &private, 4 * PAGE_SIZE, RW, ALL, 0, object, 0) == 0);
	KTEST_EXPECT(poke(vm, shared, 1) && peek(vm, private) == 1);
	KTEST_EXPECT(poke(vm, private, 2) && peek(vm, shared) == 1);
	KTEST_EXPECT(vm_fault(vm, shared + 2 * PAGE_SIZE, 0) == 0);
	KTEST_EXPECT(vm_fault(vm, shared + 3 * PAGE_SIZE, 0) == -ENXIO);
	KTEST_EXPECT(vm_space_fork(vm, &child) == 0);
	KTEST_EXPECT(poke(child, shared, 9) && peek(vm, shared) == 9);
	KTEST_EXPECT(poke(child, private, 8) && peek(vm, private) == 2 && peek(child, private) == 8);
	vm_space_put(child);

	KTEST_EXPECT((page = vm_object_find(object, 0)) != NULL);
	KTEST_EXPECT(*(uint64_t *)phys_to_virt(page_addr(page)) == 9);
	page_put(page);
	KTEST_EXPECT(poke(vm, shared + PAGE_SIZE + 8, NONE) && poke(vm, shared + PAGE_SIZE, NONE - 1));
	vm_object_resize(object, PAGE_SIZE + 8);
	KTEST_EXPECT(peek(vm, shared + PAGE_SIZE) == NONE - 1 && peek(vm, shared + PAGE_SIZE + 8) == 0);
	KTEST_EXPECT(vm_object_find(object, 2) == NULL);
	KTEST_EXPECT(vm_protect(vm, shared, PAGE_SIZE, VM_READ) == 0);
	vm_object_put(object);
	end_space(vm);
}

static void stacks_grow_to_their_limit(void)
{
	struct vm_space *vm = new_space();
	uint64_t top = ALIGN_DOWN(vm->stack_top, PAGE_SIZE), start = top - 4 * PAGE_SIZE;

	KTEST_EXPECT(map(vm, start, 4, RW | VM_STACK, VM_MAP_FIXED) == start);
	KTEST_EXPECT(poke(vm, start - 100 * PAGE_SIZE, 1));
	KTEST_EXPECT(vm->pages_reserved == 104);
	KTEST_EXPECT(vm_fault(vm, top - vm->stack_limit - 1, FAULT_WRITE) == -EFAULT);
	KTEST_EXPECT(vm_fault(vm, top - vm->stack_limit, FAULT_WRITE) == 0);
	end_space(vm);

	vm = new_space();
	top = ALIGN_DOWN(vm->stack_top, PAGE_SIZE), start = top - 4 * PAGE_SIZE;
	KTEST_EXPECT(map(vm, start, 4, RW | VM_STACK, VM_MAP_FIXED) == start);
	KTEST_EXPECT(map(vm, start - 300 * PAGE_SIZE, 1, RW, VM_MAP_FIXED) == start - 300 * PAGE_SIZE);
	KTEST_EXPECT(vm_fault(vm, start - 10 * PAGE_SIZE, FAULT_WRITE) == 0);
	KTEST_EXPECT(vm_fault(vm, start - 100 * PAGE_SIZE, FAULT_WRITE) == -EFAULT); /* too near */
	end_space(vm);
}

static void the_break_moves(void)
{
	struct vm_space *vm = new_space();
	uint64_t start;

	vm_set_brk(vm, 0x600123);
	start = vm_brk(vm, 0);
	KTEST_EXPECT(start >= 0x601000 && start < 0x601000 + (32 << 20));
	KTEST_EXPECT(vm_brk(vm, start + 5000) == start + 5000 && poke(vm, start + 4096, 3));
	KTEST_EXPECT(vm_brk(vm, start + 90000) == start + 90000 && count_areas(vm) == 1);
	KTEST_EXPECT(vm_brk(vm, start - 1) == start + 90000);
	KTEST_EXPECT(vm_brk(vm, USER_END) == start + 90000);
	KTEST_EXPECT(vm_brk(vm, start) == start && vm->pages_reserved == 0 && vm->pages_mapped == 0);
	end_space(vm);
}

static void mremap_keeps_the_contents(void)
{
	struct vm_space *vm = new_space();
	uint64_t a = 0x30000000, at = 0;

	KTEST_EXPECT(map(vm, a, 4, RW, VM_MAP_FIXED) == a && poke(vm, a, 11) &&
		     poke(vm, a + 3 * PAGE_SIZE, 44));
	KTEST_EXPECT(vm_remap(vm, a, 4 * PAGE_SIZE, 8 * PAGE_SIZE, 0, UINT64_MAX, &at) == 0 && at == a);
	KTEST_EXPECT(map(vm, a + 8 * PAGE_SIZE, 1, VM_READ, VM_MAP_FIXED) == a + 8 * PAGE_SIZE);
	KTEST_EXPECT(vm_remap(vm, a, 8 * PAGE_SIZE, 16 * PAGE_SIZE, 0, UINT64_MAX, &at) == -ENOMEM);
	KTEST_EXPECT(vm_remap(vm, a, 8 * PAGE_SIZE, 16 * PAGE_SIZE, VM_REMAP_MAYMOVE, UINT64_MAX, &at) == 0 &&
		     at != a);
	KTEST_EXPECT(peek(vm, at) == 11 && peek(vm, at + 3 * PAGE_SIZE) == 44 && peek(vm, a) == NONE);
	a = at;
	at = 0x40000000;
	KTEST_EXPECT(vm_remap(vm, a, 16 * PAGE_SIZE, 2 * PAGE_SIZE, VM_REMAP_MAYMOVE | VM_REMAP_FIXED,
			      UINT64_MAX, &at) == 0 &&
		     at == 0x40000000);
	KTEST_EXPECT(peek(vm, at) == 11 && vm->pages_reserved == 3);
	KTEST_EXPECT(vm_remap(vm, a, PAGE_SIZE, PAGE_SIZE, 0, UINT64_MAX, &at) == -EFAULT);
	end_space(vm);
}

/* One page in every 2 MiB of 2 GiB, twice: after the first round nothing of it may be left. */
static void page_tables_go_with_their_areas(void)
{
	struct vm_space *vm = new_space();
	uint64_t first = map(vm, 0x7000000000, 1, RW, VM_MAP_FIXED), tables;

	KTEST_EXPECT(first == 0x7000000000 && poke(vm, first, 1));
	tables = arch_pt_table_count(vm->root);
	for (uint64_t i = 1; i < 1024; i++) {
		uint64_t at = first + (i << 21);

		KTEST_EXPECT(map(vm, at, 1, RW, VM_MAP_FIXED) == at && poke(vm, at, i));
		if (i % 2)
			KTEST_EXPECT(vm_unmap(vm, at, PAGE_SIZE) == 0);
	}
	KTEST_EXPECT(arch_pt_table_count(vm->root) == tables + 511 + 1);
	KTEST_EXPECT(vm_unmap(vm, first + PAGE_SIZE, 1ull << 38) == 0);
	KTEST_EXPECT(arch_pt_table_count(vm->root) == tables && peek(vm, first) == 1);
	KTEST_EXPECT(vm_unmap(vm, 0, USER_END) == 0 && arch_pt_table_count(vm->root) == 1);
	end_space(vm);
}

/* Whatever step fails for want of memory, the call fails alone and nothing is lost. */
static void out_of_memory_is_an_error(void)
{
	paddr_t head = PADDR_NONE, pa;
	struct vm_space *vm = new_space(), *child = NULL;
	uint64_t a = map(vm, 0, 600, RW, 0);

	for (uint64_t i = 0; i < 600; i++)
		KTEST_EXPECT(poke(vm, a + i * PAGE_SIZE, i));
	while ((pa = pmm_alloc(PAGE_KERNEL, 0)) != PADDR_NONE) {
		*(paddr_t *)phys_to_virt(pa) = head;
		head = pa;
	}
	for (int budget = 0; budget < 8; budget++) {
		KTEST_EXPECT(vm_space_fork(vm, &child) == -ENOMEM || budget >= 4);
		if (child)
			vm_space_put(child);
		child = NULL;
		pa = head;
		head = *(paddr_t *)phys_to_virt(pa);
		pmm_free(pa);
	}
	while (head != PADDR_NONE) {
		pa = head;
		head = *(paddr_t *)phys_to_virt(pa);
		pmm_free(pa);
	}
	for (uint64_t i = 0; i < 600; i++)
		KTEST_EXPECT(peek(vm, a + i * PAGE_SIZE) == i);
	end_space(vm);
}

static const struct ktest_case cases[] = {
	{ "a thousand frames, no leak", thousand_frames },
	{ "exhausting memory is an error", exhaustion_is_an_error },
	{ "contiguous frames are adjacent", contiguous_frames_are_adjacent },
	{ "ten thousand cycles leak nothing", ten_thousand_cycles_leak_nothing },
	{ "frames in random order", frames_in_random_order },
	{ "references keep a page", references_keep_a_page },
	{ "kmalloc in random order", kmalloc_in_random_order },
	{ "vmalloc is zeroed and freed", vmalloc_is_zeroed_and_freed },
	{ "stacks have guard pages", stacks_have_guard_pages },
	{ "places follow Linux", places_follow_linux },
	{ "neighbours merge and split", neighbours_merge_and_split },
	{ "faults give what the area says", faults_give_what_the_area_says },
	{ "fork copies on write", fork_copies_on_write },
	{ "fork obeys advice", fork_obeys_advice },
	{ "objects are shared or copied", objects_are_shared_or_copied },
	{ "stacks grow to their limit", stacks_grow_to_their_limit },
	{ "the break moves", the_break_moves },
	{ "mremap keeps the contents", mremap_keeps_the_contents },
	{ "page tables go with their areas", page_tables_go_with_their_areas },
	{ "running out of memory is an error", out_of_memory_is_an_error },
};

KTEST_SUITE("mm", cases);
