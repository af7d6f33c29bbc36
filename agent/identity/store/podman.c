/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * podman.c - the lists of containers that containers/storage keeps for Podman. Called by stores.c and lookup.c. One file
 * lists all containers of a user and a storage driver: it is read again only if it changed.
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
	const char *root; /* one of podman_roots; NULL: the home folder of uid */
	char *path;	  /* below that */
	bool read;
	struct file_version file; /* the version that was read */
	uint64_t version;	  /* a number that no other version of any list has */
	uint64_t refreshed_ns;	  /* the moment at which it was read last */
	int refreshed;		  /* 0 or why it could not be read then */
	uint64_t compared_ns;	  /* the moment at which the file was compared last */
	bool differs;		  /* and is another one */
	struct podman_record *records;
};

const char *const storage_drivers[STORAGE_DRIVERS] = {"overlay", "vfs", "btrfs", "zfs"};
/* Containers created with --rm are in the volatile list only. */
static const char *const lists[] = {"containers.json", "volatile-containers.json"};
#define ROOTLESS_ROOT	".local/share/containers/storage"
#define ROOTLESS_CONFIG ".config/containers/storage.conf"
#define HOST_CONFIG_DIR "/etc/containers"

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
	free(f->path);
	free(f);
}

static struct podman_file *list_get(struct stores *s, int64_t uid, const char *root, const char *path)
{
	struct podman_file *f;

	for (size_t i = 0; i < s->n_podman; i++)
		if (s->podman[i]->uid == uid && s->podman[i]->root == root && strcmp(s->podman[i]->path, path) == 0)
			return s->podman[i];
	f = calloc(1, sizeof(*f));
	if (!f || !(f->path = strdup(path))) {
		free(f);
		return NULL;
	}
	f->uid = uid;
	f->root = root;
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
	struct stat st;
	int r = hostile_open(folder, f->path, owner, list_cap(f), f->uid > 0 ? HOSTILE_SAME_MOUNT : 0, ret, &st);

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

/* ---- where the lists are ---- */

/* The home folder of a user; of the host one of its roots. */
static int base_open(struct stores *s, int64_t uid, const char *root, int *ret)
{
	_cleanup_free_ char *home = NULL;
	int r = uid > 0 ? stores_home_folder(s, uid, &home) : 0;

	return r < 0 ? r : trusted_folder_open(s->root, uid > 0 ? home : root, ret);
}

static char *conf_below_home(int folder, const char *name, uid_t owner, unsigned int flags, const char *key,
			     const char *home)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	const char *value;
	struct stat st;
	size_t len;

	if (hostile_open(folder, name, owner, ROOTLESS_FILE_MAX, flags, &fd, &st) < 0 ||
	    hostile_read(fd, ROOTLESS_FILE_MAX, &text, &len) < 0)
		return NULL;
	value = toml_text(text, "[storage]", key);
	return value ? stores_below_home(value, home) : NULL;
}

/* Where the user's, or else the host's, configuration has moved the user's storage to; NULL: nowhere, or not below home. */
static char *moved_below_home(struct stores *s, int64_t uid, int folder)
{
	_cleanup_free_ char *home = NULL;
	_cleanup_close_ int etc = -1;
	char *moved;

	if (stores_home_folder(s, uid, &home) < 0)
		return NULL;
	moved = conf_below_home(folder, ROOTLESS_CONFIG, (uid_t)uid, HOSTILE_SAME_MOUNT, "graphroot", home);
	if (!moved && trusted_folder_open(s->root, HOST_CONFIG_DIR, &etc) == 0)
		moved = conf_below_home(etc, "storage.conf", s->host_owner, 0, "rootless_storage_path", home);
	return moved;
}

static int user_storages(struct stores *s, int64_t uid, storage_visit *visit, void *ctx)
{
	_cleanup_close_ int folder = -1;
	_cleanup_free_ char *moved = NULL;
	int r = base_open(s, uid, NULL, &folder);

	if (r < 0 || visit(ctx, folder, NULL, ROOTLESS_ROOT))
		return r;
	moved = moved_below_home(s, uid, folder);
	if (moved && strcmp(moved, ROOTLESS_ROOT) != 0)
		visit(ctx, folder, NULL, moved);
	return 0;
}

