/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "cgroupfs_tree.h"

void tree_make(struct tree *t)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(t->root, sizeof(t->root), "%s/sysscope-test-cgfs-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
	if (!mkdtemp(t->root))
		abort();
}

/* By descriptors, as a path may be longer than PATH_MAX. */
static void tree_entry_remove(int at, const char *name)
{
	struct dirent *entry;
	DIR *dir;

	if (unlinkat(at, name, 0) == 0 || errno != EISDIR)
		return;
	dir = fdopendir(openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			tree_entry_remove(dirfd(dir), entry->d_name);
	if (dir)
		closedir(dir);
	unlinkat(at, name, AT_REMOVEDIR);
}

void tree_remove(const struct tree *t, const char *path)
{
	char full[8192];

	snprintf(full, sizeof(full), "%s%s", t->root, path);
	tree_entry_remove(AT_FDCWD, full);
}

void tree_dir(const struct tree *t, const char *path)
{
	char full[8192];

	snprintf(full, sizeof(full), "%s%s/", t->root, path);
	for (char *p = full + strlen(t->root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(full, 0755);
		*p = '/';
	}
}

void tree_file(const struct tree *t, const char *path, const char *text)
{
	char full[8192], dir[4096];
	FILE *f;

	snprintf(dir, sizeof(dir), "%s", path);
	*strrchr(dir, '/') = '\0';
	tree_dir(t, dir);
	snprintf(full, sizeof(full), "%s%s", t->root, path);
	f = fopen(full, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

int tree_setup(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	tree_make(t);
	*state = t;
	return 0;
}

int tree_teardown(void **state)
{
	struct tree *t = *state;

	tree_remove(t, "");
	free(t);
	return 0;
}

struct cgroupfs *open_tree(const struct tree *t)
{
	struct cgroupfs *fs = NULL;
	int r = cgroupfs_open(&fs, t->root);

	if (r < 0)
		fail_msg("cgroupfs_open: %d", r);
	return fs;
}

int read_at(struct cgroupfs *fs, const char *path, struct cgroup_counters *ret)
{
	uint64_t id;
	int r = cgroupfs_id(fs, path, &id);

	return r < 0 ? r : cgroupfs_read(fs, id, path, ret);
}

void no_errors(struct cgroupfs *fs)
{
	struct cgroupfs_stats stats;

	cgroupfs_stats(fs, &stats);
	assert_int_equal(stats.read_errors, 0);
}

void v2_files(const struct tree *t, const char *dir)
{
	static const char *const files[][2] = {
		{"cpu.stat",
		 "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnice_usec 0\ncore_sched.force_idle_usec 0\n"
		 "nr_periods 11\nnr_throttled 3\nthrottled_usec 77\nnr_bursts 0\nburst_usec 0\n"},
		{"cpu.max", "25000 100000\n"},
		{"cpu.weight", "100\n"},
		{"memory.current", "5000000\n"},
		{"memory.peak", "6000000\n"},
		{"memory.max", "67108864\n"},
		{"memory.low", "0\n"},
		{"memory.swap.current", "4096\n"},
		{"memory.swap.max", "max\n"},
		{"memory.min", "0\n"},
		{"memory.high", "50331648\n"},
		{"memory.swap.high", "max\n"},
		{"memory.stat",
		 "anon 1000\nfile 2000\nkernel 300\nkernel_stack 1\nshmem 17\nfile_mapped 40\nfile_dirty 9\n"
		 "file_writeback 13\ninactive_anon 7\nactive_anon 8\ninactive_file 500\nactive_file 600\n"
		 "slab_reclaimable 31\nslab_unreclaimable 37\nslab 68\nworkingset_refault_anon 2\n"
		 "workingset_refault_file 19\npgscan 29\npgsteal 23\npgfault 70\npgmajfault 8\n"},
		{"memory.events", "low 1\nhigh 11\nmax 5\noom 4\noom_kill 2\noom_group_kill 3\n"},
		{"pids.current", "3\n"},
		{"pids.max", "max\n"},
		{"cpuset.cpus.effective", "0-2,5\n"},
		{"cpu.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=11\n"},
		{"memory.pressure",
		 "some avg10=0.00 avg60=0.00 avg300=0.00 total=13\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"},
		{"io.pressure",
		 "some avg10=0.00 avg60=0.00 avg300=0.00 total=17\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=5\n"},
		{"cgroup.events", "populated 1\nfrozen 0\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", dir, files[i][0]);
		tree_file(t, path, files[i][1]);
	}
}

void v1_files(const struct tree *t, const char *dir, const char *controllers)
{
	static const char *const files[][3] = {
		{"c", "cpu.stat", "nr_periods 11\nnr_throttled 3\nthrottled_time 77000\nnr_bursts 0\nburst_time 0\n"},
		{"c", "cpu.cfs_quota_us", "25000\n"},
		{"c", "cpu.cfs_period_us", "100000\n"},
		{"c", "cpu.shares", "512\n"},
		{"a", "cpuacct.usage", "1500001\n"},
		{"a", "cpuacct.usage_user", "1000001\n"},
		{"a", "cpuacct.usage_sys", "500000\n"},
		{"a", "cpuacct.stat", "user 99\nsystem 98\n"},
		{"m", "memory.usage_in_bytes", "5000000\n"},
		{"m", "memory.max_usage_in_bytes", "6000000\n"},
		{"m", "memory.limit_in_bytes", "67108864\n"},
		{"m", "memory.soft_limit_in_bytes", "9223372036854771712\n"},
		{"m", "memory.memsw.limit_in_bytes", "134217728\n"},
		{"m", "memory.kmem.usage_in_bytes", "300\n"},
		{"m", "memory.failcnt", "5\n"},
		{"m", "memory.stat",
		 "cache 1\nrss 1\nmapped_file 1\nswap 1\npgfault 1\ninactive_file 1\n"
		 "total_cache 2000\ntotal_rss 1000\ntotal_shmem 17\ntotal_mapped_file 40\ntotal_dirty 9\n"
		 "total_writeback 13\ntotal_workingset_refault_anon 2\ntotal_workingset_refault_file 19\n"
		 "total_swap 4096\ntotal_pgfault 70\n"
		 "total_pgmajfault 8\ntotal_inactive_file 500\ntotal_active_file 600\n"},
		{"m", "memory.oom_control", "oom_kill_disable 1\nunder_oom 1\noom_kill 2\n"},
		{"p", "pids.current", "3\n"},
		{"p", "pids.max", "100\n"},
		{"s", "cpuset.effective_cpus", "0-2,5\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char path[512];

		if (!strchr(controllers, files[i][0][0]))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, files[i][1]);
		tree_file(t, path, files[i][2]);
	}
}

void v2_tree(const struct tree *t)
{
	tree_file(t, "/proc/self/mountinfo",
		  "24 1 0:22 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw,nsdelegate\n");
	tree_file(t, "/proc/self/cgroup", "0::/init.scope\n");
	tree_file(t, "/proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n");
	tree_file(t, "/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
	tree_file(t, "/sys/fs/cgroup/cpu.stat", "usage_usec 9\nuser_usec 5\nsystem_usec 4\n");
	v2_files(t, "/sys/fs/cgroup/system.slice/docker-1.scope");
}

void v1_tree(const struct tree *t)
{
	tree_file(t, "/proc/self/mountinfo",
		  BASE "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
		       "33 31 0:30 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n"
		       "34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
		       "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		       "36 31 0:33 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n");
	tree_file(t, "/proc/self/cgroup", "8:pids:/\n4:memory:/\n3:cpuset:/\n2:cpuacct:/a:b\n1:cpu:/\n");
	tree_file(t, "/sys/fs/cgroup/cpu/cgroup.sane_behavior", "0\n");
	v1_files(t, "/sys/fs/cgroup/memory", "m");
	v1_files(t, "/sys/fs/cgroup/cpu/docker/x", "c");
	v1_files(t, "/sys/fs/cgroup/cpuacct/docker/x", "a");
	v1_files(t, "/sys/fs/cgroup/memory/docker/x", "m");
	v1_files(t, "/sys/fs/cgroup/pids/docker/x", "p");
	v1_files(t, "/sys/fs/cgroup/cpuset/docker/x", "s");
}
