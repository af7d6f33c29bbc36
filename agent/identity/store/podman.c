/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * podman.c - the list of containers that containers/storage keeps for Podman. Called by identity.c. One file lists all
 * containers of a user: it is read again only if it changed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/util.h"
#include "identity/shape/family.h"
#include "identity/store/hostile_file.h"
#include "identity/store/stores.h"

/* ---- the list ---- */

struct podman_record {
	char id[65];
	char *name, *image;
	UT_hash_handle hh;
};

struct podman_file {
	int64_t uid;
	const char *path; /* one of those below */
	bool read;
	struct stat st; /* of the version that was read */
	struct podman_record *records;
};

/* Containers created with --rm are in the volatile list only. */
static const char *const lists[] = {"overlay-containers/containers.json",
				    "overlay-containers/volatile-containers.json"};
#define HOST_ROOT     "/var/lib/containers/storage"
#define ROOTLESS_ROOT ".local/share/containers/storage"

static void records_free(struct podman_file *f)
{
	struct podman_record *r, *next;

	HASH_ITER (hh, f->records, r, next) {
		HASH_DEL(f->records, r);
		free(r->name);
		free(r->image);
		free(r);
	}
}

void podman_file_free(struct podman_file *f)
{
	records_free(f);
	free(f);
}

static struct podman_file *file_get(struct stores *s, int64_t uid, const char *path)
{
	struct podman_file *f;

	for (size_t i = 0; i < s->n_podman; i++)
		if (s->podman[i]->uid == uid && s->podman[i]->path == path)
			return s->podman[i];
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->uid = uid;
	f->path = path;
	if (s->n_podman < STORES_PODMAN_FILES) {
		s->podman[s->n_podman++] = f;
		return f;
	}
	podman_file_free(s->podman[s->podman_next]);
	s->podman[s->podman_next] = f;
	s->podman_next = (s->podman_next + 1) % STORES_PODMAN_FILES;
	return f;
}

/* `metadata` is JSON in a string: {"image-name": "docker.io/library/web", "name": "web", ...} */
static char *record_image(const json_t *entry)
{
	const json_t *text = json_object_get(entry, "metadata");
	_cleanup_json_ json_t *metadata = NULL;
	const char *image = "";

	if (json_is_string(text) && hostile_json(json_string_value(text), json_string_length(text), &metadata) == 0)
		image = json_text(metadata, "image-name");
	return strdup(*image ? image : json_text(entry, "image"));
}

static int record_add(struct podman_file *f, const json_t *entry)
{
	const char *name = json_string_value(json_array_get(json_object_get(entry, "names"), 0));
	const char *id = json_text(entry, "id");
	struct podman_record *r;

	if (!name || !*name || !part_hex((struct path_part){id, strlen(id)}, 64))
		return 0;
	HASH_FIND_STR(f->records, id, r);
	if (r)
		return 0;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	memcpy(r->id, id, sizeof(r->id));
	r->name = strdup(name);
	r->image = record_image(entry);
	if (r->name && r->image)
		HASH_ADD_STR(f->records, id, r);
	if (!r->hh.tbl) {
		free(r->name);
		free(r->image);
		free(r);
		return -ENOMEM;
	}
	return 0;
}

static bool same_version(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int file_parse(struct podman_file *f, int fd, size_t cap)
{
	_cleanup_json_ json_t *list = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len, i;
	json_t *entry;
	int r = hostile_read(fd, cap, &text, &len);

	if (r == 0)
		r = hostile_json(text, len, &list);
	if (r == 0 && !json_is_array(list))
		r = -EBADMSG;
	if (r < 0)
		return r;
	json_array_foreach (list, i, entry) {
		if (record_add(f, entry) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int file_refresh(struct stores *s, struct podman_file *f, int folder, const char *path, uid_t owner)
{
	bool rootless = f->uid > 0;
	size_t cap = rootless ? ROOTLESS_FILE_MAX : HOSTILE_FILE_MAX;
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r = hostile_open(folder, path, owner, cap, rootless ? HOSTILE_SAME_MOUNT : 0, &fd, &st);

	if (r == 0 && f->read && same_version(&st, &f->st))
		return 0;
	records_free(f);
	f->read = false;
	if (r == 0)
		r = file_parse(f, fd, cap);
	if (r == 0 || r == -EBADMSG) {
		/* A broken version is not read a second time, either. */
		f->st = st;
		f->read = true;
	}
	return stores_note(s, r);
}

int podman_lookup(struct stores *s, int64_t uid, const char *id, struct store_answer *ret)
{
	_cleanup_free_ char *home = NULL;
	_cleanup_close_ int folder = -1;
	struct podman_record *found = NULL;
	uid_t owner = s->host_owner;
	int r = 0;

	if (uid > 0) {
		owner = (uid_t)uid;
		r = stores_home_folder(s, uid, &home);
	}
	if (r == 0)
		r = trusted_folder_open(s->root, uid > 0 ? home : HOST_ROOT, &folder);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(lists) && !found; i++) {
		char path[sizeof(ROOTLESS_ROOT "/") + 64];
		struct podman_file *f = file_get(s, uid > 0 ? uid : 0, lists[i]);
		int e;

		if (!f)
			return -ENOMEM;
		strcpy(path, uid > 0 ? ROOTLESS_ROOT "/" : "");
		strcat(path, lists[i]);
		e = file_refresh(s, f, folder, path, owner);
		if (e < 0 && (r == 0 || r == -ENOENT))
			r = e;
		HASH_FIND_STR(f->records, id, found);
	}
	if (!found)
		return r < 0 ? r : -ENOENT;
	*ret = (struct store_answer){.name = strdup(found->name), .image = strdup(found->image)};
	if (ret->name && ret->image)
		return 0;
	store_answer_free(ret);
	return -ENOMEM;
}
