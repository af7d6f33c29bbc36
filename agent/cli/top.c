/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top.c - `sysscope top`: the options, and the choice between the live screen (agent/top/) and plain output (top_batch.c).
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/users.h"
#include "cli/judged.h"
#include "cli/top_batch.h"
#include "cli/top_replay.h"
#include "cli/verbs.h"
#include "events/recent.h"
#include "events/recent_past.h"
#include "exporters/views/views.h"
#include "record/when.h"
#include "top/screen.h"
#include "top/terminal/terminal.h"
#include "view/match.h"

/* Where `sysscope serve` is told to record, as its documents say. */
#define RECORD_PATH "/var/lib/sysscope"

struct top {
	bool batch, tree, reverse, containers_only, mouse;
	const char *view, *sort, *filter, *color;
	struct top_replay replay;
	struct option_list names;
	struct match_choice containers;
	struct top_batch plain; /* its iterations and delay also count for the live screen */
	struct table_choice choice;
	uint32_t self_row;
	struct users *users;
	struct source_tap tap, past_tap;
	struct judged_source judged;
	struct recent_events *recent; /* NULL: nobody looks at events */
	struct recent_past *recent_past;
};

static int top_parse(struct run *run, struct top *t)
{
	const struct option_row rows[] = {
		ROW_FLAG("batch", 'b', &t->batch, "plain text, one screen after another"),
		ROW_U64("iterations", 'n', 0, 1e9, &t->plain.iterations, "N",
			"stop after N snapshots; 0: never, or after one if the output is not a terminal"),
		ROW_SECONDS("delay", 'd', 0.1, 3600, &t->plain.delay_seconds, "SECONDS",
			    "time between two snapshots; the first is over a second at most"),
		ROW_CHOICE("view", 'v', view_choices(), &t->view, "VIEW", "view to begin with"),
		ROW_STRING("sort", 's', &t->sort, "KEY",
			   "sort by this column title or JSON key; a wrong one lists those of the view"),
		ROW_FLAG("reverse", 'r', &t->reverse, "reverse the order"),
		ROW_STRING("filter", 'f', &t->filter, "TEXT", "only rows with this text in the name, as it is shown"),
		ROW_LIST("container", 'c', &t->names, "NAME",
			 "only this container: its name as shown, or the beginning of its id"),
		ROW_FLAG("containers-only", 'H', &t->containers_only,
			 "hide services, sessions, the host and the kernel"),
		ROW_FLAG("tree", 't', &t->tree, "children below their parents"),
		ROW_FLAG("json", 'j', &t->plain.json,
			 "one JSON object per line: the whole snapshot, or what --view names"),
		ROW_FLAG("csv", 0, &t->plain.csv, "comma-separated values"),
		ROW_STRING("replay", 0, &t->replay.path, "DIR",
			   "show this recording (`sysscope record`): needs no root"),
		ROW_STRING(
			"record.path", 0, &t->replay.beside, "DIR",
			"the recording beside the live screen (`sysscope serve --record.path`): its key j goes there"),
		ROW_STRING("at", 0, &t->replay.at, "TIME", "begin the replay here: " WHEN_FORMS " (before its end)"),
		ROW_UNSET("no-mouse", 0, &t->mouse, "leave the mouse to the terminal, which selects text with it"),
		ROW_CHOICE("color", 0, "auto|always|never", &t->color, "WHEN", "colours on the live screen"),
	};

	return run_parse(run, rows, ARRAY_SIZE(rows));
}

static int refuse_sort(const struct view_desc *view, const char *key)
{
	const struct view_desc *other = view == &view_containers ? &view_processes : &view_containers;
	_cleanup_buf_ struct buf titles = {}, keys = {}, safe = {}, hint = {};
	int sort;

	table_sort_titles(view, &titles);
	table_sort_keys(view, &keys);
	option_printable(&safe, key);
	if (table_sort_find(other, key, &sort) == 0)
		buf_printf(&hint, " (--view %s has it)", other->name);
	log_usage("sysscope top: --sort: the %s view has no column '%s'%s; its columns are: %s; by JSON key: %s",
		  view->name, safe.data ?: "", hint.data ?: "", titles.data ?: "", keys.data ?: "");
	return -EINVAL;
}

