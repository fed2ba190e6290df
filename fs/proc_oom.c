/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/oom_*: how likely a process is to leave when memory runs out (kernel/proc/oom.c). */
#include "proc_priv.h"

#define ADJ_MIN     (-1000)
#define ADJ_MAX     1000
#define OLD_ADJ_MIN (-17) /* of oom_adj, the older scale */
#define OLD_ADJ_MAX 15

int proc_show_oom_score(struct proc_text *t, const struct proc_node *node)
{
	text_printf(t, "%d\n", process_oom_score(node->process));
	return 0;
}

int proc_show_oom_score_adj(struct proc_text *t, const struct proc_node *node)
{
	text_printf(t, "%d\n", READ_ONCE(node->process->oom_score_adj));
	return 0;
}

int proc_show_oom_adj(struct proc_text *t, const struct proc_node *node)
{
	int32_t adj = READ_ONCE(node->process->oom_score_adj);

	text_printf(t, "%d\n", adj == ADJ_MAX ? OLD_ADJ_MAX : adj * -OLD_ADJ_MIN / ADJ_MAX);
	return 0;
}

/* Anybody may offer himself; only root may ask for more mercy. */
static int set_adj(struct process *p, int64_t value)
{
	if (value < READ_ONCE(p->oom_score_adj) && !cred_has_privilege(PRIV_SYS_RESOURCE))
		return -EACCES;
	WRITE_ONCE(p->oom_score_adj, (int32_t)value);
	return 0;
}

int proc_store_oom_score_adj(const struct proc_node *node, const char *text, size_t len)
{
	int64_t value;

	(void)len;
	if (proc_parse_signed(text, &value) < 0 || value < ADJ_MIN || value > ADJ_MAX)
		return -EINVAL;
	return set_adj(node->process, value);
}

int proc_store_oom_adj(const struct proc_node *node, const char *text, size_t len)
{
	int64_t value;

	(void)len;
	if (proc_parse_signed(text, &value) < 0 || value < OLD_ADJ_MIN || value > OLD_ADJ_MAX)
		return -EINVAL;
	return set_adj(node->process, value == OLD_ADJ_MAX ? ADJ_MAX : value * ADJ_MAX / -OLD_ADJ_MIN);
}
