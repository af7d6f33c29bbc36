/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tracefs.h - attaches programs to classic tracepoints, even if tracefs is not mounted. Used by the loader only.
 */
#ifndef SYSSCOPE_TRACEFS_H
#define SYSSCOPE_TRACEFS_H

struct bpf_link;
struct bpf_program;

/* A descriptor of its root, mounted for it alone if need be, or negative errno. */
int tracefs_open(void);
/* `root`: from tracefs_open, or the error. `event`: "syscalls/sys_enter_epoll_wait". NULL with errno set. */
struct bpf_link *tracefs_attach(int root, struct bpf_program *program, const char *event);

#endif
