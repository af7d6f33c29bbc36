/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_table.c - human units, order and choice of rows, lines that never exceed their width, and the rules of a view. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "exporters/table/table.h"
#include "exporters/views/views.h"
#include "view/match.h"

static const char hostile[] = "a\x1b[31m\"\\,\n\xe9 \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xc2\x9b";

static struct container_row containers[6];
static struct process_row processes[6];
static struct snapshot snapshot;

static void scene(void)
{
	static const char *const names[] = {"bravo", "alpha", hostile,
					    "delta", "Echo",  "/a/long/path/of/a/cgroup/that/ends.here"};

	snapshot = (struct snapshot){.sequence = 2,
				     .hostname = hostile,
				     .kernel = "6.1",
				     .containers = containers,
				     .n_containers = 6,
				     .processes = processes,
				     .n_processes = 6};
	for (int i = 0; i < HOST_METRICS; i++)
		snapshot.v[i] = VALUE_ABSENT;
	for (uint32_t i = 0; i < 6; i++) {
		containers[i] = (struct container_row){.name = names[i],
						       .id = i == 3 ? "0123456789abcdef0123" : "",
						       .runtime = "docker",
						       .image = hostile,
						       .pod = "",
						       .namespace_ = "",
						       .labels = "",
						       .kind = i == 4 ? "service" : "container",
						       .cgroup = names[i],
						       .parent = "",
						       .parent_cgroup = "",
						       .state = "running"};
		processes[i] = (struct process_row){.pid = 10 + i,
						    .ppid = i ? 9 + i : 0,
						    .comm = names[i],
						    .thread = names[i],
						    .container = i,
						    .state = 'S'};
		for (int m = 0; m < CONTAINER_METRICS; m++)
			containers[i].v[m] = i == 5 ? VALUE_ABSENT : (double)((i * 7) % 5) * 1e9;
		for (int m = 0; m < PROCESS_METRICS; m++)
			processes[i].v[m] = i == 5 ? VALUE_ABSENT : (double)((i * 7) % 5) * 1e9;
	}
}

