/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_identity.c - names, images and labels from the runtimes' files, names that come late, what the cache keeps and
 * forgets, and whose files are believed about whom.
 */
#include "lib/identity_cache.h"

#include "base/util.h"

static void docker_config(const char *folder, const char *id, const char *name, const char *image, const char *labels)
{
	_cleanup_buf_ struct buf text = {}, path = {};

	buf_printf(&path, "%s%s/config.v2.json", folder, id);
	buf_printf(
		&text,
		"{\"StreamConfig\":{},\"State\":{\"Running\":true,\"Pid\":23},\"ID\":\"%s\",\"Created\":\"2024-01-01\","
		"\"Config\":{\"Hostname\":\"h\",\"Image\":\"%s\",\"Labels\":%s},\"Name\":\"/"
		"%s\",\"Driver\":\"overlay2\"}",
		id, image, labels, name);
	root_write(path.data, text.data);
}

static void docker_named(void **state)
{
	const struct identity *who;

	(void)state;
	docker_config(DOCKER_FOLDER, A, "web", "nginx:1.25", "{\"b\":\"2\",\"a\":\"\\u00e4\\u001b\"}");
	cache_open();
	who = cache_get(1, "/system.slice/docker-" A ".scope");
	assert_int_equal(who->kind, HOME_CONTAINER);
	assert_true(who->resolved);
	assert_string_equal(who->name, "web");
	assert_string_equal(who->image, "nginx:1.25");
	assert_string_equal(who->runtime, "docker");
	assert_string_equal(who->id, A);
	assert_string_equal(who->labels, "{\"a\":\"\xc3\xa4\\u001B\",\"b\":\"2\"}");
	assert_string_equal(who->pod, "");
	assert_string_equal(who->parent, "");
	assert_int_equal(who->uid, -1);
	/* What is below is the same home. */
	assert_ptr_equal(cache_get(2, "/system.slice/docker-" A ".scope/init.scope"), who);
	assert_ptr_equal(cache_get(1, "/system.slice/docker-" A ".scope"), who);
	assert_int_equal(cache_stats().homes, 1);
	assert_int_equal(cache_stats().cgroups, 2);
	assert_int_equal(cache_stats().failures, 0);
	/* A bare id, and no labels. */
	docker_config(DOCKER_FOLDER, B, "job", "busybox", "null");
	who = cache_get(3, "/actions_job/" B);
	assert_string_equal(who->name, "job");
	assert_string_equal(who->runtime, "docker");
	assert_string_equal(who->labels, "");
}

/* What was asked for is in another file, which dockerd writes together with the one of names. */
static void docker_shares(void **state)
{
	const struct identity *who;

	(void)state;
	docker_config(DOCKER_FOLDER, A, "web", "i", "{}");
	root_write(DOCKER_FOLDER A "/hostconfig.json", "{\"Memory\":0,\"CpuShares\":512}");
	docker_config(DOCKER_FOLDER, B, "job", "i", "{}");
	root_write(DOCKER_FOLDER B "/hostconfig.json", "{\"CpuShares\":0}");
	docker_config(DOCKER_FOLDER, C, "odd", "i", "{}");
	root_write(DOCKER_FOLDER C "/hostconfig.json", "{\"CpuShares\":-1,\"x\":\"");
	cache_open();
	who = cache_get(1, "/docker/" A);
	assert_int_equal(who->cpu_shares, 512);
	assert_int_equal(cache_get(2, "/docker/" B)->cpu_shares, 0);
	assert_int_equal(cache_get(3, "/docker/" C)->cpu_shares, 0);
	assert_string_equal(cache_get(3, "/docker/" C)->name, "odd");

	/* docker update: the next check reads both. */
	docker_config(DOCKER_FOLDER, A, "web", "i", "{}");
	root_write(DOCKER_FOLDER A "/hostconfig.json", "{\"CpuShares\":256}");
	identities_check(ids, 1);
	assert_int_equal(cache_get(1, "/docker/" A)->cpu_shares, 256);
}

static void docker_roots(void **state)
{
	const struct identity *who;

	(void)state;
	root_write("/etc/docker/daemon.json", "{\"debug\": true, \"data-root\": \"/mnt/docker\"}");
	docker_config("/mnt/docker/containers/", A, "moved", "i", "{}");
	docker_config("/given/root/containers/", B, "given", "i", "{}");
	docker_config(DOCKER_FOLDER, C, "usual", "i", "{}");
	cache_open();
	assert_int_equal(identities_add_docker_root(ids, "relative"), -EINVAL);
	assert_int_equal(identities_add_docker_root(ids, "/given/root"), 0);
	assert_int_equal(identities_add_docker_root(ids, "/given/root"), 0);
	who = cache_get(1, "/docker/" A);
	assert_string_equal(who->name, "moved");
	assert_string_equal(cache_get(2, "/docker/" B)->name, "given");
	assert_string_equal(cache_get(3, "/docker/" C)->name, "usual");
	assert_string_equal(who->name, "moved");
	assert_int_equal(cache_stats().failures, 0);
	for (int i = 0; i < 20; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/more/%d", i);
		if (identities_add_docker_root(ids, path) == -ENOSPC)
			return;
	}
	fail_msg("roots without end");
}

static void docker_root_is_a_link(void **state)
{
	(void)state;
	docker_config("/data/docker/containers/", A, "web", "i", "{}");
	root_folders("/var/lib/docker");
	/* Put there by root, absolute, and meant within the root that we were given. */
	assert_int_equal(symlink("/data/docker", root_path("/var/lib/docker")), 0);
	cache_open();
	assert_string_equal(cache_get(1, "/docker/" A)->name, "web");
}

/* ---- data roots that stand in no option ---- */

