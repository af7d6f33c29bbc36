/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_identity_stores.c - names from the files of containerd, nerdctl, CRI-O and the kubelet, and of Podman's pods, in the
 * shapes that these write them, and what is hostile among them. Docker's and Podman's containers are in test_identity.c.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "lib/identity_cache.h"

#include "base/util.h"

#define UID   "8712f785-1a3e-41ec-a00b-e2dcc77431cb"
#define U_D   "8712f785_1a3e_41ec_a00b_e2dcc77431cb"
#define SLICE "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" U_D ".slice"
#define TASKS "/run/containerd/io.containerd.runtime.v2.task/"
#define STORE "/var/lib/nerdctl/1935db59/"

static void who_check(const struct identity *who, enum home_kind kind, const char *name, const char *image,
		      const char *pod, const char *space)
{
	assert_string_equal(who->name, name);
	assert_int_equal(who->kind, kind);
	assert_string_equal(who->image, image);
	assert_string_equal(who->pod, pod);
	assert_string_equal(who->pod_namespace, space);
}

/* ---- containerd ---- */

#define BUNDLE(notes) \
	"{\"ociVersion\":\"1.0.2-dev\",\"process\":{\"args\":[\"/app\"]},\"annotations\":{" notes "},\"linux\":{}}"
#define CRI_POD                                                                                    \
	"\"io.kubernetes.cri.sandbox-id\":\"" C "\",\"io.kubernetes.cri.sandbox-name\":\"web-0\"," \
	"\"io.kubernetes.cri.sandbox-namespace\":\"shop\",\"io.kubernetes.cri.sandbox-uid\":\"" UID "\","
#define CRI_CONTAINER                                                        \
	BUNDLE(CRI_POD "\"io.kubernetes.cri.container-type\":\"container\"," \
		       "\"io.kubernetes.cri.container-name\":\"app\",\"io.kubernetes.cri.image-name\":\"r/app:1\"")
#define CRI_SANDBOX BUNDLE(CRI_POD "\"io.kubernetes.cri.container-type\":\"sandbox\"")

static void containerd_cri(void **state)
{
	const struct identity *who;

	(void)state;
	root_write(TASKS "k8s.io/" A "/config.json", CRI_CONTAINER);
	root_write(TASKS "k8s.io/" C "/config.json", CRI_SANDBOX);
	root_write("/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/" B "/config.json", CRI_CONTAINER);
	cache_open();
	who = cache_get(1, SLICE "/cri-containerd-" A ".scope");
	who_check(who, HOME_CONTAINER, "app", "r/app:1", "web-0", "shop");
	assert_true(who->resolved);
	assert_string_equal(who->runtime, "containerd");
	who_check(cache_get(2, SLICE "/cri-containerd-" C ".scope"), HOME_POD, "web-0", "", "web-0", "shop");
	/* With cgroupfs the path does not say which runtime it is; k3s has a folder of its own. */
	who = cache_get(3, "/kubepods/besteffort/pod" UID "/" B);
	who_check(who, HOME_CONTAINER, "app", "r/app:1", "web-0", "shop");
	assert_string_equal(who->runtime, "containerd");
	assert_int_equal(cache_stats().failures, 0);
	/* A bundle does not change: nothing is asked about it again. */
	root_write(TASKS "k8s.io/" A "/config.json", CRI_SANDBOX);
	assert_int_equal(identities_check(ids, T0 + SECOND), 0);
}

static void containerd_moved(void **state)
{
	(void)state;
	root_write("/etc/containerd/config.toml",
		   "version = 2\n# state = \"/no\"\nstate = \"/srv/cd\"\n[grpc]\nstate = \"/x\"\n");
	root_write("/srv/cd/io.containerd.runtime.v2.task/k8s.io/" A "/config.json", CRI_CONTAINER);
	cache_open();
	assert_string_equal(cache_get(1, SLICE "/cri-containerd-" A ".scope")->name, "app");
}

