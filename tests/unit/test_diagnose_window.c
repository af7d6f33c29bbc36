/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The window of `diagnose`: which rows of two snapshots are the same, what they gained, and which findings explain which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "diagnose/judge.h"
#include "lib/snapshot_fixture.h"

#define PROCESSES 1009

/* Container i is "/test/I", its counter has that much; so has that of process i, which lives in it. */
static void machine_make(struct fixture *f, char (*paths)[32], size_t containers, size_t processes, double time)
{
	fixture_init(f, containers, 0, processes);
	f->s.time = time;
	for (size_t i = 0; i < containers; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/test/%zu", i);
		f->containers[i].cgroup = paths[i];
		f->containers[i].v[CONTAINER_CPU_USAGE] = time * (double)i;
	}
	for (size_t i = 0; i < processes; i++) {
		f->processes[i].pid = (uint32_t)i + 1;
		f->processes[i].start_ns = i * 1000;
		f->processes[i].container = (uint32_t)(i % containers);
		f->processes[i].v[PROCESS_CPU_USAGE] = time * (double)i;
	}
}

static void rows_in_another_order(void **state)
{
	char paths[2][8][32];
	struct fixture before, now;
	struct window w = {};
	struct process_row row;

	(void)state;
	machine_make(&before, paths[0], 8, PROCESSES, 100);
	machine_make(&now, paths[1], 8, PROCESSES, 110);
	/* The last one is the first now; one has the pid of an older one. */
	row = now.processes[PROCESSES - 1];
	memmove(now.processes + 1, now.processes, (PROCESSES - 1) * sizeof(row));
	now.processes[0] = row;
	now.processes[500].start_ns++;
	assert_int_equal(watch_begin(&w, &before.s), 0);
	fixture_free(&before);
	assert_int_equal(watch_end(&w, &now.s), 0);
	assert_true(w.seconds == 10);
	assert_true(window_process(&w, 0, PROCESS_CPU_USAGE) == 10.0 * (PROCESSES - 1));
	for (uint32_t i = 1; i < PROCESSES; i++)
		assert_true(window_process(&w, i, PROCESS_CPU_USAGE) == (i == 500 ? 110.0 : 10.0) * (i - 1));
	assert_true(window_is_new(&w, WINDOW_PROCESSES, 500) && !window_is_new(&w, WINDOW_PROCESSES, 501));
	assert_true(window_before(&w, WINDOW_CONTAINERS, 7, CONTAINER_CPU_USAGE) == 700);
	fixture_free(&now);
	window_free(&w);
}

/* Each container waits for itself, for the next one, and for several: no two of these rows are the same one. */
static void pairs(void **state)
{
	char paths[8][32];
	struct neighbour_row rows[2][24];
	struct fixture before, now;
	struct window w = {};

	(void)state;
	machine_make(&before, paths, 8, 0, 100);
	machine_make(&now, paths, 8, 0, 110);
	for (uint32_t i = 0; i < 24; i++)
		for (int which = 0; which < 2; which++) {
			uint32_t row = which ? 23 - i : i; /* in another order */

			rows[which][row] = (struct neighbour_row){.waiter = i % 8,
								  .runner = i < 8    ? i
									    : i < 16 ? (i + 1) % 8
										     : NEIGHBOUR_OTHERS};
			rows[which][row].v[NEIGHBOUR_WAIT] = i * 1000.0 + which * (i + 1.0);
		}
	before.s.neighbours = rows[0];
	now.s.neighbours = rows[1];
	before.s.n_neighbours = now.s.n_neighbours = 24;
	assert_int_equal(watch_begin(&w, &before.s), 0);
	assert_int_equal(watch_end(&w, &now.s), 0);
	for (uint32_t i = 0; i < 24; i++)
		assert_true(window_neighbour(&w, 23 - i, NEIGHBOUR_WAIT) == i + 1.0);
	fixture_free(&before);
	fixture_free(&now);
	window_free(&w);
}

