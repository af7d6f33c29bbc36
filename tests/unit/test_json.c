/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_json.c - the JSON of snapshots made by hand: read back by jansson, keys and values of the contract, hostile
 * names, filters, and what it costs with 10,000 processes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/top_batch.h"
#include "exporters/json/json.h"
#include "exporters/views/views.h"
#include "lib/snapshot_fixture.h"
#include "view/match.h"

static json_t *written(const struct fixture *f, const struct json_options *o)
{
	_cleanup_buf_ struct buf out = {0};
	json_error_t error;
	json_t *root;

	assert_int_equal(json_write_snapshot(&out, &f->s, o), 0);
	/* One line, without bytes that a terminal or a line reader would interpret. */
	assert_int_equal(out.data[out.len - 1], '\n');
	for (size_t i = 0; i + 1 < out.len; i++)
		assert_true((unsigned char)out.data[i] >= 0x20 && out.data[i] != 0x7f);
	root = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (!root) {
		print_error("%s: %s\n", error.text, out.data);
		fail();
	}
	return root;
}

static json_t *at(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	if (!value) {
		print_error("no key %s\n", key);
		fail();
	}
	return value;
}

static json_t *row(json_t *root, const char *list, size_t i)
{
	json_t *value = json_array_get(at(root, list), i);

	assert_non_null(value);
	return value;
}

static void assert_text(json_t *object, const char *key, const char *want)
{
	assert_true(json_is_string(at(object, key)));
	assert_string_equal(json_string_value(at(object, key)), want);
}

static void assert_number(json_t *object, const char *key, double want)
{
	assert_true(json_is_number(at(object, key)));
	assert_true(json_number_value(at(object, key)) == want);
}

static void test_contract(void **state)
{
	struct fixture f;
	json_t *root, *c, *p;

	(void)state;
	fixture_init(&f, 2, 1, 1);
	f.s.v[HOST_CPUS] = 2;
	f.s.v[HOST_BOOT_TIME] = 1600000000.5e9;
	f.s.v[HOST_ATTRIBUTED] = 0.99;
	f.containers[0].id = "0123abc";
	f.containers[0].v[CONTAINER_CPU_USAGE] = 12345123456789.0;
	f.containers[0].v[CONTAINER_MEMORY_USAGE] = 67108864;
	f.containers[0].v[CONTAINER_TASKS_RUNNING] = 1;
	f.containers[0].v[CONTAINER_CPU_LIMIT] = 0.25;
	f.containers[1].name = "second";
	f.containers[1].dead = true;
	f.containers[1].dead_seconds = 2.5;
	f.containers[1].state = "dead";
	f.containers[1].uid = 1000;
	f.groups[0].v[GROUP_PROCESSES] = 3;
	f.processes[0] = (struct process_row){.pid = 42,
					      .ppid = 1,
					      .uid = 1000,
					      .namespace_pid = 7,
					      .start_time = 1700000000.25,
					      .comm = "ruby",
					      .thread = "MainThread",
					      .container = 1,
					      .state = 'S',
					      .capabilities_effective = 0xa80425fb,
					      .namespaces = {4026531836, 0, 4026531840}};
	fixture_absent(f.processes[0].v, PROCESS_METRICS);
	f.processes[0].v[PROCESS_RSS] = 4096;
	root = written(&f, NULL);

	assert_number(root, "time", 1700000000.125);
	assert_number(root, "interval", 1);
	assert_number(at(root, "host"), "cpus", 2);
	assert_number(at(root, "host"), "boot_time", 1600000000.5);
	assert_number(at(root, "host"), "attributed_ratio", 0.99);
	assert_text(at(root, "host"), "kernel", "6.1.0");
	assert_true(json_is_null(at(at(root, "host"), "memory_bytes")));
	assert_number(at(root, "losses"), "gone_folded", 3);
	assert_number(at(root, "losses"), "ring_full", 0);
	assert_text(row(root, "collectors", 1), "name", "cgroupfs");
	assert_true(json_is_false(at(row(root, "collectors", 1), "ok")));

	c = row(root, "containers", 0);
	assert_text(c, "name", "web");
	assert_text(c, "id", "0123abc");
	assert_text(c, "runtime", "docker");
	assert_text(c, "kind", "container");
	assert_text(c, "cgroup", "/docker/web");
	assert_text(c, "state", "running");
	assert_true(json_is_null(at(c, "image")));
	assert_true(json_is_null(at(c, "uid")));
	assert_null(json_object_get(c, "labels"));
	assert_number(c, "cpu_seconds_total", 12345.123456789);
	assert_true(json_is_integer(at(c, "memory_bytes")));
	assert_number(c, "memory_bytes", 67108864);
	assert_number(at(c, "tasks"), "running", 1);
	assert_true(json_is_null(at(at(c, "tasks"), "sleeping")));
	assert_number(c, "cpu_limit_cores", 0.25);
	assert_true(json_is_null(at(c, "memory_limit_bytes")));
	assert_number(row(root, "containers", 1), "uid", 1000);
	assert_number(row(root, "containers", 1), "dead_seconds", 2.5);

	p = row(root, "processes", 0);
	assert_number(p, "pid", 42);
	assert_number(p, "namespace_pid", 7);
	assert_number(p, "start_time", 1700000000.25);
	assert_text(p, "comm", "ruby");
	assert_text(p, "main_thread", "MainThread");
	assert_text(p, "container", "second");
	assert_text(p, "state", "S");
	assert_text(p, "capabilities", "0x00000000a80425fb");
	assert_true(json_is_false(at(p, "kernel")));
	assert_number(at(p, "namespaces"), "pid", 4026531836.0);
	assert_number(at(p, "namespaces"), "net", 4026531840.0);
	assert_null(json_object_get(at(p, "namespaces"), "mnt"));
	assert_number(p, "rss_bytes", 4096);
	assert_true(json_is_null(at(p, "cpu_cores")));

	assert_text(row(root, "groups", 0), "comm", "nginx");
	assert_text(row(root, "groups", 0), "container", "web");
	assert_text(row(root, "groups", 0), "state", "running");
	assert_number(row(root, "groups", 0), "processes", 3);
	json_decref(root);
	fixture_free(&f);
}

