/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keys.c - the table of the live screen's keys: which, what the help says of it, and what it does. Called by screen.c for each
 * key; pure, as state.c is.
 */
#include <stdio.h>
#include <string.h>

#include "top/keys.h"

static const char help_columns[] = "CPU 1.00 is one busy CPU; '-' means unknown. WAIT is the time per second that\n"
				   "threads waited for a CPU (1.0s: one thread always waits). 'attributed' is the\n"
				   "share of busy CPU time whose owner is known; '-': the kernel has no\n"
				   "/proc/schedstat.\n";

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
	t->follow = false;
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

/* "nginx 1234", or the name of a row that is no process. */
static void followed_name(const struct key_press *p)
{
	struct top_state *t = p->t;
	const struct view_desc *view = t->choice.view;
	uint32_t row = p->rows->index[t->selected];
	const struct process_row *process = view->process ? view->process(p->s, row) : NULL;

	if (process)
		snprintf(t->followed, sizeof(t->followed), "%s %u", process->comm, process->pid);
	else
		snprintf(t->followed, sizeof(t->followed), "%s", view->row_name(p->s, row));
}

static void key_follow(const struct key_press *p)
{
	struct top_state *t = p->t;

	t->follow = !t->follow && t->selected < p->rows->n;
	if (!t->follow)
		return;
	top_state_remember(t, p->s, p->rows);
	followed_name(p);
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

static void key_step(const struct key_press *p)
{
	p->t->go = p->key == 't' ? GO_FORTH : GO_BACK;
}

static void key_now(const struct key_press *p)
{
	p->t->go = GO_NOW;
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

_Static_assert(VIEWS == 7, "a key each");

/* When a key does so. Of several rows the first that fits counts. */
enum key_when {
	KEY_ALWAYS,
	KEY_LIVE,	/* the present is shown */
	KEY_LIVE_ALONE, /* and there is no recording beside it */
	KEY_PAST,	/* a recording is shown */
	KEY_RECORDED,	/* or there is one beside the present */
};

#define KEYS_MAX 8
static const struct key_row {
	int keys[KEYS_MAX]; /* 0: no more */
	const char *names;
	const char *text; /* for the help; NULL: the names of the views */
	void (*act)(const struct key_press *p);
	enum key_when when;
} table[] = {
	{{'\t', '1', '2', '3', '4', '5', '6', '7'}, "Tab 1 to 7", NULL, key_view, KEY_ALWAYS},
	{{'\n', '\r'}, "Enter", "detail of the row; the arrows scroll it", key_enter, KEY_ALWAYS},
	{{27, 127, 8, KEY_TOP_BACKSPACE}, "Esc", "back, and so does Backspace", key_back, KEY_ALWAYS},
	{{'z'}, "z", "from a container to its processes, and back", key_zoom, KEY_ALWAYS},
	{{KEY_TOP_UP, KEY_TOP_DOWN, KEY_TOP_PAGE_UP, KEY_TOP_PAGE_DOWN, KEY_TOP_HOME, KEY_TOP_END},
	 "Up Down",
	 "move, and so do PgUp PgDn Home End",
	 key_move,
	 KEY_ALWAYS},
	{{'t', 'T'}, "t T", "one sample of the recording forth, back", key_step, KEY_PAST},
	{{'T'}, "T", "into the recording: its last sample; again: the one before", key_step, KEY_RECORDED},
	{{'j'}, "j", "to a time of the recording: 10:42, -15m, 2026-11-30 10:42", key_type, KEY_ALWAYS},
	{{'L'}, "L", "to now; where only the recording is: to its end", key_now, KEY_PAST},
	{{' '}, "Space", "play the recording, a sample each delay; stop", key_pause, KEY_PAST},
	{{'<', '>', KEY_TOP_LEFT, KEY_TOP_RIGHT},
	 "< >",
	 "sort by the previous, the next column, and so do Left Right",
	 key_sort_beside,
	 KEY_ALWAYS},
	{{'P', 'M', 'N', 'T', 'W'},
	 "P M N T W",
	 "sort by CPU, memory, name, CPU time, waits for a CPU",
	 key_sort,
	 KEY_LIVE_ALONE},
	{{'P', 'M', 'N', 'W'}, "P M N W", "sort by CPU, memory, name, waits for a CPU", key_sort, KEY_RECORDED},
	{{'I', 'r'}, "I r", "the other order", key_invert, KEY_ALWAYS},
	{{'/'}, "/ F3", "search by name: to the next row that has it", key_type, KEY_ALWAYS},
	{{'n'}, "n", "search on", key_next, KEY_ALWAYS},
	{{'\\'}, "\\ F4", "filter by name; Enter keeps it, Esc clears it", key_type, KEY_ALWAYS},
	{{'t', 'e'}, "t e", "tree: children below their parents", key_tree, KEY_LIVE},
	{{'e'}, "e", "tree: children below their parents", key_tree, KEY_PAST},
	{{'-', '+', '*'}, "- + *", "in the tree: fold what is below the row; unfold; all", key_fold, KEY_ALWAYS},
	{{'f', 'F'}, "f", "follow the row: it stays where it is while others move", key_follow, KEY_ALWAYS},
	{{'H'}, "H", "containers only; services, sessions and the host too", key_containers, KEY_ALWAYS},
	{{' '}, "Space", "pause", key_pause, KEY_LIVE},
	{{'d'}, "d", "set the delay, in seconds", key_type, KEY_ALWAYS},
	{{KEY_TOP_REFRESH}, "F5", "take a sample now", key_refresh, KEY_LIVE},
	{{KEY_TOP_SETUP, 'S'}, "F2 S", "choose the columns of this view and their order", key_setup, KEY_ALWAYS},
	{{'?', 'h', KEY_TOP_HELP}, "? h F1", "this help", key_help, KEY_ALWAYS},
	{{'q', KEY_TOP_QUIT}, "q F10", "quit", key_quit, KEY_ALWAYS},
};

static bool key_applies(const struct top_state *t, enum key_when when)
{
	switch (when) {
	case KEY_LIVE:
		return !t->past;
	case KEY_LIVE_ALONE:
		return !t->past && !t->recorded;
	case KEY_PAST:
		return t->past;
	case KEY_RECORDED:
		return t->past || t->recorded;
	default:
		return true;
	}
}

static const struct key_row *key_find(const struct top_state *t, int key)
{
	for (size_t i = 0; key > 0 && i < ARRAY_SIZE(table); i++)
		for (size_t k = 0; k < KEYS_MAX && table[i].keys[k]; k++)
			if (table[i].keys[k] == key && key_applies(t, table[i].when))
				return &table[i];
	return NULL;
}

void top_state_key(struct top_state *t, int key, const struct snapshot *s, const struct table_rows *rows, size_t page)
{
	const struct key_press p = {t, key, s, rows, page};
	const struct key_row *row = key_find(t, key);

	t->message[0] = '\0';
	if (t->typing)
		key_typed(&p);
	else if (!setup_key(&p) && row)
		row->act(&p);
}

/* Those that do something now; what one does in two cases only once. */
void top_help_text(struct buf *out, const struct top_state *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (!key_applies(t, table[i].when) || key_find(t, table[i].keys[0]) != &table[i])
			continue;
		buf_printf(out, "%-*s%s", table[i].text ? 12 : 0, table[i].names, table[i].text ?: "");
		for (size_t v = 0; !table[i].text && v < VIEWS; v++)
			buf_printf(out, "%s%s", v ? ", " : " ", views[v]->name);
		buf_char(out, '\n');
	}
	buf_char(out, '\n');
	buf_str(out, help_columns);
	for (size_t i = 0; i < VIEWS; i++)
		buf_str(out, views[i]->help ?: "");
}