/* Options that are wrong together. 0 or -EINVAL with a line on stderr. */
static int top_choose(struct top *t)
{
	table_choice_init(&t->choice, t->view ? view_find(t->view) : views[0]);
	t->choice.reverse = t->reverse;
	t->choice.tree = t->tree;
	t->choice.filter = t->filter;
	match_choice_init(&t->containers, t->names.values, t->names.n);
	t->choice.containers = &t->containers;
	t->choice.containers_only = t->containers_only;
	t->plain.choice = &t->choice;
	t->plain.sort = t->sort;
	t->plain.view_only = t->view != NULL;
	if (t->plain.json && t->plain.csv) {
		log_usage("sysscope top: --json and --csv cannot be combined");
		return -EINVAL;
	}
	if (t->replay.at && !t->replay.path) {
		log_usage("sysscope top: --at needs --replay");
		return -EINVAL;
	}
	if (t->sort && table_sort_find(t->choice.view, t->sort, &t->choice.sort) < 0)
		return refuse_sort(t->choice.view, t->sort);
	return 0;
}

/* ---- around each snapshot: user names, and the containers that were chosen ---- */

static void snapshot_before(void *ctx)
{
	struct top *t = ctx;

	if (t->users)
		users_refresh(t->users);
}

static void snapshot_after(void *ctx, const struct snapshot *s, int error)
{
	struct top *t = ctx;

	(void)error;
	if (s)
		match_choice_look(&t->containers, s);
}

/* Without memory for the names of users, their numbers are shown. */
static void users_open(struct top *t)
{
	t->users = users_new("/etc/passwd");
	if (!t->users)
		return;
	t->choice.user_name = users_name;
	t->choice.user_ctx = t->users;
}

/* Whose row is sysscope's own. Processes are known by their pid in the namespace that they are in. */
static void self_choose(struct table_choice *c, uint32_t *remembered)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) < 0)
		return;
	c->self_pid = (uint32_t)getpid();
	c->self_namespace = (uint32_t)st.st_ino;
	c->self_row = remembered;
}

/* ---- live ---- */

static bool color_wanted(const struct top *t)
{
	const char *no = getenv("NO_COLOR");

	if (strcmp(t->color, "auto") != 0)
		return strcmp(t->color, "always") == 0;
	return !(no && no[0]);
}

static bool screen_wanted(const struct top *t)
{
	const char *term = getenv("TERM");

	if (t->batch || t->plain.json || t->plain.csv)
		return false;
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && term[0] && strcmp(term, "dumb") != 0;
}

/* The frame of the screen, before the pipeline is opened. NULL: plain text, and why is on stderr. */
static struct screen *screen_begin(struct top *t)
{
	struct top_options o = {
		.choice = t->choice,
		.delay_seconds = t->plain.delay_seconds,
		.iterations = t->plain.iterations,
		.color = color_wanted(t),
		.mouse = t->mouse,
		.stop = run_stop_flag(),
		.past = t->replay.past,
	};
	const char *term = getenv("TERM"), *close = terminal_close_type(term, getenv("COLORTERM"));
	_cleanup_buf_ struct buf safe = {};
	struct screen *screen = NULL;
	int r;

	option_printable(&safe, term);
	r = top_screen_open(&screen, &o);
	if (r == -ENOTTY && close) {
		log_warning("no terminfo entry for '%s': using %s", safe.data, close);
		o.terminal = close;
		r = top_screen_open(&screen, &o);
	}
	if (r < 0)
		log_warning("no live screen, plain text instead: %s '%s'",
			    r == -ENOTTY ? "no terminfo entry for" : strerror(-r), safe.data);
	return screen;
}

static void screen_leave(void *ctx)
{
	top_screen_leave(ctx);
}

