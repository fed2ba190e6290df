/* SPDX-License-Identifier: BSD-2-Clause */
/* Structures and constants of file calls that abi.h leaves out, in Linux x86-64's layout. */
#pragma once

#include <stdint.h>

struct abi_statx_timestamp {
	int64_t sec;
	uint32_t nsec;
	int32_t pad;
};

struct abi_statx {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad0;
	uint64_t ino, size, blocks, attributes_mask;
	struct abi_statx_timestamp atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t mnt_id;
	uint32_t dio_mem_align, dio_offset_align;
	uint64_t spare[12];
};
_Static_assert(sizeof(struct abi_statx) == 256, "struct statx");

#define STATX_BASIC_STATS     0x7ffu
#define STATX_BTIME           0x800u
#define STATX_MNT_ID          0x1000u
#define STATX__RESERVED       0x80000000u
#define STATX_ATTR_MOUNT_ROOT 0x2000u
#define AT_STATX_SYNC_TYPE    0x6000

struct abi_flock {
	int16_t type, whence;
	int32_t pad;
	int64_t start, len;
	int32_t pid, pad2;
};
_Static_assert(sizeof(struct abi_flock) == 32, "struct flock");

/* lseek(2) */
#define SEEK_DATA 3
#define SEEK_HOLE 4

#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2
#define LOCK_SH 1
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_UN 8

#define F_OFD_GETLK  36
#define F_OFD_SETLK  37
#define F_OFD_SETLKW 38

#define F_SETLEASE 1024
#define F_GETLEASE 1025

/* F_NOTIFY: by signal, of a directory's entries */
#define F_NOTIFY     1026
#define DN_ACCESS    0x01u
#define DN_MODIFY    0x02u
#define DN_CREATE    0x04u
#define DN_DELETE    0x08u
#define DN_RENAME    0x10u
#define DN_ATTRIB    0x20u
#define DN_MULTISHOT 0x80000000u

/* How long what is written is expected to live */
#define F_GET_RW_HINT          1035
#define F_SET_RW_HINT          1036
#define RWH_WRITE_LIFE_EXTREME 5u

#define F_ADD_SEALS 1033
#define F_GET_SEALS 1034

#define F_SEAL_SEAL         0x01u
#define F_SEAL_SHRINK       0x02u
#define F_SEAL_GROW         0x04u
#define F_SEAL_WRITE        0x08u
#define F_SEAL_FUTURE_WRITE 0x10u
#define F_SEAL_EXEC         0x20u

/* timerfd_create(2), timerfd_settime(2) */
#define TFD_NONBLOCK            O_NONBLOCK
#define TFD_CLOEXEC             O_CLOEXEC
#define TFD_TIMER_ABSTIME       1
#define TFD_TIMER_CANCEL_ON_SET 2

/* memfd_create(2) */
#define MFD_CLOEXEC       0x01u
#define MFD_ALLOW_SEALING 0x02u
#define MFD_HUGETLB       0x04u
#define MFD_NOEXEC_SEAL   0x08u
#define MFD_EXEC          0x10u

#define F_SETOWN     8
#define F_GETOWN     9
#define F_SETSIG     10
#define F_GETSIG     11
#define F_SETOWN_EX  15
#define F_GETOWN_EX  16
#define F_OWNER_TID  0
#define F_OWNER_PID  1
#define F_OWNER_PGRP 2
#define FIOSETOWN    0x8901u /* of sockets, as the next three */
#define SIOCSPGRP    0x8902u
#define FIOGETOWN    0x8903u
#define SIOCGPGRP    0x8904u
struct abi_file_owner { /* struct f_owner_ex */
	int32_t type, number;
};

#define RENAME_NOREPLACE 1u
#define RENAME_EXCHANGE  2u
#define RENAME_WHITEOUT  4u

#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u

#define UTIME_NOW  0x3fffffff
#define UTIME_OMIT 0x3ffffffe

