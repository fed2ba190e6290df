/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's numbers and structures for io_uring_setup(2) and its relatives, as of 6.1. */
#pragma once

#include <stdint.h>

/* A request, as a program writes it.  What several operations call differently stands here once. */
struct abi_sqe {
	uint8_t opcode, flags; /* IORING_OP_*, IOSQE_* */
	uint16_t ioprio;
	int32_t fd;
	uint64_t off; /* or a second address */
	uint64_t addr;
	uint32_t len;
	uint32_t op_flags;
	uint64_t user_data;
	uint16_t buf_index, personality;
	int32_t other_fd; /* splice_fd_in, file_index */
	uint64_t addr3, reserved;
};
_Static_assert(sizeof(struct abi_sqe) == 64, "struct io_uring_sqe");

struct abi_cqe {
	uint64_t user_data;
	int32_t res;
	uint32_t flags;
};
_Static_assert(sizeof(struct abi_cqe) == 16, "struct io_uring_cqe");

enum {
	IORING_OP_NOP,
	IORING_OP_READV,
	IORING_OP_WRITEV,
	IORING_OP_FSYNC,
	IORING_OP_READ_FIXED,
	IORING_OP_WRITE_FIXED,
	IORING_OP_POLL_ADD,
	IORING_OP_POLL_REMOVE,
	IORING_OP_SYNC_FILE_RANGE,
	IORING_OP_SENDMSG,
	IORING_OP_RECVMSG,
	IORING_OP_TIMEOUT,
	IORING_OP_TIMEOUT_REMOVE,
	IORING_OP_ACCEPT,
	IORING_OP_ASYNC_CANCEL,
	IORING_OP_LINK_TIMEOUT,
	IORING_OP_CONNECT,
	IORING_OP_FALLOCATE,
	IORING_OP_OPENAT,
	IORING_OP_CLOSE,
	IORING_OP_FILES_UPDATE,
	IORING_OP_STATX,
	IORING_OP_READ,
	IORING_OP_WRITE,
	IORING_OP_FADVISE,
	IORING_OP_MADVISE,
	IORING_OP_SEND,
	IORING_OP_RECV,
	IORING_OP_OPENAT2,
	IORING_OP_EPOLL_CTL,
	IORING_OP_SPLICE,
	IORING_OP_PROVIDE_BUFFERS,
	IORING_OP_REMOVE_BUFFERS,
	IORING_OP_TEE,
	IORING_OP_SHUTDOWN,
	IORING_OP_RENAMEAT,
	IORING_OP_UNLINKAT,
	IORING_OP_MKDIRAT,
	IORING_OP_SYMLINKAT,
	IORING_OP_LINKAT,
	IORING_OP_LAST = 49,
};

#define IOSQE_FIXED_FILE       1u
#define IOSQE_IO_DRAIN         2u
#define IOSQE_IO_LINK          4u
#define IOSQE_IO_HARDLINK      8u
#define IOSQE_ASYNC            16u
#define IOSQE_BUFFER_SELECT    32u
#define IOSQE_CQE_SKIP_SUCCESS 64u

#define IORING_FSYNC_DATASYNC 1u

#define IORING_TIMEOUT_ABS           1u
#define IORING_TIMEOUT_UPDATE        2u
#define IORING_TIMEOUT_BOOTTIME      4u
#define IORING_TIMEOUT_REALTIME      8u
#define IORING_TIMEOUT_ETIME_SUCCESS 32u

#define IORING_ASYNC_CANCEL_ALL 1u
#define IORING_ASYNC_CANCEL_FD  2u
#define IORING_ASYNC_CANCEL_ANY 4u

#define IORING_SETUP_CQSIZE       8u
#define IORING_SETUP_CLAMP        16u
#define IORING_SETUP_R_DISABLED   64u
#define IORING_SETUP_SUBMIT_ALL   128u
#define IORING_SETUP_COOP_TASKRUN 256u

#define IORING_FEAT_SINGLE_MMAP     1u
#define IORING_FEAT_NODROP          2u
#define IORING_FEAT_RW_CUR_POS      8u
#define IORING_FEAT_CUR_PERSONALITY 16u
#define IORING_FEAT_FAST_POLL       32u
#define IORING_FEAT_POLL_32BITS     64u
#define IORING_FEAT_EXT_ARG         256u
#define IORING_FEAT_CQE_SKIP        2048u
#define IORING_FEAT_LINKED_FILE     4096u

#define IORING_OFF_SQ_RING 0ull
#define IORING_OFF_CQ_RING 0x8000000ull
#define IORING_OFF_SQES    0x10000000ull

#define IORING_ENTER_GETEVENTS 1u
#define IORING_ENTER_SQ_WAKEUP 2u
#define IORING_ENTER_SQ_WAIT   4u
#define IORING_ENTER_EXT_ARG   8u

#define IORING_SQ_CQ_OVERFLOW      2u
#define IORING_CQ_EVENTFD_DISABLED 1u

enum {
	IORING_REGISTER_BUFFERS,
	IORING_UNREGISTER_BUFFERS,
	IORING_REGISTER_FILES,
	IORING_UNREGISTER_FILES,
	IORING_REGISTER_EVENTFD,
	IORING_UNREGISTER_EVENTFD,
	IORING_REGISTER_FILES_UPDATE,
	IORING_REGISTER_EVENTFD_ASYNC,
	IORING_REGISTER_PROBE,
	IORING_REGISTER_PERSONALITY,
	IORING_UNREGISTER_PERSONALITY,
	IORING_REGISTER_RESTRICTIONS,
	IORING_REGISTER_ENABLE_RINGS,
};

enum {
	IORING_RESTRICTION_REGISTER_OP,
	IORING_RESTRICTION_SQE_OP,
	IORING_RESTRICTION_SQE_FLAGS_ALLOWED,
	IORING_RESTRICTION_SQE_FLAGS_REQUIRED,
};

struct abi_uring_restriction {
	uint16_t opcode;
	uint8_t value, reserved;
	uint32_t reserved2[3];
};
_Static_assert(sizeof(struct abi_uring_restriction) == 16, "struct io_uring_restriction");

struct abi_sq_offsets {
	uint32_t head, tail, ring_mask, ring_entries, flags, dropped, array, reserved;
	uint64_t user_addr;
};

struct abi_cq_offsets {
	uint32_t head, tail, ring_mask, ring_entries, overflow, cqes, flags, reserved;
	uint64_t user_addr;
};

struct abi_uring_params {
	uint32_t sq_entries, cq_entries, flags, sq_thread_cpu, sq_thread_idle, features, wq_fd, reserved[3];
	struct abi_sq_offsets sq_off;
	struct abi_cq_offsets cq_off;
};
_Static_assert(sizeof(struct abi_uring_params) == 120, "struct io_uring_params");

struct abi_uring_events_arg {
	uint64_t sigmask;
	uint32_t sigmask_size, reserved;
	uint64_t timeout;
};
_Static_assert(sizeof(struct abi_uring_events_arg) == 24, "struct io_uring_getevents_arg");

struct abi_uring_files_update {
	uint32_t offset, reserved;
	uint64_t fds;
};

#define IO_URING_OP_SUPPORTED 1u

struct abi_uring_probe_op {
	uint8_t op, reserved;
	uint16_t flags;
	uint32_t reserved2;
};

struct abi_uring_probe {
	uint8_t last_op, ops_len;
	uint16_t reserved;
	uint32_t reserved2[3];
	struct abi_uring_probe_op ops[];
};
