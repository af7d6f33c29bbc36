/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_diagnose_disk.c - the rules about disks: what each finds, about whom, and done by whom; near misses are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "lib/situation.h"

#define KIB 1024.0
#define MIB (1024.0 * 1024)

/* A container whose threads are blocked in files for that long in each second. */
static uint32_t waiter(const char *name, double blocked)
{
	uint32_t c = situation_container(&situation, name, "docker");

	situation_gain(&situation, c, CONTAINER_BLOCKED_FILE, blocked);
	return c;
}

static uint32_t reader(const char *name, const char *device, double blocked, double per_second, double bytes,
		       double latency)
{
	uint32_t c = waiter(name, blocked), d = situation_disk(&situation, c, device);

	situation_requests(&situation, d, DISK_READ_COUNT, per_second, bytes, latency);
	return c;
}

static void latency(void **state)
{
	uint32_t c = reader("db", "sdb", 0.9, 9, 16 * KIB, 0.084), p;
	const struct finding *f;

	(void)state;
	p = situation_process(&situation, c, "postgres", 812);
	situation_process_gain(&situation, p, PROCESS_BLOCKED_FILE, 0.7);
	f = expect_first(&situation, "disk_latency", "db", "");
	assert_int_equal(f->severity, FINDING_WARNING);
	assert_int_equal(f->confidence, FINDING_HIGH);
	assert_int_equal(f->pid, 812);
	expect_words(f, "db waits for disk sdb: a request takes 84 ms on average");
	expect_words(f, "9.0 reads a second took 84 ms each");
	expect_words(f, "blocked in files and page faults for 0.90 s in each second, most of it in postgres (pid 812)");
	expect_words(f, "at most 30 ms for a request like these");
	expect_words(f, "smartctl -a /dev/sdb");
	assert_int_equal(situation.diagnosis.findings.n, 1);
}

static void latency_critical(void **state)
{
	(void)state;
	reader("db", "sdb", 0.9, 1, 16 * KIB, 0.7);
	assert_int_equal(expect_first(&situation, "disk_latency", "db", "")->severity, FINDING_CRITICAL);
}

/* A few requests that take very long, among many that are fast: one of fifty. */
static void latency_tail(void **state)
{
	uint32_t c = reader("db", "sda", 0.5, 490, 4 * KIB, 0.0005);

	(void)state;
	situation_requests(&situation, situation_disk(&situation, c, "sdb"), DISK_READ_COUNT, 1, 4 * KIB, 0.0005);
	expect_nothing(&situation);
	situation_requests(&situation, 0, DISK_READ_COUNT, 10, 4 * KIB, 0.6);
	expect_words(expect_first(&situation, "disk_latency", "db", ""),
		     "more than 1 of 100 requests takes longer than 262 ms");
}

/* It has 30 small reads there at a time: the disk is full with its own. */
static void latency_own_queue(void **state)
{
	(void)state;
	reader("db", "sda", 28, 250, 8 * KIB, 0.12);
	expect_words(expect_first(&situation, "disk_latency", "db", ""), "it had 30 requests at the disk at a time");
}

/* Busy and fast, and nobody loses much. */
static void latency_nvme(void **state)
{
	(void)state;
	reader("db", "nvme0n1", 4, 20000, 8 * KIB, 0.0002);
	expect_nothing(&situation);
	/* What a disk that turns may take is slow here. */
	situation_requests(&situation, situation_disk(&situation, waiter("web", 0.5), "nvme0n1"), DISK_READ_COUNT, 20,
			   4 * KIB, 0.02);
	expect_first(&situation, "disk_latency", "web", "");
}

/* 20 ms are good for a disk that turns, and slow for one that says that it does not. */
static void latency_flash(void **state)
{
	(void)state;
	reader("db", "sda", 0.9, 45, 4 * KIB, 0.02);
	expect_nothing(&situation);
	for (int i = 0; i < 2; i++)
		situation.disks[i][0].flash = true;
	expect_first(&situation, "disk_latency", "db", "");
	situation_requests(&situation, 0, DISK_READ_COUNT, 80, 4 * KIB, 0.011);
	expect_nothing(&situation);
}

/* A backup reads all that the disk gives: large requests, the next ones ahead. */
static void latency_backup(void **state)
{
	(void)state;
	reader("backup", "sda", 0.95, 60, 1.25 * MIB, 0.05);
	expect_nothing(&situation);
	assert_string_equal(situation.diagnosis.findings.near[0].rule, "disk_latency");
}

