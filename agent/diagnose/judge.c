/* SPDX-License-Identifier: GPL-2.0-or-later */
/* judge.c - see judge.h. Called by the verbs and the rules. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/judge.h"

/* ---- what rules ask ---- */

double judge_threshold(const struct judging *j, enum threshold t)
{
	return j->o->thresholds[t];
}

double judge_rate(const struct judging *j, double gained)
{
	return gained / j->w->seconds;
}

double judge_seconds(const struct judging *j, double gained_ns)
{
	return judge_rate(j, gained_ns) / 1e9;
}

bool judge_is_own_home(const struct container_row *c)
{
	return strcmp(c->kind, "host") != 0 && strcmp(c->kind, "kernel") != 0;
}

/* ---- what rules say ---- */

static const char *text_make(struct judging *j, const char *format, va_list args)
{
	char *text = NULL;

	if (list_reserve(&j->texts, j->texts.n + 1) < 0 || vasprintf(&text, format, args) < 0) {
		j->failed = true;
		return "";
	}
	j->texts.at[j->texts.n++] = text;
	return text;
}

/* The text of a function's `format, ...`. */
#define TEXT_FROM(ret, j, format)                        \
	do {                                             \
		va_list args_;                           \
		va_start(args_, format);                 \
		(ret) = text_make((j), (format), args_); \
		va_end(args_);                           \
	} while (0)

const char *judge_text(struct judging *j, const char *format, ...)
{
	const char *text;

	TEXT_FROM(text, j, format);
	return text;
}

struct finding *judge_find(struct judging *j, uint32_t container, enum finding_severity severity)
{
	const struct container_row *c = container == NO_CONTAINER ? NULL : &j->now->containers[container];
	struct finding *f;

	if (list_reserve(&j->found, j->found.n + 1) < 0) {
		j->failed = true;
		return NULL;
	}
	f = &j->found.at[j->found.n++];
	*f = (struct finding){
		.rule = j->rule->name,
		.severity = severity,
		.confidence = FINDING_HIGH,
		.container = c ? c->name : "",
		.container_cgroup = c ? c->cgroup : "",
		.comm = "",
		.culprit_container = "",
		.culprit_cgroup = "",
		.culprit_process = "",
		.headline = "",
		.since = j->w->began,
	};
	return f;
}

void finding_headline(struct judging *j, struct finding *f, double weight, const char *format, ...)
{
	if (!f)
		return;
	TEXT_FROM(f->headline, j, format);
	f->weight = weight;
}

void finding_evidence(struct judging *j, struct finding *f, const char *metric, double value, const char *unit,
		      const char *format, ...)
{
	struct finding_evidence *e;

	if (!f || f->n_evidence == FINDING_EVIDENCE)
		return;
	e = &f->evidence[f->n_evidence++];
	*e = (struct finding_evidence){.metric = metric, .value = *unit ? value : VALUE_ABSENT, .unit = unit};
	TEXT_FROM(e->text, j, format);
}

void finding_ruled_out(struct judging *j, struct finding *f, const char *format, ...)
{
	if (f && f->n_ruled_out < FINDING_LINES)
		TEXT_FROM(f->ruled_out[f->n_ruled_out++], j, format);
}

void finding_advice(struct judging *j, struct finding *f, const char *format, ...)
{
	if (f && f->n_advice < FINDING_LINES)
		TEXT_FROM(f->advice[f->n_advice++], j, format);
}

void finding_culprit(struct judging *j, struct finding *f, uint32_t container)
{
	if (!f)
		return;
	f->culprit_container = j->now->containers[container].name;
	f->culprit_cgroup = j->now->containers[container].cgroup;
}

void judge_near(struct judging *j, uint32_t container, double value, double threshold, const char *format, ...)
{
	double share = threshold > 0 ? value / threshold : 0;
	struct finding_near *n;
	size_t at = j->n_near;

	if (!(share > 0) || share >= 1)
		return;
	while (at > 0 && j->near[at - 1].share < share)
		at--;
	if (at == FINDING_NEAR)
		return;
	if (j->n_near < FINDING_NEAR)
		j->n_near++;
	for (size_t i = j->n_near - 1; i > at; i--)
		j->near[i] = j->near[i - 1];
	n = &j->near[at];
	*n = (struct finding_near){.rule = j->rule->name, .container = "", .share = share};
	if (container != NO_CONTAINER)
		n->container = j->now->containers[container].name;
	TEXT_FROM(n->text, j, format);
}

