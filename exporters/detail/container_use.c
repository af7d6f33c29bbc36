/* SPDX-License-Identifier: GPL-2.0-or-later */
/* container_use.c - limits against use, and the course of the last two minutes, in the detail of a container: see detail.h. */
#include <math.h>

#include "exporters/detail/detail.h"
#include "exporters/detail/draw.h"
#include "exporters/table/format.h"

/* ---- limits ---- */

#define BEHIND_SHARE 28 /* "  100 %  99.99 of 99.99 CPUs" */
#define SHARE_MOST   60

static void use_line(struct buf *out, const char *label, double share, int width)
{
	int room = draw_room(width, BEHIND_SHARE);

	buf_printf(out, "  %-13s", label);
	draw_share(out, share, room < SHARE_MOST ? room : SHARE_MOST);
	buf_printf(out, " %4.0f %%  ", share * 100);
}

static void use_of(struct buf *out, const double *v, int used, int limit, const char *what)
{
	format_metric(out, SCOPE_CONTAINER, v, used);
	buf_str(out, " of ");
	format_metric(out, SCOPE_CONTAINER, v, limit);
	buf_printf(out, "%s\n", what);
}

void detail_container_use(struct buf *out, const struct container_row *c, int width)
{
	const double *v = c->v;
	double cpu = v[CONTAINER_CPU_CORES] / v[CONTAINER_CPU_LIMIT], memory = v[CONTAINER_MEMORY_LIMIT_RATIO],
	       threads = v[CONTAINER_THREADS] / v[CONTAINER_THREADS_LIMIT],
	       above = c->threads_limit_above_of ? c->threads_above / c->threads_limit_above : NAN;

	if (!isfinite(cpu) && !isfinite(memory) && !isfinite(threads) && !isfinite(above))
		return;
	buf_str(out, "use            of its limits:\n");
	if (isfinite(cpu)) {
		use_line(out, "CPU", cpu, width);
		use_of(out, v, CONTAINER_CPU_CORES, CONTAINER_CPU_LIMIT, " CPUs");
	}
	if (isfinite(memory)) {
		use_line(out, "memory", memory, width);
		use_of(out, v, CONTAINER_MEMORY_WORKING_SET, CONTAINER_MEMORY_LIMIT, "");
	}
	if (isfinite(threads)) {
		use_line(out, "threads", threads, width);
		use_of(out, v, CONTAINER_THREADS, CONTAINER_THREADS_LIMIT, "");
	}
	if (isfinite(above)) {
		use_line(out, "threads above", above, width);
		buf_printf(out, "%.0f of %.0f\n", c->threads_above, c->threads_limit_above);
	}
}

/* ---- the course ---- */

#define BEHIND_COURSE 27 /* "  now 999ms/s, most 999ms/s" */

/* The mean of the points that fall into each column; returns the highest. *ret_point: the highest point in them. */
static double columns_fill(const struct minutes *course, double now, enum minutes_value which, double *columns, int n,
			   double *ret_point)
{
	double each = (double)MINUTES_SECONDS / n, most = 0;
	int points[MINUTES_SECONDS] = {};

	*ret_point = 0;
	for (int i = 0; i < n; i++)
		columns[i] = 0;
	for (unsigned int i = 0; i < course->n; i++) {
		int column = n - 1 - (int)((now - course->time[i]) / each);

		if (column < 0 || column >= n || isnan(course->v[i][which]))
			continue;
		columns[column] += (double)course->v[i][which];
		*ret_point = fmax(*ret_point, (double)course->v[i][which]);
		points[column]++;
	}
	for (int i = 0; i < n; i++) {
		columns[i] = points[i] ? columns[i] / points[i] : NAN;
		most = columns[i] > most ? columns[i] : most;
	}
	return most;
}

static const struct {
	const char *label, *behind;
	int metric; /* whose unit it has */
} course_lines[MINUTES_VALUES] = {
	[MINUTES_CPU] = {"CPU", "", CONTAINER_CPU_CORES},
	[MINUTES_THROTTLED] = {"throttled", " %", CONTAINER_THROTTLED_RATIO},
	[MINUTES_WAIT] = {"CPU waits", "/s", CONTAINER_WAIT_RATE},
	[MINUTES_MEMORY] = {"memory", "", CONTAINER_MEMORY_USAGE},
	[MINUTES_NETWORK] = {"network", "/s", CONTAINER_NETWORK_RECEIVE_RATE},
	[MINUTES_DISK] = {"disk", "/s", CONTAINER_DISK_READ_RATE},
};

static void course_value(struct buf *out, int which, double value)
{
	size_t n;
	const struct metric_desc *d = metric_table(SCOPE_CONTAINER, &n);

	format_value(out, &d[course_lines[which].metric], value);
	buf_str(out, value_absent(value) ? "" : course_lines[which].behind);
}

static bool course_known(const struct minutes *course, int which)
{
	for (unsigned int i = 0; i < course->n; i++)
		if (!isnan(course->v[i][which]))
			return true;
	return false;
}

static void course_line(struct buf *out, const struct minutes *course, double now, int which, int n)
{
	unsigned int last = (course->next + MINUTES_POINTS - 1) % MINUTES_POINTS;
	double columns[MINUTES_SECONDS], highest, most;

	if (!course_known(course, which))
		return;
	highest = columns_fill(course, now, (enum minutes_value)which, columns, n, &most);
	buf_printf(out, "  %-13s", course_lines[which].label);
	draw_course(out, columns, n, highest);
	buf_str(out, "  now ");
	course_value(out, which, (double)course->v[last][which]);
	buf_str(out, ", most ");
	course_value(out, which, most);
	buf_char(out, '\n');
}

/* As many columns as there is room for, of a whole number of seconds each. */
static int course_columns(int room)
{
	static const int counts[] = {120, 60, 40, 30, 24, 20, 15, 12};

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		if (counts[i] <= room)
			return counts[i];
	return 10;
}

void detail_container_course(struct buf *out, const struct snapshot *s, uint32_t row, int width)
{
	const struct minutes *course = s->looked.courses ? s->looked.courses[row] : NULL;
	int n = course_columns(draw_room(width, BEHIND_COURSE));

	if (!course || !course->n)
		return;
	buf_printf(out, "course         of the last %d s, the mean of %d s in each column:\n", MINUTES_SECONDS,
		   MINUTES_SECONDS / n);
	for (int i = 0; i < MINUTES_VALUES; i++)
		course_line(out, course, s->time, i, n);
}