/* Arguments end in a NUL each. */
static void process_write(const char *pid, const char *comm, unsigned int uid, const char *root, const char *line,
			  size_t line_len)
{
	char path[64], text[128];

	snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
	root_write_bytes(path, line, line_len);
	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	snprintf(text, sizeof(text), "%s\n", comm);
	root_write(path, text);
	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	snprintf(text, sizeof(text), "Name:\t%s\nUid:\t%u\t0\t0\t0\n", comm, uid);
	root_write(path, text);
	snprintf(path, sizeof(path), "/proc/%s/root", pid);
	assert_int_equal(symlink(root, root_path(path)), 0);
}
#define PROCESS(pid, comm, line) process_write(pid, comm, getuid(), "../..", line, sizeof(line))

static void docker_roots_of_processes(void **state)
{
	(void)state;
	PROCESS("10", "bash", "bash\0--data-root=/wrong");
	PROCESS("20", "dockerd", "dockerd\0--debug\0--data-root\0/mnt/a/\0-H\0fd://");
	PROCESS("30", "dockerd", "/usr/bin/dockerd\0--config-file=/etc/other/d.json");
	root_write("/etc/other/d.json", "{\"data-root\":\"/mnt/b\"}");
	PROCESS("40", "dockerd-current", "dockerd\0-g=/mnt/c\0--data-root");
	docker_config("/mnt/a/containers/", A, "a", "i", "{}");
	docker_config("/mnt/b/containers/", B, "b", "i", "{}");
	docker_config("/mnt/c/containers/", C, "c", "i", "{}");
	cache_open();
	assert_string_equal(cache_get(1, "/docker/" A)->name, "a");
	assert_string_equal(cache_get(2, "/docker/" B)->name, "b");
	assert_string_equal(cache_get(3, "/docker/" C)->name, "c");
	assert_int_equal(cache_stats().failures, 0);
}

/* A dockerd in a container means other folders by the same paths; one that another user started may be anything. */
static void docker_roots_of_others(void **state)
{
	(void)state;
	process_write("20", "dockerd", getuid() + 1, "../..", "dockerd\0--data-root=/mnt/a", 26);
	process_write("30", "dockerd", getuid(), "../../mnt", "dockerd\0--data-root=/mnt/a", 26);
	docker_config("/mnt/a/containers/", A, "a", "i", "{}");
	cache_open();
	assert_false(cache_get(1, "/docker/" A)->resolved);
}

/* Users remapped: ROOT/UID.GID, in the usual root and in one that is found. */
static void docker_root_remapped(void **state)
{
	(void)state;
	PROCESS("20", "dockerd", "dockerd\0--data-root=/mnt/a");
	docker_config("/var/lib/docker/231072.231072/containers/", A, "a", "i", "{}");
	docker_config("/mnt/a/100000.100000/containers/", B, "b", "i", "{}");
	docker_config("/var/lib/docker/1.x/containers/", C, "c", "i", "{}");
	cache_open();
	assert_string_equal(cache_get(1, "/docker/" A)->name, "a");
	assert_string_equal(cache_get(2, "/docker/" B)->name, "b");
	assert_false(cache_get(3, "/docker/" C)->resolved);
	/* The file is compared where it was found. */
	docker_config("/var/lib/docker/231072.231072/containers/", A, "renamed", "i", "{}");
	assert_int_equal(identities_check(ids, T0 + SECOND), 1);
	assert_string_equal(cache_get(1, "/docker/" A)->name, "renamed");
}

/* One look at all processes for a container that is new, not one for each look-up; what it finds is for all. */
static void docker_root_found_late(void **state)
{
	const struct identity *a, *b;

	(void)state;
	cache_open();
	a = cache_get(1, "/docker/" A);
	PROCESS("20", "dockerd", "dockerd\0--data-root=/mnt/a");
	docker_config("/mnt/a/containers/", A, "a", "i", "{}");
	docker_config("/mnt/a/containers/", B, "b", "i", "{}");
	identities_check(ids, T0 + 2 * SECOND);
	assert_false(a->resolved);
	/* Its fourth try is at 10 s. */
	b = identities_get(ids, 2, "/docker/" B, T0 + 9 * SECOND);
	assert_false(b->resolved);
	assert_int_equal(identities_check(ids, T0 + 10 * SECOND), 2);
	identities_check(ids, T0 + 10 * SECOND);
	assert_string_equal(a->name, "a");
	assert_string_equal(b->name, "b");
}

#define K8S(container)                                                                    \
	"{\"io.kubernetes.pod.name\":\"web-0\",\"io.kubernetes.pod.namespace\":\"shop\"," \
	"\"io.kubernetes.container.name\":\"" container "\"}"

static void docker_in_kubernetes(void **state)
{
	static const char pod[] = "/kubepods/burstable/pod9729a196c4723b60ab401eaff722982d/";
	char path[256];
	const struct identity *who;

	(void)state;
	docker_config(DOCKER_FOLDER, A, "k8s_app_web-0_shop_x_0", "i", K8S("app"));
	docker_config(DOCKER_FOLDER, B, "k8s_POD_web-0_shop_x_0", "pause", K8S("POD"));
	docker_config(DOCKER_FOLDER, C, "mine", "i", K8S("POD"));
	cache_open();
	snprintf(path, sizeof(path), "%s" A, pod);
	who = cache_get(1, path);
	assert_int_equal(who->kind, HOME_CONTAINER);
	assert_string_equal(who->name, "app");
	assert_string_equal(who->pod, "web-0");
	assert_string_equal(who->pod_namespace, "shop");
	assert_string_equal(who->runtime, "docker");
	snprintf(path, sizeof(path), "%s" B, pod);
	who = cache_get(2, path);
	assert_int_equal(who->kind, HOME_POD);
	assert_string_equal(who->name, "web-0");
	/* An image's labels can say so too; a container outside of a pod is not believed. */
	who = cache_get(3, "/docker/" C);
	assert_int_equal(who->kind, HOME_CONTAINER);
	assert_string_equal(who->name, "mine");
	assert_string_equal(who->pod, "");
}

