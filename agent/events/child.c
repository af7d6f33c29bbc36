/* SPDX-License-Identifier: GPL-2.0-or-later */
/* child.c - see child.h. */
#include "events/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The same as a shell's. */
#define EXIT_NO_COMMAND	 127
#define EXIT_NOT_STARTED 126

static void command_run(const struct command *c, int go)
{
	char byte;

	if (read(go, &byte, 1) != 1)
		_exit(EXIT_NOT_STARTED);
	signal(SIGPIPE, SIG_DFL);
	execvp(c->argv[0], c->argv);
	fprintf(stderr, "sysscope: %s: %s\n", c->argv[0], strerror(errno));
	_exit(errno == ENOENT ? EXIT_NO_COMMAND : EXIT_NOT_STARTED);
}

int command_start(struct command *c)
{
	int go[2];
	pid_t pid;

	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		int r = -errno;

		close(go[0]);
		close(go[1]);
		return r;
	}
	if (pid == 0) {
		close(go[1]);
		command_run(c, go[0]);
	}
	close(go[0]);
	c->pid = pid;
	c->go_fd = go[1];
	/* Without a pidfd (before 5.3) the end is noticed a little later. */
	c->ended_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	return 0;
}

void command_go(struct command *c)
{
	if (c->go_fd >= 0 && write(c->go_fd, "", 1) == 1)
		command_cancel(c);
}

void command_cancel(struct command *c)
{
	if (c->go_fd >= 0)
		close(c->go_fd);
	c->go_fd = -1;
}

bool command_runs(const struct command *c)
{
	return c->pid > 0;
}

bool command_ended(struct command *c, bool wait)
{
	int status;

	if (c->pid <= 0 || waitpid(c->pid, &status, wait ? 0 : WNOHANG) != c->pid)
		return false;
	c->pid = 0;
	c->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return true;
}

void command_signal(const struct command *c, int signal)
{
	if (c->pid > 0 && signal != SIGINT)
		kill(c->pid, signal);
}

void command_close(struct command *c)
{
	command_cancel(c);
	if (c->ended_fd >= 0)
		close(c->ended_fd);
	c->ended_fd = -1;
}