static void test_hostile_names(void **state)
{
	static const struct {
		const char *comm, *want;
	} rows[] = {
		{"caf\xe9", "caf\xef\xbf\xbd"},	      {"\x1b[31m\"\\\n", "\x1b[31m\"\\\n"},
		{"\x7f\xc2\x9b", "\\x7f\\x9b"},	      {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"\"},{\"pid\":1", "\"},{\"pid\":1"}, {"", ""},
	};
	struct fixture f;
	json_t *root;

	(void)state;
	fixture_init(&f, 1, 1, ARRAY_SIZE(rows));
	f.containers[0].name = "w\xff\"\n";
	f.containers[0].image = "i\x01\xc2\x85";
	f.containers[0].cgroup = "/x (deleted)\xc3";
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		f.processes[i].comm = rows[i].comm;
	root = written(&f, NULL);
	assert_int_equal(json_array_size(at(root, "processes")), ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_text(row(root, "processes", i), "comm", rows[i].want);
		assert_text(row(root, "processes", i), "container", "w\xef\xbf\xbd\"\n");
	}
	assert_text(row(root, "containers", 0), "image", "i\x01\\x85");
	assert_text(row(root, "containers", 0), "cgroup", "/x (deleted)\xef\xbf\xbd");
	json_decref(root);
	fixture_free(&f);
}

static void test_labels(void **state)
{
	static const struct {
		const char *labels, *want; /* want NULL: left out */
	} rows[] = {
		{"", NULL},
		{"{}", "{}"},
		{"{\"a\":\"b\"}", "{\"a\":\"b\"}"},
		{"{\"a\":\"b\",\"n\":1,\"o\":{\"p\":[]}}", "{\"a\":\"b\"}"},
		{"{\"a\":\"\\u009b\\u007f\"}", "{\"a\":\"\\\\x9b\\\\x7f\"}"},
		{"{\"\\u009b\":\"x\"}", "{\"\\\\x9b\":\"x\"}"},
		{"[\"a\"]", NULL},
		{"\"a\"", NULL},
		{"{\"a\":\"b\"", NULL},
		{"{\"a\":\"\xff\"}", NULL},
		{"{\"a\":\"b\"} x", NULL},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixture f;
		json_t *root, *labels;

		fixture_init(&f, 1, 0, 0);
		f.containers[0].labels = rows[i].labels;
		root = written(&f, NULL);
		labels = json_object_get(row(root, "containers", 0), "labels");
		if (rows[i].want) {
			_cleanup_free_ char *text = json_dumps(labels, JSON_COMPACT);

			assert_string_equal(text, rows[i].want);
		} else {
			assert_null(labels);
		}
		json_decref(root);
		fixture_free(&f);
	}
}