/* ctr: /NAMESPACE/ID is a container if containerd says so, else a cgroup like any other. */
static void containerd_ctr(void **state)
{
	const struct identity *who;

	(void)state;
	root_write(TASKS "default/web.1/config.json", "{\"annotations\":null}");
	root_write(TASKS "default/" B "/config.json", BUNDLE(""));
	/* Its notes are the user's: they name no pod. */
	root_write(TASKS "build/job/config.json", CRI_CONTAINER);
	root_folders(TASKS "default/folder/config.json/");
	cache_open();
	who = cache_get(1, "/default/web.1");
	who_check(who, HOME_CONTAINER, "web.1", "", "", "");
	assert_string_equal(who->runtime, "containerd");
	assert_string_equal(who->id, "web.1");
	assert_true(who->resolved);
	assert_ptr_equal(cache_get(2, "/default/web.1/below"), who);
	assert_string_equal(cache_get(3, "/default/" B)->name, "b43d92bf1e5c");
	who_check(cache_get(4, "/build/job"), HOME_CONTAINER, "job", "", "", "");
	assert_int_equal(cache_get(5, "/default/web.2")->kind, HOME_CGROUP);
	assert_int_equal(cache_get(6, "/other/web.1")->kind, HOME_CGROUP);
	assert_int_equal(cache_get(7, "/default/folder")->kind, HOME_CGROUP);
	assert_int_equal(cache_get(8, "/default/..")->kind, HOME_CGROUP);
	/* In a container, below a unit or a user's slice it may be anybody's. */
	assert_string_equal(cache_get(9, "/docker/" A "/default/web.1")->home, "/docker/" A);
	assert_int_equal(cache_get(10, "/system.slice/a.service/default/web.1")->kind, HOME_SERVICE);
	assert_int_equal(cache_get(11, "/user.slice/user-1.slice/session-1.scope/default/web.1")->kind, HOME_SESSION);
	assert_int_equal(cache_stats().refused, 0);
}

static void containerd_of_docker(void **state)
{
	(void)state;
	root_write(TASKS "moby/" A "/config.json", BUNDLE("\"nerdctl/name\":\"x\""));
	cache_open();
	assert_false(cache_get(1, "/actions_job/" A)->resolved);
}

/* ---- nerdctl ---- */

#define NERDCTL_BUNDLE BUNDLE("\"nerdctl/name\":\"web\",\"nerdctl/namespace\":\"default\"")

static void nerdctl_named(void **state)
{
	const struct identity *who;

	(void)state;
	root_write(TASKS "default/" A "/config.json", NERDCTL_BUNDLE);
	root_write(TASKS "default/" B "/config.json", BUNDLE("\"nerdctl/name\":\"job\""));
	root_write(STORE "names/default/web", A);
	cache_open();
	who = cache_get(1, "/system.slice/nerdctl-" A ".scope");
	who_check(who, HOME_CONTAINER, "web", "", "", "");
	assert_string_equal(who->runtime, "containerd");
	/* Of one that nerdctl has forgotten: what it was called when it was made. */
	assert_string_equal(cache_get(2, "/default/" B)->name, "job");
	assert_int_equal(cache_stats().failures, 0);
	assert_int_equal(identities_check(ids, T0 + SECOND), 0);
	/* nerdctl rename */
	assert_int_equal(rename(root_path(STORE "names/default/web"), root_path(STORE "names/default/shop")), 0);
	root_write(STORE "names/default/web", B);
	assert_int_equal(identities_check(ids, T0 + 2 * SECOND), 1);
	assert_string_equal(who->name, "shop");
	assert_int_equal(identities_check(ids, T0 + 3 * SECOND), 0);
}

/* 2.1 kept the names one folder higher. */
static void nerdctl_higher(void **state)
{
	(void)state;
	root_write(TASKS "default/" A "/config.json", NERDCTL_BUNDLE);
	root_write(STORE "default/renamed", A "\n");
	cache_open();
	assert_string_equal(cache_get(1, "/system.slice/nerdctl-" A ".scope")->name, "renamed");
}

