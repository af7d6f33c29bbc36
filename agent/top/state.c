/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.c - see state.h. Called by screen.c for each key and each new snapshot.
 */
#include <stdio.h>
#include <string.h>

#include "top/state.h"

const char *const top_help[] = {
	"Tab 1 2 3 4 containers / processes / neighbours / loops",
	"Enter       a container's processes, a process's or a loop's detail;  Esc, Backspace: back",
	"d           a container's own detail: who it is, how it started",
	"Up Down PgUp PgDn Home End   move",
	"Left Right  sort by the column before / after;  r: reverse",
	"P M N T W   sort by CPU, memory, name, CPU time, waiting for a CPU",
	"/           filter by name; Enter keeps it, Esc clears it",
	"t           tree",
	"H           containers only / all homes",
	"Space       pause",
	"+ -         longer / shorter delay",
	"F5          a sample now",
	"q F10       quit",
	"",
	"CPU 1.00 is one CPU busy. '-' is not known. MEM% is the working set",
	"over the limit, THR% the share of periods cut short by the CPU limit.",
	"WAIT is time per second that threads waited for a CPU (1.0s: one always",
	"does), P99 what 99 % of the waits stayed below, QUOTA% the share of the",
	"time it wanted to run in which its own limit held it back.",
	"'attributed' is CPU time that has an owner over all busy time.",
	"Loops: UTIL% of the time not asleep in epoll, EV/W events per wait, P99 and",
	"MAX of an iteration, STALLS iterations that were too long, EMPTY% wakeups",
	"that found nothing, THR threads that take turns in it.",
	NULL,
};

void top_state_init(struct top_state *t, const struct table_choice *choice, double delay_seconds)
{
	*t = (struct top_state){.choice = *choice, .delay_seconds = delay_seconds};
	if (choice->filter)
		snprintf(t->filter, sizeof(t->filter), "%s", choice->filter);
	if (choice->container)
		snprintf(t->container, sizeof(t->container), "%s", choice->container);
	t->choice.filter = t->filter;
	t->choice.container = t->container[0] ? t->container : NULL;
}

/* The cgroup of whom a neighbour waits for; "" in the other views. */
static const char *row_runner(const struct top_state *t, const struct snapshot *s, uint32_t i)
{
	const struct neighbour_row *n;

	if (t->choice.view != TABLE_NEIGHBOURS)
		return "";
	n = &s->neighbours[i];
	return n->runner == NEIGHBOUR_OTHERS ? "~" : s->containers[n->runner].cgroup;
}

static void selection_remember(struct top_state *t, const struct snapshot *s, const struct table_rows *rows)
{
	uint32_t i;

	t->selected_cgroup[0] = '\0';
	t->selected_pid = 0;
	if (t->selected >= rows->n)
		return;
	i = rows->index[t->selected];
	if (t->choice.view == TABLE_LOOPS) {
		t->selected_pid = s->loops[i].tid;
		t->selected_start = s->processes[s->loops[i].process].start_ns;
	} else if (t->choice.view != TABLE_PROCESSES) {
		snprintf(t->selected_cgroup, sizeof(t->selected_cgroup), "%s",
			 table_row_home(s, t->choice.view, i)->cgroup);
		snprintf(t->selected_runner, sizeof(t->selected_runner), "%s", row_runner(t, s, i));
	} else {
		t->selected_pid = s->processes[i].pid;
		t->selected_start = s->processes[i].start_ns;
	}
}

static bool selection_is(const struct top_state *t, const struct snapshot *s, uint32_t i)
{
	if (t->choice.view == TABLE_LOOPS)
		return t->selected_pid && s->loops[i].tid == t->selected_pid &&
		       s->processes[s->loops[i].process].start_ns == t->selected_start;
	if (t->choice.view != TABLE_PROCESSES)
		return t->selected_cgroup[0] &&
		       strncmp(t->selected_cgroup, table_row_home(s, t->choice.view, i)->cgroup,
			       sizeof(t->selected_cgroup) - 1) == 0 &&
		       strncmp(t->selected_runner, row_runner(t, s, i), sizeof(t->selected_runner) - 1) == 0;
	return t->selected_pid && s->processes[i].pid == t->selected_pid &&
	       s->processes[i].start_ns == t->selected_start;
}

const struct process_row *top_state_process(const struct top_state *t, const struct snapshot *s)
{
	for (size_t i = 0; i < s->n_processes; i++)
		if (selection_is(t, s, (uint32_t)i))
			return &s->processes[i];
	return NULL;
}