/* What is written back later waits long, and nobody waits for it. */
static void latency_written_back(void **state)
{
	uint32_t c = waiter("web", 0.02);

	(void)state;
	situation_requests(&situation, situation_disk(&situation, c, "sda"), DISK_WRITE_COUNT, 300, 4 * KIB, 0.2);
	expect_nothing(&situation);
}

/* A database that makes each transaction durable: 100 flushes a second, each within what a disk takes. */
static void latency_flushes(void **state)
{
	uint32_t c = waiter("db", 0.95), d = situation_disk(&situation, c, "sda");

	(void)state;
	situation_requests(&situation, d, DISK_WRITE_COUNT, 100, 8 * KIB, 0.002);
	situation_requests(&situation, d, DISK_FLUSH_COUNT, 40, 0, 0.018);
	expect_nothing(&situation);
}

/* A limit of its own holds it back before the kernel counts a request: the disk is not to blame. */
static void latency_own_limit(void **state)
{
	(void)state;
	reader("batch", "sda", 0.98, 100, 4 * KIB, 0.0003);
	expect_nothing(&situation);
}

/* The same bytes are seen at the loop device and below it: that below is named. */
static void latency_below(void **state)
{
	uint32_t c = reader("db", "loop3", 0.9, 8, 4 * KIB, 0.1);

	(void)state;
	for (int i = 0; i < 2; i++)
		situation.disks[i][0].upon_others = true;
	expect_words(expect_first(&situation, "disk_latency", "db", ""), "lsblk -s /dev/loop3");
	situation_requests(&situation, situation_disk(&situation, c, "sda"), DISK_READ_COUNT, 8, 4 * KIB, 0.09);
	expect_words(expect_first(&situation, "disk_latency", "db", ""), "db waits for disk sda");
	assert_int_equal(situation.diagnosis.findings.n, 1);
}

/* Without the scheduler hooks nobody knows whether threads wait: of reads it is likely. */
static void latency_without_hooks(void **state)
{
	uint32_t db = reader("db", "sdb", 0, 9, 16 * KIB, 0.084), log = waiter("log", 0);

	(void)state;
	situation_collector_off(&situation, "sched");
	situation_requests(&situation, situation_disk(&situation, log, "sdb"), DISK_WRITE_COUNT, 9, 16 * KIB, 0.084);
	for (int i = 0; i < 2; i++)
		situation.containers[i][db].v[CONTAINER_BLOCKED_FILE] =
			situation.containers[i][log].v[CONTAINER_BLOCKED_FILE] = VALUE_ABSENT;
	assert_int_equal(expect_first(&situation, "disk_latency", "db", "")->confidence, FINDING_MEDIUM);
	assert_int_equal(situation.diagnosis.findings.n, 2);
	assert_string_equal(situation.diagnosis.findings.all[1].rule, "collector_missing");
}

/* Without the hook there are no latencies: the rules say so. */
static void disk_off(void **state)
{
	(void)state;
	reader("db", "sdb", 0.9, 9, 16 * KIB, 0.084);
	situation_collector_off(&situation, "disk");
	situation_judge(&situation);
	expect_unjudged(&situation, "disk_latency");
	expect_unjudged(&situation, "disk_neighbour");
	for (size_t i = 0; i < situation.diagnosis.findings.n; i++)
		assert_string_equal(situation.diagnosis.findings.all[i].rule, "collector_missing");
}

/* ---- limits ---- */

/* A container that reads 4 KiB blocks, and is blocked for nearly all the time although the disk is fast. */
static uint32_t limited(const char *name, double per_second, double blocked)
{
	return reader(name, "sda", blocked, per_second, 4 * KIB, 0.0003);
}

static void limit_set(uint32_t disk, int metric, double value, const char *of)
{
	for (int i = 0; i < 2; i++) {
		situation.disks[i][disk].v[metric] = value;
		situation.disks[i][disk].limit_of = of;
	}
}

