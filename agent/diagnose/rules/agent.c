/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent.c - rules about sysscope itself: what it lost, what it could not attribute, which rules could not judge. Called by judge.c
 * through the table in rules.def.
 */
#include <string.h>

#include "diagnose/case/finding.h"

/* Losses that cost no number: totals have them, only a name or a detail is missing. */
static bool loss_is_harmless(const char *kind)
{
	static const char *const harmless[] = {"death_unseen", "state_refused", "switch_unseen", "tcp_unowned",
					       "socket_unowned"};
	size_t length = strlen(kind);

	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++)
		if (strcmp(kind, harmless[i]) == 0)
			return true;
	return length > 7 && strcmp(kind + length - 7, "_folded") == 0;
}

void judge_facts_lost(struct judging *j)
{
	struct finding *f = NULL;

	for (size_t i = 0; i < j->now->n_losses; i++) {
		const struct loss_row *l = &j->now->losses[i];
		double rate = judge_rate(j, window_loss(j->w, i));

		if (!(rate >= judge_threshold(j, FACTS_LOST_RATE)) || loss_is_harmless(l->kind))
			continue;
		f = f ?: judge_find(j, NO_CONTAINER, FINDING_NOTICE);
		if (!f)
			return;
		if (!*f->headline)
			finding_headline(j, f, judge_excess(rate, judge_threshold(j, FACTS_LOST_RATE)),
					 "sysscope lost %.0f facts a second (%s): its picture has holes", rate,
					 l->kind);
		finding_evidence(j, f, "losses", rate, "rate", "%s: %.0f a second", l->kind, rate);
	}
	if (f)
		finding_advice(j, f, "docs/limits.md says what each kind means for the numbers");
}

void judge_attribution_low(struct judging *j)
{
	double share = window_host_average(j->w, HOST_ATTRIBUTED);
	struct finding *f;

	if (value_absent(share)) {
		judge_cannot(j, "%s", j->now->attributed_reason ?: "the share is not known yet");
		return;
	}
	if (share >= judge_threshold(j, ATTRIBUTION_LOW_SHARE))
		return;
	f = judge_find(j, NO_CONTAINER, FINDING_NOTICE);
	if (!f)
		return;
	finding_headline(j, f, 1 - share, "%.1f %% of the CPU time could not be attributed to a container",
			 (1 - share) * 100);
	finding_evidence(j, f, "attributed_ratio", share, "ratio",
			 "the run queues spent more than the tasks that sysscope saw: %.4f", share);
	finding_advice(j, f, "run sysscope doctor%s: a collector may be missing",
		       j->o->recorded ? " where it was recorded" : "");
}

/* The chosen rules that need this collector, separated by commas. */
static const char *rules_needing(struct judging *j, const char *collector)
{
	_cleanup_buf_ struct buf names = {};
	size_t length = strlen(collector);

	for (size_t i = 0; i < RULES; i++)
		for (const char *n = rules[i].needs; *n; n += strcspn(n, " "), n += *n == ' ')
			if (strcspn(n, " ") == length && memcmp(n, collector, length) == 0)
				buf_printf(&names, "%s%s", names.len ? ", " : "", rules[i].name);
	return names.len ? judge_text(j, "%s", names.data) : "";
}

void judge_collector_missing(struct judging *j)
{
	for (size_t i = 0; i < j->now->n_collectors; i++) {
		const struct collector_row *c = &j->now->collectors[i];
		const char *blind = c->ok ? "" : rules_needing(j, c->name);
		struct finding *f;

		if (!*blind)
			continue;
		f = judge_find(j, NO_CONTAINER, FINDING_NOTICE);
		if (!f)
			return;
		finding_headline(j, f, 0, "collector %s is off: %s cannot judge", c->name, blind);
		finding_evidence(j, f, "collectors", 0, "",
				 "what it would have counted is not known, which is not the same as 0");
		finding_advice(j, f, "sysscope doctor%s says why, and what would help",
			       j->o->recorded ? ", where it was recorded," : "");
	}
}
