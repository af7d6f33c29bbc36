/* SPDX-License-Identifier: GPL-2.0-or-later */
/* completion.c - see pages.h: what bash, fish and zsh offer behind `sysscope`. */
#include <string.h>

#include "deploy/pages/pages.h"

static void names_of_verbs(struct buf *out, const struct page *pages, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s ", pages[i].verb->name);
}

/* The last argument is a file, or a folder: PAGE_NOTHING if there is none. */
static enum page_value page_place(const struct page *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->rows[i].kind == OPTION_PLACE)
			return strcmp(p->rows[i].name, "DIR") == 0 ? PAGE_FOLDER : PAGE_FILE;
	return PAGE_NOTHING;
}

/* ---- bash ---- */

static void bash_offer(struct buf *out, enum page_value value, const char *words)
{
	switch (value) {
	case PAGE_WORDS:
		buf_printf(out, "words='%s'", words);
		break;
	case PAGE_FILE:
		buf_str(out, "what=-f");
		break;
	case PAGE_FOLDER:
		buf_str(out, "what=-d");
		break;
	case PAGE_ANYTHING:
	case PAGE_NOTHING:
		buf_str(out, ":");
	}
}

/* One line of a `case` for each option with a value, then all options. */
static void bash_verb(struct buf *out, const struct page *p)
{
	enum page_value place = page_place(p);

	buf_printf(out, "\t%s)\n\t\tcase $before in\n", p->verb->name);
	for (size_t i = 0; i < p->n; i++) {
		const struct option_row *r = &p->rows[i];
		_cleanup_buf_ struct buf words = {};
		enum page_value value = r->kind == OPTION_PLACE ? PAGE_NOTHING : page_value(r, &words);

		if (value == PAGE_NOTHING)
			continue;
		buf_printf(out, "\t\t--%s", r->name);
		if (r->short_name)
			buf_printf(out, " | -%c", r->short_name);
		buf_str(out, ") ");
		bash_offer(out, value, words.data);
		buf_str(out, " ;;\n");
	}
	buf_str(out, "\t\t*) words='");
	for (size_t i = 0; i < p->n; i++)
		if (p->rows[i].kind != OPTION_PLACE)
			buf_printf(out, "%s--%s", i ? " " : "", p->rows[i].name);
	buf_char(out, '\'');
	if (place != PAGE_NOTHING) {
		buf_str(out, "; [[ $word == -* ]] || ");
		bash_offer(out, place, NULL);
	}
	buf_str(out, " ;;\n\t\tesac\n\t\t;;\n");
}

void completion_bash(struct buf *out, const struct page *pages, size_t n)
{
	_cleanup_buf_ struct buf names = {};

	names_of_verbs(&names, pages, n);
	buf_str(out, "# Completion of sysscope for bash. Made by deploy/pages from the tables of options.\n"
		     "# shellcheck shell=bash disable=SC2034\n"
		     "_sysscope()\n{\n"
		     "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words='' what='' i\n"
		     "\tCOMPREPLY=()\n"
		     "\t# To bash --view=VALUE is three words.\n"
		     "\tif [[ $word == = ]]; then\n\t\tword=''\n"
		     "\telif [[ $before == = ]]; then\n\t\tbefore=${COMP_WORDS[COMP_CWORD - 2]}\n\tfi\n"
		     "\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
		     "\t\t# Behind it stands another command.\n"
		     "\t\tif [[ ${COMP_WORDS[i]} == -- ]]; then\n"
		     "\t\t\tif ((i + 1 == COMP_CWORD)); then mapfile -t COMPREPLY < <(compgen -c -- \"$word\"); "
		     "else compopt -o default; fi\n\t\t\treturn\n\t\tfi\n\tdone\n");
	buf_printf(out,
		   "\tif ((COMP_CWORD == 1)); then\n\t\twords='%shelp --help --version'\n\telse\n\tcase "
		   "${COMP_WORDS[1]} in\n"
		   "\thelp) ((COMP_CWORD > 2)) || words='%s' ;;\n",
		   names.data, names.data);
	for (size_t i = 0; i < n; i++)
		bash_verb(out, &pages[i]);
	buf_str(out, "\tesac\n\tfi\n"
		     "\tif [[ $what ]]; then\n\t\tcompopt -o filenames\n\t\tmapfile -t COMPREPLY < <(compgen \"$what\" "
		     "-- \"$word\")\n"
		     "\telse\n\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n\tfi\n}\n"
		     "complete -F _sysscope sysscope\n");
}

/* ---- fish ---- */

/* In single marks, where only these two mean something. */
static void fish_text(struct buf *out, const char *text)
{
	buf_char(out, '\'');
	for (; *text; text++) {
		if (*text == '\\' || *text == '\'')
			buf_char(out, '\\');
		buf_char(out, *text);
	}
	buf_char(out, '\'');
}

static void fish_row(struct buf *out, const struct page *p, const struct option_row *r)
{
	_cleanup_buf_ struct buf words = {};

	buf_printf(out, "complete -c sysscope -n '__fish_seen_subcommand_from %s' -l %s", p->verb->name, r->name);
	if (r->short_name)
		buf_printf(out, " -s %c", r->short_name);
	switch (page_value(r, &words)) {
	case PAGE_WORDS:
		buf_printf(out, " -x -a '%s'", words.data);
		break;
	case PAGE_FILE:
		buf_str(out, " -r -F");
		break;
	case PAGE_FOLDER:
		buf_str(out, " -x -a '(__fish_complete_directories)'");
		break;
	case PAGE_ANYTHING:
		buf_str(out, " -x");
		break;
	case PAGE_NOTHING:
		break;
	}
	buf_str(out, " -d ");
	fish_text(out, r->help);
	buf_char(out, '\n');
}

