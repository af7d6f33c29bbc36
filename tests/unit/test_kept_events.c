/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_kept_events.c - the events of a recording are those that `sysscope events` would have printed, byte for byte; a flood of
 * them is cut off and counted; bytes that are wrong are refused, and what is read of them can be printed.
 */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "events/kept.h"
#include "events/recent_past.h"
#include "events/replayed.h"
#include "lib/snapshot_fixture.h"
#include "record/facts/facts.h"
#include "record/recorder.h"
#include "record/replay.h"
#include "sysscope/abi/fact.h"
#include "sysscope/sample.h"
#include "view/match.h"

#define KEPT_TYPES event_types_shown(true)
#define BEGIN_TIME 1796014800.0
#define HOSTILE	   "a\"\x1b[2J\n\xff"

static char top[64], folder[96];
static struct recorder *recorder;
static struct event_feed *feed;
static struct fixture fixture;
static double interval = 5;
static double now, boot; /* seconds since the boot; when that was */
/* What `sysscope events` would have printed. */
static struct buf live_json, live_text;

static bool kept(void *ctx, const struct event *e)
{
	bool room = recorder_fact(recorder, e) == 0;

	(void)ctx;
	if (!room || e->type == EVENT_LOST)
		return room;
	assert_int_equal(event_json(&live_json, e), 0);
	assert_int_equal(event_text(&live_text, e), 0);
	return true;
}

static void recording_begin(uint64_t keep_bytes)
{
	const struct store_options o = {
		.path = folder, .interval = interval, .keep_bytes = keep_bytes, .fact_kinds = kept_events_own_kinds()};
	struct pipeline_options pipeline = {};
	_cleanup_buf_ struct buf error = {};

	assert_int_equal(recorder_open(&recorder, &o, &error), 0);
	assert_int_equal(kept_events_open(&feed, kept, NULL, &pipeline), 0);
	assert_true(pipeline.subscriber.take == event_feed_take);
	assert_false(pipeline.no_socket_owners || pipeline.facts_arguments);
	/* Whoever asks for a name wakes the agent. */
	assert_false(pipeline.facts_unhurried & (SS_FACTS_ALWAYS | 1u << SS_FACT_CGROUP_ENTER));
	boot = (double)(clock_wall_ns() - clock_boot_ns()) / 1e9;
	now = 95;
}

static void snapshot_next(void)
{
	now += 5;
	fixture.s.time = boot + now;
	fixture.s.sequence++;
	/* Without the kernel half nothing is lost in its ring. */
	event_feed_snapshot(feed, &fixture.s);
	assert_int_equal(recorder_note(recorder, &fixture.s), 0);
}

static void recording_end(void)
{
	recorder_close(recorder);
	event_feed_free(feed);
}

