/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capabilities.c - `sysscope capabilities`: watches for some seconds which capabilities each container uses and which it is
 * denied, and reports what it could do without. Takes a snapshot every second, so that short-lived containers are seen.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/run.h"
#include "cli/verbs.h"
#include "exporters/capabilities/capabilities.h"
#include "kernel/loader.h"
#include "view/expected.h"
#include "view/match.h"

#define SNAPSHOT_EVERY_NS 1000000000ULL

struct watch {
	double seconds;
	bool json;
	struct option_list names;
	struct match_choice containers;
	struct capability_report *reports;
	size_t n;
	double began, now; /* seconds since 1970, of the first and the latest snapshot */
	uint64_t all, lost;
};

/* ---- one snapshot ---- */

static void report_free(struct capability_report *r)
{
	free(r->name);
	free(r->id);
	free(r->kind);
	free(r->runtime);
	free(r->cgroup);
}

static struct capability_report *report_find(const struct watch *w, const struct container_row *c)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->reports[i].cgroup, c->cgroup) == 0)
			return &w->reports[i];
	return NULL;
}

static struct capability_report *report_get(struct watch *w, const struct snapshot *s, const struct container_row *c)
{
	struct capability_report *r = report_find(w, c), *more;
	double started = c->oldest_process ? s->processes[c->oldest_process - 1].start_time : -1;

	if (r)
		return r;
	more = reallocarray(w->reports, w->n + 1, sizeof(*more));
	if (!more)
		return NULL;
	w->reports = more;
	r = &w->reports[w->n++];
	*r = (struct capability_report){.name = strdup(c->name),
					.id = strdup(c->id),
					.kind = strdup(c->kind),
					.runtime = strdup(c->runtime),
					.cgroup = strdup(c->cgroup)};
	if (!r->name || !r->id || !r->kind || !r->runtime || !r->cgroup)
		return NULL;
	/* Minus the begin; the end is added when the container or the watch ends. */
	r->before_seconds = started < 0 ? -1 : started < w->began ? w->began - started : 0;
	r->seconds = -(started > w->began ? started : w->began);
	return r;
}

/* One row per capability and thread name, whichever user namespace the check was in. */
static void denial_add(struct capability_report *r, const struct check_row *c)
{
	for (size_t i = 0; i < r->n_denials; i++)
		if (r->denials[i].capability == c->capability && strcmp(r->denials[i].comm, c->comm) == 0) {
			r->denials[i].count += c->count;
			return;
		}
	if (r->n_denials == DENIALS_MAX) {
		r->denials_cut = true;
		return;
	}
	r->denials[r->n_denials] = (struct denial){.capability = c->capability, .count = c->count};
	memcpy(r->denials[r->n_denials++].comm, c->comm, sizeof(c->comm));
}

static void check_add(struct capability_report *r, const struct container_row *home, const struct check_row *c)
{
	bool inside = strcmp(home->kind, "container") == 0;

	if (home->user_namespace && c->user_namespace != home->user_namespace) {
		if (!c->denied)
			r->elsewhere_used[c->capability] += c->count;
	} else if (c->foreign || (inside && (c->early || runtime_named(c->comm, HOME_CONTAINER)))) {
		if (!c->denied)
			r->runtime_used[c->capability] += c->count;
	} else if (c->denied) {
		denial_add(r, c);
	} else {
		r->used[c->capability] += c->count;
	}
}

static bool home_wanted(const struct watch *w, const struct container_row *c)
{
	return w->containers.n ? match_choice_row(&w->containers, c) : strcmp(c->kind, "container") == 0;
}

/* Reports only grow: the container's state at this moment, and how long it has been watched. */
static int container_add(struct watch *w, const struct snapshot *s, const struct container_row *c)
{
	bool empty = strcmp(c->state, "empty") == 0;
	struct capability_report *r;

	/* A cgroup that a runtime forgot has nothing to say, unless somebody asked for it. */
	if (empty && !w->containers.n && !report_find(w, c))
		return 0;
	r = report_get(w, s, c);
	if (!r)
		return -ENOMEM;
	/* Another bounding set: the processes seen before were the runtime's. */
	if (c->oldest_process && r->bounding != c->capabilities_bounding) {
		r->effective = r->permitted = 0;
		r->bounding = c->capabilities_bounding;
	}
	r->effective |= c->capabilities_effective;
	r->permitted |= c->capabilities_permitted;
	if ((c->dead || empty) && !r->ended) {
		r->ended = true;
		r->seconds += s->time - c->dead_seconds;
	} else if (!c->dead && !empty && r->ended) { /* started again */
		r->ended = false;
		r->seconds -= s->time;
	}
	return 0;
}

static void report_clear(struct capability_report *r)
{
	memset(r->used, 0, sizeof(r->used));
	memset(r->runtime_used, 0, sizeof(r->runtime_used));
	memset(r->elsewhere_used, 0, sizeof(r->elsewhere_used));
	r->n_denials = 0;
}

/* A snapshot's rows are totals since the start: what a container's report had before is replaced. */
static int checks_add(struct watch *w, const struct snapshot *s)
{
	_cleanup_free_ bool *cleared = calloc(s->n_containers + 1, sizeof(*cleared));

	if (!cleared)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_checks; i++) {
		const struct container_row *c = &s->containers[s->checks[i].container];
		struct capability_report *r;

		if (!home_wanted(w, c))
			continue;
		r = report_get(w, s, c);
		if (!r)
			return -ENOMEM;
		if (!cleared[s->checks[i].container])
			report_clear(r);
		cleared[s->checks[i].container] = true;
		check_add(r, c, &s->checks[i]);
	}
	return 0;
}

