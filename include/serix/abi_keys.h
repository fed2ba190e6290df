/* SPDX-License-Identifier: BSD-2-Clause */
/* add_key(2), request_key(2), keyctl(2): Linux's numbers. */
#pragma once

/* Keyrings that go by a name of their own instead of a serial number. */
#define KEY_SPEC_THREAD_KEYRING       (-1)
#define KEY_SPEC_PROCESS_KEYRING      (-2)
#define KEY_SPEC_SESSION_KEYRING      (-3)
#define KEY_SPEC_USER_KEYRING         (-4)
#define KEY_SPEC_USER_SESSION_KEYRING (-5)
#define KEY_SPEC_GROUP_KEYRING        (-6) /* never came to be */
#define KEY_SPEC_REQKEY_AUTH_KEY      (-7)
#define KEY_SPEC_REQUESTOR_KEYRING    (-8)

/* Where request_key() links what it finds, unless it is told. */
#define KEY_REQKEY_DEFL_NO_CHANGE            (-1)
#define KEY_REQKEY_DEFL_DEFAULT              0
#define KEY_REQKEY_DEFL_THREAD_KEYRING       1
#define KEY_REQKEY_DEFL_PROCESS_KEYRING      2
#define KEY_REQKEY_DEFL_SESSION_KEYRING      3
#define KEY_REQKEY_DEFL_USER_KEYRING         4
#define KEY_REQKEY_DEFL_USER_SESSION_KEYRING 5
#define KEY_REQKEY_DEFL_GROUP_KEYRING        6
#define KEY_REQKEY_DEFL_REQUESTOR_KEYRING    7

/* Permissions: six bits each for whoever possesses the key, its owner, its group and all others. */
#define KEY_VIEW    0x01u
#define KEY_READ    0x02u
#define KEY_WRITE   0x04u
#define KEY_SEARCH  0x08u
#define KEY_LINK    0x10u
#define KEY_SETATTR 0x20u
#define KEY_ALL     0x3fu

#define KEY_POS(bits) ((bits) << 24)
#define KEY_USR(bits) ((bits) << 16)
#define KEY_GRP(bits) ((bits) << 8)
#define KEY_OTH(bits) (bits)

enum keyctl_operation {
	KEYCTL_GET_KEYRING_ID = 0,
	KEYCTL_JOIN_SESSION_KEYRING = 1,
	KEYCTL_UPDATE = 2,
	KEYCTL_REVOKE = 3,
	KEYCTL_CHOWN = 4,
	KEYCTL_SETPERM = 5,
	KEYCTL_DESCRIBE = 6,
	KEYCTL_CLEAR = 7,
	KEYCTL_LINK = 8,
	KEYCTL_UNLINK = 9,
	KEYCTL_SEARCH = 10,
	KEYCTL_READ = 11,
	KEYCTL_INSTANTIATE = 12,
	KEYCTL_NEGATE = 13,
	KEYCTL_SET_REQKEY_KEYRING = 14,
	KEYCTL_SET_TIMEOUT = 15,
	KEYCTL_ASSUME_AUTHORITY = 16,
	KEYCTL_GET_SECURITY = 17,
	KEYCTL_SESSION_TO_PARENT = 18,
	KEYCTL_REJECT = 19,
	KEYCTL_INSTANTIATE_IOV = 20,
	KEYCTL_INVALIDATE = 21,
	KEYCTL_GET_PERSISTENT = 22,
	KEYCTL_DH_COMPUTE = 23,
	KEYCTL_PKEY_QUERY = 24,
	KEYCTL_PKEY_ENCRYPT = 25,
	KEYCTL_PKEY_DECRYPT = 26,
	KEYCTL_PKEY_SIGN = 27,
	KEYCTL_PKEY_VERIFY = 28,
	KEYCTL_RESTRICT_KEYRING = 29,
	KEYCTL_MOVE = 30,
	KEYCTL_CAPABILITIES = 31,
	KEYCTL_WATCH_KEY = 32,
};

#define KEYCTL_MOVE_EXCL 0x01u

/* The first two bytes that KEYCTL_CAPABILITIES tells. */
#define KEYCTL_CAPS0_CAPABILITIES        0x01u
#define KEYCTL_CAPS0_PERSISTENT_KEYRINGS 0x02u
#define KEYCTL_CAPS0_INVALIDATE          0x20u
#define KEYCTL_CAPS0_RESTRICT_KEYRING    0x40u
#define KEYCTL_CAPS0_MOVE                0x80u
#define KEYCTL_CAPS1_NS_KEYRING_NAME     0x01u
#define KEYCTL_CAPS1_NS_KEY_TAG          0x02u