static void test_units(void **state)
{
	static const struct {
		enum metric_unit unit;
		double v;
		const char *text;
	} table[] = {
		{UNIT_BYTES, 0, "0"},
		{UNIT_BYTES, 999, "999"},
		{UNIT_BYTES, 1000, "1.0K"},
		{UNIT_BYTES, 1024, "1.0K"},
		{UNIT_BYTES, 64 << 20, "64M"},
		{UNIT_BYTES, 1.5 * (1 << 30), "1.5G"},
		{UNIT_BYTES, 999.6 * 1024, "1.0M"},
		{UNIT_CORES, 0.25, "0.25"},
		{UNIT_CORES, 128, "128"},
		{UNIT_RATIO, 0.005, "0.5"},
		{UNIT_RATIO, 1, "100"},
		{UNIT_COUNT, 7, "7"},
		{UNIT_COUNT, 123456, "0.12M"},
		{UNIT_RATE, 1.25, "1.2"},
		{UNIT_NS, 1.5e9, "1.50s"},
		{UNIT_NS, 59.999e9, "1:00.0"},
		{UNIT_NS, 599.99e9, "10m00s"},
		{UNIT_NS, 3723e9, "1h02m"},
		{UNIT_NS, 90e4 * 1e9, "10d10h"},
		{UNIT_NS, NAN, "-"},
		{UNIT_BYTES, NAN, "-"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_buf_ struct buf out = {};

		format_value(&out, &(struct metric_desc){.unit = table[i].unit}, table[i].v);
		assert_string_equal(out.data, table[i].text);
	}
}

static void test_order(void **state)
{
	struct table_rows rows = {};
	struct table_choice c;

	(void)state;
	scene();
	table_choice_init(&c, &view_containers);
	for (int reverse = 0; reverse < 2; reverse++) {
		c.reverse = reverse;
		assert_int_equal(table_rows_select(&rows, &snapshot, &c), 0);
		assert_int_equal(rows.n, 6);
		assert_int_equal(rows.index[5], 5); /* unknown comes last, whatever the direction */
		for (size_t i = 0; i < 4; i++) {
			double a = containers[rows.index[i]].v[0], b = containers[rows.index[i + 1]].v[0];

			assert_true(reverse ? a <= b : a >= b);
		}
	}
	assert_int_equal(table_sort_find(&view_containers, "MEMORY_BYTES", &c.sort), 0);
	assert_int_equal(c.sort, CONTAINER_MEMORY_USAGE);
	assert_int_equal(table_sort_find(&view_processes, "cpu-time", &c.sort), 0);
	assert_int_equal(table_sort_find(&view_containers, "no such", &c.sort), -2);
	assert_int_equal(table_sort_find(&view_containers, "name", &c.sort), 0);
	c.reverse = false;
	assert_int_equal(table_rows_select(&rows, &snapshot, &c), 0);
	for (size_t i = 0; i < 5; i++)
		assert_true(strcmp(containers[rows.index[i]].name, containers[rows.index[i + 1]].name) <= 0);
	table_rows_free(&rows);
}

static void assert_order(const struct view_desc *view, const char *key, bool reverse, const char *want)
{
	struct table_rows rows = {};
	struct table_choice c;
	char seen[16] = "";

	table_choice_init(&c, view);
	c.reverse = reverse;
	if (table_sort_find(view, key, &c.sort) < 0)
		fail_msg("there is no %s", key);
	assert_int_equal(table_rows_select(&rows, &snapshot, &c), 0);
	for (size_t i = 0; i < rows.n; i++)
		seen[i] = (char)('0' + rows.index[i]);
	if (strcmp(seen, want) != 0)
		fail_msg("%s of %s%s: saw %s, true is %s", key, view->name, reverse ? " reversed" : "", seen, want);
	table_rows_free(&rows);
}

static void test_order_of_texts(void **state)
{
	(void)state;
	scene();
	containers[0].image = "b";
	containers[1].image = "a";
	containers[2].image = "";
	containers[3].image = "d";
	containers[4].image = "c";
	containers[5].image = "";
	containers[1].dead = true;
	containers[1].state = "dead";
	processes[3].state = 'R';
	processes[4].pid = 2;
	processes[5].comm = "a";
	assert_order(&view_containers, "image", false, "104352"); /* rows without an image last, by name */
	assert_order(&view_containers, "IMAGE", true, "340152");
	assert_order(&view_containers, "name", false, "542103");
	assert_order(&view_containers, "kind", false, "152034");
	assert_order(&view_processes, "pid", false, "401235");
	assert_order(&view_processes, "pid", true, "532104");
	assert_order(&view_processes, "comm", false, "452103");
	assert_order(&view_processes, "name", false, "452103");
	assert_order(&view_processes, "command", false, "452103");
	assert_order(&view_processes, "container", false, "542103");
	assert_order(&view_processes, "state", false, "345210");
}

static const char *user_name(void *ctx, uint32_t uid)
{
	(void)ctx;
	return uid == 0 ? "root" : uid == 33 ? "www-data" : uid == 7 ? hostile : NULL;
}

/* Users with a name first, then the others by number; a hostile name is made harmless. */
static void test_users(void **state)
{
	static const uint32_t uids[] = {33, 0, 100000, 7, 99, 0};
	struct table_column column = {};
	struct table_rows rows = {};
	struct table_choice c;

	(void)state;
	scene();
	for (int i = 0; i < 6; i++)
		processes[i].uid = uids[i];
	table_choice_init(&c, &view_processes);
	assert_int_equal(table_sort_find(c.view, "user", &c.sort), 0);
	column.column = c.sort;
	for (int named = 0; named < 2; named++) {
		static const uint32_t want[2][6] = {{5, 1, 3, 0, 4, 2}, {3, 5, 1, 0, 4, 2}};
		static const char *const texts[2] = {"7", "a\\x1b[31m\"\\,\\x0a\xef\xbf\xbd "};
		_cleanup_buf_ struct buf out = {};

		c.user_name = named ? user_name : NULL;
		assert_int_equal(table_rows_select(&rows, &snapshot, &c), 0);
		for (int i = 0; i < 6; i++)
			assert_int_equal(rows.index[i], want[named][i]);
		rows.index[0] = 3;
		table_cell(&out, &snapshot, &c, &rows, 0, &column);
		assert_int_equal(strncmp(out.data, texts[named], strlen(texts[named])), 0);
		buf_reset(&out);
		rows.index[0] = 2;
		table_cell(&out, &snapshot, &c, &rows, 0, &column);
		assert_string_equal(out.data, "100000");
	}
	table_rows_free(&rows);
}

/* The error message lists the titles, then every key, and each of them works. */
static void test_sort_titles(void **state)
{
	(void)state;
	for (size_t view = 0; view < VIEWS; view++) {
		_cleanup_buf_ struct buf titles = {};
		char *next = NULL;
		int sort, n = 0;

		table_sort_titles(views[view], &titles);
		for (char *t = strtok_r(titles.data, ",", &next); t; t = strtok_r(NULL, ",", &next), n++)
			assert_int_equal(table_sort_find(views[view], t + strspn(t, " "), &sort), 0);
		assert_true(n > 3);
	}
}

static void test_sort_keys(void **state)
{
	static const char *const must[] = {" name kind image cpu_cores ",
					   " pid user comm container state model cpu_cores "};

	(void)state;
	for (size_t view = 0; view < ARRAY_SIZE(must); view++) {
		_cleanup_buf_ struct buf keys = {}, padded = {};
		char *next = NULL;
		int sort, n = 0;

		table_sort_keys(views[view], &keys);
		buf_printf(&padded, " %s ", keys.data);
		assert_non_null(strstr(padded.data, must[view]));
		for (char *key = strtok_r(keys.data, " ", &next); key; key = strtok_r(NULL, " ", &next), n++)
			assert_int_equal(table_sort_find(views[view], key, &sort), 0);
		assert_true(n > 10);
	}
	assert_int_equal(table_sort_find(&view_containers, "pid", &(int){0}), -2);
	assert_int_equal(table_sort_find(&view_processes, "image", &(int){0}), -2);
	assert_int_equal(table_sort_find(&view_processes, "", &(int){0}), -2);
}

/* Stepping right from the first and left from the last visits all columns and stops. */
static void test_sort_beside(void **state)
{
	(void)state;
	for (size_t view = 0; view < VIEWS; view++) {
		int sort = TEXT_COLUMN(0), first = sort, steps = 0, next;

		assert_int_equal(table_sort_beside(views[view], first, -1), first);
		for (; (next = table_sort_beside(views[view], sort, 1)) != sort; sort = next, steps++)
			assert_true(table_sort_title(views[view], next)[0]);
		assert_true(steps >= 5);
		for (; steps; steps--)
			sort = table_sort_beside(views[view], sort, -1);
		assert_int_equal(sort, first);
	}
}

static size_t count(struct table_choice *c)
{
	struct table_rows rows = {};
	size_t n;

	assert_int_equal(table_rows_select(&rows, &snapshot, c), 0);
	n = rows.n;
	table_rows_free(&rows);
	return n;
}

/* --container of one name. */
static size_t count_named(const struct table_choice *choice, const char *name)
{
	cleanup(match_choice_free) struct match_choice named = {};
	struct table_choice c = *choice;

	match_choice_init(&named, &name, 1);
	c.containers = &named;
	return count(&c);
}

static void test_choice(void **state)
{
	struct table_choice c;

	(void)state;
	scene();
	table_choice_init(&c, &view_containers);
	c.filter = "ECHO";
	assert_int_equal(count(&c), 1);
	c.filter = NULL;
	c.containers_only = true;
	assert_int_equal(count(&c), 5);
	c.containers_only = false;
	assert_int_equal(count_named(&c, "delta"), 1);
	assert_int_equal(count_named(&c, "0123456789a"), 1);
	c.view = &view_processes;
	assert_int_equal(count_named(&c, "alpha"), 1);
	c.cgroup = "alpha";
	assert_int_equal(count(&c), 1);
}

/* The filter matches names as they are shown: escapes match, and so do the raw bytes. */
static void test_choice_shown(void **state)
{
	static const struct {
		const char *filter;
		size_t containers, processes;
	} table[] = {
		{"\\x1b[31m", 6, 6},			  /* all have a hostile image */
		{"\x1b[31m", 6, 6},			  /* as typed with ^V: the footer shows it escaped */
		{"a\\x1B[31M\"\\,\\X0A", 6, 6},		  /* whatever the case */
		{"\\x0a\xef\xbf\xbd \xe6\x97\xa5", 6, 6}, /* an ill-formed byte is U+FFFD on the screen */
		{"x1c", 0, 0},
		{"shop-7/alp", 1, 1}, /* across the slash of the column of names */
		{"11", 0, 1},	      /* a pid */
		{"1", 6, 6},	      /* part of "31m" */
		{"", 6, 6},
	};
	struct table_choice c;

	(void)state;
	scene();
	containers[1].pod = "shop-7";
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		table_choice_init(&c, &view_containers);
		c.filter = table[i].filter;
		if (count(&c) != table[i].containers)
			fail_msg("'%s' chooses %zu containers", table[i].filter, count(&c));
		c.view = &view_processes;
		if (count(&c) != table[i].processes)
			fail_msg("'%s' chooses %zu processes", table[i].filter, count(&c));
	}
	table_choice_init(&c, &view_containers);
	assert_int_equal(count_named(&c, hostile), 1);
	assert_int_equal(count_named(&c, "a\\x1b[31m\"\\,\\x0a\xef\xbf\xbd \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\\x9b"),
			 1);
	assert_int_equal(count_named(&c, "shop-7/alpha"), 1);
	assert_int_equal(count_named(&c, "alpha"), 1);
	assert_int_equal(count_named(&c, ""), 0);
}

