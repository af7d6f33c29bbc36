/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_events.c - each type of event as text and as JSON, with hostile names; clone's flags; the queue of lines when
 * nobody reads; how long an ended process belongs to the tree; the last line, which says how much was shown.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "exporters/events/events.h"
#include "events/feed.h"
#include "events/fill.h"
#include "events/queue.h"
#include "events/sets.h"
#include "base/util.h"
#include "sysscope/abi/fact.h"
#include "sysscope/sample.h"

#define HOSTILE "a\"\x1b[2J\n\xff"

static struct event event(enum event_type type)
{
	return (struct event){.type = type,
			      .time = 1700000000.25,
			      .start_time = 1700000000.125,
			      .container = "web-1",
			      .comm = "nginx",
			      .pid = 100,
			      .tid = 100};
}

/* The line's text behind its time, which is the machine's own time zone's. */
static void expect_text(const struct event *e, const char *want)
{
	_cleanup_buf_ struct buf out = {};
	char *start;

	assert_int_equal(event_text(&out, e), 0);
	assert_int_equal(out.data[out.len - 1], '\n');
	out.data[out.len - 1] = '\0';
	/* " (HH:MM:SS.mmm)" goes, too. */
	start = strstr(out.data, " (");
	if (e->type != EVENT_LOST) {
		assert_non_null(start);
		memmove(start, strchr(start, ')') + 1, strlen(strchr(start, ')') + 1) + 1);
	}
	assert_string_equal(out.data + strlen("00:00:00.250 "), want);
}

/* `want` is in the object, and all that every line has. */
static void expect_json(const struct event *e, const char *want)
{
	static const char *const always[] = {"time", "type",   "container",	  "pid", "tid", "start_time",
					     "comm", "thread", "container_cgroup"};
	_cleanup_buf_ struct buf out = {};
	json_t *got, *true_, *value;
	const char *key;

	assert_int_equal(event_json(&out, e), 0);
	assert_null(memchr(out.data, '\n', out.len - 1));
	got = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	true_ = json_loads(want, 0, NULL);
	assert_non_null(got);
	assert_non_null(true_);
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		assert_non_null(json_object_get(got, always[i]));
	json_object_foreach (true_, key, value)
		if (!json_equal(json_object_get(got, key), value))
			fail_msg("%s: %s", key, out.data);
	assert_int_equal(json_object_size(got), json_object_size(true_) + ARRAY_SIZE(always));
	json_decref(got);
	json_decref(true_);
}

static void test_starts(void **state)
{
	struct event e = event(EVENT_PROCESS_START);

	(void)state;
	e.parent_pid = e.parent_tid = 7;
	expect_text(&e, "process_start web-1 nginx 100: by 7");
	e.clone_flags = CLONE_VM | CLONE_FILES | CLONE_VFORK | CLONE_NEWNET | CLONE_NEWPID | 0x80 | 0x200000000ULL;
	e.parent_tid = 8;
	expect_text(&e, "process_start web-1 nginx 100: by 7/8; shares memory, open files; vfork; into another cgroup; "
			"new namespaces: pid, net, time");
	expect_json(&e, "{\"parent_pid\":7,\"parent_tid\":8,\"clone_flags\":\"0x260004580\","
			"\"flags\":[\"CLONE_VM\",\"CLONE_FILES\",\"CLONE_VFORK\",\"CLONE_NEWPID\",\"CLONE_NEWNET\","
			"\"CLONE_NEWTIME\",\"CLONE_INTO_CGROUP\"],\"shares\":[\"memory\",\"open files\"],"
			"\"new_namespaces\":[\"pid\",\"net\",\"time\"]}");
	e.type = EVENT_THREAD_START;
	e.tid = 101;
	e.clone_flags = CLONE_VM | CLONE_THREAD;
	expect_text(&e, "thread_start web-1 nginx 100/101: by 7/8");
}

