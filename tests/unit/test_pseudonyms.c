/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_pseudonyms.c - what `bugreport --redact` leaves of names: nothing in any byte of the recording that it makes, whose texts
 * are told apart as before all the same; and a text of a field that nobody has thought of is replaced.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "past/extract.h"
#include "record/archive.h"
#include "record/facts/fields.h"
#include "record/shape/shape.h"

#define SECRET "shopsecret"

static struct pseudonyms *names;
static char top[64], from[96], to[96];

static int names_setup(void **state)
{
	(void)state;
	names = pseudonyms_new();
	strcpy(top, "/tmp/sysscope-names.XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(from, sizeof(from), "%s/from", top);
	snprintf(to, sizeof(to), "%s/to", top);
	return !names;
}

static int names_teardown(void **state)
{
	char command[128];

	(void)state;
	pseudonyms_free(names);
	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return system(command);
}

static const char *stands(const char *table, const char *field, const char *text)
{
	return pseudonym(names, table, field, text);
}

/* ---- what is kept ---- */

/* Each text field of a recording. What is not in `kept` is replaced, also a field that comes later. */
static void every_field(void **state)
{
	static const char kept[] =
		" host.kernel host.machine host.in_container host.pressure_reason host.attributed_reason "
		"host.rollup.reason"
		" containers.runtime containers.kind containers.state processes.model loops.last_stall.cause"
		" stalls.stall.cause transitions.how ports.direction births.state births.ready_by oom_kills.exhausted"
		" oom_kills.limit_scope losses.kind collectors.name ";

	(void)state;
	for (int t = 0; t < SHAPE_TABLES; t++)
		for (size_t i = 0; i < shapes[t].n_fields; i++) {
			const struct shape_field *f = &shapes[t].fields[i];
			char wanted[128];

			if (shape_cell_type(f) != CELL_TEXT)
				continue;
			snprintf(wanted, sizeof(wanted), " %s.%s ", shapes[t].name, f->name);
			assert_int_equal(strstr(kept, wanted) != NULL, pseudonym_is_kept(shapes[t].name, f->name));
			if (!strstr(kept, wanted)) {
				assert_null(strstr(stands(shapes[t].name, f->name, SECRET), SECRET));
				assert_null(strstr(stands(shapes[t].name, f->name, "/a/" SECRET "/b.service"), SECRET));
			}
		}
	assert_null(strstr(stands("of_the_future", "what", SECRET), SECRET));
}

/* The same of events. */
static void every_field_of_events(void **state)
{
	static const char kept[] =
		" event.how event.runtime event.container_kind oom.exhausted oom.limit_scope stall.cause ";

	(void)state;
	for (size_t i = 0; i < FACT_FIELDS; i++) {
		const struct fact_field *f = &fact_fields[i];
		char table[16], wanted[64];
		const char *field;

		if (!f->size || f->form != FORM_WORDS)
			continue;
		field = strrchr(f->name, '.') + 1;
		snprintf(table, sizeof(table), "%.*s", (int)strcspn(f->name, "."), f->name);
		snprintf(wanted, sizeof(wanted), " %s.%s ", table, field);
		assert_int_equal(strstr(kept, wanted) != NULL, pseudonym_is_kept(table, field));
		if (!strstr(kept, wanted))
			assert_null(strstr(stands(table, field, SECRET), SECRET));
	}
}

/* The same name is the same everywhere, and so are its id and what is below it. */
static void consistent(void **state)
{
	char name[64], id[64], path[128];

	(void)state;
	snprintf(name, sizeof(name), "%s", stands("containers", "name", SECRET));
	snprintf(id, sizeof(id), "%s", stands("containers", "id", "0123abc"));
	assert_string_equal(name, "container-1");
	assert_string_equal(stands("loops", "last_stall.runner", SECRET), name);
	snprintf(path, sizeof(path), "/system.slice/docker-%s.scope", id);
	assert_string_equal(stands("containers", "cgroup", "/system.slice/docker-0123abc.scope"), path);
	snprintf(path, sizeof(path), "/%s/sub", name);
	assert_memory_equal(stands("containers", "cgroup", "/" SECRET "/x"), path, strlen(name) + 2);
	assert_string_not_equal(stands("containers", "name", SECRET "2"), name);
	assert_string_equal(stands("containers", "labels", "{\"a\":\"" SECRET "\"}"), "");
	assert_string_equal(stands("devices", "name", "nvme0n1"), "nvme0n1");
	assert_null(strstr(stands("devices", "name", "vg-" SECRET), SECRET));
	assert_string_equal(stands("processes", "comm", "dockerd"), "dockerd");
	assert_string_equal(stands("containers", "name", ""), "");
}

static void many(void **state)
{
	char before[64], name[32];

	(void)state;
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 5000; i++) {
			snprintf(name, sizeof(name), "name %d", i);
			snprintf(before, sizeof(before), "process-%d", i + 1);
			assert_string_equal(stands("processes", "comm", name), before);
		}
	assert_int_equal(pseudonyms_failed(names), 0);
}

