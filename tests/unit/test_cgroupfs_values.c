/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_cgroupfs_values.c - counters that the kernel half would note, made up here, in place of the files of folders that look like
 * v2 and v1: which files they replace, in which units, and when the files are read all the same.
 */
#include "lib/cgroupfs_tree.h"
#include "sysscope/abi/values.h"

#define V2_PATH "/system.slice/docker-1.scope"
#define V2_DIR	"/sys/fs/cgroup" V2_PATH
#define PAGES	((uint64_t)sysconf(_SC_PAGESIZE))
#define NONE	(UINT64_MAX / 2 / PAGES) /* pages: no limit */

static const struct ss_values made_up = {
	.has = SS_VALUES_CPU | SS_VALUES_CPUACCT | SS_VALUES_MEMORY | SS_VALUES_MEMORY_V1 | SS_VALUES_MEMORY_STAT |
	       SS_VALUES_PIDS,
	.quota_ns = UINT64_MAX,
	.period_ns = 50000000,
	.shares = 777 << 10,
	.periods = 101,
	.throttled_periods = 103,
	.throttled_ns = 107,
	.usage_ns = 109,
	.user_ns = 113,
	.system_ns = 127,
	.memory = 131,
	.memory_peak = 137,
	.memory_max = 139,
	.memory_failed = 149,
	.memory_min = 0,
	.memory_low = 151,
	.memory_high = 157,
	.swap = 163,
	.swap_max = 167,
	.swap_high = 173,
	.events = {179, 181, 191, 193, 197, 199},
	.kernel_memory = 211,
	.soft_limit = 223,
	.oom_kill_disabled = 0,
	.under_oom = 2,
	.memory_stat = 227,
	.pids = 229,
	.pids_max = 233,
};

static uint64_t id_of(const struct tree *t, const char *folder)
{
	char full[512];
	struct stat st;

	snprintf(full, sizeof(full), "%s%s", t->root, folder);
	assert_int_equal(stat(full, &st), 0);
	return st.st_ino;
}

/* One sample: `n` cgroups were noted in the one hierarchy that there is, since all folders are on one device. */
static int sample(struct cgroupfs *fs, const struct ss_values *values, size_t n, const char *path,
		  struct cgroup_counters *ret)
{
	static uint64_t now;

	cgroupfs_moment(fs, now += 15000000000ULL);
	cgroupfs_values_begin(fs);
	assert_true(cgroupfs_values_root(fs, 0) >= 0 && cgroupfs_values_root(fs, 1) < 0);
	cgroupfs_values_give(fs, 0, values, n);
	return read_at(fs, path, ret);
}

static void v2_counters_check(const struct cgroup_counters *c)
{
	assert_true(c->cpu_quota_us == SS_UNLIMITED && c->cpu_period_us == 50000);
	assert_int_equal(c->memory_usage, 131 * PAGES);
	assert_int_equal(c->memory_peak, 137 * PAGES);
	assert_int_equal(c->memory_limit, 139 * PAGES);
	assert_int_equal(c->memory_min, 0);
	assert_int_equal(c->memory_reservation, 151 * PAGES);
	assert_int_equal(c->memory_high, 157 * PAGES);
	assert_int_equal(c->memory_swap, 163 * PAGES);
	assert_int_equal(c->swap_limit, 167 * PAGES);
	assert_int_equal(c->swap_high, 173 * PAGES);
	assert_true(c->events_low == 179 && c->events_high == 181 && c->memory_failcnt == 191);
	assert_true(c->events_oom == 193 && c->oom_kills == 197 && c->events_oom_group == 199);
	assert_true(c->pids == 229 && c->pids_limit == 233);
	/* Of files: v2's CPU time is the kernel's own sum. */
	assert_int_equal(c->cpu_usage_ns, 1500000);
	assert_int_equal(c->periods, 11);
	assert_int_equal(c->memory_rss, 1000);
	assert_int_equal(c->cpu_weight, 100);
	assert_int_equal(c->cpuset_cpus, 4);
}

