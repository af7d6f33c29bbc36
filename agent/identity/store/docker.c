/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * docker.c - what dockerd keeps on disk about a container: config.v2.json has its name, image and labels, hostconfig.json,
 * which is written with it, the CPU shares that it was asked for. Called by
 * stores.c. Never talks to the daemon: access to its socket is equivalent to root.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "identity/shape/family.h"
#include "identity/store/hostile_file.h"
#include "identity/store/stores.h"

#define FILE_FORMAT	 "containers/%s/%s"
#define CONFIG		 "config.v2.json"
#define HOST_CONFIG	 "hostconfig.json"
#define ROOTLESS_ROOT	 ".local/share/docker"
#define ROOTLESS_CONFIG	 ".config/docker/daemon.json"
#define ROOTLESS_ROOTS	 2    /* that one, and where the configuration has moved it to */
#define FILE_PATH_SIZE	 1024 /* of a path below a data root, or below a home folder */
#define KUBERNETES(what) "io.kubernetes." what

/* ---- config.v2.json ---- */

/*
 * An image can have labels, too. So labels that name a pod are trusted only if the kubelet has set them: in a pod's
 * cgroup, or together with a container name that only a client of the daemon can choose.
 */
static int answer_pod(struct store_answer *a, const json_t *labels, bool in_pod, const char *name)
{
	const char *container = json_text(labels, KUBERNETES("container.name"));
	int r;

	if ((!in_pod && strncmp(name, "k8s_", 4) != 0) || !*container)
		return copy_text(&a->name, name);
	r = copy_text(&a->pod, json_text(labels, KUBERNETES("pod.name")));
	r |= copy_text(&a->pod_namespace, json_text(labels, KUBERNETES("pod.namespace")));
	a->pod_sandbox = strcmp(container, "POD") == 0;
	r |= copy_text(&a->name, a->pod_sandbox && a->pod && *a->pod ? a->pod : container);
	return r;
}

static int answer_fill(const json_t *config, const char *id, bool in_pod, struct store_answer *ret)
{
	struct store_answer a = {};
	const json_t *settings = json_object_get(config, "Config");
	json_t *labels = json_object_get(settings, "Labels");
	const char *name = json_text(config, "Name");
	int r;

	name += *name == '/';
	/* The file of another container, or of none. */
	if (!*name || strcmp(json_text(config, "ID"), id) != 0)
		return -EBADMSG;
	r = answer_pod(&a, labels, in_pod, name);
	r |= copy_text(&a.image, json_text(settings, "Image"));
	if (json_object_size(labels) > 0) {
		a.labels = labels_text(labels);
		r |= a.labels ? 0 : -ENOMEM;
	}
	if (r < 0) {
		store_answer_free(&a);
		return -ENOMEM;
	}
	*ret = a;
	return 0;
}

struct docker_file {
	const char *root;  /* a folder that only root can have created */
	const char *below; /* of the data root below it */
	uid_t owner;
	bool rootless;
};

static int docker_path(char *path, size_t size, const char *below, const char *id, const char *name)
{
	int n = snprintf(path, size, "%s%s" FILE_FORMAT, below, *below ? "/" : "", id, name);

	return n < (int)size ? 0 : -ENAMETOOLONG;
}

static int docker_file_read(struct stores *s, const struct docker_file *where, const char *id, const char *name,
			    json_t **ret, struct file_version *ret_version)
{
	char path[FILE_PATH_SIZE];
	_cleanup_close_ int folder = -1;
	int r = trusted_folder_open(s->root, where->root, &folder);

	if (r < 0)
		return r;
	if (docker_path(path, sizeof(path), where->below, id, name) < 0)
		return -ENAMETOOLONG;
	return hostile_json_file(folder, path, where->owner, where->rootless ? ROOTLESS_FILE_MAX : HOSTILE_FILE_MAX,
				 where->rootless ? HOSTILE_SAME_MOUNT : 0, ret, ret_version);
}

/* 0: none were asked for, or the file does not say. */
static uint64_t shares_read(struct stores *s, const struct docker_file *where, const char *id)
{
	_cleanup_json_ json_t *config = NULL;
	json_int_t shares = 0;

	if (stores_note(s, docker_file_read(s, where, id, HOST_CONFIG, &config, NULL)) == 0)
		shares = json_integer_value(json_object_get(config, "CpuShares"));
	return shares > 0 ? (uint64_t)shares : 0;
}

/* The first root that has the container; which one, and what version of its file, is noted also if it says nothing. */
static int host_config_read(struct stores *s, const char *id, json_t **ret, uint64_t *ret_shares,
			    struct store_version *v)
{
	int r = -ENOENT;

