/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's numbers for fanotify(7). */
#pragma once

#include <stdint.h>

/* fanotify_init: */
#define FAN_CLOEXEC           0x0001u
#define FAN_NONBLOCK          0x0002u
#define FAN_CLASS_NOTIF       0x0000u
#define FAN_CLASS_CONTENT     0x0004u
#define FAN_CLASS_PRE_CONTENT 0x0008u
#define FAN_UNLIMITED_QUEUE   0x0010u
#define FAN_UNLIMITED_MARKS   0x0020u
#define FAN_REPORT_PIDFD      0x0080u
#define FAN_REPORT_TID        0x0100u
#define FAN_REPORT_FID        0x0200u
#define FAN_REPORT_DIR_FID    0x0400u
#define FAN_REPORT_NAME       0x0800u
#define FAN_REPORT_TARGET_FID 0x1000u

/* fanotify_mark: what to do, */
#define FAN_MARK_ADD                 0x0001u
#define FAN_MARK_REMOVE              0x0002u
#define FAN_MARK_DONT_FOLLOW         0x0004u
#define FAN_MARK_ONLYDIR             0x0008u
#define FAN_MARK_INODE               0x0000u
#define FAN_MARK_MOUNT               0x0010u
#define FAN_MARK_IGNORED_MASK        0x0020u
#define FAN_MARK_IGNORED_SURV_MODIFY 0x0040u
#define FAN_MARK_FLUSH               0x0080u
#define FAN_MARK_FILESYSTEM          0x0100u
#define FAN_MARK_EVICTABLE           0x0200u
#define FAN_MARK_IGNORE              0x0400u
/* and of what to tell.  The lower bits are inotify's. */
#define FAN_ACCESS         0x00000001u
#define FAN_MODIFY         0x00000002u
#define FAN_ATTRIB         0x00000004u
#define FAN_CLOSE_WRITE    0x00000008u
#define FAN_CLOSE_NOWRITE  0x00000010u
#define FAN_OPEN           0x00000020u
#define FAN_MOVED_FROM     0x00000040u
#define FAN_MOVED_TO       0x00000080u
#define FAN_CREATE         0x00000100u
#define FAN_DELETE         0x00000200u
#define FAN_DELETE_SELF    0x00000400u
#define FAN_MOVE_SELF      0x00000800u
#define FAN_OPEN_EXEC      0x00001000u
#define FAN_Q_OVERFLOW     0x00004000u
#define FAN_FS_ERROR       0x00008000u
#define FAN_OPEN_PERM      0x00010000u
#define FAN_ACCESS_PERM    0x00020000u
#define FAN_OPEN_EXEC_PERM 0x00040000u
#define FAN_EVENT_ON_CHILD 0x08000000u
#define FAN_RENAME         0x10000000u
#define FAN_ONDIR          0x40000000u

#define FAN_NOFD    (-1)
#define FAN_NOPIDFD (-1)
#define FAN_EPIDFD  (-2)

#define FANOTIFY_METADATA_VERSION 3
struct abi_fanotify_event {
	uint32_t event_len;
	uint8_t vers, reserved;
	uint16_t metadata_len;
	uint64_t mask;
	int32_t fd, pid;
};
_Static_assert(sizeof(struct abi_fanotify_event) == 24, "struct fanotify_event_metadata");

/* What may follow. */
#define FAN_EVENT_INFO_TYPE_FID           1
#define FAN_EVENT_INFO_TYPE_DFID_NAME     2
#define FAN_EVENT_INFO_TYPE_DFID          3
#define FAN_EVENT_INFO_TYPE_PIDFD         4
#define FAN_EVENT_INFO_TYPE_OLD_DFID_NAME 10
#define FAN_EVENT_INFO_TYPE_NEW_DFID_NAME 12
struct abi_fanotify_info {
	uint8_t type, pad;
	uint16_t len;
};
#define FANOTIFY_INFO_ALIGN 4u

#define FAN_ALLOW 1u
#define FAN_DENY  2u
struct abi_fanotify_response {
	int32_t fd;
	uint32_t response;
};
