/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diagnose.c - `sysscope diagnose`: watches for some seconds, runs the rules over what it saw, and says what is wrong, who did it,
 * and what to do. Takes a snapshot at least every ten seconds, so that containers that end meanwhile are seen, and a trend is one.
 * Or does the same with a span of a recording.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/past/chosen.h"
#include "cli/run.h"
#include "cli/verbs.h"
#include "diagnose/judge.h"
#include "exporters/findings/findings.h"
#include "kernel/loader.h"
#include "past/span.h"
#include "record/when.h"
#include "view/match.h"

/* Seconds between snapshots: twenty in a watch show how something grows, within what is cheap and misses nothing. */
#define SNAPSHOT_LEAST 1
#define SNAPSHOT_MOST  10
#define SNAPSHOTS      20
#define WATCH_LEAST    0.1 /* seconds; in less than that a share of the time says nothing */

#define WATCH_USUAL 10.0
/* Of a recording, without being told. */
#define PAST_USUAL 900.0

struct diagnose {
	double seconds;
	struct past_choice past;
	bool json, list, all;
	const char *fail_on;
	struct option_list names, rules, settings;
	struct match_choice containers;
	struct diagnosis_options options;
	struct window window;
	struct diagnosis diagnosis;
};

/* ---- the command line ---- */

static int setting_refused(const char *option, struct buf *message)
{
	log_error("%s: %s", option, message->data ?: "out of memory");
	return EXIT_USAGE;
}

static int options_take(struct diagnose *d)
{
	_cleanup_buf_ struct buf message = {};
	uint64_t chosen = 0;

	diagnosis_options_init(&d->options);
	for (size_t i = 0; i < d->rules.n; i++) {
		int rule = rule_find(d->rules.values[i], &message);

		if (rule < 0)
			return setting_refused("--rule", &message);
		chosen |= 1ULL << rule;
	}
	for (size_t i = 0; i < d->settings.n; i++)
		if (threshold_set(&d->options, d->settings.values[i], &message) < 0)
			return setting_refused("--set", &message);
	d->options.recorded = chosen_given(&d->past);
	if (d->options.recorded && (d->seconds < WATCH_USUAL || d->seconds > WATCH_USUAL)) {
		log_usage("sysscope diagnose: --for watches what happens; of a recording it is --last, or --from and "
			  "--to");
		return EXIT_USAGE;
	}
	if (chosen)
		d->options.rules = chosen;
	else if (d->list || chosen_given(&d->past) || d->seconds >= d->options.thresholds[UNUSED_PRIVILEGE_SECONDS])
		d->options.rules |= 1ULL << RULE_UNUSED_PRIVILEGE;
	return RUN_CONTINUE;
}

static int rules_list(const struct diagnose *d)
{
	_cleanup_buf_ struct buf out = {};

	for (size_t i = 0; i < RULES; i++) {
		if (!(d->options.rules & 1ULL << i))
			continue;
		buf_printf(&out, "%s%s\n", out.len ? "\n" : "", rules[i].name);
		findings_wrap(&out, "", 2, rules[i].what);
		if (*rules[i].needs)
			buf_printf(&out, "  needs collector%s %s\n", strchr(rules[i].needs, ' ') ? "s" : "",
				   rules[i].needs);
		for (size_t t = 0; t < THRESHOLDS; t++) {
			if (thresholds[t].rule != i)
				continue;
			/* As --set reads it. */
			buf_printf(&out, "    %s=%.15g\n", thresholds[t].name, d->options.thresholds[t]);
			findings_wrap(&out, "", 6, thresholds[t].why);
		}
	}
	return run_end(out.failed ? -ENOMEM : run_write(&out));
}

/* ---- watching ---- */

/* -ENOTUNIQ, with a line on stderr: a name fits several containers. */
static int names_look(struct diagnose *d, const struct snapshot *s)
{
	if (match_choice_look(&d->containers, s) != -ENOTUNIQ)
		return 0;
	log_error("%s", d->containers.message.data);
	return -ENOTUNIQ;
}

