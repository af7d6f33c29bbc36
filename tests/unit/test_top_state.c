/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_top_state.c - the effect of keys on the live screen, without a screen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysscope/findings.h"
#include "top/state.h"

#define ROWS 40
#define PAGE 10

static struct container_row containers[ROWS];
static struct process_row processes[ROWS];
static struct loop_row loops[ROWS];
static char names[ROWS][16];
static struct snapshot snapshot;
static struct table_rows rows;
static struct top_state top;

static void start(void)
{
	struct table_choice c;

	snapshot = (struct snapshot){.containers = containers,
				     .n_containers = ROWS,
				     .processes = processes,
				     .n_processes = ROWS,
				     .loops = loops,
				     .n_loops = ROWS};
	for (uint32_t i = 0; i < ROWS; i++) {
		snprintf(names[i], sizeof(names[i]), "c%02u", i);
		containers[i] = (struct container_row){.name = names[i],
						       .id = "",
						       .runtime = "",
						       .image = "",
						       .pod = "",
						       .namespace_ = "",
						       .labels = "",
						       .kind = "container",
						       .cgroup = names[i],
						       .parent = "",
						       .parent_cgroup = "",
						       .state = "running"};
		processes[i] =
			(struct process_row){.pid = 100 + i, .comm = names[i], .thread = names[i], .container = i};
		loops[i] = (struct loop_row){
			.process = i, .tid = 1000 + i, .thread = "", .threads = 1, .last_stall.runner = ""};
		loops[i].v[LOOP_UTILIZATION] = ROWS - i;
		containers[i].v[CONTAINER_CPU_CORES] = ROWS - i;
		processes[i].v[PROCESS_CPU_CORES] = ROWS - i;
	}
	table_choice_init(&c, &view_containers);
	top_state_init(&top, &c, 1);
}

static const struct loop_row *selected_loop(void)
{
	uint32_t i;

	return top_state_selected(&top, &snapshot, &i) ? &loops[i] : NULL;
}

static void settle(void)
{
	assert_int_equal(table_rows_select(&rows, &snapshot, &top.choice), 0);
	top_state_follow(&top, &snapshot, &rows, PAGE);
}

static void press(int key)
{
	settle();
	top_state_key(&top, key, &snapshot, &rows, PAGE);
	settle();
}

static void test_moves(void **state)
{
	(void)state;
	start();
	press(KEY_TOP_UP);
	assert_int_equal(top.selected, 0);
	press(KEY_TOP_DOWN);
	press(KEY_TOP_PAGE_DOWN);
	assert_int_equal(top.selected, 11);
	assert_int_equal(top.first, 2);
	press(KEY_TOP_END);
	assert_int_equal(top.selected, ROWS - 1);
	assert_int_equal(top.first, ROWS - PAGE);
	press(KEY_TOP_PAGE_DOWN);
	assert_int_equal(top.selected, ROWS - 1);
	press(KEY_TOP_HOME);
	assert_int_equal(top.selected, 0);
}

/* The selection follows its row when the order changes, and stays valid when the row vanishes. */
static void test_follows(void **state)
{
	(void)state;
	start();
	for (int i = 0; i < 5; i++)
		press(KEY_TOP_DOWN);
	containers[5].v[CONTAINER_CPU_CORES] = 1000;
	settle();
	assert_int_equal(top.selected, 0);
	assert_int_equal(rows.index[top.selected], 5);
	press(KEY_TOP_END);
	snapshot.n_containers = 3;
	settle();
	assert_int_equal(top.selected, 2);
}

