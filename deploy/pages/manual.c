/* SPDX-License-Identifier: GPL-2.0-or-later */
/* manual.c - see pages.h: pages of the manual, in man(7), which groff and mandoc read. */
#include <stdio.h>
#include <string.h>

#include "deploy/pages/pages.h"

#ifndef PAGE_DATE
#define PAGE_DATE ""
#endif

/* Text as it stands, also where somebody copies it: a plain "-" would become a hyphen, "'" and "`" quotation marks. */
static void man_plain(struct buf *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		switch (text[i]) {
		case '\\':
			buf_str(out, "\\e");
			break;
		case '-':
			buf_str(out, "\\-");
			break;
		case '\'':
			buf_str(out, "\\(aq");
			break;
		case '`':
			buf_str(out, "\\(ga");
			break;
		case '^':
			buf_str(out, "\\(ha");
			break;
		case '~':
			buf_str(out, "\\(ti");
			break;
		case '.': /* at the beginning of a line, a command */
			buf_str(out, out->len && out->data[out->len - 1] == '\n' ? "\\&." : ".");
			break;
		default:
			buf_char(out, text[i]);
		}
	}
}

/* Prose: what stands in `such marks` is what somebody types. */
static void man_prose(struct buf *out, const char *text)
{
	bool typed = false;

	for (; *text; typed = !typed) {
		size_t n = strcspn(text, "`");

		if (typed)
			buf_str(out, "\\fB");
		man_plain(out, text, n);
		if (typed)
			buf_str(out, "\\fR");
		text += n + (text[n] == '`');
	}
	buf_char(out, '\n');
}

static void man_examples(struct buf *out, const char *examples)
{
	buf_str(out, ".SH EXAMPLES\n.EX\n");
	for (const char *line = examples; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		size_t blanks = strspn(line, " ");

		man_plain(out, line + blanks, strcspn(line + blanks, "\n"));
		buf_char(out, '\n');
	}
	buf_str(out, ".EE\n");
}

static void man_begin(struct buf *out, const char *title)
{
	buf_printf(
		out,
		".\\\" Made by deploy/pages from the tables of options.\n.TH %s 8 \"%s\" \"sysscope %s\"\n.SH NAME\n",
		title, PAGE_DATE, SYSSCOPE_VERSION);
}

static void man_row(struct buf *out, const struct option_row *r, const struct buf *text)
{
	buf_str(out, ".TP\n");
	if (r->short_name)
		buf_printf(out, "\\fB\\-%c\\fR, ", r->short_name);
	buf_str(out, "\\fB\\-\\-");
	man_plain(out, r->name, strlen(r->name));
	buf_str(out, "\\fR");
	if (option_takes_value(r))
		buf_printf(out, " \\fI%s\\fR", r->argument);
	buf_char(out, '\n');
	man_prose(out, text->data ?: "");
}

void page_of_verb(struct buf *out, const struct page *p)
{
	_cleanup_buf_ struct buf title = {};

	buf_printf(&title, "SYSSCOPE\\-");
	for (const char *c = p->verb->name; *c; c++)
		buf_char(&title, (char)(*c - 'a' + 'A'));
	man_begin(out, title.data);
	buf_printf(out, "sysscope\\-%s \\- ", p->verb->name);
	man_prose(out, p->verb->summary);
	buf_printf(out, ".SH SYNOPSIS\n\\fBsysscope %s\\fR [\\fIOPTIONS\\fR]", p->verb->name);
	if (p->verb->rest) {
		buf_char(out, ' ');
		man_plain(out, p->verb->rest, strlen(p->verb->rest));
	}
	buf_str(out, "\n.SH DESCRIPTION\n");
	man_prose(out, p->verb->about);
	buf_str(out, ".SH OPTIONS\n");
	for (size_t i = 0; i < p->n; i++) {
		if (p->rows[i].kind == OPTION_PLACE)
			continue;
		if (p->rows[i].heading)
			buf_printf(out, ".SS %c%s\n", p->rows[i].heading[0] - 'a' + 'A', p->rows[i].heading + 1);
		man_row(out, &p->rows[i], &p->texts[i]);
	}
	if (p->verb->examples)
		man_examples(out, p->verb->examples);
	buf_str(out, ".SH SEE ALSO\n.BR sysscope (8)\n");
}

void page_of_all(struct buf *out, const struct page *pages, size_t n)
{
	static const char *const status[] = {"done", "failed", "wrong usage", "this kernel or this user cannot run it",
					     "found what `diagnose --fail-on` asks for"};

	man_begin(out, "SYSSCOPE");
	buf_str(out,
		"sysscope \\- which container is slow, why, and which other container caused it\n"
		".SH SYNOPSIS\n\\fBsysscope\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n"
		"Shows what containers and processes do on this machine, by reading the kernel\\(aqs own counters with "
		"eBPF.\n"
		"It has to be run as root, or with the rights in\n.IR /usr/share/doc/sysscope/docs/privileges.md .\n"
		".SH COMMANDS\n");
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, ".TP\n.BR sysscope\\-%s (8)\n", pages[i].verb->name);
		man_prose(out, pages[i].verb->summary);
	}
	buf_str(out, ".TP\n\\fBsysscope help\\fR [\\fICOMMAND\\fR]\nthe options of a command, with examples\n"
		     ".TP\n\\fBsysscope \\-\\-version\\fR\nprint the version and exit\n.SH EXIT STATUS\n");
	for (size_t i = 0; i < ARRAY_SIZE(status); i++) {
		buf_printf(out, ".TP\n.B %zu\n", i);
		man_prose(out, status[i]);
	}
	buf_str(out, ".PP\nA command that \\fBsysscope events\\fR runs gives its own.\n.SH SEE ALSO\n");
	for (size_t i = 0; i < n; i++)
		buf_printf(out, ".BR sysscope\\-%s (8)%s\n", pages[i].verb->name, i + 1 < n ? "," : "");
}
