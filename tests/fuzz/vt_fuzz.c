/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/kernel/fbterm/vt.c drivers/kernel/fbterm/vt_screen.c */
/* sources: drivers/kernel/fbterm/vt_sgr.c drivers/kernel/fbterm/utf8.c */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/kernel/fbterm/vt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any output of a program, on a screen of any small size: the cursor and the view stay inside. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vt vt;
	unsigned cols, rows, history, x, y;
	void *memory;

	if (size < 3)
		return 0;
	cols = data[0] % 80 + 1;
	rows = data[1] % 30 + 1;
	history = data[2] % 20;
	memory = malloc(vt_memory_size(cols, rows, history));
	vt_init(&vt, memory, cols, rows, history);
	vt_feed(&vt, (const char *)data + 3, (size - 3) / 2);
	vt_feed_log(&vt, "a line of the log\n", 18);
	vt_scroll_view(&vt, data[0]);
	for (y = 0; y < rows; y++)
		(void)vt_view_line(&vt, y)[cols - 1].ch;
	vt_feed(&vt, (const char *)data + 3 + (size - 3) / 2, size - 3 - (size - 3) / 2);
	if (vt.cursor.x >= cols || vt.cursor.y >= rows || vt.top > vt.bottom || vt.bottom >= rows ||
	    vt.reply_len > VT_MAX_REPLY || vt.view > history)
		abort();
	if (vt_view_cursor(&vt, &x, &y) && (x >= cols || y >= rows))
		abort();
	free(memory);
	return 0;
}
