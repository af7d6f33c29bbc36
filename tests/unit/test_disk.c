/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_disk.c - texts of io.stat and /proc/diskstats; what the model makes of rows that come, grow, and die with their
 * container.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cgroup/io.h"
#include "exporters/detail/detail.h"
#include "lib/model_scene.h"
#include "machine/disks.h"

#define SDA  (8u << SS_DISK_MINOR_BITS)
#define LOOP (7u << SS_DISK_MINOR_BITS | 3)

struct lines {
	struct sample_io at[8];
	size_t n;
};

static int line_keep(void *ctx, const struct sample_io *io)
{
	struct lines *lines = ctx;

	assert_true(lines->n < 8);
	lines->at[lines->n++] = *io;
	return 0;
}

static int io_parse(struct lines *lines, const char *text)
{
	lines->n = 0;
	return cgroup_io_parse(text, strlen(text), line_keep, lines);
}

static void test_io_stat(void **state)
{
	struct lines l;

	(void)state;
	assert_int_equal(
		io_parse(&l, "8:0 rbytes=151552 wbytes=413696 rios=37 wios=101 dbytes=5 dios=2\n"
			     "7:3 rbytes=1 wbytes=0 rios=1 wios=0 dbytes=0 dios=0 cost.vrate=100.00 cost.usage=99\n"
			     "8:0 rbytes=1 wbytes=0 rios=1 wios=0 dbytes=0 dios=0 cost.usage=7 cost.wait=11 "
			     "cost.indebt=13 cost.indelay=17\n"),
		0);
	assert_int_equal(l.n, 3);
	assert_int_equal(l.at[0].device, SDA);
	assert_int_equal(l.at[0].read_bytes, 151552);
	assert_int_equal(l.at[0].write_bytes, 413696);
	assert_int_equal(l.at[0].reads, 37);
	assert_int_equal(l.at[0].writes, 101);
	assert_int_equal(l.at[0].discard_bytes, 5);
	assert_int_equal(l.at[0].discards, 2);
	assert_int_equal(l.at[0].costs, 0);
	assert_int_equal(l.at[1].device, LOOP);
	/* Without blkcg_debug_stats there is the usage alone. */
	assert_int_equal(l.at[1].costs, 1);
	assert_int_equal(l.at[1].cost_usage_us, 99);
	assert_int_equal(l.at[2].costs, 15);
	assert_int_equal(l.at[2].cost_usage_us, 7);
	assert_int_equal(l.at[2].cost_wait_us, 11);
	assert_int_equal(l.at[2].cost_indebt_us, 13);
	assert_int_equal(l.at[2].cost_indelay_us, 17);
	assert_int_equal(io_parse(&l, "8:0 rbytes=1 wbytes=0 rios=1 wios=0 dbytes=0 dios=0 cost.wait=x\n"), -EINVAL);
	/* 5.13 and 5.14 write devices without counters into the line of the next one. */
	assert_int_equal(io_parse(&l, "259:0 8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n"), 0);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.at[0].device, SDA);
	/* Without counters, cut off, without device, of another form. */
	assert_int_equal(io_parse(&l, "8:0 \n8:0 rbytes=1\nrbytes=1 wbytes=2 rios=3 wios=4\n8:0 rbytes=7 wbytes=1"), 0);
	assert_int_equal(l.n, 0);
	assert_int_equal(io_parse(&l, "8:0 rbytes=-1 wbytes=2 rios=3 wios=4\n8:0 rbytes=1 wbytes=2 rios=3 wios=4\n"),
			 -EINVAL);
	assert_int_equal(l.n, 1);
	assert_int_equal(io_parse(&l, "4096:0 rbytes=1 wbytes=2 rios=3 wios=4\n"), 0);
	assert_int_equal(l.n, 0);
}