#define PODMAN_ENTRY(id, name)                                                                                      \
	"{\"id\":\"" id "\",\"names\":[\"" name "\",\"alias\"],\"image\":\"0123\",\"layer\":\"x\",\"metadata\":\"{" \
	"\\\"image-name\\\":\\\"docker.io/library/" name ":1\\\",\\\"name\\\":\\\"" name                            \
	"\\\"}\",\"flags\":{\"P\":\"\"}}"

static void podman_named(void **state)
{
	const struct identity *who;

	(void)state;
	root_write(PODMAN_LIST "containers.json", "[" PODMAN_ENTRY(A, "db") ",5,{},{\"id\":7},{\"id\":\"" C "\"}]");
	root_write(PODMAN_LIST "volatile-containers.json", "[" PODMAN_ENTRY(B, "job") "]");
	cache_open();
	who = cache_get(1, "/machine.slice/libpod-" A ".scope/container");
	assert_true(who->resolved);
	assert_string_equal(who->name, "db");
	assert_string_equal(who->image, "docker.io/library/db:1");
	assert_string_equal(who->runtime, "podman");
	assert_string_equal(who->home, "/machine.slice/libpod-" A ".scope");
	/* Made with --rm: in the other list only. */
	who = cache_get(2, "/machine.slice/machine-libpod_pod_" C ".slice/libpod-" B ".scope");
	assert_string_equal(who->name, "job");
	assert_string_equal(who->pod, "c83d0428058a");
	/* In the list, without a name. */
	who = cache_get(3, "/machine.slice/libpod-" C ".scope");
	assert_false(who->resolved);
	assert_string_equal(who->name, "c83d0428058a");
	/* The list is read again when it changed. */
	root_write(PODMAN_LIST "volatile-containers.json", "[" PODMAN_ENTRY(C, "late") "]");
	assert_int_equal(identities_refresh(ids, T0 + 100 * MS), 1);
	assert_string_equal(who->name, "late");
	assert_string_equal(cache_get(4, "/system.slice/q.service/libpod-payload-" C)->name, "late");
	/* Metadata that is no JSON leaves the image's id. */
	root_write(PODMAN_LIST "containers.json",
		   "[{\"id\":\"" A "\",\"names\":[\"odd\"],\"image\":\"0123\",\"metadata\":\"{\"}]");
	identities_forget(ids, 1);
	who = identities_get(ids, 1, "/machine.slice/libpod-" A ".scope", T0 + SECOND);
	assert_string_equal(who->image, "0123");
}

/* Another storage driver; another root, by configuration and by a monitor's command line. */
static void podman_roots(void **state)
{
	(void)state;
	root_write("/etc/containers/storage.conf", "graphroot = \"/wrong\"\n[storage.options]\ngraphroot = "
						   "\"/wrong\"\n[storage]\n# graphroot = \"/wrong\"\n"
						   "driver = \"vfs\"\n  graphroot='/mnt/images/' # moved\n");
	root_write("/usr/share/containers/storage.conf", "[storage]\ngraphroot = \"/wrong\"\n");
	root_write("/wrong/overlay-containers/containers.json", "[" PODMAN_ENTRY(C, "wrong") "]");
	root_write("/var/lib/containers/storage/vfs-containers/containers.json", "[" PODMAN_ENTRY(A, "plain") "]");
	root_write("/mnt/images/vfs-containers/volatile-containers.json", "[" PODMAN_ENTRY(B, "moved") "]");
	cache_open();
	assert_string_equal(cache_get(1, "/machine.slice/libpod-" A ".scope")->name, "plain");
	assert_string_equal(cache_get(2, "/machine.slice/libpod-" B ".scope")->name, "moved");
	assert_int_equal(cache_stats().failures, 0);
	PROCESS("77", "conmon",
		"conmon\0--api-version\0"
		"1\0-c\0" C "\0-b\0/srv/p/btrfs-containers/" C "/userdata\0-p\0x");
	root_write("/srv/p/btrfs-containers/containers.json", "[" PODMAN_ENTRY(C, "given") "]");
	assert_string_equal(cache_get(3, "/machine.slice/libpod-" C ".scope")->name, "given");
	/* Renamed there. */
	root_write("/srv/p/btrfs-containers/containers.json", "[" PODMAN_ENTRY(C, "later") "]");
	assert_true(identities_check(ids, T0 + SECOND) >= 1);
	assert_string_equal(cache_get(3, "/machine.slice/libpod-" C ".scope")->name, "later");
	for (unsigned int second = 2; second < 9; second++)
		assert_int_equal(identities_check(ids, T0 + second * SECOND), 0);
}

/* A user's storage that is elsewhere below the user's home. */
static void podman_root_of_user(void **state)
{
	uid_t uid = getuid() ? getuid() : 1000;
	static const char *const files[] = {"/home/u/.config/containers/storage.conf",
					    "/home/u/pods/vfs-containers/containers.json"};
	_cleanup_buf_ struct buf passwd = {}, path = {};

	(void)state;
	buf_printf(&passwd, "u:x:%u:1000::/home/u:/bin/sh\n", (unsigned int)uid);
	root_write("/etc/passwd", passwd.data);
	root_write(files[0], "[storage]\ngraphroot = \"$HOME/pods\"\n");
	root_write(files[1], "[" PODMAN_ENTRY(A, "mine") "]");
	for (size_t i = 0; i < ARRAY_SIZE(files) && getuid() == 0; i++)
		assert_int_equal(chown(root_path(files[i]), uid, uid), 0);
	cache_open();
	buf_printf(&path, "/user.slice/user-%u.slice/user@%u.service/user.slice/libpod-" A ".scope", (unsigned int)uid,
		   (unsigned int)uid);
	assert_string_equal(cache_get(1, path.data)->name, "mine");
}