#define MS_RDONLY      1u
#define MS_NOSUID      2u
#define MS_NODEV       4u
#define MS_NOEXEC      8u
#define MS_REMOUNT     32u
#define MS_NOATIME     1024u
#define MS_NODIRATIME  2048u
#define MS_BIND        4096u
#define MS_MOVE        8192u
#define MS_REC         16384u
#define MS_SILENT      32768u
#define MS_PRIVATE     (1u << 18)
#define MS_SHARED      (1u << 20)
#define MS_SLAVE       (1u << 19)
#define MS_UNBINDABLE  (1u << 17)
#define MS_RELATIME    (1u << 21)
#define MS_STRICTATIME (1u << 24)
#define MS_MGC_VAL     0xc0ed0000u
#define MS_MGC_MSK     0xffff0000u

#define MNT_FORCE       1u
#define MNT_DETACH      2u
#define MNT_EXPIRE      4u
#define UMOUNT_NOFOLLOW 8u

#define ST_RDONLY   1
#define ST_NOSUID   2
#define ST_NODEV    4
#define ST_NOEXEC   8
#define ST_VALID    0x20
#define ST_NOATIME  1024
#define ST_RELATIME 4096

#define FIONREAD 0x541bu
#define FIONBIO  0x5421
#define FIOASYNC 0x5452
#define FIOCLEX  0x5451
#define FIONCLEX 0x5450

#define FALLOC_FL_KEEP_SIZE  1u
#define FALLOC_FL_PUNCH_HOLE 2u
#define FALLOC_FL_ZERO_RANGE 16u

/* openat2(2): how the name is looked up. */
#define RESOLVE_NO_XDEV       0x01u
#define RESOLVE_NO_MAGICLINKS 0x02u
#define RESOLVE_NO_SYMLINKS   0x04u
#define RESOLVE_BENEATH       0x08u
#define RESOLVE_IN_ROOT       0x10u
#define RESOLVE_CACHED        0x20u

/* struct file_handle: `bytes` follow it. */
struct abi_file_handle {
	uint32_t bytes;
	int32_t type;
};
#define FILE_ID_INVALID 0xff

struct abi_open_how {
	uint64_t flags, mode, resolve;
};

/* preadv2(2) */
#define RWF_HIPRI  1u
#define RWF_DSYNC  2u
#define RWF_SYNC   4u
#define RWF_NOWAIT 8u
#define RWF_APPEND 16u
#define RWF_ALL    (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND)

/* splice(2) */
#define SPLICE_F_MOVE     1u
#define SPLICE_F_NONBLOCK 2u
#define SPLICE_F_MORE     4u
#define SPLICE_F_GIFT     8u
#define SPLICE_F_ALL      (SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)

#define SYNC_FILE_RANGE_WAIT_BEFORE 1u
#define SYNC_FILE_RANGE_WRITE       2u
#define SYNC_FILE_RANGE_WAIT_AFTER  4u

#define SYNC_FILE_RANGE_ALL (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)

#define POSIX_FADV_NORMAL     0
#define POSIX_FADV_RANDOM     1
#define POSIX_FADV_SEQUENTIAL 2
#define POSIX_FADV_WILLNEED   3
#define POSIX_FADV_DONTNEED   4
#define POSIX_FADV_NOREUSE    5
#define POSIX_FADV_MAX        POSIX_FADV_NOREUSE

/* d_type of directory entries: the file type bits of the mode, shifted. */
#define DT_UNKNOWN 0
#define DT_FIFO    1
#define DT_CHR     2
#define DT_DIR     4
#define DT_BLK     6
#define DT_REG     8
#define DT_LNK     10

#define TMPFS_MAGIC        0x01021994
#define RAMFS_MAGIC        0x858458f6
#define PROC_SUPER_MAGIC   0x9fa0
#define DEVPTS_SUPER_MAGIC 0x1cd1
#define MQUEUE_MAGIC       0x19800202
#define SYSFS_MAGIC        0x62656572
#define PIPEFS_MAGIC       0x50495045

#define IOV_MAX      1024
#define PIPE_BUF     4096
#define RW_COUNT_MAX 0x7ffff000u /* bytes one transfer moves at most */
