/* SPDX-License-Identifier: BSD-2-Clause */
/* Now this, now that, in one process: what one kind leaves behind is found by another. */
#include "load.h"

static void mix_round(void)
{
	const struct kind *kind;

	do
		kind = kinds[draw_below(kind_count)];
	while (kind == &mix_kind || !can_run(kind));
	kind->round();
}

const struct kind mix_kind = { .name = "mix", .round = mix_round };
