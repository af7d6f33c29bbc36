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
#include "cli/verbs.h"
#include "events/recent.h"
#include "exporters/views/views.h"
#include "record/replay.h"
#include "record/when.h"
#include "top/past/past.h"
#include "top/screen.h"
#include "top/terminal.h"
#include "view/match.h"

/* Where `sysscope serve` is told to record, as its documents say. */
#define RECORD_PATH "/var/lib/sysscope"

struct top {
	bool batch, tree, reverse, containers_only, mouse;
	const char *view, *sort, *filter, *color, *replay_path, *record_path, *at;
	struct replay *replay; /* for plain output */
	struct past *past;     /* for the live screen */
	struct option_list names;
	struct match_choice containers;
	struct top_batch plain; /* its iterations and delay also count for the live screen */
	struct table_choice choice;
	struct users *users;
	struct source_tap tap, past_tap;
	struct judged_source judged;
	struct recent_events *recent; /* NULL: of a recording, or nobody looks at events */
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
		ROW_STRING("replay", 0, &t->replay_path, "DIR",
			   "show this recording (`sysscope record`): needs no root"),
		ROW_STRING(
			"record.path", 0, &t->record_path, "DIR",
			"the recording beside the live screen (`sysscope serve --record.path`): its key j goes there"),
		ROW_STRING("at", 0, &t->at, "TIME", "begin the replay here: " WHEN_FORMS " (before its end)"),
		ROW_UNSET("no-mouse", 0, &t->mouse, "leave the mouse to the terminal, which selects text with it"),
		ROW_CHOICE("color", 0, "auto|always|never", &t->color, "WHEN", "colours on the live screen"),
	};

	return run_parse(run, rows, ARRAY_SIZE(rows));
}

static int refuse_sort(const struct view_desc *view, const char *key)
{
	const struct view_desc *other = view == &view_containers ? &view_processes : &view_containers;
	_cleanup_buf_ struct buf titles = {}, keys = {}, safe = {};
	int sort;

	table_sort_titles(view, &titles);
	table_sort_keys(view, &keys);
	option_printable(&safe, key);
	fprintf(stderr, "sysscope top: --sort: the %s view has no column '%s'", view->name, safe.data ? safe.data : "");
	if (table_sort_find(other, key, &sort) == 0)
		fprintf(stderr, " (--view %s has it)", other->name);
	fprintf(stderr, "; its columns are: %s; by JSON key: %s\n", titles.data ? titles.data : "",
		keys.data ? keys.data : "");
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
		fprintf(stderr, "sysscope top: --json and --csv cannot be combined\n");
		return -EINVAL;
	}
	if (t->at && !t->replay_path) {
		fprintf(stderr, "sysscope top: --at needs --replay\n");
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
static void self_choose(struct table_choice *c)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) < 0)
		return;
	c->self_pid = (uint32_t)getpid();
	c->self_namespace = (uint32_t)st.st_ino;
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
		.past = t->past,
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
	if (live)
		live = judged_source_open(&t->judged, source_tap_open(&t->tap, live), true);
	if (!screen)
		return top_batch_run(run, live, &t->plain);
	recorded = source_tap_open(&t->past_tap, past_source(t->past));
	r = top_screen_run(screen, live, recorded);
	/* Before anything is logged. */
	top_screen_leave(screen);
	return run_end(r);
}

/* ---- a recording ---- */

static void outside_warn(uint64_t at_ns, uint64_t first_ns, uint64_t last_ns)
{
	_cleanup_buf_ struct buf first = {}, last = {};

	if (at_ns >= first_ns && at_ns <= last_ns)
		return;
	when_text(&first, first_ns);
	when_text(&last, last_ns);
	log_warning("the recording is from %s to %s: this is its %s sample", first.data ?: "", last.data ?: "",
		    at_ns < first_ns ? "first" : "last");
}

/* When to begin, of a recording that ends at last_ns. EXIT_USAGE with a line on stderr. */
static int at_parse(const struct top *t, uint64_t last_ns, uint64_t *ret)
{
	_cleanup_buf_ struct buf safe = {};

	if (when_parse(t->at, last_ns, ret) == 0)
		return RUN_CONTINUE;
	option_printable(&safe, t->at);
	fprintf(stderr, "sysscope top: --at: '%s' is no time such as %s\n", safe.data ?: "", WHEN_FORMS);
	return EXIT_USAGE;
}

static int replay_refuse(const struct buf *error)
{
	log_error("cannot replay %s", error->data ?: "it");
	return EXIT_FAILED;
}