static void test_views(void **state)
{
	(void)state;
	start();
	press(KEY_TOP_DOWN);
	press('\n');
	assert_true(top.detail);
	press(KEY_TOP_DOWN);
	press(KEY_TOP_PAGE_DOWN);
	press(KEY_TOP_UP);
	assert_int_equal(top.detail_first, PAGE);
	assert_int_equal(top.selected, 1); /* the detail moved, not the selection */
	press('\n');
	assert_true(top.detail);
	press(27);
	assert_false(top.detail);
	press('\n');
	assert_int_equal(top.detail_first, 0);
	press(27);
	press('z');
	assert_ptr_equal(top.choice.view, &view_processes);
	assert_int_equal(rows.n, 1);
	assert_string_equal(processes[rows.index[0]].comm, "c01");
	press(27);
	assert_ptr_equal(top.choice.view, &view_containers);
	assert_int_equal(rows.n, ROWS);
	/* From a process to its container, wherever that is. */
	press('2');
	for (int i = 0; i < 7; i++)
		press(KEY_TOP_DOWN);
	press('z');
	assert_ptr_equal(top.choice.view, &view_containers);
	assert_string_equal(containers[rows.index[top.selected]].name, "c07");
	press('\t');
	assert_ptr_equal(top.choice.view, &view_processes);
	assert_int_equal(rows.n, ROWS);
	press('t');
	assert_true(top.choice.tree);
	press(' ');
	assert_true(top.paused);
	press('?');
	assert_true(top.help);
	press(KEY_TOP_UP);
	press(KEY_TOP_DOWN);
	press(KEY_TOP_PAGE_DOWN);
	assert_int_equal(top.help_first, PAGE + 1);
	assert_int_equal(top.selected, 0); /* the help moved, not the selection */
	press(KEY_TOP_PAGE_UP);
	press(KEY_TOP_PAGE_UP);
	assert_int_equal(top.help_first, 0);
	press('q');
	assert_true(top.quit);
}

/* On 80 columns no line of the help is wrapped. */
static void test_help(void **state)
{
	_cleanup_buf_ struct buf text = {};

	(void)state;
	for (int i = 0; i < 4; i++) {
		top.past = i & 1;
		top.recorded = i & 2;
		top_help_text(&text, &top);
	}
	for (const char *line = text.data, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		if (end - line > 79)
			fail_msg("%zu columns: %.*s", (size_t)(end - line), (int)(end - line), line);
	}
}

/* The same key is another one in a recording, and where there is one to go to. */
static void test_past_keys(void **state)
{
	_cleanup_buf_ struct buf text = {};

	(void)state;
	start();
	press('2');
	press('T');
	assert_int_equal(top.go, GO_NOWHERE);
	assert_int_equal(top.choice.sort, PROCESS_CPU_USAGE);
	press('L');
	assert_int_equal(top.go, GO_NOWHERE);
	top.recorded = true;
	press('T');
	assert_int_equal(top.go, GO_BACK);
	top.go = GO_NOWHERE;
	top.past = true;
	press('t');
	assert_int_equal(top.go, GO_FORTH);
	assert_false(top.choice.tree);
	press('e');
	assert_true(top.choice.tree);
	press('T');
	assert_int_equal(top.go, GO_BACK);
	press('L');
	assert_int_equal(top.go, GO_NOW);
	for (const char *key = "j-15m\n"; *key; key++)
		press(*key);
	assert_int_equal(top.go, GO_TIME);
	assert_string_equal(top.time, "-15m");
	top.go = GO_NOWHERE;
	for (const char *key = "j9:20\033"; *key; key++)
		press(*key);
	press('j');
	press('\n');
	assert_int_equal(top.go, GO_NOWHERE);
	top_help_text(&text, &top);
	assert_non_null(strstr(text.data, "t T "));
	assert_null(strstr(text.data, "P M N T W"));
	assert_null(strstr(text.data, "take a sample now"));
}

static void test_loop_detail(void **state)
{
	(void)state;
	start();
	press('4');
	assert_ptr_equal(top.choice.view, &view_loops);
	press(KEY_TOP_DOWN);
	press(KEY_TOP_DOWN);
	press('\n');
	assert_true(top.detail);
	assert_ptr_equal(selected_loop(), &loops[2]);
	/* Of the chosen thread, whatever its position; another thread with the same id does not count. */
	loops[0] = loops[2];
	loops[2].tid = 1;
	assert_ptr_equal(selected_loop(), &loops[0]);
	processes[2].start_ns = 99;
	assert_null(selected_loop());
	press(27);
	assert_false(top.detail);
	assert_ptr_equal(top.choice.view, &view_loops);
	press('\t');
	assert_ptr_equal(top.choice.view, &view_findings);
	press('\t');
	assert_ptr_equal(top.choice.view, &view_threads);
	press('\t');
	assert_ptr_equal(top.choice.view, &view_events);
	press('\t');
	assert_ptr_equal(top.choice.view, &view_containers);
}