/* Infinite and absurd numbers are null: no error, and no text that parsers refuse. */
static void test_numbers(void **state)
{
	static const struct {
		double v, want; /* want absent: null */
	} rows[] = {
		{INFINITY, VALUE_ABSENT},
		{-INFINITY, VALUE_ABSENT},
		{VALUE_ABSENT, VALUE_ABSENT},
		{0, 0},
		{-5, -5},
		{1e300, 1e300},
		{9007199254740993.0, 9007199254740992.0},
		{0.5, 0.5},
		{18446744073709551615.0, 1.84467440737096e19},
	};
	struct fixture f;

	(void)state;
	fixture_init(&f, 1, 0, 1);
	f.processes[0].start_time = VALUE_ABSENT;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *root;

		f.containers[0].v[CONTAINER_MEMORY_USAGE] = rows[i].v;
		root = written(&f, NULL);
		if (value_absent(rows[i].want))
			assert_true(json_is_null(at(row(root, "containers", 0), "memory_bytes")));
		else
			assert_number(row(root, "containers", 0), "memory_bytes", rows[i].want);
		assert_true(json_is_null(at(row(root, "processes", 0), "start_time")));
		json_decref(root);
	}
	fixture_free(&f);
}

static void test_options(void **state)
{
	static const uint32_t second[] = {1}, turned[] = {3, 0};
	const struct json_list lists[] = {{"containers", second, 1}, {"processes", turned, 2}, {"groups", NULL, 0}};
	struct json_options o = {.lists = lists, .n_lists = ARRAY_SIZE(lists)};
	struct fixture f;
	json_t *root;

	(void)state;
	fixture_init(&f, 3, 3, 4);
	f.containers[1].name = "second";
	root = written(&f, &o);
	assert_int_equal(json_array_size(at(root, "containers")), 1);
	assert_text(row(root, "containers", 0), "name", "second");
	assert_int_equal(json_array_size(at(root, "groups")), 0);
	assert_int_equal(json_array_size(at(root, "processes")), 2);
	assert_number(row(root, "processes", 0), "pid", 4);
	assert_number(row(root, "processes", 1), "pid", 1);
	at(root, "loops");
	json_decref(root);

	o = (struct json_options){.view = "loops"};
	root = written(&f, &o);
	assert_null(json_object_get(root, "containers"));
	assert_null(json_object_get(root, "processes"));
	assert_null(json_object_get(root, "groups"));
	at(root, "loops");
	at(root, "host");
	at(root, "losses");
	json_decref(root);
	fixture_free(&f);
}

/* What `top --json` with these options has: comma-separated names of containers, comms of groups, pids, births. */
static void assert_top(const struct fixture *f, const struct top_batch *b, const char *containers, const char *groups,
		       const char *pids, const char *births)
{
	static const char *const keys[][2] = {
		{"containers", "name"}, {"groups", "comm"}, {"processes", "pid"}, {"births", "container"}};
	const char *const want[] = {containers, groups, pids, births};
	_cleanup_buf_ struct buf out = {};
	json_t *root;

	assert_int_equal(top_json_write(&out, &f->s, b), 0);
	root = json_loadb(out.data, out.len, 0, NULL);
	assert_non_null(root);
	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		_cleanup_buf_ struct buf got = {};
		json_t *list = at(root, keys[k][0]);

		for (size_t i = 0; i < json_array_size(list); i++) {
			json_t *v = at(json_array_get(list, i), keys[k][1]);

			if (json_is_string(v))
				buf_printf(&got, "%s%s", i ? "," : "", json_string_value(v));
			else
				buf_printf(&got, "%s%lld", i ? "," : "", (long long)json_integer_value(v));
		}
		assert_string_equal(got.data ? got.data : "", want[k]);
	}
	json_decref(root);
}

static void assert_pids(const struct fixture *f, const struct top_batch *b, const char *key, const char *want)
{
	_cleanup_buf_ struct buf out = {}, got = {};
	json_t *root, *list;

	assert_int_equal(top_json_write(&out, &f->s, b), 0);
	root = json_loadb(out.data, out.len, 0, NULL);
	assert_non_null(root);
	list = at(root, key);
	for (size_t i = 0; i < json_array_size(list); i++)
		buf_printf(&got, "%s%lld", i ? "," : "",
			   (long long)json_integer_value(at(json_array_get(list, i), "pid")));
	assert_string_equal(got.data ? got.data : "", want);
	json_decref(root);
}