static void test_diskstats(void **state)
{
	struct sample_device d;
	char name[32];

	(void)state;
	assert_int_equal(diskstats_line_parse(" 254       0 vda 734807 83224 23348866 784064 828382 477258 87644880 "
					      "1027113 3 216936 1952920 633682 96 70682056 111519 110307 30222",
					      &d, name),
			 0);
	assert_string_equal(name, "vda");
	assert_int_equal(d.device, 254u << SS_DISK_MINOR_BITS);
	assert_int_equal(d.reads, 734807);
	assert_int_equal(d.read_bytes, 23348866ULL * 512);
	assert_int_equal(d.read_ns, 784064000000ULL);
	assert_int_equal(d.writes, 828382);
	assert_int_equal(d.write_bytes, 87644880ULL * 512);
	assert_int_equal(d.write_ns, 1027113000000ULL);
	assert_int_equal(d.in_flight, 3);
	assert_int_equal(d.busy_ns, 216936000000ULL);
	assert_int_equal(diskstats_line_parse("", &d, name), -EINVAL);
	assert_int_equal(diskstats_line_parse("8 0 sda 1 2 3", &d, name), -EINVAL);
	assert_int_equal(diskstats_line_parse("5000 0 sda 1 2 3 4 5 6 7 8 9 10 11", &d, name), -EINVAL);
}

/* ---- the model ---- */

static struct scene scene;
static struct sample_disk final[8], open_rows[8];
static struct sample_disk_pair pairs[8];
static struct sample_io ios[8];
static struct sample_device devices[] = {
	{.device = SDA, .name = "sda", .reads = 1, .busy_ns = 1000000000},
	{.device = LOOP, .name = "loop3", .upon_others = true, .reads = 1},
};

static struct sample_cgroup *scene_begin(void)
{
	struct sample_cgroup *c;

	scene_init(&scene);
	scene.sample.disks_final = final;
	scene.sample.disks_open = open_rows;
	scene.sample.disk_pairs_final = pairs;
	scene.sample.ios = ios;
	scene.sample.devices = devices;
	scene.sample.n_devices = 2;
	scene_collector(&scene, "disk");
	scene_cgroup(&scene, 1, 0, "/", HOME_HOST, "host");
	c = scene_cgroup(&scene, 10, 1, "/docker/a", HOME_CONTAINER, "a");
	scene_process(&scene, 100, 10, "a", 1000000);
	scene_cgroup(&scene, 11, 1, "/docker/b", HOME_CONTAINER, "b");
	scene_process(&scene, 200, 11, "b", 1000000);
	return c;
}

/* Requests of 4 KiB that took 3 us each. */
static struct sample_disk requests(uint64_t cgroup, uint32_t device, enum ss_disk_operation operation, uint64_t n)
{
	return (struct sample_disk){{cgroup, device, operation},
				    {.requests = n,
				     .bytes = n * 4096,
				     .latency_ns = n * 3000,
				     .queued_ns = n * 1000,
				     .divided = n,
				     .slots = {[1] = n}}};
}

static const struct disk_row *scene_disk(const struct snapshot *s, const char *cgroup, const char *device)
{
	const struct container_row *c = scene_row(s, cgroup);

	for (size_t i = 0; i < c->n_disks; i++)
		if (strcmp(c->disks[i].device, device) == 0)
			return &c->disks[i];
	return NULL;
}

/* A row in the table in use grows, and comes once more when that table is emptied. */
static void test_hook_rows(void **state)
{
	struct sample_cgroup *c = scene_begin();
	struct model *m = model_new();
	const struct disk_row *d;
	const struct snapshot *s;

	(void)state;
	c->files.pids = 1;
	c->files.io_charged = 0;
	open_rows[0] = requests(10, SDA, SS_DISK_READ, 5);
	open_rows[1] = requests(10, LOOP, SS_DISK_READ, 100);
	open_rows[2] = requests(SS_CGROUP_OTHERS, SDA, SS_DISK_READ, 1000);
	scene.sample.n_disks_open = 3;
	assert_int_equal(model_update(m, &scene.sample), 0);
	scene_tick(&scene, 2);
	final[0] = requests(10, SDA, SS_DISK_READ, 7);
	final[1] = requests(10, LOOP, SS_DISK_READ, 100);
	open_rows[0] = requests(10, SDA, SS_DISK_WRITE, 3);
	scene.sample.n_disks_final = 2;
	scene.sample.n_disks_open = 1;
	assert_int_equal(model_update(m, &scene.sample), 0);
	s = model_snapshot(m);
	d = scene_disk(s, "/docker/a", "sda");
	assert_non_null(d);
	assert_true(d->v[DISK_READS] == 7 && d->v[DISK_READ_BYTES] == 7 * 4096);
	assert_true(d->v[DISK_WRITES] == 3 && d->v[DISK_WRITE_COUNT] == 3);
	assert_true(d->v[DISK_READ_64US] == 7 && d->v[DISK_READ_INF] == 7 && d->v[DISK_READ_SUM] == 21000);
	assert_true(value_absent(d->v[DISK_FLUSH_INF]));
	assert_true(d->v[DISK_LATENCY_P99] == 4000 && d->v[DISK_QUEUED] == 10000);
	assert_true(d->v[DISK_OPERATION_RATE] == 2.5);
	assert_true(scene_row(s, "/docker/a")->v[CONTAINER_DISK_READS] == 7);
	assert_true(scene_disk(s, "/docker/a", "loop3")->v[DISK_READS] == 100);
	/* Nobody knows whether requests are charged to the other one. */
	assert_true(value_absent(scene_row(s, "/docker/b")->v[CONTAINER_DISK_READS]));
	assert_int_equal(scene_row(s, "/docker/b")->n_disks, 0);
	model_free(m);
}

