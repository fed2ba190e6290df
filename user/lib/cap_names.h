/* SPDX-License-Identifier: BSD-2-Clause */
/* Words for people: what types of capabilities and their rights are called. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* "file"; "?" for a type that this program does not know. */
const char *cap_type_name(uint32_t type);
/* The other way round; CAP_TYPES: no such. */
uint32_t cap_type_of_name(const char *name);
/* "read write map"; "all" where it is all that the type knows, "none"; bits without a name in hexadecimal. */
void cap_rights_text(uint32_t type, uint32_t rights, char *buf, size_t size);
