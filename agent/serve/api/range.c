/* SPDX-License-Identifier: GPL-2.0-or-later */
/* range.c - see range.h. Keeps no state. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exporters/json/json_writer.h"
#include "record/replay.h"
#include "record/when.h"
#include "serve/api/range.h"

#define SPAN_USUAL   3600.0
#define STEPS_USUAL  300
#define TIME_LAST    9e9 /* seconds since 1970 */
#define STATUS_OK    200
#define STATUS_BAD   400
#define STATUS_NONE  404
#define STATUS_LATER 503

const char *const range_parameters[] = {"container", "metric", "from", "to", "step", NULL};

/* ---- what is asked for ---- */

static const struct metric_desc *range_table(const struct range_ask *a, size_t *ret_n)
{
	return metric_table(a->container ? SCOPE_CONTAINER : SCOPE_HOST, ret_n);
}

static int metric_index(const struct range_ask *a, const char *key, size_t len)
{
	size_t n;
	const struct metric_desc *table = range_table(a, &n);

	for (size_t i = 0; i < n; i++)
		if (table[i].json && (table[i].kind == METRIC_COUNTER || table[i].kind == METRIC_GAUGE) &&
		    strlen(table[i].json) == len && memcmp(table[i].json, key, len) == 0)
			return (int)i;
	return -ENOENT;
}

static const char *metrics_parse(struct range_ask *a, const char *list)
{
	const char *word;

	if (!list)
		return "metric= is missing: keys of docs/metrics.md, with commas between them";
	while (*list) {
		size_t n = query_word(&list, &word);
		int i = n ? metric_index(a, word, n) : -1;

		if (!n)
			return "metric= has a comma without a name before it";
		if (i < 0 && a->container)
			return "a container has no such metric, or it has no course; docs/metrics.md has the keys";
		if (i < 0)
			return "the machine has no such metric, or it has no course; docs/metrics.md has the keys, and "
			       "container= asks for those of a container";
		if (a->n_metrics == RANGE_METRICS)
			return "there are more than 8 metrics";
		a->metrics[a->n_metrics++] = i;
	}
	return a->n_metrics ? NULL : "metric= names no metric";
}

static const char *times_parse(struct range_ask *a, const struct query *q)
{
	const char *from = query_value(q, "from"), *to = query_value(q, "to"), *step = query_value(q, "step");

	if ((from && query_seconds(from, 1, TIME_LAST, &a->from) < 0) ||
	    (to && query_seconds(to, 1, TIME_LAST, &a->to) < 0))
		return "from and to are seconds since 1970, such as 1764500000";
	if (step && query_seconds(step, 0.1, TIME_LAST, &a->step) < 0)
		return "step is a number of seconds, 0.1 or more";
	if (from && to && !(a->from < a->to))
		return "from has to be before to";
	return NULL;
}

const char *range_ask_parse(struct range_ask *ret, const struct query *q)
{
	const char *container = query_value(q, "container"), *wrong = q->wrong;

	*ret = (struct range_ask){.container = container ? strdup(container) : NULL};
	if (container && !ret->container)
		return "";
	wrong = wrong ?: times_parse(ret, q);
	return wrong ?: metrics_parse(ret, query_value(q, "metric"));
}

void range_ask_free(struct range_ask *a)
{
	free(a->container);
	a->container = NULL;
}

/* ---- reading ---- */

/* Of one metric in one step: gauges and counters are averages over the samples that end in it. */
struct range_point {
	double sum, weight;
};

struct courses {
	const struct range_ask *ask;
	const struct metric_desc *table;
	double from, to, step;
	size_t n;		      /* points */
	struct range_point *points;   /* of each metric, one after the other */
	double before[RANGE_METRICS]; /* values of the sample before */
	double before_time;	      /* 0: none */
	uint64_t interval_ns;	      /* of the recorder */
	struct buf name, cgroup;      /* of the container that was found last */
	bool found, several;
};