/* The same of a user's dockerd. What is not below the home folder is not read. */
static void docker_root_of_user(void **state)
{
	uid_t uid = getuid() ? getuid() : 1000;
	static const char *const files[] = {"/home/u/.config/docker/daemon.json",
					    "/home/u/big/d/containers/" A "/config.v2.json",
					    "/srv/d/containers/" B "/config.v2.json"};
	_cleanup_buf_ struct buf passwd = {}, path = {};

	(void)state;
	buf_printf(&passwd, "u:x:%u:1000::/home/u:/bin/sh\n", (unsigned int)uid);
	root_write("/etc/passwd", passwd.data);
	for (int round = 0; round < 3; round++) {
		root_write(files[0], round < 2 ? "{\"data-root\":\"/home/u/big/d\"}" : "{\"data-root\":\"/srv/d\"}");
		docker_config("/home/u/big/d/containers/", A, round ? "new" : "mine", "i", "{}");
		docker_config("/srv/d/containers/", B, "far", "i", "{}");
		for (size_t i = 0; i < ARRAY_SIZE(files) && getuid() == 0; i++)
			assert_int_equal(chown(root_path(files[i]), uid, uid), 0);
		buf_reset(&path);
		buf_printf(&path, "/user.slice/user-%u.slice/docker-%s.scope", (unsigned int)uid, round < 2 ? A : B);
		if (!round)
			cache_open();
		identities_check(ids, T0 + (uint64_t)round * SECOND);
		assert_string_equal(cache_get(1 + (round == 2), path.data)->name, round == 2 ? "b43d92bf1e5c"
										  : round    ? "new"
											     : "mine");
	}
}

/* Row 12 of the hostile list: counted under its short id, later renamed. */
static void late_name(void **state)
{
	static const uint64_t due_ms[] = {100, 500, 2000, 10000};
	const struct identity *who;
	uint32_t generation;
	uint64_t last;

	(void)state;
	cache_open();
	who = cache_get(1, "/docker/" A);
	assert_false(who->resolved);
	assert_string_equal(who->name, "4f2b0c9d8e7a");
	generation = who->generation;
	for (size_t i = 0; i < ARRAY_SIZE(due_ms); i++) {
		uint64_t failures = cache_stats().failures;

		identities_refresh(ids, T0 + due_ms[i] * MS - 1);
		assert_int_equal(cache_stats().failures, failures);
		assert_int_equal(identities_refresh(ids, T0 + due_ms[i] * MS), 0);
		assert_int_equal(cache_stats().failures, failures + 1);
	}
	assert_int_equal(who->generation, generation);
	assert_int_equal(cache_stats().unnamed, 1);
	docker_config(DOCKER_FOLDER, A, "slow", "i", "{}");
	last = T0 + 10 * SECOND;
	assert_int_equal(identities_refresh(ids, last + 60 * SECOND - 1), 0);
	assert_string_equal(who->name, "4f2b0c9d8e7a");
	assert_int_equal(identities_refresh(ids, last + 60 * SECOND), 1);
	assert_string_equal(who->name, "slow");
	assert_true(who->resolved);
	assert_true(who->generation > generation);
	assert_int_equal(cache_stats().unnamed, 0);
	/* Named: nobody asks any more. */
	root_delete(DOCKER_FOLDER A "/config.v2.json");
	assert_int_equal(identities_refresh(ids, T0 + 1000 * SECOND), 0);
	assert_string_equal(who->name, "slow");
}

/* Samples far apart skip what was due meanwhile: one look, not four. */
static void late_and_seldom(void **state)
{
	(void)state;
	cache_open();
	cache_get(1, "/docker/" A);
	identities_refresh(ids, T0 + 5 * SECOND);
	assert_int_equal(cache_stats().failures, 2);
	identities_refresh(ids, T0 + 9 * SECOND);
	assert_int_equal(cache_stats().failures, 2);
	identities_refresh(ids, T0 + 10 * SECOND);
	assert_int_equal(cache_stats().failures, 3);
}

static void restarted(void **state)
{
	const struct identity *who, *again;
	uint32_t generation;

	(void)state;
	docker_config(DOCKER_FOLDER, A, "old", "i", "{}");
	cache_open();
	who = cache_get(1, "/docker/" A);
	generation = who->generation;
	docker_config(DOCKER_FOLDER, A, "new", "i", "{}");
	/* Cgroups made inside are no reason to look. */
	assert_string_equal(cache_get(2, "/docker/" A "/sub")->name, "old");
	assert_int_equal(who->generation, generation);
	again = cache_get(3, "/docker/" A);
	assert_ptr_equal(again, who);
	assert_string_equal(who->name, "new");
	assert_true(who->generation > generation);
	/* Gone from the disk: it keeps its name as long as it is known. */
	root_delete(DOCKER_FOLDER A "/config.v2.json");
	assert_string_equal(cache_get(4, "/docker/" A)->name, "new");
	assert_int_equal(cache_stats().unnamed, 0);
	for (uint64_t id = 1; id <= 3; id++)
		identities_forget(ids, id);
	assert_string_equal(who->name, "new");
	identities_forget(ids, 4);
	identities_forget(ids, 4);
	assert_int_equal(cache_stats().homes, 0);
	/* Made anew, it has a generation that it never had. */
	generation = cache_get(9, "/x")->generation;
	assert_true(cache_get(1, "/docker/" A)->generation > generation);
	assert_string_equal(cache_get(1, "/docker/" A)->name, "4f2b0c9d8e7a");
}

