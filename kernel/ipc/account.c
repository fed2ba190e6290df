/* SPDX-License-Identifier: BSD-2-Clause */
/* An account exists while something is charged to it.  Each bucket has a lock, which covers its accounts. */
#include "account.h"

#include <kernel/assert.h>
#include <kernel/list.h>
#include <kernel/pmm.h>
#include <kernel/slab.h>
#include <kernel/spinlock.h>

#define BUCKETS 32u
#define PART    8u /* of all memory */
#define LEAST   (4ul << 20)

struct bucket {
	struct spinlock lock; /* RANK_IPC_ACCOUNT */
	struct list accounts; /* [lock] */
};

struct ipc_account {
	struct list link;      /* [lock] */
	struct bucket *bucket; /* [i] */
	uint32_t uid;          /* [i] */
	uint64_t bytes;        /* [lock] never 0 while others see it */
};

static struct bucket buckets[BUCKETS];
static uint64_t limit __ro_after_init;

static struct ipc_account *find_locked(const struct bucket *b, uint32_t uid)
{
	struct ipc_account *a;

	list_for_each (a, &b->accounts, link)
		if (a->uid == uid)
			return a;
	return NULL;
}

static struct ipc_account *open_locked(struct bucket *b, uint32_t uid)
{
	struct ipc_account *a = kmalloc(sizeof(*a));

	if (!a)
		return NULL;
	*a = (struct ipc_account){ .bucket = b, .uid = uid };
	list_add_head(&b->accounts, &a->link);
	return a;
}

struct ipc_account *ipc_charge(uint32_t uid, uint64_t bytes)
{
	struct bucket *b = &buckets[uid % BUCKETS];
	struct ipc_account *a;

	ASSERT(bytes > 0 && bytes <= LEAST);
	spin_lock(&b->lock);
	a = find_locked(b, uid);
	if (!a)
		a = open_locked(b, uid);
	if (a && a->bytes + bytes <= limit)
		a->bytes += bytes;
	else
		a = NULL; /* one just opened has room */
	spin_unlock(&b->lock);
	return a;
}

void ipc_uncharge(struct ipc_account *account, uint64_t bytes)
{
	struct bucket *b = account->bucket;

	spin_lock(&b->lock);
	ASSERT(account->bytes >= bytes);
	account->bytes -= bytes;
	if (account->bytes == 0)
		list_del(&account->link);
	else
		account = NULL;
	spin_unlock(&b->lock);
	kfree(account);
}

void ipc_account_init(void)
{
	struct pmm_stats stats;

	pmm_get_stats(&stats);
	limit = MAX(stats.total_pages * PAGE_SIZE / PART, LEAST);
	for (uint32_t i = 0; i < BUCKETS; i++) {
		spin_init(&buckets[i].lock, "ipc_account", RANK_IPC_ACCOUNT);
		list_init(&buckets[i].accounts);
	}
}