/* When the next snapshot is due; the last two are not closer to each other than others are. */
static uint64_t snapshot_due(const struct diagnose *d, uint64_t now_ns, uint64_t end_ns)
{
	double seconds = d->seconds / SNAPSHOTS;
	uint64_t step_ns;

	seconds = seconds < SNAPSHOT_LEAST ? SNAPSHOT_LEAST : seconds > SNAPSHOT_MOST ? SNAPSHOT_MOST : seconds;
	step_ns = (uint64_t)(seconds * 1e9);
	return now_ns + step_ns + step_ns / 2 < end_ns ? now_ns + step_ns : end_ns;
}

/*
 * Until the time is over or a signal comes; the latest snapshot is *ret then. None, or only the first one, has been taken if a
 * signal came before the watch began.
 */
static int window_watch(const struct run *run, struct diagnose *d, const struct snapshot **ret)
{
	uint64_t end_ns, now_ns;
	int r = 0;

	*ret = run_stopped() ? NULL : run->source->next(run->source->ctx, &r);
	if (!*ret || run_stopped())
		return r;
	r = names_look(d, *ret);
	r = r ?: watch_begin(&d->window, *ret);
	now_ns = clock_boot_ns();
	end_ns = now_ns + (uint64_t)(d->seconds * 1e9);
	if (r == 0)
		log_info("watching for %g s", d->seconds);
	for (; r == 0 && now_ns < end_ns && !run_stopped(); now_ns = clock_boot_ns()) {
		r = run_wait(run, snapshot_due(d, now_ns, end_ns));
		/* After a signal, too: what was watched is judged. */
		*ret = r < 0 ? NULL : run->source->next(run->source->ctx, &r);
		r = *ret ? names_look(d, *ret) : r;
		r = *ret && r == 0 ? window_note(&d->window, *ret) : r;
		if (!*ret)
			break;
	}
	return r;
}

/* After a signal came too early: nobody shall take it for a watch that found nothing. */
static int unwatched_end(const struct diagnose *d)
{
	log_warning("ended by a signal before it had watched for %g s: nothing was judged", WATCH_LEAST);
	return d->fail_on ? EXIT_FAILED : EXIT_DONE;
}

static int severity_limit(const struct diagnose *d)
{
	for (int i = 0; d->fail_on && i < FINDING_SEVERITIES; i++)
		if (strcmp(d->fail_on, finding_severity_names[i]) == 0)
			return i;
	return FINDING_SEVERITIES;
}

static int findings_print(const struct diagnose *d, const struct findings *f, const struct snapshot *s)
{
	_cleanup_buf_ struct buf out = {};
	int r = d->json ? findings_json(&out, f, s) : findings_text(&out, f, s, d->all);

	r = r < 0 ? r : run_write(&out);
	if (r == 0)
		for (size_t i = 0; i < f->n; i++)
			if ((int)f->all[i].severity >= severity_limit(d))
				return EXIT_FOUND;
	return run_end(r);
}

static int diagnose_run(const struct run *run, struct diagnose *d)
{
	const struct snapshot *s = NULL;
	int r;

	match_choice_init(&d->containers, d->names.values, d->names.n);
	r = window_watch(run, d, &s);
	if (r == -ENOTUNIQ)
		return EXIT_FAILED;
	if (r < 0)
		return run_end(r);
	if (!s || !d->window.began || (s->time - d->window.began < WATCH_LEAST && run_stopped()))
		return unwatched_end(d);
	if (d->containers.message.len) {
		log_error("%s", d->containers.message.data);
		return EXIT_FAILED;
	}
	r = watch_end(&d->window, s);
	r = r ?: diagnosis_run(&d->diagnosis, &d->window, &d->options, &d->containers);
	return r < 0 ? run_end(r) : findings_print(d, &d->diagnosis.findings, s);
}

/* ---- a recording ---- */

static int span_end(const struct diagnose *d, const struct past_span *span, int r)
{
	if (r == 0 && d->containers.message.len) {
		log_error("%s", d->containers.message.data);
		return EXIT_FAILED;
	}
	switch (r) {
	case 0:
		return findings_print(d, &span->findings, span->last);
	case -ENOTUNIQ:
		log_error("%s", d->containers.message.data);
		return EXIT_FAILED;
	case -ENODATA:
		log_error("there are no two samples in this time that can be compared");
		return EXIT_FAILED;
	case -EINTR:
		log_warning("ended by a signal: nothing was judged");
		return d->fail_on ? EXIT_FAILED : EXIT_DONE;
	default:
		return run_end(r);
	}
}

