/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stores.c - which store is asked about what, and what the stores share: the root folder of all files, users' home folders,
 * labels. Used by the stores and the cache (identity.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "identity/store/hostile_file.h"
#include "identity/store/stores.h"

#define LABELS_MAX 16384

void store_answer_free(struct store_answer *a)
{
	free(a->name);
	free(a->image);
	free(a->pod);
	free(a->pod_namespace);
	free(a->labels);
	*a = (struct store_answer){};
}

int stores_init(struct stores *s, const char *root)
{
	bool live = !root || !*root || strcmp(root, "/") == 0;
	struct stat st;

	*s = (struct stores){.root = open(live ? "/" : root, O_PATH | O_DIRECTORY | O_CLOEXEC), .docker_folder = -1};
	if (!live && s->root >= 0 && fstat(s->root, &st) == 0)
		s->host_owner = st.st_uid;
	return roots_init(s) < 0 || containerd_init(s) < 0 ? -ENOMEM : 0;
}

void stores_free(struct stores *s)
{
	stores_moment(s, 0);
	closep(&s->root);
	data_roots_free(&s->docker_roots);
	data_roots_free(&s->podman_roots);
	data_roots_free(&s->containerd_states);
	kubelet_names_free(s->kubelet);
	podman_pods_free(s->podman_pods);
	for (size_t i = 0; i < s->n_podman; i++)
		podman_file_free(s->podman[i]);
}

void stores_moment(struct stores *s, uint64_t now_ns)
{
	if (now_ns && now_ns == s->moment_ns)
		return;
	s->moment_ns = now_ns;
	free(s->home);
	s->home = NULL;
	closep(&s->docker_folder);
	s->docker_folder = -1;
}

/* ---- questions ---- */

static int podman_try(struct stores *s, const struct store_question *q, struct store_answer *ret)
{
	int r = q->is_pod ? -ENOENT : podman_lookup(s, q->uid, q->id, ret);

	if (*q->pod)
		ret->pod = podman_pod_name(s, q->uid, q->pod);
	if (!q->is_pod || !ret->pod)
		return r;
	ret->pod_sandbox = true;
	ret->runtime = "podman";
	return copy_text(&ret->name, ret->pod);
}

/* The one that knows most about a container first. */
static int stores_try(struct stores *s, const struct store_question *q, struct store_answer *ret)
{
	int r = -ENOENT;

	if (q->stores & STORE_DOCKER)
		r = docker_lookup(s, q->uid, q->id, *q->pod_uid, ret);
	if (r < 0 && (q->stores & STORE_PODMAN))
		r = podman_try(s, q, ret);
	if (r < 0 && (q->stores & STORE_CONTAINERD))
		r = containerd_lookup(s, q, ret);
	if (r < 0 && (q->stores & STORE_CRIO) && q->uid <= 0)
		r = crio_lookup(s, q->id, ret);
	if (r < 0 && (q->stores & STORE_KUBELET))
		r = kubelet_lookup(s, q, ret);
	return r;
}

/* When nobody on the host knows it, there may be a place that the agent does not know of yet. */
static bool places_search(struct stores *s, const struct store_question *q, uint64_t now_ns)
{
	return q->first_ns && q->uid <= 0 && q->stores & (STORE_DOCKER | STORE_PODMAN) &&
	       roots_search(s, now_ns, q->first_ns);
}

int stores_ask(struct stores *s, const struct store_question *q, uint64_t now_ns, struct store_answer *ret)
{
	int r;

	stores_moment(s, now_ns);
	r = stores_try(s, q, ret);
	if (r == -ENOENT && places_search(s, q, now_ns)) {
		store_answer_free(ret);
		r = stores_try(s, q, ret);
		ret->places_found = true;
	}
	return r;
}

bool store_changed(struct stores *s, const struct store_question *q, struct store_version *v)
{
	switch (v->store) {
	case STORE_DOCKER:
		return docker_changed(s, q->uid, q->id, v);
	case STORE_PODMAN:
		return podman_changed(s, q->uid, v);
	case STORE_CONTAINERD:
		return nerdctl_changed(s, q, v);
	}
	return false;
}

/* ---- what the stores share ---- */

int store_json(struct stores *s, const char *folder_path, const char *below, json_t **ret)
{
	_cleanup_close_ int folder = -1;
	int r = trusted_folder_open(s->root, folder_path, &folder);

	if (r == 0)
		r = hostile_json_file(folder, below, s->host_owner, HOSTILE_FILE_MAX, 0, ret, NULL);
	return stores_note(s, r);
}

int copy_text(char **to, const char *s)
{
	*to = strdup(s);
	return *to ? 0 : -ENOMEM;
}

/* Sorted, so that equal labels give equal text. */
char *labels_text(json_t *labels)
{
	_cleanup_json_ json_t *kept = json_object();
	char *text = json_dumps(labels, JSON_COMPACT | JSON_SORT_KEYS);
	size_t used = 2;
	const char *key;
	json_t *value;

	if (!text || strlen(text) <= LABELS_MAX)
		return text;
	free(text);
	json_object_foreach (labels, key, value) {
		_cleanup_json_ json_t *one = json_pack("{sO}", key, value);
		_cleanup_free_ char *one_text = one ? json_dumps(one, JSON_COMPACT) : NULL;

		if (!one_text || used + strlen(one_text) > LABELS_MAX)
			continue;
		used += strlen(one_text);
		json_object_set(kept, key, value);
	}
	return json_dumps(kept, JSON_COMPACT | JSON_SORT_KEYS);
}

int stores_note(struct stores *s, int error)
{
	if (hostile_refused(error))
		__atomic_fetch_add(&s->refused, 1, __ATOMIC_RELAXED);
	return error;
}

/* NAME:PASSWORD:UID:GID:COMMENT:HOME:SHELL */
static char *passwd_home(char *text, int64_t uid)
{
	char *line, *lines = text;

	while ((line = strsep(&lines, "\n"))) {
		char *field[6] = {};
		uint64_t number;

		for (size_t i = 0; i < ARRAY_SIZE(field); i++)
			field[i] = strsep(&line, ":");
		if (field[5] && parse_u64(field[2], 0, UINT32_MAX, &number) == 0 && (int64_t)number == uid &&
		    field[5][0] == '/')
			return field[5];
	}
	return NULL;
}

static int home_folder_read(struct stores *s, int64_t uid, char **ret)
{
	_cleanup_close_ int etc = -1, fd = -1;
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t len;
	char *home;
	int r = trusted_folder_open(s->root, "/etc", &etc);

	if (r == 0)
		r = hostile_open(etc, "passwd", s->host_owner, HOSTILE_FILE_MAX, 0, &fd, &st);
	if (r == 0)
		r = hostile_read(fd, HOSTILE_FILE_MAX, &text, &len);
	if (r < 0)
		return stores_note(s, r);
	home = passwd_home(text, uid);
	if (!home)
		return -ENOENT;
	home = strdup(home);
	if (!home)
		return -ENOMEM;
	*ret = home;
	return 0;
}

int stores_home_folder(struct stores *s, int64_t uid, char **ret)
{
	int r;

	if (!s->home || s->home_uid != uid || !s->moment_ns) {
		free(s->home);
		s->home = NULL;
		r = home_folder_read(s, uid, &s->home);
		if (r < 0)
			return r;
		s->home_uid = uid;
	}
	*ret = strdup(s->home);
	return *ret ? 0 : -ENOMEM;
}

bool stores_on_talos(struct stores *s)
{
	_cleanup_close_ int folder = -1, fd = -1;
	_cleanup_free_ char *text = NULL;
	char *line, *lines;
	struct stat st;
	size_t len;

	if (s->root < 0 || trusted_folder_open(s->root, "/proc/1", &folder) < 0 ||
	    hostile_open(folder, "cgroup", s->host_owner, HOSTILE_FILE_MAX, 0, &fd, &st) < 0 ||
	    hostile_read(fd, HOSTILE_FILE_MAX, &text, &len) < 0)
		return false;
	lines = text;
	while ((line = strsep(&lines, "\n"))) {
		const char *path = strrchr(line, ':');

		/* Seen from another cgroup namespace: /../../init. */
		while (path && strncmp(path + 1, "/..", 3) == 0)
			path += 3;
		if (path && strcmp(path + 1, "/init") == 0)
			return true;
	}
	return false;
}

char *stores_below_home(const char *path, const char *home)
{
	size_t n = strlen(home);

	if (strncmp(path, "$HOME/", strlen("$HOME/")) == 0)
		return strdup(path + strlen("$HOME/"));
	return strncmp(path, home, n) == 0 && path[n] == '/' && path[n + 1] ? strdup(path + n + 1) : NULL;
}
