/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * child.h - a command that is started only once everything is ready to see it. Used by `sysscope events -- COMMAND`.
 */
#ifndef SYSSCOPE_COMMAND_H
#define SYSSCOPE_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

struct command {
	char **argv;  /* NULL: there is none */
	pid_t pid;    /* 0: not started, or it has ended */
	int status;   /* of what has ended, as a shell has it: 128 + signal */
	int ended_fd; /* pidfd, -1: none */
	int go_fd;    /* it begins when it reads a byte from the other end */
};

/* It is there, and its pid known, before it begins. 0 or negative errno. */
int command_start(struct command *c);
void command_go(struct command *c);
/* One that has not begun never will. */
void command_cancel(struct command *c);

bool command_runs(const struct command *c);
/* Whether it has just ended. False with errno EINTR: a signal came while it was waited for. */
bool command_ended(struct command *c, bool wait);
/* Passes it on; not what the terminal has sent it already. */
void command_signal(const struct command *c, int signal);
void command_close(struct command *c);

#endif
