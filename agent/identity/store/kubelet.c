/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kubelet.c - the names of pods and containers from the kubelet's folders of logs, where no file of the runtime has them:
 * /var/log/containers/POD_NAMESPACE_CONTAINER-ID.log and /var/log/pods/NAMESPACE_POD_UID. Called by stores.c. Reads the
 * folders, never what is in them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/util.h"
#include "identity/shape/family.h"
#include "identity/store/stores.h"

#define ENTRIES_MAX 65536
/* A folder that was changed just before it was read may be changed again without another time of change. */
#define SETTLED_NS 100000000ULL

struct kubelet_name {
	char key[65]; /* id of the container, uid of the pod */
	char *container, *pod, *space;
	UT_hash_handle hh;
};

struct kubelet_folder {
	bool settled; /* as long as its version is the same, so are its names */
	struct file_version version;
	uint64_t read_ns; /* the moment at which it was looked at last */
	struct kubelet_name *names;
};

struct kubelet_names {
	struct kubelet_folder containers, pods;
};

/* ---- names ---- */

/* The parts between underscores, which are in no name of Kubernetes. Exactly three. */
static bool thirds(struct path_part p, struct path_part part[3])
{
	for (size_t i = 0; i < 3; i++) {
		const char *end = i < 2 ? memchr(p.s, '_', p.len) : p.s + p.len;

		if (!end || end == p.s)
			return false;
		part[i] = (struct path_part){p.s, (size_t)(end - p.s)};
		if (i < 2)
			p = (struct path_part){end + 1, p.len - part[i].len - 1};
	}
	return !memchr(part[2].s, '_', part[2].len);
}

static void name_free(struct kubelet_name *n)
{
	free(n->container);
	free(n->pod);
	free(n->space);
	free(n);
}

static void name_add(struct kubelet_folder *f, struct path_part key, struct path_part container, struct path_part pod,
		     struct path_part space)
{
	struct kubelet_name *n = calloc(1, sizeof(*n)), *there;

	if (!n)
		return;
	part_copy(key, n->key, sizeof(n->key));
	HASH_FIND_STR(f->names, n->key, there);
	n->container = strndup(container.s, container.len);
	n->pod = strndup(pod.s, pod.len);
	n->space = strndup(space.s, space.len);
	if (!there && n->container && n->pod && n->space)
		HASH_ADD_STR(f->names, key, n);
	if (!n->hh.tbl)
		name_free(n);
}

static void container_take(struct kubelet_folder *f, struct path_part name)
{
	struct path_part rest, part[3];

	if (!part_between(name, "", ".log", &rest) || rest.len < 66 || rest.s[rest.len - 65] != '-' ||
	    !part_hex((struct path_part){rest.s + rest.len - 64, 64}, 64) ||
	    !thirds((struct path_part){rest.s, rest.len - 65}, part))
		return;
	name_add(f, (struct path_part){rest.s + rest.len - 64, 64}, part[2], part[0], part[1]);
}

static void pod_take(struct kubelet_folder *f, struct path_part name)
{
	struct path_part part[3];

	if (thirds(name, part) && (part_uuid(part[2], '-') || part_hex(part[2], 32)))
		name_add(f, part[2], (struct path_part){"", 0}, part[1], part[0]);
}

/* ---- folders ---- */

static void folder_forget(struct kubelet_folder *f)
{
	struct kubelet_name *n, *next;

	HASH_ITER (hh, f->names, n, next) {
		HASH_DEL(f->names, n);
		name_free(n);
	}
	f->settled = false;
}

static void folder_read(struct stores *s, struct kubelet_folder *f, const char *path,
			void (*take)(struct kubelet_folder *f, struct path_part name))
{
	_cleanup_close_ int folder = -1;
	_cleanup_dir_ DIR *list = NULL;
	struct file_version now;
	const struct dirent *e;
	uint64_t changed_ns;
	size_t n = 0;
	int r;

	if (s->moment_ns && f->read_ns == s->moment_ns)
		return;
	f->read_ns = s->moment_ns;
	r = trusted_folder_open(s->root, path, &folder);
	if (r == 0)
		r = hostile_folder(folder, ".", s->host_owner, 0, &list, &now);
	if (r == 0 && f->settled && file_version_same(&now, &f->version))
		return;
	folder_forget(f);
	if (stores_note(s, r) < 0 || !list)
		return;
	while (n++ < ENTRIES_MAX && (e = readdir(list)))
		take(f, (struct path_part){e->d_name, strlen(e->d_name)});
	changed_ns = (uint64_t)now.changed.tv_sec * 1000000000ULL + (uint64_t)now.changed.tv_nsec;
	f->settled = clock_wall_ns() > changed_ns + SETTLED_NS;
	f->version = now;
}

void kubelet_names_free(struct kubelet_names *k)
{
	if (!k)
		return;
	folder_forget(&k->containers);
	folder_forget(&k->pods);
	free(k);
}

static const struct kubelet_name *name_find(struct kubelet_folder *f, const char *key)
{
	struct kubelet_name *n;

	HASH_FIND_STR(f->names, key, n);
	return n;
}

int kubelet_lookup(struct stores *s, const struct store_question *q, struct store_answer *ret)
{
	const struct kubelet_name *container = NULL, *pod = NULL, *known;
	const char *name;
	int r;

	if (q->uid > 0)
		return -ENOENT;
	if (!s->kubelet)
		s->kubelet = calloc(1, sizeof(*s->kubelet));
	if (!s->kubelet)
		return -ENOMEM;
	if (!q->is_pod) {
		folder_read(s, &s->kubelet->containers, "/var/log/containers", container_take);
		container = name_find(&s->kubelet->containers, q->id);
	}
	if (!container) {
		folder_read(s, &s->kubelet->pods, "/var/log/pods", pod_take);
		pod = name_find(&s->kubelet->pods, q->pod_uid);
	}
	known = container ?: pod;
	if (!known)
		return -ENOENT;
	/* Of a container in a pod that is known, the pod at least. */
	name = container ? container->container : q->is_pod ? pod->pod : "";
	r = copy_text(&ret->pod, known->pod);
	r |= copy_text(&ret->pod_namespace, known->space);
	r |= copy_text(&ret->name, name);
	ret->pod_sandbox = q->is_pod;
	return r < 0 ? -ENOMEM : *name ? 0 : -ENOENT;
}