static void top_fixture(struct fixture *f, struct start_row *births)
{
	static const char *const comms[] = {"nginx", "postgres", "sshd", "nginx"};

	fixture_init(f, 3, 3, 4);
	f->containers[0].name = "web";
	f->containers[1].name = "db";
	f->containers[2].name = "ssh";
	f->containers[2].kind = "service";
	for (uint32_t i = 0; i < 3; i++) {
		f->containers[i].v[CONTAINER_CPU_CORES] = i == 1 ? 2 : 1 - i * 0.25;
		f->groups[i].container = i;
		f->groups[i].comm = comms[i];
	}
	for (uint32_t i = 0; i < 4; i++) {
		f->processes[i].container = i % 3;
		f->processes[i].comm = comms[i];
		f->processes[i].v[PROCESS_RSS] = 1000 * (i ^ 1);
		f->processes[i].v[PROCESS_CPU_CORES] = i;
	}
	births[0] = (struct start_row){.container = "db", .cgroup = "/db", .id = "", .state = "ready", .ready_by = ""};
	births[1] =
		(struct start_row){.container = "web", .cgroup = "/web", .id = "", .state = "ready", .ready_by = ""};
	f->s.births = births;
	f->s.n_births = 2;
}

/* OOM kills are those of the chosen containers, also of one that is gone. */
static void test_top_oom_kills(void **state)
{
	const char *names[] = {"db"};
	cleanup(match_choice_free) struct match_choice some = {}, none = {};
	struct oom_row kills[3] = {{.container = 0}, {.container = 1}, {.container = OOM_NOWHERE}};
	static const char *const container[] = {"web", "db", "db"};
	struct start_row births[2];
	struct table_choice c;
	struct top_batch b = {.choice = &c, .json = true};
	struct fixture f;

	(void)state;
	top_fixture(&f, births);
	for (uint32_t i = 0; i < 3; i++) {
		kills[i].pid = 7 + i;
		kills[i].container_name = container[i];
		kills[i].container_cgroup = kills[i].limit_of = kills[i].limit_scope = kills[i].exhausted = "";
		kills[i].comm = kills[i].thread = kills[i].asker = kills[i].largest_of = "";
	}
	f.s.oom_kills = kills;
	f.s.n_oom_kills = 3;
	match_choice_init(&some, names, 1);
	match_choice_init(&none, names, 0);
	table_choice_init(&c, &view_containers);
	c.containers = &none;
	assert_pids(&f, &b, "oom_kills", "7,8,9");
	c.containers = &some;
	assert_pids(&f, &b, "oom_kills", "8,9");
	fixture_free(&f);
}

/* Ports, and pairs at a disk, are those of the chosen container, whichever of the two it is; devices are the machine's. */
static void test_top_ports(void **state)
{
	static const char *const keys[] = {"ports", "disk_neighbours", "devices"};
	static const size_t all[] = {3, 3, 1}, of_db[] = {1, 2, 1}, of_containers[] = {2, 3, 1};
	static const struct port_row ports[] = {{.container = 0, .port = 80, .direction = "from"},
						{.container = 1, .port = 5432, .direction = "from"},
						{.container = 2, .port = 22, .direction = "from"}};
	static const struct disk_neighbour_row pairs[] = {{.waiter = 0, .filler = 1, .device = "sda"},
							  {.waiter = 1, .filler = 2, .device = "sda"},
							  {.waiter = 0, .filler = NEIGHBOUR_OTHERS, .device = "sda"}};
	static const struct device_row devices[] = {{.name = "sda"}};
	const char *names[] = {"db"};
	cleanup(match_choice_free) struct match_choice some = {}, none = {};
	struct start_row births[2];
	struct table_choice c;
	struct top_batch b = {.choice = &c, .json = true};
	struct fixture f;

	(void)state;
	top_fixture(&f, births);
	f.s.ports = ports;
	f.s.n_ports = ARRAY_SIZE(ports);
	f.s.disk_neighbours = pairs;
	f.s.n_disk_neighbours = ARRAY_SIZE(pairs);
	f.s.devices = devices;
	f.s.n_devices = ARRAY_SIZE(devices);
	match_choice_init(&some, names, 1);
	match_choice_init(&none, names, 0);
	table_choice_init(&c, &view_containers);
	for (int round = 0; round < 4; round++) {
		const size_t *want = round == 0 ? all : round == 3 ? of_containers : of_db;
		_cleanup_buf_ struct buf out = {};
		json_t *root;

		c.containers = round == 1 ? &some : &none;
		c.filter = round == 2 ? "db" : NULL;
		c.containers_only = round == 3;
		assert_int_equal(top_json_write(&out, &f.s, &b), 0);
		root = json_loadb(out.data, out.len, 0, NULL);
		assert_non_null(root);
		for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
			assert_int_equal(json_array_size(at(root, keys[k])), want[k]);
		json_decref(root);
	}
	fixture_free(&f);
}

