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

static int show_sem(struct proc_text *t, const struct proc_node *node)
{
	struct abi_semid_ds ds;
	unsigned index = 0;
	int id;

	(void)node;
	text_printf(t,
		    "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
	while (sem_next(&index, &id, &ds))
		text_printf(t, "%10d %10d  %4o %10lu %5u %5u %5u %5u %10ld %10ld\n", ds.perm.key, id,
			    ds.perm.mode, ds.count, ds.perm.uid, ds.perm.gid, ds.perm.cuid, ds.perm.cgid,
			    ds.otime, ds.ctime);
	return 0;
}

static int show_msg(struct proc_text *t, const struct proc_node *node)
{
	struct abi_msqid_ds ds;
	unsigned index = 0;
	int id;

	(void)node;
	text_printf(t,
		    "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid");
	text_printf(t, "      stime      rtime      ctime\n");
	while (msg_next(&index, &id, &ds)) {
		text_printf(t, "%10d %10d  %4o  %10lu %10lu %5d %5d %5u %5u %5u %5u", ds.perm.key, id,
			    ds.perm.mode, ds.bytes, ds.count, ds.lspid, ds.lrpid, ds.perm.uid, ds.perm.gid,
			    ds.perm.cuid, ds.perm.cgid);
		text_printf(t, " %10ld %10ld %10ld\n", ds.stime, ds.rtime, ds.ctime);
	}
	return 0;
}

const struct proc_entry proc_sysvipc_entries[PROC_SYSVIPC_COUNT] = {
	PROC_FILE("msg", 0444, show_msg),
	PROC_FILE("sem", 0444, show_sem),
	PROC_FILE("shm", 0444, show_shm),
};
