/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_cgroupfs_walk.c - walking cgroup hierarchies in temporary folders: odd names, deep trees, cgroups that vanish,
 * and hierarchies of which only a part is mounted.
 */
#include "lib/cgroupfs_tree.h"

struct seen {
	char text[4096]; /* paths, one a line */
	uint64_t ids[64], parents[64];
	size_t n;
	size_t stop_at;
	char *remove; /* directory to remove in the first call */
};

static int see(void *ctx, uint64_t id, uint64_t parent_id, const char *path)
{
	struct seen *s = ctx;

	if (s->remove && rmdir(s->remove) == 0)
		s->remove = NULL;
	strcat(strcat(s->text, path), "\n");
	s->ids[s->n] = id;
	s->parents[s->n++] = parent_id;
	return s->n == s->stop_at ? 77 : 0;
}

static void walk_tree(void **state)
{
	const struct tree *t = *state;
	struct seen s = {.stop_at = 0};
	bool truncated = true;
	struct cgroupfs *fs;
	struct stat st;
	char path[512];
	uint64_t id;

	v2_tree(t);
	tree_dir(t, "/sys/fs/cgroup/a/b (deleted)/.c\x1b[31m/..d");
	snprintf(path, sizeof(path), "%s/sys/fs/cgroup/a/loop", t->root);
	assert_int_equal(symlink("..", path), 0);
	fs = open_tree(t);
	assert_int_equal(cgroupfs_walk(fs, see, &s, &truncated), 0);
	assert_false(truncated);
	assert_int_equal(s.n, 7);
	assert_true(strncmp(s.text, "/\n", 2) == 0);
	assert_non_null(
		strstr(s.text, "\n/a\n/a/b (deleted)\n/a/b (deleted)/.c\x1b[31m\n/a/b (deleted)/.c\x1b[31m/..d\n"));
	assert_non_null(strstr(s.text, "\n/system.slice\n/system.slice/docker-1.scope\n"));
	assert_null(strstr(s.text, "loop"));
	assert_int_equal(s.parents[0], 0);
	for (size_t i = 1; i < s.n; i++) {
		bool found = false;

		for (size_t k = 0; k < i; k++)
			found |= s.ids[k] == s.parents[i];
		assert_true(found);
	}
	snprintf(path, sizeof(path), "%s/sys/fs/cgroup/a/b (deleted)", t->root);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(cgroupfs_id(fs, "/a/b (deleted)", &id), 0);
	assert_int_equal(id, st.st_ino);
	assert_int_equal(cgroupfs_id(fs, "/a/loop", &id), -ENOENT);
	assert_int_equal(cgroupfs_id(fs, "/a/../a", &id), -ENOENT);
	assert_int_equal(cgroupfs_id(fs, "/..", &id), -ENOENT);
	assert_int_equal(cgroupfs_id(fs, "a", &id), -ENOENT);
	assert_int_equal(cgroupfs_id(fs, "", &id), -ENOENT);
	assert_int_equal(cgroupfs_id(fs, "/a/cpu.stat", &id), -ENOENT);
	assert_int_equal(cgroupfs_id(fs, "/cpu.stat", &id), -ENOENT);

	s = (struct seen){.stop_at = 3};
	assert_int_equal(cgroupfs_walk(fs, see, &s, NULL), 77);
	assert_int_equal(s.n, 3);

	/* One that vanishes while the walk is under way. */
	s = (struct seen){.remove = path};
	snprintf(path, sizeof(path), "%s/sys/fs/cgroup/a/b (deleted)/.c\x1b[31m/..d", t->root);
	assert_int_equal(cgroupfs_walk(fs, see, &s, &truncated), 0);
	assert_false(truncated);
	assert_int_equal(s.n, 6);
	cgroupfs_close(fs);
}

static int deepest(void *ctx, uint64_t id, uint64_t parent_id, const char *path)
{
	char *longest = ctx;

	(void)id, (void)parent_id;
	if (strlen(path) > strlen(longest))
		strcpy(longest, path);
	return 0;
}