static struct finding findings[2];

/* A finding is the same one while its rule, its container and its process are. */
static void test_finding_detail(void **state)
{
	const struct findings found = {.all = findings, .n = 2};
	uint32_t row;

	(void)state;
	start();
	for (int i = 0; i < 2; i++)
		findings[i] = (struct finding){.rule = i ? "zombies" : "cpu_steal",
					       .container = i ? "c1" : "",
					       .container_cgroup = i ? "/c1" : "",
					       .culprit_container = "",
					       .culprit_cgroup = "",
					       .culprit_process = "",
					       .comm = "",
					       .headline = "so it is"};
	snapshot.findings = &found;
	press('5');
	assert_ptr_equal(top.choice.view, &view_findings);
	assert_int_equal(rows.n, 2);
	press(KEY_TOP_DOWN);
	press('\n');
	assert_true(top.detail && top_state_selected(&top, &snapshot, &row));
	assert_int_equal(row, 1);
	findings[0] = findings[1];
	findings[1].rule = "stopped";
	assert_true(top_state_selected(&top, &snapshot, &row));
	assert_int_equal(row, 0);
	findings[0].rule = "pids_limit";
	assert_false(top_state_selected(&top, &snapshot, &row));
	press(27);
	assert_false(top.detail);
	snapshot.findings = NULL;
}

static void test_filter(void **state)
{
	(void)state;
	start();
	for (const char *p = "\\c1\xc3\xa9"; *p; p++)
		press((unsigned char)*p);
	assert_int_equal(top.typing, TYPING_FILTER);
	assert_int_equal(rows.n, 0);
	press(KEY_TOP_BACKSPACE); /* the whole character */
	assert_string_equal(top.filter, "c1");
	assert_int_equal(rows.n, 10);
	press('q'); /* a letter while typing */
	assert_false(top.quit);
	press(KEY_TOP_BACKSPACE);
	press('\n');
	assert_false(top.typing);
	assert_int_equal(rows.n, 10);
	press(27);
	assert_int_equal(rows.n, ROWS);
}

static void type(const char *keys)
{
	for (; *keys; keys++)
		press((unsigned char)*keys);
}

/* To the next row, beyond the last one from the first; what nobody has moves nothing. */
static void test_search(void **state)
{
	(void)state;
	start();
	type("/3");
	assert_int_equal(top.selected, 3);
	assert_int_equal(rows.n, ROWS);
	type("0");
	assert_int_equal(top.selected, 30);
	type("x");
	assert_int_equal(top.selected, 30);
	press(27);
	press('n');
	assert_int_equal(top.selected, 30);
	type("/C2\nnnnnnnnnnn"); /* c20 to c29: ten steps lead back */
	assert_int_equal(top.selected, 20);
	for (int i = 0; i < 9; i++)
		press('n');
	assert_int_equal(top.selected, 29);
	press('n');
	assert_int_equal(top.selected, 20);
	assert_int_equal(top.typing, TYPING_NOTHING);
}

/* A character that has no room is left out as a whole, and so is what no character goes on with. */
static void test_long_text(void **state)
{
	char want[sizeof(top.filter)] = "\\";
	size_t length;

	(void)state;
	start();
	type("\\");
	for (size_t i = 0; i < sizeof(top.filter); i++)
		type("\xe2\x82\xac");
	length = strlen(top.filter);
	assert_int_equal(length, (sizeof(top.filter) - 1) / 3 * 3);
	for (size_t i = 0; i < length; i += 3)
		memcpy(want + i, "\xe2\x82\xac", 3);
	want[length] = '\0';
	assert_string_equal(top.filter, want);
	press(127);
	assert_int_equal(strlen(top.filter), length - 3);
	type("\x82x\x82\xac");
	assert_string_equal(top.filter + length - 3, "x");
}

