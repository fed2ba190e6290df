/* SPDX-License-Identifier: BSD-2-Clause */
/* Scheduling: policies, priorities, processors. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/proc_calls.h>
#include <kernel/sched_entity.h>
#include <kernel/string.h>
#include <kernel/timespec.h>
#include <kernel/topology.h>
#include <serix/abi_sched.h>
#include <serix/errno.h>

#include "sched_attr.h"

SYSCALL(sched_yield)
{
	(void)args;
	sched_yield();
	return 0;
}

/* --- policies ------------------------------------------------------------------------------------- */

static bool in_byte(int value)
{
	return value >= 0 && value <= (int)UINT8_MAX;
}

/* The older calls know a policy and a priority only. */
static int64_t set_scheduler(pid_t pid, struct policy_request *request, uaddr_t param_addr)
{
	struct abi_sched_param param;
	int err;

	if (!param_addr || pid < 0)
		return -EINVAL;
	err = copy_from_user(&param, param_addr, sizeof(param));
	if (err < 0)
		return err;
	if (!in_byte(param.priority))
		return -EINVAL;
	request->policy.rt_priority = (uint8_t)param.priority;
	request->keep_nice = true;
	return thread_policy_set(pid, request);
}

/* takes: SCHED_* in here policy_valid, but SCHED_DEADLINE, else EINVAL */
SYSCALL(sched_setscheduler)
{
	int policy = ARG(1, int) & ~SCHED_RESET_ON_FORK;
	struct policy_request request = { 0 };

	if (!in_byte(policy))
		return -EINVAL;
	request.policy.policy = (uint8_t)policy;
	request.policy.reset_on_fork = ARG(1, int) & SCHED_RESET_ON_FORK;
	return set_scheduler(ARG(0, pid_t), &request, ARG(2, uaddr_t));
}

SYSCALL(sched_setparam)
{
	struct policy_request request = { .keep_policy = true };

	return set_scheduler(ARG(0, pid_t), &request, ARG(1, uaddr_t));
}

static int get_policy(pid_t pid, struct sched_policy *policy, uint64_t *slice_ns)
{
	return pid < 0 ? -EINVAL : thread_policy_get(pid, policy, slice_ns);
}

SYSCALL(sched_getscheduler)
{
	struct sched_policy policy;
	uint64_t slice_ns;
	int err = get_policy(ARG(0, pid_t), &policy, &slice_ns);

	return err < 0 ? err : policy.policy | (policy.reset_on_fork ? SCHED_RESET_ON_FORK : 0);
}

SYSCALL(sched_getparam)
{
	struct sched_policy policy;
	struct abi_sched_param param;
	uint64_t slice_ns;
	int err;

	if (!args->a[1])
		return -EINVAL;
	err = get_policy(ARG(0, pid_t), &policy, &slice_ns);
	if (err < 0)
		return err;
	param.priority = policy.rt_priority;
	return copy_to_user(ARG(1, uaddr_t), &param, sizeof(param));
}

SYSCALL(sched_rr_get_interval)
{
	struct sched_policy policy;
	struct abi_timespec ts;
	uint64_t slice_ns;
	int err = get_policy(ARG(0, pid_t), &policy, &slice_ns);

	if (err < 0)
		return err;
	ts = ns_to_timespec(slice_ns);
	return copy_to_user(ARG(1, uaddr_t), &ts, sizeof(ts));
}

/* The ends of a policy's range of priorities. */
static int64_t priority_end(int policy, int64_t realtime)
{
	switch (policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return realtime;
	case SCHED_OTHER:
	case SCHED_BATCH:
	case SCHED_IDLE:
	case SCHED_DEADLINE:
		return 0;
	}
	return -EINVAL;
}

/* takes: SCHED_* in priority_end, else EINVAL */
SYSCALL(sched_get_priority_max)
{
	return priority_end(ARG(0, int), RT_PRIORITY_MAX);
}

/* takes: SCHED_* in priority_end, else EINVAL */
SYSCALL(sched_get_priority_min)
{
	return priority_end(ARG(0, int), RT_PRIORITY_MIN);
}

/* --- attributes: one structure for all policies, which may grow ------------------------------------- */

