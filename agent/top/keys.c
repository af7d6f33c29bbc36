/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keys.c - the table of the live screen's keys: which, what the help says of it, and what it does. Called by screen.c for each
 * key; pure, as state.c is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "top/state.h"
#include "view/match.h"

static const char help_columns[] = "CPU 1.00 is one busy CPU; '-' means unknown. WAIT is the time per second that\n"
				   "threads waited for a CPU (1.0s: one thread always waits). 'attributed' is the\n"
				   "share of busy CPU time whose owner is known; '-': the kernel has no\n"
				   "/proc/schedstat.\n";

#define DELAY_MIN 0.1
#define DELAY_MAX 3600

/* What a key acts on. */
struct key_press {
	struct top_state *t;
	int key;
	const struct snapshot *s;
	const struct table_rows *rows;
	size_t page;
};

/* ---- moving ---- */

static size_t *key_scrolled(struct top_state *t)
{
	return t->help ? &t->help_first : t->detail ? &t->detail_first : NULL;
}

/* The text of help or detail; the screen stops it at the end. */
static void key_scroll(const struct key_press *p, size_t *first)
{
	size_t page = p->page;

	if (p->key == KEY_TOP_UP)
		*first -= *first > 0;
	else if (p->key == KEY_TOP_DOWN)
		*first += 1;
	else if (p->key == KEY_TOP_PAGE_UP)
		*first -= *first > page ? page : *first;
	else if (p->key == KEY_TOP_PAGE_DOWN)
		*first += page;
	else
		*first = p->key == KEY_TOP_HOME ? 0 : SIZE_MAX / 2;
}

static void key_move(const struct key_press *p)
{
	struct top_state *t = p->t;
	size_t last = p->rows->n ? p->rows->n - 1 : 0, *first = key_scrolled(t);

	if (first) {
		key_scroll(p, first);
		return;
	}
	if (p->key == KEY_TOP_UP)
		t->selected -= t->selected > 0;
	else if (p->key == KEY_TOP_DOWN)
		t->selected += t->selected < last;
	else if (p->key == KEY_TOP_PAGE_UP)
		t->selected = t->selected > p->page ? t->selected - p->page : 0;
	else if (p->key == KEY_TOP_PAGE_DOWN)
		t->selected = t->selected + p->page < last ? t->selected + p->page : last;
	else
		t->selected = p->key == KEY_TOP_HOME ? 0 : last;
	top_state_remember(t, p->s, p->rows);
}

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
		p->t->selected = position;
		top_state_remember(p->t, p->s, p->rows);
		return;
	}
}

static void key_next(const struct key_press *p)
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

static void key_typed(const struct key_press *p)
{
	struct top_state *t = p->t;
	bool enter = p->key == '\n' || p->key == '\r', escape = p->key == 27;
	char *text = t->typing == TYPING_FILTER ? t->filter : t->typing == TYPING_SEARCH ? t->search : t->delay_text;
	size_t size = t->typing == TYPING_FILTER   ? sizeof(t->filter)
		      : t->typing == TYPING_SEARCH ? sizeof(t->search)
						   : sizeof(t->delay_text);

	if (enter && t->typing == TYPING_DELAY)
		delay_take(t);
	if (escape)
		text[0] = '\0';
	else if (!enter)
		text_type(text, size, p->key);
	if (t->typing == TYPING_FILTER)
		top_state_forget(t);
	else if (t->typing == TYPING_SEARCH && !enter)
		search_next(p, 0);
	if (enter || escape)
		t->typing = TYPING_NOTHING;
}

static void key_type(const struct key_press *p)
{
	struct top_state *t = p->t;

	t->typing = p->key == '\\' ? TYPING_FILTER : p->key == '/' ? TYPING_SEARCH : TYPING_DELAY;
	if (t->typing == TYPING_SEARCH)
		t->search[0] = '\0';
	t->delay_text[0] = '\0';
}

/* ---- the others ---- */

static void key_sort(const struct key_press *p)
{
	struct table_choice *c = &p->t->choice;
	const struct sort_key *keys = c->view->sort_keys;

	for (size_t i = 0; i < SORT_KEYS_MAX; i++)
		if (keys[i].key == p->key)
			c->sort = keys[i].column;
	c->reverse = false;
}

static void key_sort_beside(const struct key_press *p)
{
	struct table_choice *c = &p->t->choice;

	c->sort = table_sort_beside(c->view, c->sort, p->key == '<' || p->key == KEY_TOP_LEFT ? -1 : 1);
}

static void key_enter(const struct key_press *p)
{
	struct top_state *t = p->t;

	if (t->selected >= p->rows->n || t->detail || !t->choice.view->detail)
		return;
	top_state_remember(t, p->s, p->rows);
	t->detail = true;
	t->detail_first = 0;
}

/* From a container to its processes; from a view of one container, or from a process, to the containers. */
static void key_zoom(const struct key_press *p)
{
	struct top_state *t = p->t;
	const struct view_desc *view = t->choice.view;
	const struct container_row *home;
	struct row_id id;

	if (t->selected >= p->rows->n)
		return;
	home = view->home(p->s, p->rows->index[t->selected]);
	id = (struct row_id){.cgroup = home->cgroup};
	if (view->enter) {
		/* By its path: names need not be unique. */
		snprintf(t->home, sizeof(t->home), "%s", home->name);
		snprintf(t->cgroup, sizeof(t->cgroup), "%s", home->cgroup);
		top_state_view(t, view->enter);
		t->choice.cgroup = t->cgroup;
	} else {
		top_state_view(t, views[0]);
		top_state_choose(t, &id);
	}
}