/* The bundle is where only the user's own processes see it; the names are in the home folder. */
static void nerdctl_rootless(void **state)
{
	uid_t uid = getuid() ? getuid() : 1000;
	static const char *const made[] = {"/home/u/.local/share/nerdctl/1935db59/names/default/mine",
					   "/home/u/.local/share/nerdctl/1935db59/names/default",
					   "/home/u/.local/share/nerdctl/1935db59/names",
					   "/home/u/.local/share/nerdctl/1935db59", "/home/u/.local/share/nerdctl"};
	_cleanup_buf_ struct buf passwd = {}, path = {};

	(void)state;
	buf_printf(&passwd, "u:x:%u:1000::/home/u:/bin/sh\n", (unsigned int)uid);
	root_write("/etc/passwd", passwd.data);
	root_write(made[0], A);
	for (size_t i = 0; i < ARRAY_SIZE(made) && getuid() == 0; i++)
		assert_int_equal(chown(root_path(made[i]), uid, uid), 0);
	/* The host's are not the user's. */
	root_write(TASKS "default/" B "/config.json", NERDCTL_BUNDLE);
	cache_open();
	buf_printf(&path, "/user.slice/user-%u.slice/user@%u.service/user.slice/nerdctl-" A ".scope", (unsigned int)uid,
		   (unsigned int)uid);
	assert_string_equal(cache_get(1, path.data)->name, "mine");
	assert_int_equal(cache_get(1, path.data)->uid, uid);
	buf_reset(&path);
	buf_printf(&path, "/user.slice/user-%u.slice/user@%u.service/user.slice/nerdctl-" B ".scope", (unsigned int)uid,
		   (unsigned int)uid);
	assert_string_equal(cache_get(2, path.data)->name, "b43d92bf1e5c");
}

/* ---- CRI-O ---- */

#define CRIO_BUNDLE(type, labels)                                                                              \
	BUNDLE("\"io.kubernetes.container.name\":\"" type "\",\"io.kubernetes.pod.name\":\"db-0\","            \
	       "\"io.kubernetes.pod.namespace\":\"data\",\"io.kubernetes.cri-o.ImageName\":\"quay.io/pg:16\"," \
	       "\"io.kubernetes.cri-o.Labels\":\"" labels "\",\"io.kubernetes.cri-o.ContainerType\":\"" type "\"")
#define CRIO_RUN "/run/containers/storage/overlay-containers/"

static void crio_named(void **state)
{
	const struct identity *who;

	(void)state;
	root_write(CRIO_RUN A "/userdata/config.json", CRIO_BUNDLE("container", "{\\\"tier\\\":\\\"x\\\"}"));
	root_write(CRIO_RUN C "/userdata/config.json", CRIO_BUNDLE("sandbox", "{\\\"bad\\\":\\\"{\\\"a\\\"}"));
	root_write("/etc/containers/storage.conf", "[storage]\ngraphroot = \"/mnt/c\"\n");
	root_write("/mnt/c/vfs-containers/" B "/userdata/config.json", CRIO_BUNDLE("container", "5"));
	cache_open();
	who = cache_get(1, SLICE "/crio-" A ".scope/container");
	who_check(who, HOME_CONTAINER, "container", "quay.io/pg:16", "db-0", "data");
	assert_string_equal(who->runtime, "cri-o");
	assert_string_equal(who->labels, "{\"tier\":\"x\"}");
	/* Labels that are no JSON are none. */
	who = cache_get(2, SLICE "/crio-" C ".scope");
	who_check(who, HOME_POD, "db-0", "quay.io/pg:16", "db-0", "data");
	assert_string_equal(who->labels, "");
	/* Another driver, another root, and the cgroupfs driver. */
	who = cache_get(3, "/kubepods/besteffort/pod" UID "/crio-" B);
	assert_string_equal(who->pod, "db-0");
	assert_int_equal(cache_stats().failures, 0);
}

/* ---- Podman's pods ---- */

#define POD_JSON(name) "{\"id\":\"" C "\",\"name\":\"" name "\",\"hostname\":\"other\",\"labels\":{}"
#define POD_SLICE      "/machine.slice/machine-libpod_pod_" C ".slice"
#define GRAPH	       "/var/lib/containers/storage/"

static void database_write(const char *path, size_t zeros, const char *text)
{
	_cleanup_buf_ struct buf file = {};

	while (file.len < zeros)
		buf_add(&file, "", 1);
	buf_str(&file, text);
	root_write_bytes(path, file.data, file.len);
}

static void pod_check(const char *name)
{
	const struct identity *who;

	cache_open();
	who = cache_get(1, POD_SLICE);
	who_check(who, HOME_POD, name, "", name, "");
	assert_string_equal(who->runtime, "podman");
	who = cache_get(2, POD_SLICE "/libpod-" A ".scope/container");
	who_check(who, HOME_CONTAINER, "4f2b0c9d8e7a", "", name, "");
	who = cache_get(3, "/libpod_parent/" C "/libpod-" B);
	who_check(who, HOME_CONTAINER, "db", "i", name, "");
	identities_free(ids);
	ids = NULL;
}

