/* SPDX-License-Identifier: GPL-2.0-or-later */
/* top_batch.c - see top_batch.h. What a snapshot looks like is decided in exporters/. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/top_batch.h"
#include "exporters/findings/findings.h"
#include "exporters/json/json.h"
#include "exporters/views/views.h"
#include "view/match.h"

#define PLAIN_WIDTH	  80
#define COLUMNS_MIN	  20
#define COLUMNS_MAX	  1000
#define FIRST_INTERVAL_NS 1000000000ULL
#define FIRST_WATCH_NS	  10000000000ULL

static int plain_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t width;

	if (columns && parse_u64(columns, COLUMNS_MIN, COLUMNS_MAX, &width) == 0)
		return (int)width;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= COLUMNS_MIN)
		return size.ws_col;
	return PLAIN_WIDTH;
}

/* ---- JSON ---- */

/* The lists that no view shows. */
enum { OTHER_GROUPS, OTHER_BIRTHS, OTHER_OOM_KILLS, OTHER_DISK_NEIGHBOURS, OTHER_PORTS, OTHERS };

/* A list per view, and those of no view. */
struct lists {
	struct table_rows views[VIEWS], others[OTHERS];
	struct json_list json[VIEWS + OTHERS];
	size_t n;
};

static void lists_free(struct lists *l)
{
	for (size_t i = 0; i < VIEWS; i++)
		table_rows_free(&l->views[i]);
	for (size_t i = 0; i < OTHERS; i++)
		table_rows_free(&l->others[i]);
}

static void json_list_add(struct lists *l, const char *key, const struct table_rows *rows)
{
	l->json[l->n++] = (struct json_list){.key = key, .rows = rows->index, .n = rows->n};
}

static int position_compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int view_select(struct lists *l, size_t i, const struct snapshot *s, const struct top_batch *b)
{
	struct table_choice c = *b->choice;
	struct view_desc view = *views[i];
	bool ordered = b->sort ? table_sort_find(views[i], b->sort, &c.sort) == 0 : c.reverse || c.tree;
	struct table_rows *rows = &l->views[i];
	int r;

	/* The screen has no room for pairs that waited for nothing; programs get them all. */
	view.hidden = NULL;
	c.view = &view;
	if (!ordered || !b->sort)
		c.sort = view.sort;
	if (!ordered)
		c.tree = false;
	r = table_rows_select(rows, s, &c);
	if (r < 0)
		return r;
	if (!ordered && rows->n)
		qsort(rows->index, rows->n, sizeof(*rows->index), position_compare);
	json_list_add(l, views[i]->name, rows);
	return 0;
}

static bool home_chosen(const struct table_choice *c, struct match_filter *f, const struct container_row *home,
			const char *comm)
{
	return match_choice_row(c->containers, home) && (!c->containers_only || strcmp(home->kind, "container") == 0) &&
	       match_filter_comm(f, home, comm);
}

/* The row of the container that started, if it is still there; else `gone`, filled with what its start has kept. */
static const struct container_row *start_home(const struct snapshot *s, const struct start_row *birth,
					      struct container_row *gone)
{
	for (size_t i = 0; birth->id[0] && i < s->n_containers; i++)
		if (strcmp(s->containers[i].id, birth->id) == 0)
			return &s->containers[i];
	*gone = (struct container_row){
		.name = birth->container, .id = birth->id, .pod = "", .image = "", .kind = "container"};
	return gone;
}

/* The same for the container of a victim. */
static const struct container_row *oom_home(const struct snapshot *s, const struct oom_row *kill,
					    struct container_row *gone)
{
	if (kill->container != OOM_NOWHERE)
		return &s->containers[kill->container];
	*gone = (struct container_row){
		.name = kill->container_name, .id = "", .pod = "", .image = "", .kind = "container"};
	return gone;
}

static bool group_chosen(const struct table_choice *c, struct match_filter *f, const struct snapshot *s, uint32_t i)
{
	return home_chosen(c, f, &s->containers[s->groups[i].container], s->groups[i].comm);
}

static bool birth_chosen(const struct table_choice *c, struct match_filter *f, const struct snapshot *s, uint32_t i)
{
	struct container_row gone;

	return home_chosen(c, f, start_home(s, &s->births[i], &gone), "");
}

static bool oom_kill_chosen(const struct table_choice *c, struct match_filter *f, const struct snapshot *s, uint32_t i)
{
	struct container_row gone;

	return home_chosen(c, f, oom_home(s, &s->oom_kills[i], &gone), s->oom_kills[i].comm);
}