/* What is kept is as large as the machine at that moment, and nothing of the window before is left in it. */
static void begun_again(void **state)
{
	char paths[8][32];
	struct fixture many, few;
	struct window w = {};

	(void)state;
	machine_make(&many, paths, 8, PROCESSES, 100);
	machine_make(&few, paths, 1, 3, 110);
	assert_int_equal(watch_begin(&w, &many.s), 0);
	assert_int_equal(watch_end(&w, &many.s), 0);
	assert_true(value_absent(window_process(&w, 1, PROCESS_CPU_USAGE))); /* nothing was watched */
	assert_int_equal(watch_begin(&w, &few.s), 0);
	assert_true(w.scopes[WINDOW_PROCESSES].values_cap < PROCESSES);
	assert_int_equal(watch_end(&w, &many.s), 0);
	assert_true(!window_is_new(&w, WINDOW_PROCESSES, 2) && window_is_new(&w, WINDOW_PROCESSES, 3));
	fixture_free(&many);
	fixture_free(&few);
	window_free(&w);
}

/* The largest values of a machine are not copied for nobody; a rule that needs one more is told so by the tests. */
static void not_kept(void **state)
{
	char paths[1][32];
	struct window_missed missed = {};
	struct fixture f;
	struct window w = {.missed = &missed};

	(void)state;
	machine_make(&f, paths, 1, 1, 100);
	assert_int_equal(watch_begin(&w, &f.s), 0);
	f.s.time = 110;
	assert_int_equal(watch_end(&w, &f.s), 0);
	window_container(&w, 0, CONTAINER_CPU_USAGE);
	assert_int_equal(missed.metric, 0);
	assert_true(value_absent(window_container(&w, 0, CONTAINER_SPEC_PERIOD)));
	assert_int_equal(missed.kind, WINDOW_CONTAINERS);
	assert_int_equal(missed.metric, CONTAINER_SPEC_PERIOD + 1);
	fixture_free(&f);
	window_free(&w);
}

/* ---- absorption ---- */

static void finding_add(struct judging *j, enum rule rule, const char *path)
{
	assert_int_equal(list_reserve(&j->found, j->found.n + 1), 0);
	j->found.at[j->found.n++] = (struct finding){.rule = rules[rule].name,
						     .container = path,
						     .container_cgroup = path,
						     .culprit_cgroup = "",
						     .headline = rules[rule].name};
}

/* A cause that has a cause itself: the first one explains both, whatever the order in which they were found. */
static void causes_of_causes(void **state)
{
	static const enum rule chain[] = {RULE_OOM_KILLED, RULE_MEMORY_THRASH, RULE_MAJOR_FAULTS};
	static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	(void)state;
	for (size_t o = 0; o < ARRAY_SIZE(orders); o++) {
		struct judging j = {};

		for (int i = 0; i < 3; i++) {
			char *path = strdup("/test/a"); /* equal, not the same */

			assert_int_equal(list_reserve(&j.texts, j.texts.n + 1), 0);
			j.texts.at[j.texts.n++] = path;
			finding_add(&j, chain[orders[o][i]], path);
		}
		finding_add(&j, RULE_MAJOR_FAULTS, "/test/b");
		findings_absorb(&j);
		assert_false(j.failed);
		assert_int_equal(j.found.n, 2);
		assert_string_equal(j.found.at[0].rule, "oom_killed");
		assert_int_equal(j.found.at[0].n_explains, 2);
		assert_string_equal(j.found.at[0].explains[0].rule, "memory_thrash");
		assert_string_equal(j.found.at[1].container, "/test/b");
		for (size_t i = 0; i < j.texts.n; i++)
			free(j.texts.at[i]);
		list_free(&j.texts);
		list_free(&j.found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_in_another_order), cmocka_unit_test(pairs),
		cmocka_unit_test(begun_again),		 cmocka_unit_test(not_kept),
		cmocka_unit_test(causes_of_causes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