/* -ENOTUNIQ, with a line on stderr: a name fits several containers. One that is missing may still start. */
static int watch_look(struct watch *w, const struct snapshot *s)
{
	int r = match_choice_look(&w->containers, s);

	if (r == -ENOTUNIQ)
		log_error("%s", w->containers.message.data);
	else if (r == -ENOENT && !w->began)
		log_warning("%s yet: waiting", w->containers.message.data);
	return r == -ENOTUNIQ ? r : 0;
}

static int snapshot_add(struct watch *w, const struct snapshot *s)
{
	int r = watch_look(w, s);

	if (r < 0)
		return r;
	w->now = s->time;
	if (!w->began)
		w->began = s->time;
	w->all = s->capabilities_all ?: w->all;
	for (size_t i = 0; i < s->n_losses; i++)
		if (strcmp(s->losses[i].kind, "capability_lost") == 0)
			w->lost = s->losses[i].count;
	for (size_t i = 0; i < s->n_containers && r == 0; i++)
		if (home_wanted(w, &s->containers[i]))
			r = container_add(w, s, &s->containers[i]);
	return r ?: checks_add(w, s);
}

/* ---- the verb ---- */

static int watch_loop(const struct run *run, struct watch *w)
{
	uint64_t now, end = 0;
	int r;

	for (;;) {
		const struct snapshot *s = run->source->next(run->source->ctx, &r);

		if (!s)
			return r;
		if (!w->began) {
			/* The time to watch begins now, after loading. */
			end = clock_boot_ns() + (uint64_t)(w->seconds * 1e9);
			log_info("watching for %g s", w->seconds);
		}
		r = snapshot_add(w, s);
		now = clock_boot_ns();
		if (r < 0 || run_stopped() || now >= end)
			return r;
		r = run_wait(run, now + SNAPSHOT_EVERY_NS < end ? now + SNAPSHOT_EVERY_NS : end);
		if (r < 0)
			return r;
	}
}

static int watch_print(struct watch *w, const struct pipeline *p)
{
	struct capability_watch said = {.seconds = w->now - w->began,
					.hook = pipeline_hook(p, "capabilities"),
					.lacks = pipeline_hook_reason(p, "capabilities"),
					.all = w->all,
					.lost = w->lost,
					.reports = w->reports,
					.n = w->n};
	_cleanup_buf_ struct buf out = {};
	int r = 0;

	for (size_t i = 0; i < w->n; i++)
		if (!w->reports[i].ended)
			w->reports[i].seconds += w->now;
	if (w->json)
		r = capabilities_write_json(&out, &said);
	else
		capabilities_write_text(&out, &said);
	return r < 0 || out.failed ? -ENOMEM : run_write(&out);
}

static int watch_run(const struct run *run, struct watch *w)
{
	int r;

	if (!pipeline_hook(run->live, "capabilities")[0]) {
		log_error("cannot watch capabilities: %s", pipeline_hook_reason(run->live, "capabilities"));
		return EXIT_CANNOT;
	}
	match_choice_init(&w->containers, w->names.values, w->names.n);
	r = watch_loop(run, w);
	if (r == -ENOTUNIQ)
		return EXIT_FAILED;
	if (r >= 0 && (w->n || !w->containers.n))
		r = watch_print(w, run->live);
	if (r >= 0 && w->containers.message.len) {
		log_error("%s", w->containers.message.data);
		return EXIT_FAILED;
	}
	return run_end(r);
}

static int capabilities_body(struct run *run)
{
	struct watch w = {.seconds = 10};
	const struct option_row rows[] = {
		ROW_SECONDS("for", 'f', 0.1, 86400, &w.seconds, "SECONDS", "time to watch"),
		ROW_LIST("container", 0, &w.names, "NAME",
			 "only this container, service or session: its name or the beginning of its id"),
		ROW_FLAG("json", 0, &w.json, "one JSON object"),
	};
	int r = run_parse(run, rows, ARRAY_SIZE(rows));

	if (r != RUN_CONTINUE)
		return r;
	run->pipeline.requested = 1u << COLLECTOR_CAPABILITIES;
	run->pipeline.unneeded = 1u << COLLECTOR_SCHED | 1u << COLLECTOR_EPOLL | 1u << COLLECTOR_NAMESPACES |
				 1u << COLLECTOR_SOCKETS | 1u << COLLECTOR_BIRTHS;
	r = run_open(run);
	if (r == RUN_CONTINUE)
		r = watch_run(run, &w);
	for (size_t i = 0; i < w.n; i++)
		report_free(&w.reports[i]);
	free(w.reports);
	match_choice_free(&w.containers);
	return r;
}

const struct verb verb_capabilities = {
	.name = "capabilities",
	.summary = "capabilities that containers use, are denied, or do not need",
	.about = "Watches for some seconds which capabilities containers use and which they are denied, then "
		 "reports what each could do without.",
	.examples = "  sysscope capabilities --for 60\n"
		    "  sysscope capabilities --for 300 --container web-1\n"
		    "  sysscope capabilities --json | jq -r '.containers[] | .name + \": \" + .docker'\n",
	.shares = VERB_DOCKER_ROOTS,
	.body = capabilities_body,
};
