/* SPDX-License-Identifier: GPL-2.0-or-later */
/* setup.c - see setup.h. */
#include <string.h>

#include "top/keys.h"

static bool chosen_has(const struct table_chosen *c, int column)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->columns[i] == column)
			return true;
	return false;
}

/* Those that are shown in their order, then the others. */
static void setup_fill(struct setup *s, const struct view_desc *view, const struct table_chosen *shown)
{
	int all[TABLE_CHOICES_MAX];
	size_t n = table_columns_all(view, all);

	s->n = 0;
	for (size_t i = 0; i < shown->n; i++)
		s->entries[s->n++] = (struct setup_entry){shown->columns[i], true};
	for (size_t i = 0; i < n && s->n < TABLE_CHOICES_MAX; i++)
		if (!chosen_has(shown, all[i]))
			s->entries[s->n++] = (struct setup_entry){all[i], false};
}

/* What is on the screen now. */
static void setup_begin(struct top_state *t)
{
	struct table_column columns[TABLE_COLUMNS_MAX];
	struct table_chosen shown = {};
	size_t n;

	if (t->choice.chosen && t->choice.chosen->n)
		shown = *t->choice.chosen;
	else {
		n = table_columns(t->choice.view, t->width, columns);
		for (size_t i = 0; i < n; i++)
			shown.columns[shown.n++] = columns[i].column;
	}
	setup_fill(&t->setup, t->choice.view, &shown);
}

/* Without any the view has its own again. */
static void setup_take(struct top_state *t)
{
	struct table_chosen *c = &t->columns[view_index(t->choice.view)];

	c->n = 0;
	for (size_t i = 0; i < t->setup.n; i++)
		if (t->setup.entries[i].shown)
			c->columns[c->n++] = t->setup.entries[i].column;
	t->setup.changed = true;
}

void key_setup(const struct key_press *p)
{
	struct top_state *t = p->t;

	t->setup.open = true;
	t->setup.selected = t->setup.first = 0;
	t->help = t->detail = false;
	setup_begin(t);
}

static bool setup_move(struct setup *s, int key, size_t page)
{
	size_t last = s->n ? s->n - 1 : 0;

	if (key == KEY_TOP_UP)
		s->selected -= s->selected > 0;
	else if (key == KEY_TOP_DOWN)
		s->selected += s->selected < last;
	else if (key == KEY_TOP_PAGE_UP)
		s->selected -= s->selected > page ? page : s->selected;
	else if (key == KEY_TOP_PAGE_DOWN)
		s->selected = s->selected + page < last ? s->selected + page : last;
	else if (key == KEY_TOP_HOME)
		s->selected = 0;
	else if (key == KEY_TOP_END)
		s->selected = last;
	else
		return false;
	return true;
}

/* Changes places with the one beside it, which the selection follows. */
static void setup_swap(struct top_state *t, bool forth)
{
	struct setup *s = &t->setup;
	size_t to = forth ? s->selected + 1 : s->selected - 1;
	struct setup_entry moved;

	if (to >= s->n)
		return;
	moved = s->entries[s->selected];
	s->entries[s->selected] = s->entries[to];
	s->entries[to] = moved;
	s->selected = to;
	setup_take(t);
}

bool setup_key(const struct key_press *p)
{
	struct top_state *t = p->t;
	struct setup *s = &t->setup;

	if (!s->open || p->key == 'q' || p->key == KEY_TOP_QUIT)
		return false;
	if (s->selected >= s->n || setup_move(s, p->key, p->page))
		return true;
	if (p->key == ' ' || p->key == '\n' || p->key == '\r') {
		s->entries[s->selected].shown = !s->entries[s->selected].shown;
		setup_take(t);
	} else if (p->key == '<' || p->key == KEY_TOP_LEFT)
		setup_swap(t, false);
	else if (p->key == '>' || p->key == KEY_TOP_RIGHT)
		setup_swap(t, true);
	else if (p->key == 'r') {
		t->columns[view_index(t->choice.view)].n = 0;
		s->changed = true;
		setup_begin(t);
	} else if (p->key == 27 || p->key == 'S' || p->key == KEY_TOP_SETUP)
		s->open = false;
	return true;
}

/* ---- drawing ---- */

void setup_scroll(struct setup *s, size_t page)
{
	if (s->selected < s->first)
		s->first = s->selected;
	if (page && s->selected >= s->first + page)
		s->first = s->selected - page + 1;
}

void setup_line(struct buf *out, const struct setup *s, const struct view_desc *view, size_t position, int width)
{
	const struct setup_entry *e = &s->entries[position];
	size_t n;
	const struct metric_desc *d = metric_table(view->scope, &n);
	_cleanup_buf_ struct buf line = {};

	buf_printf(&line, "[%c] %-14s %s", e->shown ? 'x' : ' ', table_sort_title(view, e->column),
		   e->column >= 0 && d[e->column].help ? d[e->column].help : "");
	text_fit(out, line.data ? line.data : "", width, false);
}
