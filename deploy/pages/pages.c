/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pages.c - see pages.h. `pages FOLDER` writes sysscope.8, a sysscope-VERB.8 for each verb, sysscope.bash, sysscope.fish and
 * _sysscope.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/run.h"
#include "cli/verbs.h"
#include "deploy/pages/pages.h"
#include "exporters/events/events.h"
#include "exporters/table/table.h"
#include "exporters/views/views.h"

static const struct verb *const verbs[] = VERBS;
#define PAGES ARRAY_SIZE(verbs)

/* Where the rows go: a verb's body makes them on its stack, and shows them there. */
static struct page pages[PAGES];
static size_t n_pages;

static char *text_kept(const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		exit(1);
	return copy;
}

static void page_show(const struct verb *verb, const struct option_row *rows, size_t n)
{
	struct page *p = &pages[n_pages++];

	p->verb = verb;
	p->n = n;
	p->rows = calloc(n, sizeof(*p->rows));
	p->texts = calloc(n, sizeof(*p->texts));
	if (!p->rows || !p->texts)
		exit(1);
	for (size_t i = 0; i < n; i++) {
		p->rows[i] = rows[i];
		p->rows[i].name = text_kept(rows[i].name);
		p->rows[i].target = NULL;
		option_text(&p->texts[i], &rows[i]);
	}
}

static void words_of_choices(struct buf *out, const char *choices)
{
	for (const char *c = choices; *c; c += strcspn(c, "|"), c += *c == '|')
		buf_printf(out, "%s%.*s", out->len ? " " : "", (int)strcspn(c, "|"), c);
}

static void keys_add(struct buf *out, const struct view_desc *view)
{
	_cleanup_buf_ struct buf keys = {};

	table_sort_keys(view, &keys);
	buf_printf(out, "%s ", keys.data ?: "");
}

enum page_value page_value(const struct option_row *row, struct buf *ret_words)
{
	if (!option_takes_value(row))
		return PAGE_NOTHING;
	if (row->kind == OPTION_CHOICE)
		words_of_choices(ret_words, row->choices);
	/* Those of all views: the shell does not know which one is meant. */
	for (size_t i = 0; i < VIEWS && strcmp(row->name, "sort") == 0; i++)
		keys_add(ret_words, views[i]);
	for (size_t i = 0; i < EVENT_TYPES && strcmp(row->name, "type") == 0; i++)
		buf_printf(ret_words, "%s ", event_type_names[i]);
	if (ret_words->len)
		return PAGE_WORDS;
	if (strcmp(row->argument, "FILE") == 0)
		return PAGE_FILE;
	return strcmp(row->argument, "DIR") == 0 ? PAGE_FOLDER : PAGE_ANYTHING;
}

static void page_write(const char *folder, const char *name, struct buf *text)
{
	_cleanup_buf_ struct buf path = {};
	_cleanup_close_ int fd = -1;
	int r;

	buf_printf(&path, "%s/%s", folder, name);
	if (path.failed || text->failed)
		exit(1);
	fd = open(path.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	r = fd < 0 ? -errno : write_all(fd, text->data, text->len);
	if (r < 0) {
		fprintf(stderr, "pages: %s: %s\n", path.data, strerror(-r));
		exit(1);
	}
	buf_free(text);
	*text = (struct buf){};
}

int main(int argc, char **argv)
{
	char option[] = "--help";
	_cleanup_buf_ struct buf out = {}, name = {};

	if (argc != 2) {
		fprintf(stderr, "usage: pages FOLDER\n");
		return 2;
	}
	for (size_t i = 0; i < PAGES; i++) {
		struct verb verb = *verbs[i];
		char *verb_argv[] = {(char *)(uintptr_t)verb.name, option, NULL};

		verb.show = page_show;
		if (run_verb(&verb, 2, verb_argv) != EXIT_DONE || n_pages != i + 1)
			return 1;
		pages[i].verb = verbs[i];
		page_of_verb(&out, &pages[i]);
		buf_reset(&name);
		buf_printf(&name, "sysscope-%s.8", verbs[i]->name);
		page_write(argv[1], name.data, &out);
	}
	page_of_all(&out, pages, PAGES);
	page_write(argv[1], "sysscope.8", &out);
	completion_bash(&out, pages, PAGES);
	page_write(argv[1], "sysscope.bash", &out);
	completion_fish(&out, pages, PAGES);
	page_write(argv[1], "sysscope.fish", &out);
	completion_zsh(&out, pages, PAGES);
	page_write(argv[1], "_sysscope", &out);
	return 0;
}
