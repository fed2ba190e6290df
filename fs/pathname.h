/* SPDX-License-Identifier: BSD-2-Clause */
/* Cutting a path into components.  Pure: also built on the host. */
#pragma once

#include <kernel/compiler.h>

enum component_kind { COMPONENT_NORMAL, COMPONENT_DOT, COMPONENT_DOTDOT, COMPONENT_NONE };

struct component {
	enum component_kind kind; /* NONE: only slashes were left */
	const char *text;         /* into the path */
	size_t len;
	bool slash; /* at least one slash follows */
	bool last;  /* nothing but slashes follows */
};

/* The component at *cursor, leading slashes skipped; *cursor then stands behind it and its slashes. */
void path_component(const char **cursor, struct component *out);

/* Put `target` in front of `rest` with a slash between ("" and no slash when rest is empty, but one when
 * `slash` asks for it).  False when it does not fit with its NUL.  `rest` may lie inside `out`. */
bool path_splice(char *out, size_t size, const char *target, const char *rest, bool slash);