const struct loop_row *top_state_loop(const struct top_state *t, const struct snapshot *s)
{
	for (size_t i = 0; i < s->n_loops; i++)
		if (selection_is(t, s, (uint32_t)i))
			return &s->loops[i];
	return NULL;
}

const struct container_row *top_state_container(const struct top_state *t, const struct snapshot *s)
{
	for (size_t i = 0; i < s->n_containers; i++)
		if (selection_is(t, s, (uint32_t)i))
			return &s->containers[i];
	return NULL;
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
	/* At the top nobody was chosen: it stays the top, whoever is there. */
	if (t->selected > 0)
		selection_remember(t, s, rows);
}

static void view_set(struct top_state *t, enum table_view view)
{
	t->choice.view = view;
	t->choice.cgroup = NULL;
	t->detail = false;
	t->selected = t->first = 0;
	t->selected_cgroup[0] = '\0';
	t->selected_pid = 0;
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
	t->selected = t->first = 0;
	t->selected_cgroup[0] = '\0';
	t->selected_pid = 0;
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

static void sort_key(struct top_state *t, int key)
{
	static const struct {
		int key, metric[TABLE_VIEWS];
	} keys[] = {
		{'P', {CONTAINER_CPU_CORES, PROCESS_CPU_CORES, NEIGHBOUR_SHARE, LOOP_UTILIZATION}},
		{'M', {CONTAINER_MEMORY_USAGE, PROCESS_RSS, NEIGHBOUR_WAIT_RATE, LOOP_ITERATION_P99}},
		{'T', {CONTAINER_CPU_USAGE, PROCESS_CPU_USAGE, NEIGHBOUR_WAIT, LOOP_LONGEST}},
		{'W', {CONTAINER_WAIT_RATE, PROCESS_WAIT_RATE, NEIGHBOUR_WAIT_RATE, LOOP_STALLS}},
		{'N', {SORT_NAME, SORT_NAME, SORT_NAME, SORT_NAME}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].key == key)
			t->choice.sort[t->choice.view] = keys[i].metric[t->choice.view];
	t->choice.reverse = false;
}

static void key_enter(struct top_state *t, const struct snapshot *s, const struct table_rows *rows)
{
	const struct container_row *home;

	if (t->selected >= rows->n || t->detail)
		return;
	if (t->choice.view == TABLE_PROCESSES || t->choice.view == TABLE_LOOPS) {
		selection_remember(t, s, rows);
		t->detail = true;
		return;
	}
	if (t->choice.view != TABLE_CONTAINERS)
		return;
	home = &s->containers[rows->index[t->selected]];
	/* By its path: names need not be unique. */
	snprintf(t->home, sizeof(t->home), "%s", home->name);
	snprintf(t->cgroup, sizeof(t->cgroup), "%s", home->cgroup);
	view_set(t, TABLE_PROCESSES);
	t->choice.cgroup = t->cgroup;
}

static void key_detail(struct top_state *t, const struct snapshot *s, const struct table_rows *rows)
{
	if (t->selected >= rows->n || t->choice.view != TABLE_CONTAINERS)
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
		view_set(t, TABLE_CONTAINERS);
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

/* The screen keeps it from passing the end. */
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

void top_state_key(struct top_state *t, int key, const struct snapshot *s, const struct table_rows *rows, size_t page)
{
	int *sort = &t->choice.sort[t->choice.view];

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
	switch (key) {
	case 'q':
	case KEY_TOP_QUIT:
		t->quit = true;
		break;
	case '\t':
		view_set(t, (t->choice.view + 1) % TABLE_VIEWS);
		break;
	case '1':
	case '2':
	case '3':
	case '4':
		view_set(t, (enum table_view)(key - '1'));
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
	case ' ':
		t->paused = !t->paused;
		break;
	case 't':
		t->choice.tree = !t->choice.tree;
		break;
	case 'H':
		t->choice.containers_only = !t->choice.containers_only;
		break;
	case 'r':
	case 'I':
		t->choice.reverse = !t->choice.reverse;
		break;
	case '<':
	case KEY_TOP_LEFT:
		*sort = table_sort_beside(t->choice.view, *sort, -1);
		break;
	case '>':
	case KEY_TOP_RIGHT:
		*sort = table_sort_beside(t->choice.view, *sort, 1);
		break;
	case '?':
	case 'h':
	case KEY_TOP_HELP:
		t->help = !t->help;
		t->help_first = 0;
		break;
	case '+':
	case '-':
		key_delay(t, key);
		break;
	case 'P':
	case 'M':
	case 'T':
	case 'W':
	case 'N':
		sort_key(t, key);
		break;
	}
}
