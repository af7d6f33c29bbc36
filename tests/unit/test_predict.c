/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_predict.c - what follows from other values takes no place in a recording: ages, sleeps, rates and parts of a sum as the
 * model reckons them. And rules that cannot be reckoned are refused, whatever a recording says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include "exporters/json/json.h"
#include "lib/snapshot_fixture.h"
#include "record/state/codec.h"
#include "record/state/decoder.h"
#include "record/shape/formulas.h"

/* ---- a machine on which nothing happens that does not follow ---- */

#define PROCESSES 40
#define PAIRS	  9

static struct {
	struct fixture f;
	struct neighbour_row pairs[PAIRS];
	struct encoder *encoder;
	struct decoder *decoder;
	struct buf bytes;
} w;

static int scene_begin(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	fixture_init(&w.f, 3, 0, PROCESSES);
	w.f.s.clock_ns = 1ULL << 50;
	w.f.s.sleeps_ns = 99 * 1024;
	w.f.s.neighbours = w.pairs;
	w.f.s.n_neighbours = PAIRS;
	for (uint32_t i = 0; i < PROCESSES; i++) {
		/* The second half has slept for longer than a real number has nanoseconds. */
		double slept = (double)((i < PROCESSES / 2 ? 1ULL << 40 : 1ULL << 56) + i * 1024ULL);

		w.f.processes[i].start_ns = 1000000007ULL * i;
		w.f.processes[i].v[PROCESS_BLOCKED_SLEEP] = slept;
		w.f.processes[i].v[PROCESS_CPU_USAGE] = 1e9 + i;
		w.f.processes[i].v[PROCESS_CPU_SYSTEM] = 1e8 + i;
		w.f.processes[i].v[PROCESS_CPU_USER] = 9e8;
		w.f.processes[i].v[PROCESS_WAKEUP_WAIT] = w.f.processes[i].v[PROCESS_PREEMPTED_WAIT] = 7;
	}
	for (uint32_t i = 0; i < PAIRS; i++) {
		w.pairs[i] = (struct neighbour_row){.waiter = i / 3, .runner = i % 3};
		fixture_absent(w.pairs[i].v, NEIGHBOUR_METRICS);
		w.pairs[i].v[NEIGHBOUR_WAIT] = 1e6;
	}
	return encoder_new(&w.encoder) || decoder_new(&w.decoder);
}

static int scene_end(void **state)
{
	(void)state;
	encoder_free(w.encoder);
	decoder_free(w.decoder);
	buf_free(&w.bytes);
	fixture_free(&w.f);
	return 0;
}

/* As agent/model/process_rows.c and pairs.c reckon it. */
static void scene_goes_on(double interval, uint64_t ran_ns)
{
	uint64_t passed_ns = (uint64_t)(interval * 1e9), slept_ns = passed_ns & ~1023ULL;
	double sum[3] = {};

	w.f.s.sequence++;
	w.f.s.interval = interval;
	w.f.s.clock_ns += passed_ns;
	w.f.s.sleeps_ns += slept_ns;
	for (uint32_t i = 0; i < PROCESSES; i++) {
		double *v = w.f.processes[i].v;
		uint64_t ran = i < 3 ? ran_ns : 0;

		v[PROCESS_AGE] = (double)(w.f.s.clock_ns - w.f.processes[i].start_ns);
		v[PROCESS_BLOCKED_SLEEP] += (double)slept_ns;
		v[PROCESS_CPU_USAGE] += (double)ran;
		v[PROCESS_CPU_SYSTEM] += (double)ran;
		v[PROCESS_WAKEUP_WAIT] += (double)ran;
		v[PROCESS_CPU_CORES] = (double)ran / interval / 1e9;
		v[PROCESS_WAIT_RATE] = (double)ran / interval;
		v[PROCESS_RUNNABLE] = v[PROCESS_CPU_CORES] + v[PROCESS_WAIT_RATE] / 1e9;
	}
	for (uint32_t i = 0; i < PAIRS; i++) {
		w.pairs[i].v[NEIGHBOUR_WAIT] += (double)(ran_ns * (i + 1));
		w.pairs[i].v[NEIGHBOUR_WAIT_RATE] = (double)(ran_ns * (i + 1)) / interval;
		sum[i / 3] += w.pairs[i].v[NEIGHBOUR_WAIT_RATE];
	}
	for (uint32_t i = 0; i < PAIRS; i++)
		w.pairs[i].v[NEIGHBOUR_SHARE] =
			sum[i / 3] > 0 ? w.pairs[i].v[NEIGHBOUR_WAIT_RATE] / sum[i / 3] : VALUE_ABSENT;
}

