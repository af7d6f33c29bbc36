/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_stall.c - a stall of an event loop as a sentence (exporters/table/stall.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>

#include "exporters/table/stall.h"

/* In the order of wait_class_names. */
enum { POLL = 1, FUTEX = 2, FILES = 4, CHILD = 7 };

static void test_sentences(void **state)
{
	static const struct {
		struct stall s;
		const char *want;
	} rows[] = {
		{{.seconds = 0.18, .oncpu = 0.172, .runqueue = 0.008}, "blocked 180 ms: 172 ms on CPU"},
		{{.seconds = 0.18, .oncpu = 0.016, .blocked = {[FILES] = 0.164}}, "blocked 180 ms: 164 ms in file I/O"},
		{{.seconds = 0.18, .runqueue = 0.09, .oncpu = 0.085, .runner = "B"},
		 "blocked 180 ms: run queue 90 ms, CPU held by B; 85 ms on CPU"},
		{{.seconds = 0.18, .runqueue = 0.18}, "blocked 180 ms: run queue 180 ms"},
		{{.seconds = 0.5, .runqueue = 0.44, .throttled = 0.4, .oncpu = 0.05},
		 "blocked 500 ms: 400 ms held back by its own CPU limit; 50 ms on CPU"},
		{{.seconds = 12, .oncpu = 1, .blocked = {[CHILD] = 9, [FUTEX] = 2}},
		 "blocked 12.0 s: 9.0 s waiting for a child process; 2.0 s waiting for a lock"},
		{{.seconds = 0.0042, .blocked = {[POLL] = 0.004}}, "blocked 4.2 ms: 4.0 ms in poll or select"},
		{{.seconds = 0.2}, "blocked 200 ms"},
		/* A container's name is text from outside. */
		{{.seconds = 0.2, .runqueue = 0.2, .runner = "\x1b[31m"},
		 "blocked 200 ms: run queue 200 ms, CPU held by \\x1b[31m"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf out = {};
		struct stall s = rows[i].s;

		if (!s.runner)
			s.runner = "";
		stall_sentence(&out, &s);
		assert_string_equal(out.data, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sentences),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