static int diagnose_past(struct diagnose *d)
{
	struct span_choice choice = {.options = &d->options, .containers = &d->containers, .stop = run_stop_flag()};
	_cleanup_buf_ struct buf damage = {}, path = {};
	struct replay *replay = NULL;
	struct past_span span = {};
	int r;

	d->past.usual = PAST_USUAL;
	match_choice_init(&d->containers, d->names.values, d->names.n);
	r = chosen_open("diagnose", &d->past, &path, &replay, &choice.from, &choice.to);
	if (r == -ENODATA) {
		log_error("nobody records on this machine: --replay DIR names a recording");
		r = EXIT_FAILED;
	}
	d->options.recording = path.data;
	if (r == RUN_CONTINUE)
		r = span_end(d, &span, span_judge(&span, replay, &choice));
	if (replay && replay_damage_text(replay, &damage))
		log_warning("%s", damage.data);
	span_free(&span);
	match_choice_free(&d->containers);
	replay_close(replay);
	return r;
}

static int diagnose_body(struct run *run)
{
	struct diagnose d = {.seconds = WATCH_USUAL};
	const struct option_row rows[] = {
		ROW_SECONDS("for", 'f', WATCH_LEAST, 86400, &d.seconds, "SECONDS", "time to watch"),
		ROW_LIST("container", 0, &d.names, "NAME",
			 "only findings about this container, service or session, done by it, or about the whole "
			 "machine"),
		ROW_LIST("rule", 0, &d.rules, "RULE", "only this rule"),
		ROW_LIST("set", 0, &d.settings, "RULE.THRESHOLD=VALUE", "another threshold"),
		ROW_FLAG("list-rules", 0, &d.list, "print the rules with their thresholds, and end"),
		ROW_CHOICE("fail-on", 0, "notice|warning|critical", &d.fail_on, "SEVERITY",
			   "exit with 4 if there is a finding of this severity or a worse one; 1 is a failure"),
		ROW_FLAG("json", 0, &d.json, "one JSON object"),
		ROW_FLAG("all", 0, &d.all, "each finding in full; else of many that are alike the worst three"),
		PAST_ROW_REPLAY(&d.past),
		PAST_ROW_LAST(&d.past),
		ROW_STRING("from", 0, &d.past.from, "TIME", "from this time on: " WHEN_FORMS " (before its end)"),
		ROW_STRING("to", 0, &d.past.to, "TIME", "up to this time"),
	};
	int r = run_parse(run, rows, ARRAY_SIZE(rows));

	if (r == RUN_CONTINUE)
		r = options_take(&d);
	if (r != RUN_CONTINUE)
		return r;
	if (d.list)
		return rules_list(&d);
	if (d.options.recorded)
		return diagnose_past(&d);
	/* It costs something at each check, so only for a rule that will be able to judge. */
	if (d.options.rules & 1ULL << RULE_UNUSED_PRIVILEGE &&
	    d.seconds >= d.options.thresholds[UNUSED_PRIVILEGE_SECONDS])
		run->pipeline.requested = 1U << COLLECTOR_CAPABILITIES;
	run->pipeline.loops_wanted = true;
	r = run_open(run);
	if (r == RUN_CONTINUE)
		r = diagnose_run(run, &d);
	diagnosis_free(&d.diagnosis);
	window_free(&d.window);
	match_choice_free(&d.containers);
	return r;
}

const struct verb verb_diagnose = {
	.name = "diagnose",
	.summary = "what is wrong, who did it, and what to do",
	.about = "Watches for some seconds and says what is wrong, worst first: the cause, the evidence, what it is "
		 "not, and "
		 "what to do. With --replay, --last or --from it judges a recording instead: its last 15 minutes, or "
		 "the "
		 "time that is given, as a whole and in windows of 10 to 20 seconds, and says when each thing was so.",
	.examples = "  sysscope diagnose\n"
		    "  sysscope diagnose --for 60 --container web-1\n"
		    "  sysscope diagnose --rule cpu_neighbour --set cpu_neighbour.lost_ratio=0.1\n"
		    "  sysscope diagnose --last 15m\n"
		    "  sysscope diagnose --replay /var/lib/sysscope --from 10:40 --to 10:45\n"
		    "  sysscope diagnose --json --fail-on warning | jq -r '.findings[].headline'\n",
	.shares = VERB_COLLECTORS | VERB_DOCKER_ROOTS,
	.body = diagnose_body,
};
