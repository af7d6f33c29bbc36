/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.c - see state.h. Called by screen.c for each key and each new snapshot.
 */
#include <stdio.h>
#include <string.h>

#include "top/state.h"

static const char help_keys[] = "Enter       processes of a container, details of a process or loop\n"
				"Esc         back, and so does Backspace\n"
				"d           details of a container: what it is, how it started\n"
				"Up Down PgUp PgDn Home End   move\n"
				"Left Right  sort by the previous / next column;  r: reverse\n"
				"P M N T W   sort by CPU, memory, name, CPU time, waits for a CPU\n"
				"/           filter by name; Enter keeps it, Esc clears it\n"
				"t           tree: children below their parents\n"
				"H           containers only / services, sessions and the host too\n"
				"Space       pause\n"
				"+ -         longer / shorter delay\n"
				"F5          take a sample now\n"
				"q F10       quit\n";

static const char help_columns[] = "CPU 1.00 is one busy CPU; '-' means unknown. WAIT is the time per second that\n"
				   "threads waited for a CPU (1.0s: one thread always waits). 'attributed' is the\n"
				   "share of busy CPU time whose owner is known; '-': the kernel has no\n"
				   "/proc/schedstat.\n";

void top_help_text(struct buf *out)
{
	buf_str(out, "Tab");
	for (size_t i = 0; i < VIEWS; i++)
		buf_printf(out, " %zu", i + 1);
	for (size_t i = 0; i < VIEWS; i++)
		buf_printf(out, "%s%s", i ? " / " : " ", views[i]->name);
	buf_char(out, '\n');
	buf_str(out, help_keys);
	buf_char(out, '\n');
	buf_str(out, help_columns);
	for (size_t i = 0; i < VIEWS; i++)
		buf_str(out, views[i]->help ?: "");
}

void top_state_init(struct top_state *t, const struct table_choice *choice, double delay_seconds)
{
	*t = (struct top_state){.choice = *choice, .delay_seconds = delay_seconds};
	if (choice->filter)
		snprintf(t->filter, sizeof(t->filter), "%s", choice->filter);
	t->choice.filter = t->filter;
	for (size_t i = 0; i < VIEWS; i++)
		t->sorts[i] = views[i]->sort;
}

static void selection_clear(struct top_state *t)
{
	t->selected = t->first = 0;
	t->chosen = false;
}