static int top_run(const struct run *run, struct top *t, struct screen *screen)
{
	const struct snapshot_source *live = run->source, *recorded;
	int r;

	t->tap = t->past_tap = (struct source_tap){.before = snapshot_before, .after = snapshot_after, .ctx = t};
	if (t->recent)
		live = recent_events_source(t->recent, run->live, live);
	if (recent_past_new(&t->recent_past, &t->containers, t->replay.path ?: t->replay.beside) < 0)
		return run_end(-ENOMEM);
	if (t->plain.replay && live)
		live = recent_past_source(t->recent_past, live);
	if (live)
		live = judged_source_open(&t->judged, source_tap_open(&t->tap, live), true);
	t->judged.watch.options.recorded = t->plain.replay;
	t->judged.watch.options.recording = t->replay.path;
	if (!screen)
		return top_batch_run(run, live, &t->plain);
	recorded = source_tap_open(&t->past_tap, recent_past_source(t->recent_past, past_source(t->replay.past)));
	r = top_screen_run(screen, live, recorded);
	/* Before anything is logged. */
	top_screen_leave(screen);
	return run_end(r);
}

/* ---- both ---- */

/* Numbers of users have names of the machine that was recorded. */
static bool users_known(const struct top *t)
{
	const char *recorded = top_replay_host(&t->replay);
	char host[256] = "";

	return !recorded || (gethostname(host, sizeof(host) - 1) == 0 && strcmp(host, recorded) == 0);
}

/* Of plain output the view stays the same. */
static int live_open(struct run *run, struct top *t, const struct screen *screen)
{
	if ((screen || t->choice.view->look & LOOK_EVENTS) &&
	    recent_events_new(&t->recent, &t->containers, &run->pipeline) < 0)
		return run_end(-ENOMEM);
	return run_open(run);
}

static int top_body(struct run *run)
{
	struct top t = {.color = "auto", .mouse = true, .replay.beside = RECORD_PATH, .plain = {.delay_seconds = 1}};
	struct screen *screen = NULL;
	bool live;
	int r;

	r = top_parse(run, &t);
	if (r != RUN_CONTINUE)
		return r;
	if (top_choose(&t) < 0)
		return EXIT_USAGE;
	setlocale(LC_CTYPE, "");
	t.plain.replay = t.replay.path != NULL;
	live = screen_wanted(&t);
	/* Redirected output shall be one screen, not a file that grows for ever. Of a recording, --batch and its like show all. */
	if (!t.plain.iterations && !live &&
	    (t.plain.replay ? !t.batch && !t.plain.json && !t.plain.csv : !isatty(STDOUT_FILENO)))
		t.plain.iterations = 1;
	if (live)
		r = top_replay_screen(&t.replay);
	else if (t.plain.replay)
		r = top_replay_plain(&t.replay, run, &t.plain);
	if (r == RUN_CONTINUE && users_known(&t))
		users_open(&t);
	if (!t.plain.replay)
		self_choose(&t.choice, &t.self_row);
	if (live && r == RUN_CONTINUE)
		screen = screen_begin(&t);
	if (live && !screen && t.plain.replay && r == RUN_CONTINUE)
		r = top_replay_plain(&t.replay, run, &t.plain);
	/* The view of plain output stays the same; JSON without one has everything. */
	run->pipeline.loops_wanted = !screen && (t.choice.view->loops || (t.plain.json && !t.plain.view_only));
	if (screen) {
		run->before_log = screen_leave;
		run->before_log_ctx = screen;
	}
	if (!t.plain.replay && r == RUN_CONTINUE)
		r = live_open(run, &t, screen);
	if (r == RUN_CONTINUE)
		r = top_run(run, &t, screen);
	top_screen_close(screen);
	r = top_replay_end(&t.replay, r);
	judged_source_close(&t.judged);
	/* The pipeline calls it until then. */
	run_close(run);
	recent_events_free(t.recent);
	recent_past_free(t.recent_past);
	users_free(t.users);
	match_choice_free(&t.containers);
	return r;
}

const struct verb verb_top = {
	.name = "top",
	.summary = "containers, processes, event loops: live, text, JSON or CSV",
	.about = "Shows what containers, processes and event loops do: live on a terminal, otherwise "
		 "once as plain text.",
	.examples = "  sysscope top\n"
		    "  sysscope top --view processes --container web-1 --sort rss_bytes\n"
		    "  sysscope top --json -n 1 | jq '.containers[] | {name, cpu_cores}'\n"
		    "  sysscope top --csv -n 60 -d 10 --view processes > ten-minutes.csv\n",
	.shares = VERB_COLLECTORS | VERB_DOCKER_ROOTS,
	.body = top_body,
};
