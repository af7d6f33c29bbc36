/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * typing.c - texts that are typed on the live screen: what is searched for, the filter, the delay, a time. What a text means where
 * it needs more than the screen's state, such as a time, screen.c finds out.
 */
#include <stdlib.h>
#include <string.h>

#include "top/keys.h"
#include "view/match.h"

/* Seconds. */
#define DELAY_MIN 0.1
#define DELAY_MAX 3600

/* ---- searching ---- */

static bool row_found(const struct key_press *p, struct match_filter *f, size_t position)
{
	const struct view_desc *view = p->t->choice.view;
	uint32_t row = p->rows->index[position];
	const struct container_row *other = view->other ? view->other(p->s, row) : NULL;

	return match_filter_row(f, view->home(p->s, row), view->process ? view->process(p->s, row) : NULL) ||
	       (other && match_filter_row(f, other, NULL));
}

/* Selects the next row that is searched for, `step` rows from the selected one or later; after the last comes the first. */
static void search_next(const struct key_press *p, size_t step)
{
	cleanup(match_filter_free) struct match_filter f = {};

	if (!p->t->search[0])
		return;
	match_filter_init(&f, p->t->search);
	for (size_t i = 0; i < p->rows->n; i++) {
		size_t position = (p->t->selected + step + i) % p->rows->n;

		if (!row_found(p, &f, position))
			continue;
		top_state_select(p->t, p->s, p->rows, position);
		return;
	}
}

void key_next(const struct key_press *p)
{
	search_next(p, 1);
}

/* ---- typing ---- */

/* In UTF-8, by its first byte. */
static size_t character_bytes(unsigned char first)
{
	return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* The last character of the text is not whole yet. */
static bool character_goes_on(const char *text, size_t length)
{
	size_t n = 1;

	while (n < length && n < 4 && ((unsigned char)text[length - n] & 0xc0) == 0x80)
		n++;
	return n <= length && character_bytes((unsigned char)text[length - n]) > n;
}

/* One byte of a character at a time; a character that has no room is left out as a whole. */
static bool byte_fits(const char *text, size_t length, size_t size, unsigned char byte)
{
	return (byte & 0xc0) == 0x80 ? character_goes_on(text, length) : length + character_bytes(byte) < size;
}

static void text_type(char *text, size_t size, int key)
{
	size_t length = strlen(text);

	if (key == KEY_TOP_BACKSPACE || key == 127 || key == 8) {
		/* A whole character, not its last byte. */
		while (length && ((unsigned char)text[--length] & 0xc0) == 0x80)
			;
		text[length] = '\0';
	} else if (key >= 32 && key < 256 && byte_fits(text, length, size, (unsigned char)key)) {
		text[length] = (char)key;
		text[length + 1] = '\0';
	}
}

/* What is no number, or out of bounds, changes nothing. */
static void delay_take(struct top_state *t)
{
	char *end;
	double seconds = strtod(t->delay_text, &end);

	if (end != t->delay_text && !*end && seconds >= DELAY_MIN && seconds <= DELAY_MAX)
		t->delay_seconds = seconds;
}

/* What is typed. */
static char *typed_text(struct top_state *t, size_t *ret_size)
{
	switch (t->typing) {
	case TYPING_FILTER:
		*ret_size = sizeof(t->filter);
		return t->filter;
	case TYPING_SEARCH:
		*ret_size = sizeof(t->search);
		return t->search;
	case TYPING_TIME:
		*ret_size = sizeof(t->time);
		return t->time;
	default:
		*ret_size = sizeof(t->delay_text);
		return t->delay_text;
	}
}

void key_typed(const struct key_press *p)
{
	struct top_state *t = p->t;
	bool enter = p->key == '\n' || p->key == '\r', escape = p->key == 27;
	size_t size;
	char *text = typed_text(t, &size);

	if (enter && t->typing == TYPING_DELAY)
		delay_take(t);
	else if (enter && t->typing == TYPING_TIME && text[0])
		t->go = GO_TIME;
	if (escape)
		text[0] = '\0';
	else if (!enter)
		text_type(text, size, p->key);
	if (t->typing == TYPING_FILTER && !t->follow)
		top_state_forget(t);
	else if (t->typing == TYPING_SEARCH && !enter)
		search_next(p, 0);
	if (enter || escape)
		t->typing = TYPING_NOTHING;
}

void key_type(const struct key_press *p)
{
	struct top_state *t = p->t;
	size_t size;

	t->typing = p->key == '\\'  ? TYPING_FILTER
		    : p->key == '/' ? TYPING_SEARCH
		    : p->key == 'j' ? TYPING_TIME
				    : TYPING_DELAY;
	/* A filter is changed, the others begin anew. */
	if (t->typing != TYPING_FILTER)
		typed_text(t, &size)[0] = '\0';
}
