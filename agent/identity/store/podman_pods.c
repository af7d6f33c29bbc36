/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * podman_pods.c - the names of Podman's pods, which are nowhere but in its database: BoltDB up to 4.x, SQLite since. Called by
 * stores.c. Reads neither format: in both, the configuration of a pod is JSON that begins with its id and its name, which never
 * change. Where that text stands behind what each format puts before it, it is a pod's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/util.h"
#include "identity/shape/family.h"
#include "identity/store/stores.h"

#define DATABASE_MAX	  (256u << 20)
#define DATABASE_USER_MAX (16u << 20)
#define CHUNK		  (256u << 10)
#define NAME_MAX_LEN	  128
/* KEY {"id":"64 DIGITS","name":"NAME" */
#define ID_AT	    (sizeof("{\"id\":\"") - 1)
#define NAME_BEFORE "\",\"name\":\""
#define NAME_AT	    (ID_AT + 64 + sizeof(NAME_BEFORE) - 1)
#define OVERLAP	    512 /* more than all that is looked at around a place */
#define PODS_MAX    4096

struct podman_pod {
	char key[48]; /* uid, and short id */
	char *name;
	UT_hash_handle hh;
};

struct pod_search {
	struct stores *s;
	int64_t uid;
	char wanted[64]; /* {"id":"SHORT */
	char *name;
};

/* What the formats have before the text: BoltDB the key "config", SQLite the columns of the id and the name. */
static bool before_fits(const char *text, size_t at, const char *name, size_t name_len)
{
	static const char key[] = "config";
	const size_t n = sizeof(key) - 1;

	if (at >= n && memcmp(text + at - n, key, n) == 0)
		return true;
	return at >= name_len + 64 && memcmp(text + at - name_len, name, name_len) == 0 &&
	       memcmp(text + at - name_len - 64, text + at + ID_AT, 64) == 0;
}

/* The name in the text whose beginning was found at `at`; NULL: it is something else. */
static char *name_at(const char *text, size_t len, size_t at)
{
	struct path_part name;
	const char *end;

	if (len - at < NAME_AT || !part_hex((struct path_part){text + at + ID_AT, 64}, 64) ||
	    memcmp(text + at + ID_AT + 64, NAME_BEFORE, sizeof(NAME_BEFORE) - 1) != 0)
		return NULL;
	name.s = text + at + NAME_AT;
	name.len = len - at - NAME_AT;
	end = memchr(name.s, '"', name.len < NAME_MAX_LEN ? name.len : NAME_MAX_LEN);
	if (!end || end == name.s)
		return NULL;
	name.len = (size_t)(end - name.s);
	/* Podman's names: [a-zA-Z0-9][a-zA-Z0-9_.-]* */
	for (size_t i = 0; i < name.len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-", name.s[i]))
			return NULL;
	return before_fits(text, at, name.s, name.len) ? strndup(name.s, name.len) : NULL;
}

static char *text_search(const char *text, size_t len, const char *wanted)
{
	const char *found = text;
	char *name = NULL;

	while (!name && (found = memmem(found, len - (size_t)(found - text), wanted, strlen(wanted)))) {
		name = name_at(text, len, (size_t)(found - text));
		found++;
	}
	return name;
}

/* Piece by piece, each with the end of the one before it. */
static char *file_search(int file, const char *wanted)
{
	char link[sizeof("/proc/self/fd/") + 16];
	_cleanup_free_ char *text = malloc(OVERLAP + CHUNK);
	_cleanup_close_ int fd = -1;
	size_t len = 0, total = 0;
	char *name = NULL;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
	fd = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	while (text && fd >= 0 && !name && total < DATABASE_MAX && (n = read(fd, text + len, CHUNK)) > 0) {
		len += (size_t)n;
		total += (size_t)n;
		name = text_search(text, len, wanted);
		if (len > OVERLAP) {
			memmove(text, text + len - OVERLAP, OVERLAP);
			len = OVERLAP;
		}
	}
	return name;
}

static bool databases_search(void *ctx, int folder, const char *root, const char *below)
{
	static const char *const databases[] = {"db.sql", "libpod/bolt_state.db"};
	struct pod_search *p = ctx;

	(void)root;
	for (size_t i = 0; i < ARRAY_SIZE(databases) && !p->name; i++) {
		_cleanup_buf_ struct buf path = {};
		_cleanup_close_ int fd = -1;
		struct stat st;

		buf_printf(&path, "%s%s%s", below, *below ? "/" : "", databases[i]);
		if (!path.failed &&
		    stores_note(p->s, hostile_open(folder, path.data, p->uid > 0 ? (uid_t)p->uid : p->s->host_owner,
						   p->uid > 0 ? DATABASE_USER_MAX : DATABASE_MAX,
						   p->uid > 0 ? HOSTILE_SAME_MOUNT : 0, &fd, &st)) == 0)
			p->name = file_search(fd, p->wanted);
	}
	return p->name;
}

static void pod_keep(struct stores *s, const char *key, const char *name)
{
	struct podman_pod *pod;

	if (HASH_COUNT(s->podman_pods) >= PODS_MAX) {
		/* The oldest. */
		pod = s->podman_pods;
		HASH_DEL(s->podman_pods, pod);
		free(pod->name);
		free(pod);
	}
	pod = calloc(1, sizeof(*pod));
	if (!pod)
		return;
	snprintf(pod->key, sizeof(pod->key), "%s", key);
	pod->name = strdup(name);
	if (pod->name)
		HASH_ADD_STR(s->podman_pods, key, pod);
	if (!pod->hh.tbl) {
		free(pod->name);
		free(pod);
	}
}

void podman_pods_free(struct podman_pod *pods)
{
	struct podman_pod *pod, *next;

	HASH_ITER (hh, pods, pod, next) {
		HASH_DEL(pods, pod);
		free(pod->name);
		free(pod);
	}
}

char *podman_pod_name(struct stores *s, int64_t uid, const char *pod)
{
	struct pod_search p = {.s = s, .uid = uid > 0 ? uid : 0};
	struct podman_pod *known;
	char key[48];

	if (!part_hex((struct path_part){pod, strlen(pod)}, 12))
		return NULL;
	snprintf(key, sizeof(key), "%lld %s", (long long)p.uid, pod);
	HASH_FIND_STR(s->podman_pods, key, known);
	if (known)
		return strdup(known->name);
	snprintf(p.wanted, sizeof(p.wanted), "{\"id\":\"%s", pod);
	podman_storages(s, p.uid, databases_search, &p);
	if (p.name)
		pod_keep(s, key, p.name);
	return p.name;
}
