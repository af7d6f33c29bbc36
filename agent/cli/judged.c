/* SPDX-License-Identifier: GPL-2.0-or-later */
/* judged.c - see judged.h. */
#include "cli/judged.h"

#define FORGET_NS (900 * 1000000000ULL)

/* The snapshot with what was found in it. Without memory for that it has no findings. */
static const struct snapshot *snapshot_judge(struct judged_source *j, const struct snapshot *s)
{
	if (!s || !j->wanted)
		return s;
	j->latest = *s;
	j->latest.findings = watch_note(&j->watch, s) < 0 ? NULL : watch_findings(&j->watch);
	return &j->latest;
}

static const struct snapshot *judged_next(void *ctx, int *ret_error)
{
	struct judged_source *j = ctx;

	return snapshot_judge(j, j->inner->next(j->inner->ctx, ret_error));
}

static void judged_published(void *ctx)
{
	struct judged_source *j = ctx;

	j->inner->published(j->inner->ctx);
}

static void judged_idle(void *ctx, const struct snapshot **latest)
{
	static const struct snapshot unchanged;
	struct judged_source *j = ctx;
	const struct snapshot *s = &unchanged;

	j->inner->idle(j->inner->ctx, &s);
	if (s == &unchanged)
		return;
	if (s && j->wanted && !j->idle_too)
		watch_glance(&j->watch, s);
	*latest = j->idle_too ? snapshot_judge(j, s) : s;
}

static void judged_rest(void *ctx)
{
	struct judged_source *j = ctx;

	if (j->inner->rest)
		j->inner->rest(j->inner->ctx);
	if (j->wanted && clock_boot_ns() - j->asked_ns > FORGET_NS) {
		j->wanted = false;
		watch_forget(&j->watch);
	}
}

static void judged_watch(void *ctx, uint32_t pid, uint64_t start_ns)
{
	struct judged_source *j = ctx;

	if (j->inner->watch)
		j->inner->watch(j->inner->ctx, pid, start_ns);
}

static void judged_loops(void *ctx)
{
	struct judged_source *j = ctx;

	if (j->inner->loops)
		j->inner->loops(j->inner->ctx);
}

static void judged_look(void *ctx, uint32_t what)
{
	struct judged_source *j = ctx;

	if (j->inner->look)
		j->inner->look(j->inner->ctx, what);
}

static void judged_judge(void *ctx, bool wanted)
{
	struct judged_source *j = ctx;

	if (j->wanted && !wanted)
		watch_forget(&j->watch);
	j->wanted = wanted;
	j->asked_ns = clock_boot_ns();
}

const struct snapshot_source *judged_source_open(struct judged_source *j, const struct snapshot_source *inner,
						 bool idle_too)
{
	struct diagnosis_options options;

	diagnosis_options_init(&options);
	watch_init(&j->watch, &options);
	j->inner = inner;
	j->idle_too = idle_too;
	j->outer = (struct snapshot_source){
		.next = judged_next,
		.published = judged_published,
		.idle = judged_idle,
		.rest = judged_rest,
		.fd = inner->fd,
		.ctx = j,
		.watch = judged_watch,
		.judge = judged_judge,
		.loops = judged_loops,
		.look = judged_look,
	};
	return &j->outer;
}

void judged_source_close(struct judged_source *j)
{
	watch_forget(&j->watch);
}
