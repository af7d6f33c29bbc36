/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_past.c - moments of a recording on the live screen: whichever way one gets to a sample, it is the same one, and what is said
 * of its place is true.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <dirent.h>

#include "lib/snapshot_fixture.h"
#include "record/format.h"
#include "record/recorder.h"
#include "record/replay.h"
#include "sysscope/findings.h"
#include "top/past/past.h"
#include "top/state.h"
#include "top/travel.h"

#define SECOND	 1000000000ULL
#define BEGIN	 1796014800ULL /* 2026-11-30 05:00:00 UTC */
#define INTERVAL 5
#define FIRST	 100 /* samples before the gap: more than a frame */
#define SECOND_N 70  /* and behind it */
#define GAP	 1000
#define SAMPLES	 (FIRST + SECOND_N)

static char folder[64];

static uint64_t time_of(int sample)
{
	return BEGIN + (uint64_t)sample * INTERVAL + (sample >= FIRST ? GAP : 0);
}

static void samples_record(int from, int to)
{
	struct store_options o = {.path = folder,
				  .interval = INTERVAL,
				  .keep_bytes = 1 << 24,
				  .keep_seconds = 1e6,
				  .host = "h",
				  .kernel = "k"};
	_cleanup_buf_ struct buf error = {};
	struct recorder *r = NULL;
	struct fixture f;

	assert_int_equal(recorder_open(&r, &o, &error), 0);
	fixture_init(&f, 1, 0, 1);
	for (int i = from; i < to; i++) {
		f.s.time = (double)time_of(i);
		f.s.interval = i == from ? 0 : INTERVAL;
		f.s.sequence = (uint64_t)(i - from) + 1;
		f.processes[0].pid = (uint32_t)i + 1;
		assert_int_equal(recorder_note(r, &f.s), 0);
	}
	fixture_free(&f);
	recorder_close(r);
}

static int recording_make(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/sysscope-past.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	samples_record(0, FIRST);
	samples_record(FIRST, SAMPLES);
	return 0;
}

static int recording_remove(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static struct past *past_begin(void)
{
	_cleanup_buf_ struct buf error = {};
	struct past *p = NULL;

	assert_int_equal(past_new(&p, folder), 0);
	assert_true(past_there(p));
	assert_int_equal(past_open(p, &error), 0);
	return p;
}

/* The number of the sample, which is checked in two ways; -1: none. */
static int sample_next(struct past *p)
{
	const struct snapshot_source *source = past_source(p);
	struct past_place place;
	int error = 1;
	const struct snapshot *s = source->next(source->ctx, &error);

	assert_int_equal(error, 0);
	assert_true(past_shown(p));
	if (!s)
		return -1;
	past_place(p, &place);
	assert_int_equal(place.time_ns / SECOND, time_of((int)s->processes[0].pid - 1));
	assert_int_equal(place.first_ns / SECOND, time_of(0));
	assert_int_equal(place.last_ns / SECOND, time_of(SAMPLES - 1));
	assert_int_equal(place.before_ns / SECOND, s->processes[0].pid > 1 ? time_of((int)s->processes[0].pid - 2) : 0);
	assert_int_equal(past_gap(&place), s->processes[0].pid - 1 == FIRST);
	return (int)s->processes[0].pid - 1;
}

static void test_forth_and_back(void **state)
{
	struct past *p = past_begin();

	(void)state;
	for (int i = 0; i < SAMPLES; i++)
		assert_int_equal(sample_next(p), i);
	assert_int_equal(sample_next(p), -1);
	for (int i = SAMPLES - 2; i >= 0; i--) {
		assert_int_equal(past_go_back(p), 0);
		assert_int_equal(sample_next(p), i);
	}
	assert_int_equal(past_go_back(p), -ENOENT);
	assert_int_equal(sample_next(p), 0);
	assert_int_equal(past_go_last(p), 0);
	assert_int_equal(sample_next(p), SAMPLES - 1);
	past_free(p);
}

static void test_times(void **state)
{
	static const struct {
		uint64_t at;
		int want;
	} cases[] = {
		{0, 0},
		{BEGIN, 0},
		{BEGIN + 1, 1},
		{BEGIN + 61 * INTERVAL, 61},
		{BEGIN + (FIRST - 1) * INTERVAL, FIRST - 1},
		{BEGIN + FIRST * INTERVAL, FIRST},
		{BEGIN + FIRST * INTERVAL + GAP / 2, FIRST},
		{BEGIN + (SAMPLES - 1) * INTERVAL + GAP, SAMPLES - 1},
		{BEGIN + 86400, SAMPLES - 1},
	};
	struct past *p = past_begin();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(past_go(p, cases[i].at * SECOND), 0);
		assert_int_equal(sample_next(p), cases[i].want);
		assert_int_equal(past_go_again(p), 0);
		assert_int_equal(sample_next(p), cases[i].want);
		if (cases[i].want + 1 < SAMPLES)
			assert_int_equal(sample_next(p), cases[i].want + 1);
	}
	past_free(p);
}

