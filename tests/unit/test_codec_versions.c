/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_codec_versions.c - recordings of other versions. A state whose schema has other tables, fields and orders is read: what both
 * versions know is the same, what is not there is unknown, and what only the other knows is passed over. And the committed
 * recordings of tests/recordings/, one for each version of the format, read as they did when they were made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exporters/json/json.h"
#include "lib/snapshot_fixture.h"
#include "record/recorder.h"
#include "record/replay.h"
#include "record/state/codec.h"
#include "record/state/decoder.h"

/* ---- a state, told as another version would ---- */

struct retelling {
	const char *without;  /* "TABLE.CELL" that it does not have, or "TABLE" */
	const char *another;  /* this cell is called otherwise there */
	bool added, reversed; /* it has a table and cells more, in the other order */
	bool first;	      /* it is the first version, which has no rules */
};

static bool is_left_out(const struct retelling *r, const char *table, const char *cell)
{
	size_t n = strlen(table);

	return r->without && strncmp(r->without, table, n) == 0 &&
	       (cell ? r->without[n] == '.' && strcmp(r->without + n + 1, cell) == 0 : !r->without[n]);
}

static void word_put(struct buf *out, const char *word)
{
	wire_put(out, strlen(word));
	buf_str(out, word);
}

/* The places of what is told, in its order. */
static size_t places(size_t n, bool reversed, size_t *ret)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = reversed ? n - 1 - i : i;
	return n;
}

static size_t cells_told(const struct retelling *r, const struct told_table *t, size_t *ret)
{
	size_t all[STATE_CELLS_MAX], n = places(t->n_cells, r->reversed, all), kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!is_left_out(r, t->name, t->cells[all[i]].name))
			ret[kept++] = all[i];
	return kept;
}

/* None: each value is told. */
static void rules_told(const struct retelling *r, struct buf *out)
{
	if (!r->first)
		wire_put(out, 0);
}

static void told_schema(const struct retelling *r, const struct decoder *d, const size_t *tables, size_t n,
			struct buf *out)
{
	size_t cells[STATE_CELLS_MAX];

	wire_put(out, n + r->added);
	if (r->added) {
		word_put(out, "of_the_future");
		wire_put(out, 1);
		buf_str(out, "t");
		word_put(out, "what");
		rules_told(r, out);
	}
	for (size_t i = 0; i < n; i++) {
		const struct told_table *t = &d->tables.at[tables[i]];
		size_t told = cells_told(r, t, cells);

		word_put(out, t->name);
		wire_put(out, told + r->added);
		for (size_t k = 0; k < told; k++) {
			const struct told_cell *cell = &t->cells[cells[k]];

			buf_char(out, (char)cell->type);
			if (cell->type == CELL_INDEX || cell->type == CELL_NEXT)
				for (size_t o = 0; o < n; o++)
					if (tables[o] == cell->other)
						wire_put(out, o + r->added);
			word_put(out, r->another && strcmp(r->another, cell->name) == 0 ? "renamed" : cell->name);
		}
		if (r->added) {
			buf_str(out, "n");
			word_put(out, "of_the_future");
		}
		rules_told(r, out);
	}
}

static void told_row(const struct retelling *r, const struct decoder *d, const struct told_table *t,
		     const uint64_t *row, struct buf *out)
{
	size_t cells[STATE_CELLS_MAX], n = cells_told(r, t, cells);
	uint8_t bits[STATE_CELLS_MAX / 8 + 1];

	wire_put(out, 0);
	memset(bits, 0xff, sizeof(bits));
	buf_add(out, bits, (n + r->added + 7) / 8);
	for (size_t i = 0; i < n; i++) {
		uint64_t v = row[cells[i]];

		if (t->cells[cells[i]].type == CELL_REAL)
			wire_put_real(out, v, wire_real_bits(VALUE_ABSENT), d->interval);
		else if (t->cells[cells[i]].type == CELL_TEXT)
			wire_put(out, v);
		else
			wire_put(out, wire_zigzag(v));
	}
	if (r->added)
		wire_put(out, wire_zigzag(12345));
}

static void rows_told(const struct told_table *t, struct buf *out)
{
	wire_put(out, t->rows.n);
	wire_put(out, t->visible);
	if (t->rows.n) {
		wire_put(out, 0);
		wire_put(out, t->rows.n);
	}
}

