/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recording.c - see recording.h. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "cli/serve/recording.h"
#include "events/feed.h"
#include "events/kept.h"

/* For a disk that does not answer at the end. */
#define RECORDING_END_NS (5 * 1000000000ULL)

/* One log line when the disk begins to refuse, and one when it no longer does. */
static void recording_noted(void *ctx)
{
	struct serve_recording *r = ctx;
	struct keeper_state state;

	keeper_look(r->keeper, &state);
	if (state.refusal && !r->refused)
		log_error("cannot record into '%s': %s; serving goes on, and each sample is tried again", r->path,
			  state.refusal);
	if (!state.refusal && r->refused)
		log_info("recording again; %llu samples were lost", (unsigned long long)(state.counts.lost - r->lost));
	if (!state.refusal)
		r->lost = state.counts.lost;
	r->refused = state.refusal != NULL;
}

static bool serving_event(void *ctx, const struct event *e)
{
	const struct serve_recording *r = ctx;

	return keeper_fact(r->keeper, e) == 0;
}

static void recording_passed(void *ctx, const struct snapshot *s)
{
	const struct serve_recording *r = ctx;

	if (r->events)
		kept_events_snapshot(r->events, r->run->live, s);
}

void recording_metrics(struct serve_recording *r, struct prometheus_recording *ret)
{
	struct keeper_state state;

	keeper_look(r->keeper, &state);
	*ret = (struct prometheus_recording){
		.active = state.records,
		.samples = (double)state.counts.samples,
		.lost_samples = (double)state.counts.lost,
		.written_bytes = (double)state.counts.bytes,
		.kept_bytes = (double)state.counts.kept_bytes,
		.oldest_time = state.counts.oldest_ns ? (double)state.counts.oldest_ns / 1e9 : VALUE_ABSENT,
		.errors = (double)state.errors,
		.events = r->events ? (double)state.counts.facts : VALUE_ABSENT,
		.lost_events = r->events ? (double)kept_events_lost(r->events, r->run->live) : VALUE_ABSENT,
	};
}

/* A folder that will never do is an error; a disk that will not do now is one that may do later. */
int recording_keep(struct serve_recording *r, struct run *run)
{
	_cleanup_buf_ struct buf error = {};
	struct store_options o = {.path = r->path,
				  .interval = r->interval,
				  .keep_bytes = r->keep_bytes,
				  .keep_seconds = r->keep_seconds,
				  .host = r->name.nodename,
				  .kernel = r->name.release,
				  .fact_kinds = r->no_events ? 0 : kept_events_own_kinds()};
	int error_code;

	if (!r->path)
		return RUN_CONTINUE;
	uname(&r->name);
	/* A limit on the size of files is a disk that is full. */
	signal(SIGXFSZ, SIG_IGN);
	if (keeper_open(&r->keeper, &o, &error) < 0) {
		log_error("cannot record into %s", error.data ?: "it");
		return EXIT_FAILED;
	}
	if (error.len) {
		log_error("cannot record into %s; serving goes on, and each sample is tried again", error.data);
		r->refused = true;
	}
	r->run = run;
	error_code = r->no_events ? 0 : kept_events_open(&r->events, serving_event, r, &run->pipeline);
	if (error_code < 0)
		return run_end(error_code);
	return RUN_CONTINUE;
}

void recording_end(struct serve_recording *r)
{
	struct keeper_state state;
	const struct store_counts *c = &state.counts;

	if (!r->keeper)
		return;
	if (r->source.inner)
		recorded_source_last(&r->source);
	recorded_source_close(&r->source);
	if (!keeper_close(r->keeper, RECORDING_END_NS, &state))
		log_warning("the disk does not answer: the end of the recording may be missing");
	log_info("recorded %llu samples in %.1f kB; %llu were lost", (unsigned long long)c->samples,
		 (double)c->bytes / 1e3, (unsigned long long)c->lost);
	if (r->events && r->run->live)
		log_info("recorded %llu events; %llu were lost", (unsigned long long)c->facts,
			 (unsigned long long)(kept_events_lost(r->events, r->run->live) + state.unwritten_events));
	r->keeper = NULL;
}

const struct snapshot_source *recording_source(struct serve_recording *r, const struct snapshot_source *source,
					       int *ret_error)
{
	r->source.noted = recording_noted;
	r->source.passed = recording_passed;
	r->source.ctx = r;
	*ret_error = recorded_source_open(&r->source, source, r->keeper, r->interval);
	if (*ret_error < 0)
		return NULL;
	if (!r->refused)
		log_info("recording every %g s", r->interval);
	return &r->source.outer;
}