/* Returns the bytes of the state, which reads as it was. */
static size_t scene_pass(bool whole)
{
	_cleanup_buf_ struct buf was = {}, is = {};
	const struct snapshot *again;

	buf_reset(&w.bytes);
	assert_int_equal(encode(w.encoder, &w.f.s, whole, &w.bytes), 0);
	assert_int_equal(decode(w.decoder, w.bytes.data, w.bytes.len, &again), 0);
	assert_int_equal(json_write_snapshot(&was, &w.f.s, NULL), 0);
	assert_int_equal(json_write_snapshot(&is, again, NULL), 0);
	assert_string_equal(was.data, is.data);
	for (uint32_t i = 0; i < PROCESSES; i++)
		assert_memory_equal(again->processes[i].v, w.f.processes[i].v, sizeof(w.f.processes[i].v));
	for (uint32_t i = 0; i < PAIRS; i++)
		assert_memory_equal(again->neighbours[i].v, w.pairs[i].v, sizeof(w.pairs[i].v));
	return w.bytes.len;
}

/* The row of the host, and how many rows there are of each table. */
#define STATE_LEAST (21 + 30 + 4 * SHAPE_TABLES)

/* Time goes by: 40 processes are older and have slept for longer, and nothing of that is in the recording. */
static void time_takes_no_place(void **state)
{
	(void)state;
	scene_goes_on(5.000123457, 0);
	scene_pass(true);
	scene_goes_on(4.999123456, 0);
	scene_pass(false);
	for (int i = 0; i < 5; i++) {
		scene_goes_on(5 + i / 7.0, 0);
		assert_in_range(scene_pass(false), 1, STATE_LEAST);
	}
}

/* Of who works, two totals, and of a pair one, but no rate, sum or part: bits, and at most 5 bytes for each. */
static void rates_take_no_place(void **state)
{
	size_t process = (shape_cells(SHAPE_PROCESSES) + 7) / 8 + 3 * 5 + 1, pair = 1 + 1 + 5;

	(void)state;
	scene_goes_on(5.000123457, 3000001);
	scene_pass(true);
	scene_goes_on(5.1, 3000001);
	scene_pass(false);
	for (uint64_t i = 0; i < 5; i++) {
		scene_goes_on(5 + (double)i / 7.0, 3000001 + i * 1000);
		assert_in_range(scene_pass(false), 1, STATE_LEAST + 3 * process + PAIRS * pair);
	}
}

/* What does not follow is told, and what follows from that does again. */
static void what_does_not_follow(void **state)
{
	(void)state;
	scene_goes_on(5.000123457, 3000001);
	scene_pass(true);
	for (int i = 0; i < 40; i++) {
		double *v = w.f.processes[i].v, *pair = w.pairs[i % PAIRS].v;
		double odd[] = {VALUE_ABSENT, -0.0, 1e300, INFINITY, -1.5, 9007199254740993.0, -1e19, 3};

		scene_goes_on(i % 5 ? 5.1 : 0.25, 3000001);
		v[PROCESS_AGE] = odd[i % 8];
		v[i % PROCESS_METRICS] = odd[(i + 3) % 8];
		v[PROCESS_BLOCKED_SLEEP + i % 3] = odd[(i + 1) % 8];
		pair[NEIGHBOUR_SHARE] = odd[(i + 5) % 8];
		pair[NEIGHBOUR_WAIT_RATE] = odd[i % 8];
		w.pairs[(i + 4) % PAIRS].v[NEIGHBOUR_WAIT] = odd[(i + 2) % 8];
		w.f.s.clock_ns = i % 6 ? w.f.s.clock_ns : 5;
		w.f.s.sleeps_ns = i % 7 ? w.f.s.sleeps_ns : 0;
		w.f.s.n_neighbours = i % 9 ? PAIRS : 1;
		w.f.s.n_processes = PROCESSES;
		{
			_cleanup_buf_ struct buf bytes = {};
			const struct snapshot *again;

			assert_int_equal(encode(w.encoder, &w.f.s, i % 11 == 10, &bytes), 0);
			assert_int_equal(decode(w.decoder, bytes.data, bytes.len, &again), 0);
			for (uint32_t k = 0; k < PROCESSES; k++)
				assert_memory_equal(again->processes[k].v, w.f.processes[k].v,
						    sizeof(again->processes[k].v));
			for (uint32_t k = 0; k < w.f.s.n_neighbours; k++)
				assert_memory_equal(again->neighbours[k].v, w.pairs[k].v,
						    sizeof(again->neighbours[k].v));
		}
	}
}

/* ---- rules of a recording that is not sound ---- */

static const uint8_t types[] = {CELL_NUMBER, CELL_REAL, CELL_REAL, CELL_TEXT, CELL_INDEX, CELL_REAL, CELL_REAL};
static const struct cell_types cells = {ARRAY_SIZE(types), types};

static int add(struct cell_rules *r, enum rule_kind kind, uint32_t cell, uint32_t n, uint32_t x, uint32_t y)
{
	const struct cell_rule rule = {.kind = kind, .cell = cell, .n = n, .of = {x, y}};

	return rules_add(r, &rule, &cells, &cells);
}