/* 100 levels of 200 bytes each: 96 are walked, and the 20 KiB path of the last of these can be read. */
static void walk_deep_and_long(void **state)
{
	static char longest[CGROUPFS_DEPTH_MAX * 256 + 1];
	const struct tree *t = *state;
	struct cgroup_counters c;
	bool truncated = false;
	struct cgroupfs *fs;
	char name[201];
	int at;

	v2_tree(t);
	memset(name, 'n', 200);
	name[200] = '\0';
	longest[0] = '\0';
	snprintf(longest, sizeof(longest), "%s/sys/fs/cgroup", t->root);
	at = open(longest, O_PATH);
	longest[0] = '\0';
	for (int level = 1; level <= 100; level++) {
		int next;

		assert_int_equal(mkdirat(at, name, 0755), 0);
		next = openat(at, name, O_PATH);
		close(at);
		at = next;
		if (level == CGROUPFS_DEPTH_MAX) {
			int fd = openat(at, "pids.current", O_CREAT | O_WRONLY, 0644);

			assert_int_equal(write(fd, "96\n", 3), 3);
			close(fd);
		}
	}
	close(at);
	fs = open_tree(t);
	assert_int_equal(cgroupfs_walk(fs, deepest, longest, &truncated), 0);
	assert_true(truncated);
	assert_int_equal(strlen(longest), CGROUPFS_DEPTH_MAX * 201);
	assert_int_equal(read_at(fs, longest, &c), 0);
	assert_int_equal(c.pids, 96);
	cgroupfs_close(fs);
}

/* A container without cgroup namespace: each hierarchy's mount shows the container's own part only. */
static void mount_root_below_the_hierarchy(void **state)
{
	const struct tree *t = *state;
	struct seen s = {.stop_at = 0};
	struct cgroup_counters c;
	struct cgroupfs *fs;
	uint64_t id;

	tree_file(t, "/proc/self/mountinfo",
		  "32 31 0:29 /docker/a\\040b /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
		  "33 31 0:30 /docker /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n");
	tree_file(t, "/proc/self/cgroup", "2:pids:/docker/a b\n1:cpu:/docker/a b\n");
	v1_files(t, "/sys/fs/cgroup/cpu", "c");
	v1_files(t, "/sys/fs/cgroup/cpu/inner", "c");
	v1_files(t, "/sys/fs/cgroup/pids/a b/inner", "p");
	fs = open_tree(t);
	assert_false(cgroupfs_layout(fs)->whole);
	assert_int_equal(cgroupfs_walk(fs, see, &s, NULL), 0);
	assert_string_equal(s.text, "/docker/a b\n/docker/a b/inner\n");
	assert_int_equal(read_at(fs, "/docker/a b", &c), 0);
	assert_int_equal(c.cpu_shares, 512);
	assert_int_equal(read_at(fs, "/docker/a b/inner", &c), 0);
	assert_int_equal(c.cpu_shares, 512);
	assert_int_equal(c.pids, 3);
	assert_int_equal(cgroupfs_id(fs, "/inner", &id), -ENOENT);
	assert_int_equal(cgroupfs_id(fs, "/docker/a bc", &id), -ENOENT);
	assert_int_equal(cgroupfs_id(fs, "/", &id), -ENOENT);
	cgroupfs_close(fs);

	/* What lies outside of our cgroup namespace shows as "/..": paths begin with "/" then. */
	tree_file(t, "/proc/self/mountinfo", "32 31 0:29 /../.. /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n");
	fs = open_tree(t);
	s = (struct seen){.stop_at = 0};
	assert_int_equal(cgroupfs_walk(fs, see, &s, NULL), 0);
	assert_string_equal(s.text, "/\n/inner\n");
	cgroupfs_close(fs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(walk_tree),
		TEST(walk_deep_and_long),
		TEST(mount_root_below_the_hierarchy),
	};

	return cmocka_run_group_tests_name("cgroupfs_walk", tests, NULL, NULL);
}
