/* SPDX-License-Identifier: BSD-2-Clause */
/* Which rights mean something for which type. */
#include <kernel/cap.h>

/* Of everything that can be open as a file. */
#define FILE_RIGHTS                                                                                      \
	(CAP_READ | CAP_WRITE | CAP_EXEC | CAP_APPEND | CAP_SEEK | CAP_STAT | CAP_CHMOD | CAP_TRUNCATE | \
	 CAP_MAP | CAP_LOCK | CAP_IOCTL | CAP_SEAL)
/* With those of files: what is found through it has them. */
#define DIRECTORY_RIGHTS (FILE_RIGHTS | CAP_LOOKUP | CAP_LIST | CAP_CREATE | CAP_REMOVE)
#define MEMORY_RIGHTS                                                                                \
	(CAP_READ | CAP_WRITE | CAP_EXEC | CAP_SEEK | CAP_STAT | CAP_TRUNCATE | CAP_MAP | CAP_SEAL | \
	 CAP_PHYSICAL)
#define TIMER_RIGHTS \
	(TIMER_RIGHT_WAIT | TIMER_RIGHT_SET | CAP_STAT | CAP_SEEK | CAP_MAP | CAP_LOCK | CAP_IOCTL)
#define SOCKET_RIGHTS                                                                                  \
	(SOCKET_RIGHT_RECEIVE | SOCKET_RIGHT_SEND | SOCKET_RIGHT_BIND | SOCKET_RIGHT_LISTEN |          \
	 SOCKET_RIGHT_ACCEPT | SOCKET_RIGHT_CONNECT | SOCKET_RIGHT_GETOPT | SOCKET_RIGHT_SETOPT |      \
	 SOCKET_RIGHT_SHUTDOWN | CAP_STAT | CAP_CHMOD | CAP_SEEK | CAP_MAP | CAP_LOCK | CAP_TRUNCATE | \
	 CAP_SEAL | CAP_IOCTL)
#define RING_RIGHTS                                                                                  \
	(RING_RIGHT_WAIT | RING_RIGHT_SUBMIT | RING_RIGHT_REGISTER | CAP_STAT | CAP_SEEK | CAP_MAP | \
	 CAP_LOCK | CAP_IOCTL)
#define RULESET_RIGHTS                                                                          \
	(RULESET_RIGHT_ENFORCE | RULESET_RIGHT_ADD | CAP_STAT | CAP_SEEK | CAP_MAP | CAP_LOCK | \
	 CAP_TRUNCATE | CAP_IOCTL)
#define THREAD_RIGHTS \
	(PROCESS_RIGHT_SIGNAL | PROCESS_RIGHT_WAIT | PROCESS_RIGHT_INSPECT | PROCESS_RIGHT_SCHEDULE)
#define PORT_USER_RIGHTS (0xff * PORT_RIGHT_USER(0))
#define PORT_RIGHTS \
	(PORT_RIGHT_SEND | PORT_RIGHT_RECEIVE | PORT_RIGHT_CALL | PORT_RIGHT_CONTROL | PORT_USER_RIGHTS)
#define DEVICE_RIGHTS                                                                        \
	(DEVICE_RIGHT_MAP | DEVICE_RIGHT_DMA | DEVICE_RIGHT_INTERRUPT | DEVICE_RIGHT_RESET | \
	 DEVICE_RIGHT_POWER)

uint32_t cap_type_rights(enum object_type type)
{
	static const uint32_t own[] = {
		[OBJECT_NONE] = 0,
		[OBJECT_FILE] = FILE_RIGHTS,
		[OBJECT_DIRECTORY] = DIRECTORY_RIGHTS,
		[OBJECT_MEMORY] = MEMORY_RIGHTS,
		[OBJECT_PROCESS] = THREAD_RIGHTS | PROCESS_RIGHT_GRANT,
		[OBJECT_THREAD] = THREAD_RIGHTS,
		[OBJECT_PORT] = PORT_RIGHTS,
		[OBJECT_NOTIFICATION] = NOTIFICATION_RIGHT_SIGNAL | NOTIFICATION_RIGHT_WAIT,
		[OBJECT_DEVICE] = DEVICE_RIGHTS,
		[OBJECT_INTERRUPT] = INTERRUPT_RIGHT_BIND | INTERRUPT_RIGHT_ACK,
		[OBJECT_SOCKET] = SOCKET_RIGHTS,
		[OBJECT_TIMER] = TIMER_RIGHTS,
		[OBJECT_BUDGET] = BUDGET_RIGHT_BIND | BUDGET_RIGHT_RESIZE,
		[OBJECT_RING] = RING_RIGHTS,
		[OBJECT_RULESET] = RULESET_RIGHTS,
	};
	_Static_assert(ARRAY_SIZE(own) == OBJECT_TYPES, "each type has its row");

	return own[type] | CAP_RIGHTS_GENERAL;
}
