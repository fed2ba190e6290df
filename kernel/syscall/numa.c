/* SPDX-License-Identifier: BSD-2-Clause */
/* NUMA calls: memory policies of tasks and ranges, pages moved between nodes (kernel/mempolicy.h). */
#include <kernel/syscall.h>

#include <arch/paging.h>
#include <arch/usercopy.h>
#include <kernel/proc_calls.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/topology.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#define MPOL_F_NODE         (1u << 0)
#define MPOL_F_ADDR         (1u << 1)
#define MPOL_F_MEMS_ALLOWED (1u << 2)
#define MPOL_MF_STRICT      (1u << 0)
#define MPOL_MF_MOVE        (1u << 1)
#define MPOL_MF_MOVE_ALL    (1u << 2)

#define WORD_BITS 64
/* Bits of a set that Linux would know; those of nodes that there cannot be are passed over. */
#define KNOWN_BITS 1024
#define MASK_BITS  (PAGE_SIZE * 8)

/* --- sets of nodes ----------------------------------------------------------------------------------- */

/* The bits of a user's word, of which the first `valid` count. */
static int read_word(uaddr_t mask, uint64_t word, uint64_t valid, uint64_t *out)
{
	int err = get_user_u64(mask + word * sizeof(uint64_t), out);

	if (err == 0 && valid < WORD_BITS)
		*out &= (1ull << valid) - 1;
	return err;
}

/* As Linux counts: the last of `bits` is not part of the set. */
static int read_nodes(uaddr_t mask, uint64_t bits, uint32_t *out)
{
	uint64_t value;

	*out = 0;
	if (!mask || bits <= 1)
		return 0;
	bits--;
	if (bits > MASK_BITS)
		return -EINVAL;
	for (uint64_t word = 0; word * WORD_BITS < bits; word++) {
		int err = read_word(mask, word, bits - word * WORD_BITS, &value);

		if (err < 0)
			return err;
		if (word == 0)
			*out = value & ((1u << MAX_NODES) - 1);
		else if (value && word * WORD_BITS >= KNOWN_BITS)
			return -EINVAL;
	}
	return 0;
}

static int write_nodes(uaddr_t mask, uint64_t bits, uint64_t nodes)
{
	uint64_t words = (bits - 1 + WORD_BITS - 1) / WORD_BITS;
	int err = 0;

	if (words * sizeof(uint64_t) > PAGE_SIZE)
		return -EINVAL;
	for (uint64_t word = 0; word < words && err == 0; word++)
		err = put_user_u64(mask + word * sizeof(uint64_t), word == 0 ? nodes : 0);
	return err;
}

/* --- policies ---------------------------------------------------------------------------------------- */

static int read_policy(uint32_t mode, uaddr_t mask, uint64_t bits, struct mempolicy *out)
{
	uint32_t nodes;
	int err;

	if ((mode & ~MPOL_MODE_FLAGS) >= MPOL_MODES)
		return -EINVAL;
	err = read_nodes(mask, bits, &nodes);
	return err < 0 ? err : mempolicy_make(mode, nodes, mempolicy_allowed_nodes(), out);
}

/*
 * takes: MPOL_* in include/kernel/mempolicy.h read_policy, but MPOL_MODES, else EINVAL
 * lacks: moving pages by themselves: MPOL_F_NUMA_BALANCING changes nothing
 */
SYSCALL(set_mempolicy)
{
	struct mempolicy policy;
	int err = read_policy(ARG(0, uint32_t), ARG(1, uaddr_t), ARG(2, uint64_t), &policy);

	if (err == 0)
		current_task()->mempolicy = policy;
	return err;
}

/* Whole pages.  *end == start: none. */
static int page_range(uint64_t start, uint64_t len, uint64_t *end)
{
	if (!IS_ALIGNED(start, PAGE_SIZE))
		return -EINVAL;
	len = ALIGN_UP(len, PAGE_SIZE);
	if (add_overflows(start, len, end))
		return -EINVAL;
	return 0;
}

/*
 * takes: MPOL_* in include/kernel/mempolicy.h read_policy, but MPOL_MODES, else EINVAL; MPOL_MF_*, else
 * EINVAL
 * lacks: moving pages by themselves: MPOL_F_NUMA_BALANCING changes nothing
 */