static void v2_values(void **state)
{
	const struct tree *t = *state;
	struct ss_values v = made_up;
	struct cgroup_counters c;
	struct cgroupfs *fs;

	v2_tree(t);
	fs = open_tree(t);
	v.id = id_of(t, V2_DIR);
	/* At first its files say what this kernel prints. */
	assert_int_equal(sample(fs, &v, 1, V2_PATH, &c), 0);
	assert_int_equal(c.memory_usage, 5000000);
	assert_int_equal(sample(fs, &v, 1, V2_PATH, &c), 0);
	v2_counters_check(&c);
	v.memory_max = NONE;
	v.memory_high = NONE;
	v.pids_max = 4194305;
	v.quota_ns = 20000000;
	assert_int_equal(sample(fs, &v, 1, V2_PATH, &c), 0);
	assert_true(c.memory_limit == SS_UNLIMITED && c.memory_high == SS_UNLIMITED && c.pids_limit == SS_UNLIMITED);
	assert_int_equal(c.cpu_quota_us, 20000);
	/* What was not noted is in the files. */
	v.has = SS_VALUES_PIDS;
	assert_int_equal(sample(fs, &v, 1, V2_PATH, &c), 0);
	assert_true(c.pids == 229 && c.memory_usage == 5000000 && c.cpu_quota_us == 25000);
	assert_int_equal(sample(fs, NULL, 0, V2_PATH, &c), 0);
	assert_true(c.pids == 3 && c.pids_limit == SS_UNLIMITED);
	no_errors(fs);
	cgroupfs_close(fs);
}

/* What this kernel does not print stays unknown, however often it is tried again. */
static void unprinted_stays_unknown(void **state)
{
	const struct tree *t = *state;
	struct ss_values v = made_up;
	struct cgroup_counters c;
	struct cgroupfs *fs;

	v2_tree(t);
	tree_remove(t, V2_DIR "/memory.peak");
	tree_remove(t, V2_DIR "/memory.swap.max");
	fs = open_tree(t);
	v.id = id_of(t, V2_DIR);
	for (int i = 0; i < 3 * CGROUPFS_RETRY_EVERY; i++) {
		assert_int_equal(sample(fs, &v, 1, V2_PATH, &c), 0);
		assert_true(c.memory_peak == SS_UNKNOWN && c.swap_limit == SS_UNKNOWN);
	}
	assert_int_equal(c.memory_usage, 131 * PAGES);
	/* A controller that is enabled late. */
	tree_file(t, V2_DIR "/memory.peak", "1\n");
	for (int i = 0; i <= CGROUPFS_RETRY_EVERY + 1; i++)
		assert_int_equal(sample(fs, &v, 1, V2_PATH, &c), 0);
	assert_int_equal(c.memory_peak, 137 * PAGES);
	cgroupfs_close(fs);
}

/* The text of memory.stat holds once two reads said the same under one digest, and until there is another one. */
static void memory_stat_by_digest(void **state)
{
	const struct tree *t = *state;
	struct ss_values v = made_up;
	struct cgroup_counters c;
	struct cgroupfs *fs;

	v2_tree(t);
	fs = open_tree(t);
	v.id = id_of(t, V2_DIR);
	assert_int_equal(sample(fs, &v, 1, V2_PATH, &c), 0);
	assert_int_equal(c.memory_rss, 1000);
	/* It changed between the digest and the first read, and back again. */
	tree_file(t, V2_DIR "/memory.stat", "anon 1009\n");
	assert_int_equal(sample(fs, &v, 1, V2_PATH, &c), 0);
	assert_true(c.memory_rss == 1009 && c.memory_cache == SS_UNKNOWN);
	assert_int_equal(sample(fs, &v, 1, V2_PATH, &c), 0);
	tree_file(t, V2_DIR "/memory.stat", "anon 1013\n");
	assert_int_equal(sample(fs, &v, 1, V2_PATH, &c), 0);
	assert_true(c.memory_rss == 1009 && c.memory_cache == SS_UNKNOWN);
	v.memory_stat++;
	assert_int_equal(sample(fs, &v, 1, V2_PATH, &c), 0);
	assert_int_equal(c.memory_rss, 1013);
	/* A text without numbers is no text. */
	v.memory_stat++;
	tree_file(t, V2_DIR "/memory.stat", "");
	for (int i = 0; i < 3; i++)
		assert_int_equal(sample(fs, &v, 1, V2_PATH, &c), 0);
	assert_true(c.memory_rss == SS_UNKNOWN);
	tree_file(t, V2_DIR "/memory.stat", "anon 1019\n");
	assert_int_equal(sample(fs, &v, 1, V2_PATH, &c), 0);
	assert_int_equal(c.memory_rss, 1019);
	cgroupfs_close(fs);
}

