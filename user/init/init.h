/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * init: the first program.  It mounts what every system has, starts the services that
 * /etc/serix/services lists, reaps every orphan, starts shells again when they end, and brings the
 * system down in order.
 *
 * Signals, the ones that busybox's poweroff, reboot and halt send: SIGUSR1 halts, SIGUSR2 powers off,
 * SIGTERM and SIGINT (Ctrl-Alt-Del) restart.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* log.c: one line to the kernel log, seen on the log's console and in dmesg. */
void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* mounts.c: /proc, /dev, /sys, /tmp, /run and the host name. */
void mount_system(void);

/* terminal.c: make `path` the controlling terminal and standard files of this (child) process.
 * `plain` passes bytes through unchanged both ways, but for the end-of-file character. */
bool take_terminal(const char *path, bool plain);

/* spawn.c: start argv[0] in a session of its own on a terminal; returns the child's pid, -1 on failure. */
pid_t spawn(char *const argv[], const char *terminal, bool plain);

/* services.c */
void services_load(const char *path);
void services_start_once(void); /* what runs to its end first */
void services_start_shells(void);
/* A child ended: true if it was a service; a shell is started again. */
bool services_reap(pid_t pid, int status);
/* Seconds until a shell that ended too quickly may start again; -1: none waits. */
int services_delay(void);
void services_restart_due(void);

/* write_exec.c: programs whose memory may be written and executed at once. */
void write_exec_mark(const char *path);

/* run.c: the command that the boot asked for, if any: runs it, logs its status and shuts down. */
bool run_requested(void);
void run_command(void) __attribute__((noreturn));

/* shutdown.c: end every process, write back, unmount, and do what reboot(2)'s `how` says. */
void shut_down(int how) __attribute__((noreturn));
