/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top.c - `sysscope top`: parses the options, opens the pipeline, and shows its snapshots live (agent/top/) or
 * writes them one after another (exporters/).
 */
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "base/users.h"
#include "cli/collector_options.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "exporters/json/json.h"
#include "exporters/table/table.h"
#include "pipeline.h"
#include "top/screen.h"
#include "view/match.h"

#define PLAIN_WIDTH   80
#define IDLE_EVERY_NS 5000000000ULL

struct top {
	bool batch, json, csv, tree, reverse, containers_only;
	uint64_t iterations;
	double delay_seconds;
	const char *view, *sort, *container, *filter, *color;
	struct pipeline_options pipeline;
	struct collector_options collectors;
	struct table_choice choice;
	bool container_seen;

	/* The pipeline's source, and around it one that reads the names of users anew. */
	const struct snapshot_source *inner;
	struct snapshot_source outer;
	struct users *users;
};

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static int top_parse(struct top *t, int argc, char **argv)
{
	static const struct verb verb = {
		.name = "top",
		.summary = "who uses this machine: live on a terminal, else one plain screen",
		.examples = "  sysscope top\n"
			    "  sysscope top --view processes --sort rss_bytes\n"
			    "  sysscope top --view neighbours   # who waits for a CPU, and who has it\n"
			    "  sysscope top --json -n 1 | jq '.containers[] | {name, cpu_cores, memory_bytes}'\n"
			    "  sysscope top --view processes --container web-1 --sort user --batch\n"
			    "  sysscope top --csv -n 60 -d 10 --view processes > ten-minutes.csv\n",
	};
	const struct option_row own[] = {
		{"batch", 'b', OPTION_FLAG, 0, 0, NULL, &t->batch, NULL, "plain text, one screen after another"},
		{"iterations", 'n', OPTION_U64, 0, 1e9, NULL, &t->iterations, "N",
		 "stop after N; when the output is no terminal, 1 is the default"},
		{"delay", 'd', OPTION_SECONDS, 0.1, 3600, NULL, &t->delay_seconds, "SECONDS", "between two samples"},
		{"view", 'v', OPTION_CHOICE, 0, 0, "containers|processes|neighbours|loops", &t->view, "VIEW",
		 "what to show first"},
		{"sort", 's', OPTION_STRING, 0, 0, NULL, &t->sort, "KEY",
		 "by this column or JSON key, texts too; a wrong one lists all"},
		{"reverse", 'r', OPTION_FLAG, 0, 0, NULL, &t->reverse, NULL, "the other way round"},
		{"filter", 'f', OPTION_STRING, 0, 0, NULL, &t->filter, "TEXT",
		 "only what has this in its name, as shown"},
		{"container", 'c', OPTION_STRING, 0, 0, NULL, &t->container, "NAME",
		 "only this container: its name as shown, or at least 12 characters of its id"},
		{"containers-only", 'H', OPTION_FLAG, 0, 0, NULL, &t->containers_only, NULL,
		 "leave out services, sessions, the host and the kernel"},
		{"tree", 't', OPTION_FLAG, 0, 0, NULL, &t->tree, NULL, "children below their parents"},
		{"json", 'j', OPTION_FLAG, 0, 0, NULL, &t->json, NULL,
		 "one JSON object a line; the whole snapshot unless --view narrows it"},
		{"csv", 0, OPTION_FLAG, 0, 0, NULL, &t->csv, NULL, "comma-separated values"},
		{"color", 0, OPTION_CHOICE, 0, 0, "auto|always|never", &t->color, "WHEN", "colours on the live screen"},
		{"docker.data-root", 0, OPTION_STRING, 0, 0, NULL, &t->pipeline.docker_root, "DIR",
		 "a dockerd's --data-root, besides the usual one"},
	};

	struct option_row rows[ARRAY_SIZE(own) + COLLECTOR_OPTION_ROWS];
	size_t n = ARRAY_SIZE(own);
	int r;

	memcpy(rows, own, sizeof(own));
	n += collector_options_rows(&t->collectors, rows + n);
	r = options_parse(&verb, rows, n, argc, argv, NULL);
	collector_options_apply(&t->collectors, &t->pipeline);
	return r;
}

