/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory objects for programs: Serix's own calls mem_create, mem_share and mem_run.  A memory object is named
 * by a descriptor, which works with mmap, read, write, ftruncate, fstat, fcntl(F_ADD_SEALS), dup and close,
 * as far as the descriptor's rights go; it cannot be opened by a path.
 *
 *	long mem_create(unsigned type, uint64_t size, unsigned flags)
 *		A new object of `size` bytes, a multiple of the page size, zeroed.  A descriptor with all
 *		rights that the type knows; EINVAL, ENOMEM, EMFILE; EPERM (DMA: for the superuser only);
 *		EOPNOTSUPP (secure: the processor has no AES instructions).
 *	long mem_share(int fd, unsigned rights, unsigned flags)
 *		Another descriptor of the same object, with those of the rights that fd has.
 *	long mem_run(int fd, uint64_t offset, struct mem_run *run)
 *		DMA objects: where the byte at `offset` lies in physical memory, and how many bytes follow it
 *		there.  EPERM without MEM_RIGHT_PHYSICAL; EINVAL.
 */
#pragma once

#include <stdint.h>

/* Types. */
#define MEM_NORMAL     1u /* read and write, never executable */
#define MEM_SECURE     2u /* shared mappings only; no read or write; see memfd_secret(2) */
#define MEM_DMA        3u /* pinned frames; never changes its size */
#define MEM_EXECUTABLE 4u /* writable until F_SEAL_WRITE is added, executable from then on */

/* Flags. */
#define MEM_CLOEXEC    1u
#define MEM_CONTIGUOUS 2u /* DMA: adjacent frames */
#define MEM_BELOW_4G   4u /* DMA: all frames below 4 GiB */

/* Rights of a descriptor. */
#define MEM_RIGHT_READ     0x00001u /* read, map for reading */
#define MEM_RIGHT_WRITE    0x00002u /* write, map for writing */
#define MEM_RIGHT_EXECUTE  0x00004u /* map for executing */
#define MEM_RIGHT_RESIZE   0x00080u
#define MEM_RIGHT_MAP      0x00100u /* without it no mapping at all */
#define MEM_RIGHT_SEAL     0x08000u
#define MEM_RIGHT_PHYSICAL 0x10000u

struct mem_run {
	uint64_t address;
	uint64_t length;
};
