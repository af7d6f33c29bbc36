/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules.c - see rules.h. Called by judge.c and the command line. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "diagnose/case/rules.h"

/* clang-format off */
#define RULE(ID, NAME, NEEDS, WHAT, APART, BLIND) [RULE_##ID] = {#NAME, NEEDS, WHAT, APART, BLIND},
const struct rule_desc rules[RULES] = {
#include "diagnose/case/rules.def"
};
#define THRESHOLD(RULE, ID, NAME, VALUE, UNIT, WHY) [RULE##_##ID] = {RULE_##RULE, #NAME, VALUE, UNIT, WHY},
const struct threshold_desc thresholds[THRESHOLDS] = {
#include "diagnose/case/rules.def"
};
/* clang-format on */

/* Values beyond this are mistakes of the keyboard. */
#define THRESHOLD_MOST 1e15

void diagnosis_options_init(struct diagnosis_options *o)
{
	*o = (struct diagnosis_options){.rules = ~0ULL >> (64 - RULES) & ~(1ULL << RULE_UNUSED_PRIVILEGE)};
	for (size_t i = 0; i < THRESHOLDS; i++)
		o->thresholds[i] = thresholds[i].value;
}

static int rule_named(const char *name, size_t length)
{
	for (int i = 0; i < RULES; i++)
		if (strlen(rules[i].name) == length && memcmp(rules[i].name, name, length) == 0)
			return i;
	return -1;
}

static int setting_refuse(struct buf *message, const char *what, const char *typed, size_t length, const char *help)
{
	buf_str(message, what);
	buf_str(message, " '");
	text_terminal(message, typed, length);
	buf_printf(message, "'; %s", help);
	return -EINVAL;
}

int rule_find(const char *name, struct buf *message)
{
	int rule = rule_named(name, strlen(name));

	if (rule < 0)
		setting_refuse(message, "unknown rule", name, strlen(name), "--list-rules lists them");
	return rule;
}

static void thresholds_of(struct buf *message, int rule)
{
	const char *separator = "";

	for (size_t i = 0; i < THRESHOLDS; i++)
		if ((int)thresholds[i].rule == rule) {
			buf_printf(message, "%s%s", separator, thresholds[i].name);
			separator = ", ";
		}
}

int threshold_set(struct diagnosis_options *o, const char *text, struct buf *message)
{
	const char *dot = strchr(text, '.'), *equals = dot ? strchr(dot, '=') : NULL;
	double value;
	int rule;

	if (!equals)
		return setting_refuse(message, "cannot set", text, strlen(text), "write RULE.THRESHOLD=VALUE");
	rule = rule_named(text, (size_t)(dot - text));
	if (rule < 0)
		return setting_refuse(message, "unknown rule", text, (size_t)(dot - text), "--list-rules lists them");
	if (parse_double(equals + 1, 0, THRESHOLD_MOST, &value) < 0)
		return setting_refuse(message, "not a number of 0 or more:", equals + 1, strlen(equals + 1),
				      "write RULE.THRESHOLD=VALUE");
	for (size_t i = 0; i < THRESHOLDS; i++)
		if ((int)thresholds[i].rule == rule && strlen(thresholds[i].name) == (size_t)(equals - dot - 1) &&
		    memcmp(thresholds[i].name, dot + 1, (size_t)(equals - dot - 1)) == 0) {
			o->thresholds[i] = value;
			return 0;
		}
	setting_refuse(message, "unknown threshold", dot + 1, (size_t)(equals - dot - 1), "");
	buf_printf(message, "%s has ", rules[rule].name);
	thresholds_of(message, rule);
	return -EINVAL;
}