#define REFUSED(...) assert_int_equal(add(&r, __VA_ARGS__), -EBADMSG)
#define TAKEN(...)   assert_int_equal(add(&r, __VA_ARGS__), 0)

static void unsound_rules(void **state)
{
	struct cell_rules r = {};

	(void)state;
	/* What is not there. */
	REFUSED(RULE_RATE, 7, 1, 0, 0);
	REFUSED(RULE_RATE, 1, 1, 7, 0);
	REFUSED(RULE_RATE, 1, 1, UINT32_MAX, 0);
	REFUSED((enum rule_kind)'x', 1, 1, 0, 0);
	/* Of another type. */
	REFUSED(RULE_RATE, 1, 1, 3, 0);
	REFUSED(RULE_RATE, 0, 1, 1, 0);
	REFUSED(RULE_EQUAL, 3, 1, 3, 0);
	REFUSED(RULE_EQUAL, 4, 1, 0, 0);
	REFUSED(RULE_PART, 1, 1, 0, 0);
	REFUSED(RULE_CLOCK, 1, 1, 1, 0);
	REFUSED(RULE_AGE, 1, 2, 1, 0);
	REFUSED(RULE_AGE, 1, 2, 7, 0);
	/* Too few, too many. */
	REFUSED(RULE_RATE, 1, 0, 0, 0);
	REFUSED(RULE_EQUAL, 1, 2, 0, 0);
	REFUSED(RULE_GROWTHS, 1, 1, 0, 0);
	REFUSED(RULE_ABOVE, 1, 1, 0, 0);
	REFUSED(RULE_RATE, 1, RULE_CELLS_MAX + 1, 0, 0);
	/* Itself; one that follows from it; twice. */
	REFUSED(RULE_GROWS, 1, 1, 1, 0);
	TAKEN(RULE_GROWS, 1, 1, 2, 0);
	REFUSED(RULE_GROWS, 2, 1, 1, 0);
	REFUSED(RULE_EQUAL, 1, 1, 0, 0);
	TAKEN(RULE_GROWS, 5, 1, 1, 0);
	/* A part is known too late. */
	TAKEN(RULE_PART, 6, 2, 5, 3);
	REFUSED(RULE_EQUAL, 0, 1, 6, 0);
	assert_int_equal(r.all.n, 3);
	rules_free(&r);
	assert_int_equal(rules_add(&r, &(struct cell_rule){.kind = RULE_CLOCK, .cell = 1, .n = 1}, &cells, NULL),
			 -EBADMSG);
	rules_free(&r);
}

/* Whatever stands in the cells, each rule gives something, and the same again. */
static void any_values(void **state)
{
	static const enum rule_kind kinds[] = {RULE_EQUAL, RULE_LEFT,  RULE_QUOTIENT, RULE_NS_MORE,    RULE_GROWS,
					       RULE_RATE,  RULE_CORES, RULE_TIME,     RULE_TIME_SHARE, RULE_GROWTHS,
					       RULE_ABOVE, RULE_AGE,   RULE_CLOCK,    RULE_PART};
	static const uint64_t odd[] = {0,
				       1,
				       UINT64_MAX,
				       1ULL << 63,
				       0x7ff0000000000000,
				       0xfff8000000000001,
				       0x43e0000000000000,
				       0xc3e0000000000000,
				       0x3ff8000000000000};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kinds) * 729; k++) {
		const struct cell_rule rule = {.kind = kinds[k / 729], .cell = 5, .n = 2, .of = {0, 1}};
		uint64_t before[7] = {}, now[7] = {}, above[7] = {};
		uint32_t times = (uint32_t)odd[k % 9];
		struct rule_time time = {wire_real(odd[k / 9 % 9]), now, before};
		struct rule_row row = {before, now, k % 2 ? above : NULL, &times};

		now[0] = odd[k % 9];
		now[1] = odd[k / 9 % 9];
		before[0] = odd[k / 81 % 9];
		before[1] = odd[(k + 4) % 9];
		before[5] = now[5] = odd[(k / 9 + 7) % 9];
		assert_int_equal(rule_expects(&rule, &cells, &time, &row), rule_expects(&rule, &cells, &time, &row));
		rule_learn(&rule, &cells, &time, &row);
		time.clocks = time.clocks_before = NULL;
		rule_expects(&rule, &cells, &time, &row);
	}
}

/* Each formula names what there is: an encoder can be made. And each table has at most so many cells that a decoder reads it. */
static void ours(void **state)
{
	struct encoder *e = NULL;

	(void)state;
	assert_int_equal(encoder_new(&e), 0);
	encoder_free(e);
}

#define scene_test(f) cmocka_unit_test_setup_teardown(f, scene_begin, scene_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scene_test(time_takes_no_place), scene_test(rates_take_no_place), scene_test(what_does_not_follow),
		cmocka_unit_test(unsound_rules), cmocka_unit_test(any_values),	  cmocka_unit_test(ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