static void selection_remember(struct top_state *t, const struct snapshot *s, const struct table_rows *rows)
{
	struct row_id id;

	t->chosen = t->selected < rows->n;
	if (!t->chosen)
		return;
	id = t->choice.view->id(s, rows->index[t->selected]);
	t->selected_pid = id.pid;
	t->selected_start = id.start_ns;
	snprintf(t->selected_cgroup, sizeof(t->selected_cgroup), "%s", id.cgroup ?: "");
	snprintf(t->selected_other, sizeof(t->selected_other), "%s", id.other ?: "");
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

static void scroll(struct top_state *t, size_t n, size_t page)
{
	if (t->selected >= n)
		t->selected = n ? n - 1 : 0;
	if (page == 0)
		page = 1;
	if (t->selected < t->first)
		t->first = t->selected;
	if (t->selected >= t->first + page)
		t->first = t->selected - page + 1;
	if (t->first + page > n)
		t->first = n > page ? n - page : 0;
}

void top_state_follow(struct top_state *t, const struct snapshot *s, const struct table_rows *rows, size_t page)
{
	for (size_t i = 0; i < rows->n; i++)
		if (selection_is(t, s, rows->index[i])) {
			t->selected = i;
			break;
		}
	scroll(t, rows->n, page);
	/* On the first row nothing was chosen: the selection stays on the first row. */
	if (t->selected > 0)
		selection_remember(t, s, rows);
}

static void view_set(struct top_state *t, const struct view_desc *view)
{
	t->sorts[view_index(t->choice.view)] = t->choice.sort;
	t->choice.view = view;
	t->choice.sort = t->sorts[view_index(view)];
	t->choice.cgroup = NULL;
	t->detail = false;
	selection_clear(t);
}

static void key_typing(struct top_state *t, int key)
{
	size_t length = strlen(t->filter);

	if (key == '\n' || key == '\r') {
		t->typing = false;
	} else if (key == 27) {
		t->filter[0] = '\0';
		t->typing = false;
	} else if (key == KEY_TOP_BACKSPACE || key == 127 || key == 8) {
		/* A whole character, not its last byte. */
		while (length && ((unsigned char)t->filter[--length] & 0xc0) == 0x80)
			;
		t->filter[length] = '\0';
	} else if (key >= 32 && key < 256 && length + 1 < sizeof(t->filter)) {
		t->filter[length] = (char)key;
		t->filter[length + 1] = '\0';
	}
	selection_clear(t);
}

static bool key_move(struct top_state *t, int key, size_t n, size_t page)
{
	size_t last = n ? n - 1 : 0;

	switch (key) {
	case KEY_TOP_UP:
		t->selected -= t->selected > 0;
		return true;
	case KEY_TOP_DOWN:
		t->selected += t->selected < last;
		return true;
	case KEY_TOP_PAGE_UP:
		t->selected = t->selected > page ? t->selected - page : 0;
		return true;
	case KEY_TOP_PAGE_DOWN:
		t->selected = t->selected + page < last ? t->selected + page : last;
		return true;
	case KEY_TOP_HOME:
		t->selected = 0;
		return true;
	case KEY_TOP_END:
		t->selected = last;
		return true;
	default:
		return false;
	}
}

static void key_sort(struct top_state *t, int key)
{
	const struct sort_key *keys = t->choice.view->sort_keys;

	for (size_t i = 0; i < SORT_KEYS_MAX; i++)
		if (keys[i].key == key)
			t->choice.sort = keys[i].column;
	t->choice.reverse = false;
}

static void key_enter(struct top_state *t, const struct snapshot *s, const struct table_rows *rows)
{
	const struct view_desc *view = t->choice.view;
	const struct container_row *home;

	if (t->selected >= rows->n || t->detail)
		return;
	if (!view->enter) {
		if (!view->detail)
			return;
		selection_remember(t, s, rows);
		t->detail = true;
		return;
	}
	home = view->home(s, rows->index[t->selected]);
	/* By its path: names need not be unique. */
	snprintf(t->home, sizeof(t->home), "%s", home->name);
	snprintf(t->cgroup, sizeof(t->cgroup), "%s", home->cgroup);
	view_set(t, view->enter);
	t->choice.cgroup = t->cgroup;
}

static void key_detail(struct top_state *t, const struct snapshot *s, const struct table_rows *rows)
{
	if (t->selected >= rows->n || !t->choice.view->detail)
		return;
	selection_remember(t, s, rows);
	t->detail = !t->detail;
}

static void key_back(struct top_state *t)
{
	if (t->help) {
		t->help = false;
	} else if (t->detail) {
		t->detail = false;
	} else if (t->filter[0]) {
		t->filter[0] = '\0';
	} else if (t->choice.cgroup) {
		view_set(t, views[0]);
	}
}

static void key_delay(struct top_state *t, int key)
{
	t->delay_seconds *= key == '+' ? 2 : 0.5;
	if (t->delay_seconds < 0.1)
		t->delay_seconds = 0.1;
	if (t->delay_seconds > 3600)
		t->delay_seconds = 3600;
}

/* The screen stops it at the end. */
static bool key_help(struct top_state *t, int key, size_t page)
{
	switch (key) {
	case KEY_TOP_UP:
		t->help_first -= t->help_first > 0;
		return true;
	case KEY_TOP_DOWN:
		t->help_first++;
		return true;
	case KEY_TOP_PAGE_UP:
		t->help_first -= t->help_first > page ? page : t->help_first;
		return true;
	case KEY_TOP_PAGE_DOWN:
		t->help_first += page;
		return true;
	case KEY_TOP_HOME:
		t->help_first = 0;
		return true;
	default:
		return false;
	}
}

/* Keys that change what is shown of the chosen view. False: none of them. */
static bool key_option(struct top_state *t, int key)
{
	struct table_choice *c = &t->choice;

	switch (key) {
	case ' ':
		t->paused = !t->paused;
		return true;
	case 't':
		c->tree = !c->tree;
		return true;
	case 'H':
		c->containers_only = !c->containers_only;
		return true;
	case 'r':
	case 'I':
		c->reverse = !c->reverse;
		return true;
	case '<':
	case KEY_TOP_LEFT:
		c->sort = table_sort_beside(c->view, c->sort, -1);
		return true;
	case '>':
	case KEY_TOP_RIGHT:
		c->sort = table_sort_beside(c->view, c->sort, 1);
		return true;
	case '+':
	case '-':
		key_delay(t, key);
		return true;
	case 'P':
	case 'M':
	case 'T':
	case 'W':
	case 'N':
		key_sort(t, key);
		return true;
	default:
		return false;
	}
}

/* Keys that change the view, or what lies over it. */
static void key_view(struct top_state *t, int key, const struct snapshot *s, const struct table_rows *rows)
{
	switch (key) {
	case 'q':
	case KEY_TOP_QUIT:
		t->quit = true;
		break;
	case '\t':
		view_set(t, views[(view_index(t->choice.view) + 1) % VIEWS]);
		break;
	case '1' ... '0' + VIEWS:
		view_set(t, views[key - '1']);
		break;
	case '\n':
	case '\r':
		key_enter(t, s, rows);
		break;
	case 'd':
		key_detail(t, s, rows);
		break;
	case 27:
	case 127:
	case 8:
	case KEY_TOP_BACKSPACE:
		key_back(t);
		break;
	case '/':
		t->typing = true;
		break;
	case '?':
	case 'h':
	case KEY_TOP_HELP:
		t->help = !t->help;
		t->help_first = 0;
		break;
	}
}

void top_state_key(struct top_state *t, int key, const struct snapshot *s, const struct table_rows *rows, size_t page)
{
	if (t->typing) {
		key_typing(t, key);
		return;
	}
	if (t->help && key_help(t, key, page))
		return;
	if (key_move(t, key, rows->n, page)) {
		selection_remember(t, s, rows);
		return;
	}
	if (!key_option(t, key))
		key_view(t, key, s, rows);
}
