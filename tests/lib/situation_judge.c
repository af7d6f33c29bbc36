/* SPDX-License-Identifier: GPL-2.0-or-later */
/* situation_judge.c - what the rules say of a situation, and what a test expects them to: see situation.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "exporters/findings/findings.h"
#include "situation.h"

/* A rule that reads a value that windows do not keep would never find anything. */
static void missed_check(const struct window_missed *missed)
{
	enum metric_scope scope = missed->kind == WINDOW_CONTAINERS  ? SCOPE_CONTAINER
				  : missed->kind == WINDOW_PROCESSES ? SCOPE_PROCESS
								     : SCOPE_GROUP;
	size_t n;

	if (missed->metric)
		fail_msg("a rule reads %s of a window: it needs a line in agent/diagnose/case/kept.def (kind %d)",
			 metric_table(scope, &n)[missed->metric - 1].id, missed->kind);
}

void situation_course(struct situation *s, bool process, uint32_t row, int metric,
		      const double values[SITUATION_SECONDS + 1])
{
	struct situation_course *c = &s->courses[s->n_courses++];

	assert_true(s->n_courses <= SITUATION_ROWS);
	*c = (struct situation_course){.process = process, .row = row, .metric = metric};
	memcpy(c->values, values, sizeof(c->values));
	for (int i = 0; i < 2; i++)
		(process ? s->processes[i][row].v : s->containers[i][row].v)[metric] =
			values[i ? SITUATION_SECONDS : 0];
}

static void between(double *v, const double *from, const double *to, size_t n, double share)
{
	for (size_t i = 0; i < n; i++)
		v[i] = from[i] + (to[i] - from[i]) * share;
}

/* The snapshots after each second. Averages over an interval are the same in all. */
static int seconds_note(struct situation *s)
{
	static const int averages[] = {CONTAINER_CPU_CORES, CONTAINER_THROTTLED_RATIO, CONTAINER_RUNNABLE};
	static struct container_row containers[SITUATION_ROWS];
	static struct process_row processes[SITUATION_ROWS];
	struct snapshot n = s->before;
	int r = 0;

	n.containers = containers;
	n.processes = processes;
	memcpy(n.v, s->now.v, sizeof(n.v));
	for (int second = 1; second < SITUATION_SECONDS && r == 0; second++) {
		n.sequence++;
		n.time = s->before.time + second;
		for (size_t i = 0; i < n.n_containers; i++) {
			containers[i] = s->containers[0][i];
			between(containers[i].v, s->containers[0][i].v, s->containers[1][i].v, CONTAINER_METRICS,
				second / (double)SITUATION_SECONDS);
			for (size_t a = 0; a < ARRAY_SIZE(averages); a++)
				containers[i].v[averages[a]] = s->containers[1][i].v[averages[a]];
		}
		for (size_t i = 0; i < n.n_processes; i++) {
			processes[i] = s->processes[0][i];
			between(processes[i].v, s->processes[0][i].v, s->processes[1][i].v, PROCESS_METRICS,
				second / (double)SITUATION_SECONDS);
		}
		for (size_t i = 0; i < s->n_courses; i++) {
			const struct situation_course *c = &s->courses[i];

			(c->process ? processes[c->row].v : containers[c->row].v)[c->metric] = c->values[second];
		}
		r = window_note(&s->window, &n);
	}
	return r;
}

void situation_watch(struct situation *s)
{
	assert_int_equal(watch_begin(&s->window, &s->before), 0);
	assert_int_equal(seconds_note(s), 0);
	assert_int_equal(watch_end(&s->window, &s->now), 0);
}

const struct findings *situation_judge(struct situation *s)
{
	struct window_missed missed = {};
	_cleanup_buf_ struct buf text = {};

	situation_hostile(s);
	diagnosis_free(&s->diagnosis);
	s->diagnosis = (struct diagnosis){};
	s->window.missed = &missed;
	situation_watch(s);
	assert_int_equal(diagnosis_run(&s->diagnosis, &s->window, &s->options, NULL), 0);
	s->window.missed = NULL;
	missed_check(&missed);
	if (getenv("SHOW_FINDINGS") && findings_text(&text, &s->diagnosis.findings, &s->now, true) == 0)
		print_message("%s\n", text.data);
	return &s->diagnosis.findings;
}

void expect_unjudged(const struct situation *s, const char *rule)
{
	const struct findings *f = &s->diagnosis.findings;

	for (size_t i = 0; i < f->n_unjudged; i++)
		if (strcmp(f->unjudged[i].rule, rule) == 0)
			return;
	fail_msg("%s could judge", rule);
}

void expect_nothing(struct situation *s)
{
	const struct findings *f = situation_judge(s);

	if (f->n)
		fail_msg("found %s of %s: %s", f->all[0].rule, f->all[0].container, f->all[0].headline);
}

const struct finding *expect_first(struct situation *s, const char *rule, const char *container, const char *culprit)
{
	const struct findings *f = situation_judge(s);

	if (!f->n)
		fail_msg("found nothing, true is %s of %s", rule, container);
	assert_string_equal(f->all[0].rule, rule);
	assert_string_equal(f->all[0].container, container);
	assert_string_equal(f->all[0].culprit_container, culprit);
	return f->all;
}

static bool has_words(const char *text, const char *words)
{
	return strstr(text, words);
}

void expect_words(const struct finding *f, const char *words)
{
	bool found = has_words(f->headline, words);

	for (size_t i = 0; i < f->n_evidence; i++)
		found |= has_words(f->evidence[i].text, words);
	for (size_t i = 0; i < f->n_ruled_out; i++)
		found |= has_words(f->ruled_out[i], words);
	for (size_t i = 0; i < f->n_advice; i++)
		found |= has_words(f->advice[i], words);
	for (size_t i = 0; i < f->n_explains; i++)
		found |= has_words(f->explains[i].headline, words);
	if (!found)
		fail_msg("no text of %s says '%s'; its headline: %s", f->rule, words, f->headline);
}
