/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop_test.c - see loop_test.h. Linked into the tests of event loops.
 */
#include "loop_test.h"

int to_child[2], from_child[2];

const struct loop_row *loop_find(const struct snapshot *s, pid_t pid)
{
	for (size_t i = 0; i < s->n_loops; i++)
		if (s->processes[s->loops[i].process].pid == (uint32_t)pid)
			return &s->loops[i];
	return NULL;
}

double group_value(const struct snapshot *s, const char *home, const char *name, int metric)
{
	for (size_t i = 0; i < s->n_groups; i++)
		if (strcmp(s->containers[s->groups[i].container].cgroup, home) == 0 &&
		    strcmp(s->groups[i].comm, name) == 0)
			return s->groups[i].v[metric];
	return VALUE_ABSENT;
}

void tell(int fd)
{
	char c = 'x';

	if (write(fd, &c, 1) != 1)
		_exit(1);
}

void hear(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		_exit(1);
}

pid_t loop_start(const char *home, void (*work)(void *ctx), void *ctx)
{
	if (pipe(to_child) < 0 || pipe(from_child) < 0)
		exit(1);
	return run_in(home, work, ctx);
}

void loop_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 2; i++) {
		close(to_child[i]);
		close(from_child[i]);
	}
}

bool loops_start(const char *hook)
{
	const struct snapshot *s;
	struct pipeline_options o;
	bool there = false;

	setvbuf(stdout, NULL, _IOLBF, 0);
	pipeline_options_init(&o);
	o.epoll_hook = hook;
	pipeline_start_with(&o);
	s = snapshot_take();
	for (size_t i = 0; i < s->n_collectors; i++)
		there |= strcmp(s->collectors[i].name, "epoll") == 0 && s->collectors[i].ok;
	if (there && !pipeline_sample(test_pipeline)->loops_by_sleep)
		return true;
	if (hook)
		check(false, "epoll can be hooked by %s", hook);
	else
		printf("ok %d - # SKIP epoll cannot be hooked on this kernel\n", ++test_number);
	return false;
}