static void key_back(const struct key_press *p)
{
	struct top_state *t = p->t;

	if (t->help)
		t->help = false;
	else if (t->detail)
		t->detail = false;
	else if (t->filter[0])
		t->filter[0] = '\0';
	else if (t->choice.cgroup)
		top_state_view(t, views[0]);
}

static void key_delay(const struct key_press *p)
{
	struct top_state *t = p->t;

	t->delay_seconds *= p->key == '+' ? 2 : 0.5;
	if (t->delay_seconds < DELAY_MIN)
		t->delay_seconds = DELAY_MIN;
	if (t->delay_seconds > DELAY_MAX)
		t->delay_seconds = DELAY_MAX;
}

static void key_pause(const struct key_press *p)
{
	p->t->paused = !p->t->paused;
}

static void key_tree(const struct key_press *p)
{
	p->t->choice.tree = !p->t->choice.tree;
}

static void key_containers(const struct key_press *p)
{
	p->t->choice.containers_only = !p->t->choice.containers_only;
}

static void key_invert(const struct key_press *p)
{
	p->t->choice.reverse = !p->t->choice.reverse;
}

static void key_view(const struct key_press *p)
{
	size_t now = view_index(p->t->choice.view);

	top_state_view(p->t, views[p->key == '\t' ? (now + 1) % VIEWS : (size_t)(p->key - '1')]);
}

static void key_help(const struct key_press *p)
{
	p->t->help = !p->t->help;
	p->t->help_first = 0;
}

static void key_refresh(const struct key_press *p)
{
	p->t->refresh = true;
}

static void key_quit(const struct key_press *p)
{
	p->t->quit = true;
}

/* ---- the table ---- */

_Static_assert(VIEWS == 5, "a key each");

#define KEYS_MAX 8
static const struct key_row {
	int keys[KEYS_MAX]; /* 0: no more */
	const char *names;
	const char *text; /* for the help; NULL: the names of the views */
	void (*act)(const struct key_press *p);
} table[] = {
	{{'\t', '1', '2', '3', '4', '5'}, "Tab 1 2 3 4 5", NULL, key_view},
	{{'\n', '\r'}, "Enter", "detail of the row; the arrows scroll it", key_enter},
	{{27, 127, 8, KEY_TOP_BACKSPACE}, "Esc", "back, and so does Backspace", key_back},
	{{'z'}, "z", "from a container to its processes, and back", key_zoom},
	{{KEY_TOP_UP, KEY_TOP_DOWN, KEY_TOP_PAGE_UP, KEY_TOP_PAGE_DOWN, KEY_TOP_HOME, KEY_TOP_END},
	 "Up Down",
	 "move, and so do PgUp PgDn Home End",
	 key_move},
	{{'<', '>', KEY_TOP_LEFT, KEY_TOP_RIGHT},
	 "< >",
	 "sort by the previous, the next column, and so do Left Right",
	 key_sort_beside},
	{{'P', 'M', 'N', 'T', 'W'}, "P M N T W", "sort by CPU, memory, name, CPU time, waits for a CPU", key_sort},
	{{'I', 'r'}, "I r", "the other order", key_invert},
	{{'/'}, "/ F3", "search by name: to the next row that has it", key_type},
	{{'n'}, "n", "search on", key_next},
	{{'\\'}, "\\ F4", "filter by name; Enter keeps it, Esc clears it", key_type},
	{{'t'}, "t", "tree: children below their parents", key_tree},
	{{'H'}, "H", "containers only; services, sessions and the host too", key_containers},
	{{' '}, "Space", "pause", key_pause},
	{{'d'}, "d", "set the delay, in seconds", key_type},
	{{'+', '-'}, "+ -", "longer, shorter delay", key_delay},
	{{KEY_TOP_REFRESH}, "F5", "take a sample now", key_refresh},
	{{'?', 'h', KEY_TOP_HELP}, "? h F1", "this help", key_help},
	{{'q', KEY_TOP_QUIT}, "q F10", "quit", key_quit},
};

static const struct key_row *key_find(int key)
{
	for (size_t i = 0; key > 0 && i < ARRAY_SIZE(table); i++)
		for (size_t k = 0; k < KEYS_MAX && table[i].keys[k]; k++)
			if (table[i].keys[k] == key)
				return &table[i];
	return NULL;
}

void top_state_key(struct top_state *t, int key, const struct snapshot *s, const struct table_rows *rows, size_t page)
{
	const struct key_press p = {t, key, s, rows, page};
	const struct key_row *row = key_find(key);

	if (t->typing)
		key_typed(&p);
	else if (row)
		row->act(&p);
}

void top_help_text(struct buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		buf_printf(out, "%-*s%s", table[i].text ? 12 : 0, table[i].names, table[i].text ?: "");
		for (size_t v = 0; !table[i].text && v < VIEWS; v++)
			buf_printf(out, "%s%s", v ? " / " : " ", views[v]->name);
		buf_char(out, '\n');
	}
	buf_char(out, '\n');
	buf_str(out, help_columns);
	for (size_t i = 0; i < VIEWS; i++)
		buf_str(out, views[i]->help ?: "");
}
