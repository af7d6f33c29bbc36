/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * screen.c - the live screen: has frame.c draw tables, feeds keys to state.c, takes a snapshot when one is due. One thread; a
 * key delays a sample by no more than the time that it takes to draw.
 */
#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "top/frame.h"
#include "top/history.h"
#include "top/screen.h"
#include "top/settings/settings.h"
#include "top/terminal/suspend.h"
#include "top/terminal/terminal.h"
#include "top/travel.h"

#define IDLE_EVERY_NS 5000000000ULL

struct screen {
	const struct snapshot_source *live, *recorded, *source; /* source: of what is shown */
	struct top_options options;
	SCREEN *terminal;
	bool left; /* the terminal is somebody else's */
	struct frame frame;
	uint64_t sequence; /* of the snapshot */
	struct history history;
	uint64_t due_ns, idle_ns, taken;
	uint32_t looked;   /* what the live source was told that the user looks at */
	bool stale;	   /* what is on the screen */
	bool soon;	   /* the next sample comes soon: the first has no rates, or those of a long time */
	bool judged;	   /* the latest sample is, as far as that is possible */
	struct buf damage; /* of the recording, as it was said */
};

#define WHEEL_ROWS 3 /* a step of it */

static void key_give(struct screen *s, int key)
{
	frame_rows_complete(&s->frame);
	if (s->frame.snapshot || key == 'q')
		top_state_key(&s->frame.state, key, s->frame.snapshot, &s->frame.rows,
			      frame_page_size(&s->frame.state));
}

/* What was clicked is what is on the screen, even if it was not drawn since the last key. */
static void mouse_take(struct screen *s)
{
	struct frame_hit hit;
	MEVENT event;

	if (getmouse(&event) != OK || !s->frame.snapshot)
		return;
	hit = frame_hit(&s->frame, event.y, event.x);
	if (event.bstate & (BUTTON4_PRESSED | BUTTON5_PRESSED))
		for (int i = 0; i < WHEEL_ROWS; i++)
			key_give(s, event.bstate & BUTTON4_PRESSED ? KEY_TOP_UP : KEY_TOP_DOWN);
	else if (hit.what == HIT_ROW)
		top_state_select(&s->frame.state, s->frame.snapshot, &s->frame.rows, hit.position);
	else if (hit.what == HIT_TITLE)
		top_state_click_title(&s->frame.state, hit.column);
}

static bool findings_shown(const struct top_state *t);
static uint32_t look_wanted(const struct top_state *t);
static bool sample_take(struct screen *s);

/* Numbers of users have names of this machine; sysscope's own row is one of the present. */
static void source_choose(struct screen *s)
{
	struct table_choice *c = &s->frame.state.choice;
	const struct table_choice *own = &s->options.choice;
	const struct snapshot *live = s->source == s->live ? s->frame.snapshot : NULL;
	bool past = s->frame.state.past;

	if (s->source == (past ? s->recorded : s->live))
		return;
	c->self_pid = past ? 0 : own->self_pid;
	c->user_name = past && live && strcmp(live->hostname, past_host(s->options.past)) != 0 ? NULL : own->user_name;
	s->source = past ? s->recorded : s->live;
	s->soon = !past;
}

/* Where a key has asked to go. False: there is nothing that could be shown. */
static bool move_make(struct screen *s)
{
	struct top_state *t = &s->frame.state;

	/* What was before it is judged and looked for as well, from the moment that somebody wants to see that. */
	bool more = (findings_shown(t) && !s->judged) || (look_wanted(t) & LOOK_EVENTS & ~s->looked);

	if (t->go == GO_NOWHERE && t->past && more) {
		past_go_again(s->options.past);
		return sample_take(s);
	}
	if (t->go == GO_NOWHERE || !travel(t, s->options.past))
		return true;
	source_choose(s);
	s->due_ns = 0;
	return !t->past || sample_take(s);
}

/* When somebody has chosen columns. */
static void setup_keep(struct screen *s)
{
	struct top_state *t = &s->frame.state;
	_cleanup_buf_ struct buf error = {};

	if (!t->setup.changed || (t->setup.open && !t->quit))
		return;
	t->setup.changed = false;
	if (settings_save(t->columns, &error) < 0)
		snprintf(t->message, sizeof(t->message), "not kept: %s", error.data ?: "");
}

