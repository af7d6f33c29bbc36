/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state.h - what the user has chosen on the live screen, and what each key does to it. Pure: no terminal here. */
#ifndef SYSSCOPE_TOP_STATE_H
#define SYSSCOPE_TOP_STATE_H

#include "base/hash.h"
#include "exporters/table/table.h"
#include "exporters/views/views.h"
#include "top/setup.h"

/* Keys that are no characters; the screen translates those of curses. */
enum top_key {
	KEY_TOP_UP = 0x110000,
	KEY_TOP_DOWN,
	KEY_TOP_PAGE_UP,
	KEY_TOP_PAGE_DOWN,
	KEY_TOP_HOME,
	KEY_TOP_END,
	KEY_TOP_LEFT,
	KEY_TOP_RIGHT,
	KEY_TOP_BACKSPACE,
	KEY_TOP_HELP,
	KEY_TOP_QUIT,
	KEY_TOP_REFRESH,
	KEY_TOP_SETUP,
};

/* What the keys are typed into. */
enum top_typing { TYPING_NOTHING, TYPING_FILTER, TYPING_SEARCH, TYPING_DELAY, TYPING_TIME };

/* To which moment a key leads; the screen goes there. */
enum top_go { GO_NOWHERE, GO_FORTH, GO_BACK, GO_TIME, GO_NOW };

/* Rows of trees that may be folded. */
#define FOLDS_MAX 1024

struct top_state {
	struct table_choice choice;
	double delay_seconds;
	bool paused, help, quit; /* paused: of the past, it does not go on by itself */
	enum top_typing typing;
	bool detail;				   /* of the selected row */
	size_t help_first;			   /* topmost line of the help */
	size_t detail_first;			   /* the same of the detail */
	bool refresh;				   /* take a sample now */
	char filter[64];			   /* as typed; choice.filter points here */
	char search[64], delay_text[16], time[32]; /* as typed */
	char message[160];			   /* that a key has caused, until the next one */
	char home[256], cgroup[4352];		   /* whose processes Enter shows: name, and path for choice.cgroup */

	/* Of a recording: it is what is shown; there is one to go to; there is a present to come back to. */
	bool past, recorded, live;
	enum top_go go;

	/* The selected row, by its identity and not by its position. */
	size_t selected, first; /* positions; first: topmost on the screen */
	bool chosen;		/* the fields below say which row */
	uint64_t selected_pid, selected_start;
	char selected_cgroup[4352], selected_other[4352];

	/* It stays on its line of the screen while it moves, until somebody moves the selection. */
	bool follow, follow_hidden; /* hidden: it is there, and a filter or a fold leaves it out */
	char followed[64];	    /* its name, raw */

	uint64_t folds[FOLDS_MAX]; /* which rows are, in ascending order */
	size_t n_folds;
	struct hash_seed fold_seed;

	struct setup setup;
	struct table_chosen columns[VIEWS]; /* choice.chosen points to those of the view */
	int width;			    /* of the screen */

	int sorts[VIEWS]; /* the column by which each view is sorted while another one is shown */
};

void top_state_init(struct top_state *t, const struct table_choice *choice, double delay_seconds);

/* Used by keys.c: remembers which row is selected, or forgets it; shows another view; selects the row with this identity. */
void top_state_remember(struct top_state *t, const struct snapshot *s, const struct table_rows *rows);
void top_state_forget(struct top_state *t);
void top_state_view(struct top_state *t, const struct view_desc *view);
void top_state_choose(struct top_state *t, const struct row_id *id);

/* Applies the key. `rows` as currently shown, `page`: number of rows on the screen. */
void top_state_key(struct top_state *t, int key, const struct snapshot *s, const struct table_rows *rows, size_t page);

/* After the rows have changed: finds the selected one again and scrolls so that it is on the screen. */
void top_state_follow(struct top_state *t, const struct snapshot *s, const struct table_rows *rows, size_t page);

/* Of a row of the tree: whether what is below it is folded. `ctx`: the state. */
bool top_state_folded(void *ctx, const struct row_id *id);

/* Selects the row at this position: the mouse, a search. */
void top_state_select(struct top_state *t, const struct snapshot *s, const struct table_rows *rows, size_t position);
/* The mouse, on the title of this column: rows are sorted by it, and again the other way round. */
void top_state_click_title(struct top_state *t, int column);

/* The selected row of the view, wherever it is now. False: it is gone. */
bool top_state_selected(const struct top_state *t, const struct snapshot *s, uint32_t *ret_row);

/* Lines for people: the keys that do something now, then columns. */
void top_help_text(struct buf *out, const struct top_state *t);

#endif
