/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/sysvipc: what there is of System V IPC, in Linux's columns. */
#include <kernel/sysvipc.h>

#include "proc_priv.h"

static int show_shm(struct proc_text *t, const struct proc_node *node)
{
	struct abi_shmid_ds ds;
	unsigned index = 0;
	uint64_t resident;
	int id;

	(void)node;
	text_printf(t, "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  "
		       "cuid  cgid");
	text_printf(t, "      atime      dtime      ctime                   rss                  swap\n");
	while (shm_next(&index, &id, &ds, &resident)) {
		text_printf(t, "%10d %10d  %4o %21lu %5d %5d  %5lu %5u %5u %5u %5u", ds.perm.key, id,
			    ds.perm.mode, ds.size, ds.cpid, ds.lpid, ds.attached, ds.perm.uid, ds.perm.gid,
			    ds.perm.cuid, ds.perm.cgid);
		text_printf(t, " %10ld %10ld %10ld %21lu %21lu\n", ds.atime, ds.dtime, ds.ctime, resident,
			    0ul);
	}
	return 0;
}

const struct proc_entry proc_sysvipc_entries[PROC_SYSVIPC_COUNT] = {
	PROC_FILE("shm", 0444, show_shm),
};