/* All pending keys. -EIO: the terminal has hung up; -ENODATA: there is nothing to show any more. */
static int keys_take(struct screen *s)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	bool shown = true;
	int key;

	suspend_hold();
	while (shown && (key = getch()) != ERR) {
		/* A key before it may have changed the view, or the snapshot: rows of another one are none. */
		if (s->stale && s->frame.snapshot)
			frame_rows(&s->frame);
		if (key == KEY_MOUSE)
			mouse_take(s);
		else if (key != KEY_RESIZE)
			key_give(s, key_translate(key));
		s->stale = true;
		setup_keep(s);
		shown = move_make(s);
	}
	suspend_allow();
	if (s->frame.state.refresh)
		s->due_ns = 0;
	s->frame.state.refresh = false;
	/* A hang-up is reported as readable for ever, with nothing to read. */
	if (poll(&in, 1, 0) > 0 && in.revents & (POLLHUP | POLLERR | POLLNVAL))
		return -EIO;
	return shown ? 0 : -ENODATA;
}

static void snapshot_set(struct screen *s, const struct snapshot *snapshot)
{
	s->frame.snapshot = history_note(&s->history, snapshot);
	s->sequence = snapshot ? snapshot->sequence : 0;
}

/* A signal that arrives just before poll is noticed at most a second later. */
static void wait_for_something(struct screen *s, uint64_t now)
{
	const struct top_state *t = &s->frame.state;
	struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
				{.fd = s->live ? s->live->fd : -1, .events = POLLIN}};
	uint64_t left = t->paused ? 1000000000ULL : sub_sat(s->due_ns, now);
	int ms = left > 1000000000ULL ? 1000 : (int)((left + 999999) / 1000000);
	const struct snapshot *latest = s->frame.snapshot;
	/* While paused the snapshot must stay as it is; facts lost meanwhile are counted. */
	bool idle = s->live && (t->past || !t->paused);

	poll(fds, idle ? 2 : 1, ms);
	if (!idle || !(fds[1].revents || now - s->idle_ns > IDLE_EVERY_NS))
		return;
	s->idle_ns = now;
	s->live->idle(s->live->ctx, &latest);
	if (t->past || (latest && latest->sequence == s->sequence))
		return;
	/* Keys must not act on rows of the previous snapshot. */
	snapshot_set(s, latest);
	frame_draw(&s->frame);
}

/* The process whose detail is open, if any. */
static void process_watch(struct screen *s)
{
	const struct top_state *t = &s->frame.state;
	const struct process_row *p = NULL;
	uint32_t row;

	if (t->detail && s->frame.snapshot && t->choice.view->process && top_state_selected(t, s->frame.snapshot, &row))
		p = t->choice.view->process(s->frame.snapshot, row);
	if (s->source->watch)
		s->source->watch(s->source->ctx, p ? p->pid : 0, p ? p->start_ns : 0);
}

/* Its own view, and the detail of a container. Nobody pays for them otherwise. */
static bool findings_shown(const struct top_state *t)
{
	return t->choice.view->findings || (t->detail && t->choice.view == views[0]);
}

/* No further snapshot; `why`: the message says something about that. False: nothing else could be shown. */
static bool past_ended(struct screen *s, bool why)
{
	struct top_state *t = &s->frame.state;

	if (past_shown(s->options.past)) {
		travel_ended(t, &s->frame.place, why ? s->damage.data : NULL);
		return true;
	}
	t->past = t->paused = false;
	snprintf(t->message, sizeof(t->message), "the recording has no sample that can be read");
	snapshot_set(s, NULL);
	s->due_ns = 0;
	if (s->live)
		source_choose(s);
	return s->live != NULL;
}

/* The detail of a container has its events. */
static uint32_t look_wanted(const struct top_state *t)
{
	return t->choice.view->look | (t->detail && t->choice.view == views[0] ? LOOK_EVENTS : 0);
}

static void look_tell(struct screen *s)
{
	s->looked = look_wanted(&s->frame.state);
	if (s->source->look)
		s->source->look(s->source->ctx, s->looked);
}