void judge_cannot(struct judging *j, const char *format, ...)
{
	struct finding_unjudged *u;

	if (list_reserve(&j->unjudged, j->unjudged.n + 1) < 0) {
		j->failed = true;
		return;
	}
	u = &j->unjudged.at[j->unjudged.n++];
	u->rule = j->rule->name;
	TEXT_FROM(u->reason, j, format);
}

/* ---- running them ---- */

static const struct collector_row *collector_find(const struct snapshot *s, const char *name, size_t length)
{
	for (size_t i = 0; i < s->n_collectors; i++)
		if (strlen(s->collectors[i].name) == length && memcmp(s->collectors[i].name, name, length) == 0)
			return &s->collectors[i];
	return NULL;
}

/* False, having said so: a collector that the rule needs is off. */
static bool needs_met(struct judging *j)
{
	const char *name = j->rule->needs;
	const struct collector_row *c;
	int length;

	for (; *name; name += length + (name[length] == ' ')) {
		length = (int)strcspn(name, " ");
		c = collector_find(j->now, name, (size_t)length);
		if (c && c->ok)
			continue;
		judge_cannot(j, "collector %.*s is off; `sysscope doctor` says why", length, name);
		return false;
	}
	return true;
}

static int worse_first(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->severity != y->severity)
		return x->severity < y->severity ? 1 : -1;
	return x->weight < y->weight ? 1 : x->weight > y->weight ? -1 : 0;
}

/* Whether it is about one of these containers, or done by one of them. */
static bool finding_wanted(const struct match_choice *containers, const struct snapshot *s, const struct finding *f)
{
	for (size_t i = 0; i < s->n_containers; i++) {
		const struct container_row *c = &s->containers[i];

		if ((strcmp(c->cgroup, f->container_cgroup) == 0 || strcmp(c->cgroup, f->culprit_cgroup) == 0) &&
		    match_choice_row(containers, c))
			return true;
	}
	return false;
}

static void findings_filter(struct judging *j, const struct match_choice *containers)
{
	size_t kept = 0;

	for (size_t i = 0; i < j->found.n; i++)
		if (finding_wanted(containers, j->now, &j->found.at[i]))
			j->found.at[kept++] = j->found.at[i];
	j->found.n = kept;
}

static void findings_fill(struct diagnosis *d, size_t n_rules)
{
	const struct judging *j = &d->j;

	d->findings = (struct findings){
		.time = j->now->time,
		.watched_seconds = j->w->seconds,
		.processes = j->now->n_processes,
		.loops = j->now->n_loops,
		.rules = n_rules,
		.all = j->found.at,
		.n = j->found.n,
		.unjudged = j->unjudged.at,
		.n_unjudged = j->unjudged.n,
		.n_near = j->n_near,
	};
	memcpy(d->findings.near, j->near, sizeof(j->near));
	for (size_t i = 0; i < j->now->n_containers; i++)
		d->findings.containers += !j->now->containers[i].dead;
}

int diagnosis_run(struct diagnosis *d, const struct window *w, const struct diagnosis_options *o,
		  const struct match_choice *containers)
{
	struct judging *j = &d->j;
	size_t n = 0;

	*d = (struct diagnosis){.j = {.w = w, .now = w->now, .o = o}};
	for (size_t i = 0; i < RULES; i++) {
		if (!(o->rules & 1ULL << i))
			continue;
		n++;
		j->rule = &rules[i];
		if (needs_met(j))
			j->rule->judge(j);
	}
	findings_absorb(j);
	if (containers && containers->n)
		findings_filter(j, containers);
	if (j->found.n)
		qsort(j->found.at, j->found.n, sizeof(*j->found.at), worse_first);
	findings_fill(d, n);
	return j->failed ? -ENOMEM : 0;
}

void diagnosis_free(struct diagnosis *d)
{
	for (size_t i = 0; i < d->j.texts.n; i++)
		free(d->j.texts.at[i]);
	list_free(&d->j.texts);
	list_free(&d->j.found);
	list_free(&d->j.unjudged);
}
