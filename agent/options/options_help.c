/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_help.c - see options_help in options.h: --help of a verb, from the same rows that parse its options. */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "base/util.h"
#include "options/options.h"

#define HELP_COLUMN 30
#define HELP_WIDTH  79

/* From the column `left` on. */
static void help_wrapped(struct buf *out, const char *text, size_t left)
{
	size_t column = left;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (column > left && column + 1 + word > HELP_WIDTH) {
			buf_printf(out, "\n%*s", (int)left, "");
			column = left;
		} else if (column > left) {
			buf_char(out, ' ');
			column++;
		}
		buf_add(out, text, word);
		column += word;
		text += word;
		text += strspn(text, " ");
	}
	buf_char(out, '\n');
}

void option_text(struct buf *text, const struct option_row *r)
{
	const char *string = r->kind == OPTION_STRING || r->kind == OPTION_CHOICE ? *(const char **)r->target : NULL;
	const struct option_list *list = r->kind == OPTION_LIST ? r->target : NULL;

	buf_str(text, r->help);
	for (const char *c = r->choices; c && *c; c += strcspn(c, "|"), c += *c == '|')
		buf_printf(text, "%s%.*s", c == r->choices ? ": " : ", ", (int)strcspn(c, "|"), c);
	if (list)
		buf_str(text, "; may be given several times");
	for (size_t i = 0; list && i < list->n; i++)
		buf_printf(text, " (default: %s)", list->values[i]);
	if (string && string[0])
		buf_printf(text, " (default: %s)", string);
	if (r->kind == OPTION_U64)
		buf_printf(text, " (default: %llu)", (unsigned long long)*(uint64_t *)r->target);
	if (r->kind == OPTION_SECONDS)
		buf_printf(text, " (default: %g s)", *(double *)r->target);
	/* A span of 0 is one that is not given. */
	if (r->kind == OPTION_SIZE || (r->kind == OPTION_SPAN && *(double *)r->target > 0)) {
		buf_str(text, " (default: ");
		if (r->kind == OPTION_SIZE)
			size_text(text, *(uint64_t *)r->target);
		else
			duration_text(text, *(double *)r->target);
		buf_char(text, ')');
	}
}

static void help_row(struct buf *out, const struct option_row *r)
{
	_cleanup_buf_ struct buf left = {}, text = {};

	if (r->heading)
		buf_printf(out, "\n%s:\n", r->heading);
	if (r->short_name)
		buf_printf(&left, "  -%c, --%s", r->short_name, r->name);
	else
		buf_printf(&left, "      --%s", r->name);
	if (option_takes_value(r))
		buf_printf(&left, " %s", r->argument);
	option_text(&text, r);
	if (left.failed || text.failed)
		return;
	if (left.len + 2 > HELP_COLUMN)
		buf_printf(out, "%s\n%*s", left.data, HELP_COLUMN, "");
	else
		buf_printf(out, "%-*s", HELP_COLUMN, left.data);
	help_wrapped(out, text.data, HELP_COLUMN);
}

static void help_layers(struct buf *out, const struct option_row *rows, size_t n)
{
	bool file = false;

	for (size_t i = 0; i < n; i++)
		file |= rows[i].kind == OPTION_CONF;
	buf_char(out, '\n');
	help_wrapped(out,
		     file ? "What the command line does not say is taken from the environment (--log.level from "
			    "SYSSCOPE_LOG_LEVEL), then from the file of --config.file (docs/configuration.md)."
			  : "What the command line does not say is taken from the environment: --log.level from "
			    "SYSSCOPE_LOG_LEVEL.",
		     0);
}

void options_help(const struct verb *verb, const struct option_row *rows, size_t n)
{
	_cleanup_buf_ struct buf out = {};

	buf_printf(&out, "usage: sysscope %s [OPTIONS]%s%s\n\n", verb->name, verb->rest ? " " : "", verb->rest ?: "");
	help_wrapped(&out, verb->about, 0);
	buf_str(&out, "\noptions:\n");
	for (size_t i = 0; i < n; i++)
		if (rows[i].kind != OPTION_PLACE)
			help_row(&out, &rows[i]);
	help_layers(&out, rows, n);
	if (verb->examples)
		buf_printf(&out, "\nexamples:\n%s", verb->examples);
	fputs(out.failed ? "" : out.data, stdout);
}