/* As the view of neighbours: either of the two. */
static bool disk_neighbour_chosen(const struct table_choice *c, struct match_filter *f, const struct snapshot *s,
				  uint32_t i)
{
	const struct disk_neighbour_row *n = &s->disk_neighbours[i];

	return home_chosen(c, f, &s->containers[n->waiter], "") ||
	       (n->filler != NEIGHBOUR_OTHERS && home_chosen(c, f, &s->containers[n->filler], ""));
}

static bool port_chosen(const struct table_choice *c, struct match_filter *f, const struct snapshot *s, uint32_t i)
{
	return home_chosen(c, f, &s->containers[s->ports[i].container], "");
}

/* The devices are the machine's, as its `host` is: they are written whole. */
#define OTHER(ID, ARRAY, CHOSEN) [OTHER_##ID] = {#ARRAY, offsetof(struct snapshot, n_##ARRAY), CHOSEN}
static const struct other_list {
	const char *key;
	size_t count; /* offset of the number of rows in the snapshot */
	bool (*chosen)(const struct table_choice *c, struct match_filter *f, const struct snapshot *s, uint32_t i);
} other_lists[OTHERS] = {
	OTHER(GROUPS, groups, group_chosen),
	OTHER(BIRTHS, births, birth_chosen),
	OTHER(OOM_KILLS, oom_kills, oom_kill_chosen),
	OTHER(DISK_NEIGHBOURS, disk_neighbours, disk_neighbour_chosen),
	OTHER(PORTS, ports, port_chosen),
};

static int others_select(struct lists *l, const struct snapshot *s, const struct table_choice *c,
			 struct match_filter *f)
{
	for (size_t k = 0; k < OTHERS; k++) {
		size_t n = *(const size_t *)((const char *)s + other_lists[k].count);
		struct table_rows *rows = &l->others[k];

		rows->index = calloc(n + 1, sizeof(*rows->index));
		if (!rows->index)
			return -ENOMEM;
		for (uint32_t i = 0; i < n; i++)
			if (other_lists[k].chosen(c, f, s, i))
				rows->index[rows->n++] = i;
		json_list_add(l, other_lists[k].key, rows);
	}
	return 0;
}

/* The findings as `diagnose` writes them: the chosen rows, in the chosen order. */
static int findings_write(struct buf *out, const struct snapshot *s, const struct table_choice *c)
{
	struct findings chosen = s->findings ? *s->findings : (struct findings){.time = s->time, .too_short = true};
	cleanup(table_rows_free) struct table_rows rows = {};
	_cleanup_free_ struct finding *all = calloc(chosen.n + 1, sizeof(*all));

	if (!all || table_rows_select(&rows, s, c) < 0)
		return -ENOMEM;
	for (size_t i = 0; chosen.all && i < rows.n; i++)
		all[i] = chosen.all[rows.index[i]];
	chosen.all = all;
	chosen.n = rows.n;
	return findings_json(out, &chosen, s);
}

int top_json_write(struct buf *out, const struct snapshot *s, const struct top_batch *b)
{
	const struct table_choice *c = b->choice;
	cleanup(match_filter_free) struct match_filter filter = {};
	cleanup(lists_free) struct lists l = {};
	struct json_options json = {.view = b->view_only ? c->view->name : NULL};
	int r = 0;

	if (b->view_only && c->view->findings)
		return findings_write(out, s, c);
	match_filter_init(&filter, c->filter);
	if ((c->containers && c->containers->n) || filter.wanted.len || c->containers_only || b->sort || c->reverse ||
	    c->tree) {
		for (size_t i = 0; i < VIEWS && r == 0; i++)
			r = view_select(&l, i, s, b);
		r = r ?: others_select(&l, s, c, &filter);
	}
	json.lists = l.json;
	json.n_lists = l.n;
	return r ?: json_write_snapshot(out, s, &json);
}

/* ---- the loop ---- */

static int write_snapshot(const struct top_batch *b, struct buf *out, const struct snapshot *s, bool first)
{
	if (b->csv)
		return table_write_csv(out, s, b->choice, first);
	if (b->json)
		return top_json_write(out, s, b);
	if (!first)
		buf_char(out, '\n');
	return table_write_plain(out, s, b->choice, plain_width());
}