static void limit_own(void **state)
{
	const struct finding *f;

	(void)state;
	limited("batch", 255, 0.98);
	limit_set(0, DISK_READ_LIMIT, MIB, NULL);
	f = expect_first(&situation, "disk_throttled", "batch", "");
	assert_int_equal(f->severity, FINDING_WARNING);
	assert_int_equal(f->confidence, FINDING_HIGH);
	expect_words(f, "batch is held up by its I/O limit at disk sda");
	expect_words(f, "it read 1020K a second, and may 1.0M");
	expect_words(
		f, "blocked in files and page faults for 0.90 s in each second while no disk had a request of theirs");
	expect_words(f, "once the limit has let it pass, a request takes 300 us on average");
	/* docker update knows no such limits. */
	expect_words(f, "write '8:0 2097152' into blkio.throttle.read_bps_device of cgroup /test/batch-0");
	expect_words(f, "then docker run with --device-read-bps /dev/sda:2097152");
	for (int i = 0; i < 2; i++)
		situation.containers[i][0].v[CONTAINER_CPU_WEIGHT] = 100;
	expect_words(expect_first(&situation, "disk_throttled", "batch", ""),
		     "write '8:0 rbps=2097152' into io.max of cgroup /test/batch-0");
	assert_int_equal(situation.diagnosis.findings.n, 1);
}

/* It has a limit, and does less; or as much, and nobody waits. */
static void limit_unused(void **state)
{
	(void)state;
	limited("batch", 200, 0.98);
	limit_set(0, DISK_READ_LIMIT, MIB, NULL);
	expect_nothing(&situation);
	assert_string_equal(situation.diagnosis.findings.near[0].rule, "disk_throttled");
	limit_set(0, DISK_READS_LIMIT, 200, NULL);
	expect_first(&situation, "disk_throttled", "batch", "");
	limited("other", 200, 0.1);
	limit_set(0, DISK_READS_LIMIT, VALUE_ABSENT, NULL);
	limit_set(1, DISK_READS_LIMIT, 200, NULL);
	expect_nothing(&situation);
}

/* One limit of a slice holds all that is in it: none of them does as much as it allows. */
static void limit_above(void **state)
{
	const struct finding *f;

	(void)state;
	for (int k = 0; k < 3; k++) {
		uint32_t c = limited(k == 0 ? "one" : k == 1 ? "two" : "out", 120, k == 1 ? 0.98 : 0.6);

		for (int i = 0; i < 2; i++) {
			situation.containers[i][c].cgroup = k == 0   ? "/batch.slice/one"
							    : k == 1 ? "/batch.slice/two"
								     : "/batch.slices";
			situation.containers[i][c].runtime = "";
		}
		if (k < 2)
			limit_set((uint32_t)k, DISK_READS_LIMIT, 250, "/batch.slice");
	}
	f = expect_first(&situation, "disk_throttled", "two", "");
	expect_words(f, "two is held up by the I/O limit of /batch.slice at disk sda");
	expect_words(f, "what is below it read 240 times a second, and may 250");
	expect_words(f, "one is held up as well: 0.56 s in each second");
	expect_words(f, "systemctl set-property batch.slice 'IOReadIOPSMax=/dev/sda 500'");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	/* Beside it somebody reads as much again, which does not count. */
	limit_set(0, DISK_READS_LIMIT, 300, "/batch.slice");
	limit_set(1, DISK_READS_LIMIT, 300, "/batch.slice");
	expect_nothing(&situation);
}

/* Without the scheduler hooks only the amount tells. */
static void limit_without_hooks(void **state)
{
	uint32_t c = limited("batch", 250, 0);

	(void)state;
	limit_set(0, DISK_READ_LIMIT, MIB, NULL);
	situation_collector_off(&situation, "sched");
	for (int i = 0; i < 2; i++)
		situation.containers[i][c].v[CONTAINER_BLOCKED_FILE] = VALUE_ABSENT;
	assert_int_equal(expect_first(&situation, "disk_throttled", "batch", "")->confidence, FINDING_MEDIUM);
}

/* The same of a limit above: whoever does something there is held up, as far as is known, and nobody who does nothing. */
static void limit_above_without_hooks(void **state)
{
	const struct finding *f;

	(void)state;
	for (int k = 0; k < 3; k++) {
		uint32_t c = limited(k == 0 ? "idle" : k == 1 ? "one" : "two", k == 0 ? 0 : 125, 0);

		for (int i = 0; i < 2; i++) {
			situation.containers[i][c].cgroup = k == 0   ? "/batch.slice/idle"
							    : k == 1 ? "/batch.slice/one"
								     : "/batch.slice/two";
			situation.containers[i][c].runtime = "";
			situation.containers[i][c].v[CONTAINER_BLOCKED_FILE] = VALUE_ABSENT;
		}
		limit_set((uint32_t)k, DISK_READS_LIMIT, 250, "/batch.slice");
	}
	situation_collector_off(&situation, "sched");
	f = expect_first(&situation, "disk_throttled", "one", "");
	/* The other one is that the collector is off. */
	assert_int_equal(situation.diagnosis.findings.n, 2);
	assert_string_equal(f[1].rule, "collector_missing");
	for (size_t i = 0; i < f->n_evidence; i++)
		assert_null(strstr(f->evidence[i].text, "nan"));
}