static void page(void **state)
{
	_cleanup_buf_ struct buf out = {};

	(void)state;
	pseudonyms_page(names, &out, "v1 cpu /sys/fs/cgroup/cpu\nroot /home/" SECRET "/docker, '/srv/" SECRET "'\n");
	assert_null(strstr(out.data, SECRET));
	assert_non_null(strstr(out.data, "v1 cpu /sys/fs/cgroup/cpu\nroot /name-1/name-2/docker, '/name-3/name-2'\n"));
}

/* ---- a recording ---- */

/* Plants a name of its own in each text. */
static const char *planted(void *ctx, const char *table, const char *field, const char *text)
{
	static char out[160];

	(void)ctx;
	if (pseudonym_is_kept(table, field))
		return text;
	snprintf(out, sizeof(out), "%s" SECRET "-%.20s-%s", *text == '/' ? "/" : "", field,
		 *text == '/' ? text + 1 : text);
	return out;
}

#define EVENTS 3

/* Of each kind that has texts of its own; all of them are planted. */
static void events_plant(struct recorder *r)
{
	static const char x[] = "x";
	static const uint32_t inodes[NAMESPACE_KINDS] = {1};
	const struct oom_row kill = {.container_name = x,
				     .container_cgroup = "/c",
				     .comm = x,
				     .asker = x,
				     .exhausted = "memory_limit",
				     .limit_scope = "own",
				     .limit_of = "/c",
				     .largest = {{.comm = "l", .container = "l"}},
				     .n_largest = 1,
				     .largest_of = "/c"};
	const struct stall stall = {.runner = "y", .runner_cgroup = "/y", .cause = "oncpu"};
	struct event e = {.time = 1700000000.5,
			  .container = x,
			  .container_cgroup = "/c",
			  .container_kind = "container",
			  .container_id = "0",
			  .container_pod = "p",
			  .comm = "a",
			  .thread = "b",
			  .pid = 7,
			  .path = "/usr/bin/a",
			  .how = "setns",
			  .from = inodes,
			  .to = inodes,
			  .cgroup = "/c",
			  .runtime = "docker",
			  .image = "i",
			  .id = "0",
			  .memory_limit_of = "/c",
			  .oom = &kill,
			  .stall = &stall};
	static const enum event_type types[EVENTS] = {EVENT_EXEC, EVENT_OOM_KILL, EVENT_LOOP_STALL};

	for (size_t i = 0; i < EVENTS; i++) {
		e.type = types[i];
		assert_int_equal(recorder_fact(r, &e), 0);
	}
}

/* A row of each table that has texts. */
/* clang-format off */
static void recording_plant(struct recorder *r)
{
	static const char x[] = "x";
	struct oom_row kill = {.container_name = x, .container_cgroup = "/c", .comm = x, .thread = x, .asker = x, .limit_of = "/c",
			       .largest = {{.comm = "l", .container = "l"}}, .n_largest = 1, .largest_of = "/c"};
	struct instance_row instance = {.name = x};
	struct container_row c = {.name = x, .id = "0", .image = "i", .pod = "p", .namespace_ = "n", .labels = "{}",
			     .kind = "container",
				  .cgroup = "/c", .parent = "q", .parent_cgroup = "/q", .cpu_limit_of = "/c", .throttled_by = "/c",
				  .instances = &instance, .n_instances = 1, .last_oom = &kill};
	struct concurrency one = {.evidence = {.pool_name = "pool"}};
	struct process_row p = {.pid = 1, .comm = "a", .thread = "b", .guest = "g", .concurrency = &one};
	struct loop_row loop = {.thread = "t", .last_stall = {.runner = "y", .runner_cgroup = "/y", .cause = "oncpu"}};
	struct stall_row stall = {.comm = "a", .thread = "t", .stall = {.runner = "y", .runner_cgroup = "/y"}};
	struct disk_row disk = {.device = "vg"};
	struct device_row device = {.name = "vg"};
	struct interface_row interface = {.name = "if", .host_interface = "ifh", .bridge = "brx"};
	struct group_row group = {.comm = "a"};
	struct check_row check = {.comm = "a", .count = 1};
	struct start_row birth = {.container = x, .cgroup = "/c", .id = "0", .exit_comm = "a"};
	struct snapshot s = {.sequence = 1, .time = 1700000000, .hostname = "h", .kernel = "6.1", .containers = &c,
			     .n_containers = 1,
			     .processes = &p, .n_processes = 1, .loops = &loop, .n_loops = 1, .stalls = &stall, .n_stalls = 1,
			     .disks = &disk, .n_disks = 1, .devices = &device, .n_devices = 1, .interfaces = &interface,
			     .n_interfaces = 1, .groups = &group, .n_groups = 1, .checks = &check, .n_checks = 1, .births = &birth,
			     .n_births = 1, .oom_kills = &kill, .n_oom_kills = 1};

	recorder_rename(r, planted, NULL);
	for (int i = 0; i < 3; i++, s.time++, s.sequence++)
		assert_int_equal(recorder_note(r, &s), 0);
	events_plant(r);
	recorder_close(r);
}
/* clang-format on */

