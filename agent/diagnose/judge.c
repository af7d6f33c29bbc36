/* SPDX-License-Identifier: GPL-2.0-or-later */
/* judge.c - see judge.h. Called by the verbs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/judge.h"

#define RULE(ID, NAME, ...) [RULE_##ID] = judge_##NAME,
static void (*const judges[RULES])(struct judging *j) = {
#include "diagnose/case/rules.def"
};

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
		judge_cannot(j, "collector %.*s %s", length, name, judge_why_off(j));
		return false;
	}
	return true;
}

static void ended_say(struct judging *j, struct finding *f, const char *name)
{
	/* Of everything that the finding says this is the last that may be missing. */
	if (f->n_evidence == FINDING_EVIDENCE)
		f->n_evidence--;
	finding_evidence(j, f, "", 0, "", "%s has ended meanwhile", name);
}

/* That a container is gone is said whatever the rule. */
static void ended_note(struct judging *j)
{
	for (size_t i = 0; i < j->found.n; i++) {
		struct finding *f = &j->found.at[i];

		if (f->ended)
			ended_say(j, f, f->container);
		if (f->culprit_ended && strcmp(f->culprit_cgroup, f->container_cgroup) != 0)
			ended_say(j, f, f->culprit_container);
	}
}

static int worse_first(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->severity != y->severity)
		return x->severity < y->severity ? 1 : -1;
	return x->weight < y->weight ? 1 : x->weight > y->weight ? -1 : 0;
}

/* The containers that were chosen, which are few. */
typedef LIST(const struct container_row *) chosen_rows;

/*
 * Whether it, or what it explains, is about one of these containers, or it is done by one of them. A machine that is full is so
 * for all of them.
 */
static bool finding_wanted(const chosen_rows *chosen, const struct finding *f)
{
	if (!*f->container && f->severity > FINDING_NOTICE)
		return true;
	for (size_t i = 0; i < chosen->n; i++) {
		const char *path = chosen->at[i]->cgroup;

		if (strcmp(path, f->container_cgroup) == 0 || strcmp(path, f->culprit_cgroup) == 0)
			return true;
		for (size_t k = 0; k < f->n_explains; k++)
			if (strcmp(path, f->explains[k].container_cgroup) == 0)
				return true;
	}
	return false;
}

static void findings_filter(struct judging *j, const struct match_choice *containers)
{
	chosen_rows chosen = {};
	size_t kept = 0;

	for (size_t i = 0; i < j->now->n_containers; i++) {
		if (!match_choice_row(containers, &j->now->containers[i]))
			continue;
		if (list_reserve(&chosen, chosen.n + 1) < 0) {
			j->failed = true;
			break;
		}
		chosen.at[chosen.n++] = &j->now->containers[i];
	}
	for (size_t i = 0; i < j->found.n; i++)
		if (finding_wanted(&chosen, &j->found.at[i]))
			j->found.at[kept++] = j->found.at[i];
	j->found.n = kept;
	list_free(&chosen);
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

	*d = (struct diagnosis){.j = {.w = w, .now = w->now, .o = o, .containers = containers}};
	for (size_t i = 0; i < RULES; i++) {
		if (!(o->rules & 1ULL << i))
			continue;
		n++;
		j->rule = &rules[i];
		if (needs_met(j))
			judges[i](j);
	}
	findings_absorb(j);
	ended_note(j);
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
	index_free(&d->j.index);
	free(d->j.cpu);
	free(d->j.loops);
	list_free(&d->j.texts);
	list_free(&d->j.found);
	list_free(&d->j.unjudged);
}
