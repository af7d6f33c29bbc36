/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record.c - `sysscope record`: takes a sample every few seconds and keeps it in a folder, until a signal comes. What a disk
 * refuses is counted and said; the next sample is tried again.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/log.h"
#include "base/units.h"
#include "cli/run.h"
#include "cli/verbs.h"
#include "events/feed.h"
#include "events/kept.h"
#include "exporters/json/json.h"
#include "record/recorder.h"

struct recording {
	const char *path;
	double interval, keep_seconds;
	uint64_t keep_bytes;
	bool json, loops, no_events;
	struct recorder *recorder;
	struct event_feed *events; /* NULL: none are recorded */
	uint64_t missed;	   /* samples that could not be taken */
	uint64_t lost_before;	   /* by the disk, when it began to refuse */
	bool refused, failing;
};

static int recording_parse(struct run *run, struct recording *r)
{
	const struct option_row rows[] = {
		ROW_SECONDS("interval", 'i', 0.1, 3600, &r->interval, "SECONDS", "time between two samples"),
		ROW_SIZE("keep", 1 << 20, 1e15, &r->keep_bytes, "how much is kept; the oldest goes first"),
		ROW_SPAN("keep-for", 60, 366.0 * 86400, &r->keep_seconds, "for how long it is kept"),
		ROW_FLAG("loops", 0, &r->loops,
			 "watch event loops also where that makes every system call slower (`sysscope doctor`)"),
		ROW_FLAG("no-events", 0, &r->no_events, "do not record what `sysscope events` shows"),
		ROW_FLAG("json", 'j', &r->json, "also print each sample, as `sysscope top --json` does"),
		ROW_PLACE("DIR", &r->path),
	};

	return run_parse(run, rows, ARRAY_SIZE(rows));
}

static int recording_open(struct recording *r)
{
	_cleanup_buf_ struct buf error = {};
	struct utsname name = {};
	struct store_options o = {.path = r->path,
				  .interval = r->interval,
				  .keep_bytes = r->keep_bytes,
				  .keep_seconds = r->keep_seconds,
				  .host = name.nodename,
				  .kernel = name.release,
				  .fact_kinds = r->no_events ? 0 : kept_events_own_kinds()};

	uname(&name);
	/* A limit on the size of files is a disk that is full. */
	signal(SIGXFSZ, SIG_IGN);
	if (recorder_open(&r->recorder, &o, &error) < 0) {
		log_error("cannot record into %s", error.data ?: "it");
		return EXIT_FAILED;
	}
	return RUN_CONTINUE;
}

static bool event_record(void *ctx, const struct event *e)
{
	return recorder_fact(ctx, e) == 0;
}

static int recording_events(struct run *run, struct recording *r)
{
	int error = r->no_events ? 0 : kept_events_open(&r->events, event_record, r->recorder, &run->pipeline);

	run->paced = true;
	return error < 0 ? run_end(error) : RUN_CONTINUE;
}

/* One line when the disk begins to refuse, and one when it no longer does. */
static void refusal_log(struct recording *r, int error)
{
	uint64_t lost = recorder_counts(r->recorder)->lost;

	if (error < 0 && !r->refused)
		log_error("cannot record: %s; trying again at each sample", strerror(-error));
	if (error == 0 && r->refused)
		log_info("recording again; %llu samples were lost", (unsigned long long)(lost - r->lost_before));
	if (error == 0)
		r->lost_before = lost;
	r->refused = error < 0;
}

/* NULL: it could not be taken, for this reason. */
static int snapshot_keep(const struct run *run, struct recording *r, const struct snapshot *s, int error)
{
	_cleanup_buf_ struct buf out = {};

	if (r->events)
		kept_events_snapshot(r->events, run->live, s);
	if (!s) {
		if (!r->failing)
			log_error("cannot take samples: %s", strerror(-error));
		r->failing = true;
		r->missed++;
		return 0;
	}
	if (r->failing)
		log_info("samples can be taken again");
	r->failing = false;
	refusal_log(r, recorder_note(r->recorder, s));
	if (!r->json)
		return 0;
	error = json_write_snapshot(&out, s, NULL);
	return error ?: run_write(&out);
}

static int sample_record(const struct run *run, struct recording *r)
{
	int error = 0;
	const struct snapshot *s = run->source->next(run->source->ctx, &error);

	return snapshot_keep(run, r, s, error);
}

/* One that was taken between two samples, since many processes have ended. */
static int sample_between(void *ctx, const struct run *run, const struct snapshot *s)
{
	return snapshot_keep(run, ctx, s, 0);
}

static int recording_loop(const struct run *run, struct recording *r)
{
	uint64_t step_ns = (uint64_t)(r->interval * 1e9), due_ns = clock_boot_ns();
	int error = 0;

	while (error == 0 && !run_stopped()) {
		uint64_t now_ns;

		error = sample_record(run, r);
		now_ns = clock_boot_ns();
		due_ns = due_ns + step_ns > now_ns ? due_ns + step_ns : now_ns + step_ns;
		error = error ?: run_wait(run, due_ns);
	}
	return error;
}

static void recording_sum(const struct run *run, struct recording *r)
{
	const struct store_counts *c = recorder_counts(r->recorder);
	uint64_t unwritten = 0;

	if (r->events) {
		run_idle(run);
		unwritten = recorder_flush(r->recorder);
	}
	log_info("recorded %llu samples in %.1f kB; %llu were lost", (unsigned long long)c->samples,
		 (double)c->bytes / 1e3, (unsigned long long)(c->lost + r->missed));
	if (r->events)
		log_info("recorded %llu events; %llu were lost", (unsigned long long)c->facts,
			 (unsigned long long)(kept_events_lost(r->events, run->live) + unwritten));
}

static int record_body(struct run *run)
{
	struct recording r = {
		.interval = RECORD_INTERVAL, .keep_bytes = RECORD_KEEP_BYTES, .keep_seconds = RECORD_KEEP_SECONDS};
	int code = recording_parse(run, &r);

	/* The folder first: if somebody else records into it, nothing needs to be loaded into the kernel. */
	if (code == RUN_CONTINUE)
		code = recording_open(&r);
	run->pipeline.loops_wanted = r.loops;
	if (code == RUN_CONTINUE)
		code = recording_events(run, &r);
	if (code == RUN_CONTINUE)
		code = run_open(run);
	if (code == RUN_CONTINUE) {
		log_info("recording every %g s", r.interval);
		run_confine(run, r.path);
		run->between = sample_between;
		run->between_ctx = &r;
		code = run_end(recording_loop(run, &r));
		recording_sum(run, &r);
	}
	run_close(run);
	event_feed_free(r.events);
	recorder_close(r.recorder);
	return code;
}

const struct verb verb_record = {
	.name = "record",
	.summary = "keeps what happens, for `--replay`",
	.about = "Takes a sample every few seconds and keeps it in a folder of its own, until SIGTERM or SIGINT.",
	.rest = "DIR",
	.examples = "  sysscope record /var/lib/sysscope\n"
		    "  sysscope record --interval 1 --keep 500M --keep-for 12h /var/lib/sysscope\n"
		    "  sysscope top --replay /var/lib/sysscope --at 10:42\n"
		    "  sysscope events --replay /var/lib/sysscope --from 10:40 --to 10:45\n",
	.shares = VERB_COLLECTORS | VERB_DOCKER_ROOTS | VERB_DAEMON | VERB_CONFINED,
	.body = record_body,
};