/* A chain of parents, a circle, and a row that is its own parent: every row is there exactly once. */
static void test_tree(void **state)
{
	struct table_rows rows = {};
	struct table_choice c;
	uint32_t sum = 0;

	(void)state;
	scene();
	table_choice_init(&c, &view_processes);
	c.tree = true;
	assert_int_equal(table_rows_select(&rows, &snapshot, &c), 0);
	for (uint32_t i = 0; i < 6; i++) {
		assert_int_equal(rows.index[i], i);
		assert_int_equal(rows.depth[i], i);
	}
	processes[0].ppid = processes[5].pid;
	processes[3].ppid = processes[3].pid;
	assert_int_equal(table_rows_select(&rows, &snapshot, &c), 0);
	assert_int_equal(rows.n, 6);
	for (size_t i = 0; i < 6; i++)
		sum += 1u << rows.index[i];
	assert_int_equal(sum, 63);
	table_rows_free(&rows);
}

/* Two containers of one name: the one inside stands below the one that it is in. */
static void test_tree_of_twins(void **state)
{
	struct table_rows rows = {};
	struct table_choice c;

	(void)state;
	scene();
	containers[1].name = containers[2].name = containers[0].parent = "twin";
	containers[0].parent_cgroup = containers[2].cgroup;
	table_choice_init(&c, &view_containers);
	c.tree = true;
	assert_int_equal(table_rows_select(&rows, &snapshot, &c), 0);
	for (size_t i = 0; i < rows.n; i++)
		if (rows.index[i] == 0) {
			assert_int_equal(rows.depth[i], 1);
			assert_int_equal(rows.index[i - 1], 2);
		}
	table_rows_free(&rows);
}

