/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * screen.c - the live screen: draws tables of exporters/table.h with curses, feeds keys to state.c, takes a snapshot
 * when one is due. One thread; a key delays a sample by no more than the time that it takes to draw.
 */
#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "top/screen.h"
#include "top/state.h"
#include "top/terminal.h"
#include "view/match.h"

#define MIN_LINES     5
#define MIN_COLUMNS   20
#define IDLE_EVERY_NS 5000000000ULL

enum { PAIR_ALARM = 1, PAIR_TITLE, PAIR_WARN };

struct screen {
	const struct snapshot_source *source;
	struct top_options options;
	SCREEN *terminal;
	bool left; /* the terminal is somebody else's */
	const struct snapshot *snapshot;
	uint64_t sequence; /* of the snapshot */
	struct top_state state;
	struct table_rows rows;
	struct buf text, cell;
	uint64_t due_ns, idle_ns, taken;
	bool stale; /* what is on the screen */
	int error;
};

/* Lines above the titles: only one on a low screen, to leave room for rows. */
static int header_lines(void)
{
	return LINES < 10 ? 1 : TABLE_HEADER_LINES;
}

static size_t page_size(void)
{
	int rows = LINES - header_lines() - 2; /* titles, footer */

	return rows > 0 ? (size_t)rows : 0;
}

static attr_t paint(const struct screen *s, short pair, attr_t without)
{
	return s->options.color ? (attr_t)COLOR_PAIR(pair) | (without & A_BOLD) : without;
}

static void put(struct screen *s, int line, int column, attr_t attributes)
{
	attrset(attributes);
	mvaddnstr(line, column, s->text.data ? s->text.data : "", (int)s->text.len);
	attrset(A_NORMAL);
}

static void draw_header(struct screen *s)
{
	bool alarm;

	for (int i = 0; i < TABLE_HEADER_LINES; i++) {
		int line = header_lines() == 1 ? 0 : i;

		buf_reset(&s->text);
		table_header(&s->text, s->snapshot, i, COLS, &alarm);
		/* The one line of a low screen: losses, else usage. */
		if (header_lines() == 1 && i != 1 && !alarm)
			continue;
		put(s, line, 0, alarm ? paint(s, PAIR_ALARM, A_BOLD | A_REVERSE) : A_NORMAL);
	}
}

static void draw_titles(struct screen *s, const struct table_column *columns, size_t n)
{
	const struct table_choice *c = &s->state.choice;
	int x = 0;

	for (size_t i = 0; i < n; i++) {
		const struct table_column *t = &columns[i];
		bool sorted = t->column == c->sort;

		buf_reset(&s->text);
		text_fit(&s->text, t->title, t->width, t->right);
		if (i + 1 < n)
			buf_char(&s->text, ' ');
		put(s, header_lines(), x, sorted ? A_REVERSE | A_BOLD : paint(s, PAIR_TITLE, A_BOLD));
		x += t->width + 1;
	}
}

static void draw_row(struct screen *s, int line, size_t position, const struct table_column *columns, size_t n)
{
	const struct table_choice *c = &s->state.choice;
	const struct view_desc *view = c->view;
	uint32_t row = s->rows.index[position];
	bool dim = view->dim && view->dim(s->snapshot, row);
	attr_t base = position == s->state.selected ? A_REVERSE : dim ? A_DIM : A_NORMAL;
	int x = 0;

	for (size_t i = 0; i < n; i++) {
		bool alarm =
			columns[i].column >= 0 && view->alarming && view->alarming(s->snapshot, row, columns[i].column);

		buf_reset(&s->cell);
		buf_reset(&s->text);
		table_cell(&s->cell, s->snapshot, c, row, s->rows.depth[position], &columns[i]);
		text_fit(&s->text, s->cell.data ? s->cell.data : "", columns[i].width, columns[i].right);
		if (i + 1 < n) /* behind the last column of a full line it would wrap into the next line */
			buf_char(&s->text, ' ');
		put(s, line, x, alarm && base != A_REVERSE ? paint(s, PAIR_ALARM, A_BOLD) : base);
		x += columns[i].width + 1;
	}
}

static void hint_add(struct buf *line, const char *key, const char *what)
{
	if (line->len + 1 + strlen(key) + strlen(what) < (size_t)COLS)
		buf_printf(line, " %s%s", key, what);
}

/* Those that fit, whole. */
static void footer_hints(struct buf *line, const struct top_state *t)
{
	hint_add(line, "?:", "help");
	hint_add(line, "q:", "quit");
	hint_add(line, "Tab:", views[(view_index(t->choice.view) + 1) % VIEWS]->name);
	hint_add(line, "/:", "filter");
	hint_add(line, "t:", "tree");
}

