/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_codec.c - the states of a recording: what is decoded is written as the same JSON and shown in the same way by every view,
 * and bytes that are cut or changed are refused or give a snapshot that every view can show.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/json/json.h"
#include "exporters/table/table.h"
#include "exporters/views/views.h"
#include "lib/recording.h"
#include "lib/snapshot_fixture.h"
#include "record/state/codec.h"
#include "record/shape/shape.h"

/* ---- all that can be seen of a snapshot ---- */

static void show(struct buf *out, const struct snapshot *s)
{
	struct table_choice c;

	assert_int_equal(json_write_snapshot(out, s, NULL), 0);
	for (size_t i = 0; i < VIEWS; i++) {
		const struct view_desc *view = views[i];

		table_choice_init(&c, view);
		assert_int_equal(table_write_plain(out, s, &c, 160), 0);
		assert_int_equal(table_write_csv(out, s, &c, true), 0);
		for (uint32_t row = 0; view->detail && row < view->count(s); row++)
			view->detail(out, s, row, 120);
	}
	assert_false(out->failed);
}

static void same(const struct snapshot *a, const struct snapshot *b)
{
	_cleanup_buf_ struct buf x = {}, y = {};

	show(&x, a);
	show(&y, b);
	for (size_t i = 0; i < x.len || i < y.len; i++)
		if (x.data[i] != y.data[i])
			fail_msg("was '%.200s', is '%.200s'", x.data + (i > 80 ? i - 80 : 0),
				 y.data + (i > 80 ? i - 80 : 0));
}

static void pass(struct encoder *e, struct decoder *d, const struct snapshot *s, bool whole)
{
	_cleanup_buf_ struct buf bytes = {};
	const struct snapshot *again;

	assert_int_equal(encode(e, s, whole, &bytes), 0);
	assert_int_equal(decode(d, bytes.data, bytes.len, &again), 0);
	same(s, again);
}

/* ---- what was recorded ---- */