static void podman_pods(void **state)
{
	static const char bolt[] = "..config" POD_JSON("shop"),
			  sqlite[] = "\x0c#" C "front-end.2" POD_JSON("front-end.2");

	(void)state;
	root_write(PODMAN_LIST "containers.json", "[{\"id\":\"" B "\",\"names\":[\"db\"],\"image\":\"i\"}]");
	pod_check("c83d0428058a");
	/* Wherever it lies across the pieces that are read. */
	for (size_t at = (256 << 10) - 250; at < (256 << 10) + 10; at += 13) {
		database_write(GRAPH "libpod/bolt_state.db", at, bolt);
		pod_check("shop");
	}
	root_delete(GRAPH "libpod/bolt_state.db");
	for (size_t at = (512 << 10) - 400; at < (512 << 10) + 10; at += 13) {
		database_write(GRAPH "db.sql", at, sqlite);
		pod_check("front-end.2");
	}
	/* What somebody else has written there: labels of a container, another name in front, a name that is none. */
	static const char *const others[] = {"{\"labels\":" POD_JSON("evil"), C "shop" POD_JSON("evil"),
					     "config" POD_JSON("a b"), "config{\"id\":\"" C "\",\"name\":\"cut",
					     "config" POD_JSON("")};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		database_write(GRAPH "db.sql", 10, others[i]);
		pod_check("c83d0428058a");
	}
	/* The right one behind such. */
	database_write(GRAPH "db.sql", 10, "{\"labels\":" POD_JSON("evil") "}config" POD_JSON("shop"));
	pod_check("shop");
}

static void podman_pods_hostile(void **state)
{
	static const char path[] = GRAPH "db.sql";

	(void)state;
	root_folders(path);
	assert_int_equal(mkfifo(root_path(path), 0600), 0);
	cache_open();
	assert_string_equal(cache_get(1, POD_SLICE)->name, "c83d0428058a");
	assert_int_equal(cache_stats().refused, 1);
	identities_free(ids);
	root_delete(path);
	root_write(path, "config" POD_JSON("shop"));
	assert_int_equal(truncate(root_path(path), 1 << 30), 0);
	cache_open();
	assert_string_equal(cache_get(1, POD_SLICE)->name, "c83d0428058a");
	assert_int_equal(cache_stats().refused, 1);
}

/* ---- the kubelet ---- */

static void link_make(const char *path)
{
	root_folders(path);
	assert_int_equal(symlink("/var/log/pods/x", root_path(path)), 0);
}

static void kubelet_named(void **state)
{
	const struct identity *who;

	(void)state;
	/* Of containerd before 1.6, which did not note names. */
	root_write(TASKS "k8s.io/" A "/config.json", BUNDLE("\"io.kubernetes.cri.container-type\":\"container\""));
	link_make("/var/log/containers/web-0_shop_app-" A ".log");
	link_make("/var/log/containers/x_y_z_u-" B ".log");
	link_make("/var/log/containers/nothing.log");
	root_folders("/var/log/pods/shop_web-0_" UID "/app/");
	cache_open();
	who = cache_get(1, SLICE "/cri-containerd-" A ".scope");
	who_check(who, HOME_CONTAINER, "app", "", "web-0", "shop");
	assert_string_equal(who->runtime, "containerd");
	assert_true(who->resolved);
	/* The pod's own cgroup. */
	who = cache_get(2, SLICE);
	who_check(who, HOME_POD, "web-0", "", "web-0", "shop");
	/* Of a container without a name its pod at least, and it is asked again. */
	who = cache_get(3, "/kubepods/besteffort/pod" UID "/" B);
	who_check(who, HOME_CONTAINER, "b43d92bf1e5c", "", "web-0", "shop");
	assert_false(who->resolved);
	link_make("/var/log/containers/web-0_shop_side-" B ".log");
	assert_int_equal(identities_refresh(ids, T0 + 100 * MS), 1);
	assert_string_equal(who->name, "side");
	assert_int_equal(cache_stats().refused, 0);
}

/* A pod of a user's own kubelet is none of the host's. */
static void kubelet_of_user(void **state)
{
	const struct identity *who;

	(void)state;
	root_folders("/var/log/pods/shop_web-0_" UID "/");
	link_make("/var/log/containers/web-0_shop_app-" A ".log");
	cache_open();
	who = cache_get(1, "/user.slice/user-1000.slice/user@1000.service/kubepods/pod" UID "/" A);
	assert_string_equal(who->name, "4f2b0c9d8e7a");
	assert_string_equal(who->pod, UID);
	assert_string_equal(cache_get(2, "/user.slice/user-1000.slice/user@1000.service/kubepods/pod" UID)->name,
			    "pod" UID);
}