/* Another one with the same path has files of its own, and another place in the list. */
static void made_again(void **state)
{
	const struct tree *t = *state;
	struct ss_values v[3] = {made_up, made_up, made_up};
	struct cgroup_counters c;
	struct cgroupfs *fs;
	uint64_t id;

	v2_tree(t);
	v2_files(t, "/sys/fs/cgroup/other");
	fs = open_tree(t);
	v[0].id = id_of(t, "/sys/fs/cgroup/other");
	v[1].id = id = id_of(t, V2_DIR);
	v[1].pids = 239;
	for (int i = 0; i <= CGROUPFS_YOUNG_READS; i++)
		assert_int_equal(sample(fs, v, 2, V2_PATH, &c), 0);
	assert_int_equal(c.pids, 239);
	/* Found wherever it stands. */
	v[2] = v[1];
	v[1].id = 1;
	v[2].pids = 241;
	assert_int_equal(sample(fs, v, 3, V2_PATH, &c), 0);
	assert_int_equal(c.pids, 241);
	/* Kept elsewhere, so that the new one gets another inode. */
	tree_dir(t, "/sys/fs/cgroup/system.slice/docker-2.scope");
	tree_remove(t, V2_DIR);
	tree_dir(t, "/sys/fs/cgroup/system.slice/docker-3.scope");
	v2_files(t, V2_DIR);
	v[2].id = id_of(t, V2_DIR);
	if (v[2].id != id) {
		assert_int_equal(sample(fs, v, 3, V2_PATH, &c), 0);
		assert_int_equal(c.pids, 3);
		assert_int_equal(cgroupfs_read(fs, id, V2_PATH, &c), -ENOENT);
	}
	cgroupfs_close(fs);
}

static void v1_counters_check(const struct cgroup_counters *c)
{
	assert_true(c->cpu_quota_us == SS_UNLIMITED && c->cpu_period_us == 50000 && c->cpu_shares == 777);
	assert_true(c->periods == 101 && c->throttled_periods == 103 && c->throttled_ns == 107);
	assert_true(c->cpu_usage_ns == 109 && c->cpu_user_ns == 113 && c->cpu_system_ns == 127);
	assert_int_equal(c->memory_usage, 131 * PAGES);
	assert_int_equal(c->memory_peak, 137 * PAGES);
	assert_int_equal(c->memory_limit, 139 * PAGES);
	assert_int_equal(c->memory_failcnt, 149);
	assert_int_equal(c->swap_limit, 167 * PAGES);
	assert_int_equal(c->memory_kernel, 211 * PAGES);
	assert_int_equal(c->memory_reservation, 223 * PAGES);
	assert_true(c->oom_kill_disabled == 0 && c->under_oom == 1 && c->oom_kills == 197);
	assert_true(c->pids == 229 && c->pids_limit == 233);
	/* memory.stat has the swap, and v1 none of these. */
	assert_true(c->memory_swap == 4096 && c->memory_rss == 1000);
	assert_true(c->memory_high == SS_UNKNOWN && c->memory_min == SS_UNKNOWN && c->events_oom == SS_UNKNOWN);
}

/* Each hierarchy has the values of its controllers, under an id of its own. */
static void v1_values(void **state)
{
	static const char *const folders[] = {"cpu,cpuacct", "memory", "pids"};
	static const uint32_t has[] = {SS_VALUES_CPU | SS_VALUES_CPUACCT,
				       SS_VALUES_MEMORY | SS_VALUES_MEMORY_V1 | SS_VALUES_MEMORY_STAT, SS_VALUES_PIDS};
	const struct tree *t = *state;
	struct ss_values v[3];
	struct cgroup_counters c;
	struct cgroupfs *fs;

	tree_file(t, "/proc/self/mountinfo",
		  BASE "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
		       "33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		       "34 31 0:31 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n");
	tree_file(t, "/proc/self/cgroup", "4:pids:/\n3:memory:/\n2:cpu,cpuacct:/\n");
	v1_files(t, "/sys/fs/cgroup/cpu,cpuacct/docker/1", "ca");
	v1_files(t, "/sys/fs/cgroup/memory/docker/1", "m");
	v1_files(t, "/sys/fs/cgroup/pids/docker/1", "p");
	fs = open_tree(t);
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		char folder[64];

		snprintf(folder, sizeof(folder), "/sys/fs/cgroup/%s/docker/1", folders[i]);
		v[i] = made_up;
		v[i].has = has[i];
		v[i].id = id_of(t, folder);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(sample(fs, v, ARRAY_SIZE(v), "/docker/1", &c), 0);
	v1_counters_check(&c);
	/* The scheduler's least weight is printed as 2. */
	v[0].shares = 1 << 10;
	v[1].soft_limit = NONE;
	v[1].under_oom = 0;
	assert_int_equal(sample(fs, v, ARRAY_SIZE(v), "/docker/1", &c), 0);
	assert_true(c.cpu_shares == 2 && c.memory_reservation == SS_UNLIMITED && c.under_oom == 0);
	/* It is gone from one hierarchy. */
	assert_int_equal(sample(fs, v, 2, "/docker/1", &c), 0);
	assert_true(c.pids == 3 && c.memory_usage == 131 * PAGES);
	no_errors(fs);
	cgroupfs_close(fs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(v2_values), TEST(unprinted_stays_unknown), TEST(memory_stat_by_digest), TEST(made_again),
		TEST(v1_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