/* Every bit of clone's and clone3's flags has one name; the namespaces' are those of the kernel's header. */
static void test_flags(void **state)
{
	static const uint64_t namespaces[] = {0x20000000, 0x20000,    0x40000000, 0x4000000,
					      0x8000000,  0x10000000, 0x2000000,  0x80};
	uint64_t seen = 0;

	(void)state;
	for (const struct clone_flag *f = clone_flags; f->flag; f++) {
		assert_int_equal(__builtin_popcountll(f->flag), 1);
		assert_false(seen & f->flag);
		seen |= f->flag;
	}
	/* linux/sched.h: all from CSIGNAL's end to CLONE_INTO_CGROUP, and CLONE_NEWTIME within CSIGNAL. */
	assert_true(seen == (0x3ffffff00ULL | 0x80));
	for (uint32_t i = 0; i < ARRAY_SIZE(namespaces); i++)
		assert_int_equal(clone_namespaces(namespaces[i]), 1u << i);
	assert_int_equal(clone_namespaces(~0ULL), 0xff);
}

static void test_exec_and_exit(void **state)
{
	static const char arguments[] = "nginx\0-g\0" HOSTILE "\0";
	struct event e = event(EVENT_EXEC);

	(void)state;
	e.path = "/usr/sbin/nginx";
	expect_text(&e, "exec web-1 nginx 100: /usr/sbin/nginx");
	expect_json(&e, "{\"path\":\"/usr/sbin/nginx\",\"path_truncated\":false,\"arguments\":null,"
			"\"arguments_truncated\":false}");
	e.arguments = arguments;
	e.arguments_bytes = sizeof(arguments); /* the last is empty */
	e.path_cut = e.arguments_cut = true;
	expect_text(&e, "exec web-1 nginx 100: /usr/sbin/nginx... -g a\"\\x1b[2J\\x0a\xef\xbf\xbd '' ...");
	expect_json(&e, "{\"path\":\"/usr/sbin/nginx\",\"path_truncated\":true,\"arguments\":[\"nginx\",\"-g\","
			"\"a\\\"\\u001b[2J\\n\xef\xbf\xbd\",\"\"],\"arguments_truncated\":true}");
	e.path = NULL;
	e.arguments = NULL;
	e.arguments_bytes = 0;
	e.path_cut = e.arguments_cut = false;
	expect_text(&e, "exec web-1 nginx 100: path not known");

	e = event(EVENT_EXIT);
	e.status = 3 << 8;
	e.lifetime = 1.25;
	e.cpu = 0.5;
	e.cpu_complete = true;
	e.peak_rss = 1 << 20;
	e.voluntary_switches = 5;
	e.involuntary_switches = 2;
	expect_text(&e, "exit web-1 nginx 100: code 3 after 1.2 s; CPU 500 ms, peak 1.0M, switches 5 + 2");
	expect_json(&e, "{\"exit_code\":3,\"signal\":null,\"core_dumped\":false,\"lifetime_seconds\":1.25,"
			"\"cpu_seconds\":0.5,\"cpu_complete\":true,\"peak_rss_bytes\":1048576,\"voluntary_switches\":5,"
			"\"involuntary_switches\":2,\"minor_page_faults\":0,\"major_page_faults\":0}");
	e.status = 0x80 | 11;
	expect_text(&e, "exit web-1 nginx 100: killed by SIGSEGV, core dumped after 1.2 s; CPU 500 ms, peak 1.0M, "
			"switches 5 + 2");
}

