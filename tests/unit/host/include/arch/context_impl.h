/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's tasks have no registers to save. */
#pragma once

struct arch_context {
	int none;
};
