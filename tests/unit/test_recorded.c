/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_recorded.c - a source that is recorded as it passes by: which snapshots are recorded, which one a scrape gets, and that a
 * disk that refuses costs samples, which are counted, and nothing else.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "exporters/events/events.h"
#include "lib/snapshot_fixture.h"
#include "record/recorded.h"
#include "record/replay.h"

#define BEGIN_TIME  1796014800.0
#define PATIENCE_MS 20000

static char top[64], folder[128];

/* What the snapshots come from: each is a second after the one before. */
struct numbers {
	struct fixture fixture;
	struct snapshot_source source;
	uint64_t taken, idles;
	bool fails, idle_takes;
};

static const struct snapshot *numbers_next(void *ctx, int *ret_error)
{
	struct numbers *n = ctx;
	struct snapshot *s = &n->fixture.s;

	if (n->fails) {
		*ret_error = -EIO;
		return NULL;
	}
	*ret_error = 0;
	s->sequence = ++n->taken;
	s->time = BEGIN_TIME + (double)n->taken;
	return s;
}

static void numbers_published(void *ctx)
{
	(void)ctx;
}

static void numbers_idle(void *ctx, const struct snapshot **latest)
{
	struct numbers *n = ctx;
	int error;

	n->idles++;
	if (n->idle_takes)
		*latest = numbers_next(n, &error);
}

static struct numbers numbers;
static struct recorded_source recorded;
static struct keeper *keeper;

static void options_set(struct store_options *o)
{
	*o = (struct store_options){.path = folder, .interval = 1, .host = "host-1", .kernel = "6.1"};
}

static int setup(void **state)
{
	(void)state;
	strcpy(top, "/tmp/sysscope-recorded.XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(folder, sizeof(folder), "%s/recording", top);
	numbers = (struct numbers){};
	fixture_init(&numbers.fixture, 3, 0, 5);
	numbers.source = (struct snapshot_source){
		.next = numbers_next, .published = numbers_published, .idle = numbers_idle, .fd = -1, .ctx = &numbers};
	return 0;
}

static int teardown(void **state)
{
	char command[160];

	(void)state;
	fixture_free(&numbers.fixture);
	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return system(command);
}

static void keeper_begin_in(const char *path)
{
	_cleanup_buf_ struct buf error = {};
	struct store_options o;

	options_set(&o);
	o.path = path;
	assert_int_equal(keeper_open(&keeper, &o, &error), 0);
	assert_int_equal(error.len, 0);
}

/* Nothing comes due by itself. */
static void recording_begin(void)
{
	keeper_begin_in(folder);
	recorded = (struct recorded_source){};
	assert_int_equal(recorded_source_open(&recorded, &numbers.source, keeper, 3600), 0);
}

static void recording_end(struct keeper_state *ret)
{
	recorded_source_close(&recorded);
	assert_true(keeper_close(keeper, 20 * 1000000000ULL, ret));
}

/* Waits for the thread: so many samples are recorded or lost. */
static void keeper_wait(uint64_t n, struct keeper_state *ret)
{
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		keeper_look(keeper, ret);
		if (ret->counts.samples + ret->counts.lost >= n)
			break;
		usleep(1000);
	}
	assert_int_equal(ret->counts.samples + ret->counts.lost, n);
}

/* Of each recorded snapshot its number, as digits. */
static void recorded_numbers(char *out)
{
	_cleanup_buf_ struct buf error = {};
	const struct snapshot_source *source;
	const struct snapshot *s;
	struct replay *r = NULL;
	int e;

	assert_int_equal(replay_open(&r, folder, &error), 0);
	source = replay_source(r);
	while ((s = source->next(source->ctx, &e)))
		*out++ = (char)('0' + (int)(s->time - BEGIN_TIME));
	*out = 0;
	assert_false(replay_damage_text(r, &error));
	replay_close(r);
}

static void assert_recorded(const char *expected)
{
	char seen[64];

	recorded_numbers(seen);
	assert_string_equal(seen, expected);
}

/* ---- which are recorded ---- */

static const struct snapshot *next(void)
{
	int error;

	return recorded.outer.next(recorded.outer.ctx, &error);
}