static int line_width(const char *line, size_t length)
{
	wchar_t wide;
	int width = 0;

	for (size_t i = 0; i < length;) {
		int n = mbtowc(&wide, line + i, length - i);

		assert_true(n > 0);
		assert_true(wcwidth(wide) >= 0); /* no control character */
		width += wcwidth(wide);
		i += (size_t)n;
	}
	return width;
}

static void test_width(void **state)
{
	struct table_choice c;

	(void)state;
	scene();
	table_choice_init(&c, &view_containers);
	for (size_t view = 0; view < VIEWS; view++)
		for (int width = 20; width <= 200; width++) {
			_cleanup_buf_ struct buf out = {};

			table_choice_init(&c, views[view]);
			c.tree = width % 2;
			assert_int_equal(table_write_plain(&out, &snapshot, &c, width), 0);
			for (char *line = out.data, *end; *line; line = end + 1) {
				end = strchr(line, '\n');
				assert_true(line_width(line, (size_t)(end - line)) <= width);
			}
		}
}

/* A pair matches by either of its two names; "itself" and "~other" are shown. */
static void test_neighbours(void **state)
{
	struct neighbour_row pairs[3] = {
		{.waiter = 0, .runner = 1}, {.waiter = 0, .runner = 0}, {.waiter = 1, .runner = NEIGHBOUR_OTHERS}};
	_cleanup_buf_ struct buf out = {};
	struct table_rows rows = {};
	struct table_choice c;

	(void)state;
	scene();
	for (int i = 0; i < 3; i++) {
		pairs[i].v[NEIGHBOUR_WAIT_RATE] = 1e6 * (i + 1);
		pairs[i].v[NEIGHBOUR_WAIT] = 5e6;
	}
	snapshot.neighbours = pairs;
	snapshot.n_neighbours = 3;
	table_choice_init(&c, &view_neighbours);
	assert_int_equal(table_rows_select(&rows, &snapshot, &c), 0);
	assert_int_equal(rows.n, 3);
	assert_int_equal(rows.index[0], 2); /* the longest wait */
	assert_int_equal(count_named(&c, containers[1].name), 2);
	assert_int_equal(table_write_plain(&out, &snapshot, &c, 80), 0);
	assert_non_null(strstr(out.data, "itself"));
	assert_non_null(strstr(out.data, "~other"));
	assert_non_null(strstr(out.data, "5.0ms"));
	buf_reset(&out);
	assert_int_equal(table_write_csv(&out, &snapshot, &c, true), 0);
	assert_int_equal(strncmp(out.data, "time,waiter,runner,wait_seconds_per_second,", 43), 0);
	table_rows_free(&rows);
	snapshot.n_neighbours = 0;
}