/* docker rename: dockerd replaces the file of a container that goes on running. */
static void renamed(void **state)
{
	const struct identity *who;
	uint32_t generation;

	(void)state;
	docker_config(DOCKER_FOLDER, A, "web", "i", "{\"tier\":\"1\"}");
	docker_config(DOCKER_FOLDER, B, "db", "i", "{}");
	cache_open();
	who = cache_get(1, "/docker/" A);
	cache_get(2, "/docker/" B);
	generation = who->generation;
	assert_int_equal(identities_check(ids, T0 + SECOND), 0);
	assert_int_equal(who->generation, generation);
	docker_config(DOCKER_FOLDER, A, "web-old", "i", "{\"tier\":\"2\"}");
	assert_int_equal(identities_check(ids, T0 + 2 * SECOND), 1);
	assert_string_equal(who->name, "web-old");
	assert_string_equal(who->labels, "{\"tier\":\"2\"}");
	assert_true(who->generation > generation);
	/* A new file that says the same changes nothing; one without labels has none. */
	generation = who->generation;
	docker_config(DOCKER_FOLDER, A, "web-old", "i", "{\"tier\":\"2\"}");
	assert_int_equal(identities_check(ids, T0 + 3 * SECOND), 0);
	assert_int_equal(who->generation, generation);
	docker_config(DOCKER_FOLDER, A, "web-old", "i", "{}");
	assert_int_equal(identities_check(ids, T0 + 4 * SECOND), 1);
	assert_string_equal(who->labels, "");
	/* Without samples a second's time is enough. */
	docker_config(DOCKER_FOLDER, A, "web-older", "i", "{}");
	assert_int_equal(identities_refresh(ids, T0 + 5 * SECOND - 1), 0);
	assert_int_equal(identities_refresh(ids, T0 + 5 * SECOND), 1);
	assert_string_equal(who->name, "web-older");
	assert_int_equal(cache_stats().failures, 0);
}

/* A broken file is read once and changes nothing; neither does a container that was removed. */
static void replaced_by_nothing(void **state)
{
	const struct identity *who;

	(void)state;
	docker_config(DOCKER_FOLDER, A, "web", "i", "{}");
	cache_open();
	who = cache_get(1, "/docker/" A);
	root_write(DOCKER_FOLDER A "/config.v2.json", "{");
	for (unsigned int second = 1; second < 5; second++)
		assert_int_equal(identities_check(ids, T0 + second * SECOND), 0);
	assert_int_equal(cache_stats().refused, 1);
	assert_int_equal(cache_stats().failures, 1);
	assert_string_equal(who->name, "web");
	root_delete(DOCKER_FOLDER A "/config.v2.json");
	assert_int_equal(identities_check(ids, T0 + 6 * SECOND), 0);
	assert_int_equal(cache_stats().failures, 1);
	docker_config(DOCKER_FOLDER, A, "back", "i", "{}");
	assert_int_equal(identities_check(ids, T0 + 7 * SECOND), 1);
	assert_string_equal(who->name, "back");
	/* One that was broken from the start has its name as soon as it is mended. */
	root_write(DOCKER_FOLDER B "/config.v2.json", "{");
	who = cache_get(2, "/docker/" B);
	assert_false(who->resolved);
	identities_check(ids, T0 + 30 * SECOND);
	docker_config(DOCKER_FOLDER, B, "late", "i", "{}");
	assert_int_equal(identities_check(ids, T0 + 31 * SECOND), 1);
	assert_string_equal(who->name, "late");
	assert_int_equal(cache_stats().unnamed, 0);
}

/* podman rename, and a container that is added: one list has them all. */
static void podman_renamed(void **state)
{
	const struct identity *db, *job;
	uint64_t failures;

	(void)state;
	root_write(PODMAN_LIST "containers.json", "[" PODMAN_ENTRY(A, "db") "]");
	cache_open();
	db = cache_get(1, "/machine.slice/libpod-" A ".scope");
	job = cache_get(2, "/machine.slice/libpod-" B ".scope");
	assert_false(job->resolved);
	for (unsigned int second = 20; second < 25; second++)
		assert_int_equal(identities_check(ids, T0 + second * SECOND), 0);
	root_write(PODMAN_LIST "containers.json", "[" PODMAN_ENTRY(A, "db-old") "]");
	root_write(PODMAN_LIST "volatile-containers.json", "[" PODMAN_ENTRY(B, "job") "]");
	assert_int_equal(identities_check(ids, T0 + 25 * SECOND), 2);
	assert_string_equal(db->name, "db-old");
	assert_string_equal(job->name, "job");
	/* Lists that vanish, or are no lists: the names stay, and nobody looks again and again. */
	root_delete(PODMAN_LIST "volatile-containers.json");
	root_write(PODMAN_LIST "containers.json", "[");
	assert_int_equal(identities_check(ids, T0 + 26 * SECOND), 0);
	failures = cache_stats().failures;
	assert_int_equal(cache_stats().refused, 1);
	for (unsigned int second = 27; second < 50; second++)
		assert_int_equal(identities_check(ids, T0 + second * SECOND), 0);
	assert_int_equal(cache_stats().failures, failures);
	assert_int_equal(cache_stats().refused, 1);
	assert_string_equal(db->name, "db-old");
	root_write(PODMAN_LIST "containers.json", "[" PODMAN_ENTRY(A, "db-new") "]");
	assert_int_equal(identities_check(ids, T0 + 51 * SECOND), 1);
	assert_string_equal(db->name, "db-new");
}

/* More containers than are compared at once: each has its turn. */
static void renamed_among_many(void **state)
{
	char path[128], id[65];

	(void)state;
	cache_open();
	for (unsigned int i = 0; i < 1500; i++) {
		snprintf(id, sizeof(id), "%064x", i);
		docker_config(DOCKER_FOLDER, id, "one", "i", "{}");
		snprintf(path, sizeof(path), "/docker/%s", id);
		cache_get(i + 1, path);
	}
	for (unsigned int i = 0; i < 1500; i++) {
		snprintf(id, sizeof(id), "%064x", i);
		/* A file system may write out at once what replaces a file. */
		snprintf(path, sizeof(path), DOCKER_FOLDER "%s/config.v2.json", id);
		root_delete(path);
		docker_config(DOCKER_FOLDER, id, "two", "i", "{}");
	}
	assert_int_equal(identities_check(ids, T0 + SECOND), 1024);
	assert_int_equal(identities_check(ids, T0 + 2 * SECOND), 1500 - 1024);
	assert_int_equal(identities_check(ids, T0 + 3 * SECOND), 0);
	identities_forget(ids, 1);
	identities_forget(ids, 1500);
	assert_int_equal(identities_check(ids, T0 + 4 * SECOND), 0);
	assert_int_equal(cache_stats().failures, 0);
}

