/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finding.h - one run of the rules, and what they use to say what they found. A rule is a pure function: it reads the window and
 * calls these functions, nothing else. Used by the rules.
 */
#ifndef SYSSCOPE_DIAGNOSE_FINDING_H
#define SYSSCOPE_DIAGNOSE_FINDING_H

#include <stdbool.h>

#include "base/list.h"
#include "base/util.h"
#include "diagnose/case/index.h"
#include "diagnose/case/rules.h"
#include "diagnose/case/window.h"
#include "sysscope/findings.h"
#include "view/match.h"

struct cpu_cache;

/* One run of the rules. */
struct judging {
	const struct window *w;
	const struct snapshot *now; /* w->now */
	const struct diagnosis_options *o;
	const struct match_choice *containers; /* only findings about these are wanted, or done by them; NULL: all */
	const struct rule_desc *rule;	       /* that is running */
	LIST(struct finding) found;
	LIST(struct finding_unjudged) unjudged;
	LIST(char *) texts; /* owned: all texts of the above */
	struct finding_near near[FINDING_NEAR];
	size_t n_near;
	struct index index; /* of `now` */
	struct cpu_cache *
		cpu; /* what rules about the CPU have in common, made by the first of them: rules/cpu_use.c; one block */
	struct loop_use *
		loops; /* what event loops did, by row; made by the first rule about them: measure/loop_use.c; one block */
	bool failed; /* out of memory: something is missing */
};

/* The machine, where an index into containers is expected. */
#define NO_CONTAINER UINT32_MAX

double judge_threshold(const struct judging *j, enum threshold t);
/* Nanoseconds, or a count, that were gained in the window as seconds, or as a rate, per second. */
double judge_seconds(const struct judging *j, double gained_ns);
double judge_rate(const struct judging *j, double gained);
/* It is a container, a service or the like: not the rest of the machine, nor the kernel. */
bool judge_is_own_home(const struct container_row *c);
/* Its memory limit is not that of a cgroup above. */
bool memory_limit_is_own(const struct container_row *c);
/* For sums of parts of which some are not known. */
static inline double value_or_zero(double v)
{
	return value_absent(v) ? 0 : v;
}
/*
 * A weight for what is no share: from a half at its threshold towards 1, so that findings of different rules compare. A rate of 200
 * faults a second is not worse than a share of 0.9.
 */
static inline double judge_excess(double value, double threshold)
{
	return value > 0 ? value / (value + threshold) : 0;
}
/* The container is one of those that were asked for. A rule that joins several containers in a finding joins these only. */
bool judge_wanted(const struct judging *j, uint32_t container);
/* A text of this run, valid as long as its findings; "" if there is no memory, which the run reports. */
const char *judge_text(struct judging *j, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A new finding about a container. NULL: no memory. Valid until the next one is added. */
struct finding *judge_find(struct judging *j, uint32_t container, enum finding_severity severity);
/* `weight`: FINDING.weight. */
void finding_headline(struct judging *j, struct finding *f, double weight, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* `metric`: JSON key of the value, "" if it is made from several; `unit` "": no value. */
void finding_evidence(struct judging *j, struct finding *f, const char *metric, double value, const char *unit,
		      const char *format, ...) __attribute__((format(printf, 6, 7)));
void finding_ruled_out(struct judging *j, struct finding *f, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void finding_advice(struct judging *j, struct finding *f, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void finding_culprit(struct judging *j, struct finding *f, uint32_t container);
/* What was measured without being a finding: below 1, the share of the threshold that it reached. */
#define judge_near(j, container, value, threshold, ...)                             \
	do {                                                                        \
		double near_share_ = judge_near_share(j, value, threshold);         \
		if (near_share_ > 0) /* a text is made for few of all containers */ \
			judge_near_add(j, container, near_share_, __VA_ARGS__);     \
	} while (0)
/* That share; 0: it is a finding, or others are closer. */
double judge_near_share(const struct judging *j, double value, double threshold);
void judge_near_add(struct judging *j, uint32_t container, double share, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Of a collector that is off: "is off; `sysscope doctor` says why", or that it was off when that was recorded. */
const char *judge_why_off(const struct judging *j);
/* The running rule cannot judge, wholly or in part. */
void judge_cannot(struct judging *j, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The rules: one function each, in the file of its subject. */
#define RULE(ID, NAME, ...) void judge_##NAME(struct judging *j);
#include "diagnose/case/rules.def"

#endif