/* Wherever one comes from, the rules have seen the seconds before, and no more when time goes on. */
static void test_findings(void **state)
{
	static const int at[] = {0, 1, 30, 59, 60, 61, 75, FIRST - 1, FIRST, FIRST + 9, SAMPLES - 1};
	struct past *p = past_begin();
	const struct snapshot_source *source = past_source(p);
	int error;

	(void)state;
	source->judge(source->ctx, true);
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		const struct snapshot *s;

		assert_int_equal(past_go(p, time_of(at[i]) * SECOND), 0);
		s = source->next(source->ctx, &error);
		assert_non_null(s);
		assert_int_equal(s->processes[0].pid, at[i] + 1);
		assert_non_null(s->findings);
		if (at[i] > 0)
			assert_true(s->findings->watched_seconds >= INTERVAL);
		if (at[i] >= 4 && (at[i] < FIRST || at[i] >= FIRST + 4))
			assert_in_range((int)s->findings->watched_seconds, 10, 20);
	}
	source->judge(source->ctx, false);
	assert_int_equal(past_go_back(p), 0);
	assert_null(source->next(source->ctx, &error)->findings);
	past_free(p);
}

/* What is printed one after the other has no header: where samples are missing is said once, for what was printed. */
static void test_holes(void **state)
{
	static const struct {
		int from, n;
		bool said;
	} rows[] = {
		{0, SAMPLES, true}, {0, FIRST, false}, {FIRST - 1, 2, true}, {FIRST, 1, true}, {FIRST + 1, 10, false}};
	_cleanup_buf_ struct buf error = {};

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf said = {};
		struct replay *r = NULL;
		int failed;

		assert_int_equal(replay_open(&r, folder, &error), 0);
		assert_int_equal(replay_seek(r, time_of(rows[i].from) * SECOND), 0);
		for (int k = 0; k < rows[i].n; k++)
			assert_non_null(replay_source(r)->next(replay_source(r)->ctx, &failed));
		assert_int_equal(replay_holes_text(r, &said), rows[i].said);
		if (rows[i].said)
			assert_string_equal(said.data,
					    "there are no samples from 2026-11-30 05:08:15 to 2026-11-30 05:25:00");
		replay_close(r);
	}
}

struct noted {
	int n, first, last;
};

static void sample_noted(void *ctx, const struct snapshot *s)
{
	struct noted *n = ctx;
	int sample = (int)s->processes[0].pid - 1;

	if (!n->n)
		n->first = sample;
	else
		assert_int_equal(sample, n->last + 1);
	n->last = sample;
	n->n++;
}

/* Who shows a course gets the two minutes before a moment, and no more; across a hole what there is. */
static void test_course(void **state)
{
	static const struct {
		int at, first;
	} rows[] = {
		{90, 66}, {61, 37}, {3, 0}, {FIRST - 1, FIRST - 25}, {FIRST + 3, FIRST}, {SAMPLES - 1, SAMPLES - 25}};
	struct past *p = past_begin();
	const struct snapshot_source *source = past_source(p);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct noted noted = {};

		past_note(p, sample_noted, &noted);
		source->judge(source->ctx, false);
		assert_int_equal(past_go(p, time_of(rows[i].at) * SECOND), 0);
		assert_int_equal(sample_next(p), rows[i].at);
		assert_int_equal(noted.n, 0);
		source->judge(source->ctx, true);
		assert_int_equal(past_go_again(p), 0);
		assert_int_equal(sample_next(p), rows[i].at);
		assert_int_equal(noted.first, rows[i].first);
		assert_int_equal(noted.last, rows[i].at - 1);
		if (rows[i].at + 1 < SAMPLES)
			assert_int_equal(sample_next(p), rows[i].at + 1);
		assert_int_equal(noted.last, rows[i].at - 1);
	}
	past_free(p);
}