/* What the path says of the pod, as long as no store says more: k3s, containerd. */
static void pod_by_its_uid(void **state)
{
	static const char uid[] = "8712f785-1a3e-41ec-a00b-e2dcc77431cb";

	(void)state;
	docker_config(DOCKER_FOLDER, B, "k8s_app_web-0_shop_x_0", "i", K8S("app"));
	cache_open();
	assert_string_equal(cache_get(1, "/kubepods/besteffort/pod8712f785-1a3e-41ec-a00b-e2dcc77431cb/" A)->pod, uid);
	assert_string_equal(cache_get(2, "/kubepods/besteffort/pod8712f785-1a3e-41ec-a00b-e2dcc77431cb")->pod, uid);
	assert_string_equal(cache_get(3, "/kubepods.slice/kubepods-pod8712f785_1a3e_41ec_a00b_e2dcc77431cb.slice/"
					 "cri-containerd-" A ".scope")
				    ->pod,
			    uid);
	assert_string_equal(cache_get(4, "/kubepods/besteffort/pod8712f785-1a3e-41ec-a00b-e2dcc77431cb/" B)->pod,
			    "web-0");
	assert_string_equal(cache_get(5, "/docker/" A)->pod, "");
}

/* Any number of build steps is one home. */
static void build_is_one_home(void **state)
{
	char path[128];

	(void)state;
	cache_open();
	for (unsigned int i = 0; i < 50; i++) {
		snprintf(path, sizeof(path), "/docker/buildkit/%025u", i);
		assert_string_equal(cache_get(2 * i + 1, path)->home, "/docker/buildkit");
		snprintf(path, sizeof(path), "/system.slice/docker.service/system.slice:docker:%025u", i);
		assert_string_equal(cache_get(2 * i + 2, path)->home,
				    "/system.slice/docker.service/system.slice:docker:");
	}
	assert_int_equal(cache_stats().homes, 2);
}

static void talos_by_its_first_process(void **state)
{
	(void)state;
	root_write("/proc/1/cgroup", "0::/init.scope\n");
	cache_open();
	assert_string_equal(cache_get(1, "/system/x")->runtime, "");
	identities_free(ids);
	root_write("/proc/1/cgroup", "1:name=systemd:/init\n0::/init\n");
	cache_open();
	assert_string_equal(cache_get(1, "/system/x")->runtime, "talos");
	identities_free(ids);
	root_write("/proc/1/cgroup", "0::/../../init\n");
	cache_open();
	assert_string_equal(cache_get(1, "/system/x")->runtime, "talos");
	identities_free(ids);
	root_write("/proc/1/cgroup", "0::/x/init\n");
	cache_open();
	assert_string_equal(cache_get(1, "/system/x")->runtime, "");
}

/* The same id under another path: a v1 cgroup was renamed, or the id came again. */
static void moved(void **state)
{
	(void)state;
	cache_open();
	assert_string_equal(cache_get(7, "/a")->name, "/a");
	assert_string_equal(cache_get(7, "/b")->name, "/b");
	assert_int_equal(cache_stats().homes, 1);
	assert_int_equal(cache_stats().cgroups, 1);
	assert_string_equal(cache_get(8, "/")->name, "host");
	assert_string_equal(cache_get(8, "/")->home, "/");
	assert_string_equal(cache_get(9, "")->home, "/");
}

/* Row 6: a user's cgroup has the id of one of root's containers. */
static void rootless_is_not_root(void **state)
{
	const struct identity *who, *real;
	_cleanup_buf_ struct buf passwd = {};

	(void)state;
	docker_config(DOCKER_FOLDER, A, "payments", "secret-image", "{}");
	root_write(PODMAN_LIST "containers.json", "[" PODMAN_ENTRY(B, "vault") "]");
	cache_open();
	real = cache_get(1, "/system.slice/docker-" A ".scope");
	who = cache_get(2, "/user.slice/user-1000.slice/user@1000.service/docker-" A ".scope");
	assert_ptr_not_equal(who, real);
	assert_int_equal(who->uid, 1000);
	assert_false(who->resolved);
	assert_string_equal(who->name, "4f2b0c9d8e7a");
	assert_string_equal(who->image, "");
	assert_string_equal(real->name, "payments");
	who = cache_get(3, "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" B ".scope");
	assert_false(who->resolved);
	/* Nor does root's file when that is where the user's home is said to be. */
	buf_printf(&passwd, "root:x:0:0::/root:/bin/sh\nu:x:1000:1000::/home/u:/bin/sh\n");
	root_write("/etc/passwd", passwd.data);
	docker_config("/home/u/.local/share/docker/containers/", A, "mine", "i", "{}");
	if (getuid() == 1000)
		return;
	assert_int_equal(identities_refresh(ids, T0 + 100 * MS), 0);
	assert_int_equal(cache_stats().refused, 1);
	assert_false(who->resolved);
}