static void draw_footer(struct screen *s)
{
	const struct top_state *t = &s->state;
	_cleanup_buf_ struct buf line = {}, every = {};

	if (t->typing || t->filter[0]) {
		buf_str(&line, "/");
		text_terminal(&line, t->filter, strlen(t->filter));
		if (t->typing)
			buf_str(&line, "_");
		buf_str(&line, "  ");
	}
	if (t->choice.cgroup) {
		buf_str(&line, "in ");
		text_terminal(&line, t->home, strlen(t->home));
		buf_str(&line, " (Esc: back)  ");
	}
	if (t->paused)
		buf_str(&line, "PAUSED  ");
	if (s->error)
		buf_printf(&line, "NO SAMPLE: %s  ", strerror(-s->error));
	if (t->choice.containers && t->choice.containers->message.len)
		buf_printf(&line, "%s  ", t->choice.containers->message.data);
	buf_str(&line, t->choice.view->name);
	if (s->snapshot)
		buf_printf(&line, " %zu", s->rows.n);
	buf_printf(&line, " by %s ", table_sort_title(t->choice.view, t->choice.sort));
	buf_printf(&every, " every %gs ", t->delay_seconds);
	/* The hint at the help matters more. */
	if (line.len + every.len + strlen(" ?:help") < (size_t)COLS)
		buf_str(&line, every.data ? every.data : "");
	footer_hints(&line, t);
	buf_reset(&s->text);
	text_fit(&s->text, line.data ? line.data : "", COLS - 1, false);
	put(s, LINES - 1, 0, t->paused || s->error ? paint(s, PAIR_WARN, A_REVERSE) : A_DIM);
}

/* Where to cut a help line to this width, at a blank if there is one. */
static size_t help_cut(const char *text, size_t width)
{
	size_t cut = strlen(text);

	if (cut <= width)
		return cut;
	for (cut = width; cut > width / 2 && text[cut] != ' ';)
		cut--;
	return cut > width / 2 ? cut : width;
}

#define HELP_INDENT 12 /* where the texts begin in lines of keys */

/* Wraps the lines of the help; with `draw`, draws those after the first `skip`. Returns how many there are. */
static size_t help_lines(struct screen *s, size_t skip, bool draw)
{
	_cleanup_buf_ struct buf text = {};
	int line = header_lines(), last = LINES - 1;
	size_t all = 0;
	char *next;

	top_help_text(&text);
	next = text.data;
	for (char *rest = strsep(&next, "\n"); rest && next; rest = strsep(&next, "\n")) {
		bool keys = strlen(rest) > HELP_INDENT && strncmp(rest + HELP_INDENT - 2, "  ", 2) == 0;
		size_t indent = 0;

		do {
			size_t n = help_cut(rest, (size_t)COLS - indent);

			if (draw && all >= skip && line < last) {
				buf_reset(&s->text);
				buf_printf(&s->text, "%*s%.*s", (int)indent, "", (int)n, rest);
				put(s, line++, 0, A_NORMAL);
			}
			all++;
			rest += n;
			rest += strspn(rest, " ");
			indent = keys && COLS > 2 * HELP_INDENT ? HELP_INDENT : 0;
		} while (*rest);
	}
	return all;
}

/* On a low screen the arrows scroll it. */
static void draw_help(struct screen *s)
{
	size_t room = (size_t)(LINES - 1 - header_lines()), all = help_lines(s, 0, false);

	if (s->state.help_first + room > all)
		s->state.help_first = all > room ? all - room : 0;
	help_lines(s, s->state.help_first, true);
}

static void draw_detail(struct screen *s)
{
	const struct view_desc *view = s->state.choice.view;
	char *line, *rest;
	uint32_t row;

	buf_reset(&s->cell);
	if (top_state_selected(&s->state, s->snapshot, &row))
		view->detail(&s->cell, s->snapshot, row);
	else
		buf_str(&s->cell, view->gone);
	rest = s->cell.data;
	for (int y = header_lines(); rest && (line = strsep(&rest, "\n")) && y < LINES - 1; y++) {
		buf_reset(&s->text);
		text_fit(&s->text, line, COLS, false);
		put(s, y, 0, A_NORMAL);
	}
}

static void draw_line(struct screen *s, int line, const char *text)
{
	buf_reset(&s->text);
	text_fit(&s->text, text, COLS > 0 ? COLS : 1, false);
	put(s, line, 0, A_NORMAL);
}

/* Before the first snapshot: programs are being loaded into the kernel, which takes seconds on a busy machine. */
static void draw_loading(struct screen *s)
{
	struct table_column columns[TABLE_COLUMNS_MAX];

	draw_line(s, 0, header_lines() > 1 ? "sysscope" : "sysscope: loading ...");
	if (header_lines() > 1)
		draw_line(s, 1, "loading ...");
	draw_titles(s, columns, table_columns(s->state.choice.view, COLS, columns));
	draw_footer(s);
}

