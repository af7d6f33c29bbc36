/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_epoll_idle.c - the tracepoints of event loops are attached when somebody looks at loops, and taken off when nobody has for
 * a while (here: a nanosecond). What a loop does meanwhile is in no counter, no counter goes back, and the iteration that it
 * was in when it was let go, or when it is watched again, is none.
 */
#include <sys/eventfd.h>

#include "lib/loop_test.h"

#define NAME	"idler"
#define WATCHED 11
#define UNSEEN	13
#define AGAIN	17

/* For each order waits so often as it says, each time for one event; between orders it reads a pipe. */
static void obeys(void *ctx)
{
	struct epoll_event event = {.events = EPOLLIN}, ready;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	unsigned char n;

	(void)ctx;
	prctl(PR_SET_NAME, NAME);
	epoll_ctl(epoll, EPOLL_CTL_ADD, eventfd(1, 0), &event);
	for (;;) {
		if (read(to_child[0], &n, 1) != 1)
			_exit(1);
		while (n--)
			if (epoll_wait(epoll, &ready, 1, -1) != 1)
				_exit(1);
		tell(from_child[1]);
	}
}

static void order(unsigned char waits)
{
	if (write(to_child[1], &waits, 1) != 1)
		exit(1);
	hear(from_child[0]);
}

/* How many descriptors of perf events this process has: tracepoints that are attached. */
static int attached(void)
{
	char path[64], target[64];
	int n = 0;

	for (int fd = 0; fd < 1024; fd++) {
		ssize_t length;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		length = readlink(path, target, sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = '\0';
		n += strstr(target, "perf_event") != NULL;
	}
	return n;
}

static void look(void)
{
	const struct snapshot_source *source = pipeline_source(test_pipeline);

	source->loops(source->ctx);
}

static void turns(const char *home)
{
	const struct snapshot *s;
	const struct loop_row *l;
	pid_t pid;

	check(attached() == 0, "nothing is attached before somebody looks: %d", attached());
	pid = loop_start(home, obeys, NULL);
	order(1); /* it runs, and has its name */
	look();
	check(attached() > 0, "somebody looks: tracepoints are attached: %d", attached());
	order(WATCHED);
	/* Nobody has looked for longer than a nanosecond: this is the last one. */
	s = snapshot_take();
	check_equal("watched: events", group_value(s, home, NAME, GROUP_LOOP_EVENTS), WATCHED);
	check_equal("watched: iterations", group_value(s, home, NAME, GROUP_LOOP_ITERATIONS), WATCHED - 1);
	check(attached() == 0, "nobody looks any more: they are taken off: %d", attached());
	order(UNSEEN);
	s = snapshot_take();
	l = loop_find(s, pid);
	check(!l || value_absent(l->v[LOOP_ITERATIONS]), "not watched: its iterations are not known");
	check(value_absent(group_value(s, home, NAME, GROUP_LOOP_ITERATIONS)), "nor are those of its group");
	look();
	check(attached() > 0, "somebody looks again: tracepoints are attached: %d", attached());
	order(AGAIN);
	s = snapshot_take();
	check_equal("again: events", group_value(s, home, NAME, GROUP_LOOP_EVENTS), WATCHED + AGAIN);
	check_equal("again: iterations, without those that were cut", group_value(s, home, NAME, GROUP_LOOP_ITERATIONS),
		    WATCHED - 1 + AGAIN - 1);
	check_equal("the histogram has as many", group_value(s, home, NAME, GROUP_LOOP_COUNT), WATCHED - 1 + AGAIN - 1);
	loop_end(pid);
}

int main(void)
{
	struct pipeline_options o;
	const char *home;

	pipeline_options_init(&o);
	o.epoll_hook = "tracepoint";
	o.loops_idle_ns = 1;
	pipeline_start_with(&o);
	if (strcmp(pipeline_hook(test_pipeline, "epoll"), "tracepoint") != 0) {
		printf("ok 1 # SKIP %s\n1..1\n", pipeline_hook_reason(test_pipeline, "epoll"));
		pipeline_close(test_pipeline);
		return 0;
	}
	home = cgroup_make("idle");
	turns(home);
	return test_finish();
}
