/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pages.h - pages, a program of the build: the manual and the completions of bash, fish and zsh, from the rows that parse the
 * options. pages.c collects the rows of all verbs; each of the others writes one format of them.
 */
#ifndef SYSSCOPE_PAGES_H
#define SYSSCOPE_PAGES_H

#include "base/util.h"
#include "options/options.h"

/* Of one verb. */
struct page {
	const struct verb *verb;
	size_t n;
	struct option_row *rows;
	struct buf *texts; /* what option_text says of each row, with its default */
};

/* What stands behind an option when it is completed. */
enum page_value { PAGE_NOTHING, PAGE_ANYTHING, PAGE_WORDS, PAGE_FILE, PAGE_FOLDER };
enum page_value page_value(const struct option_row *row, struct buf *ret_words); /* PAGE_WORDS: separated by blanks */

void page_of_verb(struct buf *out, const struct page *page);
void page_of_all(struct buf *out, const struct page *pages, size_t n);
void completion_bash(struct buf *out, const struct page *pages, size_t n);
void completion_fish(struct buf *out, const struct page *pages, size_t n);
void completion_zsh(struct buf *out, const struct page *pages, size_t n);

#endif