/* Does a program's larger structure ask for something in the part that nobody here knows? */
static int check_tail(uaddr_t addr, uint32_t size)
{
	uint8_t byte;
	int err;

	for (uint32_t at = sizeof(struct abi_sched_attr); at < size; at++) {
		err = copy_from_user(&byte, addr + at, 1);
		if (err < 0)
			return err;
		if (byte)
			return -E2BIG;
	}
	return 0;
}

static int copy_attr(struct abi_sched_attr *attr, uaddr_t addr)
{
	uint32_t size;
	int err = copy_from_user(&size, addr, sizeof(size));

	if (err < 0)
		return err;
	memset(attr, 0, sizeof(*attr));
	if (size == 0)
		size = SCHED_ATTR_SIZE_V0;
	err = size < SCHED_ATTR_SIZE_V0 || size > PAGE_SIZE ? -E2BIG : check_tail(addr, size);
	if (err == -E2BIG) /* the program may ask which size is understood */
		(void)!put_user_u32(addr, sizeof(*attr));
	if (err < 0)
		return err;
	err = copy_from_user(attr, addr, MIN(size, (uint32_t)sizeof(*attr)));
	attr->size = size;
	return err;
}

#define FLAGS_UTIL_CLAMP (SCHED_FLAG_UTIL_CLAMP_MIN | SCHED_FLAG_UTIL_CLAMP_MAX)
#define FLAGS_DEADLINE   (SCHED_FLAG_RECLAIM | SCHED_FLAG_DL_OVERRUN)
#define FLAGS_KNOWN                                                                                      \
	(SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_KEEP_POLICY | SCHED_FLAG_KEEP_PARAMS | FLAGS_UTIL_CLAMP | \
	 FLAGS_DEADLINE)

static int check_attr_flags(const struct abi_sched_attr *attr)
{
	if (attr->flags & ~(uint64_t)FLAGS_KNOWN)
		return -EINVAL;
	if ((attr->flags & FLAGS_UTIL_CLAMP) && attr->size < sizeof(*attr))
		return -EINVAL;
	/* Nobody clamps, reclaims bandwidth that others leave, or tells of an overrun. */
	return attr->flags & (FLAGS_UTIL_CLAMP | FLAGS_DEADLINE) ? -EOPNOTSUPP : 0;
}

static int to_request(const struct abi_sched_attr *attr, struct policy_request *out)
{
	if (attr->policy > UINT8_MAX || attr->priority > UINT8_MAX)
		return -EINVAL;
	*out = (struct policy_request){
		.policy = {
			.policy = (uint8_t)attr->policy,
			.rt_priority = (uint8_t)attr->priority,
			.nice = nice_clamp(attr->nice),
			.reset_on_fork = attr->flags & SCHED_FLAG_RESET_ON_FORK,
			.runtime_ns = attr->runtime,
			.deadline_ns = attr->deadline,
			.period_ns = attr->period,
		},
		.keep_policy = attr->flags & SCHED_FLAG_KEEP_POLICY,
		.keep_params = attr->flags & SCHED_FLAG_KEEP_PARAMS,
	};
	return 0;
}

int sched_attr_get(uaddr_t addr, struct policy_request *out)
{
	struct abi_sched_attr attr;
	int err = copy_attr(&attr, addr);

	if (err == 0)
		err = check_attr_flags(&attr);
	return err < 0 ? err : to_request(&attr, out);
}

/*
 * takes: SCHED_* in policy_valid; SCHED_FLAG_* in FLAGS_KNOWN check_attr_flags, but
 * SCHED_FLAG_UTIL_CLAMP_MIN SCHED_FLAG_UTIL_CLAMP_MAX SCHED_FLAG_RECLAIM SCHED_FLAG_DL_OVERRUN, else EINVAL
 * lacks: clamps and bandwidth that others leave (SCHED_FLAG_UTIL_CLAMP_MIN, _MAX, SCHED_FLAG_RECLAIM,
 * SCHED_FLAG_DL_OVERRUN: EOPNOTSUPP)
 */
SYSCALL(sched_setattr)
{
	struct policy_request request;
	pid_t pid = ARG(0, pid_t);
	int err;

	if (!args->a[1] || pid < 0 || ARG(2, uint32_t))
		return -EINVAL;
	err = sched_attr_get(ARG(1, uaddr_t), &request);
	return err < 0 ? err : thread_policy_set(pid, &request);
}