SYSCALL(mbind)
{
	uint64_t start = ARG(0, uint64_t), end;
	uint32_t flags = ARG(5, uint32_t), how;
	struct mempolicy policy;
	int err;

	if (flags & ~(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
		return -EINVAL;
	err = read_policy(ARG(2, uint32_t), ARG(3, uaddr_t), ARG(4, uint64_t), &policy);
	if (err < 0)
		return err;
	if ((flags & MPOL_MF_MOVE_ALL) && !cred_has_privilege(PRIV_SYS_NICE))
		return -EPERM;
	err = page_range(start, ARG(1, uint64_t), &end);
	if (err < 0 || end == start)
		return err;
	how = ((flags & MPOL_MF_STRICT) && policy.mode != MPOL_DEFAULT ? VM_POLICY_STRICT : 0) |
	      ((flags & (MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)) ? VM_POLICY_MOVE : 0);
	return vm_set_policy(current_task()->vm, start, end, &policy, how);
}

SYSCALL(set_mempolicy_home_node)
{
	uint64_t start = ARG(0, uint64_t), node = ARG(2, uint64_t), end;
	int err;

	if (ARG(3, uint64_t) != 0 || node >= topology_node_count())
		return -EINVAL;
	err = page_range(start, ARG(1, uint64_t), &end);
	if (err < 0 || end == start)
		return err;
	return vm_set_policy_home(current_task()->vm, start, end, (unsigned)node);
}

/* The policy that is asked for. */
static int find_policy(uint64_t addr, uint32_t flags, struct mempolicy *out)
{
	if (flags & MPOL_F_ADDR)
		return vm_get_policy(current_task()->vm, addr, out);
	*out = current_task()->mempolicy;
	return addr ? -EINVAL : 0;
}

/* Of the page at addr, which comes to be if it is not there; or where the task's interleaving begins. */
static int find_node(uint64_t addr, uint32_t flags, const struct mempolicy *policy)
{
	struct vm_space *vm = current_task()->vm;

	if (flags & MPOL_F_ADDR) {
		if (vm_populate(vm, ALIGN_DOWN(addr, PAGE_SIZE), PAGE_SIZE, false) < 0)
			return -EFAULT;
		return vm_page_node(vm, addr);
	}
	return mempolicy_mode(policy) == MPOL_INTERLEAVE ? __builtin_ctz(policy->nodes) : -EINVAL;
}

/*
 * takes: MPOL_F_*, else EINVAL
 * lacks: the next node of who interleaves: MPOL_F_NODE names the first of the set
 */
SYSCALL(get_mempolicy)
{
	uaddr_t mode = ARG(0, uaddr_t), mask = ARG(1, uaddr_t);
	uint64_t bits = ARG(2, uint64_t), addr = ARG(3, uint64_t);
	uint32_t flags = ARG(4, uint32_t), nodes = mempolicy_allowed_nodes();
	struct mempolicy policy = { 0 };
	int err = 0, answer = 0;

	if ((flags & ~(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED)) ||
	    ((flags & MPOL_F_MEMS_ALLOWED) && flags != MPOL_F_MEMS_ALLOWED) ||
	    (mask && bits < topology_node_count()))
		return -EINVAL;
	if (!(flags & MPOL_F_MEMS_ALLOWED)) {
		err = find_policy(addr, flags, &policy);
		nodes = mempolicy_shown_nodes(&policy);
		answer = policy.mode;
	}
	if (err == 0 && (flags & MPOL_F_NODE))
		err = answer = find_node(addr, flags, &policy);
	if (err >= 0 && mode)
		err = put_user_u32(mode, (uint32_t)answer);
	if (err >= 0 && mask && bits > 0)
		err = write_nodes(mask, bits, nodes);
	return MIN(err, 0);
}

/* --- moving ------------------------------------------------------------------------------------------ */

/* The memory of process `pid` (0: the caller's), if the caller may move it.  -ESRCH, -EPERM. */
static int space_of(pid_t pid, struct vm_space **out)
{
	struct process *p;
	int err = 0;

	if (pid == 0) {
		*out = current_task()->vm;
		vm_space_get(*out);
		return 0;
	}
	p = process_find(pid);
	if (!p)
		return -ESRCH;
	if (!cred_may_look(current_cred(), p))
		err = -EPERM;
	*out = err == 0 ? process_vm_get(p) : NULL;
	process_put(p);
	return err < 0 || *out ? err : -ESRCH;
}

static int check_target(uint32_t node)
{
	if (node >= MAX_NODES || node >= topology_node_count())
		return -ENODEV;
	return mempolicy_allowed_nodes() >> node & 1 ? 0 : -EACCES;
}

/* Only a killed process ends in the middle: what has been moved could not be told from what has not. */
static bool killed(void)
{
	return signal_pending() && (signal_pending_set() & SIGNAL_BIT(SIGKILL));
}

/* Ask for, or move, the pages one after the other; what becomes of each is its status. */
static int move_each(struct vm_space *vm, uint64_t count, uaddr_t pages, uaddr_t nodes, uaddr_t status)
{
	for (uint64_t i = 0; i < count; i++) {
		uint32_t node = 0;
		uint64_t addr;
		int err = get_user_u64(pages + i * sizeof(uint64_t), &addr);

		if (err == 0 && nodes)
			err = get_user_u32(nodes + i * sizeof(uint32_t), &node);
		if (err == 0 && nodes)
			err = check_target(node);
		if (err < 0)
			return err;
		if (killed())
			return -EINTR;
		err = nodes ? vm_move_page(vm, addr, node) : vm_page_node(vm, addr);
		if (put_user_u32(status + i * sizeof(uint32_t), (uint32_t)err) < 0)
			return -EFAULT;
	}
	return 0;
}

/*
 * takes: MPOL_MF_*, else EINVAL
 * lacks: moving what is not anonymous or has other users, which stays
 */
SYSCALL(move_pages)
{
	uint64_t count = ARG(1, uint64_t);
	int flags = ARG(5, int), err;
	struct vm_space *vm;

	if (flags & ~(int)(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if ((flags & (int)MPOL_MF_MOVE_ALL) && !cred_has_privilege(PRIV_SYS_NICE))
		return -EPERM;
	err = space_of(ARG(0, pid_t), &vm);
	if (err < 0)
		return err;
	err = move_each(vm, count, ARG(2, uaddr_t), ARG(3, uaddr_t), ARG(4, uaddr_t));
	vm_space_put(vm);
	return err;
}

/* lacks: moving what is not anonymous or has other users, which stays */
SYSCALL(migrate_pages)
{
	uint64_t bits = ARG(1, uint64_t), left;
	struct vm_space *vm;
	uint32_t from = 0, to = 0;
	int err = read_nodes(ARG(2, uaddr_t), bits, &from);

	if (err == 0)
		err = read_nodes(ARG(3, uaddr_t), bits, &to);
	if (err < 0)
		return err;
	to &= mempolicy_allowed_nodes();
	if (!to)
		return -EINVAL;
	err = space_of(ARG(0, pid_t), &vm);
	if (err < 0)
		return err;
	left = vm_migrate(vm, from, to);
	vm_space_put(vm);
	return (int64_t)left;
}
