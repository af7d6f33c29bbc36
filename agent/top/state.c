/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.c - what is chosen, and that it stays so from snapshot to snapshot: see state.h. keys.c changes it.
 */
#include <stdio.h>
#include <string.h>

#include "top/state.h"

void top_state_init(struct top_state *t, const struct table_choice *choice, double delay_seconds)
{
	*t = (struct top_state){.choice = *choice, .delay_seconds = delay_seconds};
	if (choice->filter)
		snprintf(t->filter, sizeof(t->filter), "%s", choice->filter);
	t->choice.filter = t->filter;
	hash_seed_make(&t->fold_seed);
	t->choice.chosen = &t->columns[view_index(t->choice.view)];
	for (size_t i = 0; i < VIEWS; i++)
		t->sorts[i] = views[i]->sort;
}

void top_state_forget(struct top_state *t)
{
	t->selected = t->first = 0;
	t->chosen = false;
}

void top_state_choose(struct top_state *t, const struct row_id *id)
{
	t->chosen = true;
	t->selected_pid = id->pid;
	t->selected_start = id->start_ns;
	snprintf(t->selected_cgroup, sizeof(t->selected_cgroup), "%s", id->cgroup ?: "");
	snprintf(t->selected_other, sizeof(t->selected_other), "%s", id->other ?: "");
}

void top_state_remember(struct top_state *t, const struct snapshot *s, const struct table_rows *rows)
{
	struct row_id id;

	t->chosen = t->selected < rows->n;
	if (!t->chosen)
		return;
	id = t->choice.view->id(s, rows->index[t->selected]);
	top_state_choose(t, &id);
}

static bool selection_is(const struct top_state *t, const struct snapshot *s, uint32_t row)
{
	struct row_id id;

	if (!t->chosen)
		return false;
	id = t->choice.view->id(s, row);
	return id.pid == t->selected_pid && id.start_ns == t->selected_start &&
	       strncmp(t->selected_cgroup, id.cgroup ?: "", sizeof(t->selected_cgroup) - 1) == 0 &&
	       strncmp(t->selected_other, id.other ?: "", sizeof(t->selected_other) - 1) == 0;
}

bool top_state_selected(const struct top_state *t, const struct snapshot *s, uint32_t *ret_row)
{
	size_t n = t->choice.view->count(s);

	for (uint32_t i = 0; i < n; i++)
		if (selection_is(t, s, i)) {
			*ret_row = i;
			return true;
		}
	return false;
}

/* `line`: of the page, where the selected row is to be. */
static void scroll(struct top_state *t, size_t n, size_t page, size_t line)
{
	if (t->selected >= n)
		t->selected = n ? n - 1 : 0;
	if (page == 0)
		page = 1;
	if (t->follow)
		t->first = t->selected > line ? t->selected - line : 0;
	if (t->selected < t->first)
		t->first = t->selected;
	if (t->selected >= t->first + page)
		t->first = t->selected - page + 1;
	if (t->first + page > n)
		t->first = n > page ? n - page : 0;
}

/* The row that is followed is not among those that are shown. Its end is said. */
static void follow_lost(struct top_state *t, const struct snapshot *s)
{
	uint32_t row;

	t->follow_hidden = top_state_selected(t, s, &row);
	if (t->follow_hidden)
		return;
	t->follow = false;
	snprintf(t->message, sizeof(t->message), "%s %s", t->followed, t->past ? "is not there" : "has ended");
}

void top_state_follow(struct top_state *t, const struct snapshot *s, const struct table_rows *rows, size_t page)
{
	size_t line = t->selected - t->first, i = 0;

	while (i < rows->n && !selection_is(t, s, rows->index[i]))
		i++;
	if (i < rows->n)
		t->selected = i;
	if (t->follow && i == rows->n)
		follow_lost(t, s);
	else
		t->follow_hidden = false;
	scroll(t, rows->n, page, line);
	/* On the first row nothing was chosen: the selection stays on the first row. */
	if (t->selected > 0 && !t->follow_hidden)
		top_state_remember(t, s, rows);
}

void top_state_select(struct top_state *t, const struct snapshot *s, const struct table_rows *rows, size_t position)
{
	if (position >= rows->n)
		return;
	t->follow = false;
	t->selected = position;
	top_state_remember(t, s, rows);
}

void top_state_click_title(struct top_state *t, int column)
{
	struct table_choice *c = &t->choice;

	if (column < 0 && !c->view->columns[TEXT_COLUMN(column)].key)
		return;
	c->reverse = column == c->sort && !c->reverse;
	c->sort = column;
}

void top_state_view(struct top_state *t, const struct view_desc *view)
{
	t->sorts[view_index(t->choice.view)] = t->choice.sort;
	t->choice.view = view;
	t->choice.chosen = &t->columns[view_index(view)];
	t->choice.sort = t->sorts[view_index(view)];
	t->choice.cgroup = NULL;
	t->detail = t->follow = false;
	t->detail_first = 0;
	top_state_forget(t);
}
