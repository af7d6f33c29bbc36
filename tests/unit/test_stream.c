/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_stream.c - what the task iterator writes, pass by pass: what is told again, what only slept, who came and went. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/util.h"
#include "sample/stream.h"

/* A pass as bytes, and what it is taken into. */
static struct world {
	char bytes[16384];
	size_t n;
	struct stream stream;
	struct sample sample;
} w;

static void put(const void *data, size_t bytes)
{
	assert_true(w.n + bytes <= sizeof(w.bytes));
	memcpy(w.bytes + w.n, data, bytes);
	w.n += bytes;
}

static struct ss_thread_record sleeper(uint32_t tid)
{
	return (struct ss_thread_record){.tid = tid,
					 .tgid = tid,
					 .start_ns = 1000 + tid,
					 .comm = "sleeper",
					 .mark = ss_mark_make(5000, SS_MARK_BLOCKED),
					 .open_blocked_ns = 100,
					 .blocks = SS_BLOCK_WAITS};
}

static void put_record(const struct ss_thread_record *r, uint64_t waited)
{
	struct ss_waits waits = {.wakeup_wait_ns = waited};
	char name[SS_COMM_LEN] = "called";

	put(r, sizeof(*r));
	if (r->blocks & SS_BLOCK_NAME)
		put(name, sizeof(name));
	if (r->blocks & SS_BLOCK_WAITS)
		put(&waits, sizeof(waits));
	if (r->blocks)
		put(&r->mark, sizeof(r->mark));
}

static void put_sleeper(uint32_t tid)
{
	struct ss_thread_record r = sleeper(tid);

	put_record(&r, 7);
}

static void put_same(uint32_t tid)
{
	put(&(struct ss_thread_same){.tid = tid, .tgid = SS_THREAD_SAME, .start_ns = 1000 + tid},
	    sizeof(struct ss_thread_same));
}

/* Takes the bytes in pieces, as reads of the iterator may end anywhere. */
static int pass(uint64_t clock)
{
	size_t from = 0, to = 0;
	ssize_t taken = 0;

	stream_pass_begin(&w.stream, &w.sample);
	w.stream.clock = clock;
	while (to < w.n && taken >= 0) {
		to = to + 333 < w.n ? to + 333 : w.n;
		taken = stream_take(&w.stream, &w.sample, w.bytes + from, to - from);
		from += taken > 0 ? (size_t)taken : 0;
	}
	stream_pass_end(&w.stream);
	assert_true(taken < 0 || from == w.n);
	w.n = 0;
	return taken < 0 ? (int)taken : 0;
}

static void check_thread(size_t i, uint32_t tid, bool same)
{
	const struct sample_thread *t = &w.sample.threads[i];

	assert_true(i < w.sample.n_threads);
	assert_int_equal(t->tid, tid);
	assert_int_equal(t->told->record->tid, tid);
	assert_int_equal(t->same, same);
}

static int begin(void **state)
{
	(void)state;
	for (uint32_t tid = 1; tid <= 5; tid++)
		put_sleeper(tid);
	assert_int_equal(pass(5100), 0);
	assert_int_equal(w.sample.n_threads, 5);
	for (uint32_t tid = 1; tid <= 5; tid++)
		check_thread(tid - 1, tid, false);
	return 0;
}

static int end(void **state)
{
	(void)state;
	stream_drop(&w.stream, &w.sample);
	w.n = 0;
	return 0;
}

/* Who only slept is where it was, and has slept for longer; whoever did something has what it told; others come and go. */
static void test_passes(void **state)
{
	const struct told_thread *second = w.sample.threads[1].told;
	struct ss_thread_record changed = sleeper(3);

	(void)state;
	changed.used.exec_ns = 9;
	changed.blocks |= SS_BLOCK_NAME;
	put_same(2);
	put_record(&changed, 8);
	put_same(4);
	put_sleeper(6);
	assert_int_equal(pass(5900), 0);
	assert_int_equal(w.sample.n_threads, 4);
	check_thread(0, 2, true);
	check_thread(1, 3, false);
	check_thread(2, 4, true);
	check_thread(3, 6, false);
	assert_ptr_equal(w.sample.threads[0].told, second);
	assert_int_equal(second->record->open_blocked_ns, 900);
	assert_int_equal(second->waits->wakeup_wait_ns, 7);
	assert_null(second->name);
	assert_int_equal(w.sample.threads[1].told->record->used.exec_ns, 9);
	assert_int_equal(w.sample.threads[1].told->waits->wakeup_wait_ns, 8);
	assert_string_equal(w.sample.threads[1].told->name, "called");
	assert_null(w.sample.threads[1].told->waits_charged);
}

/* What is told in full and has not changed is the same, too; the first that differs is not, in whatever it is. */
static void test_told_again(void **state)
{
	struct ss_thread_record r = sleeper(2);

	(void)state;
	r.open_blocked_ns = 777;
	put_record(&r, 7);
	put_sleeper(3);
	r = sleeper(4);
	r.dead_threads.write_bytes = 1;
	put_record(&r, 7);
	r = sleeper(5);
	put_record(&r, 8);
	assert_int_equal(pass(5900), 0);
	check_thread(0, 2, true);
	check_thread(1, 3, true);
	check_thread(2, 4, false);
	check_thread(3, 5, false);
	assert_int_equal(w.sample.threads[0].told->record->open_blocked_ns, 777);
	assert_int_equal(w.sample.threads[2].told->record->dead_threads.write_bytes, 1);
	assert_int_equal(w.sample.threads[3].told->waits->wakeup_wait_ns, 8);
}

/* A number that another thread has now is another thread. */
static void test_number_again(void **state)
{
	struct ss_thread_record r = sleeper(2);

	(void)state;
	r.start_ns = 99;
	put_record(&r, 7);
	assert_int_equal(pass(5900), 0);
	check_thread(0, 2, false);
	assert_int_equal(w.sample.threads[0].told->record->start_ns, 99);
	/* It is not the one that is said to sleep. */
	put_same(2);
	assert_int_equal(pass(6000), -ESTALE);
}

/* Nothing is made up for a thread of which nothing is known, nor after everything was forgotten. */
static void test_unknown(void **state)
{
	(void)state;
	put_same(7);
	assert_int_equal(pass(5900), -ESTALE);
	stream_drop(&w.stream, &w.sample);
	assert_int_equal(w.sample.n_threads, 0);
	put_same(1);
	assert_int_equal(pass(5900), -ESTALE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_passes, begin, end),
		cmocka_unit_test_setup_teardown(test_told_again, begin, end),
		cmocka_unit_test_setup_teardown(test_number_again, begin, end),
		cmocka_unit_test_setup_teardown(test_unknown, begin, end),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