static void io_set(uint64_t cgroup, uint64_t reads)
{
	ios[0] = (struct sample_io){.cgroup_id = cgroup, .device = SDA, .reads = reads, .read_bytes = reads * 512};
	scene.sample.n_ios = 1;
}

static double reads_of(struct model *m, const char *cgroup)
{
	assert_int_equal(model_update(m, &scene.sample), 0);
	scene_tick(&scene, 2);
	scene.sample.n_disks_final = scene.sample.n_disks_open = 0;
	return scene_row(model_snapshot(m), cgroup)->v[CONTAINER_DISK_READS];
}

/* io.stat goes before what the kernel half saw; a new cgroup of the same path continues; the last reads of a dead one count. */
static void test_files(void **state)
{
	struct model *m = model_new();
	struct sample_cgroup *c = scene_begin();

	(void)state;
	c->files.pids = 1;
	c->files.io_charged = 1;
	open_rows[0] = requests(10, SDA, SS_DISK_READ, 5);
	scene.sample.n_disks_open = 1;
	io_set(10, 40);
	assert_true(reads_of(m, "/docker/a") == 40);
	io_set(10, 43);
	assert_true(reads_of(m, "/docker/a") == 43);
	/* It starts again. */
	c->id = 12;
	scene.threads[0].cgroup_id = 12;
	io_set(12, 4);
	assert_true(reads_of(m, "/docker/a") == 47);
	/* It ends, and had read twice more. */
	c->alive = false;
	c->files.pids = c->files.io_charged = SS_UNKNOWN;
	scene.sample.n_ios = 0;
	scene.threads[0] = scene.threads[1];
	scene.sample.n_threads = 1;
	final[0] = requests(12, SDA, SS_DISK_READ, 2);
	scene.sample.n_disks_final = 1;
	assert_true(reads_of(m, "/docker/a") == 49);
	assert_true(reads_of(m, "/docker/a") == 49);
	model_free(m);
}

static void test_waits(void **state)
{
	struct model *m = model_new();
	const struct disk_neighbour_row *n;
	const struct snapshot *s;

	(void)state;
	scene_begin();
	assert_int_equal(model_update(m, &scene.sample), 0);
	scene_tick(&scene, 2);
	final[0] = requests(10, SDA, SS_DISK_READ, 4);
	open_rows[0] = requests(10, SDA, SS_DISK_READ, 4);
	pairs[0] = (struct sample_disk_pair){{10, 11, SDA, 0}, {9000, 3}};
	pairs[1] = (struct sample_disk_pair){{10, SS_CGROUP_OTHERS, SDA, 0}, {500, 1}};
	scene.sample.n_disks_final = scene.sample.n_disks_open = 1;
	scene.sample.n_disk_pairs_final = 2;
	assert_int_equal(model_update(m, &scene.sample), 0);
	s = model_snapshot(m);
	assert_int_equal(s->n_disk_neighbours, 2);
	n = &s->disk_neighbours[s->disk_neighbours[0].filler == NEIGHBOUR_OTHERS];
	assert_string_equal(s->containers[n->waiter].name, "a");
	assert_string_equal(disk_neighbour_filler(s, n), "b");
	assert_string_equal(n->device, "sda");
	assert_true(n->v[DISK_NEIGHBOUR_WAIT] == 9000 && n->v[DISK_NEIGHBOUR_WAITS] == 3);
	assert_true(n->v[DISK_NEIGHBOUR_WAIT_RATE] == 4500);
	model_free(m);
}

