/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_facts_unhurried.c - facts that nobody is in a hurry for do not wake the agent one by one: births and exits of 7 processes
 * leave the ring unreadable, a new cgroup makes it readable, and so do births and exits that fill an eighth of it.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/kernel_test.h"
#include "sysscope/abi/fact.h"
#include "sysscope/sample.h"

#define PROCESSES  7
#define RING_BYTES (256u << 10)
#define TRIES	   40
/* A fact has no less than its head. */
#define BYTES_LEAST 64

static pid_t pids[PROCESSES];
static unsigned int exits, urgent, exits_before_urgent;

static void fact_hear(void *ctx, const struct ss_fact *f, const struct identity *who, const char *path)
{
	(void)ctx;
	(void)who;
	(void)path;
	if (SS_FACTS_ALWAYS >> f->kind & 1) {
		urgent++;
		exits_before_urgent = exits;
	}
	for (unsigned int i = 0; f->kind == SS_FACT_EXIT && i < PROCESSES; i++)
		exits += (pid_t)f->tgid == pids[i];
}

static pid_t child_run(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

static bool readable(const struct snapshot_source *source, int ms)
{
	struct pollfd p = {.fd = source->fd, .events = POLLIN};

	return poll(&p, 1, ms) > 0 && p.revents & POLLIN;
}

static void facts_take_all(const struct snapshot_source *source)
{
	const struct snapshot *latest = NULL;

	source->idle(source->ctx, &latest);
}

/* Others of the machine may make cgroups meanwhile, which are urgent, or processes while the ring is emptied: then again. */
static bool few_wake_nobody(const struct snapshot_source *source)
{
	for (int try = 0; try < TRIES; try++) {
		facts_take_all(source);
		/* What made it readable once is looked at once more. */
		readable(source, 0);
		exits = urgent = 0;
		for (int i = 0; i < PROCESSES; i++)
			pids[i] = child_run();
		if (!readable(source, 300))
			return true;
	}
	return false;
}

int main(void)
{
	const struct snapshot_source *source;
	struct pipeline_options options;
	unsigned int made = 0;

	pipeline_options_init(&options);
	options.facts = options.facts_unhurried = 1u << SS_FACT_PROCESS_START | 1u << SS_FACT_EXEC | 1u << SS_FACT_EXIT;
	options.ring_bytes = RING_BYTES;
	options.subscriber.take = fact_hear;
	pipeline_start_with(&options);
	snapshot_take();
	source = pipeline_source(test_pipeline);
	check(few_wake_nobody(source), "births and exits of %d processes wake nobody", PROCESSES);
	check(exits == 0, "and were not taken: heard %u exits, true is 0", exits);

	cgroup_make("unhurried");
	check(readable(source, 10000), "a new cgroup makes the ring readable");
	facts_take_all(source);
	check(urgent > 0, "it was heard");
	/* Without task-local state an exit is told when the dead are freed. */
	if (pipeline_hook(test_pipeline, "sched")[0])
		check(exits == PROCESSES && exits_before_urgent == PROCESSES,
		      "what had waited was heard before it: %u exits of %u, true is %d", exits_before_urgent, exits,
		      PROCESSES);

	for (; !readable(source, 0) && made < RING_BYTES / BYTES_LEAST; made++)
		child_run();
	check(readable(source, 10000), "the ring is readable after %u births and exits", made);
	return test_finish();
}