/* ---- hostile files: each is refused at once, counted, and leaves the short id ---- */

static void short_id_check(const char *path, bool refused)
{
	const struct identity *who;

	cache_open();
	who = cache_get(1, path);
	assert_string_equal(who->name, "4f2b0c9d8e7a");
	assert_false(who->resolved);
	assert_int_equal(cache_stats().refused > 0, refused);
	identities_free(ids);
	ids = NULL;
}

static void bundle_hostile(const char *bundle, const char *good, const char *path)
{
	char text[64] = "[";

	root_folders(bundle);
	assert_int_equal(mkfifo(root_path(bundle), 0600), 0);
	short_id_check(path, true);
	root_delete(bundle);
	root_write("/etc/secret", good);
	assert_int_equal(symlink(root_path("/etc/secret"), root_path(bundle)), 0);
	short_id_check(path, true);
	root_delete(bundle);
	root_write(bundle, good);
	assert_int_equal(truncate(root_path(bundle), 1 << 30), 0);
	short_id_check(path, true);
	root_write(bundle, good);
	assert_int_equal(chmod(root_path(bundle), 0666), 0);
	short_id_check(path, true);
	if (getuid() == 0) {
		root_write(bundle, good);
		assert_int_equal(chown(root_path(bundle), 1000, 1000), 0);
		short_id_check(path, true);
	}
	root_write(bundle, text);
	short_id_check(path, true);
	root_write(bundle, "5");
	short_id_check(path, true);
	root_write(bundle, "{\"annotations\":5}");
	short_id_check(path, false);
	root_write(bundle,
		   "{\"annotations\":{\"io.kubernetes.cri.container-name\":[],\"io.kubernetes.cri-o.Labels\":{}}}");
	short_id_check(path, false);
	root_delete(bundle);
}

static void containerd_hostile(void **state)
{
	(void)state;
	bundle_hostile(TASKS "k8s.io/" A "/config.json", CRI_CONTAINER, SLICE "/cri-containerd-" A ".scope");
}

static void crio_hostile(void **state)
{
	(void)state;
	bundle_hostile(CRIO_RUN A "/userdata/config.json", CRIO_BUNDLE("container", ""), SLICE "/crio-" A ".scope");
}

static void nerdctl_hostile(void **state)
{
	static const char name[] = STORE "names/default/evil";

	(void)state;
	root_write(TASKS "default/" A "/config.json", NERDCTL_BUNDLE);
	root_folders(name);
	assert_int_equal(mkfifo(root_path(name), 0600), 0);
	cache_open();
	assert_string_equal(cache_get(1, "/default/" A)->name, "web");
	assert_int_equal(cache_stats().refused, 1);
	identities_free(ids);
	root_delete(name);
	root_write(name, A);
	assert_int_equal(truncate(root_path(name), 1 << 30), 0);
	cache_open();
	assert_string_equal(cache_get(1, "/default/" A)->name, "web");
	assert_int_equal(cache_stats().refused, 1);
}

static void kubelet_hostile(void **state)
{
	static const char path[] = SLICE "/cri-containerd-" A ".scope";

	(void)state;
	link_make("/var/log/containers/web-0_shop_app-" A ".log");
	assert_int_equal(chmod(root_path("/var/log/containers"), 0777), 0);
	short_id_check(path, true);
	assert_int_equal(chmod(root_path("/var/log/containers"), 0755), 0);
	if (getuid() == 0) {
		assert_int_equal(chown(root_path("/var/log/containers"), 1000, 1000), 0);
		short_id_check(path, true);
		assert_int_equal(chown(root_path("/var/log/containers"), 0, 0), 0);
	}
	cache_open();
	assert_string_equal(cache_get(1, path)->name, "app");
}

/* ---- the thread that reads ---- */

/* Until a condition holds, at most for a minute: the thread needs a CPU. */
#define EVENTUALLY(condition, again)                                         \
	do {                                                                 \
		for (int tries = 0; !(condition) && tries < 6000; tries++) { \
			usleep(10000);                                       \
			again;                                               \
		}                                                            \
		assert_true(condition);                                      \
	} while (0)

