/* SPDX-License-Identifier: GPL-2.0-or-later */
/* top_batch.c - see top_batch.h. What a snapshot looks like is decided in exporters/. */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/top_batch.h"
#include "exporters/json/json.h"
#include "view/match.h"

#define PLAIN_WIDTH	  80
#define COLUMNS_MIN	  20
#define COLUMNS_MAX	  1000
#define FIRST_INTERVAL_NS 1000000000ULL

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

/* The container that --container names; NULL: there is none at the moment. */
static const struct container_row *chosen_container(const struct top_batch *b, const struct snapshot *s)
{
	for (size_t i = 0; b->choice->container && i < s->n_containers; i++)
		if (container_matches(&s->containers[i], b->choice->container))
			return &s->containers[i];
	return NULL;
}

static int write_json(const struct top_batch *b, struct buf *out, const struct snapshot *s)
{
	const struct container_row *chosen = chosen_container(b, s);
	struct json_options json = {.view = b->view_only ? b->choice->view->name : NULL,
				    .container = b->choice->container};

	/* The option may be the beginning of an id; the JSON writer compares names. */
	if (chosen)
		json.container = chosen->name;
	return json_write_snapshot(out, s, &json);
}

static int write_snapshot(const struct top_batch *b, struct buf *out, const struct snapshot *s, bool first)
{
	if (b->csv)
		return table_write_csv(out, s, b->choice, first);
	if (b->json)
		return write_json(b, out, s);
	if (!first)
		buf_char(out, '\n');
	return table_write_plain(out, s, b->choice, plain_width());
}

static int batch_loop(const struct run *run, const struct snapshot_source *source, const struct top_batch *b,
		      bool *ret_chosen_seen)
{
	uint64_t delay_ns = (uint64_t)(b->delay_seconds * 1e9), due;
	_cleanup_buf_ struct buf out = {};
	const struct snapshot *s;
	int r = 0;

	/* The first snapshot has no rates and is not shown. */
	if (!source->next(source->ctx, &r))
		return r;
	due = clock_boot_ns() + (delay_ns < FIRST_INTERVAL_NS ? delay_ns : FIRST_INTERVAL_NS);
	for (uint64_t i = 0; !b->iterations || i < b->iterations; i++) {
		r = run_wait(run, due);
		if (r < 0 || run_stopped())
			return r;
		due = clock_boot_ns() + delay_ns;
		s = source->next(source->ctx, &r);
		if (!s)
			return r;
		*ret_chosen_seen |= chosen_container(b, s) != NULL;
		buf_reset(&out);
		r = write_snapshot(b, &out, s, i == 0);
		if (r == 0)
			r = run_write(&out);
		if (r < 0)
			return r;
	}
	return 0;
}

int top_batch_run(const struct run *run, const struct snapshot_source *source, const struct top_batch *b)
{
	bool chosen_seen = false;
	int r = batch_loop(run, source, b, &chosen_seen);

	if (r == 0 && b->choice->container && !chosen_seen && !run_stopped()) {
		log_error("there is no container '%s'", b->choice->container);
		return EXIT_FAILED;
	}
	return run_end(r);
}