/* `top --view findings --json` is the object of `diagnose`, also before anything was judged. */
static void test_top_findings(void **state)
{
	cleanup(match_choice_free) struct match_choice none = {};
	struct start_row births[2];
	struct table_choice c;
	struct top_batch b = {.choice = &c, .json = true, .view_only = true};
	struct fixture f;

	(void)state;
	top_fixture(&f, births);
	match_choice_init(&none, NULL, 0);
	table_choice_init(&c, &view_findings);
	c.containers = &none;
	for (int round = 0; round < 3; round++) {
		_cleanup_buf_ struct buf out = {};
		json_t *root;

		assert_int_equal(top_json_write(&out, &f.s, &b), 0);
		root = json_loadb(out.data, out.len, 0, NULL);
		assert_non_null(root);
		assert_int_equal(json_array_size(at(root, "findings")), 0);
		at(root, "could_not_judge");
		json_decref(root);
	}
	fixture_free(&f);
}

/* The options that choose and order rows mean the same as on the screen; without one the snapshot is whole. */
static void test_top_json(void **state)
{
	const char *names[] = {"db", "ssh"};
	cleanup(match_choice_free) struct match_choice some = {}, none = {};
	_cleanup_buf_ struct buf whole = {}, plain = {};
	struct start_row births[2];
	struct table_choice c;
	struct top_batch b = {.choice = &c, .json = true};
	struct fixture f;

	(void)state;
	top_fixture(&f, births);
	match_choice_init(&some, names, 2);
	match_choice_init(&none, names, 0);
	table_choice_init(&c, &view_containers);
	c.containers = &none;
	assert_int_equal(json_write_snapshot(&whole, &f.s, NULL), 0);
	assert_int_equal(top_json_write(&plain, &f.s, &b), 0);
	assert_string_equal(plain.data, whole.data);
	assert_top(&f, &b, "web,db,ssh", "nginx,postgres,sshd", "1,2,3,4", "db,web");
	c.containers = &some;
	assert_top(&f, &b, "db,ssh", "postgres,sshd", "2,3", "db");
	c.containers = &none;
	c.filter = "NGINX";
	assert_top(&f, &b, "", "nginx", "1,4", "");
	c.filter = "web";
	assert_top(&f, &b, "web", "nginx", "1,4", "web");
	c.filter = NULL;
	c.containers_only = true;
	assert_top(&f, &b, "web,db", "nginx,postgres", "1,2,4", "db,web");
	c.containers_only = false;
	b.sort = "cpu_cores"; /* both lists have it */
	assert_top(&f, &b, "db,web,ssh", "nginx,postgres,sshd", "4,3,2,1", "db,web");
	c.reverse = true;
	assert_top(&f, &b, "ssh,web,db", "nginx,postgres,sshd", "1,2,3,4", "db,web");
	c.reverse = false;
	b.sort = "rss_bytes"; /* only one has it */
	assert_top(&f, &b, "web,db,ssh", "nginx,postgres,sshd", "3,4,1,2", "db,web");
	b.sort = "name"; /* of processes: the comm */
	assert_top(&f, &b, "db,ssh,web", "nginx,postgres,sshd", "1,4,2,3", "db,web");
	fixture_free(&f);
}

/* The bound leaves room for sanitizers; the figure is printed. */
static void test_speed(void **state)
{
	_cleanup_buf_ struct buf out = {0};
	struct timespec before, after;
	struct fixture f;
	double ms;

	(void)state;
	fixture_init(&f, 1, 0, 10000);
	for (int i = 0; i < 10000; i++)
		for (int m = 0; m < PROCESS_METRICS; m++)
			f.processes[i].v[m] = 1234567891.0 * (m + 1) + i;
	for (int i = 0; i < 2; i++) {
		buf_reset(&out);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
		assert_int_equal(json_write_snapshot(&out, &f.s, NULL), 0);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
		ms = (double)(after.tv_sec - before.tv_sec) * 1e3 + (double)(after.tv_nsec - before.tv_nsec) / 1e6;
		print_message("# 10,000 processes: %.1f ms, %zu bytes\n", ms, out.len);
	}
	assert_true(ms < 3000);
	fixture_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contract),     cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_labels),	     cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_options),	     cmocka_unit_test(test_top_json),
		cmocka_unit_test(test_top_findings), cmocka_unit_test(test_top_oom_kills),
		cmocka_unit_test(test_top_ports),    cmocka_unit_test(test_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
