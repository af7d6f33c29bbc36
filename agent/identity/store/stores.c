/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stores.c - shared by the stores: the root folder of all files, and users' home folders. Used by
 * docker.c, podman.c and the cache (identity.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "identity/shape/path.h"
#include "identity/store/hostile_file.h"
#include "identity/store/stores.h"

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
	return roots_init(s);
}

void stores_free(struct stores *s)
{
	stores_moment(s, 0);
	closep(&s->root);
	data_roots_free(&s->docker_roots);
	data_roots_free(&s->podman_roots);
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

bool store_changed(struct stores *s, int64_t uid, const char *id, struct store_version *v)
{
	return v->store == STORE_DOCKER ? docker_changed(s, uid, id, v) : podman_changed(s, uid, v);
}

int stores_note(struct stores *s, int error)
{
	if (hostile_refused(error))
		s->refused++;
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