static bool readable(void)
{
	struct pollfd fd = {.fd = recorded.outer.fd, .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

/* It is due, as if the time had passed. */
static void due_make(void)
{
	recorded.recorded_ns -= recorded.interval_ns;
	recorded.due_ns -= recorded.interval_ns;
}

static const struct snapshot *idle(void)
{
	static const struct snapshot unchanged;
	const struct snapshot *latest = &unchanged;

	recorded.outer.idle(recorded.outer.ctx, &latest);
	return latest == &unchanged ? NULL : latest;
}

static void test_which(void **state)
{
	struct keeper_state k;

	(void)state;
	recording_begin();
	next(); /* 1: the first */
	keeper_wait(1, &k);
	next(); /* 2, 3: too soon */
	next();
	assert_null(idle());
	assert_int_equal(numbers.taken, 3);
	due_make();
	assert_ptr_equal(idle(), &numbers.fixture.s); /* 4: nobody asked */
	keeper_wait(2, &k);
	assert_null(idle());
	recorded.recorded_ns -= recorded.interval_ns / 2;
	recorded.latest_ns = 0;
	next(); /* 5: a scrape, half an interval later */
	keeper_wait(3, &k);
	assert_true(recorded.due_ns > clock_boot_ns() + recorded.interval_ns / 2);
	recorded.recorded_ns -= recorded.interval_ns;
	numbers.idle_takes = true;
	assert_non_null(idle()); /* 6: one that the source took by itself */
	keeper_wait(4, &k);
	recorded.latest_ns = 0;
	recorded_source_last(&recorded); /* 7: the end */
	recording_end(&k);
	assert_int_equal(k.counts.samples, 5);
	assert_int_equal(k.counts.lost, 0);
	assert_recorded("14567");
}

/* Whoever asks at the moment of a recorded snapshot gets that one, and not one of an interval of nothing. */
static void test_shared(void **state)
{
	const struct snapshot *taken;
	struct keeper_state k;

	(void)state;
	recording_begin();
	next();
	keeper_wait(1, &k);
	due_make();
	taken = idle();
	recorded.latest_ns = clock_boot_ns() + 1000000000; /* however slow this machine is */
	assert_ptr_equal(next(), taken);
	assert_int_equal(numbers.taken, 2);
	recorded.latest_ns = 0;
	next();
	assert_int_equal(numbers.taken, 3);
	recording_end(&k);
}

static void test_wakes(void **state)
{
	struct keeper_state k;
	uint64_t one = 1;

	(void)state;
	numbers.source.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	recording_begin();
	assert_false(readable());
	assert_int_equal(write(numbers.source.fd, &one, sizeof(one)), sizeof(one));
	assert_true(readable());
	assert_int_equal(read(numbers.source.fd, &one, sizeof(one)), sizeof(one));
	assert_false(readable());
	recording_end(&k);
	close(numbers.source.fd);
	numbers.source.fd = -1;

	keeper_begin_in(folder);
	assert_int_equal(recorded_source_open(&recorded, &numbers.source, keeper, 0.001), 0);
	for (int ms = 0; ms < PATIENCE_MS && !readable(); ms++)
		usleep(1000);
	assert_true(readable());
	assert_non_null(idle());
	recording_end(&k);
}

static void test_source_fails(void **state)
{
	struct keeper_state k;

	(void)state;
	recording_begin();
	numbers.fails = true;
	assert_null(next());
	due_make();
	idle();
	numbers.fails = false;
	due_make();
	idle();
	recording_end(&k);
	assert_int_equal(k.counts.samples, 1);
	assert_int_equal(k.counts.lost, 2);
	assert_recorded("1");
}

/* ---- a disk that refuses ---- */

static void note(uint64_t n, struct keeper_state *ret)
{
	int error;

	keeper_note(keeper, numbers_next(&numbers, &error));
	keeper_wait(n, ret);
}

static void test_not_there_yet(void **state)
{
	_cleanup_buf_ struct buf error = {};
	struct store_options o;
	struct keeper_state k;
	char below[160];

	(void)state;
	options_set(&o);
	snprintf(below, sizeof(below), "%s/below", folder);
	o.path = below;
	assert_int_equal(keeper_open(&keeper, &o, &error), 0);
	assert_non_null(strstr(error.data, "No such file or directory"));
	note(1, &k);
	assert_int_equal(k.counts.lost, 1);
	assert_int_equal(k.errors, 2);
	assert_false(k.records);
	assert_string_equal(k.refusal, "No such file or directory");
	assert_int_equal(mkdir(folder, 0700), 0);
	note(2, &k);
	note(3, &k);
	assert_true(k.records);
	assert_null(k.refusal);
	assert_int_equal(k.counts.samples, 2);
	assert_true(keeper_close(keeper, 20 * 1000000000ULL, &k));
	strcpy(folder, below);
	assert_recorded("23");
}

/* Events that wait for a sample that never comes are counted, or written at the end. */
static void test_events_at_the_end(void **state)
{
	const struct event e = {.type = EVENT_CGROUP_CREATE, .time = BEGIN_TIME, .path = "/a"};
	_cleanup_buf_ struct buf error = {};
	struct store_options o;
	struct keeper_state k;
	char below[160];

	(void)state;
	options_set(&o);
	snprintf(below, sizeof(below), "%s/below", folder);
	o.path = below;
	assert_int_equal(keeper_open(&keeper, &o, &error), 0);
	assert_int_equal(keeper_fact(keeper, &e), 0);
	assert_int_equal(keeper_fact(keeper, &e), 0);
	assert_true(keeper_close(keeper, 20 * 1000000000ULL, &k));
	assert_int_equal(k.counts.facts, 0);
	assert_int_equal(k.unwritten_events, 2);
	keeper_begin_in(folder);
	note(1, &k);
	assert_int_equal(keeper_fact(keeper, &e), 0);
	assert_true(keeper_close(keeper, 20 * 1000000000ULL, &k));
	assert_int_equal(k.counts.facts, 1);
	assert_int_equal(k.unwritten_events, 0);
}

static void test_removed(void **state)
{
	struct keeper_state k;
	char command[160];

	(void)state;
	keeper_begin_in(folder);
	note(1, &k);
	note(2, &k);
	assert_int_equal(k.counts.oldest_ns, (uint64_t)((BEGIN_TIME + 1) * 1e9));
	assert_true(k.counts.kept_bytes > 0 && k.counts.kept_bytes == k.counts.bytes);
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	assert_int_equal(system(command), 0);
	note(3, &k);
	assert_false(k.records);
	assert_int_equal(k.counts.lost, 1);
	note(4, &k);
	note(5, &k);
	assert_true(k.records);
	assert_int_equal(k.counts.samples, 4);
	assert_int_equal(k.counts.oldest_ns, (uint64_t)((BEGIN_TIME + 4) * 1e9));
	assert_true(keeper_close(keeper, 20 * 1000000000ULL, &k));
	assert_recorded("45");
}

static void test_full(void **state)
{
	struct rlimit before, limit;
	struct keeper_state k;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	keeper_begin_in(folder);
	note(1, &k);
	limit = before;
	limit.rlim_cur = k.counts.kept_bytes + 10;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	note(2, &k);
	assert_string_equal(k.refusal, "File too large");
	note(3, &k);
	assert_int_equal(k.counts.lost, 2);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	note(4, &k);
	assert_null(k.refusal);
	assert_true(keeper_close(keeper, 20 * 1000000000ULL, &k));
	assert_int_equal(k.counts.samples, 2);
	assert_recorded("14");
}

static void test_never(void **state)
{
	_cleanup_buf_ struct buf error = {}, none = {};
	struct store_options o;
	char file[160];
	FILE *f;

	(void)state;
	options_set(&o);
	assert_int_equal(mkdir(folder, 0700), 0);
	snprintf(file, sizeof(file), "%s/thesis.tex", folder);
	f = fopen(file, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(keeper_open(&keeper, &o, &error), -ENOTEMPTY);
	assert_non_null(strstr(error.data, "is no recording"));
	o.path = file;
	assert_int_equal(keeper_open(&keeper, &o, &none), -ENOTDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_which, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shared, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wakes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_source_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_there_yet, setup, teardown),
		cmocka_unit_test_setup_teardown(test_events_at_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