int podman_storages(struct stores *s, int64_t uid, storage_visit *visit, void *ctx)
{
	bool over = false;

	if (uid > 0)
		return user_storages(s, uid, visit, ctx);
	for (size_t i = 0; i < s->podman_roots.n && !over; i++) {
		_cleanup_close_ int folder = -1;

		if (base_open(s, 0, s->podman_roots.paths[i], &folder) == 0)
			over = visit(ctx, folder, s->podman_roots.paths[i], "");
	}
	return 0;
}

/* ---- look-ups ---- */

/* Looks into every list of one storage after the other. */
struct podman_search {
	struct stores *s;
	int64_t uid; /* 0: the host */
	const char *id;
	int result;
	struct podman_record *found;
};

static void list_search(struct podman_search *p, int folder, const char *root, const char *path)
{
	struct podman_file *f = list_get(p->s, p->uid, root, path);
	int r = f ? list_refresh(p->s, f, folder, p->uid ? (uid_t)p->uid : p->s->host_owner) : -ENOMEM;

	if (r < 0 && p->result == -ENOENT)
		p->result = r;
	if (f && !p->found)
		HASH_FIND_STR(f->records, p->id, p->found);
}

static bool storage_search(void *ctx, int folder, const char *root, const char *below)
{
	_cleanup_buf_ struct buf path = {};

	for (size_t i = 0; i < STORAGE_DRIVERS * ARRAY_SIZE(lists); i++) {
		buf_reset(&path);
		buf_printf(&path, "%s%s%s-containers/%s", below, *below ? "/" : "",
			   storage_drivers[i / ARRAY_SIZE(lists)], lists[i % ARRAY_SIZE(lists)]);
		if (!path.failed)
			list_search(ctx, folder, root, path.data);
	}
	return false;
}

/* Of all lists of the user that were ever read. */
static uint64_t lists_version(const struct stores *s, int64_t uid)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->n_podman; i++)
		if (s->podman[i]->uid == uid)
			sum += s->podman[i]->version;
	return sum;
}

int podman_lookup(struct stores *s, int64_t uid, const char *id, struct store_answer *ret)
{
	struct podman_search p = {.s = s, .uid = uid > 0 ? uid : 0, .id = id, .result = -ENOENT};
	int r = podman_storages(s, p.uid, storage_search, &p);

	ret->version = (struct store_version){.store = STORE_PODMAN, .lists = lists_version(s, p.uid)};
	if (!p.found)
		return r < 0 ? r : p.result;
	ret->runtime = "podman";
	ret->name = strdup(p.found->name);
	ret->image = strdup(p.found->image);
	if (ret->name && ret->image)
		return 0;
	store_answer_free(ret);
	return -ENOMEM;
}

/* ---- is there another version? ---- */

struct base_folder {
	const char *root;
	int fd; /* -1: not open */
};

/* Whether the list on disk is another one than was read. Reads nothing. */
static bool list_differs(struct stores *s, struct podman_file *f, struct base_folder *base)
{
	_cleanup_close_ int fd = -1;
	struct file_version now;

	if (s->moment_ns && f->compared_ns == s->moment_ns)
		return f->differs;
	f->compared_ns = s->moment_ns;
	if (base->fd < 0 || base->root != f->root) {
		closep(&base->fd);
		*base = (struct base_folder){f->root, -1};
		if (base_open(s, f->uid, f->root, &base->fd) < 0)
			return f->differs = false;
	}
	if (list_open(f, base->fd, f->uid ? (uid_t)f->uid : s->host_owner, &fd, &now) == 0)
		return f->differs = !f->read || !file_version_same(&now, &f->file);
	return f->differs = f->read;
}

bool podman_changed(struct stores *s, int64_t uid, struct store_version *v)
{
	struct base_folder base = {NULL, -1};
	bool differs = false;
	uint64_t now;

	uid = uid > 0 ? uid : 0;
	for (size_t i = 0; i < s->n_podman; i++)
		if (s->podman[i]->uid == uid)
			differs |= list_differs(s, s->podman[i], &base);
	closep(&base.fd);
	now = lists_version(s, uid);
	if (!differs && now == v->lists)
		return false;
	v->lists = now;
	return true;
}
