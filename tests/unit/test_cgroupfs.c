/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_cgroupfs.c - finding and reading cgroup hierarchies in folders that look like v2, v1 (separate and
 * co-mounted) and hybrid. test_cgroupfs_live.c does it on this machine's cgroups.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include "cgroup/census.h"
#include "cgroup/pressure.h"
#include "lib/cgroupfs_tree.h"

static void layout_check(struct cgroupfs *fs, enum cgroup_layout layout, const char *controller, uint32_t hierarchy)
{
	const struct cgroup_layout_info *info = cgroupfs_layout(fs);

	assert_string_equal(cgroup_layout_name(info->layout), cgroup_layout_name(layout));
	assert_string_equal(info->carrying_controller, controller);
	assert_int_equal(info->carrying_v2, controller[0] == '\0');
	assert_int_equal(info->hierarchy_id, hierarchy);
}

/* What both fixtures say alike. */
static void counters_check(const struct cgroup_counters *c)
{
	assert_int_equal(c->periods, 11);
	assert_int_equal(c->throttled_periods, 3);
	assert_int_equal(c->throttled_ns, 77000);
	assert_int_equal(c->cpu_quota_us, 25000);
	assert_int_equal(c->cpu_period_us, 100000);
	assert_int_equal(c->memory_usage, 5000000);
	assert_int_equal(c->memory_peak, 6000000);
	assert_int_equal(c->memory_limit, 64 << 20);
	assert_int_equal(c->memory_swap, 4096);
	assert_int_equal(c->memory_rss, 1000);
	assert_int_equal(c->memory_cache, 2000);
	assert_int_equal(c->memory_mapped, 40);
	assert_int_equal(c->memory_kernel, 300);
	assert_int_equal(c->memory_active_file, 600);
	assert_int_equal(c->memory_inactive_file, 500);
	assert_int_equal(c->page_faults, 70);
	assert_int_equal(c->major_page_faults, 8);
	assert_int_equal(c->memory_failcnt, 5);
	assert_int_equal(c->oom_kills, 2);
	assert_int_equal(c->memory_shmem, 17);
	assert_int_equal(c->memory_dirty, 9);
	assert_int_equal(c->memory_writeback, 13);
	assert_int_equal(c->refaults_anon, 2);
	assert_int_equal(c->refaults_file, 19);
	assert_int_equal(c->pids, 3);
	assert_int_equal(c->cpuset_cpus, 4);
}

/* ---- layouts ---- */

static void v2_reads_all(void **state)
{
	const struct tree *t = *state;
	struct cgroup_counters c;
	struct cgroupfs *fs;

	v2_tree(t);
	fs = open_tree(t);
	layout_check(fs, CGROUP_V2, "", 0);
	assert_true(cgroupfs_layout(fs)->whole);
	assert_string_equal(cgroupfs_layout(fs)->mounts, "v2 /sys/fs/cgroup\n");
	assert_int_equal(read_at(fs, "/system.slice/docker-1.scope", &c), 0);
	counters_check(&c);
	assert_int_equal(c.cpu_usage_ns, 1500000);
	assert_int_equal(c.cpu_user_ns, 1000000);
	assert_int_equal(c.cpu_system_ns, 500000);
	assert_int_equal(c.cpu_weight, 100);
	assert_true(c.cpu_shares == SS_UNKNOWN);
	assert_int_equal(c.memory_reservation, 0);
	assert_true(c.swap_limit == SS_UNLIMITED && c.pids_limit == SS_UNLIMITED);
	assert_true(c.memory_min == 0 && c.memory_high == 48 << 20 && c.swap_high == SS_UNLIMITED);
	assert_true(c.slab_reclaimable == 31 && c.slab_unreclaimable == 37);
	assert_true(c.pages_scanned == 29 && c.pages_reclaimed == 23);
	assert_true(c.events_low == 1 && c.events_high == 11 && c.events_oom == 4 && c.events_oom_group == 3);
	assert_true(c.under_oom == SS_UNKNOWN && c.oom_kill_disabled == SS_UNKNOWN);

	/* The root has next to nothing: unknown, not 0. */
	assert_int_equal(read_at(fs, "/", &c), 0);
	assert_int_equal(c.cpu_usage_ns, 9000);
	assert_true(c.memory_usage == SS_UNKNOWN && c.cpu_quota_us == SS_UNKNOWN && c.pids == SS_UNKNOWN);
	no_errors(fs);
	cgroupfs_close(fs);
}

/* Of io.stat, a line per device; whose cgroup it is needs no look-up where v2 carries. */
static void devices(void **state)
{
	const struct tree *t = *state;
	struct cgroup_counters c;
	const struct sample_io *io;
	struct cgroupfs *fs;
	uint64_t id, again;
	size_t n;

	v2_tree(t);
	tree_file(
		t, "/sys/fs/cgroup/system.slice/docker-x.scope/io.stat",
		"8:16 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n7:3 rbytes=5 wbytes=7 rios=11 wios=13\n");
	fs = open_tree(t);
	assert_int_equal(cgroupfs_id(fs, "/system.slice/docker-x.scope", &id), 0);
	assert_int_equal(read_at(fs, "/system.slice/docker-x.scope", &c), 0);
	io = cgroupfs_ios(fs, &n);
	assert_int_equal(n, 2);
	assert_int_equal(io[0].cgroup_id, id);
	assert_int_equal(io[0].write_bytes, 8192);
	assert_int_equal(io[1].cgroup_id, id);
	assert_int_equal(io[1].writes, 13);
	assert_int_equal(cgroupfs_io_id(fs, id, &again), 0);
	assert_int_equal(again, id);
	no_errors(fs);
	cgroupfs_close(fs);
}