	for (size_t i = 0; i < s->docker_roots.n; i++) {
		struct file_version file = {};
		const struct docker_file where = {s->docker_roots.paths[i], "", s->host_owner, false};
		int e = stores_note(s, docker_file_read(s, &where, id, CONFIG, ret, &file));

		if (file.inode)
			*v = (struct store_version){.store = STORE_DOCKER, .root = i, .file = file};
		if (e == 0) {
			*ret_shares = shares_read(s, &where, id);
			return 0;
		}
		if (e != -ENOENT || r == -ENOENT)
			r = e;
	}
	return r;
}

/* Below the user's home folder; NULL: the configuration has not moved it, or to somewhere else. */
static char *user_root(struct stores *s, int64_t uid, const char *home, size_t which)
{
	_cleanup_json_ json_t *daemon = NULL;
	_cleanup_close_ int folder = -1;

	if (which == 0)
		return strdup(ROOTLESS_ROOT);
	if (trusted_folder_open(s->root, home, &folder) < 0 ||
	    stores_note(s, hostile_json_file(folder, ROOTLESS_CONFIG, (uid_t)uid, ROOTLESS_FILE_MAX, HOSTILE_SAME_MOUNT,
					     &daemon, NULL)) < 0)
		return NULL;
	return stores_below_home(json_text(daemon, "data-root"), home);
}

static int user_config_read(struct stores *s, int64_t uid, const char *id, json_t **ret, uint64_t *ret_shares,
			    struct store_version *v)
{
	_cleanup_free_ char *home = NULL;
	int r = stores_home_folder(s, uid, &home);

	for (size_t i = 0; i < ROOTLESS_ROOTS && (r == 0 || r == -ENOENT) && home; i++) {
		_cleanup_free_ char *below = user_root(s, uid, home, i);
		const struct docker_file where = {home, below, (uid_t)uid, true};

		if (!below)
			break;
		r = stores_note(s, docker_file_read(s, &where, id, CONFIG, ret, &v->file));
		if (v->file.inode) {
			v->store = STORE_DOCKER;
			v->root = i;
		}
		if (r == 0) {
			*ret_shares = shares_read(s, &where, id);
			break;
		}
	}
	return r;
}

int docker_lookup(struct stores *s, int64_t uid, const char *id, bool in_pod, struct store_answer *ret)
{
	_cleanup_json_ json_t *config = NULL;
	struct store_version version = {};
	uint64_t shares = 0;
	int r;

	if (!part_hex((struct path_part){id, strlen(id)}, 64))
		return -EINVAL;
	if (uid > 0)
		r = user_config_read(s, uid, id, &config, &shares, &version);
	else
		r = host_config_read(s, id, &config, &shares, &version);
	if (r == 0)
		r = stores_note(s, answer_fill(config, id, in_pod, ret));
	ret->version = version;
	ret->cpu_shares = shares;
	if (r == 0)
		ret->runtime = "docker";
	return r;
}

/* ---- is there another version? ---- */

/* The folder is kept open only for the moment: else its file system could not be unmounted. */
static int root_folder(struct stores *s, size_t i)
{
	if (s->docker_folder >= 0 && s->docker_opened == i)
		return s->docker_folder;
	closep(&s->docker_folder);
	s->docker_folder = -1;
	s->docker_opened = i;
	return trusted_folder_open(s->root, s->docker_roots.paths[i], &s->docker_folder) < 0 ? -1 : s->docker_folder;
}

static bool user_config_stat(struct stores *s, int64_t uid, size_t root, const char *id, struct stat *ret)
{
	_cleanup_free_ char *home = NULL, *below = NULL;
	_cleanup_close_ int folder = -1, fd = -1;
	char path[FILE_PATH_SIZE];

	if (stores_home_folder(s, uid, &home) < 0)
		return false;
	below = user_root(s, uid, home, root);
	return below && docker_path(path, sizeof(path), below, id, CONFIG) == 0 &&
	       trusted_folder_open(s->root, home, &folder) == 0 &&
	       hostile_open(folder, path, (uid_t)uid, ROOTLESS_FILE_MAX, HOSTILE_SAME_MOUNT, &fd, ret) == 0;
}

/* Only root writes there: one stat() is enough to say that nothing has changed. */
static bool host_config_stat(struct stores *s, size_t root, const char *id, struct stat *ret)
{
	char path[FILE_PATH_SIZE];
	int folder = root_folder(s, root);

	return folder >= 0 && docker_path(path, sizeof(path), "", id, CONFIG) == 0 &&
	       fstatat(folder, path, ret, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0;
}

bool docker_changed(struct stores *s, int64_t uid, const char *id, struct store_version *v)
{
	struct file_version now;
	struct stat st;

	/* A container that was removed keeps what is known of it. */
	if (!(uid > 0 ? user_config_stat(s, uid, v->root, id, &st) : host_config_stat(s, v->root, id, &st)))
		return false;
	now = file_version_of(&st);
	if (file_version_same(&now, &v->file))
		return false;
	v->file = now;
	return true;
}