/* The whole state that the decoder has read, as another version would have written it. */
static void retell(const struct retelling *r, const struct decoder *d, struct buf *out)
{
	size_t all[STATE_TABLES_MAX], tables[STATE_TABLES_MAX], n = 0;

	places(d->tables.n, r->reversed, all);
	for (size_t i = 0; i < d->tables.n; i++)
		if (!is_left_out(r, d->tables.at[all[i]].name, NULL))
			tables[n++] = all[i];
	buf_char(out, STATE_WHOLE);
	buf_char(out, r->first ? 1 : STATE_VERSION);
	wire_put(out, 1);
	wire_put(out, 0);
	wire_put(out, wire_real_bits(d->interval));
	told_schema(r, d, tables, n, out);
	wire_put(out, d->texts.all.n);
	for (size_t i = 0; i < d->texts.all.n; i++)
		word_put(out, d->texts.all.at[i]);
	if (r->added) {
		wire_put(out, 1);
		wire_put(out, 1);
		wire_put(out, 0);
		wire_put(out, 1);
	}
	for (size_t i = 0; i < n; i++)
		rows_told(&d->tables.at[tables[i]], out);
	if (r->added) {
		wire_put(out, 0);
		buf_add(out, "\1", 1);
		wire_put(out, 1);
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < d->tables.at[tables[i]].rows.n; k++)
			told_row(r, d, &d->tables.at[tables[i]], d->tables.at[tables[i]].rows.at[k], out);
}

static struct fixture fixture;
static struct encoder *encoder;
static struct decoder *decoder, *other;

static int versions_setup(void **state)
{
	_cleanup_buf_ struct buf bytes = {};
	const struct snapshot *s;

	(void)state;
	fixture_init(&fixture, 4, 2, 12);
	fixture.s.time = 1700000000;
	fixture.s.interval = 5;
	for (uint32_t i = 0; i < 4; i++)
		fixture.containers[i].v[CONTAINER_CPU_USAGE] = 1e9 + i;
	return encoder_new(&encoder) || decoder_new(&decoder) || decoder_new(&other) ||
	       encode(encoder, &fixture.s, true, &bytes) || decode(decoder, bytes.data, bytes.len, &s);
}

static int versions_teardown(void **state)
{
	(void)state;
	encoder_free(encoder);
	decoder_free(decoder);
	decoder_free(other);
	fixture_free(&fixture);
	return 0;
}

static const struct snapshot *told(const struct retelling *r, int expect)
{
	_cleanup_buf_ struct buf bytes = {};
	const struct snapshot *s = NULL;

	retell(r, decoder, &bytes);
	assert_int_equal(decode(other, bytes.data, bytes.len, &s), expect);
	return s;
}

static void same_json(const struct snapshot *a, const struct snapshot *b)
{
	_cleanup_buf_ struct buf x = {}, y = {};

	assert_int_equal(json_write_snapshot(&x, a, NULL), 0);
	assert_int_equal(json_write_snapshot(&y, b, NULL), 0);
	assert_string_equal(x.data, y.data);
}

static void in_another_order(void **state)
{
	(void)state;
	same_json(told(&(struct retelling){}, 0), &fixture.s);
	same_json(told(&(struct retelling){.reversed = true}, 0), &fixture.s);
	same_json(told(&(struct retelling){.first = true}, 0), &fixture.s);
	same_json(told(&(struct retelling){.first = true, .reversed = true}, 0), &fixture.s);
}

static void with_more(void **state)
{
	(void)state;
	same_json(told(&(struct retelling){.added = true}, 0), &fixture.s);
	same_json(told(&(struct retelling){.added = true, .reversed = true}, 0), &fixture.s);
}

static void without_a_value(void **state)
{
	const struct snapshot *s;

	(void)state;
	s = told(&(struct retelling){.without = "containers.v.cpu_seconds_total"}, 0);
	for (size_t i = 0; i < s->n_containers; i++)
		assert_true(value_absent(s->containers[i].v[CONTAINER_CPU_USAGE]));
	s = told(&(struct retelling){.another = "v.cpu_seconds_total", .reversed = true}, 0);
	for (size_t i = 0; i < s->n_containers; i++)
		assert_true(value_absent(s->containers[i].v[CONTAINER_CPU_USAGE]));
	s = told(&(struct retelling){.without = "host.began"}, 0);
	assert_true(value_absent(s->began));
	s = told(&(struct retelling){.without = "containers.image"}, 0);
	assert_string_equal(s->containers[0].image, "");
	s = told(&(struct retelling){.without = "host.machine"}, 0);
	assert_null(s->machine);
}

