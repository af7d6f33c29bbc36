/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * container_waits.c - what the threads of a container waited for as one bar, and the lengths of waits for CPUs and of iterations of
 * event loops as histograms: see detail.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/detail/detail.h"
#include "exporters/detail/draw.h"
#include "exporters/table/format.h"

/* ---- the bar ---- */

#define LEGEND_MIN 0.005 /* a smaller share is not worth a name */

struct wait_part {
	char letter;
	const char *name;
	double ns;
};

/* A letter for each class, so that the bar needs no colour; first the time that threads could have run. */
static size_t parts_fill(const double *v, struct wait_part *parts)
{
	static const char letters[] = "EPFSDNIWUMKOT";
	size_t n = 0;

	_Static_assert(sizeof(letters) == WAIT_CLASSES + 1, "a letter for each class");
	parts[n++] = (struct wait_part){'C', "cpu", v[CONTAINER_WAKEUP_WAIT] + v[CONTAINER_PREEMPTED_WAIT]};
	for (int i = 0; i < WAIT_CLASSES; i++)
		parts[n++] = (struct wait_part){letters[i], wait_class_names[i], v[CONTAINER_BLOCKED_EPOLL + i]};
	return n;
}

static int part_compare(const void *a, const void *b)
{
	const struct wait_part *x = a, *y = b;

	return x->ns != y->ns ? (x->ns < y->ns ? 1 : -1) : x->letter - y->letter;
}

/* The ends of the parts are rounded, not their lengths: so the bar is full. */
static void parts_draw(struct buf *out, const struct wait_part *parts, size_t n, double sum, int room)
{
	double until = 0;
	int at = 0;

	buf_char(out, '[');
	for (size_t i = 0; i < n; i++) {
		until += parts[i].ns;
		for (; at < (int)(until / sum * room + 0.5); at++)
			buf_char(out, parts[i].ns / sum < LEGEND_MIN ? '.' : parts[i].letter);
	}
	buf_str(out, "]\n");
}

static void parts_legend(struct buf *out, const struct wait_part *parts, size_t n, double sum, int width)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		_cleanup_buf_ struct buf one = {};
		bool more = i + 1 < n && parts[i + 1].ns > 0;

		if (!(parts[i].ns > 0))
			break;
		if (parts[i].ns / sum < LEGEND_MIN)
			buf_str(&one, ". all others");
		else
			buf_printf(&one, "%c %s %.0f %%%s", parts[i].letter, parts[i].name, parts[i].ns / sum * 100,
				   more ? ", " : "");
		if (!used || used + one.len > (size_t)width) {
			buf_str(out, used ? "\n               " : "               ");
			used = 15;
		}
		buf_str(out, one.data ? one.data : "");
		used += one.len;
		if (parts[i].ns / sum < LEGEND_MIN)
			break;
	}
	buf_char(out, '\n');
}

static void wait_bar(struct buf *out, const double *v, int width)
{
	struct wait_part parts[WAIT_CLASSES + 1];
	size_t n = parts_fill(v, parts);
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		if (!isfinite(parts[i].ns))
			parts[i].ns = 0;
		sum += parts[i].ns;
	}
	if (!(sum > 0))
		return;
	qsort(parts, n, sizeof(*parts), part_compare);
	buf_str(out, "waited for     ");
	parts_draw(out, parts, n, sum, draw_room(width, 2));
	parts_legend(out, parts, n, sum, width);
}

/* ---- histograms ---- */

#define BUCKETS_MOST   20
#define BEHIND_BUCKETS 8

/* Of the cumulative buckets from `first` to `last`, which is that without a bound. */
struct histogram {
	const struct metric_desc *descs;
	int first, last;
	double count[BUCKETS_MOST];
};

static double bucket_bound(const struct metric_desc *d)
{
	const char *at = strchr(d->labels, '"');

	return at && at[1] != '+' ? strtod(at + 1, NULL) : NAN;
}

static void bucket_line(struct buf *out, const struct histogram *h, int i, double most, int room)
{
	static const struct metric_desc seconds = {.unit = UNIT_DELAY};
	double bound = bucket_bound(&h->descs[h->first + i]);
	_cleanup_buf_ struct buf label = {};

	buf_str(&label, isnan(bound) ? "more" : "up to ");
	if (!isnan(bound))
		format_value(&label, &seconds, bound * 1e9);
	buf_printf(out, "  %-13s", label.data ? label.data : "");
	draw_bar(out, h->count[i], most, room);
	buf_printf(out, " %.0f\n", h->count[i]);
}

/* From the shortest to the longest that there were. */
static void histogram_lines(struct buf *out, const struct histogram *h, int width)
{
	int n = h->last - h->first + 1, from = 0, to = n - 1, room = draw_room(width, BEHIND_BUCKETS);
	double most = 0;

	for (int i = 0; i < n; i++)
		most = h->count[i] > most ? h->count[i] : most;
	while (from < n && !(h->count[from] > 0))
		from++;
	while (to > from && !(h->count[to] > 0))
		to--;
	for (int i = from; i <= to; i++)
		bucket_line(out, h, i, most, room < 40 ? room : 40);
}

/* Adds the buckets of a row, which count what is shorter as well. False: they are not known. */
static bool buckets_add(struct histogram *h, const double *v)
{
	if (value_absent(v[h->last]))
		return false;
	for (int i = h->first; i <= h->last; i++)
		h->count[i - h->first] += v[i] - (i > h->first ? v[i - 1] : 0);
	return true;
}

static void cpu_waits(struct buf *out, const double *v, int width)
{
	struct histogram h = {.first = CONTAINER_DELAY_4US, .last = CONTAINER_DELAY_INF};
	size_t n;

	_Static_assert(CONTAINER_DELAY_INF - CONTAINER_DELAY_4US < BUCKETS_MOST, "there is room for them");
	h.descs = metric_table(SCOPE_CONTAINER, &n);
	if (!buckets_add(&h, v) || !(v[CONTAINER_DELAY_INF] > 0))
		return;
	buf_printf(out, "waits for CPU  %.0f since sysscope first saw its threads, by length:\n",
		   v[CONTAINER_DELAY_INF]);
	histogram_lines(out, &h, width);
}

static void loop_iterations(struct buf *out, const struct snapshot *s, uint32_t row, int width)
{
	struct histogram h = {.first = GROUP_LOOP_64US, .last = GROUP_LOOP_INF};
	double all = 0;
	size_t n;

	_Static_assert(GROUP_LOOP_INF - GROUP_LOOP_64US < BUCKETS_MOST, "there is room for them");
	h.descs = metric_table(SCOPE_GROUP, &n);
	for (size_t i = 0; i < s->n_groups; i++)
		if (s->groups[i].container == row && buckets_add(&h, s->groups[i].v))
			all += s->groups[i].v[GROUP_LOOP_INF];
	if (!(all > 0))
		return;
	buf_printf(out, "iterations     %.0f of its event loops, by length:\n", all);
	histogram_lines(out, &h, width);
}

void detail_container_waits(struct buf *out, const struct snapshot *s, uint32_t row, int width)
{
	const double *v = s->containers[row].v;

	wait_bar(out, v, width);
	cpu_waits(out, v, width);
	loop_iterations(out, s, row, width);
}