static void test_others(void **state)
{
	static const uint32_t from[NAMESPACE_KINDS] = {1, 2, 3, 4}, to[NAMESPACE_KINDS] = {5, 6, 7, 8};
	struct event e = event(EVENT_NAMESPACE);
	struct stall stall = {.seconds = 0.18, .cause = "blocked", .runner = "", .runner_cgroup = ""};
	struct oom_row kill = {.container_name = "web-1",
			       .container_cgroup = "/docker/abc",
			       .rss = NAN,
			       .exhausted = "",
			       .limit_of = "",
			       .limit_scope = "",
			       .limit = NAN,
			       .usage = NAN,
			       .asker = "",
			       .largest_of = "",
			       .largest_age = NAN};

	(void)state;
	e.how = "setns";
	e.kinds = 1 << 0 | 1 << 2;
	e.from = from;
	e.to = to;
	e.expected = true;
	expect_text(&e, "namespace web-1 nginx 100: setns: pid 1 to 5, net 3 to 7 (a runtime's own)");
	expect_json(&e, "{\"how\":\"setns\",\"kinds\":[\"pid\",\"net\"],\"from\":{\"pid\":1,\"net\":3},"
			"\"to\":{\"pid\":5,\"net\":7},\"expected\":true}");

	e = event(EVENT_CONTAINER_EXIT);
	e.runtime = "docker";
	e.image = HOSTILE;
	e.id = "abc";
	e.cgroup = "/docker/abc";
	e.lifetime = NAN;
	expect_text(&e, "container_exit web-1 nginx 100: docker a\"\\x1b[2J\\x0a\xef\xbf\xbd");
	e.lifetime = 2;
	expect_text(&e, "container_exit web-1 nginx 100: docker a\"\\x1b[2J\\x0a\xef\xbf\xbd, after 2.0 s");
	expect_json(&e, "{\"cgroup\":\"/docker/abc\",\"id\":\"abc\",\"runtime\":\"docker\","
			"\"image\":\"a\\\"\\u001b[2J\\n\xef\xbf\xbd\",\"lifetime_seconds\":2.0}");
	e.type = EVENT_CGROUP_CREATE;
	e.container = NULL;
	expect_text(&e, "cgroup_create - nginx 100: /docker/abc");
	expect_json(&e, "{\"cgroup\":\"/docker/abc\"}");

	e = event(EVENT_OOM_KILL);
	e.oom = &kill;
	e.memory_limit = NAN;
	expect_text(&e, "oom_kill web-1 nginx 100: killed for lack of memory");
	expect_json(&e, "{\"rss_bytes\":null,\"oom_score_adj\":0,\"exhausted\":null,\"limit_of\":null,"
			"\"limit_scope\":null,\"limit_bytes\":null,\"usage_bytes\":null,\"asker_pid\":null,"
			"\"asker_comm\":null,\"largest\":[],\"largest_of\":null,\"largest_age_seconds\":null,"
			"\"memory_limit_bytes\":null,\"memory_limit_of\":null}");
	kill.rss = 5 << 20;
	kill.score_adjust = -999;
	expect_text(&e, "oom_kill web-1 nginx 100: killed for lack of memory: it had 5.0M, oom_score_adj -999");
	e.memory_limit = 24 << 20;
	e.memory_limit_of = e.container_cgroup = "/docker/abc";
	expect_text(&e,
		    "oom_kill web-1 nginx 100: killed for lack of memory: it had 5.0M, oom_score_adj -999; the memory "
		    "limit of web-1 is 24M");
	e.memory_limit_of = "/pods/\x1b[2J";
	expect_text(&e,
		    "oom_kill web-1 nginx 100: killed for lack of memory: it had 5.0M, oom_score_adj -999; the memory "
		    "limit of /pods/\\x1b[2J is 24M");
	kill.exhausted = "memory_limit";
	kill.limit_of = "/docker/\x1b[2J";
	kill.limit_scope = "ancestor";
	kill.limit = 24 << 20;
	kill.usage = 23 << 20;
	kill.n_largest = 1;
	kill.largest_age = 1.5;
	kill.largest[0] = (struct oom_process){.pid = 7, .rss = 3 << 20, .comm = "a\nb", .container = "\x1b"};
	expect_text(&e, "oom_kill web-1 nginx 100: killed because /docker/\\x1b[2J around web-1 reached its limit of "
			"24M (used: 23M); it had 5.0M, oom_score_adj -999; largest 1.5 s before: a\\x0ab 7 of \\x1b "
			"3.0M");
	expect_json(&e, "{\"rss_bytes\":5242880,\"oom_score_adj\":-999,\"asker_pid\":null,\"asker_comm\":null,"
			"\"largest_of\":null,\"memory_limit_bytes\":25165824,\"memory_limit_of\":\"/pods/\\u001b[2J\","
			"\"exhausted\":\"memory_limit\",\"limit_of\":\"/docker/\\u001b[2J\",\"limit_scope\":"
			"\"ancestor\",\"limit_bytes\":25165824,\"usage_bytes\":24117248,\"largest\":[{\"pid\":7,"
			"\"comm\":\"a\\nb\",\"container\":\"\\u001b\",\"rss_bytes\":3145728}],"
			"\"largest_age_seconds\":1.5}");

	e = event(EVENT_CAPABILITY_DENIED);
	e.capability = 21;
	e.user_namespace = 9;
	expect_text(&e, "capability_denied web-1 nginx 100: CAP_SYS_ADMIN");
	expect_json(&e, "{\"capability\":\"CAP_SYS_ADMIN\",\"user_namespace\":9}");

	e = event(EVENT_LOOP_STALL);
	e.stall = &stall;
	stall.oncpu = 0.18;
	expect_text(&e, "loop_stall web-1 nginx 100: blocked 180 ms: 180 ms on CPU");
	stall.suppressed = 2;
	expect_text(&e, "loop_stall web-1 nginx 100: blocked 180 ms: 180 ms on CPU (2 more just before it)");
}

