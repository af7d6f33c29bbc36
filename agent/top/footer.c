/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * footer.c - the last line of the live screen: what was typed or has happened, what is shown, and the keys that lead on. Called by
 * frame.c, which draws it.
 */
#include <string.h>

#include "base/text.h"
#include "top/frame.h"
#include "view/match.h"

static void hint_add(struct buf *line, int width, const char *key, const char *what)
{
	if (what && line->len + 1 + strlen(key) + strlen(what) < (size_t)width)
		buf_printf(line, " %s%s", key, what);
}

/* Those that fit, whole. */
static void footer_hints(struct buf *line, const struct top_state *t, int width)
{
	hint_add(line, width, "?:", "help");
	hint_add(line, width, "q:", "quit");
	if (t->past) {
		hint_add(line, width, "t T:", "step");
		hint_add(line, width, "Space:", t->paused ? "play" : "stop");
		hint_add(line, width, "j:", "time");
		hint_add(line, width, "L:", t->live ? "now" : NULL);
	}
	hint_add(line, width, "Tab:", views[(view_index(t->choice.view) + 1) % VIEWS]->name);
	hint_add(line, width, "j:", !t->past && t->recorded ? "past" : NULL);
	hint_add(line, width, "/:", "search");
	hint_add(line, width, "\\:", "filter");
	hint_add(line, width, t->past ? "e:" : "t:", "tree");
}

static void footer_typed(struct buf *line, const struct top_state *t)
{
	if (t->typing == TYPING_FILTER || t->filter[0]) {
		buf_str(line, "\\");
		text_terminal(line, t->filter, strlen(t->filter));
		buf_str(line, t->typing == TYPING_FILTER ? "_  " : "  ");
	}
	if (t->typing == TYPING_SEARCH) {
		buf_str(line, "/");
		text_terminal(line, t->search, strlen(t->search));
		buf_str(line, "_  ");
	} else if (t->typing == TYPING_DELAY) {
		buf_str(line, "delay in seconds: ");
		text_terminal(line, t->delay_text, strlen(t->delay_text));
		buf_str(line, "_  ");
	} else if (t->typing == TYPING_TIME) {
		buf_str(line, "to the time (10:42, -15m, 2026-11-30 10:42): ");
		text_terminal(line, t->time, strlen(t->time));
		buf_str(line, "_  ");
	}
}

/* What is not as it is from the beginning. */
static void footer_states(struct buf *line, const struct frame *f)
{
	const struct top_state *t = &f->state;

	if (t->choice.cgroup) {
		buf_str(line, "in ");
		text_terminal(line, t->home, strlen(t->home));
		buf_str(line, " (Esc: back)  ");
	}
	if (t->follow) {
		buf_str(line, "following ");
		text_terminal(line, t->followed, strlen(t->followed));
		buf_str(line, t->follow_hidden ? ", which is hidden  " : "  ");
	}
	if (t->paused != t->past)
		buf_str(line, t->past ? "PLAYING  " : "PAUSED  ");
	if (f->error)
		buf_printf(line, "NO SAMPLE: %s  ", strerror(-f->error));
	if (t->choice.containers && t->choice.containers->message.len)
		buf_printf(line, "%s  ", t->choice.containers->message.data);
}

bool footer_text(struct buf *line, const struct frame *f, int width, bool past_above)
{
	const struct top_state *t = &f->state;
	bool past_here = t->past && !past_above;
	_cleanup_buf_ struct buf every = {};

	if (t->message[0]) {
		text_terminal(line, t->message, strlen(t->message));
		buf_str(line, "  ");
	}
	if (past_here) {
		past_line(line, &f->place, 0);
		buf_str(line, "  ");
	}
	if (t->setup.open) {
		buf_str(line, "Space: show, hide  < >: move  r: the view's own  Esc: done");
		return past_here || t->message[0];
	}
	footer_typed(line, t);
	footer_states(line, f);
	buf_str(line, t->choice.view->name);
	if (f->snapshot)
		buf_printf(line, " %zu", f->rows.n);
	buf_printf(line, " by %s ", table_sort_title(t->choice.view, t->choice.sort));
	if (!t->past || !t->paused)
		buf_printf(&every, " every %gs ", t->delay_seconds);
	/* The hint at the help matters more. */
	if (line->len + every.len + strlen(" ?:help") < (size_t)width)
		buf_str(line, every.data ? every.data : "");
	footer_hints(line, t, width);
	return past_here || t->paused != t->past || t->message[0] || f->error;
}