static int refuse_sort(enum table_view view, const char *key)
{
	enum table_view other = view == TABLE_CONTAINERS ? TABLE_PROCESSES : TABLE_CONTAINERS;
	_cleanup_buf_ struct buf keys = {}, safe = {};
	int sort;

	table_sort_keys(view, &keys);
	text_terminal(&safe, key, strlen(key));
	fprintf(stderr, "sysscope top: --sort: '%s' is no column of the %s view", safe.data ? safe.data : "",
		table_view_names[view]);
	if (table_sort_find(other, key, &sort) == 0)
		fprintf(stderr, " (--view %s has it)", table_view_names[other]);
	fprintf(stderr, "; there are: %s\n", keys.data ? keys.data : "");
	return -EINVAL;
}

/* What parsing alone cannot tell. 0 or -EINVAL with a line on stderr. */
static int top_check(struct top *t)
{
	table_choice_init(&t->choice);
	for (int view = 0; t->view && view < TABLE_VIEWS; view++)
		if (strcmp(t->view, table_view_names[view]) == 0)
			t->choice.view = (enum table_view)view;
	t->choice.reverse = t->reverse;
	t->choice.tree = t->tree;
	t->choice.filter = t->filter;
	t->choice.container = t->container;
	t->choice.containers_only = t->containers_only;
	if (t->json && t->csv) {
		fprintf(stderr, "sysscope top: --json and --csv exclude each other\n");
		return -EINVAL;
	}
	if (t->sort && table_sort_find(t->choice.view, t->sort, &t->choice.sort[t->choice.view]) < 0)
		return refuse_sort(t->choice.view, t->sort);
	return 0;
}

/* ---- one after another ---- */

