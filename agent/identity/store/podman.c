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
	struct file_version file; /* the version that was read */
	uint64_t version;	  /* a number that no other version of any list has */
	uint64_t refreshed_ns;	  /* the moment at which it was read last */
	int refreshed;		  /* 0 or why it could not be read then */
	uint64_t compared_ns;	  /* the moment at which the file was compared last */
	bool differs;		  /* and is another one */
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

static struct podman_file *list_get(struct stores *s, int64_t uid, const char *path)
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

static size_t list_cap(const struct podman_file *f)
{
	return f->uid > 0 ? ROOTLESS_FILE_MAX : HOSTILE_FILE_MAX;
}

static int list_parse(struct podman_file *f, int fd, size_t cap)
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

static int list_open(const struct podman_file *f, int folder, uid_t owner, int *ret, struct file_version *ret_version)
{
	bool rootless = f->uid > 0;
	char path[sizeof(ROOTLESS_ROOT "/") + 64];
	struct stat st;
	int r;

	strcpy(path, rootless ? ROOTLESS_ROOT "/" : "");
	strcat(path, f->path);
	r = hostile_open(folder, path, owner, list_cap(f), rootless ? HOSTILE_SAME_MOUNT : 0, ret, &st);
	if (r == 0)
		*ret_version = file_version_of(&st);
	return r;
}

static int list_read(struct stores *s, struct podman_file *f, int folder, uid_t owner)
{
	_cleanup_close_ int fd = -1;
	struct file_version now;
	int r = list_open(f, folder, owner, &fd, &now);

	if (r == 0 && f->read && file_version_same(&now, &f->file))
		return 0;
	if (r < 0 && !f->read)
		return stores_note(s, r);
	records_free(f);
	f->read = false;
	f->version = ++s->podman_versions;
	if (r == 0)
		r = list_parse(f, fd, list_cap(f));
	if (r == 0 || r == -EBADMSG) {
		/* A broken version is not read a second time, either. */
		f->file = now;
		f->read = true;
	}
	return stores_note(s, r);
}

static int list_refresh(struct stores *s, struct podman_file *f, int folder, uid_t owner)
{
	if (!s->moment_ns || f->refreshed_ns != s->moment_ns)
		f->refreshed = list_read(s, f, folder, owner);
	f->refreshed_ns = f->compared_ns = s->moment_ns;
	f->differs = false;
	return f->refreshed;
}

/* ---- look-ups ---- */

static int storage_open(struct stores *s, int64_t uid, int *ret)
{
	_cleanup_free_ char *home = NULL;
	int r = uid > 0 ? stores_home_folder(s, uid, &home) : 0;

	return r < 0 ? r : trusted_folder_open(s->root, uid > 0 ? home : HOST_ROOT, ret);
}

int podman_lookup(struct stores *s, int64_t uid, const char *id, struct store_answer *ret)
{
	uid_t owner = uid > 0 ? (uid_t)uid : s->host_owner;
	struct podman_record *found = NULL;
	_cleanup_close_ int folder = -1;
	int r = storage_open(s, uid, &folder);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct podman_file *f = list_get(s, uid > 0 ? uid : 0, lists[i]);
		int e;

		if (!f)
			return -ENOMEM;
		e = list_refresh(s, f, folder, owner);
		if (e < 0 && (r == 0 || r == -ENOENT))
			r = e;
		if (!found)
			HASH_FIND_STR(f->records, id, found);
		ret->version.store = STORE_PODMAN;
		ret->version.lists += f->version;
	}
	if (!found)
		return r < 0 ? r : -ENOENT;
	ret->name = strdup(found->name);
	ret->image = strdup(found->image);
	if (ret->name && ret->image)
		return 0;
	store_answer_free(ret);
	return -ENOMEM;
}

/* Whether the list on disk is another one than was read. Reads nothing. */
static bool list_differs(struct stores *s, struct podman_file *f, int *folder, uid_t owner)
{
	_cleanup_close_ int fd = -1;
	struct file_version now;

	if (s->moment_ns && f->compared_ns == s->moment_ns)
		return f->differs;
	f->compared_ns = s->moment_ns;
	if (*folder < 0 && storage_open(s, f->uid, folder) < 0)
		return f->differs = false;
	if (list_open(f, *folder, owner, &fd, &now) == 0)
		return f->differs = !f->read || !file_version_same(&now, &f->file);
	return f->differs = f->read;
}

bool podman_changed(struct stores *s, int64_t uid, struct store_version *v)
{
	uid_t owner = uid > 0 ? (uid_t)uid : s->host_owner;
	_cleanup_close_ int folder = -1;
	bool differs = false;
	uint64_t now = 0;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct podman_file *f = list_get(s, uid > 0 ? uid : 0, lists[i]);

		if (!f)
			return false;
		differs |= list_differs(s, f, &folder, owner);
		now += f->version;
	}
	if (!differs && now == v->lists)
		return false;
	v->lists = now;
	return true;
}