static void threaded(void **state)
{
	const struct identity *who;
	uint64_t now_ns = T0;

	(void)state;
	root_write(TASKS "k8s.io/" A "/config.json", CRI_CONTAINER);
	root_write(TASKS "default/" B "/config.json", NERDCTL_BUNDLE);
	root_write(STORE "names/default/web", B);
	cache_open();
	assert_int_equal(identities_start(ids), 0);
	who = cache_get(1, SLICE "/cri-containerd-" A ".scope");
	EVENTUALLY(who->resolved, identities_wait(ids));
	who_check(who, HOME_CONTAINER, "app", "r/app:1", "web-0", "shop");
	/* A change is found, and one that comes late. */
	who = cache_get(2, "/default/" B);
	EVENTUALLY(who->resolved, identities_wait(ids));
	assert_int_equal(rename(root_path(STORE "names/default/web"), root_path(STORE "names/default/shop")), 0);
	EVENTUALLY(strcmp(who->name, "shop") == 0, identities_check(ids, now_ns += SECOND));
	who = cache_get(3, SLICE "/crio-" C ".scope");
	root_write(CRIO_RUN C "/userdata/config.json", CRIO_BUNDLE("container", ""));
	EVENTUALLY(who->resolved, identities_refresh(ids, now_ns += SECOND));
	/* Forgotten while it is asked about, and at the end. */
	for (uint64_t id = 10; id < 200; id++) {
		char path[96];

		snprintf(path, sizeof(path), "/docker/%064llx", (unsigned long long)id);
		cache_get(id, path);
		if (id % 2)
			identities_forget(ids, id);
	}
	identities_check(ids, now_ns += SECOND);
}

/* A file system of which nobody answers anything: fstat() of what is in it never returns. -1: there is no FUSE here. */
static int silence_mount(const char *path)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[64];

	if (fd < 0 || unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	root_folders(path);
	return mount("test", root_path(path), "fuse", 0, options) < 0 ? -1 : fd;
}

/* In a process of its own, since it has mounts of its own. 0: well. */
static int silence_child(void)
{
	struct identities *others;
	const struct identity *who, *other;
	int silent = silence_mount("/var/lib/docker/containers/");

	if (silent < 0)
		return 77;
	root_write(TASKS "k8s.io/" B "/config.json", CRI_CONTAINER);
	cache_open();
	if (identities_start(ids) != 0)
		return 1;
	/* That these return at all is what counts: without the thread the first would not. */
	who = cache_get(1, "/docker/" A);
	identities_wait(ids);
	identities_check(ids, T0 + SECOND);
	other = cache_get(2, SLICE "/cri-containerd-" B ".scope");
	identities_check(ids, T0 + 2 * SECOND);
	if (who->resolved || strcmp(who->name, "4f2b0c9d8e7a") != 0 || other->resolved)
		return 2;
	/* The end does not wait for it, either. */
	others = identities_new(root_dir);
	identities_start(others);
	identities_get(others, 1, "/docker/" A, T0);
	identities_wait(others);
	identities_free(others);
	/* When the file system is gone, the rest is answered. */
	close(silent);
	for (int tries = 0; !other->resolved && tries < 6000; tries++) {
		usleep(10000);
		identities_check(ids, T0 + 3 * SECOND);
	}
	return strcmp(other->name, "app") == 0 && !who->resolved ? 0 : 3;
}

static void silent_file_system(void **state)
{
	int status;
	pid_t child;

	(void)state;
	if (getuid() != 0)
		skip();
	child = fork();
	if (child == 0)
		_exit(silence_child());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cache_test(containerd_cri),	  cache_test(containerd_moved),	  cache_test(containerd_ctr),
		cache_test(containerd_of_docker), cache_test(nerdctl_named),	  cache_test(nerdctl_higher),
		cache_test(nerdctl_rootless),	  cache_test(crio_named),	  cache_test(kubelet_named),
		cache_test(kubelet_of_user),	  cache_test(containerd_hostile), cache_test(crio_hostile),
		cache_test(nerdctl_hostile),	  cache_test(kubelet_hostile),	  cache_test(podman_pods),
		cache_test(podman_pods_hostile),  cache_test(threaded),		  cache_test(silent_file_system),
	};

	return cmocka_run_group_tests_name("identity_stores", tests, NULL, NULL);
}
