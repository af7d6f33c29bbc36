/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top.c - `sysscope top`: the options, and the choice between the live screen (agent/top/) and plain output (top_batch.c).
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/users.h"
#include "cli/top_batch.h"
#include "cli/verbs.h"
#include "exporters/views/views.h"
#include "top/screen.h"

struct top {
	bool batch, tree, reverse, containers_only;
	const char *view, *sort, *container, *filter, *color;
	struct top_batch plain; /* its iterations and delay also count for the live screen */
	struct table_choice choice;
	struct users *users;
	struct source_tap tap;
};

static int top_parse(struct run *run, struct top *t)
{
	const struct option_row rows[] = {
		ROW_FLAG("batch", 'b', &t->batch, "plain text, one screen after another"),
		ROW_U64("iterations", 'n', 0, 1e9, &t->plain.iterations, "N",
			"stop after N snapshots; 0: never, or after one if the output is not a terminal"),
		ROW_SECONDS("delay", 'd', 0.1, 3600, &t->plain.delay_seconds, "SECONDS", "time between two snapshots"),
		ROW_CHOICE("view", 'v', view_choices(), &t->view, "VIEW", "view to begin with"),
		ROW_STRING("sort", 's', &t->sort, "KEY",
			   "sort by this column title or JSON key; a wrong one lists those of the view"),
		ROW_FLAG("reverse", 'r', &t->reverse, "reverse the order"),
		ROW_STRING("filter", 'f', &t->filter, "TEXT", "only rows with this text in the name, as it is shown"),
		ROW_STRING("container", 'c', &t->container, "NAME",
			   "only this container: its name as shown, or at least 12 characters of its id"),
		ROW_FLAG("containers-only", 'H', &t->containers_only,
			 "hide services, sessions, the host and the kernel"),
		ROW_FLAG("tree", 't', &t->tree, "children below their parents"),
		ROW_FLAG("json", 'j', &t->plain.json,
			 "one JSON object per line: the whole snapshot, or what --view names"),
		ROW_FLAG("csv", 0, &t->plain.csv, "comma-separated values"),
		ROW_CHOICE("color", 0, "auto|always|never", &t->color, "WHEN", "colours on the live screen"),
	};

	return run_parse(run, rows, ARRAY_SIZE(rows));
}

static int refuse_sort(const struct view_desc *view, const char *key)
{
	const struct view_desc *other = view == &view_containers ? &view_processes : &view_containers;
	_cleanup_buf_ struct buf keys = {}, safe = {};
	int sort;

	table_sort_keys(view, &keys);
	option_printable(&safe, key);
	fprintf(stderr, "sysscope top: --sort: the %s view has no column '%s'", view->name, safe.data ? safe.data : "");
	if (table_sort_find(other, key, &sort) == 0)
		fprintf(stderr, " (--view %s has it)", other->name);
	fprintf(stderr, "; its columns are: %s\n", keys.data ? keys.data : "");
	return -EINVAL;
}

/* Options that are wrong together. 0 or -EINVAL with a line on stderr. */
static int top_choose(struct top *t)
{
	table_choice_init(&t->choice, t->view ? view_find(t->view) : views[0]);
	t->choice.reverse = t->reverse;
	t->choice.tree = t->tree;
	t->choice.filter = t->filter;
	t->choice.container = t->container;
	t->choice.containers_only = t->containers_only;
	t->plain.choice = &t->choice;
	t->plain.view_only = t->view != NULL;
	if (t->plain.json && t->plain.csv) {
		fprintf(stderr, "sysscope top: --json and --csv cannot be combined\n");
		return -EINVAL;
	}
	if (t->sort && table_sort_find(t->choice.view, t->sort, &t->choice.sort) < 0)
		return refuse_sort(t->choice.view, t->sort);
	return 0;
}

/* ---- user names ---- */

static void names_refresh(void *ctx)
{
	struct top *t = ctx;

	users_refresh(t->users);
}

/* The source; around it the refresh of user names, if there is memory for them. */
static const struct snapshot_source *source_with_users(struct top *t, const struct snapshot_source *source)
{
	t->users = users_new("/etc/passwd");
	if (!t->users)
		return source;
	t->choice.user_name = users_name;
	t->choice.user_ctx = t->users;
	t->tap = (struct source_tap){.before = names_refresh, .ctx = t};
	return source_tap_open(&t->tap, source);
}

/* ---- live ---- */

static bool color_wanted(const struct top *t)
{
	const char *no = getenv("NO_COLOR");

	if (strcmp(t->color, "auto") != 0)
		return strcmp(t->color, "always") == 0;
	return !(no && no[0]);
}

static int run_live(const struct run *run, struct top *t, const struct snapshot_source *source)
{
	struct top_options o = {
		.choice = t->choice,
		.delay_seconds = t->plain.delay_seconds,
		.iterations = t->plain.iterations,
		.color = color_wanted(t),
		.stop = run_stop_flag(),
	};
	int r = top_screen_run(source, &o);

	/* A terminal that curses does not know. */
	return r == -ENOTTY ? top_batch_run(run, source, &t->plain) : run_end(r);
}

static bool terminal_usable(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && term[0] && strcmp(term, "dumb") != 0;
}

static int top_body(struct run *run)
{
	struct top t = {.color = "auto", .plain = {.delay_seconds = 1}};
	const struct snapshot_source *source;
	bool live;
	int r;

	r = top_parse(run, &t);
	if (r != RUN_CONTINUE)
		return r;
	if (top_choose(&t) < 0)
		return EXIT_USAGE;
	setlocale(LC_CTYPE, "");
	live = terminal_usable() && !t.batch && !t.plain.json && !t.plain.csv;
	/* Redirected output shall be one screen, not a file that grows for ever. */
	if (!t.plain.iterations && !isatty(STDOUT_FILENO))
		t.plain.iterations = 1;
	r = run_open(run);
	if (r != RUN_CONTINUE)
		return r;
	source = source_with_users(&t, run->source);
	r = live ? run_live(run, &t, source) : top_batch_run(run, source, &t.plain);
	users_free(t.users);
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
