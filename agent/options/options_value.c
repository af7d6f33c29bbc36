/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_value.c - see options.h: a value from the command line, the environment or a file, and which name was meant. */
#include <errno.h>
#include <string.h>

#include "base/units.h"
#include "options/options.h"

static bool choice_valid(const char *choices, const char *value)
{
	size_t length = strlen(value);

	for (const char *c = choices; *c; c += strcspn(c, "|"), c += *c == '|')
		if (strcspn(c, "|") == length && strncmp(c, value, length) == 0)
			return true;
	return false;
}

static bool list_add(struct option_list *list, const char *value)
{
	if (!list->given)
		list->n = 0;
	list->given = true;
	if (list->n >= OPTION_LIST_MAX)
		return false;
	list->values[list->n++] = value;
	return true;
}

/* False: it is none, or out of range; `why` says what is wanted. */
static bool option_number_set(const struct option_row *r, const char *value, struct buf *why)
{
	double max = r->max > 0 ? r->max : (double)UINT32_MAX;
	int error = -EINVAL;

	switch (r->kind) {
	case OPTION_U64:
		error = parse_u64(value, (uint64_t)r->min, (uint64_t)max, r->target);
		buf_printf(why, "is not a whole number from %.0f to %.0f", r->min, max);
		break;
	case OPTION_SECONDS:
		error = parse_double(value, r->min, max, r->target);
		buf_printf(why, "is not a number of seconds from %g to %g", r->min, max);
		break;
	case OPTION_SIZE:
		error = parse_size(value, (uint64_t)r->min, (uint64_t)max, r->target);
		buf_str(why, "is not a size such as 500M or 2G, from ");
		size_text(why, (uint64_t)r->min);
		buf_str(why, " to ");
		size_text(why, (uint64_t)max);
		break;
	case OPTION_SPAN:
		error = parse_duration(value, r->min, max, r->target);
		buf_str(why, "is not a time such as 90s, 15m, 6h or 7d, from ");
		duration_text(why, r->min);
		buf_str(why, " to ");
		duration_text(why, max);
		break;
	default:
		break;
	}
	return error == 0;
}

bool option_value_set(const struct option_row *r, const char *value, struct buf *why)
{
	switch (r->kind) {
	case OPTION_FLAG:
	case OPTION_UNSET:
	case OPTION_ASK:
		*(bool *)r->target = r->kind != OPTION_UNSET;
		return true;
	case OPTION_STRING:
		*(const char **)r->target = value;
		return true;
	case OPTION_CONF:
		((struct option_conf *)r->target)->path = value;
		return true;
	case OPTION_LIST:
		if (list_add(r->target, value))
			return true;
		buf_printf(why, "is one too many: at most %d are allowed", OPTION_LIST_MAX);
		return false;
	case OPTION_CHOICE:
		if (choice_valid(r->choices, value)) {
			*(const char **)r->target = value;
			return true;
		}
		buf_printf(why, "is not one of: %s", r->choices);
		for (char *p = why->data; p && *p; p++)
			if (*p == '|')
				*p = ' ';
		return false;
	case OPTION_U64:
	case OPTION_SECONDS:
	case OPTION_SIZE:
	case OPTION_SPAN:
		return option_number_set(r, value, why);
	case OPTION_PLACE:
		break;
	}
	return false;
}

void option_switch_set(const struct option_row *r, bool on)
{
	*(bool *)r->target = on == (r->kind == OPTION_FLAG);
}

/* The number of single-character edits between the two. */
static size_t distance(const char *a, const char *b)
{
	size_t row[64], n = strlen(b);

	if (n >= ARRAY_SIZE(row) || strlen(a) >= ARRAY_SIZE(row))
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t above = row[j], best = corner + (a[i - 1] != b[j - 1]);

			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			corner = above;
			row[j] = best;
		}
	}
	return row[n];
}

void nearest_begin(struct nearest *n, const char *typed)
{
	size_t length = strlen(typed);

	*n = (struct nearest){.typed = typed, .edits = length < 4 ? length : 4};
}

void nearest_offer(struct nearest *n, const char *name)
{
	size_t edits = distance(n->typed, name);

	if (n->typed[0] && strncmp(n->typed, name, strlen(n->typed)) == 0 &&
	    (!n->longer || strlen(name) < strlen(n->longer)))
		n->longer = name;
	if (edits < n->edits) {
		n->edits = edits;
		n->similar = name;
	}
}

const char *nearest_name(const struct nearest *n)
{
	return n->longer ? n->longer : n->similar;
}