static void recorded(void **state)
{
	struct encoder *e;
	struct decoder *d;
	glob_t files = {};

	(void)state;
	assert_int_equal(encoder_new(&e), 0);
	assert_int_equal(decoder_new(&d), 0);
	assert_int_equal(glob("tests/scenarios/recorded/*.json.gz", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct recording r;

		recording_read(&r, files.gl_pathv[i]);
		/* From one machine to the next nearly every row goes and comes. */
		for (size_t k = 0; k < r.n_snapshots; k++)
			pass(e, d, &r.snapshots[k].s, k == 0 && i % 8 == 0);
		recording_free(&r);
	}
	globfree(&files);
	encoder_free(e);
	decoder_free(d);
}

/* ---- rows that come, go, move and change ---- */

static uint64_t dice;

static uint32_t roll(uint32_t sides)
{
	dice = dice * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(dice >> 33) % sides;
}

struct churn {
	struct fixture f;
	struct concurrency concurrency[40];
	struct concurrency_tree trees[4];
	struct port_row ports[60];
	struct instance_row instances[20];
	struct loop_row loops[10];
	struct oom_row kills[3];
	char names[64][24];
};

static double any_value(double before)
{
	switch (roll(6)) {
	case 0:
		return VALUE_ABSENT;
	case 1:
		return roll(1000) / 7.0;
	case 2:
		return -0.0;
	case 3:
		return roll(1000000000) / 1e9 / 5.000123;
	default:
		return (value_absent(before) ? 0 : before) + roll(1000000);
	}
}

static void values_change(double *v, size_t n)
{
	for (unsigned int times = roll(6); times; times--) {
		double *one = &v[roll((uint32_t)n)];

		*one = any_value(*one);
	}
}

static void churn_processes(struct churn *c)
{
	for (uint32_t i = 0; i < c->f.s.n_processes; i++) {
		struct process_row *p = &c->f.processes[i];
		struct concurrency *one = &c->concurrency[i];

		if (roll(10) == 0)
			*p = c->f.processes[roll((uint32_t)c->f.s.n_processes)];
		if (roll(8) == 0)
			p->pid = 1 + roll(50), p->start_ns = roll(3);
		p->comm = c->names[roll(64)];
		p->container = roll((uint32_t)c->f.s.n_containers);
		p->concurrency = roll(3) ? one : NULL;
		values_change(p->v, PROCESS_METRICS);
		one->verdict = one->alone = roll(CONCURRENCY_VERDICTS);
		one->evidence.threads = 1 + roll(4);
		one->evidence.loops = roll(2);
		snprintf(one->evidence.pool_name, sizeof(one->evidence.pool_name), "%s", "pool-worker");
		one->tree = roll(2) ? &c->trees[roll(4)] : NULL;
		one->in_tree = one->tree;
	}
	for (uint32_t i = 0; i < c->f.s.n_processes; i++) {
		const struct process_row *head = &c->f.processes[roll((uint32_t)c->f.s.n_processes)];

		c->concurrency[i].head =
			c->concurrency[i].tree && head->concurrency ? &head->concurrency->evidence : NULL;
	}
	for (uint32_t i = 0; i < 4; i++)
		c->trees[i] = (struct concurrency_tree){.head = roll(50), .workers = roll(9), .each = roll(9)};
}

static void churn_containers(struct churn *c)
{
	size_t port = 0, instance = 0;

	for (uint32_t i = 0; i < c->f.s.n_containers; i++) {
		struct container_row *row = &c->f.containers[i];

		row->cgroup = c->names[roll(20)];
		row->name = c->names[roll(64)];
		row->labels = roll(2) ? "{\"a\":\"b\"}" : "";
		row->cpu_limit_of = roll(2) ? c->names[roll(64)] : NULL;
		row->oldest_process = roll((uint32_t)c->f.s.n_processes + 1);
		row->last_oom = roll(4) ? NULL : &c->kills[roll(3)];
		values_change(row->v, CONTAINER_METRICS);
		values_change(row->tcp, TCP_SUM_METRICS);
		row->ports = &c->ports[port];
		for (row->n_ports = 0; row->n_ports < roll(4) && port < ARRAY_SIZE(c->ports); row->n_ports++) {
			c->ports[port].container = i;
			c->ports[port].port = (uint16_t)roll(9);
			c->ports[port].direction = roll(2) ? "to" : "from";
			values_change(c->ports[port++].v, PORT_METRICS);
		}
		row->instances = &c->instances[instance];
		for (row->n_instances = 0; row->n_instances < roll(3) && instance < ARRAY_SIZE(c->instances);
		     row->n_instances++)
			c->instances[instance++] =
				(struct instance_row){i, c->names[roll(64)], roll(2), roll(99), VALUE_ABSENT};
	}
	c->f.s.ports = c->ports;
	c->f.s.n_ports = port;
	c->f.s.loops = c->loops;
	c->f.s.n_loops = roll(10);
	for (size_t i = 0; i < c->f.s.n_loops; i++) {
		c->loops[i] = (struct loop_row){
			.process = roll((uint32_t)c->f.s.n_processes),
			.tid = roll(60),
			.thread = "t",
			.threads = 1,
			.last_stall = {
				.time = roll(3), .seconds = .3, .cause = "oncpu", .runner = "", .runner_cgroup = ""}};
		values_change(c->loops[i].v, LOOP_METRICS);
	}
	c->f.s.oom_kills = c->kills;
	c->f.s.n_oom_kills = 3;
}

static struct churn *churn_new(void)
{
	struct churn *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	fixture_init(&c->f, 12, 5, 40);
	for (size_t i = 0; i < 64; i++)
		snprintf(c->names[i], sizeof(c->names[i]), "name-%zu", i);
	for (size_t i = 0; i < 3; i++)
		c->kills[i] = (struct oom_row){.time = 5 + (double)i,
					       .container = i ? 0 : OOM_NOWHERE,
					       .container_name = "",
					       .container_cgroup = "",
					       .pid = 7,
					       .comm = "x",
					       .thread = "x",
					       .exhausted = "machine",
					       .limit_of = "",
					       .limit_scope = "",
					       .asker = "",
					       .largest = {{3, 4096, "big", "web"}},
					       .n_largest = 1,
					       .largest_of = ""};
	for (size_t i = 0; i < ARRAY_SIZE(c->ports); i++)
		fixture_absent(c->ports[i].v, PORT_METRICS);
	return c;
}

static void churn_step(struct churn *c)
{
	c->f.s.n_processes = 1 + roll(40);
	c->f.s.n_containers = 1 + roll(12);
	c->f.s.sequence++;
	c->f.s.time += 5;
	c->f.s.interval = 5.000123;
	values_change(c->f.s.v, HOST_METRICS);
	churn_processes(c);
	churn_containers(c);
	for (uint32_t i = 0; i < c->f.s.n_groups; i++)
		c->f.groups[i].container = roll((uint32_t)c->f.s.n_containers);
}

static void churned(void **state)
{
	struct churn *c = churn_new();
	struct encoder *e;
	struct decoder *d;

	(void)state;
	dice = 1;
	assert_int_equal(encoder_new(&e), 0);
	assert_int_equal(decoder_new(&d), 0);
	for (int i = 0; i < 150; i++) {
		churn_step(c);
		pass(e, d, &c->f.s, i % 60 == 0);
	}
	encoder_free(e);
	decoder_free(d);
	fixture_free(&c->f);
	free(c);
}

/* ---- a difference without what it differs from ---- */

static void out_of_order(void **state)
{
	_cleanup_buf_ struct buf other = {};
	struct buf states[3] = {};
	struct churn *c = churn_new();
	const struct snapshot *s;
	struct encoder *e;
	struct decoder *d;

	(void)state;
	assert_int_equal(encoder_new(&e), 0);
	assert_int_equal(decoder_new(&d), 0);
	churn_step(c);
	assert_int_equal(encode(e, &c->f.s, false, &other), -ENOENT);
	for (int i = 0; i < 3; i++) {
		churn_step(c);
		assert_int_equal(encode(e, &c->f.s, i == 0, &states[i]), 0);
	}
	assert_int_equal(decode(d, states[1].data, states[1].len, &s), -EBADMSG);
	assert_int_equal(decode(d, states[0].data, states[0].len, &s), 0);
	assert_int_equal(decode(d, states[2].data, states[2].len, &s), -EBADMSG);
	assert_int_equal(decode(d, states[1].data, states[1].len, &s), -EBADMSG);
	assert_int_equal(decode(d, states[0].data, states[0].len, &s), 0);
	assert_int_equal(decode(d, states[1].data, states[1].len, &s), 0);
	for (int i = 0; i < 3; i++)
		buf_free(&states[i]);
	encoder_free(e);
	decoder_free(d);
	fixture_free(&c->f);
	free(c);
}

/* ---- damage ---- */

static void churn_shrink(struct churn *c)
{
	c->f.s.n_processes = 3;
	c->f.s.n_containers = 2;
	churn_processes(c);
	churn_containers(c);
	for (uint32_t i = 0; i < c->f.s.n_groups; i++)
		c->f.groups[i].container = 0;
}

static void look(struct buf *out, const struct snapshot *s, bool everywhere)
{
	buf_reset(out);
	if (everywhere)
		show(out, s);
	else
		assert_int_equal(json_write_snapshot(out, s, NULL), 0);
}

static void try_bytes(const uint8_t *first, size_t n_first, const uint8_t *second, size_t n_second, bool everywhere)
{
	/* Copies of their own, so that a read past the end is seen. */
	uint8_t *a = malloc(n_first + !n_first), *b = malloc(n_second + !n_second);
	_cleanup_buf_ struct buf out = {};
	const struct snapshot *s;
	struct decoder *d;

	memcpy(a, first, n_first);
	memcpy(b, second, n_second);
	assert_int_equal(decoder_new(&d), 0);
	if (decode(d, a, n_first, &s) == 0) {
		look(&out, s, everywhere);
		if (decode(d, b, n_second, &s) == 0)
			look(&out, s, everywhere);
	}
	decoder_free(d);
	free(a);
	free(b);
}

/* Bits that are flipped, each in bytes of its own: FLIPS=10000 takes a minute and more under ASan. */
static long flips(void)
{
	const char *text = getenv("FLIPS");

	return text ? strtol(text, NULL, 10) : 500;
}

static void damaged(void **state)
{
	_cleanup_buf_ struct buf first = {}, second = {};
	struct churn *c = churn_new();
	const struct snapshot *s;
	struct encoder *e;
	struct decoder *d;

	(void)state;
	dice = 2;
	c->f.s.sequence = 2;
	assert_int_equal(encoder_new(&e), 0);
	churn_step(c);
	churn_shrink(c);
	assert_int_equal(encode(e, &c->f.s, true, &first), 0);
	churn_step(c);
	churn_shrink(c);
	assert_int_equal(encode(e, &c->f.s, false, &second), 0);
	assert_int_equal(decoder_new(&d), 0);
	for (size_t n = 0; n < first.len; n++)
		assert_int_equal(decode(d, first.data, n, &s), -EBADMSG);
	for (size_t n = 0; n < second.len; n++) {
		assert_int_equal(decode(d, first.data, first.len, &s), 0);
		assert_int_equal(decode(d, second.data, n, &s), -EBADMSG);
	}
	decoder_free(d);
	for (long i = 0, n = flips(); i < n; i++) {
		struct buf *which = roll(2) ? &first : &second;
		size_t at = roll((uint32_t)which->len);
		char was = which->data[at];

		which->data[at] = (char)(was ^ (char)(1 << roll(8)));
		try_bytes((uint8_t *)first.data, first.len, (uint8_t *)second.data, second.len, i % 20 == 0);
		which->data[at] = was;
	}
	encoder_free(e);
	fixture_free(&c->f);
	free(c);
}

/* ---- the description ---- */

static void bytes_mark(char *described, size_t size, size_t offset, size_t n)
{
	assert_true(offset + n <= size);
	memset(described + offset, 1, n);
}

/* What no field describes may only be the padding before one of eight bytes, or at the end. */
static void bytes_check(const char *name, const char *described, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		size_t begin = i;

		while (i < size && !described[i])
			i++;
		if (i - begin >= sizeof(uint64_t) || (i - begin && i % sizeof(uint32_t)))
			fail_msg("%s: bytes %zu to %zu are in no field of shape.c", name, begin, i - 1);
	}
}