/* What is no delay leaves it as it was. */
static void test_delay(void **state)
{
	static const struct {
		const char *typed;
		double want;
	} cases[] = {
		{"d2.5\n", 2.5},  {"d\n", 2.5},
		{"d0\n", 2.5},	  {"dnan\n", 2.5},
		{"d-3\n", 2.5},	  {"d7\033", 2.5},
		{"d3601\n", 2.5}, {"d9\b0.1\n", 0.1},
		{"d5x\n", 0.1},	  {"d00000000000000000000001\n", 0.1},
		{"dinf\n", 0.1},  {"d3600\n", 3600},
	};

	(void)state;
	start();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		type(cases[i].typed);
		if (top.delay_seconds != cases[i].want)
			fail_msg("%s: %g", cases[i].typed, top.delay_seconds);
	}
	assert_false(top.quit);
}

/* Each process is the child of the one before it, in threes. */
static int threes(const struct snapshot *s, const uint32_t *index, size_t n, uint32_t *ret_parents)
{
	(void)s;
	for (size_t i = 0; i < n; i++) {
		ret_parents[i] = ROW_NO_PARENT;
		for (size_t j = 0; index[i] % 3 && j < n; j++)
			if (index[j] == index[i] - 1)
				ret_parents[i] = (uint32_t)j;
	}
	return 0;
}

static void test_folds(void **state)
{
	struct view_desc view = view_processes;

	(void)state;
	start();
	press('2');
	press('-');
	assert_non_null(strstr(top.message, "no tree"));
	view.parents = threes;
	top.choice.view = &view;
	press('t');
	assert_string_equal(top.message, "");
	assert_int_equal(rows.depth[2], 2);
	press(KEY_TOP_DOWN);
	press('-'); /* 1, with 2 below it */
	assert_int_equal(rows.n, ROWS - 1);
	assert_int_equal(rows.below[1], 1);
	assert_int_equal(rows.index[2], 3);
	press('-'); /* nothing below it is left to fold: its parent */
	assert_int_equal(top.selected, 0);
	assert_int_equal(rows.n, ROWS - 2);
	assert_int_equal(rows.below[0], 2);
	assert_int_equal(rows.below[1], 0);
	press('-');
	assert_int_equal(rows.n, ROWS - 2);
	/* By identity: the order of rows and what else there is do not matter. */
	press('I');
	assert_int_equal(rows.n, ROWS - 2);
	press('I');
	press('t');
	assert_int_equal(rows.n, ROWS);
	press('t');
	press(KEY_TOP_HOME);
	press('+');
	assert_int_equal(rows.n, ROWS - 1);
	press('*');
	assert_int_equal(rows.n, ROWS);
	press('*');
	assert_int_equal(rows.n, (ROWS + 2) / 3);
	for (size_t i = 0; i + 1 < rows.n; i++)
		assert_int_equal(rows.below[i], 2);
	press('*');
	assert_int_equal(rows.n, ROWS);
	/* One that is not among these is folded, too. */
	top.folds[0] = 1;
	top.n_folds = 1;
	press('*');
	assert_int_equal(rows.n, (ROWS + 2) / 3);
	press('*');
	assert_int_equal(rows.n, ROWS);
	assert_int_equal(top.n_folds, 0);
}

/* Its line of the screen is the same while it moves; that it has ended is said. */
static void test_followed(void **state)
{
	size_t line;

	(void)state;
	start();
	press('2');
	for (int i = 0; i < 15; i++)
		press(KEY_TOP_DOWN);
	press('f');
	assert_true(top.follow);
	line = top.selected - top.first;
	processes[15].v[PROCESS_CPU_CORES] = 12.5;
	settle();
	assert_int_equal(processes[rows.index[top.selected]].pid, 115);
	assert_int_equal(top.selected, 27);
	assert_int_equal(top.selected - top.first, line);
	press('N');
	assert_int_equal(processes[rows.index[top.selected]].pid, 115);
	for (const char *key = "\\c2\n"; *key; key++)
		press(*key);
	assert_true(top.follow && top.follow_hidden);
	press(27);
	assert_true(top.follow && !top.follow_hidden);
	assert_int_equal(processes[rows.index[top.selected]].pid, 115);
	snapshot.n_processes = 15;
	settle();
	assert_false(top.follow);
	assert_string_equal(top.message, "c15 115 has ended");
	press('f');
	assert_true(top.follow);
	press(KEY_TOP_UP);
	assert_false(top.follow);
	press('f');
	press('f');
	assert_false(top.follow);
}

