/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/net and /proc/sys/net. There are no network interfaces and no protocols but AF_UNIX: tables of others
 * are there for the programs that read them, and have their headings only. */
#include "proc_priv.h"

#include <serix/abi_socket.h>

#define TCP_WIDTH   149 /* of a line, filled with blanks as Linux has it */
#define ROUTE_WIDTH 127

static int show_dev(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_printf(t,
		    "Inter-|   Receive                                                |  Transmit\n"
		    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs "
		    "drop fifo colls carrier compressed\n");
	return 0;
}

static void heading(struct proc_text *t, const char *text, int width)
{
	text_printf(t, "%-*s\n", width, text);
}

static int show_tcp(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	heading(t,
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
		"inode",
		TCP_WIDTH);
	return 0;
}

static int show_udp(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	heading(t,
		"   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
		"inode ref pointer drops",
		ROUTE_WIDTH);
	return 0;
}

static int show_route(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	heading(t, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
		ROUTE_WIDTH);
	return 0;
}

static int show_route_cache(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	heading(t,
		"Iface\tDestination\tGateway "
		"\tFlags\t\tRefCnt\tUse\tMetric\tSource\t\tMTU\tWindow\tIRTT\tTOS\tHHRef"
		"\tHHUptod\tSpecDst",
		ROUTE_WIDTH);
	return 0;
}

/* Each protocol has a line of names and one of numbers. */
static int show_netstat(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_printf(t, "TcpExt:\nTcpExt:\nIpExt:\nIpExt:\n");
	return 0;
}

static int show_somaxconn(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_printf(t, "%d\n", SOMAXCONN);
	return 0;
}

const struct proc_entry proc_net_entries[PROC_NET_COUNT] = {
	PROC_FILE("dev", 0444, show_dev),
	PROC_FILE("netstat", 0444, show_netstat),
	PROC_FILE("route", 0444, show_route),
	PROC_FILE("rt_cache", 0444, show_route_cache),
	PROC_FILE("tcp", 0444, show_tcp),
	PROC_FILE("udp", 0444, show_udp),
	PROC_FILE("unix", 0444, proc_show_net_unix),
};

static const struct proc_entry core_entries[] = { PROC_FILE("somaxconn", 0444, show_somaxconn) };
const struct proc_entry proc_sys_net_entries[PROC_SYS_NET_COUNT] = { PROC_DIR("core", core_entries) };