/* Its own limit, or a smaller one above it: on v1 that above does not hold it. One that has done nothing there yet has a row. */
static void test_limits(void **state)
{
	struct model *m = model_new();
	struct sample_io_limit limits[3] = {
		{10, SDA, false, 5000, SS_UNLIMITED, SS_UNLIMITED, 70},
		{5, SDA, false, 4000, 9000, SS_UNLIMITED, 80},
		{11, LOOP, true, SS_UNLIMITED, SS_UNLIMITED, 30, SS_UNLIMITED},
	};
	_cleanup_buf_ struct buf out = {};
	const struct disk_row *d;

	(void)state;
	scene_begin();
	scene_cgroup(&scene, 5, 1, "/docker", HOME_CGROUP, "docker");
	for (size_t i = 0; i < scene.sample.n_cgroups; i++)
		if (scene.cgroups[i].id == 10)
			scene.cgroups[i].parent_id = 5;
	open_rows[0] = requests(10, SDA, SS_DISK_READ, 5);
	scene.sample.n_disks_open = 1;
	scene.sample.io_limits = limits;
	scene.sample.n_io_limits = 3;
	assert_int_equal(model_update(m, &scene.sample), 0);
	d = scene_row(model_snapshot(m), "/docker/a")->disks;
	assert_true(d->v[DISK_READ_LIMIT] == 4000 && d->v[DISK_WRITE_LIMIT] == 9000 && d->v[DISK_WRITES_LIMIT] == 70);
	assert_true(value_absent(d->v[DISK_READS_LIMIT]));
	assert_string_equal(d->limit_of, "/docker");
	d = scene_row(model_snapshot(m), "/docker/b")->disks;
	assert_string_equal(d->device, "loop3");
	assert_true(d->v[DISK_READS_LIMIT] == 30 && d->v[DISK_READS] == 0 && !d->limit_of);
	detail_container_disks(&out, model_snapshot(m), scene_row(model_snapshot(m), "/docker/a"));
	assert_non_null(strstr(out.data, "\n                 may read 3.9K/s, write 8.8K/s and 70 times a second; a "
					 "limit is that of /docker\n"));
	detail_container_disks(&out, model_snapshot(m), scene_row(model_snapshot(m), "/docker/b"));
	assert_non_null(strstr(out.data, "\n                 may read 30 times a second\n"));
	scene_tick(&scene, 2);
	limits[1].alone = true;
	assert_int_equal(model_update(m, &scene.sample), 0);
	d = scene_row(model_snapshot(m), "/docker/a")->disks;
	assert_true(d->v[DISK_READ_LIMIT] == 5000 && value_absent(d->v[DISK_WRITE_LIMIT]) && !d->limit_of);
	model_free(m);
}

/* Another device that got the number has no past. */
static void test_devices(void **state)
{
	struct model *m = model_new();

	(void)state;
	scene_begin();
	assert_int_equal(model_update(m, &scene.sample), 0);
	scene_tick(&scene, 2);
	devices[0].busy_ns += 500000000;
	devices[0].reads += 2;
	assert_int_equal(model_update(m, &scene.sample), 0);
	assert_int_equal(model_snapshot(m)->n_devices, 2);
	assert_true(model_snapshot(m)->devices[0].v[DEVICE_BUSY] == 0.25);
	scene_tick(&scene, 2);
	devices[0].reads = 1;
	assert_int_equal(model_update(m, &scene.sample), 0);
	assert_true(value_absent(model_snapshot(m)->devices[0].v[DEVICE_BUSY]));
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_io_stat), cmocka_unit_test(test_diskstats), cmocka_unit_test(test_hook_rows),
		cmocka_unit_test(test_files),	cmocka_unit_test(test_waits),	  cmocka_unit_test(test_devices),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