/* The name of the thread stands beside that of its process, unless it is the same. */
static void test_names(void **state)
{
	struct event e = event(EVENT_CAPABILITY_DENIED);

	(void)state;
	e.comm = "node";
	e.thread = "node";
	expect_text(&e, "capability_denied web-1 node 100: CAP_CHOWN");
	e.thread = "MainThread";
	expect_text(&e, "capability_denied web-1 node/MainThread 100: CAP_CHOWN");
	e.tid = 107;
	e.thread = "job-0";
	expect_text(&e, "capability_denied web-1 node/job-0 100/107: CAP_CHOWN");
	e.thread = "\x1b[2J";
	expect_text(&e, "capability_denied web-1 node/\\x1b[2J 100/107: CAP_CHOWN");
}

/* A stall of the agent itself is told to nobody. */
static void test_own_stall(void **state)
{
	struct event_choice choice = {.types = 1u << EVENT_LOOP_STALL};
	struct stall stall = {.time = 1, .seconds = 0.18, .cause = "oncpu", .runner = ""};
	struct stall_row rows[] = {
		{.container = STALL_NOWHERE,
		 .pid = (uint32_t)getpid(),
		 .comm = "sysscope",
		 .thread = "sysscope",
		 .stall = stall},
		{.container = STALL_NOWHERE,
		 .pid = (uint32_t)getpid() + 1,
		 .comm = "node",
		 .thread = "node",
		 .stall = stall},
	};
	struct snapshot s = {.stalls = rows, .n_stalls = 2};
	struct event_feed *feed;

	(void)state;
	assert_int_equal(event_feed_new(&feed, &choice), 0);
	event_feed_snapshot(feed, &s);
	assert_int_equal(event_queue_lines_waiting(event_feed_queue(feed)), 1);
	event_feed_free(feed);
}

static void test_lost(void **state)
{
	uint64_t ring[EVENT_TYPES] = {[EVENT_EXEC] = 5, [EVENT_EXIT] = 1}, unread[EVENT_TYPES] = {[EVENT_EXEC] = 2};
	struct event e = {
		.type = EVENT_LOST, .time = 1700000000.25, .start_time = NAN, .lost_ring = ring, .lost_unread = unread};

	(void)state;
	expect_text(&e, "lost 5 exec, 1 exit: no room in the kernel's ring; 2 exec: nobody read them in time");
	expect_json(&e, "{\"ring\":{\"exec\":5,\"exit\":1},\"unread\":{\"exec\":2}}");
	memset(ring, 0, sizeof(ring));
	expect_text(&e, "lost 2 exec: nobody read them in time");
}