/* What it reads again and again is what uses the limit up; pages that come late are what the limit does. */
static void limit_explained(void **state)
{
	const struct finding *f;
	uint32_t c = limited("batch", 255, 0.98);

	(void)state;
	limit_set(0, DISK_READ_LIMIT, MIB, NULL);
	situation_gain(&situation, c, CONTAINER_PGMAJFAULT, 250);
	f = expect_first(&situation, "disk_throttled", "batch", "");
	assert_string_equal(f->explains[0].rule, "major_faults");
	situation_gain(&situation, c, CONTAINER_RECLAIM_LIMIT, 0.3);
	situation_gain(&situation, c, CONTAINER_REFAULTS_FILE, 9000);
	f = expect_first(&situation, "memory_thrash", "batch", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_int_equal(f->n_explains, 2);
	assert_string_equal(f->explains[0].rule, "major_faults");
	assert_string_equal(f->explains[1].rule, "disk_throttled");
}

/* ---- neighbours ---- */

/* db reads small blocks, of which each waits for the backup that writes. */
static void filled(double each)
{
	uint32_t db = reader("db", "sdb", 0.9, 18, 16 * KIB, each + 0.008), backup = waiter("backup", 2);

	situation_requests(&situation, situation_disk(&situation, backup, "sdb"), DISK_WRITE_COUNT, 160, 512 * KIB,
			   0.05);
	situation_disk_neighbour(&situation, db, backup, "sdb", 18 * each);
}

static void neighbour_of_a_disk(void **state)
{
	const struct finding *f;

	(void)state;
	filled(0.04);
	f = expect_first(&situation, "disk_neighbour", "db", "backup");
	assert_int_equal(f->severity, FINDING_WARNING);
	expect_words(f, "backup fills disk sdb, for which db waits: 40 ms of the 48 ms that a request takes");
	expect_words(f, "83 % of the latency of the requests of db was for those of backup");
	expect_words(f, "docker run with --device-write-bps /dev/sdb:40mb");
	expect_words(f, "docker update --blkio-weight 10 backup");
	/* The slow disk is its consequence. */
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_string_equal(f->explains[0].rule, "disk_latency");
}

/* Who fills it waits for it as well, which is no finding of its own. */
static void neighbour_waits_too(void **state)
{
	uint32_t db = reader("db", "sdb", 0.9, 18, 16 * KIB, 0.048), backup;

	(void)state;
	backup = reader("backup", "sdb", 29, 300, 4 * KIB, 0.1);
	situation_disk_neighbour(&situation, db, backup, "sdb", 18 * 0.04);
	expect_first(&situation, "disk_neighbour", "db", "backup");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_int_equal(situation.diagnosis.findings.all[0].n_explains, 2);
}

/* It makes requests slower that would be very fast: a finding, though the disk is not slow for one that turns. */
static void neighbour_of_a_fast_disk(void **state)
{
	(void)state;
	filled(0.009);
	expect_first(&situation, "disk_neighbour", "db", "backup");
	assert_int_equal(situation.diagnosis.findings.all[0].n_explains, 0);
}

/* Several wait for one: it is one finding, about the one that loses most. */
static void neighbour_of_several(void **state)
{
	uint32_t web, backup = 1;
	const struct finding *f;

	(void)state;
	filled(0.04);
	web = reader("web", "sdb", 0.4, 6, 16 * KIB, 0.06);
	situation_disk_neighbour(&situation, web, backup, "sdb", 0.3);
	f = expect_first(&situation, "disk_neighbour", "db", "backup");
	expect_words(f, "web waits for it too");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_int_equal(f->n_explains, 2);
}

/* A backup at night, for which nobody waits; and one whose neighbour hardly needs the disk. */
static void neighbour_at_night(void **state)
{
	uint32_t db;

	(void)state;
	situation_requests(&situation, situation_disk(&situation, waiter("backup", 2), "sdb"), DISK_WRITE_COUNT, 160,
			   512 * KIB, 0.05);
	expect_nothing(&situation);
	db = reader("db", "sdb", 0.04, 1, 4 * KIB, 0.04);
	situation_disk_neighbour(&situation, db, 0, "sdb", 0.035);
	expect_nothing(&situation);
}

/* Two that do the same: nobody is to blame, the disk is full. */
static void neighbours_equal(void **state)
{
	uint32_t a = reader("a", "sdb", 2.8, 40, 16 * KIB, 0.07), b = reader("b", "sdb", 2.8, 40, 16 * KIB, 0.07);

	(void)state;
	situation_disk_neighbour(&situation, a, b, "sdb", 1.4);
	situation_disk_neighbour(&situation, b, a, "sdb", 1.4);
	expect_first(&situation, "disk_latency", "a", "");
	assert_int_equal(situation.diagnosis.findings.n, 2);
}

/* On v1 what is written back is the host's: who wrote most to files is named beside it, as no culprit. */
static void neighbour_written_back(void **state)
{
	uint32_t db = reader("db", "sdb", 0.9, 18, 16 * KIB, 0.048), host = waiter("host", 0),
		 logger = waiter("logger", 0);
	const struct finding *f;

	(void)state;
	for (int i = 0; i < 2; i++)
		situation.containers[i][host].kind = "host";
	situation_requests(&situation, situation_disk(&situation, host, "sdb"), DISK_WRITE_COUNT, 160, 512 * KIB, 0.05);
	situation_gain(&situation, logger, CONTAINER_WRITE_BYTES, 80 * MIB);
	situation_disk_neighbour(&situation, db, host, "sdb", 0.72);
	f = expect_first(&situation, "disk_neighbour", "db", "host");
	assert_int_equal(f->confidence, FINDING_MEDIUM);
	expect_words(f, "logger wrote most to files: 80M a second");
	expect_words(f, "docker run with --device-write-bps /dev/sdb:40mb");
}

/* ---- what explains it ---- */

/* Pages that are thrown out too early are what it reads, and what others wait for. */
static void thrash_fills_the_disk(void **state)
{
	const struct finding *f;

	(void)state;
	filled(0.04);
	situation_gain(&situation, 1, CONTAINER_RECLAIM_LIMIT, 0.3);
	situation_gain(&situation, 1, CONTAINER_REFAULTS_FILE, 9000);
	situation_gain(&situation, 0, CONTAINER_PGMAJFAULT, 300);
	f = expect_first(&situation, "memory_thrash", "backup", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_string_equal(f->explains[0].rule, "disk_neighbour");
	assert_int_equal(f->n_explains, 3);
}

/* It thrashes, and the disk is filled by another: two causes. */
static void thrash_and_a_filled_disk(void **state)
{
	const struct findings *f;

	(void)state;
	filled(0.04);
	situation_gain(&situation, 0, CONTAINER_RECLAIM_LIMIT, 0.3);
	situation_gain(&situation, 0, CONTAINER_REFAULTS_FILE, 9000);
	f = situation_judge(&situation);
	assert_int_equal(f->n, 2);
	assert_string_equal(f->all[0].rule, "disk_neighbour");
	assert_string_equal(f->all[1].rule, "memory_thrash");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		situation_test(latency),
		situation_test(latency_critical),
		situation_test(latency_tail),
		situation_test(latency_own_queue),
		situation_test(latency_flash),
		situation_test(latency_nvme),
		situation_test(latency_backup),
		situation_test(latency_written_back),
		situation_test(latency_flushes),
		situation_test(latency_own_limit),
		situation_test(latency_below),
		situation_test(latency_without_hooks),
		situation_test(disk_off),
		situation_test(limit_own),
		situation_test(limit_unused),
		situation_test(limit_above),
		situation_test(limit_without_hooks),
		situation_test(limit_above_without_hooks),
		situation_test(limit_explained),
		situation_test(neighbour_of_a_disk),
		situation_test(neighbour_of_a_fast_disk),
		situation_test(neighbour_of_several),
		situation_test(neighbour_waits_too),
		situation_test(neighbour_at_night),
		situation_test(neighbours_equal),
		situation_test(neighbour_written_back),
		situation_test(thrash_fills_the_disk),
		situation_test(thrash_and_a_filled_disk),
	};

	return cmocka_run_group_tests_name("diagnose_disk", tests, NULL, NULL);
}