static void to_attr(const struct sched_policy *policy, struct abi_sched_attr *out)
{
	*out = (struct abi_sched_attr){
		.policy = policy->policy,
		.flags = policy->reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0,
		.priority = policy->rt_priority,
		.runtime = policy->runtime_ns,
		.deadline = policy->deadline_ns,
		.period = policy->period_ns,
	};
	if (policy->policy != SCHED_DEADLINE && policy->rt_priority == 0)
		out->nice = (int32_t)policy->nice;
}

static bool attr_size_valid(uint64_t size)
{
	return size >= SCHED_ATTR_SIZE_V0 && size <= PAGE_SIZE;
}

int sched_attr_put(const struct sched_policy *policy, uaddr_t addr, uint64_t size)
{
	struct abi_sched_attr attr;

	if (!attr_size_valid(size))
		return -EINVAL;
	to_attr(policy, &attr);
	attr.size = (uint32_t)MIN(size, (uint64_t)sizeof(attr));
	return copy_to_user(addr, &attr, attr.size);
}

SYSCALL(sched_getattr)
{
	uint32_t size = ARG(2, uint32_t);
	struct sched_policy policy;
	uint64_t slice_ns;
	int err;

	if (!args->a[1] || !attr_size_valid(size) || ARG(3, uint32_t))
		return -EINVAL;
	err = get_policy(ARG(0, pid_t), &policy, &slice_ns);
	return err < 0 ? err : sched_attr_put(&policy, ARG(1, uaddr_t), size);
}

/* --- nice values and I/O priorities ----------------------------------------------------------------- */

/* getpriority answers 20 - nice, so that no success looks like an error. */
/* takes: PRIO_* in nice_walk, else EINVAL */
SYSCALL(getpriority)
{
	int nice, err = process_nice_get(ARG(0, int), ARG(1, int), &nice);

	return err < 0 ? err : 20 - nice;
}

/* takes: PRIO_* in nice_walk, else EINVAL */
SYSCALL(setpriority)
{
	return process_nice_set(ARG(0, int), ARG(1, int), ARG(2, int));
}

/* takes: IOPRIO_WHO_* in ioprio_walk, else EINVAL */
SYSCALL(ioprio_get)
{
	return ioprio_get(ARG(0, int), ARG(1, int));
}

/*
 * takes: IOPRIO_WHO_* in ioprio_walk, else EINVAL; IOPRIO_CLASS_* in ioprio_check, but IOPRIO_CLASS_SHIFT,
 * else EINVAL
 * lacks: an effect: no disk is waited for
 */
SYSCALL(ioprio_set)
{
	return ioprio_set(ARG(0, int), ARG(1, int), ARG(2, int));
}

/* --- processors ------------------------------------------------------------------------------------- */

/* Bytes of a mask that hold all CPUs of this machine, in whole words. */
static uint32_t mask_size(void)
{
	return (cpu_count + 63u) / 64 * 8;
}

SYSCALL(sched_setaffinity)
{
	struct cpumask mask = { { 0 } };
	uint32_t size = ARG(1, uint32_t);
	int err = copy_from_user(&mask, ARG(2, uaddr_t), MIN(size, (uint32_t)sizeof(mask)));

	if (err < 0)
		return err;
	return thread_affinity_set(ARG(0, pid_t), &mask);
}

/* Answers the size of the mask, which is what the raw call does. */
SYSCALL(sched_getaffinity)
{
	uint32_t size = ARG(1, uint32_t), bytes = MIN(size, mask_size());
	struct cpumask mask;
	int err;

	if (size < (cpu_count + 7) / 8 || size % sizeof(uint64_t))
		return -EINVAL;
	err = thread_affinity_get(ARG(0, pid_t), &mask);
	if (err == 0)
		err = copy_to_user(ARG(2, uaddr_t), &mask, bytes);
	return err < 0 ? err : (int64_t)bytes;
}

SYSCALL(getcpu)
{
	uint32_t cpu = READ_ONCE(current_task()->cpu);
	int err = args->a[0] ? put_user_u32(ARG(0, uaddr_t), cpu) : 0;

	if (err == 0 && args->a[1])
		err = put_user_u32(ARG(1, uaddr_t), topology_of(cpu)->node);
	return err;
}