static bool has(const struct table_column *columns, size_t n, const char *title)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(columns[i].title, title) == 0)
			return true;
	return false;
}

/* Columns do not exceed the line, and a longer line shows no fewer; those behind the numbers take the rest. */
static void assert_columns(const struct view_desc *view, int width, const struct table_column *before, size_t n_before,
			   const struct table_column *columns, size_t n)
{
	int used = -1;

	assert_true(n <= TABLE_COLUMNS_MAX);
	for (size_t i = 0; i < n; i++)
		used += 1 + columns[i].width;
	assert_true(used <= width);
	for (size_t i = 0; i < n_before; i++) {
		int column = before[i].column;

		if ((column >= 0 || !view->columns[TEXT_COLUMN(column)].behind) && !has(columns, n, before[i].title))
			fail_msg("%s: %s is lost from %d to %d", view->name, before[i].title, width - 1, width);
	}
}

/* The smallest width at which a column is shown; those at 20 are always shown. */
static void test_columns(void **state)
{
	static const struct {
		const struct view_desc *view;
		int width;
		const char *title;
	} table[] = {
		{&view_containers, 20, "NAME"},	  {&view_containers, 20, "CPU"},    {&view_containers, 40, "MEM"},
		{&view_containers, 40, "THR%"},	  {&view_containers, 60, "KIND"},   {&view_containers, 80, "LIMIT"},
		{&view_containers, 80, "WAIT"},	  {&view_processes, 20, "COMMAND"}, {&view_processes, 20, "CPU"},
		{&view_processes, 40, "PID"},	  {&view_processes, 40, "RSS"},	    {&view_processes, 60, "CONTAINER"},
		{&view_processes, 80, "USER"},	  {&view_processes, 80, "S"},	    {&view_processes, 80, "CPU-TIME"},
		{&view_neighbours, 20, "WAITER"}, {&view_neighbours, 40, "WAIT"},   {&view_neighbours, 60, "SHARE%"},
		{&view_loops, 20, "COMMAND"},	  {&view_loops, 20, "UTIL%"},	    {&view_loops, 40, "CONTAINER"},
		{&view_loops, 80, "STALLS"},
	};
	struct table_column columns[TABLE_COLUMNS_MAX], before[TABLE_COLUMNS_MAX];

	(void)state;
	for (size_t v = 0; v < VIEWS; v++) {
		size_t n_before = 0;

		for (int width = 20; width <= 400; width++) {
			size_t n = table_columns(views[v], width, columns);

			/* Pairs and loops give a longer line to their names first. */
			assert_columns(views[v], width, before, v <= view_index(&view_processes) ? n_before : 0,
				       columns, n);
			for (size_t i = 0; i < ARRAY_SIZE(table); i++)
				if (table[i].view == views[v] && width >= table[i].width &&
				    !has(columns, n, table[i].title))
					fail_msg("%s: %s is not there at %d", views[v]->name, table[i].title, width);
			memcpy(before, columns, sizeof(before));
			n_before = n;
		}
		for (int width = -1; width < 20; width++)
			assert_true(table_columns(views[v], width, columns) >= 1);
	}
}

