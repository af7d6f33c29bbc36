/* SPDX-License-Identifier: GPL-2.0-or-later */
/* finding.c - see finding.h. Called by the rules. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/case/finding.h"

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

bool memory_limit_is_own(const struct container_row *c)
{
	return !c->memory_limit_of || strcmp(c->memory_limit_of, c->cgroup) == 0;
}

bool judge_wanted(const struct judging *j, uint32_t container)
{
	return !j->containers || !j->containers->n || match_choice_row(j->containers, &j->now->containers[container]);
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
		.home = c ? container + 1 : 0,
		.comm = "",
		.culprit_container = "",
		.culprit_cgroup = "",
		.culprit_process = "",
		.headline = "",
		.ended = c && c->dead,
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
	f->culprit_home = container + 1;
	f->culprit_ended = j->now->containers[container].dead;
}

double judge_near_share(const struct judging *j, double value, double threshold)
{
	double share = threshold > 0 ? value / threshold : 0;

	if (!(share > 0) || share >= 1)
		return 0;
	return j->n_near == FINDING_NEAR && j->near[FINDING_NEAR - 1].share >= share ? 0 : share;
}

void judge_near_add(struct judging *j, uint32_t container, double share, const char *format, ...)
{
	struct finding_near *n;
	size_t at = j->n_near;

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

const char *judge_why_off(const struct judging *j)
{
	return j->o->recorded ? "was off when this was recorded" : "is off; `sysscope doctor` says why";
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
