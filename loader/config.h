/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serix.cfg: what to boot.  Plain `key = value` lines, at most 4 KiB, no includes, no script.
 *
 *	default = serix		which entry boots by itself (else the first)
 *	timeout = 3		seconds to wait for a key (else 0: look once)
 *	[serix]			starts an entry; its keys follow
 *	kernel = /serix/serix.elf
 *	kernel_sha256 = <64 hex digits>
 *	module = /serix/initrd.cpio	may repeat, the order is kept
 *	module_sha256 = <64 hex digits>	of the module named last
 *	cmdline = loglevel=7
 *	video = auto | keep | 1024x768
 *
 * `#` starts a comment line.  Unknown keys, doubled keys and anything that is not printable ASCII
 * are errors, reported with their line, because a boot file that is half understood is worse than
 * one that is refused.  Texts in the result point into the parsed buffer and are not terminated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <boot/boot_info.h>

#define CONFIG_MAX_BYTES   4096u
#define CONFIG_MAX_ENTRIES 8u
#define CONFIG_NAME_LEN    31u
#define CONFIG_PATH_LEN    255u
#define CONFIG_MAX_TIMEOUT 3600u
#define CONFIG_SHA256_LEN  32u

struct config_text {
	const char *at;
	uint32_t len;
};

struct config_file {
	struct config_text path; /* begins with '/' */
	bool has_sha256;
	uint8_t sha256[CONFIG_SHA256_LEN];
};

enum config_video_kind {
	CONFIG_VIDEO_AUTO, /* the loader chooses */
	CONFIG_VIDEO_KEEP, /* whatever the firmware left */
	CONFIG_VIDEO_SIZE, /* width x height if there is such a mode, else as auto */
};

struct config_video {
	enum config_video_kind kind;
	uint32_t width;
	uint32_t height;
};

struct config_entry {
	struct config_text name;
	struct config_text cmdline;
	struct config_video video;
	struct config_file kernel;
	uint32_t module_count;
	struct config_file modules[BOOT_MAX_MODULES];
};

struct config {
	uint32_t default_entry; /* index */
	uint32_t timeout_s;
	uint32_t entry_count; /* at least 1 after a successful parse */
	struct config_entry entries[CONFIG_MAX_ENTRIES];
};

struct config_error {
	uint32_t line; /* from 1 */
	const char *what;
};

/* What a volume without a serix.cfg boots. */
extern const char config_builtin[];
extern const size_t config_builtin_len;

/* 0, or -EINVAL with *error filled in and *cfg undefined. */
int config_parse(const char *text, size_t len, struct config *cfg, struct config_error *error);