/* A user's own files name that user's own containers. */
static void rootless_named(void **state)
{
	uid_t uid = getuid() ? getuid() : 1000;
	_cleanup_buf_ struct buf passwd = {}, path = {};
	const struct identity *who;

	(void)state;
	buf_printf(&passwd, "bad line\n::::\nu:x:%u:1000:A user:/home/u:/bin/sh\n", (unsigned int)uid);
	root_write("/etc/passwd", passwd.data);
	root_write("/home/u/.local/share/containers/storage/overlay-containers/containers.json",
		   "[" PODMAN_ENTRY(A, "mine") "]");
	docker_config("/home/u/.local/share/docker/containers/", B, "dock", "i", "{}");
	if (getuid() == 0) {
		assert_int_equal(chown(root_path("/home/u/.local/share/containers/storage/overlay-containers/"
						 "containers.json"),
				       uid, uid),
				 0);
		assert_int_equal(
			chown(root_path("/home/u/.local/share/docker/containers/" B "/config.v2.json"), uid, uid), 0);
	}
	cache_open();
	buf_printf(&path, "/user.slice/user-%u.slice/user@%u.service/user.slice/libpod-" A ".scope", (unsigned int)uid,
		   (unsigned int)uid);
	who = cache_get(1, path.data);
	assert_string_equal(who->name, "mine");
	assert_int_equal(who->uid, uid);
	buf_reset(&path);
	buf_printf(&path, "/user.slice/user-%u.slice/docker-" B ".scope", (unsigned int)uid);
	assert_string_equal(cache_get(2, path.data)->name, "dock");
	/* Renamed by its user; a file of somebody else in its place is not believed. */
	root_write("/home/u/.local/share/containers/storage/overlay-containers/containers.json",
		   "[" PODMAN_ENTRY(A, "mine-new") "]");
	docker_config("/home/u/.local/share/docker/containers/", B, "dock-new", "i", "{}");
	if (getuid() == 0) {
		assert_int_equal(identities_check(ids, T0 + SECOND), 0);
		assert_string_equal(who->name, "mine");
		assert_int_equal(chown(root_path("/home/u/.local/share/containers/storage/overlay-containers/"
						 "containers.json"),
				       uid, uid),
				 0);
		assert_int_equal(
			chown(root_path("/home/u/.local/share/docker/containers/" B "/config.v2.json"), uid, uid), 0);
	}
	assert_int_equal(identities_check(ids, T0 + 2 * SECOND), 2);
	assert_string_equal(who->name, "mine-new");
	/* The host's container of that id knows nothing of it. */
	assert_false(cache_get(3, "/machine.slice/libpod-" A ".scope")->resolved);
}

/* A user who makes cgroups without end gets a few looks a second; root's containers do not wait for that. */
static void rootless_budget(void **state)
{
	char path[256];

	(void)state;
	cache_open();
	for (unsigned int i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "/user.slice/user-1000.slice/docker-%064x.scope", i);
		cache_get(i + 10, path);
	}
	assert_int_equal(cache_stats().failures, 8);
	assert_false(cache_get(1, "/docker/" A)->resolved);
	docker_config(DOCKER_FOLDER, A, "web", "i", "{}");
	assert_int_equal(identities_refresh(ids, T0 + 2 * SECOND), 1);
	assert_string_equal(cache_get(1, "/docker/" A)->name, "web");
	assert_int_equal(cache_stats().failures, 8 + 1 + 8);
	assert_int_equal(cache_stats().unnamed, 1000);
}

/* Row 7: a container makes a cgroup that is called like another one. */
static void nested_is_not_resolved(void **state)
{
	const struct identity *who, *real;

	(void)state;
	docker_config(DOCKER_FOLDER, A, "evil", "i", "{}");
	docker_config(DOCKER_FOLDER, B, "bank", "bank-image", "{}");
	root_write(PODMAN_LIST "containers.json", "[" PODMAN_ENTRY(C, "vault") "]");
	cache_open();
	assert_string_equal(cache_get(1, "/docker/" A "/libpod-" C ".scope")->name, "evil");
	who = cache_get(2, "/docker/" A "/docker/" B);
	real = cache_get(3, "/docker/" B);
	assert_ptr_not_equal(who, real);
	assert_string_equal(who->parent, "/docker/" A);
	assert_string_equal(who->name, "b43d92bf1e5c");
	assert_string_equal(who->image, "");
	assert_string_equal(real->name, "bank");
	who = cache_get(4, "/docker/" A "/machine.slice/libpod-" C ".scope");
	assert_string_equal(who->name, "c83d0428058a");
	identities_refresh(ids, T0 + 100 * SECOND);
	assert_false(who->resolved);
	assert_int_equal(cache_stats().unnamed, 0);
}

/* Row 5: long paths keep being told apart, and nothing is longer than promised. */
static void long_paths(void **state)
{
	_cleanup_buf_ struct buf path = {};
	const struct identity *one, *two;

	(void)state;
	cache_open();
	while (path.len < 6000)
		buf_str(&path, "/level");
	buf_char(&path, '1');
	one = cache_get(1, path.data);
	path.data[path.len - 1] = '2';
	two = cache_get(2, path.data);
	assert_ptr_not_equal(one, two);
	assert_string_not_equal(one->home, two->home);
	assert_int_equal(strlen(one->home), IDENTITY_TEXT_MAX);
	assert_true(strlen(one->name) <= IDENTITY_TEXT_MAX);
	assert_ptr_equal(cache_get(3, path.data), two);
	path.data[4096] = '\0';
	assert_string_equal(cache_get(4, path.data)->home, path.data);
	assert_string_equal(cache_get(5, "/x (deleted)")->name, "/x (deleted)");
}

static void huge_strings(void **state)
{
	_cleanup_buf_ struct buf name = {}, labels = {};
	const struct identity *who;

	(void)state;
	while (name.len < 100000)
		buf_str(&name, "name");
	buf_char(&labels, '{');
	for (int i = 0; i < 1000; i++)
		buf_printf(&labels, "%s\"label%d\":\"%0100d\"", i ? "," : "", i, i);
	buf_char(&labels, '}');
	docker_config(DOCKER_FOLDER, A, name.data, name.data, labels.data);
	cache_open();
	who = cache_get(1, "/docker/" A);
	assert_true(who->resolved);
	assert_int_equal(strlen(who->name), IDENTITY_TEXT_MAX);
	assert_int_equal(strlen(who->image), IDENTITY_TEXT_MAX);
	assert_true(strlen(who->labels) <= 16384 && strlen(who->labels) > 16000);
	assert_int_equal(who->labels[strlen(who->labels) - 1], '}');
}