/* After the first snapshot. -ENOTUNIQ, with a line on stderr: a name fits several containers. */
static int containers_check(const struct top_batch *b)
{
	const struct match_choice *c = b->choice->containers;
	bool ambiguous = false;

	for (size_t i = 0; i < c->n; i++)
		ambiguous |= c->wanted[i].ambiguous;
	if (ambiguous)
		log_error("%s", c->message.data);
	else if (c->message.len && b->iterations != 1) /* a single one says so at its end */
		log_warning("%s yet: waiting", c->message.data);
	return ambiguous ? -ENOTUNIQ : 0;
}

/* Rates need no more than a second; what is wrong shows when it has been watched. */
static uint64_t first_interval(const struct top_batch *b, uint64_t delay_ns)
{
	if (!b->choice->view->findings)
		return delay_ns < FIRST_INTERVAL_NS ? delay_ns : FIRST_INTERVAL_NS;
	delay_ns = delay_ns > FIRST_WATCH_NS ? delay_ns : FIRST_WATCH_NS;
	log_info("watching for %.0f s", (double)delay_ns / 1e9);
	return delay_ns;
}

/* What rises without a pause shows in a course of snapshots: findings take one a second, as `diagnose` does. */
static int watched_wait(const struct run *run, const struct snapshot_source *source, const struct top_batch *b,
			uint64_t due)
{
	uint64_t next;
	int r;

	while (b->choice->view->findings && (next = clock_boot_ns() + FIRST_INTERVAL_NS) < due) {
		r = run_wait(run, next);
		if (r < 0 || run_stopped() || !source->next(source->ctx, &r))
			return r;
	}
	return run_wait(run, due);
}

static int batch_loop(const struct run *run, const struct snapshot_source *source, const struct top_batch *b)
{
	uint64_t delay_ns = (uint64_t)(b->delay_seconds * 1e9), due;
	_cleanup_buf_ struct buf out = {};
	const struct snapshot *s;
	int r = 0;

	if (source->judge)
		source->judge(source->ctx, b->choice->view->findings);
	if (source->look)
		source->look(source->ctx, b->choice->view->look);
	/* The first snapshot has no rates and is not shown. */
	if (!source->next(source->ctx, &r))
		return r;
	r = containers_check(b);
	if (r < 0)
		return r;
	due = clock_boot_ns() + first_interval(b, delay_ns);
	for (uint64_t i = 0; !b->iterations || i < b->iterations; i++) {
		r = watched_wait(run, source, b, due);
		if (r < 0 || run_stopped())
			return r;
		due = clock_boot_ns() + delay_ns;
		s = source->next(source->ctx, &r);
		if (!s)
			return r;
		buf_reset(&out);
		r = write_snapshot(b, &out, s, i == 0);
		if (r == 0)
			r = run_write(&out);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The first one that is shown; the last one if all are earlier. */
static const struct snapshot *replay_first(const struct snapshot_source *source, const struct top_batch *b,
					   int *ret_error)
{
	const struct snapshot *s = source->next(source->ctx, ret_error), *later;

	while (s && (uint64_t)(s->time * 1e9) < b->from_ns && !run_stopped()) {
		later = source->next(source->ctx, ret_error);
		if (!later)
			break;
		s = later;
	}
	return *ret_error ? NULL : s;
}

/* Without waiting; the first snapshot has its rates. */
static int batch_replay(const struct snapshot_source *source, const struct top_batch *b)
{
	_cleanup_buf_ struct buf out = {};
	const struct snapshot *s;
	int r = 0;

	source->judge(source->ctx, b->choice->view->findings);
	if (source->look)
		source->look(source->ctx, b->choice->view->look);
	for (uint64_t i = 0; r == 0 && !run_stopped() && (!b->iterations || i < b->iterations); i++) {
		s = i ? source->next(source->ctx, &r) : replay_first(source, b, &r);
		if (!s)
			return r;
		r = i ? 0 : containers_check(b);
		buf_reset(&out);
		r = r ?: write_snapshot(b, &out, s, i == 0);
		r = r ?: run_write(&out);
	}
	return r;
}

int top_batch_run(const struct run *run, const struct snapshot_source *source, const struct top_batch *b)
{
	int r = b->replay ? batch_replay(source, b) : batch_loop(run, source, b);

	if (r == -ENOTUNIQ)
		return EXIT_FAILED;
	if (r == 0 && b->choice->containers->message.len && !run_stopped()) {
		log_error("%s", b->choice->containers->message.data);
		return EXIT_FAILED;
	}
	return run_end(r);
}
