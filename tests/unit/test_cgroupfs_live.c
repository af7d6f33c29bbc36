/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_cgroupfs_live.c - cgroupfs on this machine's own cgroups: one cgroup is made in every hierarchy that is read, a
 * process burns CPU in it, its counters are checked against the kernel's files, and it is removed. Touches no other
 * cgroup.
 */
#include <signal.h>
#include <sys/wait.h>

#include "lib/cgroupfs_tree.h"

struct live {
	struct cgroupfs *fs;
	char points[8][512]; /* mount points of the hierarchies that are read */
	size_t n_points;
	char carrying[512]; /* the one that carries */
	char path[64];	    /* of the test's cgroup */
	pid_t child;
};

static void live_full(const struct live *l, size_t point, const char *file, char full[1024])
{
	snprintf(full, 1024, "%s%s/%s", l->points[point], l->path, file);
}

/* In the first hierarchy that has this file. */
static bool live_write(const struct live *l, const char *file, const char *text)
{
	char full[1024];

	for (size_t i = 0; i < l->n_points; i++) {
		_cleanup_close_ int fd = -1;

		live_full(l, i, file, full);
		fd = open(full, O_WRONLY);
		if (fd >= 0)
			return write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	}
	return false;
}

static uint64_t live_read(const struct live *l, const char *file)
{
	char full[1024];
	uint64_t value;

	for (size_t i = 0; i < l->n_points; i++) {
		_cleanup_free_ char *text = NULL;
		size_t length;

		live_full(l, i, file, full);
		if (read_file(full, 4096, &text, &length) < 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		return parse_u64(text, 0, UINT64_MAX, &value) == 0 ? value : SS_UNKNOWN;
	}
	return SS_UNKNOWN;
}

static void live_rmdir(const struct live *l)
{
	char full[1024];

	for (size_t i = 0; i < l->n_points; i++) {
		live_full(l, i, "", full);
		/* a child that has just ended may hold it for a moment */
		for (int tries = 0; rmdir(full) < 0 && errno == EBUSY && tries < 200; tries++)
			usleep(10000);
	}
}

static void live_child_end(struct live *l)
{
	if (l->child <= 0)
		return;
	kill(l->child, SIGKILL);
	waitpid(l->child, NULL, 0);
	l->child = 0;
}

static int live_setup(void **state)
{
	struct live *l = calloc(1, sizeof(*l));

	*state = l;
	snprintf(l->path, sizeof(l->path), "/sysscope-test-cgfs-%d", (int)getpid());
	if (cgroupfs_open(&l->fs, "") < 0)
		return 0;
	for (const char *line = cgroupfs_layout(l->fs)->mounts; *line; line = strchr(line, '\n') + 1) {
		const char *point = strchr(line, '/'), *name = cgroupfs_layout(l->fs)->carrying_controller;

		/* an empty v2 tree beside v1 is not read */
		if ((line[1] == '2') == cgroupfs_layout(l->fs)->carrying_v2 && l->n_points < ARRAY_SIZE(l->points))
			snprintf(l->points[l->n_points++], sizeof(l->points[0]), "%.*s", (int)strcspn(point, "\n"),
				 point);
		if (name[0] ? strncmp(line + 3, name, strlen(name)) == 0 && line[3 + strlen(name)] == ' '
			    : line[1] == '2')
			snprintf(l->carrying, sizeof(l->carrying), "%.*s", (int)strcspn(point, "\n"), point);
	}
	return 0;
}

static int live_teardown(void **state)
{
	struct live *l = *state;

	live_child_end(l);
	cgroupfs_close(l->fs);
	live_rmdir(l);
	free(l);
	return 0;
}

/* Makes the cgroup everywhere, or skips the test. */
static void live_mkdir(const struct live *l)
{
	char full[1024];

	if (geteuid() != 0 || !l->fs) {
		print_message("# SKIP needs root and mounted cgroups\n");
		skip();
	}
	for (size_t i = 0; i < l->n_points; i++) {
		live_full(l, i, "", full);
		if (mkdir(full, 0755) < 0 && errno != EEXIST) {
			print_message("# SKIP cannot make %s: %s\n", full, strerror(errno));
			skip();
		}
	}
}

/* A process that enters the cgroup in all hierarchies, says so, and spins until it is ended. */
static void live_burn(struct live *l)
{
	int ready[2];
	char c = 0;

	assert_int_equal(pipe(ready), 0);
	l->child = fork();
	if (l->child == 0) {
		char full[1024];
		bool good = true;

		for (size_t i = 0; i < l->n_points; i++) {
			int fd;

			live_full(l, i, "cgroup.procs", full);
			fd = open(full, O_WRONLY);
			good &= write(fd, "0", 1) == 1;
		}
		if (write(ready[1], good ? "y" : "n", 1) != 1)
			_exit(1);
		for (;;)
			;
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(c, 'y');
	close(ready[0]);
	close(ready[1]);
}

/* Until the process has used more than `over_ns`: on a busy machine it may wait for a CPU for long. */
static void live_read_until(const struct live *l, uint64_t id, uint64_t over_ns, struct cgroup_counters *ret)
{
	for (int tries = 0; tries < 3000; tries++) {
		assert_int_equal(cgroupfs_read(l->fs, id, l->path, ret), 0);
		if (ret->cpu_usage_ns > over_ns)
			return;
		usleep(10000);
	}
	fail_msg("the process has not used %llu ns of CPU within 30 s", (unsigned long long)over_ns);
}

static void live_read_all(void **state)
{
	struct live *l = *state;
	bool v2, cpuset;
	struct cgroup_counters c, later;
	uint64_t id, before, after;
	struct cgroupfs_stats stats;
	char full[1024];
	struct stat st;

	live_mkdir(l);
	v2 = cgroupfs_layout(l->fs)->carrying_v2;
	if (!live_write(l, v2 ? "memory.max" : "memory.limit_in_bytes", "67108864")) {
		print_message("# SKIP the memory controller is not to be had here\n");
		skip();
	}
	assert_true(live_write(l, "pids.max", "77"));
	cpuset = live_write(l, "cpuset.cpus", "0") && live_write(l, "cpuset.mems", "0");
	assert_int_equal(cgroupfs_id(l->fs, l->path, &id), 0);
	snprintf(full, sizeof(full), "%s%s", l->carrying, l->path);
	assert_int_equal(stat(full, &st), 0);
	assert_int_equal(id, st.st_ino);

	assert_int_equal(cgroupfs_read(l->fs, id, l->path, &c), 0);
	assert_int_equal(c.cpu_usage_ns, 0);
	assert_int_equal(c.pids, 0);
	assert_int_equal(c.pids_limit, 77);
	assert_int_equal(c.memory_limit, 64 << 20);
	assert_true(c.cpu_quota_us == SS_UNLIMITED);
	assert_int_equal(c.cpu_period_us, 100000);
	if (cpuset)
		assert_int_equal(c.cpuset_cpus, 1);

	live_burn(l);
	live_read_until(l, id, 5000000, &c);
	/* The second source: the kernel's own file, read before and after. */
	before = v2 ? 0 : live_read(l, "cpuacct.usage");
	assert_int_equal(cgroupfs_read(l->fs, id, l->path, &c), 0);
	after = v2 ? UINT64_MAX : live_read(l, "cpuacct.usage");
	assert_true(c.cpu_usage_ns >= before && c.cpu_usage_ns <= after);
	assert_true(c.cpu_usage_ns > 5000000);
	assert_int_equal(c.pids, 1);
	live_read_until(l, id, c.cpu_usage_ns, &later);
	assert_true(later.cpu_user_ns != SS_UNKNOWN && later.cpu_system_ns != SS_UNKNOWN);
	assert_true(later.memory_usage != SS_UNKNOWN && later.memory_rss != SS_UNKNOWN);
	assert_true(later.oom_kills == 0 && later.memory_failcnt == 0);
	cgroupfs_stats(l->fs, &stats);
	assert_int_equal(stats.read_errors, 0);
	assert_int_equal(stats.open_cgroups, 1);
	assert_true(stats.open_files > 5);

	/* Gone: no error that counts, and nothing is left open; made again: another one. */
	live_child_end(l);
	live_rmdir(l);
	assert_int_equal(cgroupfs_read(l->fs, id, l->path, &c), -ENOENT);
	cgroupfs_stats(l->fs, &stats);
	assert_int_equal(stats.open_cgroups + stats.open_files + stats.read_errors, 0);
	live_mkdir(l);
	assert_int_equal(cgroupfs_read(l->fs, id, l->path, &c), -ENOENT);
	assert_int_equal(cgroupfs_id(l->fs, l->path, &before), 0);
	assert_true(before != id);
	assert_int_equal(cgroupfs_read(l->fs, before, l->path, &c), 0);
	assert_true(c.pids == 0 || v2);
}

/* On v1 a hierarchy can lose a container's cgroup, and get it again, while the carrying one keeps it. */
static void live_other_hierarchy(void **state)
{
	struct live *l = *state;
	struct cgroup_counters c;
	struct cgroupfs_stats stats;
	char full[1024];
	size_t pids = 0;
	uint64_t id;

	live_mkdir(l);
	for (size_t i = 1; i < l->n_points; i++) {
		live_full(l, i, "pids.current", full);
		if (access(full, F_OK) == 0)
			pids = i;
	}
	if (cgroupfs_layout(l->fs)->carrying_v2 || pids == 0 ||
	    strcmp(cgroupfs_layout(l->fs)->carrying_controller, "pids") == 0) {
		print_message("# SKIP there is one hierarchy only\n");
		skip();
	}
	assert_int_equal(cgroupfs_id(l->fs, l->path, &id), 0);
	live_full(l, pids, "", full);
	for (int read = 0; read <= CGROUPFS_NO_DIR_EVERY; read++) {
		assert_int_equal(cgroupfs_read(l->fs, id, l->path, &c), 0);
		assert_int_equal(c.cpu_usage_ns, 0);
		assert_true(c.pids == (read == 0 || read == CGROUPFS_NO_DIR_EVERY ? 0 : SS_UNKNOWN));
		if (read == 0)
			assert_int_equal(rmdir(full), 0);
		if (read == 2)
			assert_int_equal(mkdir(full, 0755), 0);
	}
	cgroupfs_stats(l->fs, &stats);
	assert_int_equal(stats.read_errors, 0);
}

struct found {
	const char *path;
	uint64_t id, parent_id, root_id;
};

static int find(void *ctx, uint64_t id, uint64_t parent_id, const char *path)
{
	struct found *f = ctx;

	if (strcmp(path, "/") == 0)
		f->root_id = id;
	if (strcmp(path, f->path) == 0) {
		f->id = id;
		f->parent_id = parent_id;
	}
	return 0;
}

static void live_walk(void **state)
{
	struct live *l = *state;
	struct found found = {.path = l->path};
	bool truncated = true;
	uint64_t id;

	live_mkdir(l);
	assert_int_equal(cgroupfs_walk(l->fs, find, &found, &truncated), 0);
	assert_false(truncated);
	assert_int_equal(cgroupfs_id(l->fs, l->path, &id), 0);
	assert_int_equal(found.id, id);
	if (cgroupfs_layout(l->fs)->whole)
		assert_int_equal(found.parent_id, found.root_id);
	assert_true(found.parent_id != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(live_read_all, live_setup, live_teardown),
		cmocka_unit_test_setup_teardown(live_other_hierarchy, live_setup, live_teardown),
		cmocka_unit_test_setup_teardown(live_walk, live_setup, live_teardown),
	};

	return cmocka_run_group_tests_name("cgroupfs_live", tests, NULL, NULL);
}