static void described_check(enum shape_table table)
{
	const struct shape_desc *d = &shapes[table];
	char row[sizeof(struct snapshot) + sizeof(struct container_row) + sizeof(struct process_row)] = {};
	char evidence[sizeof(struct concurrency)] = {};

	assert_true(d->size <= sizeof(row));
	assert_true(shape_cells(table) <= 8 * 512); /* the bitmap of cells_put */
	for (size_t i = 0; i < d->n_fields; i++) {
		const struct shape_field *f = &d->fields[i];
		size_t bytes = f->size ? (size_t)f->size * f->n : sizeof(void *);

		if (f->evidence)
			bytes_mark(evidence, sizeof(evidence), f->offset, bytes);
		else
			bytes_mark(row, d->size, f->offset, bytes);
		if (f->kind == FIELD_RANGE)
			bytes_mark(row, d->size, f->count, sizeof(size_t));
	}
	if (table == SHAPE_HOST) {
		for (int t = 0; t < SHAPE_TABLES; t++) {
			if (!shapes[t].n_list)
				continue;
			bytes_mark(row, d->size, shapes[t].list, sizeof(void *));
			bytes_mark(row, d->size, shapes[t].n_list, sizeof(size_t));
		}
		/* They are judged again. */
		bytes_mark(row, d->size, offsetof(struct snapshot, findings), sizeof(void *));
		/* Nobody looks at these while it is recorded; events are recorded as facts. */
		bytes_mark(row, d->size, offsetof(struct snapshot, looked), sizeof(struct looked_at));
	}
	bytes_check(d->name, row, d->size);
	if (table == SHAPE_PROCESSES)
		bytes_check("evidence", evidence, sizeof(evidence));
}

/* A field that view.h gets and nobody describes would be missing in every recording. */
static void described(void **state)
{
	(void)state;
	for (int t = 0; t < SHAPE_TABLES; t++)
		described_check(t);
}

/* Another version finds a cell by its name. */
static void names_are_unique(void **state)
{
	(void)state;
	for (int t = 0; t < SHAPE_TABLES; t++) {
		_cleanup_buf_ struct buf all = {};

		buf_char(&all, '\n');
		for (size_t i = 0; i < shapes[t].n_fields; i++)
			for (size_t k = 0; k < field_cells(&shapes[t].fields[i]); k++) {
				_cleanup_buf_ struct buf name = {};

				buf_char(&name, '\n');
				shape_cell_name(&name, &shapes[t].fields[i], k);
				buf_char(&name, '\n');
				if (strstr(all.data, name.data))
					fail_msg("%s: two cells are called%s", shapes[t].name, name.data);
				buf_str(&all, name.data + 1);
			}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(described), cmocka_unit_test(names_are_unique), cmocka_unit_test(recorded),
		cmocka_unit_test(churned),   cmocka_unit_test(out_of_order),	 cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