static void draw(struct screen *s)
{
	struct table_column columns[TABLE_COLUMNS_MAX];
	size_t n;

	erase();
	if (LINES < MIN_LINES || COLS < MIN_COLUMNS || (!s->snapshot && s->error)) {
		draw_line(s, 0, s->error && !s->snapshot ? strerror(-s->error) : "terminal too small");
		refresh();
		return;
	}
	if (!s->snapshot) {
		draw_loading(s);
		refresh();
		return;
	}
	if (table_rows_select(&s->rows, s->snapshot, &s->state.choice) < 0)
		s->rows.n = 0;
	top_state_follow(&s->state, s->snapshot, &s->rows, page_size());
	draw_header(s);
	if (s->state.help) {
		draw_help(s);
	} else if (s->state.detail) {
		draw_detail(s);
	} else {
		n = table_columns(s->state.choice.view, COLS, columns);
		draw_titles(s, columns, n);
		for (size_t i = 0; i < page_size() && s->state.first + i < s->rows.n; i++)
			draw_row(s, header_lines() + 1 + (int)i, s->state.first + i, columns, n);
	}
	draw_footer(s);
	refresh();
}

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
	case KEY_F(4):
		return '/';
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

	while ((key = getch()) != ERR) {
		s->stale = true;
		if (key == KEY_RESIZE)
			continue;
		if (key == KEY_F(5))
			s->due_ns = 0;
		else if (s->snapshot || key == 'q')
			top_state_key(&s->state, key_translate(key), s->snapshot, &s->rows, page_size());
	}
	/* A hang-up is reported as readable for ever, with nothing to read. */
	if (poll(&in, 1, 0) > 0 && in.revents & (POLLHUP | POLLERR | POLLNVAL))
		return -EIO;
	return 0;
}

static void snapshot_set(struct screen *s, const struct snapshot *snapshot)
{
	s->snapshot = snapshot;
	s->sequence = snapshot ? snapshot->sequence : 0;
}

/* A signal that arrives just before poll is noticed at most a second later. */
static void wait_for_something(struct screen *s, uint64_t now)
{
	struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = s->source->fd, .events = POLLIN}};
	uint64_t left = s->state.paused ? 1000000000ULL : sub_sat(s->due_ns, now);
	int ms = left > 1000000000ULL ? 1000 : (int)((left + 999999) / 1000000);
	const struct snapshot *latest = s->snapshot;

	/* While paused the snapshot must stay as it is; facts lost meanwhile are counted. */
	poll(fds, s->state.paused ? 1 : 2, ms);
	if (s->state.paused || !(fds[1].revents || now - s->idle_ns > IDLE_EVERY_NS))
		return;
	s->idle_ns = now;
	s->source->idle(s->source->ctx, &latest);
	if (latest && latest->sequence == s->sequence)
		return;
	/* Keys must not act on rows of the previous snapshot. */
	snapshot_set(s, latest);
	draw(s);
}

static bool sample_take(struct screen *s)
{
	const struct snapshot *next;
	int error = 0;

	next = s->source->next(s->source->ctx, &error);
	s->error = next ? 0 : error;
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
		int r = s->snapshot || s->error ? keys_take(s) : 0;

		if (r < 0 || s->state.quit || *s->options.stop)
			return r == -EIO ? 0 : r;
		if (!s->state.paused && now >= s->due_ns) {
			if (!sample_take(s))
				return 0;
			s->stale = true;
			if (s->options.iterations && s->taken > s->options.iterations)
				return 0;
			/* The second sample follows soon: the first has no rates. */
			s->due_ns = now + (uint64_t)(s->state.delay_seconds * 1e9);
			if (s->taken == 1 && s->due_ns > now + short_ns)
				s->due_ns = now + short_ns;
		}
		if (s->stale)
			draw(s);
		s->stale = false;
		wait_for_something(s, clock_boot_ns());
	}
}

static void colors_start(void)
{
	start_color();
	use_default_colors();
	init_pair(PAIR_ALARM, COLOR_RED, -1);
	init_pair(PAIR_TITLE, COLOR_CYAN, -1);
	init_pair(PAIR_WARN, COLOR_YELLOW, -1);
}

int top_screen_open(struct screen **ret, const struct top_options *options)
{
	struct screen *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->options = *options;
	terminal_remember();
	s->terminal = newterm(options->terminal, stdout, stdin);
	if (!s->terminal) {
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
	if (options->color && has_colors())
		colors_start();
	top_state_init(&s->state, &options->choice, options->delay_seconds);
	draw(s);
	*ret = s;
	return 0;
}

int top_screen_run(struct screen *s, const struct snapshot_source *source)
{
	s->source = source;
	if (s->left)
		draw(s);
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
	terminal_forget();
	delscreen(s->terminal);
	table_rows_free(&s->rows);
	buf_free(&s->text);
	buf_free(&s->cell);
	free(s);
}