static void bounded(void **state)
{
	const struct identity *other;
	char path[32];

	(void)state;
	cache_open();
	for (unsigned int i = 0; i < IDENTITIES_MAX; i++) {
		snprintf(path, sizeof(path), "/g/%u", i);
		assert_string_equal(cache_get(i + 1, path)->home, path);
	}
	other = cache_get(IDENTITIES_MAX + 1, "/one/more");
	assert_string_equal(other->name, IDENTITY_OTHER);
	assert_int_equal(cache_stats().cgroups, IDENTITIES_MAX);
	assert_int_equal(cache_stats().overflow, 1);
	identities_forget(ids, IDENTITIES_MAX + 1);
	identities_forget(ids, 5);
	assert_string_equal(cache_get(IDENTITIES_MAX + 1, "/one/more")->name, "/one/more");
}

static void no_root(void **state)
{
	(void)state;
	ids = identities_new("/nonexistent/folder");
	assert_non_null(ids);
	assert_string_equal(cache_get(1, "/docker/" A)->name, "4f2b0c9d8e7a");
	assert_string_equal(cache_get(2, "/machine.slice/libpod-" A ".scope")->name, "4f2b0c9d8e7a");
}

/* Units that systemd makes for one connection each are one home, that of their template. */
static void units_by_connection(void **state)
{
	static const char *const connections[] = {
		"17-10.0.0.1:6556-10.0.0.2:5555",
		"0-127.0.0.1:22-127.0.0.1:65535",
		"4294967295-fe80::1:22-2001:db8::ff00:42:8329:51234",
		"3-::ffff.0.0.1:22-::1:51234",
		"2-2:1024-4294967295:9999", /* vsock: CID:port */
		"5-4711-1000",		    /* Unix: PID-UID */
		"12-815_90817263544-0",
		"7-unknown",
	};
	static const char *const others[] = {
		"tty1",	 "1000",	  "15-main",	 "2026-11-29",	   "2026-01-02", "wg0",	    "a-1-2", "1",
		"1-",	 "-1-2",	  "1-2",	 "01-2-3",	   "1-02-3",	 "1-2-3-4", "1-2-",  "1-2_-3",
		"1-2_3", "1-10.0.0.1:22", "17-unknown2", "8-10.0.0.1:6-x",
	};
	const struct identity *who, *first = NULL;
	char path[160];

	(void)state;
	cache_open();
	for (size_t i = 0; i < ARRAY_SIZE(connections); i++) {
		snprintf(path, sizeof(path), "/system.slice/system-chk.slice/chk\\x2dmk@%s.service", connections[i]);
		who = cache_get(10 + 2 * i, path);
		if (!who->instances || (first && who != first))
			fail_msg("%s is a home of its own: %s", connections[i], who->home);
		first = who;
		strcat(path, "/below");
		assert_ptr_equal(cache_get(11 + 2 * i, path), first);
	}
	assert_string_equal(first->home, "/system.slice/system-chk.slice/chk\\x2dmk@.service");
	assert_string_equal(first->name, "chk-mk@.service");
	assert_string_equal(first->id, "chk\\x2dmk@.service");
	assert_int_equal(first->kind, HOME_SERVICE);
	assert_int_equal(cache_stats().homes, 1);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		snprintf(path, sizeof(path), "/system.slice/system-chk.slice/chk@%s.service", others[i]);
		who = cache_get(100 + i, path);
		if (who->instances || strcmp(who->home, path) != 0)
			fail_msg("%s is taken for a connection: %s", others[i], who->home);
	}
	/* Another place or another unit is another home; a user's manager makes such units, too. */
	assert_string_equal(cache_get(200, "/system.slice/chk@1-2-3.service")->home, "/system.slice/chk@.service");
	assert_string_equal(cache_get(201, "/user.slice/user-7.slice/user@7.service/app.slice/x@1-2-3.service")->home,
			    "/user.slice/user-7.slice/user@7.service/app.slice/x@.service");
	assert_false(cache_get(202, "/system.slice/chk@1-2-3.scope")->instances);
	assert_false(cache_get(203, "/system.slice/@1-2-3.service")->instances);
	for (uint64_t id = 0; id < 300; id++)
		identities_forget(ids, id);
	assert_int_equal(cache_stats().homes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cache_test(docker_named),
		cache_test(docker_shares),
		cache_test(units_by_connection),
		cache_test(docker_roots),
		cache_test(docker_root_is_a_link),
		cache_test(docker_roots_of_processes),
		cache_test(docker_roots_of_others),
		cache_test(docker_root_remapped),
		cache_test(docker_root_found_late),
		cache_test(podman_roots),
		cache_test(podman_root_of_user),
		cache_test(docker_root_of_user),
		cache_test(docker_in_kubernetes),
		cache_test(podman_named),
		cache_test(late_name),
		cache_test(late_and_seldom),
		cache_test(restarted),
		cache_test(renamed),
		cache_test(replaced_by_nothing),
		cache_test(podman_renamed),
		cache_test(renamed_among_many),
		cache_test(pod_by_its_uid),
		cache_test(build_is_one_home),
		cache_test(talos_by_its_first_process),
		cache_test(moved),
		cache_test(rootless_is_not_root),
		cache_test(rootless_named),
		cache_test(rootless_budget),
		cache_test(nested_is_not_resolved),
		cache_test(long_paths),
		cache_test(huge_strings),
		cache_test(bounded),
		cache_test(no_root),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