static uint64_t range_cpu_ns(void)
{
	struct timespec t = {};

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

/* The row of that id or path, else the one of that name. */
static const struct container_row *range_row(struct courses *g, const struct snapshot *s)
{
	const char *wanted = g->ask->container;
	const struct container_row *named = NULL;

	for (size_t i = 0; i < s->n_containers; i++) {
		const struct container_row *c = &s->containers[i];

		if (strcmp(c->id, wanted) == 0 || strcmp(c->cgroup, wanted) == 0)
			return c;
		if (strcmp(c->name, wanted) != 0)
			continue;
		/* One that has ended stands beside the one that replaced it. */
		g->several |= named && !named->dead && !c->dead;
		if (!named || named->dead)
			named = c;
	}
	return named;
}

static void range_note(struct courses *g, size_t metric, double now, double seconds, size_t at)
{
	const struct metric_desc *d = &g->table[g->ask->metrics[metric]];
	struct range_point *p = &g->points[metric * g->n + at];
	double v = metric_base_value(d, now);

	if (metric_grows(d)) {
		/* Not below 0 where a counter begins anew. */
		if (seconds <= 0 || value_absent(v) || value_absent(g->before[metric]) || v < g->before[metric])
			return;
		p->sum += v - g->before[metric];
		p->weight += seconds;
	} else if (!value_absent(v)) {
		p->sum += v;
		p->weight += 1;
	}
}

static void range_sample(struct courses *g, const struct snapshot *s)
{
	const struct container_row *c = g->ask->container ? range_row(g, s) : NULL;
	const double *v = g->ask->container ? (c ? c->v : NULL) : s->v;
	double seconds = g->before_time > 0 ? s->time - g->before_time : 0;
	size_t at = s->time >= g->from ? (size_t)((s->time - g->from) / g->step) : g->n;

	/* Across a hole, and across a start of sysscope, where there is no interval, nothing is known. */
	if (seconds < 0 || !(s->interval > 0) ||
	    when_hole((uint64_t)(g->before_time * 1e9), (uint64_t)(s->time * 1e9), g->interval_ns))
		seconds = 0;
	g->before_time = v ? s->time : 0;
	if (!v)
		return;
	for (size_t m = 0; m < g->ask->n_metrics; m++) {
		double now = v[g->ask->metrics[m]];

		if (at < g->n)
			range_note(g, m, now, seconds, at);
		g->before[m] = metric_base_value(&g->table[g->ask->metrics[m]], now);
	}
	if (!c || at >= g->n)
		return;
	g->found = true;
	buf_reset(&g->name);
	buf_reset(&g->cgroup);
	buf_str(&g->name, c->name);
	buf_str(&g->cgroup, c->cgroup);
}

/* The span, the step and room for the points. NULL, or what is wrong. */
static const char *range_open(struct courses *g, struct replay *r)
{
	const struct range_ask *a = g->ask;
	uint64_t first_ns, last_ns;
	double interval = (double)g->interval_ns / 1e9, last;
	size_t unused;

	replay_times(r, &first_ns, &last_ns);
	last = (double)last_ns / 1e9;
	g->table = range_table(a, &unused);
	g->to = a->to > 0 ? a->to : a->from > 0 ? last : last + 1e-6;
	g->from = a->from > 0 ? a->from : g->to - SPAN_USUAL;
	/* Of a recording that is younger all of it. */
	if (!(a->from > 0) && g->from < (double)first_ns / 1e9 && (double)first_ns / 1e9 < g->to)
		g->from = (double)first_ns / 1e9;
	if (!(g->from < g->to))
		return "from is behind the end of the recording";
	g->step = a->step > 0 ? a->step : (g->to - g->from) / STEPS_USUAL;
	/* In a shorter one there may be no sample, although none is missing. */
	if (g->step < 2 * interval)
		g->step = 2 * interval;
	if ((g->to - g->from) / g->step > RANGE_POINTS)
		return "these are more than 600 points: ask for a longer step or a shorter time";
	g->n = (size_t)((g->to - g->from) / g->step) + 1;
	g->points = calloc(g->n * a->n_metrics, sizeof(*g->points));
	return g->points ? NULL : "";
}

static json_t *range_values(const struct courses *g, size_t metric)
{
	json_t *list = json_array();

	for (size_t i = 0; i < g->n; i++) {
		const struct range_point *p = &g->points[metric * g->n + i];

		json_array_append_new(list, p->weight > 0 ? writer_real(p->sum / p->weight) : json_null());
	}
	return list;
}

static int range_write(struct buf *out, const struct courses *g, const struct replay *r)
{
	struct writer w = {.out = out};
	size_t before = out->len;
	json_t *o = json_object(), *series = json_array();
	uint64_t first_ns, last_ns;

	replay_times(r, &first_ns, &last_ns);
	writer_set(&w, o, "from", writer_real(g->from));
	writer_set(&w, o, "to", writer_real(g->to));
	writer_set(&w, o, "step", writer_real(g->step));
	writer_set(&w, o, "recorded_from", writer_real((double)first_ns / 1e9));
	writer_set(&w, o, "recorded_to", writer_real((double)last_ns / 1e9));
	writer_set_text(&w, o, "container", g->name.data ?: "");
	writer_set_text(&w, o, "container_cgroup", g->cgroup.data ?: "");
	for (size_t m = 0; m < g->ask->n_metrics; m++) {
		const struct metric_desc *d = &g->table[g->ask->metrics[m]];
		json_t *one = json_object();

		writer_set_text(&w, one, "metric", d->json);
		writer_set(&w, one, "per_second", json_boolean(metric_grows(d)));
		writer_set(&w, one, "values", range_values(g, m));
		writer_append(&w, series, one);
	}
	writer_set(&w, o, "series", series);
	writer_dump(&w, o);
	buf_char(out, '\n');
	return writer_end(&w, before);
}

/* All samples of the span, and the one before it. NULL, or why not. */
static const char *range_read(struct courses *g, struct replay *r, const volatile sig_atomic_t *stop)
{
	const struct snapshot_source *source = replay_source(r);
	uint64_t end_ns = range_cpu_ns() + RANGE_CPU_SECONDS * 1000000000ULL;
	const struct snapshot *s;
	int error = replay_seek_before(r, (uint64_t)(g->from * 1e9));

	while (!error && !*stop && (s = source->next(source->ctx, &error)) && s->time < g->to) {
		range_sample(g, s);
		if (range_cpu_ns() > end_ns)
			return "this takes more than 5 s of CPU time to read: ask for a shorter time";
	}
	if (*stop)
		return "serve is being stopped";
	return error ? "" : NULL;
}

static void range_fail(struct range_answer *ret, unsigned int status, const char *wrong)
{
	ret->status = *wrong ? status : STATUS_LATER;
	ret->wrong = *wrong ? wrong : "no memory for the answer";
}

void range_answer_make(struct range_answer *ret, const char *path, const struct range_ask *a,
		       const volatile sig_atomic_t *stop)
{
	struct courses g = {.ask = a};
	_cleanup_buf_ struct buf error = {};
	struct replay *r = NULL;
	uint64_t before_ns = range_cpu_ns();
	const char *wrong;
	int opened = replay_open(&r, path, &error);

	*ret = (struct range_answer){.status = STATUS_OK};
	if (opened < 0) {
		range_fail(ret, STATUS_LATER, "nothing has been recorded yet that can be read");
		return;
	}
	g.interval_ns = replay_place(r)->interval_ns;
	wrong = range_open(&g, r);
	if (wrong)
		range_fail(ret, STATUS_BAD, wrong);
	wrong = wrong ? NULL : range_read(&g, r, stop);
	if (wrong)
		range_fail(ret, STATUS_LATER, wrong);
	else if (!ret->wrong && g.several)
		range_fail(ret, STATUS_BAD,
			   "several containers have this name: ask by id or by the path of the cgroup");
	else if (!ret->wrong && a->container && !g.found)
		range_fail(ret, STATUS_NONE, "no such container was recorded in this time");
	else if (!ret->wrong && range_write(&ret->text, &g, r) < 0)
		range_fail(ret, STATUS_LATER, "");
	free(g.points);
	buf_free(&g.name);
	buf_free(&g.cgroup);
	replay_close(r);
	ret->cpu_ns = range_cpu_ns() - before_ns;
}