/* How often the name is in what the blocks hold. */
static size_t secrets_count(const char *folder, size_t *ret_of_events)
{
	_cleanup_buf_ struct buf error = {};
	struct archive *a = NULL;
	struct archive_block b;
	size_t n = 0;

	assert_int_equal(archive_open(&a, folder, &error), 0);
	*ret_of_events = 0;
	n += strstr(archive_header(a, 0)->host, SECRET) != NULL;
	while (archive_next(a, false, &b) == 1)
		for (const char *at = b.bytes, *end = at + b.n;
		     (at = memmem(at, (size_t)(end - at), SECRET, strlen(SECRET))); at++) {
			n++;
			*ret_of_events += b.kind == BLOCK_FACTS;
		}
	archive_close(a);
	return n;
}

/* They are there, with names that fit those of the states, and what is no name as it was. */
static void events_check(void)
{
	_cleanup_buf_ struct buf error = {};
	struct fact_reader reader = {};
	struct archive *a = NULL;
	struct archive_block b;
	struct fact_room room;
	size_t n = 0;

	assert_int_equal(archive_open(&a, to, &error), 0);
	archive_only_facts(a);
	archive_rewind(a, 0);
	while (archive_next(a, false, &b) == 1) {
		fact_reader_begin(&reader, b.bytes, b.n);
		while (fact_reader_next(&reader, &room) == 1) {
			n++;
			assert_int_equal(room.event.pid, 7);
			assert_true(room.event.time == 1700000000.5);
			assert_memory_equal(room.event.container, "container-", 10);
			assert_memory_equal(room.event.container_cgroup, "/name-", 6);
			assert_string_equal(room.event.runtime, "docker");
			assert_string_equal(room.event.how, "setns");
			if (room.event.oom)
				assert_string_equal(room.event.oom->exhausted, "memory_limit");
			if (room.event.stall)
				assert_string_equal(room.event.stall->cause, "oncpu");
		}
	}
	assert_int_equal(n, EVENTS);
	fact_reader_free(&reader);
	archive_close(a);
}

static void nothing_left(void **state)
{
	struct extract_choice c = {.to = 1e18, .names = names};
	struct extract_origin of = {.host = SECRET, .kernel = "6.1", .interval = 1, .fact_kinds = 5};
	_cleanup_buf_ struct buf error = {};
	struct recorder *r = NULL;
	struct replay *replay = NULL;
	const struct snapshot *s;
	uint64_t lost = 1;
	size_t of_events;
	int failed;

	(void)state;
	assert_int_equal(extract_begin(&r, from, &of, NULL, &error), 0);
	recording_plant(r);
	assert_true(secrets_count(from, &of_events) > 30);
	assert_true(of_events > 15);
	assert_int_equal(replay_open(&replay, from, &error), 0);
	/* A copy is made with it, before anything is read. */
	assert_int_equal(replay_place(replay)->interval_ns, 1000000000);
	of = (struct extract_origin){.host = replay_host(replay),
				     .kernel = replay_kernel(replay),
				     .interval = 1,
				     .fact_kinds = replay_fact_kinds(replay)};
	assert_int_equal(of.fact_kinds, 5);
	assert_int_equal(extract_begin(&r, to, &of, names, &error), 0);
	assert_int_equal(extract_copy(r, replay, &c, &lost), 0);
	assert_int_equal(lost, 0);
	recorder_close(r);
	replay_close(replay);
	assert_int_equal(secrets_count(to, &of_events), 0);
	events_check();
	assert_int_equal(replay_open(&replay, to, &error), 0);
	s = replay_source(replay)->next(replay_source(replay)->ctx, &failed);
	assert_non_null(s);
	assert_memory_equal(s->containers[0].cgroup, "/name-", 6);
	assert_memory_equal(s->processes[0].comm, "process-", 8);
	assert_string_equal(s->kernel, "6.1");
	assert_true(s->time == 1700000000);
	replay_close(replay);
}

#define names_test(f) cmocka_unit_test_setup_teardown(f, names_setup, names_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {names_test(every_field), names_test(every_field_of_events),
					   names_test(consistent),  names_test(many),
					   names_test(page),	    names_test(nothing_left)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
