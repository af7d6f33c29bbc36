/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capabilities.c - `sysscope capabilities`: watches for some seconds which capabilities each container uses and which
 * it is denied, and says what it could do without. Takes a snapshot a second, so that what lives shortly is not missed.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "exporters/capabilities/capabilities.h"
#include "kernel/loader.h"
#include "pipeline.h"
#include "view/expected.h"
#include "view/match.h"

#define SNAPSHOT_EVERY_NS 1000000000ULL

struct watch {
	double seconds;
	bool json;
	const char *container;
	struct pipeline_options pipeline;
	struct capability_report *reports;
	size_t n;
	double began, now; /* seconds since 1970, of the first and the latest snapshot */
	bool wanted_seen;
	uint64_t all, lost;
};

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

/* ---- one snapshot ---- */

static void report_free(struct capability_report *r)
{
	free(r->name);
	free(r->id);
	free(r->kind);
	free(r->runtime);
	free(r->cgroup);
}

static struct capability_report *report_get(struct watch *w, const struct snapshot *s, const struct container_row *c)
{
	struct capability_report *r, *more;
	double started = c->oldest_process ? s->processes[c->oldest_process - 1].start_time : -1;

	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->reports[i].cgroup, c->cgroup) == 0)
			return &w->reports[i];
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
	/* Until the command's end, unless it ends before. */
	r->before_seconds = started < 0 ? -1 : started < w->began ? w->began - started : 0;
	r->seconds = -(started > w->began ? started : w->began);
	return r;
}

/* Sums up the names: of one container the largest count is the latest. */
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
	} else if (c->foreign || (inside && namespace_transition_expected(c->comm, HOME_CONTAINER))) {
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
	return w->container ? container_matches(c, w->container) : strcmp(c->kind, "container") == 0;
}

static int snapshot_add(struct watch *w, const struct snapshot *s)
{
	bool *fresh = calloc(s->n_containers + 1, sizeof(*fresh));

	if (!fresh)
		return -ENOMEM;
	w->now = s->time;
	if (!w->began)
		w->began = s->time;
	w->all = s->capabilities_all ?: w->all;
	for (size_t i = 0; i < s->n_losses; i++)
		if (strcmp(s->losses[i].kind, "capability_lost") == 0)
			w->lost = s->losses[i].count;
	for (size_t i = 0; i < s->n_containers; i++) {
		const struct container_row *c = &s->containers[i];
		struct capability_report *r;

		if (!home_wanted(w, c))
			continue;
		w->wanted_seen = true;
		r = report_get(w, s, c);
		if (!r) {
			free(fresh);
			return -ENOMEM;
		}
		/* It was the runtime's before. */
		if (c->oldest_process && r->bounding != c->capabilities_bounding) {
			r->effective = r->permitted = 0;
			r->bounding = c->capabilities_bounding;
		}
		r->effective |= c->capabilities_effective;
		r->permitted |= c->capabilities_permitted;
		if (c->dead && !r->ended) {
			r->ended = true;
			r->seconds += s->time - c->dead_seconds;
		} else if (!c->dead && r->ended) { /* started again */
			r->ended = false;
			r->seconds -= s->time;
		}
	}
	/* The rows count since the beginning: each container that has some is counted anew. */
	for (size_t i = 0; i < s->n_checks; i++) {
		const struct container_row *c = &s->containers[s->checks[i].container];
		struct capability_report *r;

		if (!home_wanted(w, c))
			continue;
		r = report_get(w, s, c);
		if (!fresh[s->checks[i].container]) {
			fresh[s->checks[i].container] = true;
			memset(r->used, 0, sizeof(r->used));
			memset(r->runtime_used, 0, sizeof(r->runtime_used));
			memset(r->elsewhere_used, 0, sizeof(r->elsewhere_used));
			r->n_denials = 0;
		}
		check_add(r, c, &s->checks[i]);
	}
	free(fresh);
	return 0;
}

/* ---- the whole ---- */

