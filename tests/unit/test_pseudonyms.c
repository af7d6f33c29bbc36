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
#include "record/state/shape.h"

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
	recorder_close(r);
}
/* clang-format on */

/* How often the name is in what the blocks hold. */
static size_t secrets_count(const char *folder)
{
	_cleanup_buf_ struct buf error = {};
	struct archive *a = NULL;
	struct archive_block b;
	size_t n = 0;

	assert_int_equal(archive_open(&a, folder, &error), 0);
	n += strstr(archive_header(a, 0)->host, SECRET) != NULL;
	while (archive_next(a, false, &b) == 1)
		for (const char *at = b.bytes, *end = at + b.n;
		     (at = memmem(at, (size_t)(end - at), SECRET, strlen(SECRET))); at++)
			n++;
	archive_close(a);
	return n;
}

static void nothing_left(void **state)
{
	struct extract_choice c = {.to = 1e18, .names = names};
	_cleanup_buf_ struct buf error = {};
	struct recorder *r = NULL;
	struct replay *replay = NULL;
	const struct snapshot *s;
	int failed;

	(void)state;
	assert_int_equal(extract_begin(&r, from, SECRET, "6.1", 1, NULL, &error), 0);
	recording_plant(r);
	assert_true(secrets_count(from) > 30);
	assert_int_equal(replay_open(&replay, from, &error), 0);
	/* A copy is made with it, before anything is read. */
	assert_int_equal(replay_place(replay)->interval_ns, 1000000000);
	assert_int_equal(extract_begin(&r, to, replay_host(replay), replay_kernel(replay), 1, names, &error), 0);
	assert_int_equal(extract_copy(r, replay, &c), 0);
	recorder_close(r);
	replay_close(replay);
	assert_int_equal(secrets_count(to), 0);
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
	const struct CMUnitTest tests[] = {names_test(every_field), names_test(consistent), names_test(many),
					   names_test(page), names_test(nothing_left)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