/* Of io.max a line per device; a cgroup that has none is asked again after a while, one that has one each time. */
static void devices_limited(void **state)
{
	const struct tree *t = *state;
	const char *path = "/sys/fs/cgroup/system.slice/docker-x.scope/io.max";
	const struct sample_io_limit *limits;
	struct cgroup_counters c;
	struct cgroupfs *fs;
	size_t n;

	v2_tree(t);
	tree_file(t, path, "");
	fs = open_tree(t);
	for (uint64_t i = 0; i <= CGROUPFS_YOUNG_READS; i++) {
		cgroupfs_moment(fs, 1000000000 + i);
		assert_int_equal(read_at(fs, "/system.slice/docker-x.scope", &c), 0);
		cgroupfs_io_limits(fs, &n);
		assert_int_equal(n, 0);
	}
	tree_file(t, path,
		  "8:16 rbps=1048576 wbps=max riops=max wiops=120 new=3\n7:3 rbps=max wbps=5 riops=7 wiops=max\n");
	cgroupfs_moment(fs, 2000000000);
	assert_int_equal(read_at(fs, "/system.slice/docker-x.scope", &c), 0);
	cgroupfs_io_limits(fs, &n);
	assert_int_equal(n, 0);
	cgroupfs_moment(fs, 2000000000 + CGROUPFS_LIMITS_NS);
	assert_int_equal(read_at(fs, "/system.slice/docker-x.scope", &c), 0);
	limits = cgroupfs_io_limits(fs, &n);
	assert_int_equal(n, 2);
	assert_int_equal(limits[0].device, 8 << SS_DISK_MINOR_BITS | 16);
	assert_true(limits[0].read_bytes == 1048576 && limits[0].write_bytes == SS_UNLIMITED);
	assert_true(limits[0].reads == SS_UNLIMITED && limits[0].writes == 120 && !limits[0].alone);
	assert_true(limits[1].write_bytes == 5 && limits[1].reads == 7);
	assert_true(limits[1].cgroup_id == limits[0].cgroup_id);
	tree_file(t, path, "8:16 rbps=4096 wbps=max riops=max wiops=max\n");
	cgroupfs_moment(fs, 2000000001 + CGROUPFS_LIMITS_NS);
	assert_int_equal(read_at(fs, "/system.slice/docker-x.scope", &c), 0);
	limits = cgroupfs_io_limits(fs, &n);
	assert_int_equal(n, 1);
	assert_int_equal(limits[0].read_bytes, 4096);
	no_errors(fs);
	cgroupfs_close(fs);
}

/* Where no hierarchy has the controller, nothing belongs to it. */
static void devices_of_nobody(void **state)
{
	const struct tree *t = *state;
	struct cgroupfs *fs;
	uint64_t id;

	v1_tree(t);
	fs = open_tree(t);
	assert_int_equal(cgroupfs_io_id(fs, 4242, &id), -ENOENT);
	cgroupfs_close(fs);
}

static void v1_reads_all(void **state)
{
	const struct tree *t = *state;
	struct cgroup_counters c;
	struct cgroupfs *fs;

	v1_tree(t);
	fs = open_tree(t);
	layout_check(fs, CGROUP_V1, "cpu", 1);
	assert_true(cgroupfs_layout(fs)->whole);
	assert_int_equal(read_at(fs, "/docker/x", &c), 0);
	counters_check(&c);
	assert_int_equal(c.cpu_usage_ns, 1500001);
	assert_int_equal(c.cpu_user_ns, 1000001); /* not of cpuacct.stat */
	assert_int_equal(c.cpu_system_ns, 500000);
	assert_int_equal(c.cpu_shares, 512);
	assert_true(c.cpu_weight == SS_UNKNOWN);
	assert_true(c.memory_reservation == SS_UNLIMITED);
	assert_int_equal(c.swap_limit, 128 << 20);
	assert_true(c.memory_high == SS_UNKNOWN && c.pages_scanned == SS_UNKNOWN && c.events_high == SS_UNKNOWN);
	assert_true(c.under_oom == 1 && c.oom_kill_disabled == 1);
	assert_int_equal(c.pids_limit, 100);

	/* memory.stat of the root is there, and is not read. */
	assert_int_equal(read_at(fs, "/", &c), 0);
	assert_int_equal(c.memory_usage, 5000000);
	assert_true(c.memory_rss == SS_UNKNOWN && c.memory_cache == SS_UNKNOWN);
	no_errors(fs);
	cgroupfs_close(fs);
}

/* A kernel that was started with cgroup_disable=memory: what it lacks is known, and its values are absent. */
static void lacks_memory(void **state)
{
	const struct tree *t = *state;
	const struct cgroup_layout_info *info;
	struct cgroup_counters c;
	struct cgroupfs *fs;

	v2_tree(t);
	fs = open_tree(t);
	info = cgroupfs_layout(fs);
	assert_false(info->lacks_cpu || info->lacks_memory || info->lacks_pids);
	cgroupfs_close(fs);

	tree_file(t, "/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io pids\n");
	for (size_t i = 0; i < 5; i++) {
		static const char *const gone[] = {"current", "max", "stat", "events", "low"};
		char path[128];

		snprintf(path, sizeof(path), "/sys/fs/cgroup/system.slice/docker-1.scope/memory.%s", gone[i]);
		tree_remove(t, path);
	}
	fs = open_tree(t);
	info = cgroupfs_layout(fs);
	assert_true(info->lacks_memory);
	assert_false(info->lacks_cpu || info->lacks_pids);
	assert_int_equal(read_at(fs, "/system.slice/docker-1.scope", &c), 0);
	assert_true(c.memory_usage == SS_UNKNOWN && c.memory_limit == SS_UNKNOWN);
	assert_int_equal(c.cpu_usage_ns, 1500000);
	cgroupfs_close(fs);
}

