/* SPDX-License-Identifier: BSD-2-Clause */
/* What capabilities cost: the check that each call pays, deriving, granting to another table, revoking 1 to
 * 1,000,000. */
#include <kernel/kbench.h>

#include <kernel/cap.h>
#include <kernel/slab.h>

static void release(struct kobject *obj)
{
	kfree(obj);
}

static const struct kobject_ops ops = { .release = release };
static const struct cap_terms all = { .rights = UINT32_MAX };

static struct cap_table *new_table(void)
{
	struct cap_table *table = NULL;

	if (cap_table_create(&table) == 0)
		cap_table_set_limit(table, UINT32_MAX);
	return table;
}

/* With an original in slot 0; NULL: no memory. */
static struct cap_table *table_with_one(void)
{
	struct kobject *obj = kzalloc(sizeof(*obj));
	struct cap_table *table = new_table();

	if (!obj || !table)
		return NULL;
	kobject_init(obj, OBJECT_FILE, &ops);
	return cap_install(table, obj, CAP_READ | CAP_WRITE, 0, 0) == 0 ? table : NULL;
}

static void check(struct cap_table *table)
{
	struct capability *cap;

	if (cap_use(table, 0, OBJECT_NONE, CAP_READ, &cap) == 0)
		cap_done(cap);
}

KBENCH_LOOP(use_done, struct cap_table *table = table_with_one(), check(table), cap_table_put(table))
KBENCH_LOOP(dup_close, struct cap_table *table = table_with_one(), cap_close(table, cap_dup(table, 0, 0, 0)),
	    cap_table_put(table))
KBENCH_LOOP(derive, struct cap_table *table = table_with_one(), (void)!cap_derive(table, 0, &all, table),
	    cap_table_put(table))

static uint64_t grant(unsigned n)
{
	struct cap_table *from = table_with_one(), *to = new_table();
	uint64_t start = arch_cycles(), cycles;

	for (unsigned i = 0; i < n; i++)
		(void)!cap_derive(from, 0, &all, to);
	cycles = arch_cycles() - start;
	cap_table_put(from);
	cap_table_put(to);
	return cycles;
}

/* One revocation of n: the cycles of all.  They lie in two tables, for one has a million slots and the
 * original takes one. */
static uint64_t revoke(unsigned n)
{
	struct cap_table *table = table_with_one(), *other = new_table();
	uint64_t start, cycles;
	unsigned made = 0;

	while (made < n && cap_derive(table, 0, &all, made % 2 ? other : table) >= 0)
		made++;
	start = arch_cycles();
	(void)!cap_revoke(table, 0, false);
	cycles = arch_cycles() - start;
	cap_table_put(table);
	cap_table_put(other);
	return made == n ? cycles : 0;
}

static uint64_t derive_revoke_one(unsigned n)
{
	struct cap_table *table = table_with_one();
	uint64_t cycles = 0;

	for (unsigned i = 0; i < n; i++) {
		cap_handle_t child = cap_derive(table, 0, &all, table);
		uint64_t start = arch_cycles();

		(void)!cap_revoke(table, child, true);
		cycles += arch_cycles() - start;
	}
	cap_table_put(table);
	return cycles;
}

static const struct kbench_row rows[] = {
	{ "capability check (use+done)", 1000, use_done },
	{ "capability dup+close", 1000, dup_close },
	{ "capability derive", 1000, derive },
	{ "capability grant to another table", 1000, grant },
	{ "capability revoke, 1", 1000, derive_revoke_one },
	{ "capability revoke, 1000, each", 1000, revoke },
	{ "capability revoke, 100000, each", 100000, revoke },
	{ "capability revoke, 1000000, each", 1000000, revoke },
};
KBENCH_SUITE("cap", rows);
