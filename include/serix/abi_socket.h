/* SPDX-License-Identifier: BSD-2-Clause */
/* Structures and constants of the socket calls, in Linux x86-64's layout. */
#pragma once

#include <stdint.h>

#define AF_UNSPEC  0
#define AF_UNIX    1
#define AF_INET    2
#define AF_MAX     46 /* of the families that have a number, however few exist */
#define ADDR_SIZE  128u
#define PATH_START 2u /* where sun_path begins */
#define SUN_SIZE   110u

struct abi_sockaddr_un {
	uint16_t family;
	char path[108];
};
_Static_assert(sizeof(struct abi_sockaddr_un) == SUN_SIZE, "struct sockaddr_un");

#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_RAW       3
#define SOCK_SEQPACKET 5
#define SOCK_TYPES     11 /* numbers of types are below it */
#define SOCK_TYPE_MASK 0xf
#define SOCK_NONBLOCK  04000
#define SOCK_CLOEXEC   02000000

#define SHUT_RD   0
#define SHUT_WR   1
#define SHUT_RDWR 2

#define MSG_OOB          0x1u
#define MSG_PEEK         0x2u
#define MSG_DONTROUTE    0x4u
#define MSG_CTRUNC       0x8u
#define MSG_TRUNC        0x20u
#define MSG_DONTWAIT     0x40u
#define MSG_EOR          0x80u
#define MSG_WAITALL      0x100u
#define MSG_CONFIRM      0x800u
#define MSG_ERRQUEUE     0x2000u
#define MSG_NOSIGNAL     0x4000u
#define MSG_MORE         0x8000u
#define MSG_WAITFORONE   0x10000u
#define MSG_BATCH        0x40000u
#define MSG_ZEROCOPY     0x4000000u
#define MSG_FASTOPEN     0x20000000u
#define MSG_CMSG_CLOEXEC 0x40000000u

#define SOL_SOCKET 1

#define SO_DEBUG        1
#define SO_REUSEADDR    2
#define SO_TYPE         3
#define SO_ERROR        4
#define SO_DONTROUTE    5
#define SO_BROADCAST    6
#define SO_SNDBUF       7
#define SO_RCVBUF       8
#define SO_KEEPALIVE    9
#define SO_OOBINLINE    10
#define SO_PRIORITY     12
#define SO_LINGER       13
#define SO_REUSEPORT    15
#define SO_PASSCRED     16
#define SO_PEERCRED     17
#define SO_RCVLOWAT     18
#define SO_SNDLOWAT     19
#define SO_RCVTIMEO     20
#define SO_SNDTIMEO     21
#define SO_ACCEPTCONN   30
#define SO_SNDBUFFORCE  32
#define SO_RCVBUFFORCE  33
#define SO_PROTOCOL     38
#define SO_DOMAIN       39
#define SO_COOKIE       57
#define SO_PEERGROUPS   59
#define SO_RCVTIMEO_NEW 66 /* on 64-bit machines as the old ones */
#define SO_SNDTIMEO_NEW 67

#define SCM_RIGHTS      1
#define SCM_CREDENTIALS 2
#define SCM_MAX_FD      253

#define SIOCINQ  0x541bu /* FIONREAD */
#define SIOCOUTQ 0x5411u /* TIOCOUTQ */

#define SOMAXCONN 4096

struct abi_ucred {
	int32_t pid;
	uint32_t uid, gid;
};

struct abi_linger {
	int32_t on, seconds;
};

struct abi_msghdr {
	uint64_t name;
	int32_t name_len;
	uint32_t pad0;
	uint64_t iov, iov_count;
	uint64_t control, control_len;
	uint32_t flags, pad1;
};
_Static_assert(sizeof(struct abi_msghdr) == 56, "struct msghdr");

struct abi_mmsghdr {
	struct abi_msghdr header;
	uint32_t len, pad;
};
_Static_assert(sizeof(struct abi_mmsghdr) == 64, "struct mmsghdr");

/* What data follow, up to len, the header counted. */
struct abi_cmsghdr {
	uint64_t len;
	int32_t level, type;
};
#define CMSG_ALIGN_UP(n) (((n) + 7) & ~7ull)

#define POLLRDHUP 0x2000

#define SOCKFS_MAGIC 0x534f434b