static int watch_loop(struct watch *w, const struct snapshot_source *source)
{
	uint64_t now, end = 0;
	int r;

	for (;;) {
		const struct snapshot *s = source->next(source->ctx, &r);
		uint64_t due;

		if (!s)
			return r;
		if (!w->began) {
			/* Loading took its time. */
			end = clock_boot_ns() + (uint64_t)(w->seconds * 1e9);
			log_info("watching for %g s", w->seconds);
		}
		r = snapshot_add(w, s);
		now = clock_boot_ns();
		if (r < 0 || stop || now >= end)
			return r;
		due = now + SNAPSHOT_EVERY_NS < end ? now + SNAPSHOT_EVERY_NS : end;
		while (!stop && (now = clock_boot_ns()) < due) {
			struct pollfd fd = {.fd = source->fd, .events = POLLIN};

			if (poll(&fd, 1, (int)((due - now + 999999) / 1000000)) > 0)
				source->idle(source->ctx, &s);
		}
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
	if (r < 0 || out.failed)
		return -ENOMEM;
	fputs(out.data ? out.data : "", stdout);
	return fflush(stdout) == 0 ? 0 : -errno;
}

static int watch_run(struct watch *w, struct pipeline *p)
{
	int r;

	if (!pipeline_hook(p, "capabilities")[0]) {
		log_error("capability checks cannot be seen: %s", pipeline_hook_reason(p, "capabilities"));
		return EXIT_CANNOT;
	}
	r = watch_loop(w, pipeline_source(p));
	if (r >= 0 && w->container && !w->wanted_seen) {
		log_error("there is no container '%s'", w->container);
		return EXIT_FAILED;
	}
	if (r >= 0)
		r = watch_print(w, p);
	if (r == -EPIPE)
		return EXIT_DONE;
	if (r < 0)
		log_error("cannot go on: %s", strerror(-r));
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

int cmd_capabilities(int argc, char **argv)
{
	static const struct verb verb = {
		.name = "capabilities",
		.summary = "which capabilities containers use, are denied, and could do without",
		.examples = "  sysscope capabilities --for 60\n"
			    "  sysscope capabilities --for 300 --container web-1\n"
			    "  sysscope capabilities --json | jq -r '.containers[] | .name + \": \" + .docker'\n",
	};
	struct watch w = {.seconds = 10};
	const struct option_row rows[] = {
		{"for", 'f', OPTION_SECONDS, 0.1, 86400, NULL, &w.seconds, "SECONDS", "how long to watch"},
		{"container", 0, OPTION_STRING, 0, 0, NULL, &w.container, "NAME",
		 "only this one: a container's, service's or session's name, or the beginning of an id"},
		{"json", 0, OPTION_FLAG, 0, 0, NULL, &w.json, NULL, "one JSON object"},
		{"docker.data-root", 0, OPTION_STRING, 0, 0, NULL, &w.pipeline.docker_root, "DIR",
		 "a dockerd's --data-root, besides the usual one"},
	};
	struct sigaction action = {.sa_handler = on_signal};
	_cleanup_buf_ struct buf error = {};
	struct pipeline *p;
	int r;

	pipeline_options_init(&w.pipeline);
	w.pipeline.requested = 1u << COLLECTOR_CAPABILITIES;
	/* What nobody looks at here. */
	w.pipeline.disabled =
		1u << COLLECTOR_SCHED | 1u << COLLECTOR_EPOLL | 1u << COLLECTOR_NAMESPACES | 1u << COLLECTOR_SOCKETS;
	r = options_parse(&verb, rows, ARRAY_SIZE(rows), argc, argv, NULL);
	if (r)
		return r < 0 ? EXIT_USAGE : EXIT_DONE;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	r = pipeline_open(&p, &w.pipeline, &error);
	if (r < 0) {
		log_error("%s", error.data);
		return EXIT_CANNOT;
	}
	r = watch_run(&w, p);
	pipeline_close(p);
	for (size_t i = 0; i < w.n; i++)
		report_free(&w.reports[i]);
	free(w.reports);
	return r;
}