static int setup(void **state)
{
	(void)state;
	strcpy(top, "/tmp/sysscope-kept.XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(folder, sizeof(folder), "%s/recording", top);
	fixture_init(&fixture, 2, 0, 3);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	buf_free(&live_json);
	buf_free(&live_text);
	fixture_free(&fixture);
	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return system(command);
}

/* ---- facts ---- */

static struct identity web = {.name = "web-1",
			      .home = "/docker/abc",
			      .id = "abcdef0123",
			      .pod = "",
			      .image = HOSTILE,
			      .runtime = "docker",
			      .kind = HOME_CONTAINER},
		       other = {.name = "db", .home = "/kubepods/x/y", .id = "99", .pod = "shop", .runtime = ""};

/* Its time is `seconds` after the boot, so that all of them are in order. */
static struct ss_fact fact_of(enum ss_fact_kind kind, double seconds)
{
	struct ss_fact f = {.kind = kind,
			    .time_ns = (uint64_t)(seconds * 1e9),
			    .start_ns = (uint64_t)(seconds * 1e9) - 12345678,
			    .tgid = 100,
			    .tid = 101,
			    .comm = "worker",
			    .process = "nginx"};

	return f;
}

static void take(struct ss_fact f, const struct identity *who, const char *path)
{
	event_feed_take(feed, &f, who, path);
}

static void take_processes(void)
{
	struct ss_fact f = fact_of(SS_FACT_PROCESS_START, 100.123456789);

	f.birth.clone_flags = CLONE_VM | CLONE_VFORK | CLONE_NEWNET | 0x200000000ULL;
	f.birth.parent_tgid = 7;
	f.birth.parent_tid = 8;
	take(f, &web, web.home);
	f = fact_of(SS_FACT_EXEC, 100.2);
	strcpy(f.exec.path, "/usr/sbin/" HOSTILE);
	f.exec.path_bytes = (uint32_t)strlen(f.exec.path) + 1;
	take(f, &web, web.home);
	f = fact_of(SS_FACT_EXEC, 100.25);
	f.process[0] = '\0';
	take(f, NULL, NULL);
	f = fact_of(SS_FACT_EXIT, 100.3);
	f.exit.status = 0x80 | 11;
	f.exit.lifetime_ns = 1234567891;
	f.exit.cpu_ns = 7654321;
	f.exit.cpu_complete = 1;
	f.exit.peak_rss_bytes = 123456789;
	f.exit.voluntary_switches = 17;
	f.exit.minor_faults = 1ULL << 40;
	take(f, &other, other.home);
	take(fact_of(SS_FACT_THREAD_START, 100.35), &web, web.home); /* not among them */
}

static void take_cgroups(void)
{
	struct ss_fact f = fact_of(SS_FACT_NAMESPACE, 100.4);

	f.namespaces.kinds = 1 | 1 << 9;
	f.namespaces.how = SS_NS_HOWS - 1;
	f.namespaces.from.inode[0] = 4026531836;
	f.namespaces.to.inode[0] = 1;
	f.namespaces.to.inode[9] = UINT32_MAX;
	take(f, &web, web.home);
	f = fact_of(SS_FACT_CGROUP_CREATE, 100.5);
	strcpy(f.cgroup.name, "abc");
	take(f, &web, web.home);
	take(fact_of(SS_FACT_CGROUP_ENTER, 100.6), &web, web.home);
	f = fact_of(SS_FACT_CGROUP_REMOVE, 100.75);
	take(f, &web, web.home);
	take(f, &other, other.home);
}

static void take_oom(void)
{
	struct ss_fact f = fact_of(SS_FACT_OOM_KILL, 100.8);

	f.oom.rss_bytes = 5 << 20;
	f.oom.score_adjust = -999;
	f.oom.exhausted = SS_OOM_CGROUP;
	f.oom.limit_bytes = 24 << 20;
	f.oom.usage_bytes = UINT64_MAX;
	f.oom.levels = 2;
	strcpy(f.oom.path[0], "abc");
	strcpy(f.oom.path[1], "docker");
	f.oom.asker_tgid = 12;
	strcpy(f.oom.asker, HOSTILE);
	take(f, &web, web.home);
	/* Only its pid is known: the victim is a process of the snapshot. */
	f.comm[0] = f.process[0] = '\0';
	f.tgid = fixture.processes[1].pid;
	f.time_ns += 1000;
	take(f, NULL, NULL);
}

static void stalls_set(struct stall_row *rows)
{
	rows[0] = (struct stall_row){.container = 1,
				     .pid = 4001,
				     .tid = 4002,
				     .start_time = BEGIN_TIME,
				     .comm = "node",
				     .thread = "MainThread",
				     .stall = {.time = 900.125,
					       .seconds = 0.35,
					       .oncpu = 0.1,
					       .cause = "blocked",
					       .runner = "shop-batch",
					       .runner_cgroup = "/docker/b",
					       .suppressed = 3}};
	rows[0].stall.blocked[1] = 0.125;
	rows[0].stall.blocked[WAIT_CLASSES - 1] = 0.3;
	rows[1] = rows[0];
	rows[1].container = STALL_NOWHERE;
	rows[1].stall.time = 901;
	fixture.s.stalls = rows;
	fixture.s.n_stalls = 2;
}

static void fixture_fill(void)
{
	for (size_t i = 0; i < 2; i++) {
		fixture.containers[i].name = i ? "shop-api" : "host";
		fixture.containers[i].cgroup = i ? "/docker/api" : "/";
		fixture.containers[i].id = i ? "0f0f0f" : "";
		fixture.containers[i].pod = "";
	}
	for (size_t i = 0; i < 3; i++) {
		fixture.processes[i].pid = (uint32_t)(500 + i);
		fixture.processes[i].comm = "java";
		fixture.processes[i].thread = "java";
		fixture.processes[i].container = 1;
		fixture.processes[i].v[PROCESS_RSS] = 1e6 * (double)(i + 1);
	}
}

/* Two frames' worth of them, and some behind the last sample. */
static void everything_record(void)
{
	struct stall_row rows[2];

	fixture_fill();
	recording_begin(0);
	snapshot_next();
	take_processes();
	snapshot_next();
	take_cgroups();
	take_oom();
	snapshot_next();
	stalls_set(rows);
	snapshot_next();
	fixture.s.n_stalls = 0;
	for (int i = 0; i < 70; i++) {
		struct ss_fact f = fact_of(SS_FACT_EXIT, now + 1);

		take(f, &web, web.home);
		snapshot_next();
	}
	take(fact_of(SS_FACT_EXEC, 2000), &web, web.home);
	recording_end();
}

static void replay_all(const struct event_choice *c, uint64_t from_ns, uint64_t to_ns, struct buf *out,
		       struct buf *missing)
{
	_cleanup_buf_ struct buf error = {};
	struct event_replay *r = NULL;

	assert_int_equal(event_replay_open(&r, folder, c, &error), 0);
	event_replay_range(r, from_ns, to_ns);
	while (event_replay_next(r, out) == 1)
		;
	event_replay_missing(r, missing);
	event_replay_close(r);
}

/* The stalls are told with their sample, and stand where they belong in the replay: lines are compared in order. */
static int text_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t lines_sorted(struct buf *text, char **ret, size_t most)
{
	size_t n = 0;
	char *state = NULL;

	for (char *line = strtok_r(text->data, "\n", &state); line && n < most; line = strtok_r(NULL, "\n", &state))
		ret[n++] = line;
	qsort(ret, n, sizeof(*ret), text_order);
	return n;
}

static void assert_same_lines(struct buf *a, struct buf *b)
{
	char *x[200], *y[200];
	size_t n = lines_sorted(a, x, 200);

	assert_int_equal(lines_sorted(b, y, 200), n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(x[i], y[i]);
}

static void test_same(void **state)
{
	struct event_choice c = {.types = KEPT_TYPES, .json = true};
	_cleanup_buf_ struct buf json = {}, text = {}, missing = {};

	(void)state;
	everything_record();
	replay_all(&c, 0, 0, &json, &missing);
	c.json = false;
	replay_all(&c, 0, 0, &text, &missing);
	assert_int_equal(missing.len, 0);
	assert_int_equal(json.len, live_json.len);
	assert_int_equal(text.len, live_text.len);
	assert_same_lines(&json, &live_json);
	assert_same_lines(&text, &live_text);
}

/* ---- the view of the latest events ---- */

/* Of one snapshot, by a source of its own, or of all of them in turn: *ret_n rows of the last one. */
static struct event_row *rows_at(struct recent_past *recent, struct replay *replay, bool in_turn, size_t *ret_n,
				 double *ret_time)
{
	const struct snapshot_source *source = recent_past_source(recent, replay_source(replay));
	const struct snapshot *s, *last = NULL;
	struct event_row *rows;
	int error = 0;

	source->look(source->ctx, in_turn ? LOOK_EVENTS : 0);
	while ((s = source->next(source->ctx, &error))) {
		last = s;
		*ret_time = s->time;
		for (size_t i = 0; i < s->looked.n_events; i++) {
			assert_true(s->looked.events[i].time <= s->time && s->looked.events[i].time > s->time - 600);
			assert_true(!i || s->looked.events[i].time <= s->looked.events[i - 1].time);
		}
		assert_true(s->looked.events || !in_turn == !s->looked.events_reason);
	}
	assert_int_equal(error, 0);
	if (!in_turn) {
		source->look(source->ctx, LOOK_EVENTS);
		assert_int_equal(replay_seek(replay, (uint64_t)(*ret_time * 1e9)), 0);
		last = source->next(source->ctx, &error);
	}
	assert_non_null(last);
	*ret_n = last->looked.n_events;
	rows = calloc(*ret_n + 1, sizeof(*rows));
	memcpy(rows, last->looked.events, *ret_n * sizeof(*rows));
	return rows;
}

static void test_view(void **state)
{
	struct event_choice c = {.types = KEPT_TYPES};
	_cleanup_buf_ struct buf text = {}, missing = {}, error = {};
	struct recent_past *recent[2];
	struct replay *replay;
	struct event_row *rows[2];
	size_t n[2], lines = 0;
	double time = 0;

	(void)state;
	everything_record();
	for (int i = 0; i < 2; i++) {
		assert_int_equal(recent_past_new(&recent[i], NULL, folder), 0);
		assert_int_equal(replay_open(&replay, folder, &error), 0);
		rows[i] = rows_at(recent[i], replay, i == 0, &n[i], &time);
		replay_close(replay);
	}
	replay_all(&c, (uint64_t)((time - 600) * 1e9), (uint64_t)(time * 1e9), &text, &missing);
	for (size_t i = 0; i < text.len; i++)
		lines += text.data[i] == '\n';
	assert_true(lines > 70);
	assert_int_equal(n[0], lines);
	assert_int_equal(n[1], lines);
	for (size_t i = 0; i < lines; i++) {
		assert_true(rows[0][i].time == rows[1][i].time);
		assert_string_equal(rows[0][i].type, rows[1][i].type);
		assert_string_equal(rows[0][i].text, rows[1][i].text);
		assert_string_equal(rows[0][i].cgroup, rows[1][i].cgroup);
		assert_string_equal(rows[0][i].kind, rows[1][i].kind);
		assert_int_equal(rows[0][i].pid, rows[1][i].pid);
		assert_non_null(strstr(text.data, rows[0][i].text));
	}
	for (int i = 0; i < 2; i++) {
		free(rows[i]);
		recent_past_free(recent[i]);
	}
}

static size_t lines_of(const struct event_choice *c, uint64_t from_ns, uint64_t to_ns)
{
	_cleanup_buf_ struct buf out = {}, missing = {};
	size_t n = 0;

	replay_all(c, from_ns, to_ns, &out, &missing);
	for (size_t i = 0; i < out.len; i++)
		n += out.data[i] == '\n';
	return n;
}

static size_t of_container(const char *name)
{
	struct match_choice containers;
	struct event_choice c = {.types = KEPT_TYPES, .containers = &containers};
	size_t n;

	match_choice_init(&containers, &name, 1);
	n = lines_of(&c, 0, 0);
	match_choice_free(&containers);
	return n;
}

static void test_choice(void **state)
{
	struct event_choice c = {.types = 1u << EVENT_EXIT | 1u << EVENT_THREAD_START};
	_cleanup_buf_ struct buf out = {}, missing = {};

	(void)state;
	everything_record();
	assert_int_equal(lines_of(&c, 0, 0), 71);
	c.count = 5;
	assert_int_equal(lines_of(&c, 0, 0), 5);
	c.count = 0;
	/* The first of 70 that are 5 s apart was at 116 s. */
	assert_int_equal(lines_of(&c, (uint64_t)((boot + 116 - 0.5) * 1e9), (uint64_t)((boot + 116 + 40 + 0.5) * 1e9)),
			 9);
	c.pid = 7;
	assert_int_equal(lines_of(&c, 0, 0), 0);
	c.types = KEPT_TYPES;
	assert_int_equal(lines_of(&c, 0, 0), 1); /* it gave birth */
	assert_int_equal(of_container("web-1"), 79);
	assert_int_equal(of_container("abcde"), 79);
	assert_int_equal(of_container("shop/db"), 2);
	assert_int_equal(of_container("shop-api"), 2);
	assert_int_equal(of_container("0f0f"), 2);
	c = (struct event_choice){.types = 1u << EVENT_THREAD_START | 1u << EVENT_EXEC};
	replay_all(&c, 0, 0, &out, &missing);
	assert_string_equal(missing.data, "thread_start cannot be shown: a recording does not have it");
}

/* Nothing of what is wanted happened, but other things did: how often is said. */
static void test_passed(void **state)
{
	struct event_choice c = {.types = event_types_shown(false)};
	_cleanup_buf_ struct buf error = {}, out = {}, passed = {};
	uint64_t from_ns = (uint64_t)((boot + 116 - 0.5) * 1e9), to_ns = (uint64_t)((boot + 116 + 40 + 0.5) * 1e9);

	(void)state;
	everything_record();
	for (int i = 0; i < 2; i++) {
		struct event_replay *r = NULL;

		buf_reset(&passed);
		assert_int_equal(event_replay_open(&r, folder, &c, &error), 0);
		event_replay_range(r, from_ns, to_ns);
		while (event_replay_next(r, &out) == 1)
			;
		assert_int_equal(event_replay_passed(r, &passed), i == 0);
		event_replay_close(r);
		if (i == 0)
			assert_string_equal(passed.data, "nothing to show but exit 9: --type all shows them");
		c.types |= 1u << EVENT_EXIT;
	}
}

/* ---- too many ---- */

static void test_flood(void **state)
{
	struct event_choice c = {.types = KEPT_TYPES};
	_cleanup_buf_ struct buf out = {}, missing = {};
	struct event_sums sums;
	char expected[64];

	(void)state;
	fixture_fill();
	recording_begin(1 << 20);
	snapshot_next();
	for (uint32_t i = 0; i < 5000; i++) {
		struct ss_fact f = fact_of(SS_FACT_EXIT, 100 + i / 1000.0);

		f.tgid = f.tid = i * 2654435761U;
		take(f, &web, web.home);
	}
	event_feed_sums(feed, NULL, &sums);
	assert_true(sums.told > 200 && sums.unread > 200);
	assert_int_equal(sums.told + sums.unread, 5000);
	snapshot_next();
	assert_int_equal(recorder_counts(recorder)->facts, sums.told);
	/* There is room for others again. */
	take(fact_of(SS_FACT_EXEC, 200), &web, web.home);
	recording_end();
	replay_all(&c, 0, 0, &out, &missing);
	snprintf(expected, sizeof(expected), "%llu", (unsigned long long)sums.told + 1);
	assert_int_equal(lines_of(&c, 0, 0), sums.told + 1);
}

/* How many of 5,000 exits find room now. */
static uint64_t burst(void)
{
	struct event_sums before, after;

	event_feed_sums(feed, NULL, &before);
	for (uint32_t i = 0; i < 5000; i++) {
		struct ss_fact f = fact_of(SS_FACT_EXIT, 100 + i / 1000.0);

		f.tgid = f.tid = i * 2654435761U;
		take(f, &web, web.home);
	}
	event_feed_sums(feed, NULL, &after);
	snapshot_next();
	return after.told - before.told;
}

/* A short interval has the room of a long one, once; in the long run it is the same for both. */
static void test_burst(void **state)
{
	uint64_t all, share;

	(void)state;
	fixture_fill();
	interval = 0.5;
	recording_begin(1 << 20);
	interval = 5;
	snapshot_next();
	all = burst();
	share = burst();
	assert_true(all > 200);
	assert_in_range(share, all / 20, all / 5);
	for (int i = 0; i < 10; i++)
		snapshot_next();
	assert_in_range(burst(), all - all / 20, all + all / 20);
	recording_end();
}

static void test_lost_line(void **state)
{
	uint64_t ring[EVENT_TYPES] = {[EVENT_EXEC] = 5, [EVENT_EXIT] = 1}, unread[EVENT_TYPES] = {[EVENT_EXEC] = 2};
	struct event e = {
		.type = EVENT_LOST, .time = BEGIN_TIME, .start_time = NAN, .lost_ring = ring, .lost_unread = unread};
	struct event_choice c = {.types = KEPT_TYPES}, exits = {.types = 1u << EVENT_EXIT},
			    namespaces = {.types = 1u << EVENT_NAMESPACE};
	_cleanup_buf_ struct buf out = {}, missing = {};

	(void)state;
	recording_begin(0);
	snapshot_next();
	assert_int_equal(recorder_fact(recorder, &e), 0);
	recording_end();
	replay_all(&c, 0, 0, &out, &missing);
	assert_non_null(strstr(out.data,
			       " lost 5 exec, 1 exit: no room in the kernel's ring; 2 exec: no room for so many in "
			       "the recording\n"));
	buf_reset(&out);
	replay_all(&exits, 0, 0, &out, &missing);
	assert_non_null(strstr(out.data, " lost 1 exit: no room in the kernel's ring\n"));
	assert_int_equal(lines_of(&namespaces, 0, 0), 0);
}

/* A recording of before, or one that was told to leave them out. */
static void test_none(void **state)
{
	const struct store_options o = {.path = folder, .interval = 5};
	struct event_choice c = {.types = KEPT_TYPES};
	_cleanup_buf_ struct buf error = {}, out = {}, missing = {};
	const struct snapshot_source *source;
	const struct snapshot *s;
	struct recent_past *recent;
	struct replay *replay;
	int r = 0;

	(void)state;
	assert_int_equal(recorder_open(&recorder, &o, &error), 0);
	fixture.s.time = BEGIN_TIME;
	assert_int_equal(recorder_note(recorder, &fixture.s), 0);
	recorder_close(recorder);
	replay_all(&c, 0, 0, &out, &missing);
	assert_string_equal(missing.data, "all of this time is recorded without events");
	assert_int_equal(recent_past_new(&recent, NULL, folder), 0);
	assert_int_equal(replay_open(&replay, folder, &error), 0);
	source = recent_past_source(recent, replay_source(replay));
	source->look(source->ctx, LOOK_EVENTS);
	s = source->next(source->ctx, &r);
	assert_non_null(s);
	assert_null(s->looked.events);
	assert_string_equal(s->looked.events_reason, missing.data);
	replay_close(replay);
	recent_past_free(recent);
}

/* ---- bytes that are wrong ---- */

static void bytes_print(const void *bytes, size_t n)
{
	_cleanup_buf_ struct buf json = {}, text = {};
	struct fact_reader r = {};
	struct fact_room room;
	size_t lines = 0;

	fact_reader_begin(&r, bytes, n);
	while (fact_reader_next(&r, &room) == 1) {
		assert_int_equal(event_json(&json, &room.event), 0);
		assert_int_equal(event_text(&text, &room.event), 0);
		lines++;
	}
	fact_reader_free(&r);
	/* Words that a live event has of sysscope itself may be anything here: a terminal sees nothing of that. */
	for (size_t i = 0; i < text.len; i++) {
		lines -= text.data[i] == '\n';
		assert_true((unsigned char)text.data[i] >= ' ' || text.data[i] == '\n');
	}
	assert_int_equal(lines, 0);
}

static struct fact_pack pack;

static bool packed(void *ctx, const struct event *e)
{
	(void)ctx;
	return fact_pack_add(&pack, e, 1 << 20) == 0;
}

static void test_hostile(void **state)
{
	const struct event_choice c = {.types = KEPT_TYPES, .sink = packed};
	_cleanup_buf_ struct buf bytes = {};
	struct stall_row rows[2];
	_cleanup_free_ char *copy = NULL;

	(void)state;
	fixture_fill();
	assert_int_equal(event_feed_new(&feed, &c), 0);
	fixture.s.time = BEGIN_TIME;
	stalls_set(rows);
	event_feed_snapshot(feed, &fixture.s);
	take_processes();
	take_cgroups();
	take_oom();
	event_feed_free(feed);
	assert_true(pack.n > 10);
	fact_pack_take(&pack, &bytes);
	fact_pack_free(&pack);
	/* With room of its own, so that a read beyond the end is seen. */
	for (size_t n = 0; n < bytes.len; n++) {
		char *cut = malloc(n + 1);

		assert_non_null(cut);
		memcpy(cut, bytes.data, n);
		bytes_print(cut, n);
		free(cut);
	}
	copy = malloc(bytes.len);
	assert_non_null(copy);
	for (size_t i = 0; i < bytes.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			memcpy(copy, bytes.data, bytes.len);
			copy[i] ^= (char)(1 << bit);
			bytes_print(copy, bytes.len);
		}
}

/* Of a later version: types and fields that this one does not know are passed over. */
static void test_later(void **state)
{
	static const uint8_t bytes[] = {
		/* a type that it does not know, with a text */
		1, 5, 's', 'a', 'u', 'n', 'a', 12 << 2 | 0, 7, 3 << 2 | 3, 2, 3, 'w', 'e', 'b', 0,
		/* an exec: field 130 as each form, then pid 9, a time, and the container by its number */
		3, 4, 'e', 'x', 'e', 'c', 0x88, 4, 1, 0x89, 4, 2, 0x8a, 4, 0, 0x8b, 4, 1, 9 << 2 | 0, 9, 1 << 2 | 2,
		0x40, 3 << 2 | 3, 2, 0};
	struct fact_reader r = {};
	struct fact_room room;

	(void)state;
	fact_reader_begin(&r, bytes, sizeof(bytes));
	assert_int_equal(fact_reader_next(&r, &room), 1);
	assert_int_equal(room.event.type, EVENT_EXEC);
	assert_int_equal(room.event.pid, 9);
	assert_string_equal(room.event.container, "web");
	assert_int_equal(fact_reader_next(&r, &room), 0);
	fact_reader_free(&r);
}

int main(void)
{
#define kept_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		kept_test(test_same),	 kept_test(test_view),	kept_test(test_choice),	   kept_test(test_passed),
		kept_test(test_flood),	 kept_test(test_burst), kept_test(test_lost_line), kept_test(test_none),
		kept_test(test_hostile), kept_test(test_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