/* The first or all segments are removed while somebody looks at it: the oldest go by themselves when there is no more room. */
static void segments_remove(bool all)
{
	DIR *d = opendir(folder);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)))
		if (all ? e->d_name[0] != '.' || e->d_name[1] > '.' : strncmp(e->d_name, "00000001-", 9) == 0)
			assert_int_equal(unlinkat(dirfd(d), e->d_name, 0), 0);
	closedir(d);
	if (all)
		assert_int_equal(rmdir(folder), 0);
}

static void test_removed(void **state)
{
	_cleanup_buf_ struct buf said = {}, error = {};
	struct past *p = past_begin();

	(void)state;
	assert_int_equal(past_go_last(p), 0);
	assert_int_equal(sample_next(p), SAMPLES - 1);
	assert_false(past_damage_text(p, &said));
	segments_remove(false);
	assert_int_equal(past_go(p, time_of(70) * SECOND), 0);
	assert_int_equal(sample_next(p), FIRST);
	assert_true(past_damage_text(p, &said));
	assert_string_equal(said.data, "40 samples were removed while the recording was read, as it keeps no more");
	buf_reset(&said);
	segments_remove(true);
	assert_int_equal(past_open(p, &error), 0);
	assert_true(past_damage_text(p, &said));
	assert_string_equal(said.data, "the recording was removed while it was read");
	past_free(p);
}

static void line_expect(struct past *p, uint64_t at, const char *part)
{
	_cleanup_buf_ struct buf out = {};
	struct past_place place;

	assert_int_equal(past_go(p, at * SECOND), 0);
	assert_true(sample_next(p) >= 0);
	past_place(p, &place);
	past_line(&out, &place, 80);
	assert_non_null(out.data);
	if (strncmp(out.data, "REPLAY 2026-11-30 05:", 21) != 0 || !strstr(out.data, part) || out.len > 80)
		fail_msg("'%s' has no '%s'", out.data, part);
}

static void test_line(void **state)
{
	struct past *p = past_begin();

	(void)state;
	line_expect(p, BEGIN, "05:00:00  [>                           ]  05:00:00 to 05:30:45");
	line_expect(p, BEGIN + 250, "05:04:10  [====>");
	line_expect(p, BEGIN + 252, "05:04:15  [====>"); /* between two samples */
	line_expect(p, BEGIN + 900, "05:25:00  asked for 05:15:00: no sample since 05:08:15");
	line_expect(p, BEGIN + FIRST * INTERVAL + GAP, "05:25:00  no sample before this one since 05:08:15");
	line_expect(p, BEGIN - 3600, "05:00:00  asked for 04:00:00: recording begins here");
	line_expect(p, BEGIN - 86400, "05:00:00  asked for 2026-11-29 05:00:00: recording begins here");
	line_expect(p, BEGIN + 7200, "05:30:45  asked for 07:00:00: recording ends here");
	past_free(p);
}