static void test_hostile_names(void **state)
{
	struct event e = event(EVENT_EXEC);

	(void)state;
	e.container = e.comm = HOSTILE;
	e.path = "/x";
	expect_text(&e, "exec a\"\\x1b[2J\\x0a\xef\xbf\xbd a\"\\x1b[2J\\x0a\xef\xbf\xbd 100: /x");
}

static void test_queue(void **state)
{
	struct event_queue q = {.limit = 100000};
	char line[1000], got[4096];
	size_t added = 0, read_bytes = 0;
	int pipes[2], r;

	(void)state;
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
	while ((r = event_queue_add(&q, line, sizeof(line))) == 0)
		added++;
	assert_int_equal(r, -ENOBUFS);
	assert_int_equal(added, 100);
	assert_int_equal(event_queue_lines_waiting(&q), 100);
	/* What a full pipe does not take stays; then in turn, until all is there. */
	for (int i = 0; i < 1000 && read_bytes < added * sizeof(line); i++) {
		ssize_t n;

		assert_int_equal(event_queue_write(&q, pipes[1]), 0);
		if (i % 20)
			continue;
		while ((n = read(pipes[0], got, sizeof(got))) > 0)
			read_bytes += (size_t)n;
	}
	assert_int_equal(read_bytes, added * sizeof(line));
	assert_int_equal(q.lines_written, 100);
	assert_int_equal(event_queue_waiting(&q), 0);
	assert_int_equal(event_queue_write(&q, pipes[1]), 0);
	assert_int_equal(event_queue_add(&q, line, sizeof(line)), 0);
	close(pipes[0]);
	close(pipes[1]);
	assert_int_equal(event_queue_write(&q, pipes[1]), -EBADF);
	event_queue_free(&q);
}

/* The end can be known while a snapshot is made that lacks the last stall: the next snapshot has it. */
static void test_ended_in_tree(void **state)
{
	struct event_sets sets = {};

	(void)state;
	assert_int_equal(tree_add(&sets, 7), 0);
	tree_forget_ended(&sets);
	tree_forget_ended(&sets);
	assert_true(tree_has(&sets, 7));
	tree_end(&sets, 7, true);
	assert_false(tree_has(&sets, 7));
	tree_forget_ended(&sets);
	assert_true(tree_had(&sets, 7));
	tree_forget_ended(&sets);
	assert_false(tree_had(&sets, 7));

	/* Its pid is used again by a process of the tree. */
	assert_int_equal(tree_add(&sets, 7), 0);
	tree_end(&sets, 7, true);
	assert_int_equal(tree_add(&sets, 7), 0);
	tree_forget_ended(&sets);
	tree_forget_ended(&sets);
	assert_true(tree_has(&sets, 7));
	event_sets_free(&sets);
}

/* The limit is that of the victim's container in the latest snapshot, where that has one. */
static void test_oom_limit(void **state)
{
	struct container_row rows[] = {
		{.cgroup = "/docker/abc", .name = "web-1", .memory_limit_of = "/docker", .dead = true},
		{.cgroup = "/docker/ab", .name = "web-2", .memory_limit_of = "/docker"},
		{.cgroup = "/docker/abc", .name = "web-1", .memory_limit_of = "/docker/abc"},
		{.cgroup = "/docker/free", .name = "free"},
	};
	struct snapshot snapshot = {.containers = rows, .n_containers = ARRAY_SIZE(rows)};
	struct ss_fact fact = {.kind = SS_FACT_OOM_KILL, .tgid = 100, .comm = "nginx"};
	struct identity who = {.name = "web-1", .home = "/docker/abc"};
	struct event_oom oom = {};
	struct event_source source = {.fact = &fact, .who = &who, .snapshot = &snapshot, .oom = &oom};
	struct event e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		rows[i].v[CONTAINER_MEMORY_LIMIT] = rows[i].memory_limit_of ? (double)(i + 1) : VALUE_ABSENT;
	event_fill(&e, EVENT_OOM_KILL, &source);
	assert_true(e.memory_limit == 3);
	assert_string_equal(e.memory_limit_of, "/docker/abc");
	who.home = "/docker/free";
	event_fill(&e, EVENT_OOM_KILL, &source);
	assert_true(isnan(e.memory_limit) && !e.memory_limit_of);
	who.home = "/docker/new";
	event_fill(&e, EVENT_OOM_KILL, &source);
	assert_true(isnan(e.memory_limit) && !e.memory_limit_of);
	source.who = NULL;
	event_fill(&e, EVENT_OOM_KILL, &source);
	assert_true(isnan(e.memory_limit) && !e.memory_limit_of);
	source.snapshot = NULL;
	event_fill(&e, EVENT_OOM_KILL, &source);
	assert_true(isnan(e.memory_limit) && !e.memory_limit_of);
}

