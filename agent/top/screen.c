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
#include "top/screen.h"
#include "top/suspend.h"
#include "top/terminal.h"

#define IDLE_EVERY_NS 5000000000ULL

struct screen {
	const struct snapshot_source *source;
	struct top_options options;
	SCREEN *terminal;
	bool left; /* the terminal is somebody else's */
	struct frame frame;
	uint64_t sequence; /* of the snapshot */
	uint64_t due_ns, idle_ns, taken;
	bool stale; /* what is on the screen */
};

static int key_translate(int key)
{
	switch (key) {
	case KEY_UP:
		return KEY_TOP_UP;
	case KEY_DOWN:
		return KEY_TOP_DOWN;
	case KEY_PPAGE:
		return KEY_TOP_PAGE_UP;
	case KEY_NPAGE:
		return KEY_TOP_PAGE_DOWN;
	case KEY_HOME:
		return KEY_TOP_HOME;
	case KEY_END:
		return KEY_TOP_END;
	case KEY_LEFT:
		return KEY_TOP_LEFT;
	case KEY_RIGHT:
		return KEY_TOP_RIGHT;
	case KEY_BACKSPACE:
		return KEY_TOP_BACKSPACE;
	case KEY_F(1):
		return KEY_TOP_HELP;
	case KEY_F(3):
		return '/';
	case KEY_F(4):
		return '\\';
	case KEY_F(5):
		return KEY_TOP_REFRESH;
	case KEY_F(10):
		return KEY_TOP_QUIT;
	case KEY_ENTER:
		return '\n';
	default:
		return key;
	}
}

/* All pending keys. -EIO: the terminal has hung up. */
static int keys_take(struct screen *s)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	int key;

	suspend_hold();
	while ((key = getch()) != ERR) {
		s->stale = true;
		if (key == KEY_RESIZE)
			continue;
		if (s->frame.snapshot || key == 'q')
			top_state_key(&s->frame.state, key_translate(key), s->frame.snapshot, &s->frame.rows,
				      frame_page_size(&s->frame.state));
	}
	suspend_allow();
	if (s->frame.state.refresh)
		s->due_ns = 0;
	s->frame.state.refresh = false;
	/* A hang-up is reported as readable for ever, with nothing to read. */
	if (poll(&in, 1, 0) > 0 && in.revents & (POLLHUP | POLLERR | POLLNVAL))
		return -EIO;
	return 0;
}

static void snapshot_set(struct screen *s, const struct snapshot *snapshot)
{
	s->frame.snapshot = snapshot;
	s->sequence = snapshot ? snapshot->sequence : 0;
}

/* A signal that arrives just before poll is noticed at most a second later. */
static void wait_for_something(struct screen *s, uint64_t now)
{
	struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = s->source->fd, .events = POLLIN}};
	uint64_t left = s->frame.state.paused ? 1000000000ULL : sub_sat(s->due_ns, now);
	int ms = left > 1000000000ULL ? 1000 : (int)((left + 999999) / 1000000);
	const struct snapshot *latest = s->frame.snapshot;

	/* While paused the snapshot must stay as it is; facts lost meanwhile are counted. */
	poll(fds, s->frame.state.paused ? 1 : 2, ms);
	if (s->frame.state.paused || !(fds[1].revents || now - s->idle_ns > IDLE_EVERY_NS))
		return;
	s->idle_ns = now;
	s->source->idle(s->source->ctx, &latest);
	if (latest && latest->sequence == s->sequence)
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

static bool sample_take(struct screen *s)
{
	const struct snapshot *next;
	int error = 0;

	process_watch(s);
	if (s->source->judge)
		s->source->judge(s->source->ctx, findings_shown(&s->frame.state));
	if (s->source->loops && s->frame.state.choice.view->loops)
		s->source->loops(s->source->ctx);
	next = s->source->next(s->source->ctx, &error);
	s->frame.error = next ? 0 : error;
	if (!next && !error)
		return false;  /* the end of a replay */
	snapshot_set(s, next); /* the previous one is no longer valid, even after an error */
	s->taken += next != NULL;
	return true;
}

static int screen_loop(struct screen *s)
{
	uint64_t short_ns = 250000000ULL;

	for (;;) {
		uint64_t now = clock_boot_ns();
		/* Keys that were typed during loading wait for the rows that they are about. */
		int r = s->frame.snapshot || s->frame.error ? keys_take(s) : 0;

		if (r < 0 || s->frame.state.quit || *s->options.stop)
			return r == -EIO ? 0 : r;
		if (!s->frame.state.paused && now >= s->due_ns) {
			if (!sample_take(s))
				return 0;
			s->stale = true;
			if (s->options.iterations && s->taken > s->options.iterations)
				return 0;
			/* The second sample follows soon: the first has no rates. */
			s->due_ns = now + (uint64_t)(s->frame.state.delay_seconds * 1e9);
			if (s->taken == 1 && s->due_ns > now + short_ns)
				s->due_ns = now + short_ns;
		}
		if (s->stale)
			frame_draw(&s->frame);
		s->stale = false;
		wait_for_something(s, clock_boot_ns());
	}
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
	s->frame.color = options->color;
	if (options->color && has_colors())
		frame_colors();
	top_state_init(&s->frame.state, &options->choice, options->delay_seconds);
	frame_draw(&s->frame);
	*ret = s;
	return 0;
}

int top_screen_run(struct screen *s, const struct snapshot_source *source)
{
	s->source = source;
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
	free(s);
}