/* One after the other, as plain text. */
static int replay_begin(struct run *run, struct top *t)
{
	_cleanup_buf_ struct buf error = {};
	uint64_t first_ns, last_ns, at_ns;
	struct replay_place place;
	int r;

	if (replay_open(&t->replay, t->replay_path, &error) < 0)
		return replay_refuse(&error);
	run->source = replay_source(t->replay);
	replay_times(t->replay, &first_ns, &last_ns);
	if (!t->at)
		return RUN_CONTINUE;
	r = at_parse(t, last_ns, &at_ns);
	if (r != RUN_CONTINUE)
		return r;
	outside_warn(at_ns, first_ns, last_ns);
	r = replay_seek(t->replay, at_ns);
	/* What is wrong shows in what was before. */
	if (r == 0 && t->choice.view->findings) {
		place = *replay_place(t->replay);
		t->plain.from_ns = place.time_ns;
		replay_lead(t->replay, &place, 2 * WATCH_COURSE, (uint64_t)(2 * WATCH_LONG * 1e9));
	}
	return r < 0 ? EXIT_FAILED : RUN_CONTINUE;
}

/* curses does not know the terminal. */
static int plain_instead(struct run *run, struct top *t)
{
	past_free(t->past);
	t->past = NULL;
	t->plain.iterations = t->plain.iterations ?: 1;
	return replay_begin(run, t);
}

/* For the live screen: its header says what is outside. */
static int past_begin(struct top *t)
{
	_cleanup_buf_ struct buf error = {};
	struct past_place place;
	uint64_t at_ns;
	int r;

	if (past_new(&t->past, t->replay_path ?: t->record_path) < 0)
		return EXIT_FAILED;
	if (!t->replay_path)
		return RUN_CONTINUE;
	if (past_open(t->past, &error) < 0)
		return replay_refuse(&error);
	past_place(t->past, &place);
	if (!t->at)
		return RUN_CONTINUE;
	r = at_parse(t, place.last_ns, &at_ns);
	if (r != RUN_CONTINUE)
		return r;
	return past_go(t->past, at_ns) < 0 ? EXIT_FAILED : RUN_CONTINUE;
}

/* Returns the exit code. */
static int replay_end(struct top *t, int code)
{
	_cleanup_buf_ struct buf said = {};
	bool found = t->replay ? replay_found(t->replay) : !t->past || !t->replay_path || past_shown(t->past);

	if (t->replay ? replay_damage_text(t->replay, &said) : t->past && past_damage_text(t->past, &said))
		log_warning("%s", said.data);
	if (code == EXIT_SUCCESS && t->replay_path && !found) {
		log_error("the recording has no sample that can be read");
		code = EXIT_FAILED;
	}
	replay_close(t->replay);
	past_free(t->past);
	return code;
}

/* Numbers of users have names of the machine that was recorded. */
static bool users_known(const struct top *t)
{
	const char *recorded = t->replay		   ? replay_host(t->replay)
			       : t->replay_path && t->past ? past_host(t->past)
							   : NULL;
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
	struct top t = {.color = "auto", .mouse = true, .record_path = RECORD_PATH, .plain = {.delay_seconds = 1}};
	struct screen *screen = NULL;
	bool live;
	int r;

	r = top_parse(run, &t);
	if (r != RUN_CONTINUE)
		return r;
	if (top_choose(&t) < 0)
		return EXIT_USAGE;
	setlocale(LC_CTYPE, "");
	t.plain.replay = t.replay_path != NULL;
	live = screen_wanted(&t);
	/* Redirected output shall be one screen, not a file that grows for ever. Of a recording, --batch and its like show all. */
	if (!t.plain.iterations && !live &&
	    (t.plain.replay ? !t.batch && !t.plain.json && !t.plain.csv : !isatty(STDOUT_FILENO)))
		t.plain.iterations = 1;
	if (live)
		r = past_begin(&t);
	else if (t.plain.replay)
		r = replay_begin(run, &t);
	if (r == RUN_CONTINUE && users_known(&t))
		users_open(&t);
	if (!t.plain.replay)
		self_choose(&t.choice);
	if (live && r == RUN_CONTINUE)
		screen = screen_begin(&t);
	if (live && !screen && t.plain.replay && r == RUN_CONTINUE)
		r = plain_instead(run, &t);
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
	r = replay_end(&t, r);
	judged_source_close(&t.judged);
	/* The pipeline calls it until then. */
	run_close(run);
	recent_events_free(t.recent);
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
