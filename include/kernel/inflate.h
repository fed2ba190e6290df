/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decompressing DEFLATE (RFC 1951) and gzip members (RFC 1952).  Pure: trusts nothing in its input,
 * writes nowhere but into the caller's buffer, allocates nothing.
 */
#pragma once

#include <kernel/compiler.h>

enum inflate_result {
	INFLATE_OK,
	INFLATE_TRUNCATED, /* the input ends too early */
	INFLATE_DAMAGED,   /* impossible codes or distances, wrong checksum or header */
	INFLATE_NO_SPACE,  /* the output does not fit */
};

/* Tables and state: about 6 KiB, too large for a kernel stack. */
struct inflate_state;
size_t inflate_state_size(void);

/* Decompress a raw DEFLATE stream.  *in_used and *out_len are set on success. */
enum inflate_result inflate_raw(struct inflate_state *state, const void *in, size_t in_len, void *out,
				size_t out_size, size_t *in_used, size_t *out_len) __must_check;

/* Is there a gzip header at `in`? */
bool gzip_probe(const void *in, size_t len);
/* Decompress one gzip member, checking its length and CRC.  *in_used covers header and trailer. */
enum inflate_result gzip_member(struct inflate_state *state, const void *in, size_t in_len, void *out,
				size_t out_size, size_t *in_used, size_t *out_len) __must_check;
/* How much one member expands to, by decoding it without output: so that a buffer can be sized. */
enum inflate_result gzip_measure(struct inflate_state *state, const void *in, size_t in_len, size_t *in_used,
				 size_t *out_len) __must_check;
const char *inflate_error(enum inflate_result result);
uint32_t gzip_crc32(uint32_t crc, const void *data, size_t len);