static void test_mouse(void **state)
{
	(void)state;
	start();
	settle();
	top_state_select(&top, &snapshot, &rows, 7);
	settle();
	assert_int_equal(top.selected, 7);
	top_state_select(&top, &snapshot, &rows, ROWS);
	assert_int_equal(top.selected, 7);
	top_state_click_title(&top, CONTAINER_MEMORY_USAGE);
	assert_int_equal(top.choice.sort, CONTAINER_MEMORY_USAGE);
	assert_false(top.choice.reverse);
	top_state_click_title(&top, CONTAINER_MEMORY_USAGE);
	assert_true(top.choice.reverse);
	settle();
	assert_string_equal(containers[rows.index[top.selected]].name, "c07");
}

static void test_sort(void **state)
{
	size_t n;
	const struct metric_desc *d = metric_table(SCOPE_CONTAINER, &n);

	(void)state;
	start();
	press(KEY_TOP_LEFT);
	assert_string_equal(table_sort_title(top.choice.view, top.choice.sort), "KIND");
	press(KEY_TOP_LEFT);
	assert_string_equal(table_sort_title(top.choice.view, top.choice.sort), "NAME");
	press(KEY_TOP_LEFT);
	assert_string_equal(table_sort_title(top.choice.view, top.choice.sort), "NAME");
	for (size_t i = 0; i < n + 5; i++) {
		press('>');
		assert_true(top.choice.sort < 0 || d[top.choice.sort].title);
	}
	assert_string_equal(table_sort_title(top.choice.view, top.choice.sort), "IMAGE");
	press('M');
	assert_int_equal(top.choice.sort, CONTAINER_MEMORY_USAGE);
	press('I');
	assert_true(top.choice.reverse);
	press('P');
	assert_false(top.choice.reverse);
	/* Each view keeps its own sort column. */
	press('M');
	press('2');
	assert_int_equal(top.choice.sort, PROCESS_CPU_CORES);
	press('1');
	assert_int_equal(top.choice.sort, CONTAINER_MEMORY_USAGE);
}

static void test_any_keys(void **state)
{
	unsigned int seed = 3;

	(void)state;
	start();
	for (int i = 0; i < 100000; i++) {
		int key = rand_r(&seed) % 300;

		snapshot.n_containers = snapshot.n_processes = (size_t)(rand_r(&seed) % (ROWS + 1));
		snapshot.n_loops = snapshot.n_processes;
		for (size_t p = 0; p < snapshot.n_processes; p++)
			processes[p].container = snapshot.n_containers ? (uint32_t)(p % snapshot.n_containers) : 0;
		press(key < 256 ? key : KEY_TOP_UP + key % 12);
		assert_true(rows.n == 0 || top.selected < rows.n);
		assert_true(top.first <= top.selected);
		assert_true(top.delay_seconds >= 0.1 && top.delay_seconds <= 3600);
		top.quit = false;
	}
	table_rows_free(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves),	       cmocka_unit_test(test_follows),
		cmocka_unit_test(test_views),	       cmocka_unit_test(test_loop_detail),
		cmocka_unit_test(test_finding_detail), cmocka_unit_test(test_filter),
		cmocka_unit_test(test_long_text),      cmocka_unit_test(test_sort),
		cmocka_unit_test(test_any_keys),       cmocka_unit_test(test_help),
		cmocka_unit_test(test_search),	       cmocka_unit_test(test_delay),
		cmocka_unit_test(test_past_keys),      cmocka_unit_test(test_folds),
		cmocka_unit_test(test_followed),       cmocka_unit_test(test_mouse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