static bool sample_take(struct screen *s)
{
	bool past = s->frame.state.past, said = false;
	const struct snapshot *next;
	int error = 0;

	process_watch(s);
	look_tell(s);
	s->judged = findings_shown(&s->frame.state);
	if (s->source->judge)
		s->source->judge(s->source->ctx, s->judged);
	if (s->source->loops && s->frame.state.choice.view->loops)
		s->source->loops(s->source->ctx);
	next = s->source->next(s->source->ctx, &error);
	if (past) {
		past_place(s->options.past, &s->frame.place);
		said = travel_damage(&s->frame.state, s->options.past, &s->damage);
	}
	s->frame.error = next ? 0 : error;
	s->stale = true;
	if (!next && !error)
		return past && past_ended(s, said);
	snapshot_set(s, next); /* the previous one is no longer valid, even after an error */
	s->taken += next != NULL;
	return true;
}

static void due_set(struct screen *s, uint64_t now)
{
	uint64_t short_ns = 250000000ULL;

	s->due_ns = now + (uint64_t)(s->frame.state.delay_seconds * 1e9);
	if (s->soon && s->due_ns > now + short_ns)
		s->due_ns = now + short_ns;
	s->soon = false;
}

static int screen_loop(struct screen *s)
{
	for (;;) {
		uint64_t now = clock_boot_ns();
		/* Keys that were typed during loading wait for the rows that they are about. */
		int r = s->frame.snapshot || s->frame.error ? keys_take(s) : 0;

		if (r < 0 || s->frame.state.quit || *s->options.stop)
			return r == -EIO ? 0 : r;
		/* What was just turned to is not in the snapshot yet. */
		if (s->source == s->live && look_wanted(&s->frame.state) & ~s->looked) {
			s->due_ns = 0;
			s->soon = true;
		}
		if ((!s->frame.state.paused || !s->frame.snapshot) && now >= s->due_ns) {
			if (!sample_take(s))
				return 0;
			if (s->options.iterations && s->taken > s->options.iterations)
				return 0;
			due_set(s, now);
		}
		if (s->stale)
			frame_draw(&s->frame);
		s->stale = false;
		wait_for_something(s, clock_boot_ns());
	}
}

/* A file that is of no use is said on the screen. */
static void settings_read(struct screen *s)
{
	_cleanup_buf_ struct buf error = {};

	if (settings_load(s->frame.state.columns, &error) < 0)
		snprintf(s->frame.state.message, sizeof(s->frame.state.message), "%s", error.data ?: "");
}

int top_screen_open(struct screen **ret, const struct top_options *options)
{
	struct screen *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->options = *options;
	terminal_remember();
	suspend_catch();
	s->terminal = newterm(options->terminal, stdout, stdin);
	if (!s->terminal) {
		suspend_forget();
		terminal_forget();
		free(s);
		return -ENOTTY;
	}
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	if (options->mouse) {
		mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
		mouseinterval(0);
	}
	s->frame.color = options->color;
	if (options->color && has_colors())
		frame_colors();
	top_state_init(&s->frame.state, &options->choice, options->delay_seconds);
	settings_read(s);
	frame_draw(&s->frame);
	*ret = s;
	return 0;
}

/* Of the two minutes before a moment of a recording. */
static void minutes_note(void *history, const struct snapshot *snapshot)
{
	history_note(history, snapshot);
}

int top_screen_run(struct screen *s, const struct snapshot_source *live, const struct snapshot_source *recorded)
{
	struct top_state *t = &s->frame.state;

	s->live = live;
	s->recorded = recorded;
	past_note(s->options.past, minutes_note, &s->history);
	s->source = live ?: recorded;
	s->soon = live != NULL;
	t->live = live != NULL;
	t->past = !live;
	t->recorded = past_there(s->options.past);
	/* It shows the moment that was asked for; as many samples as were asked for go by. */
	t->paused = !live && !s->options.iterations;
	if (s->left)
		frame_draw(&s->frame);
	s->left = false;
	return screen_loop(s);
}

/*
 * A shell takes the terminal back when top is stopped (SIGSTOP), so a top that is then ended and continued restores the
 * settings from the background: without ignoring SIGTTOU that would stop it for good.
 */
void top_screen_leave(struct screen *s)
{
	void (*before)(int);

	if (s->left)
		return;
	before = signal(SIGTTOU, SIG_IGN);
	endwin();
	signal(SIGTTOU, before);
	s->left = true;
}

void top_screen_close(struct screen *s)
{
	if (!s)
		return;
	top_screen_leave(s);
	suspend_forget();
	terminal_forget();
	delscreen(s->terminal);
	frame_free(&s->frame);
	history_free(&s->history);
	buf_free(&s->damage);
	free(s);
}