void completion_fish(struct buf *out, const struct page *pages, size_t n)
{
	_cleanup_buf_ struct buf names = {};

	names_of_verbs(&names, pages, n);
	buf_str(out, "# Completion of sysscope for fish. Made by deploy/pages from the tables of options.\ncomplete -c "
		     "sysscope -f\n");
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "complete -c sysscope -n __fish_use_subcommand -a %s -d ", pages[i].verb->name);
		fish_text(out, pages[i].verb->summary);
		buf_char(out, '\n');
	}
	buf_printf(out,
		   "complete -c sysscope -n __fish_use_subcommand -a help -d 'the options of a command'\n"
		   "complete -c sysscope -n __fish_use_subcommand -l version -d 'print the version and exit'\n"
		   "complete -c sysscope -n '__fish_seen_subcommand_from help' -a '%s'\n",
		   names.data);
	for (size_t i = 0; i < n; i++) {
		enum page_value place = page_place(&pages[i]);

		for (size_t row = 0; row < pages[i].n; row++)
			if (pages[i].rows[row].kind != OPTION_PLACE)
				fish_row(out, &pages[i], &pages[i].rows[row]);
		if (place != PAGE_NOTHING)
			buf_printf(out, "complete -c sysscope -n '__fish_seen_subcommand_from %s' %s\n",
				   pages[i].verb->name,
				   place == PAGE_FILE ? "-F" : "-a '(__fish_complete_directories)'");
	}
}

/* ---- zsh ---- */

/* Within single marks; what _arguments would read as its own has a backslash before it. */
static void zsh_text(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'') {
			buf_str(out, "'\\''");
			continue;
		}
		if (strchr("[]:\\", *text))
			buf_char(out, '\\');
		buf_char(out, *text);
	}
}

static void zsh_value(struct buf *out, enum page_value value, const char *message, const char *words)
{
	if (value == PAGE_NOTHING)
		return;
	buf_printf(out, ":%s:", message);
	if (value == PAGE_WORDS)
		buf_printf(out, "(%s)", words);
	else if (value == PAGE_FILE)
		buf_str(out, "_files");
	else if (value == PAGE_FOLDER)
		buf_str(out, "_files -/");
}

static void zsh_row(struct buf *out, const struct option_row *r)
{
	const char *many = r->kind == OPTION_LIST ? "*" : "";
	_cleanup_buf_ struct buf words = {};
	enum page_value value = page_value(r, &words);
	bool equals = value != PAGE_NOTHING;

	/* Once for each spelling; one excludes the other. */
	for (int s = 0; s < (r->short_name ? 2 : 1); s++) {
		buf_str(out, " \\\n\t\t\t'");
		if (r->short_name && !many[0])
			buf_printf(out, "(-%c --%s)", r->short_name, r->name);
		if (s)
			buf_printf(out, "%s-%c%s[", many, r->short_name, equals ? "+" : "");
		else
			buf_printf(out, "%s--%s%s[", many, r->name, equals ? "=" : "");
		zsh_text(out, r->help);
		buf_char(out, ']');
		zsh_value(out, value, r->argument, words.data);
		buf_char(out, '\'');
	}
}

void completion_zsh(struct buf *out, const struct page *pages, size_t n)
{
	_cleanup_buf_ struct buf names = {};

	names_of_verbs(&names, pages, n);
	buf_str(out, "#compdef sysscope\n# Completion of sysscope for zsh. Made by deploy/pages from the tables of "
		     "options.\n"
		     "_sysscope() {\n\tlocal -a commands\n\tcommands=(\n");
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "\t\t'%s:", pages[i].verb->name);
		zsh_text(out, pages[i].verb->summary);
		buf_str(out, "'\n");
	}
	buf_printf(out,
		   "\t\t'help:the options of a command'\n\t)\n"
		   "\tif (( CURRENT == 2 )); then\n\t\t_describe command commands\n\t\treturn\n\tfi\n"
		   "\tshift words\n\t(( CURRENT-- ))\n\tcase $words[1] in\n\thelp)\n\t\t_values command %s\n\t\t;;\n",
		   names.data);
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "\t%s)\n\t\t_arguments", pages[i].verb->name);
		for (size_t row = 0; row < pages[i].n; row++)
			if (pages[i].rows[row].kind != OPTION_PLACE)
				zsh_row(out, &pages[i].rows[row]);
		if (page_place(&pages[i]) != PAGE_NOTHING) {
			buf_str(out, " \\\n\t\t\t'1");
			zsh_value(out, page_place(&pages[i]), page_place(&pages[i]) == PAGE_FILE ? "FILE" : "DIR",
				  NULL);
			buf_char(out, '\'');
		}
		if (pages[i].verb->shares & VERB_ARGUMENTS)
			buf_str(out, " \\\n\t\t\t'*::COMMAND: _normal'");
		buf_str(out, "\n\t\t;;\n");
	}
	buf_str(out, "\tesac\n}\n_sysscope \"$@\"\n");
}