/* What keys ask for. */
static void test_travel(void **state)
{
	struct top_state t = {.live = true, .recorded = true};
	struct past *p = past_begin();

	(void)state;
	t.go = GO_BACK;
	assert_true(travel(&t, p));
	assert_true(t.past && t.paused);
	assert_int_equal(sample_next(p), SAMPLES - 1);
	t.go = GO_BACK;
	assert_true(travel(&t, p));
	assert_int_equal(sample_next(p), SAMPLES - 2);
	t.paused = false; /* plays on from where it gets to */
	strcpy(t.time, "2026-11-30 05:00:10");
	t.go = GO_TIME;
	assert_true(travel(&t, p));
	assert_false(t.paused);
	assert_int_equal(sample_next(p), 2);
	for (int i = 2; i-- > 0;) {
		t.go = GO_BACK;
		assert_true(travel(&t, p));
		assert_int_equal(sample_next(p), i);
	}
	/* What was shown was read anew on the way: it is taken again. */
	t.go = GO_BACK;
	assert_true(travel(&t, p));
	assert_non_null(strstr(t.message, "the first sample"));
	assert_int_equal(sample_next(p), 0);
	strcpy(t.time, "soon");
	t.go = GO_TIME;
	assert_false(travel(&t, p));
	assert_non_null(strstr(t.message, "no time"));
	t.go = GO_NOW;
	assert_true(travel(&t, p));
	assert_false(t.past || t.paused);
	/* Without a present the end of the recording is as near to it as possible, and times count from there. */
	t.live = false;
	t.past = true;
	t.go = GO_NOW;
	assert_true(travel(&t, p) && t.past);
	assert_int_equal(sample_next(p), SAMPLES - 1);
	strcpy(t.time, "-10s");
	t.go = GO_TIME;
	assert_true(travel(&t, p));
	assert_int_equal(sample_next(p), SAMPLES - 3);
	past_free(p);
}

static void test_nothing_there(void **state)
{
	struct top_state t = {.live = true};
	struct past *p = NULL;

	(void)state;
	assert_int_equal(past_new(&p, "/nonexistent/recording"), 0);
	assert_false(past_there(p));
	strcpy(t.time, "-10s");
	t.go = GO_TIME;
	assert_false(travel(&t, p));
	assert_false(t.past);
	assert_non_null(strstr(t.message, "no recording: '/nonexistent/recording'"));
	past_free(p);
}

/* Flips a bit of the 31st state of the first segment. */
static void segment_damage(void)
{
	static char bytes[1 << 20];
	char path[400];
	struct dirent *d;
	DIR *all = opendir(folder);
	FILE *file = NULL;
	size_t size, at = 0;
	int blocks = 0;

	while ((d = readdir(all)))
		if (strncmp(d->d_name, "00000001-", 9) == 0) {
			snprintf(path, sizeof(path), "%s/%s", folder, d->d_name);
			file = fopen(path, "r+");
		}
	closedir(all);
	assert_non_null(file);
	size = fread(bytes, 1, sizeof(bytes), file);
	while (at < size && (memcmp(bytes + at, block_magic, BLOCK_MAGIC_BYTES) != 0 || ++blocks < 31))
		at++;
	assert_true(at + BLOCK_HEADER_BYTES < size);
	fseek(file, (long)at + BLOCK_HEADER_BYTES, SEEK_SET);
	fputc(bytes[at + BLOCK_HEADER_BYTES] ^ 4, file);
	fclose(file);
}

/* What is behind a damaged state in its frame is missing, which is said; the way back leads around it. */
static void test_damage(void **state)
{
	_cleanup_buf_ struct buf said = {};
	struct past *p;
	int last = FIRST, error;

	(void)state;
	segment_damage();
	p = past_begin();
	assert_int_equal(past_go(p, time_of(FIRST - 1) * SECOND), 0);
	for (int i = FIRST - 2; i >= 0; i--) {
		const struct snapshot_source *source = past_source(p);
		const struct snapshot *s;

		if (i >= 30 && i < 60)
			continue;
		assert_int_equal(past_go_back(p), 0);
		s = source->next(source->ctx, &error);
		assert_non_null(s);
		last = (int)s->processes[0].pid - 1;
		assert_int_equal(last, i);
	}
	assert_int_equal(last, 0);
	assert_true(past_damage_text(p, &said));
	assert_non_null(strstr(said.data, "30 samples cannot be read"));
	past_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forth_and_back), cmocka_unit_test(test_times),
		cmocka_unit_test(test_findings),       cmocka_unit_test(test_line),
		cmocka_unit_test(test_travel),	       cmocka_unit_test(test_nothing_there),
		cmocka_unit_test(test_holes),	       cmocka_unit_test(test_course),
		cmocka_unit_test(test_damage),	       cmocka_unit_test(test_removed),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, recording_make, recording_remove);
}