static int number_order(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The rows at the top are those of the whole list in order, whatever their number, and none of the others is lost. */
static void test_in_order(void **state)
{
	enum { ROWS = 200 };
	static struct process_row many[ROWS];
	struct snapshot s;
	struct table_choice c;
	struct table_rows whole = {}, part = {};
	uint32_t dice = 7;

	(void)state;
	scene();
	s = snapshot;
	s.processes = many;
	s.n_processes = ROWS;
	table_choice_init(&c, &view_processes);
	for (int turn = 0; turn < 300; turn++) {
		for (uint32_t i = 0; i < ROWS; i++) {
			many[i] = processes[i % 6];
			dice = dice * 1664525 + 1013904223;
			many[i].v[PROCESS_CPU_CORES] = dice >> 24 > 200 ? VALUE_ABSENT : (dice >> 28) / 4.0;
		}
		c.reverse = turn & 1;
		c.in_order = 0;
		assert_int_equal(table_rows_select(&whole, &s, &c), 0);
		assert_int_equal(whole.in_order, ROWS);
		c.in_order = turn < 210 ? (size_t)turn + 1 : 1 + (dice >> 26);
		assert_int_equal(table_rows_select(&part, &s, &c), 0);
		assert_int_equal(part.n, ROWS);
		assert_int_equal(part.in_order, c.in_order < ROWS ? c.in_order : ROWS);
		assert_memory_equal(part.index, whole.index, part.in_order * sizeof(*part.index));
		qsort(part.index, ROWS, sizeof(*part.index), number_order);
		for (uint32_t i = 0; i < ROWS; i++)
			assert_int_equal(part.index[i], i);
	}
	table_rows_free(&whole);
	table_rows_free(&part);
}

/* All functions that are called without a check are set, and every column is valid. */
static void test_views(void **state)
{
	(void)state;
	for (size_t v = 0; v < VIEWS; v++) {
		const struct view_desc *view = views[v];
		size_t n;

		metric_table(view->scope, &n);
		assert_true(view->count && view->values && view->row_name && view->home && view->id);
		assert_true(view->csv_titles && view->csv_values && strncmp(view->csv_titles, "time,", 5) == 0);
		assert_true(!view->detail == !view->gone);
		assert_ptr_equal(view_find(view->name), view);
		assert_int_equal(view_index(view), v);
		for (size_t i = 0; i < view->n_columns; i++) {
			const struct text_column *t = &view->columns[i];

			assert_true(t->title && (t->text || t->number || t->cell));
			assert_true(!t->key || t->text || t->number || t->compare);
			assert_true(t->behind || (t->width <= t->good && t->good <= t->max));
		}
		for (size_t i = 0; i < view->n_wishes; i++)
			assert_true(view->wishes[i] < (int)n && TEXT_COLUMN(view->wishes[i]) < (int)view->n_columns);
		for (size_t i = 0; i < SORT_KEYS_MAX; i++)
			assert_true(!view->sort_keys[i].key ||
				    (view->sort_keys[i].column < (int)n &&
				     TEXT_COLUMN(view->sort_keys[i].column) < (int)view->n_columns));
	}
	assert_string_equal(view_choices(), "containers|processes|neighbours|loops|findings|threads|events");
	assert_null(view_find("container"));
}

/* Columns stay aligned whatever a name contains: wide, zero-width, combining, bidirectional, unknown characters. */
static void test_alignment(void **state)
{
	static const char *const names[] = {
		"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xae\xe5\x90\x8d\xe5\x89\x8d\xe3\x81\xa7\xe3\x81\x99\xe6"
		"\x97\xa5",
		"a\xe2\x80\x8b\xe2\x80\x8b\xe2\x80\x8b"
		"b",
		"\xcc\x81\xcc\x82\xcc\x83",
		"\xe2\x80\xaegnp.exe",
		"e\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85\xcc\x86",
		"/\xe6\x97\xa5\xcc\x81/\xe6\x97\xa5\xcc\x81/"
		"\xe6\x97\xa5\xcc\x81\xe6\x97\xa5\xcc\x81\xe6\x97\xa5\xcc\x81\xe6\x97\xa5\xcc\x81\xe6\x97\xa5",
	};
	struct table_choice c;

	(void)state;
	scene();
	table_choice_init(&c, &view_containers);
	for (int i = 0; i < 6; i++) {
		containers[i].name = processes[i].comm = names[i];
		containers[i].runtime = "MARK";
		containers[i].kind = "container";
		processes[i].state = '@';
	}
	for (size_t view = 0; view <= view_index(&view_processes); view++)
		for (int width = 80; width <= 160; width++) {
			const char *mark = views[view] == &view_containers ? "MARK" : "@";
			_cleanup_buf_ struct buf out = {};
			int column = -1, rows = 0;

			table_choice_init(&c, views[view]);
			assert_int_equal(table_write_plain(&out, &snapshot, &c, width), 0);
			for (char *line = out.data, *end, *at; *line; line = end + 1) {
				end = strchr(line, '\n');
				*end = '\0';
				at = strstr(line, mark);
				if (!at)
					continue;
				if (column < 0)
					column = line_width(line, (size_t)(at - line));
				if (line_width(line, (size_t)(at - line)) != column)
					fail_msg("at width %d the second column of '%s' is not at %d", width, line,
						 column);
				rows++;
			}
			assert_int_equal(rows, 6);
		}
}

static void test_csv(void **state)
{
	_cleanup_buf_ struct buf out = {};
	struct table_choice c;
	size_t commas = 0, lines = 0, first = 0;
	bool quoted = false;

	(void)state;
	scene();
	table_choice_init(&c, &view_containers);
	assert_int_equal(table_write_csv(&out, &snapshot, &c, true), 0);
	for (size_t i = 0; i < out.len; i++) {
		if (out.data[i] == '"')
			quoted = !quoted;
		commas += !quoted && out.data[i] == ',';
		if (quoted || out.data[i] != '\n')
			continue;
		if (!lines++)
			first = commas;
		assert_int_equal(commas, first);
		commas = 0;
	}
	assert_int_equal(lines, 7);
	assert_null(memchr(out.data, '\x1b', out.len));
}

static void test_fit(void **state)
{
	_cleanup_buf_ struct buf out = {};

	(void)state;
	text_fit(&out, "abc", 5, false);
	text_fit(&out, "abc", 5, true);
	text_fit(&out, "abcdef", 4, false);
	text_fit(&out, "\xe6\x97\xa5\xe6\x9c\xac", 3, false); /* a wide character is not cut in two */
	assert_string_equal(out.data, "abc    abcabc\xe2\x80\xa6\xe6\x97\xa5\xe2\x80\xa6");
}

/* Bars as far as there is room, else how many are how busy; what is not known is said to be so. */
static void test_gauges(void **state)
{
	struct cpu_row cpus[64];
	_cleanup_buf_ struct buf out = {};
	struct table_choice c;

	(void)state;
	scene();
	table_choice_init(&c, &view_containers);
	table_gauge(&out, &snapshot, &c, 0, 40);
	assert_string_equal(out.data, "each CPU: not known  memory[       ]   -");
	buf_reset(&out);
	table_gauge(&out, &snapshot, &c, 1, 80);
	assert_non_null(strstr(out.data, "waits: CPU -, memory -, disks - of the time  sysscope: CPU -, RSS -"));
	for (uint32_t i = 0; i < 64; i++)
		cpus[i] = (struct cpu_row){i, i == 63 ? VALUE_ABSENT : i / 63.0};
	snapshot.cpus = cpus;
	snapshot.n_cpus = 64;
	buf_reset(&out);
	table_gauge(&out, &snapshot, &c, 0, 90);
	assert_non_null(
		strstr(out.data, "CPUs: 6 busy for 90% and more, 25 for 50% and more, 32 for less, 1 not known"));
	cpus[0].busy = 0.5;
	cpus[1] = cpus[63];
	snapshot.n_cpus = 2;
	buf_reset(&out);
	table_gauge(&out, &snapshot, &c, 0, 40);
	assert_string_equal(out.data, "cpu0[||||   ] 50%  cpu63[       ]   -   ");
	snapshot.v[HOST_MEMORY_USED] = 3e9;
	snapshot.v[HOST_MEMORY_TOTAL] = 4e9;
	buf_reset(&out);
	table_gauge(&out, &snapshot, &c, 0, 60);
	assert_string_equal(out.data, "cpu0[|||   ] 50%  cpu63[      ]   -  memory[||||| ] 75%     ");
	/* A process with this pid in another namespace is another one. */
	snapshot.v[HOST_PRESSURE_CPU_SOME_RATIO] = 0.129;
	processes[3].namespace_pid = processes[4].namespace_pid = c.self_pid = 1013;
	processes[3].namespaces[0] = 1;
	processes[4].namespaces[0] = c.self_namespace = 2;
	processes[3].v[PROCESS_CPU_CORES] = 7;
	processes[4].v[PROCESS_CPU_CORES] = 0.11;
	processes[4].v[PROCESS_RSS] = 31 << 20;
	buf_reset(&out);
	table_gauge(&out, &snapshot, &c, 1, 80);
	assert_non_null(strstr(out.data, "waits: CPU 13%, memory -, disks - of the time  sysscope: CPU 0.11, RSS 31M"));
	/* Wherever it was before, behind the last row too. */
	for (uint32_t row = 0; row <= snapshot.n_processes; row++) {
		uint32_t remembered = row;

		c.self_row = &remembered;
		buf_reset(&out);
		table_gauge(&out, &snapshot, &c, 1, 80);
		assert_non_null(strstr(out.data, "sysscope: CPU 0.11, RSS 31M"));
		assert_int_equal(remembered, 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_units),	   cmocka_unit_test(test_gauges),
		cmocka_unit_test(test_order),	   cmocka_unit_test(test_order_of_texts),
		cmocka_unit_test(test_choice),	   cmocka_unit_test(test_choice_shown),
		cmocka_unit_test(test_users),	   cmocka_unit_test(test_sort_titles),
		cmocka_unit_test(test_sort_keys),  cmocka_unit_test(test_sort_beside),
		cmocka_unit_test(test_tree),	   cmocka_unit_test(test_tree_of_twins),
		cmocka_unit_test(test_width),	   cmocka_unit_test(test_columns),
		cmocka_unit_test(test_views),	   cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_neighbours), cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_csv),	   cmocka_unit_test(test_fit),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