static void expect_sums(const struct event_sums *s, const char *want)
{
	_cleanup_buf_ struct buf out = {};

	event_sums_text(&out, s);
	assert_false(out.failed);
	assert_string_equal(out.data, want);
}

static void test_sums_text(void **state)
{
	struct event_sums s = {.produced = 21, .told = 19, .left_out = 2, .facts_chosen = true};

	(void)state;
	expect_sums(&s, "21 facts: 19 shown, 2 filtered out, 0 lost because the kernel's ring was full, 0 lost because "
			"the reader was slow");
	s.stalls_chosen = true;
	s.stalls.told = 6;
	s.produced = s.told = 1;
	s.left_out = 0;
	expect_sums(&s,
		    "6 event-loop stalls shown; 1 fact: 1 shown, 0 filtered out, 0 lost because the kernel's ring was "
		    "full, 0 lost because the reader was slow");
	s.facts_chosen = false;
	s.stalls = (struct event_stall_sums){.told = 1, .left_out = 2, .lost_ring = 3, .unread = 4};
	expect_sums(&s, "1 event-loop stall shown, 2 filtered out, 3 lost because the kernel's ring was full, 4 lost "
			"because the reader was slow");
	s.stalls = (struct event_stall_sums){};
	expect_sums(&s, "0 event-loop stalls shown");
}

/* Stalls come from snapshots: those that are shown are counted, and so are the others. */
static void test_stalls_are_counted(void **state)
{
	struct event_choice all = {.types = 1u << EVENT_LOOP_STALL}, one = {.types = all.types, .pid = 100};
	struct stall_row rows[3] = {{.pid = 100, .tid = 100}, {.pid = 101, .tid = 101}, {.pid = 100, .tid = 102}};
	struct snapshot s = {.stalls = rows, .n_stalls = ARRAY_SIZE(rows)};
	struct event_choice *choices[] = {&all, &one};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		rows[i].container = STALL_NOWHERE;
		rows[i].comm = rows[i].thread = "node";
		rows[i].stall = (struct stall){.seconds = 0.2, .cause = "blocked", .runner = "", .runner_cgroup = ""};
	}
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
		struct event_sums sums;
		struct event_feed *f;

		assert_int_equal(event_feed_new(&f, choices[i]), 0);
		event_feed_snapshot(f, &s);
		event_feed_snapshot(f, NULL);
		event_feed_sums(f, NULL, &sums);
		assert_true(sums.stalls_chosen && !sums.facts_chosen);
		assert_int_equal(sums.stalls.told, choices[i] == &one ? 2 : 3);
		assert_int_equal(sums.stalls.left_out, choices[i] == &one ? 1 : 0);
		assert_int_equal(event_queue_lines_waiting(event_feed_queue(f)), sums.stalls.told);
		event_feed_free(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_starts),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_exec_and_exit),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_ended_in_tree),
		cmocka_unit_test(test_sums_text),
		cmocka_unit_test(test_stalls_are_counted),
		cmocka_unit_test(test_own_stall),
		cmocka_unit_test(test_oom_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