static int write_all(const struct buf *out)
{
	for (size_t done = 0; done < out->len;) {
		ssize_t n = write(STDOUT_FILENO, out->data + done, out->len - done);

		if (n < 0 && (errno != EINTR || stop))
			return stop ? -ECANCELED : -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int plain_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t width;

	if (columns && parse_u64(columns, 20, 1000, &width) == 0)
		return (int)width;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
		return size.ws_col;
	return PLAIN_WIDTH;
}

/* Whom --container means, NULL: nobody at the moment. */
static const struct container_row *container_find(const struct top *t, const struct snapshot *s)
{
	for (size_t i = 0; t->container && i < s->n_containers; i++)
		if (container_matches(&s->containers[i], t->container))
			return &s->containers[i];
	return NULL;
}

static int write_snapshot(struct top *t, struct buf *out, const struct snapshot *s, bool first)
{
	struct json_options json = {.host = true,
				    .containers = true,
				    .processes = true,
				    .groups = true,
				    .neighbours = true,
				    .loops = true,
				    .births = true,
				    .collectors = true,
				    .container = t->container};

	if (t->csv)
		return table_write_csv(out, s, &t->choice, first);
	if (!t->json) {
		if (!first)
			buf_char(out, '\n');
		return table_write_plain(out, s, &t->choice, plain_width());
	}
	if (t->view) {
		json.groups = json.births = false;
		json.neighbours = t->choice.view == TABLE_NEIGHBOURS;
		json.loops = t->choice.view == TABLE_LOOPS;
		json.containers = t->choice.view == TABLE_CONTAINERS;
		json.processes = t->choice.view == TABLE_PROCESSES;
	}
	/* The id's beginning stands for the name. */
	if (container_find(t, s))
		json.container = container_find(t, s)->name;
	return json_write_snapshot(out, s, &json);
}

/* Until the time has come, a signal, or nobody reads any more (-EPIPE); serves the source meanwhile. */
static int wait_until(const struct snapshot_source *source, uint64_t due_ns)
{
	struct pollfd fds[2] = {{.fd = source->fd, .events = POLLIN}, {.fd = STDOUT_FILENO}};
	uint64_t now, idle_ns = clock_boot_ns();
	const struct snapshot *latest;

	while (!stop && (now = clock_boot_ns()) < due_ns) {
		uint64_t ms = (due_ns - now + 999999) / 1000000;

		poll(fds, 2, ms > 500 ? 500 : (int)ms);
		if (fds[1].revents & POLLERR)
			return -EPIPE;
		if (fds[0].revents || now - idle_ns > IDLE_EVERY_NS) {
			source->idle(source->ctx, &latest);
			idle_ns = now;
		}
	}
	return 0;
}

static int batch_loop(struct top *t, const struct snapshot_source *source, struct buf *out)
{
	uint64_t delay_ns = (uint64_t)(t->delay_seconds * 1e9), due;
	const struct snapshot *s;
	int r = 0;

	/* Only the second sample has rates; the first is not shown. */
	if (!source->next(source->ctx, &r))
		return r;
	due = clock_boot_ns() + (delay_ns < 1000000000ULL ? delay_ns : 1000000000ULL);
	for (uint64_t i = 0; !t->iterations || i < t->iterations; i++) {
		r = wait_until(source, due);
		if (r < 0 || stop)
			return r;
		due = clock_boot_ns() + delay_ns;
		s = source->next(source->ctx, &r);
		if (!s)
			return r;
		t->container_seen |= container_find(t, s) != NULL;
		buf_reset(out);
		r = write_snapshot(t, out, s, i == 0);
		if (r == 0)
			r = write_all(out);
		if (r < 0)
			return r;
	}
	return 0;
}

static int run_batch(struct top *t, const struct snapshot_source *source)
{
	_cleanup_buf_ struct buf out = {};
	int r = batch_loop(t, source, &out);

	if (r == -EPIPE || r == -ECANCELED)
		return EXIT_DONE;
	if (r < 0) {
		log_error("cannot go on: %s", strerror(-r));
		return EXIT_FAILED;
	}
	if (t->container && !t->container_seen && !stop) {
		log_error("there is no container '%s'", t->container);
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

/* ---- the source, with names of users ---- */

static const struct snapshot *outer_next(void *ctx, int *ret_error)
{
	struct top *t = ctx;

	if (t->users)
		users_refresh(t->users);
	return t->inner->next(t->inner->ctx, ret_error);
}

static void outer_published(void *ctx)
{
	struct top *t = ctx;

	t->inner->published(t->inner->ctx);
}

static void outer_idle(void *ctx, const struct snapshot **latest)
{
	struct top *t = ctx;

	t->inner->idle(t->inner->ctx, latest);
}

static void source_wrap(struct top *t, const struct snapshot_source *inner)
{
	t->inner = inner;
	t->outer = (struct snapshot_source){outer_next, outer_published, outer_idle, NULL, inner->fd, t};
	t->users = users_new("/etc/passwd");
	if (!t->users)
		return;
	t->choice.user_name = users_name;
	t->choice.user_ctx = t->users;
}

/* ---- live ---- */

static bool color_wanted(const struct top *t)
{
	const char *no = getenv("NO_COLOR");

	if (strcmp(t->color, "auto") != 0)
		return strcmp(t->color, "always") == 0;
	return !(no && no[0]);
}

static int run_live(struct top *t, const struct snapshot_source *source)
{
	struct top_options o = {
		.choice = t->choice,
		.delay_seconds = t->delay_seconds,
		.iterations = t->iterations,
		.color = color_wanted(t),
		.stop = &stop,
	};
	int r = top_screen_run(source, &o);

	if (r == -ENOTTY)
		return run_batch(t, source);
	if (r < 0)
		log_error("cannot go on: %s", strerror(-r));
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

static bool terminal_usable(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && term[0] && strcmp(term, "dumb") != 0;
}

static void signals_take(void)
{
	static const int ends[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
	struct sigaction action = {.sa_handler = on_signal};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		sigaction(ends[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int cmd_top(int argc, char **argv)
{
	struct top t = {.delay_seconds = 1, .color = "auto"};
	_cleanup_buf_ struct buf error = {};
	struct pipeline *p;
	bool live;
	int r;

	pipeline_options_init(&t.pipeline);
	r = top_parse(&t, argc, argv);
	if (r)
		return r < 0 ? EXIT_USAGE : EXIT_DONE;
	if (top_check(&t) < 0)
		return EXIT_USAGE;
	setlocale(LC_CTYPE, "");
	live = terminal_usable() && !t.batch && !t.json && !t.csv;
	/* Somebody who redirects the output wants a screen, not a file that grows for ever. */
	if (!t.iterations && !isatty(STDOUT_FILENO))
		t.iterations = 1;
	signals_take();
	r = pipeline_open(&p, &t.pipeline, &error);
	if (r < 0) {
		log_error("%s", error.data);
		return EXIT_CANNOT;
	}
	for (char *state = NULL, *line = live || !error.data ? NULL : strtok_r(error.data, "\n", &state); line;
	     line = strtok_r(NULL, "\n", &state))
		log_warning("%s", line);
	source_wrap(&t, pipeline_source(p));
	r = live ? run_live(&t, &t.outer) : run_batch(&t, &t.outer);
	users_free(t.users);
	pipeline_close(p);
	return r;
}
