/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * child.h - a command that begins only when the programs are attached that observe it. Used by `sysscope events --
 * COMMAND`.
 */
#ifndef SYSSCOPE_COMMAND_H
#define SYSSCOPE_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

struct command {
	char **argv;  /* NULL: none */
	pid_t pid;    /* 0: not started, or it has ended */
	int status;   /* after its end, as in a shell: 128 + signal */
	int ended_fd; /* pidfd, -1: none */
	int go_fd;    /* it begins when it reads a byte from the other end */
};

/* Forks: the process exists and waits for command_go. 0 or negative errno. */
int command_start(struct command *c);
void command_go(struct command *c);
/* The command will not be run if it has not begun yet. */
void command_cancel(struct command *c);

bool command_runs(const struct command *c);
/* Whether it has just ended. False with errno EINTR: a signal interrupted the wait. */
bool command_ended(struct command *c, bool wait);
/* Passes a signal on, except SIGINT, which the terminal sends to both. */
void command_signal(const struct command *c, int signal);
void command_close(struct command *c);

#endif
