/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loader_ways.c - which of its alternatives (collectors.c) each collector uses, and why not a better one. */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "kernel/loader_internal.h"

const struct alternative *loader_way(const struct loader *l, enum collector c)
{
	return l->state[c].way < 0 ? NULL : &collectors[c].ways[l->state[c].way];
}

bool loader_breaks(const struct loader *l, enum collector c, const char *how)
{
	const char *asked = l->options.break_collector;
	size_t length = strlen(collectors[c].name);

	return asked && strncmp(asked, collectors[c].name, length) == 0 && strcmp(asked + length, how) == 0;
}

/* Records that this alternative is unavailable, with the reason in `reason`. */
static void way_tried(struct loader *l, enum collector c, int way)
{
	struct buf *tried = &l->state[c].tried;

	buf_printf(tried, "%s%s: %s", tried->len ? "\n" : "", collectors[c].ways[way].hook, l->state[c].reason);
}

/* Whether another collector or state that this alternative depends on is missing, and why. */
static bool way_lacks_others(const struct loader *l, enum collector c, const struct alternative *w, char *why,
			     size_t size)
{
	const char *needed = c == COLLECTOR_NAMESPACES ? "sched or lifecycle" : "sched";

	if (w->needs_task_storage && !l->task_storage)
		snprintf(why, size, "%s",
			 l->kernel->task_storage
				 ? "it needs task-local state, and the iterator that creates it is not loaded"
				 : "this kernel has no task storage for tracing programs (since 5.11)");
	else if (w->needs_current_task && !l->kernel->task_storage)
		snprintf(why, size, "this kernel has neither task storage nor bpf_get_current_task_btf (since 5.11)");
	else if (w->programs_of_tcp && l->state[COLLECTOR_TCP].way < 0)
		snprintf(why, size, "it needs the collector tcp");
	else if (!w->programs[0] && !w->programs_of_tcp && l->state[COLLECTOR_SCHED].way < 0 &&
		 (c != COLLECTOR_NAMESPACES || l->state[COLLECTOR_LIFECYCLE].way < 0))
		snprintf(why, size, "it needs the collector %s", needed);
	else if (c == COLLECTOR_BIRTHS &&
		 (l->state[COLLECTOR_LIFECYCLE].way < 0 || l->state[COLLECTOR_CGROUPS].way < 0))
		snprintf(why, size, "it needs the collectors lifecycle and cgroups");
	else
		return (w->only_without_task_storage && l->task_storage) ||
		       (w->only_carrying_v2 && l->options.cgroup_v1);
	return true;
}

/* Whether the kernel lacks one of its hooks, and why. */
static bool way_lacks_hook(const struct loader *l, enum collector c, const struct alternative *w, char *why,
			   size_t size)
{
	bool broken = loader_breaks(l, c, "");

	if (w->at_cgroup_root && (broken || !l->options.cgroup_v2_root)) {
		snprintf(why, size, "the v2 cgroup hierarchy is not mounted, or only a part of it");
		return true;
	}
	for (int t = 0; t < MAX_PROGRAMS && w->tracepoints[t]; t++) {
		const char *name = broken ? "sysscope_test_no_such_hook" : w->tracepoints[t];

		if (kernel_has_tracepoint(l->kernel, name))
			continue;
		snprintf(why, size, "this kernel has no tracepoint %s", name);
		return true;
	}
	for (size_t f = 0; f < ARRAY_SIZE(w->functions) && w->functions[f]; f++) {
		const char *name = broken ? "sysscope_test_no_such_hook" : w->functions[f];

		if (kernel_has_function(l->kernel, name))
			continue;
		snprintf(why, size, "this kernel has no function %s", name);
		return true;
	}
	if ((strcmp(w->hook, "fentry") == 0 || strcmp(w->hook, "fexit") == 0) && l->kernel->fentry_error) {
		snprintf(why, size, "the kernel refuses to attach such programs: %s",
			 strerror(l->kernel->fentry_error));
		return true;
	}
	if (strcmp(w->hook, "kprobe") == 0 && l->kernel->kprobe_error) {
		snprintf(why, size, "this kernel has no kprobes");
		return true;
	}
	return broken && (w->events[0] || !w->programs[0]);
}

int loader_way_choose(struct loader *l, enum collector c, int from)
{
	char *reason = l->state[c].reason;
	size_t size = sizeof(l->state[c].reason);

	for (int i = from; i < MAX_ALTERNATIVES && collectors[c].ways[i].hook; i++) {
		const struct alternative *w = &collectors[c].ways[i];

		if (c == COLLECTOR_EPOLL && l->options.epoll_hook && strcmp(l->options.epoll_hook, w->hook) != 0)
			continue;
		if (way_lacks_others(l, c, w, reason, size))
			continue;
		if (way_lacks_hook(l, c, w, reason, size)) {
			way_tried(l, c, i);
			continue;
		}
		snprintf(reason, size, "%s", w->lacks);
		return i;
	}
	return -1;
}

void loader_way_next(struct loader *l, enum collector c)
{
	char said[sizeof(l->state[c].reason)];

	memcpy(said, l->state[c].reason, sizeof(said));
	way_tried(l, c, l->state[c].way);
	l->state[c].way = loader_way_choose(l, c, l->state[c].way + 1);
	if (l->state[c].way < 0)
		memcpy(l->state[c].reason, said, sizeof(said));
}

void loader_ways_review(struct loader *l)
{
	for (int c = 0; c < COLLECTORS; c++)
		if (l->state[c].way >= 0)
			l->state[c].way = loader_way_choose(l, c, l->state[c].way);
}