/* A row that nobody knows to whom it belongs belongs to nobody, and not to the first one. */
static void without_an_index(void **state)
{
	const struct snapshot *s;

	(void)state;
	s = told(&(struct retelling){.without = "neighbours.runner"}, 0);
	assert_int_equal(s->n_neighbours, fixture.s.n_neighbours);
	for (size_t i = 0; i < s->n_neighbours; i++)
		assert_int_equal(s->neighbours[i].runner, UINT32_MAX);
	assert_true(fixture.s.n_groups > 0);
	s = told(&(struct retelling){.without = "groups.container"}, 0);
	assert_int_equal(s->n_groups, 0);
	assert_int_equal(s->n_containers, fixture.s.n_containers);
	s = told(&(struct retelling){.without = "processes.pid"}, 0);
	assert_int_equal(s->n_processes, 0);
}

static void without_a_table(void **state)
{
	const struct snapshot *s = told(&(struct retelling){.without = "groups"}, 0);

	(void)state;
	assert_int_equal(s->n_groups, 0);
	assert_int_equal(s->n_processes, fixture.s.n_processes);
}

/* ---- committed recordings ---- */

/* Whether `now` has all that `then` has; more of it is unknown, or empty. */
static bool json_holds(const json_t *now, const json_t *then, struct buf *where)
{
	const char *key;
	json_t *one;
	size_t i;

	if (json_typeof(now) != json_typeof(then))
		return false;
	if (json_is_array(then)) {
		if (json_array_size(now) != json_array_size(then))
			return false;
		json_array_foreach (then, i, one)
			if (!json_holds(json_array_get(now, i), one, where))
				return false;
		return true;
	}
	if (!json_is_object(then))
		return json_equal(now, then);
	json_object_foreach ((json_t *)(uintptr_t)then, key, one)
		if (!json_object_get(now, key) || !json_holds(json_object_get(now, key), one, where)) {
			buf_printf(where, " in %s", key);
			return false;
		}
	json_object_foreach ((json_t *)(uintptr_t)now, key, one)
		if (!json_object_get(then, key) && !json_is_null(one) && (json_is_number(one) || json_is_true(one))) {
			buf_printf(where, " it did not know %s", key);
			return false;
		}
	return true;
}

static void values_make(double *v, size_t n, double first)
{
	for (size_t i = 0; i < n; i++)
		v[i] = i % 11 == 10 ? VALUE_ABSENT : first + (double)i * 1000;
}

/* What follows from other values, as the model reckons it. */
static void values_follow(struct fixture *f, struct neighbour_row *pairs, int i)
{
	double interval = f->s.interval;

	f->s.clock_ns = 1000000000000ULL + 5000000000ULL * (uint64_t)i;
	f->s.sleeps_ns = 1024 * (900000000ULL + 4882812ULL * (uint64_t)i);
	for (uint32_t k = 0; k < f->s.n_processes; k++) {
		double *v = f->processes[k].v;

		f->processes[k].start_ns = 1000000007ULL * k;
		v[PROCESS_AGE] = (double)(f->s.clock_ns - f->processes[k].start_ns);
		v[PROCESS_CPU_USAGE] = 1e9 + 123456789.0 * i * (k + 1);
		v[PROCESS_CPU_CORES] = i % 2 ? 123456789.0 * (k + 1) / interval / 1e9 : VALUE_ABSENT;
		v[PROCESS_BLOCKED_SLEEP] = (double)(f->s.sleeps_ns * (1 + k % 2));
	}
	for (uint32_t k = 0; k < 2; k++) {
		pairs[k] = (struct neighbour_row){.waiter = 0, .runner = k};
		pairs[k].v[NEIGHBOUR_WAITS] = i;
		pairs[k].v[NEIGHBOUR_WAIT] = 1e6 + 7000001.0 * i * (k + 1);
		pairs[k].v[NEIGHBOUR_WAIT_RATE] = i % 2 ? 7000001.0 * (k + 1) / interval : VALUE_ABSENT;
	}
	for (uint32_t k = 0; k < 2; k++)
		pairs[k].v[NEIGHBOUR_SHARE] =
			i % 2 ? pairs[k].v[NEIGHBOUR_WAIT_RATE] /
					(pairs[0].v[NEIGHBOUR_WAIT_RATE] + pairs[1].v[NEIGHBOUR_WAIT_RATE])
			      : VALUE_ABSENT;
	f->s.neighbours = pairs;
	f->s.n_neighbours = 2;
}

