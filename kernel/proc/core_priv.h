/* SPDX-License-Identifier: BSD-2-Clause */
/* A core that is being written: what core_image.c and core_notes.c share. */
#pragma once

#include <kernel/vm.h>

#include "core_image.h"

#define CORE_NOTE_ALIGN 4u

struct core_area {
	struct vm_area area; /* a copy, with a reference to its object */
	uint64_t dumped;     /* bytes from its start that go into the core */
};

struct core {
	const struct core_source *source;
	struct file *file;
	bool measuring; /* only pos moves */
	uint64_t pos, limit;
	uint64_t written; /* where the file ends by now */
	int err;
	struct core_area *areas;
	uint32_t area_count;
	uint64_t notes_size;
	void *scratch; /* a page, or an XSAVE area */
};

/* Append to the file, unless something has gone wrong before. */
void core_put(struct core *c, const void *data, size_t len);
/* The path of what an area shows; false: none that could be opened. */
bool core_area_path(const struct vm_area *a, char *buf, size_t size);
/* All notes, from c->pos on. */
void core_put_notes(struct core *c);
