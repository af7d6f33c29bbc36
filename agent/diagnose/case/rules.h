/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules.h - the table of rules and their thresholds, made from rules.def. Used by judge.c, the rules, and whoever lists or sets
 * thresholds.
 */
#ifndef SYSSCOPE_DIAGNOSE_RULES_H
#define SYSSCOPE_DIAGNOSE_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

#define RULE(ID, ...) RULE_##ID,
enum rule {
#include "diagnose/case/rules.def"
	RULES
};
#define THRESHOLD(RULE, ID, ...) RULE##_##ID,
enum threshold {
#include "diagnose/case/rules.def"
	THRESHOLDS
};

struct rule_desc {
	const char *name;
	const char *needs;		  /* collectors, separated by blanks */
	const char *what, *apart, *blind; /* rules.def */
};
struct threshold_desc {
	enum rule rule;
	const char *name;
	double value; /* the default */
	const char *unit, *why;
};
extern const struct rule_desc rules[RULES];
extern const struct threshold_desc thresholds[THRESHOLDS];

/* What a run of the rules is asked for. */
struct diagnosis_options {
	uint64_t rules;	       /* bit per enum rule */
	bool recorded;	       /* a recording is judged: what is missing there cannot be had any more */
	const char *recording; /* its folder, for the commands that look at it; must stay */
	double thresholds[THRESHOLDS];
};
_Static_assert(RULES <= 64, "a bit per rule");
/* The default thresholds, and all rules but unused_privilege, which needs a long watch and a collector of its own. */
void diagnosis_options_init(struct diagnosis_options *o);

/* The rule of that name; -1: there is none, and *message says so. */
int rule_find(const char *name, struct buf *message);
/* "RULE.THRESHOLD=VALUE". 0; -EINVAL: *message says what is wrong with it. */
int threshold_set(struct diagnosis_options *o, const char *text, struct buf *message);

#endif