/* Four samples of a machine that there never was: two runs, a container that comes, a process that ends. */
static void recording_make(const char *folder)
{
	struct store_options o = {.path = folder, .interval = 5, .host = "example", .kernel = "6.1.0"};
	_cleanup_buf_ struct buf error = {};
	struct neighbour_row pairs[2];
	struct recorder *r = NULL;
	struct fixture f;

	for (int i = 0; i < 4; i++) {
		if (i % 2 == 0)
			assert_int_equal(recorder_open(&r, &o, &error), 0);
		fixture_init(&f, i ? 3 : 2, 1, i == 1 ? 3 : 4);
		f.s.sequence = 1 + (uint64_t)i % 2;
		f.s.began = 1796014800 + 10.0 * (i / 2);
		f.s.time = 1796014800 + 5.0 * i;
		f.s.interval = i % 2 ? 5 : 0;
		for (uint32_t k = 0; k < f.s.n_containers; k++)
			values_make(f.containers[k].v, CONTAINER_METRICS, 1e6 * (i + 1) + k);
		for (uint32_t k = 0; k < f.s.n_processes; k++)
			values_make(f.processes[k].v, PROCESS_METRICS, 1e9 * (i + 1) + k / 8.0);
		values_make(f.s.v, HOST_METRICS, i + 0.5);
		values_follow(&f, pairs, i);
		assert_int_equal(recorder_note(r, &f.s), 0);
		fixture_free(&f);
		if (i % 2)
			recorder_close(r);
	}
}

/* What is not known needs no place. */
static void nulls_drop(json_t *o)
{
	const char *key;
	json_t *one;
	void *next;
	size_t i;

	if (json_is_array(o))
		json_array_foreach (o, i, one)
			nulls_drop(one);
	if (!json_is_object(o))
		return;
	json_object_foreach_safe(o, next, key, one)
	{
		if (json_is_null(one))
			json_object_del(o, key);
		else
			nulls_drop(one);
	}
}

static void golden_write(const char *path, struct replay *r)
{
	const struct snapshot_source *source = replay_source(r);
	FILE *out = fopen(path, "w");
	const struct snapshot *s;
	int error;

	assert_non_null(out);
	while ((s = source->next(source->ctx, &error))) {
		_cleanup_buf_ struct buf line = {};

		json_t *o;

		assert_int_equal(json_write_snapshot(&line, s, NULL), 0);
		o = json_loads(line.data, 0, NULL);
		nulls_drop(o);
		json_dumpf(o, out, JSON_INDENT(1));
		fputc('\n', out);
		json_decref(o);
	}
	fclose(out);
}

static void committed_read(const char *folder)
{
	_cleanup_buf_ struct buf error = {}, path = {}, damage = {};
	const struct snapshot_source *source;
	const struct snapshot *s;
	struct replay *r = NULL;
	FILE *in;

	buf_printf(&path, "%s.json", folder);
	assert_int_equal(replay_open(&r, folder, &error), 0);
	if (access(path.data, F_OK) < 0)
		golden_write(path.data, r);
	assert_int_equal(replay_seek(r, 0), 0);
	in = fopen(path.data, "r");
	assert_non_null(in);
	source = replay_source(r);
	for (json_t *then; (then = json_loadf(in, JSON_DISABLE_EOF_CHECK, NULL)); json_decref(then)) {
		_cleanup_buf_ struct buf line = {}, where = {};
		json_t *now;
		int failed;

		s = source->next(source->ctx, &failed);
		assert_non_null(s);
		assert_int_equal(json_write_snapshot(&line, s, NULL), 0);
		now = json_loads(line.data, 0, NULL);
		if (!json_holds(now, then, &where))
			fail_msg("%s does not read as it did:%s", folder, where.data ?: "");
		json_decref(now);
	}
	assert_null(source->next(source->ctx, &(int){0}));
	assert_false(replay_damage_text(r, &damage));
	fclose(in);
	replay_close(r);
}

/* MAKE_RECORDING=tests/recordings/version-N makes that of a new version. */
static void committed(void **state)
{
	const char *make = getenv("MAKE_RECORDING");
	glob_t folders = {};

	(void)state;
	if (make)
		recording_make(make);
	assert_int_equal(glob("tests/recordings/version-*[0-9]", 0, NULL, &folders), 0);
	assert_int_equal(folders.gl_pathc, STATE_VERSION);
	for (size_t i = 0; i < folders.gl_pathc; i++)
		committed_read(folders.gl_pathv[i]);
	globfree(&folders);
}

#define versions_test(f) cmocka_unit_test_setup_teardown(f, versions_setup, versions_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		versions_test(in_another_order), versions_test(with_more),	 versions_test(without_a_value),
		versions_test(without_an_index), versions_test(without_a_table), cmocka_unit_test(committed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
