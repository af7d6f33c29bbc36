/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_history.c - the last two minutes of containers that the live screen keeps: a point a second at most, a ring, and what is
 * forgotten when a container goes, and when time goes back or leaps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "base/util.h"
#include "lib/snapshot_fixture.h"
#include "top/history.h"

static struct fixture f;
static struct history h;

static const struct minutes *note(double time, double cpu, size_t row)
{
	const struct snapshot *s;

	f.s.time = time;
	f.containers[row].v[CONTAINER_CPU_CORES] = cpu;
	s = history_note(&h, &f.s);
	assert_non_null(s->looked.courses);
	assert_true(s->time == time && s->n_containers == f.s.n_containers);
	return s->looked.courses[row];
}

static int begin(void **state)
{
	(void)state;
	fixture_init(&f, 2, 0, 0);
	f.containers[1].cgroup = "/docker/db";
	return 0;
}

static int end(void **state)
{
	(void)state;
	history_free(&h);
	fixture_free(&f);
	return 0;
}

static void ring(void **state)
{
	const struct minutes *c = NULL;

	(void)state;
	assert_null(history_note(&h, NULL));
	for (int i = 0; i < 131; i++)
		c = note(1000 + i, i, 0);
	assert_int_equal(c->n, MINUTES_POINTS);
	for (unsigned int i = 0; i < MINUTES_POINTS; i++) {
		unsigned int at = (c->next + i) % MINUTES_POINTS;

		assert_true(c->time[at] == 1011 + i);
		assert_true(c->v[at][MINUTES_CPU] == 11 + i);
		assert_true(isnan(c->v[at][MINUTES_DISK]));
	}
	/* More often than once a second is no further point. */
	assert_true(note(1130.5, 7, 0)->v[(c->next + MINUTES_POINTS - 1) % MINUTES_POINTS][MINUTES_CPU] == 130);
}

static void sums(void **state)
{
	const struct minutes *c;

	(void)state;
	f.containers[1].v[CONTAINER_NETWORK_RECEIVE_RATE] = 3;
	f.containers[1].v[CONTAINER_NETWORK_TRANSMIT_RATE] = 4;
	f.containers[1].v[CONTAINER_DISK_WRITE_RATE] = 5;
	c = note(1, 0.5, 1);
	assert_true(c->v[0][MINUTES_NETWORK] == 7 && c->v[0][MINUTES_DISK] == 5 && c->v[0][MINUTES_CPU] == 0.5F);
	assert_true(isnan(c->v[0][MINUTES_WAIT]));
}

static void forgets(void **state)
{
	(void)state;
	note(1000, 1, 0);
	assert_int_equal(note(1001, 1, 1)->n, 2);
	/* A container that was away for a point begins anew; the other goes on. */
	f.s.n_containers = 1;
	note(1002, 1, 0);
	f.s.n_containers = 2;
	assert_int_equal(note(1003, 1, 1)->n, 1);
	assert_int_equal(note(1004, 1, 0)->n, 5);
	/* A step back, and a leap. */
	assert_int_equal(note(900, 1, 0)->n, 1);
	assert_int_equal(note(1020, 1, 0)->n, 2);
	assert_int_equal(note(1140.5, 1, 0)->n, 1);
	/* Two rows of one path have one course. */
	f.containers[1].cgroup = f.containers[0].cgroup;
	assert_int_equal(note(1142, 1, 1)->n, 2);
}

static void bounded(void **state)
{
	static char names[2003][16];
	size_t with = 0;
	const struct snapshot *s;

	(void)state;
	fixture_free(&f);
	fixture_init(&f, ARRAY_SIZE(names), 0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(names[i], sizeof(names[i]), "/c/%zu", i);
		f.containers[i].cgroup = names[i];
	}
	s = history_note(&h, &f.s);
	for (size_t i = 0; i < s->n_containers; i++)
		with += s->looked.courses[i] != NULL;
	assert_int_equal(with, 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ring, begin, end),
		cmocka_unit_test_setup_teardown(sums, begin, end),
		cmocka_unit_test_setup_teardown(forgets, begin, end),
		cmocka_unit_test_setup_teardown(bounded, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