static void command_lines(void **state)
{
	(void)state;
	assert_true(cgroup_turned_off("root=/dev/sda1 cgroup_disable=memory quiet\n", "memory"));
	assert_true(cgroup_turned_off("cgroup_disable=cpu,memory\n", "memory"));
	assert_true(cgroup_turned_off("cgroup_disable=pids cgroup_disable=memory", "memory"));
	assert_false(cgroup_turned_off("cgroup_disable=memory_pressure\n", "memory"));
	assert_false(cgroup_turned_off("cgroup_enable=memory swapaccount=1\n", "memory"));
	assert_false(cgroup_turned_off("no_cgroup_disable=memory\n", "memory"));
	assert_false(cgroup_turned_off("cgroup_disable=", "memory"));
	assert_false(cgroup_turned_off("", "memory"));
}

static void v1_comounted(void **state)
{
	const struct tree *t = *state;
	struct cgroup_counters c;
	struct cgroupfs *fs;

	tree_file(t, "/proc/self/mountinfo",
		  BASE "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
		       "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
	tree_file(t, "/proc/cgroups",
		  "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t5\t1\t1\ncpuacct\t5\t1\t1\n");
	v1_files(t, "/sys/fs/cgroup/cpu,cpuacct/x", "ca");
	tree_dir(t, "/sys/fs/cgroup/memory/x");
	tree_remove(t, "/sys/fs/cgroup/cpu,cpuacct/x/cpuacct.usage_user");
	fs = open_tree(t);
	layout_check(fs, CGROUP_V1, "cpu", 5);
	assert_false(cgroupfs_layout(fs)->whole);
	assert_true(cgroupfs_layout(fs)->lacks_pids);
	assert_false(cgroupfs_layout(fs)->lacks_cpu || cgroupfs_layout(fs)->lacks_memory);
	assert_int_equal(read_at(fs, "/x", &c), 0);
	assert_int_equal(c.cpu_usage_ns, 1500001);
	assert_int_equal(c.cpu_quota_us, 25000);
	assert_int_equal(c.cpu_user_ns, 990000000); /* an old kernel: both are of cpuacct.stat then */
	assert_int_equal(c.cpu_system_ns, 980000000);
	assert_true(c.memory_usage == SS_UNKNOWN && c.pids == SS_UNKNOWN);
	no_errors(fs);
	cgroupfs_close(fs);
}

static void hybrid(void **state)
{
	const struct tree *t = *state;
	struct cgroup_counters c;
	struct cgroupfs *fs;
	uint64_t id;

	v1_tree(t);
	tree_file(t, "/proc/self/mountinfo",
		  BASE "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
		       "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
		       "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
		       "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
	tree_file(t, "/sys/fs/cgroup/unified/cgroup.controllers", "hugetlb\n");
	v2_files(t, "/sys/fs/cgroup/unified/docker/x");
	tree_file(t, "/sys/fs/cgroup/unified/docker/x/cpu.stat", "usage_usec 1\nuser_usec 1\nsystem_usec 1\n");
	tree_dir(t, "/sys/fs/cgroup/unified/elsewhere");
	fs = open_tree(t);
	layout_check(fs, CGROUP_HYBRID, "cpu", 1);
	assert_int_equal(cgroupfs_id(fs, "/elsewhere", &id), -ENOENT);
	assert_int_equal(read_at(fs, "/docker/x", &c), 0);
	assert_int_equal(c.memory_usage, 5000000);
	assert_true(c.cpu_usage_ns == SS_UNKNOWN); /* cpuacct is not mounted, and v2 is not asked */
	cgroupfs_close(fs);
}

/* What /proc/PID/cgroup says of one process: the path in v2, then those in the v1 hierarchies of v1_tree. */
static void process_at(const struct tree *t, int pid, const char *v2, const char *cpu, const char *memory,
		       const char *pids)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	snprintf(text, sizeof(text), "9:name=systemd:%s\n8:pids:%s\n4:memory:%s\n2:cpuacct:/\n1:cpu:%s\n0::%s\n", v2,
		 pids, memory, cpu, v2);
	tree_file(t, path, text);
}

static void hybrid_tree(const struct tree *t)
{
	v1_tree(t);
	tree_file(t, "/proc/self/mountinfo",
		  BASE "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
		       "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
		       "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
		       "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		       "36 31 0:33 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n");
	tree_file(t, "/sys/fs/cgroup/unified/cgroup.controllers", "\n");
	tree_file(t, "/proc/version", "not a process\n");
}

/* The hierarchy that tells the most processes apart carries; which files are read follows. */
static void the_most_specific_carries(void **state)
{
#define SSH  "/system.slice/ssh.service"
#define CRON "/system.slice/cron.service"
	static const struct {
		const char *ssh[4], *cron[4]; /* v2, cpu, memory, pids */
		const char *controller;
		uint32_t hierarchy;
	} cases[] = {
		/* systemd without CPU accounting */
		{{SSH, "/", SSH, SSH}, {CRON, "/", CRON, CRON}, "memory", 4},
		{{SSH, "/system.slice", SSH, SSH}, {CRON, "/system.slice", CRON, CRON}, "memory", 4},
		/* nor any of memory */
		{{SSH, "/", "/", SSH}, {CRON, "/", "/", CRON}, "pids", 8},
		/* v2 alone */
		{{SSH, "/", "/", "/"}, {CRON, "/", "/", "/"}, "", 0},
		{{SSH, "/", "/", "/"}, {"/", "/", "/", "/"}, "", 0},
		/* containers that v2 does not know of */
		{{SSH, "/docker/a", "/docker/a", "/docker/a"}, {SSH, "/docker/b", "/docker/b", "/docker/b"}, "cpu", 1},
		/* v2 is a little finer, for user sessions */
		{{SSH, "/user.slice", "/user.slice", "/user.slice"}, {CRON, CRON, CRON, CRON}, "cpu", 1},
		/* all say the same, or nothing */
		{{SSH, SSH, SSH, SSH}, {CRON, CRON, CRON, CRON}, "cpu", 1},
		{{"/", "/", "/", "/"}, {"/", "/", "/", "/"}, "cpu", 1},
		/* outside of this cgroup namespace */
		{{"/../x", "/", "/..", "/../y"}, {"/../z", "/", "/", "/"}, "cpu", 1},
	};
	const struct tree *t = *state;
	struct cgroupfs *fs;

	hybrid_tree(t);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *const *a = cases[i].ssh, *const *b = cases[i].cron;

		process_at(t, 100, a[0], a[1], a[2], a[3]);
		process_at(t, 101, b[0], b[1], b[2], b[3]);
		process_at(t, 102, b[0], b[1], b[2], b[3]);
		fs = open_tree(t);
		layout_check(fs, CGROUP_HYBRID, cases[i].controller, cases[i].hierarchy);
		cgroupfs_close(fs);
	}
}

/* Of many processes some are asked, wherever in the folder they are. */
static void many_are_sampled(void **state)
{
	const struct tree *t = *state;
	struct cgroup_census census;
	char path[64], own[64];

	for (int pid = 1; pid <= 2 * CENSUS_PROCESSES; pid++) {
		snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
		snprintf(own, sizeof(own), "1:cpu:/docker/%d\n0::/system.slice\n", pid);
		tree_file(t, path, own);
	}
	assert_int_equal(cgroup_census_take(t->root, &census), 0);
	assert_int_equal(census.cgroups[CGROUP_SLOT_V2], 1);
	assert_in_range(census.cgroups[CGROUP_SLOT_CPU], CENSUS_PROCESSES / 2, CENSUS_PROCESSES);
	/* A few are asked all. */
	for (int pid = CENSUS_PROCESSES; pid <= 2 * CENSUS_PROCESSES; pid++) {
		snprintf(path, sizeof(path), "/proc/%d", pid);
		tree_remove(t, path);
	}
	assert_int_equal(cgroup_census_take(t->root, &census), 0);
	assert_int_equal(census.cgroups[CGROUP_SLOT_CPU], CENSUS_PROCESSES - 1);
}

/* Its ids and paths are those of the choice, and the other hierarchies are read at the same path. */
static void memory_carries_with_its_ids(void **state)
{
	const struct tree *t = *state;
	struct cgroup_counters c;
	struct cgroupfs *fs;
	struct stat st;
	char path[512];
	uint64_t id;

	hybrid_tree(t);
	process_at(t, 100, SSH, "/", SSH, SSH);
	v1_files(t, "/sys/fs/cgroup/memory" SSH, "m");
	v1_files(t, "/sys/fs/cgroup/pids" SSH, "p");
	fs = open_tree(t);
	layout_check(fs, CGROUP_HYBRID, "memory", 4);
	snprintf(path, sizeof(path), "%s/sys/fs/cgroup/memory" SSH, t->root);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(cgroupfs_id(fs, SSH, &id), 0);
	assert_int_equal(id, st.st_ino);
	assert_int_equal(read_at(fs, SSH, &c), 0);
	assert_int_equal(c.memory_usage, 5000000);
	assert_int_equal(c.pids, 3);
	assert_true(c.cpu_usage_ns == SS_UNKNOWN && c.cpu_quota_us == SS_UNKNOWN);
	cgroupfs_close(fs);
}

static void memberships(void **state)
{
	static const struct {
		const char *line;
		int result;
		const char *path;
		uint32_t slots; /* bit per slot */
	} cases[] = {
		{"0::/a:b", 0, "/a:b", 1 << CGROUP_SLOT_V2},
		{"3:cpu,cpuacct:/x", 0, "/x", 1 << CGROUP_SLOT_CPU | 1 << CGROUP_SLOT_CPUACCT},
		{"12:cpuset:/", 0, "/", 1 << CGROUP_SLOT_CPUSET},
		{"1:name=systemd:/x", -ENOMSG, NULL, 0},
		{"1:name=cpu:/x", -ENOMSG, NULL, 0},
		{"7:freezer:/x", -ENOMSG, NULL, 0},
		{"0::/../x", -ENOMSG, NULL, 0},
		{"0::/..", -ENOMSG, NULL, 0},
		{"0::/..x", 0, "/..x", 1 << CGROUP_SLOT_V2},
		{"0::x", -EINVAL, NULL, 0},
		{"0:", -EINVAL, NULL, 0},
		{"0::", -EINVAL, NULL, 0},
		{"", -EINVAL, NULL, 0},
		{":::", -EINVAL, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cgroup_membership m = {};
		char line[64];
		uint32_t slots = 0;

		snprintf(line, sizeof(line), "%s", cases[i].line);
		assert_int_equal(cgroup_membership_parse(line, &m), cases[i].result);
		for (int slot = 0; slot < CGROUP_SLOTS; slot++)
			slots |= (uint32_t)m.slots[slot] << slot;
		assert_int_equal(slots, cases[i].slots);
		if (cases[i].path)
			assert_string_equal(m.path, cases[i].path);
	}
}

/* v2 carries, one controller stayed on v1. */
static void v2_with_a_v1_controller(void **state)
{
	const struct tree *t = *state;
	struct cgroup_counters c;
	struct cgroupfs *fs;

	tree_file(t, "/proc/self/mountinfo",
		  "24 1 0:22 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
		  "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n");
	tree_file(t, "/sys/fs/cgroup/unified/cgroup.controllers", "memory pids\n");
	tree_file(t, "/sys/fs/cgroup/unified/x/cpu.stat", "usage_usec 1\nuser_usec 1\nsystem_usec 0\n");
	tree_file(t, "/sys/fs/cgroup/unified/x/memory.current", "42\n");
	v1_files(t, "/sys/fs/cgroup/cpu,cpuacct/x", "ca");
	fs = open_tree(t);
	layout_check(fs, CGROUP_HYBRID, "", 0);
	assert_int_equal(read_at(fs, "/x", &c), 0);
	assert_int_equal(c.cpu_usage_ns, 1000);
	assert_int_equal(c.memory_usage, 42);
	assert_int_equal(c.cpu_quota_us, 25000);
	cgroupfs_close(fs);
}

static void memory_carries_without_cpu(void **state)
{
	const struct tree *t = *state;
	struct cgroupfs *fs;

	tree_file(t, "/proc/self/mountinfo",
		  BASE "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		       "3 31 0:99 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n");
	tree_file(t, "/proc/self/cgroup", "12:memory,hugetlb:/\n");
	tree_dir(t, "/sys/fs/cgroup/memory");
	fs = open_tree(t);
	layout_check(fs, CGROUP_V1, "memory", 12);
	cgroupfs_close(fs);
}

static void nothing_mounted(void **state)
{
	static const char *const mounts[] = {
		"",
		BASE,
		"x\n\n  - cgroup2\n",
		"24 1 0:22 / /not/there rw - cgroup2 cgroup2 rw\n",
		BASE "3 31 0:99 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n",
	};
	const struct tree *t = *state;
	struct cgroupfs *fs = NULL;

	assert_int_equal(cgroupfs_open(&fs, t->root), -ENOENT); /* no mountinfo at all */
	tree_dir(t, "/sys/fs/cgroup/pids");
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		tree_file(t, "/proc/self/mountinfo", mounts[i]);
		assert_int_equal(cgroupfs_open(&fs, t->root), -ENODEV);
	}
	assert_null(fs);
	cgroupfs_close(NULL);
}

static void escapes_and_choice_of_mounts(void **state)
{
	const struct tree *t = *state;
	struct cgroup_counters c;
	struct cgroupfs *fs;

	/* Of three equal ones that below /sys/fs/cgroup; its name has a space and a backslash. */
	tree_file(t, "/proc/self/mountinfo",
		  "1 1 0:22 / /first rw - cgroup2 cgroup2 rw\n"
		  "2 1 0:22 / /sys/fs/cgroup/my\\040v\\1342 rw - cgroup2 cgroup2 rw\n"
		  "3 1 0:22 / /sys/fs/cgroup2 rw - cgroup2 cgroup2 rw\n");
	tree_file(t, "/first/cgroup.controllers", "cpu memory\n");
	tree_file(t, "/sys/fs/cgroup2/cgroup.controllers", "cpu memory\n");
	tree_file(t, "/sys/fs/cgroup/my v\\2/cgroup.controllers", "cpu memory\n");
	tree_file(t, "/sys/fs/cgroup/my v\\2/x y/pids.current", "3\n");
	fs = open_tree(t);
	assert_string_equal(cgroupfs_layout(fs)->mounts, "v2 /sys/fs/cgroup/my v\\2\n");
	assert_int_equal(read_at(fs, "/x y", &c), 0);
	assert_int_equal(c.pids, 3);
	cgroupfs_close(fs);

	/* But one that shows the whole hierarchy goes before one that does not. */
	tree_file(t, "/sys/fs/cgroup/my v\\2/cgroup.events", "populated 1\n");
	fs = open_tree(t);
	assert_string_equal(cgroupfs_layout(fs)->mounts, "v2 /first\n");
	cgroupfs_close(fs);
}

/* ---- reading again ---- */

#define ONE    "/system.slice/docker-1.scope"
#define SECOND 1000000000ULL

static void limit_write(const struct tree *t, unsigned int mib)
{
	char text[32];

	snprintf(text, sizeof(text), "%u\n", mib << 20);
	tree_file(t, "/sys/fs/cgroup" ONE "/memory.max", text);
}

static uint64_t limit_read(struct cgroupfs *fs, unsigned int second)
{
	struct cgroup_counters c;

	cgroupfs_moment(fs, second * SECOND);
	assert_int_equal(read_at(fs, ONE, &c), 0);
	return c.memory_limit >> 20;
}

/* With few cgroups a new limit is there at the next read. */
static void limits_of_few(void **state)
{
	const struct tree *t = *state;
	struct cgroupfs *fs;

	v2_tree(t);
	fs = open_tree(t);
	for (unsigned int read = 1; read < 20; read++) {
		limit_write(t, read);
		assert_int_equal(limit_read(fs, 1), read);
	}
	no_errors(fs);
	cgroupfs_close(fs);
}

/* With many it is 8 s late at most, however often they are read. */
static void limits_of_many(void **state)
{
	const struct tree *t = *state;
	struct cgroup_counters c;
	struct cgroupfs *fs;
	unsigned int was = 0;

	v2_tree(t);
	fs = open_tree(t);
	for (int i = 0; i < CGROUPFS_LIMITS_ALWAYS; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/sys/fs/cgroup/c%d/pids.current", i);
		tree_file(t, path, "1\n");
		snprintf(path, sizeof(path), "/c%d", i);
		assert_int_equal(read_at(fs, path, &c), 0);
	}
	for (unsigned int second = 1; second <= CGROUPFS_YOUNG_READS; second++)
		limit_read(fs, second);
	for (unsigned int second = 4; second < 40; second++) {
		limit_write(t, second);
		was = (second - CGROUPFS_YOUNG_READS) % 4 == 0 ? second : was ?: 64;
		assert_int_equal(limit_read(fs, second), was);
	}
	/* Seldom: at each read. */
	for (unsigned int second = 60; second < 200; second += 15) {
		limit_write(t, second);
		assert_int_equal(limit_read(fs, second), second);
	}
	no_errors(fs);
	cgroupfs_close(fs);
}

static void pressure_write(const struct tree *t, unsigned int usage_us, unsigned int total_us)
{
	char text[100];

	snprintf(text, sizeof(text), "usage_usec %u\nuser_usec 1\nsystem_usec 1\n", usage_us);
	tree_file(t, "/sys/fs/cgroup" ONE "/cpu.stat", text);
	snprintf(text, sizeof(text), "some avg10=0.00 avg60=0.00 avg300=0.00 total=%u\n", total_us);
	tree_file(t, "/sys/fs/cgroup" ONE "/memory.pressure", text);
}

static uint64_t pressure_read(struct cgroupfs *fs, uint64_t second)
{
	struct cgroup_counters c;

	cgroupfs_moment(fs, second * 1000000000);
	assert_int_equal(read_at(fs, "/system.slice/docker-1.scope", &c), 0);
	return c.pressure_memory_some_ns / 1000;
}

/* Of a cgroup that uses no CPU time pressure is not read, unless it was growing. */
static void pressure_of_the_idle(void **state)
{
	const struct tree *t = *state;
	struct cgroup_counters c;
	struct cgroupfs *fs;

	v2_tree(t);
	fs = open_tree(t);
	assert_null(cgroupfs_layout(fs)->pressure_reason);
	assert_int_equal(read_at(fs, "/system.slice/docker-1.scope", &c), 0);
	assert_true(c.pressure_cpu_some_ns == 11000 && c.pressure_cpu_full_ns == SS_UNKNOWN);
	assert_true(c.pressure_memory_some_ns == 13000 && c.pressure_memory_full_ns == 7000);
	assert_true(c.pressure_io_some_ns == 17000 && c.pressure_io_full_ns == 5000);
	pressure_write(t, 100, 20);
	for (unsigned int second = 1; second <= CGROUPFS_YOUNG_READS; second++)
		assert_int_equal(pressure_read(fs, second), 20);
	pressure_write(t, 100, 30);
	assert_int_equal(pressure_read(fs, 10), 20);
	/* It runs: read, and once more, since it had changed. */
	pressure_write(t, 101, 40);
	assert_int_equal(pressure_read(fs, 11), 40);
	pressure_write(t, 101, 50);
	assert_int_equal(pressure_read(fs, 12), 50);
	pressure_write(t, 101, 60);
	assert_int_equal(pressure_read(fs, 13), 60);
	assert_int_equal(pressure_read(fs, 14), 60);
	pressure_write(t, 101, 70);
	assert_int_equal(pressure_read(fs, 15), 60);
	assert_int_equal(pressure_read(fs, 14 + 60), 70);
	no_errors(fs);
	cgroupfs_close(fs);
}

static void pressure_reasons(void **state)
{
	const struct tree *t = *state;

	assert_non_null(strstr(pressure_reason(t->root, true), "psi=1"));
	tree_file(t, "/proc/cmdline", "ro psi=0\n");
	assert_non_null(strstr(pressure_reason(t->root, true), "psi=0"));
	tree_file(t, "/proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n");
	assert_null(pressure_reason(t->root, true));
	assert_non_null(pressure_reason(t->root, false));
	tree_file(t, "/proc/cmdline", "cgroup_disable=pressure\n");
	assert_non_null(strstr(pressure_reason(t->root, true), "cgroup_disable"));
}

/* What a runtime gives a cgroup a moment after it was made is there at the next read. */
static void young_is_read_whole(void **state)
{
	const struct tree *t = *state;
	struct cgroup_counters c;
	struct cgroupfs *fs;

	v1_tree(t);
	tree_remove(t, "/sys/fs/cgroup/pids/docker");
	tree_remove(t, "/sys/fs/cgroup/memory/docker/x/memory.failcnt");
	fs = open_tree(t);
	assert_int_equal(read_at(fs, "/docker/x", &c), 0);
	assert_int_equal(c.pids, SS_UNKNOWN);
	assert_int_equal(c.memory_failcnt, SS_UNKNOWN);
	v1_files(t, "/sys/fs/cgroup/pids/docker/x", "p");
	tree_file(t, "/sys/fs/cgroup/memory/docker/x/memory.failcnt", "5\n");
	tree_file(t, "/sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes", "1048576\n");
	assert_int_equal(read_at(fs, "/docker/x", &c), 0);
	assert_int_equal(c.pids, 3);
	assert_int_equal(c.memory_failcnt, 5);
	assert_int_equal(c.memory_limit, 1 << 20);
	no_errors(fs);
	cgroupfs_close(fs);
}

/* Sizes that the machine does not have are not looked for. */
static void huge_pages(void **state)
{
	enum { KB64, MB2, MB32, GB1 };
	const struct tree *t = *state;
	struct cgroup_counters c;
	struct cgroupfs *fs;

	v2_tree(t);
	tree_dir(t, "/sys/kernel/mm/hugepages/hugepages-2048kB");
	tree_dir(t, "/sys/kernel/mm/hugepages/hugepages-1048576kB");
#define SCOPE "/sys/fs/cgroup/system.slice/docker-1.scope/hugetlb."
	tree_file(t, SCOPE "2MB.current", "6291456\n");
	tree_file(t, SCOPE "2MB.max", "8388608\n");
	tree_file(t, SCOPE "2MB.events", "max 7\n");
	tree_file(t, SCOPE "1GB.current", "0\n");
	tree_file(t, SCOPE "1GB.max", "max\n");
	tree_file(t, SCOPE "64KB.current", "65536\n");
	fs = open_tree(t);
	assert_int_equal(read_at(fs, "/system.slice/docker-1.scope", &c), 0);
	assert_int_equal(c.hugetlb[MB2], 6291456);
	assert_int_equal(c.hugetlb_limit[MB2], 8388608);
	assert_int_equal(c.hugetlb_failcnt[MB2], 7);
	assert_true(c.hugetlb_peak[MB2] == SS_UNKNOWN);
	assert_int_equal(c.hugetlb[GB1], 0);
	assert_true(c.hugetlb_limit[GB1] == SS_UNLIMITED && c.hugetlb_failcnt[GB1] == SS_UNKNOWN);
	assert_true(c.hugetlb[KB64] == SS_UNKNOWN && c.hugetlb[MB32] == SS_UNKNOWN);
	no_errors(fs);
	cgroupfs_close(fs);
}

static void huge_pages_v1(void **state)
{
	const struct tree *t = *state;
	struct cgroup_counters c;
	struct cgroupfs *fs;

	v1_tree(t);
	tree_file(t, "/proc/self/mountinfo",
		  BASE "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
		       "33 31 0:30 / /sys/fs/cgroup/hugetlb rw - cgroup cgroup rw,hugetlb\n");
	tree_dir(t, "/sys/kernel/mm/hugepages/hugepages-2048kB");
	tree_file(t, "/sys/fs/cgroup/hugetlb/docker/x/hugetlb.2MB.usage_in_bytes", "4194304\n");
	tree_file(t, "/sys/fs/cgroup/hugetlb/docker/x/hugetlb.2MB.max_usage_in_bytes", "6291456\n");
	tree_file(t, "/sys/fs/cgroup/hugetlb/docker/x/hugetlb.2MB.limit_in_bytes", "9223372036853727232\n");
	tree_file(t, "/sys/fs/cgroup/hugetlb/docker/x/hugetlb.2MB.failcnt", "3\n");
	fs = open_tree(t);
	layout_check(fs, CGROUP_V1, "cpu", 1);
	assert_int_equal(read_at(fs, "/docker/x", &c), 0);
	assert_int_equal(c.hugetlb[1], 4194304);
	assert_int_equal(c.hugetlb_peak[1], 6291456);
	assert_true(c.hugetlb_limit[1] == SS_UNLIMITED);
	assert_int_equal(c.hugetlb_failcnt[1], 3);
	no_errors(fs);
	cgroupfs_close(fs);
}

/* Of a cgroup above containers: limits, and how far those are used that are set. */
static void only_limits_above(void **state)
{
	const struct tree *t = *state;
	struct cgroup_counters c;
	struct cgroupfs *fs;
	uint64_t id;

	v2_tree(t);
	fs = open_tree(t);
	assert_int_equal(cgroupfs_id(fs, "/system.slice/docker-1.scope", &id), 0);
	assert_int_equal(cgroupfs_read_above(fs, id, "/system.slice/docker-1.scope", &c), 0);
	assert_int_equal(c.cpu_quota_us, 25000);
	assert_int_equal(c.periods, 11);
	assert_int_equal(c.throttled_periods, 3);
	assert_int_equal(c.memory_limit, 64 << 20);
	assert_int_equal(c.memory_usage, 5000000);
	assert_int_equal(c.memory_inactive_file, 500);
	assert_int_equal(c.cpuset_cpus, 4);
	assert_true(c.pids == SS_UNKNOWN && c.memory_peak == SS_UNKNOWN && c.oom_kills == SS_UNKNOWN);

	tree_file(t, "/sys/fs/cgroup/system.slice/docker-1.scope/cpu.max", "max 100000\n");
	tree_file(t, "/sys/fs/cgroup/system.slice/docker-1.scope/memory.max", "max\n");
	assert_int_equal(cgroupfs_read_above(fs, id, "/system.slice/docker-1.scope", &c), 0);
	assert_true(c.cpu_quota_us == SS_UNLIMITED && c.periods == SS_UNKNOWN);
	assert_true(c.memory_limit == SS_UNLIMITED && c.memory_usage == SS_UNKNOWN && c.memory_rss == SS_UNKNOWN);
	no_errors(fs);
	cgroupfs_close(fs);
}

static void missing_is_remembered_for_a_while(void **state)
{
	const struct tree *t = *state;
	struct cgroup_counters c;
	struct cgroupfs *fs;

	v1_tree(t);
	tree_remove(t, "/sys/fs/cgroup/pids/docker");
	tree_remove(t, "/sys/fs/cgroup/memory/docker/x/memory.failcnt");
	fs = open_tree(t);
	for (int read = 0; read <= CGROUPFS_RETRY_EVERY; read++) {
		assert_int_equal(read_at(fs, "/docker/x", &c), 0);
		/* a directory that another hierarchy gets a moment later: at every 5th read */
		assert_int_equal(c.pids, read < CGROUPFS_NO_DIR_EVERY ? SS_UNKNOWN : 3);
		assert_int_equal(c.memory_failcnt, read < CGROUPFS_RETRY_EVERY ? SS_UNKNOWN : 5);
		if (read + 1 < CGROUPFS_YOUNG_READS)
			continue;
		v1_files(t, "/sys/fs/cgroup/pids/docker/x", "p");
		tree_file(t, "/sys/fs/cgroup/memory/docker/x/memory.failcnt", "5\n");
	}
	no_errors(fs);
	cgroupfs_close(fs);
}

static void removed_and_made_again(void **state)
{
	const struct tree *t = *state;
	struct cgroup_counters c = {.pids = 4711};
	struct cgroupfs_stats stats;
	struct cgroupfs *fs;
	uint64_t id;

	v2_tree(t);
	fs = open_tree(t);
	assert_int_equal(cgroupfs_id(fs, "/system.slice/docker-1.scope", &id), 0);
	assert_int_equal(cgroupfs_read(fs, id + 1, "/system.slice/docker-1.scope", &c), -ENOENT);
	assert_int_equal(c.pids, 4711); /* untouched */
	assert_int_equal(cgroupfs_read(fs, id, "/system.slice/docker-1.scope", &c), 0);
	cgroupfs_stats(fs, &stats);
	assert_int_equal(stats.open_cgroups, 1);
	assert_int_equal(stats.open_files, 20);
	assert_int_equal(cgroupfs_read(fs, id, "/system.slice", &c), -ENOENT); /* another one's path */
	cgroupfs_stats(fs, &stats);
	assert_int_equal(stats.open_cgroups + stats.open_files, 0);

	assert_int_equal(cgroupfs_read(fs, id, "/system.slice/docker-1.scope", &c), 0);
	/* The old directory is kept elsewhere, so that the new one cannot get its number. */
	char from[512], to[512];
	snprintf(from, sizeof(from), "%s/sys/fs/cgroup/system.slice/docker-1.scope", t->root);
	snprintf(to, sizeof(to), "%s/old", t->root);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(cgroupfs_read(fs, id, "/system.slice/docker-1.scope", &c), -ENOENT);
	v2_files(t, "/sys/fs/cgroup/system.slice/docker-1.scope");
	assert_int_equal(cgroupfs_read(fs, id, "/system.slice/docker-1.scope", &c), -ENOENT);
	cgroupfs_stats(fs, &stats);
	assert_int_equal(stats.open_cgroups + stats.open_files + stats.read_errors, 0);

	assert_int_equal(read_at(fs, "/system.slice/docker-1.scope", &c), 0);
	assert_int_equal(cgroupfs_id(fs, "/system.slice/docker-1.scope", &id), 0);
	cgroupfs_forget(fs, id + 1);
	cgroupfs_forget(fs, id);
	cgroupfs_stats(fs, &stats);
	assert_int_equal(stats.open_cgroups + stats.open_files, 0);
	cgroupfs_close(fs);
}

static void hostile_files(void **state)
{
	static char long_stat[40000];
	const struct tree *t = *state;
	struct cgroup_counters c;
	struct cgroupfs_stats stats;
	struct cgroupfs *fs;
	char path[512];

	v2_tree(t);
	memset(long_stat, 'x', sizeof(long_stat) - 1);
	memcpy(long_stat, "anon 5\nfile ", 12);
	tree_file(t, "/sys/fs/cgroup/h/memory.stat", long_stat);
	tree_file(t, "/sys/fs/cgroup/h/memory.current", "-5\n");
	tree_file(t, "/sys/fs/cgroup/h/pids.current", "");
	tree_dir(t, "/sys/fs/cgroup/h/pids.max");
	snprintf(path, sizeof(path), "%s/sys/fs/cgroup/h/cpu.stat", t->root);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(path, sizeof(path), "%s/sys/fs/cgroup/h/memory.max", t->root);
	assert_int_equal(symlink("../system.slice/docker-1.scope/memory.max", path), 0);
	fs = open_tree(t);
	assert_int_equal(read_at(fs, "/h", &c), 0);
	assert_int_equal(c.memory_rss, 5);
	assert_true(c.memory_cache == SS_UNKNOWN && c.memory_usage == SS_UNKNOWN && c.pids == SS_UNKNOWN &&
		    c.pids_limit == SS_UNKNOWN && c.cpu_usage_ns == SS_UNKNOWN && c.memory_limit == SS_UNKNOWN);
	cgroupfs_stats(fs, &stats);
	assert_int_equal(stats.read_errors, 6);
	cgroupfs_close(fs);
}

/* In a child, as a lowered hard limit cannot be raised again: with 4 descriptors to keep the values are the same. */
static void few_descriptors(void **state)
{
	const struct tree *t = *state;
	int status;
	pid_t pid;

	v2_tree(t);
	pid = fork();
	if (pid == 0) {
		struct rlimit limit = {.rlim_cur = 64, .rlim_max = CGROUPFS_RESERVED_FILES + 4};
		struct cgroup_counters c;
		struct cgroupfs_stats stats;
		struct cgroupfs *fs;
		bool good;

		good = setrlimit(RLIMIT_NOFILE, &limit) == 0 && cgroupfs_open(&fs, t->root) == 0;
		for (int i = 0; good && i < 12; i++) {
			good = read_at(fs, "/system.slice/docker-1.scope", &c) == 0 && c.pids == 3 &&
			       c.memory_limit == 64 << 20 && c.cpu_usage_ns == 1500000 && c.memory_rss == 1000;
			cgroupfs_stats(fs, &stats);
			good &= stats.open_files == 4 && stats.read_errors == 0;
		}
		good = good && getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == limit.rlim_max;
		_exit(good ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(v2_reads_all),
		TEST(devices),
		TEST(devices_limited),
		TEST(devices_of_nobody),
		TEST(v1_reads_all),
		TEST(lacks_memory),
		TEST(command_lines),
		TEST(v1_comounted),
		TEST(hybrid),
		TEST(the_most_specific_carries),
		TEST(many_are_sampled),
		TEST(memory_carries_with_its_ids),
		TEST(memberships),
		TEST(v2_with_a_v1_controller),
		TEST(memory_carries_without_cpu),
		TEST(nothing_mounted),
		TEST(escapes_and_choice_of_mounts),
		TEST(limits_of_few),
		TEST(limits_of_many),
		TEST(pressure_of_the_idle),
		TEST(pressure_reasons),
		TEST(young_is_read_whole),
		TEST(huge_pages),
		TEST(huge_pages_v1),
		TEST(only_limits_above),
		TEST(missing_is_remembered_for_a_while),
		TEST(removed_and_made_again),
		TEST(hostile_files),
		TEST(few_descriptors),
	};

	return cmocka_run_group_tests_name("cgroupfs", tests, NULL, NULL);
}
