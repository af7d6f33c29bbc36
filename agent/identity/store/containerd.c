/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * containerd.c - what containerd and nerdctl keep on disk about a container: its bundle's config.json has what the CRI plugin
 * or nerdctl noted, and nerdctl has a file per name. Called by stores.c. Never talks to the daemon: its database cannot be
 * read while it runs, so the image of a container of ctr is not known.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "identity/shape/family.h"
#include "identity/store/stores.h"

#define TASKS	       "io.containerd.runtime.v2.task"
#define CRI(what)      "io.kubernetes.cri." what
#define SPACES_MAX     64   /* containerd's namespaces that are looked into */
#define NAMES_MAX      4096 /* of nerdctl in one namespace; of a user's */
#define NAMES_USER_MAX 256
#define NAME_FILE_MAX  256 /* it has an id */
#define NERDCTL	       "/var/lib/nerdctl"
#define NERDCTL_USER   ".local/share/nerdctl"

int containerd_init(struct stores *s)
{
	static const char *const states[] = {"/run/containerd", "/run/k3s/containerd", "/run/k0s/containerd",
					     "/var/snap/microk8s/common/run/containerd"};
	_cleanup_free_ char *text = NULL;
	const char *moved;
	size_t len;

	if (root_file_read(s, "/etc/containerd/config.toml", &text, &len) == 0 &&
	    (moved = toml_text(text, "", "state")))
		data_root_add(&s->containerd_states, moved);
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		data_root_add(&s->containerd_states, states[i]);
	return s->containerd_states.n >= ARRAY_SIZE(states) ? 0 : -ENOMEM;
}

/* ---- bundles ---- */

static int tasks_open(const struct stores *s, size_t state, int *ret)
{
	_cleanup_buf_ struct buf path = {};

	buf_printf(&path, "%s/" TASKS, s->containerd_states.paths[state]);
	return path.failed ? -ENOMEM : trusted_folder_open(s->root, path.data, ret);
}

static void bundle_path(char *to, size_t size, const char *space, const char *id)
{
	snprintf(to, size, "%s/%s/config.json", space, id);
}

bool containerd_is_task(void *stores, const char *space, const char *id)
{
	const struct stores *s = stores;
	char path[2 * IDENTITY_SPACE_MAX + 16];
	struct stat st;

	bundle_path(path, sizeof(path), space, id);
	for (size_t i = 0; i < s->containerd_states.n; i++) {
		_cleanup_close_ int tasks = -1;

		if (tasks_open(s, i, &tasks) == 0 &&
		    fstatat(tasks, path, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0)
			return S_ISREG(st.st_mode);
	}
	return false;
}

/* In which namespace it is, in `space`, and what its bundle says. */
static int bundle_in(struct stores *s, int tasks, const char *space, const char *id, json_t **ret)
{
	char path[2 * IDENTITY_SPACE_MAX + 16];

	bundle_path(path, sizeof(path), space, id);
	return stores_note(s, hostile_json_file(tasks, path, s->host_owner, HOSTILE_FILE_MAX, 0, ret, NULL));
}

static int bundle_search(struct stores *s, int tasks, const char *id, char space[IDENTITY_SPACE_MAX], json_t **ret)
{
	_cleanup_dir_ DIR *list = NULL;
	struct file_version version;
	const struct dirent *e;
	int r = hostile_folder(tasks, ".", s->host_owner, 0, &list, &version);

	if (r < 0)
		return stores_note(s, r);
	r = -ENOENT;
	for (size_t n = 0; n < SPACES_MAX && r == -ENOENT && (e = readdir(list));) {
		struct path_part name = {e->d_name, strlen(e->d_name)};

		/* Docker's containers are named in its own files. */
		if (!part_identifier(name) || part_is(name, "moby"))
			continue;
		n++;
		r = bundle_in(s, tasks, e->d_name, id, ret);
		if (r == 0)
			part_copy(name, space, IDENTITY_SPACE_MAX);
	}
	return r;
}

static int bundle_find(struct stores *s, const struct store_question *q, char space[IDENTITY_SPACE_MAX], json_t **ret)
{
	int r = -ENOENT;

	for (size_t i = 0; i < s->containerd_states.n && r == -ENOENT; i++) {
		_cleanup_close_ int tasks = -1;

		if (tasks_open(s, i, &tasks) < 0)
			continue;
		if (!*q->space) {
			r = bundle_search(s, tasks, q->id, space, ret);
			continue;
		}
		r = bundle_in(s, tasks, q->space, q->id, ret);
		snprintf(space, IDENTITY_SPACE_MAX, "%s", q->space);
	}
	return r;
}

/* What the CRI plugin notes. Before containerd 1.6 it did not note the pod's name: then the kubelet's folders have it. */
static int cri_fill(const json_t *notes, struct store_answer *ret)
{
	const char *pod = json_text(notes, CRI("sandbox-name"));
	bool sandbox = strcmp(json_text(notes, CRI("container-type")), "sandbox") == 0;
	const char *name = sandbox ? pod : json_text(notes, CRI("container-name"));
	struct store_answer a = {.runtime = "containerd", .pod_sandbox = sandbox};
	int r;

	if (!*name)
		return -ENOENT;
	r = copy_text(&a.name, name);
	r |= copy_text(&a.pod, pod);
	r |= copy_text(&a.pod_namespace, json_text(notes, CRI("sandbox-namespace")));
	r |= copy_text(&a.image, json_text(notes, CRI("image-name")));
	if (r < 0) {
		store_answer_free(&a);
		return -ENOMEM;
	}
	*ret = a;
	return 0;
}

/* ---- nerdctl's names: ROOT/8-HEX-DIGITS/names/NAMESPACE/NAME has the id ---- */

struct nerdctl_walk {
	struct stores *s;
	int folder;	  /* that the paths are below */
	const char *root; /* below it */
	uid_t owner;
	unsigned int flags;
	size_t names_left;
	const char *id, *hint; /* the name that it had when it was made, "" if not known */
	char *name;	       /* the name that it has */
	struct store_version *version;
	bool compare, differs; /* only: is the folder of the version another one now? */
};

static bool name_is_of(struct nerdctl_walk *w, const char *names, const char *name)
{
	_cleanup_buf_ struct buf path = {};
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	struct stat st;
	size_t len;

	buf_printf(&path, "%s/%s", names, name);
	if (path.failed || !part_identifier((struct path_part){name, strlen(name)}) || !w->names_left)
		return false;
	w->names_left--;
	if (stores_note(w->s, hostile_open(w->folder, path.data, w->owner, NAME_FILE_MAX, w->flags, &fd, &st)) < 0 ||
	    hostile_read(fd, NAME_FILE_MAX, &text, &len) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, w->id) == 0;
}

/* Whether the walk is over. */
static bool names_visit(struct nerdctl_walk *w, const char *names, const char *space)
{
	_cleanup_dir_ DIR *list = NULL;
	struct file_version now;
	const struct dirent *e;

	if (stores_note(w->s, hostile_folder(w->folder, names, w->owner, w->flags, &list, &now)) < 0)
		return false;
	if (w->compare) {
		if (now.device != w->version->file.device || now.inode != w->version->file.inode)
			return false;
		w->differs = !file_version_same(&now, &w->version->file);
		w->version->file = now;
		return true;
	}
	if (*w->hint && name_is_of(w, names, w->hint))
		w->name = strdup(w->hint);
	while (!w->name && w->names_left && (e = readdir(list)))
		if (name_is_of(w, names, e->d_name))
			w->name = strdup(e->d_name);
	if (!w->name)
		return false;
	*w->version = (struct store_version){.store = STORE_CONTAINERD, .file = now};
	snprintf(w->version->space, sizeof(w->version->space), "%s", space);
	return true;
}

/* One namespace, or all of them. */
static bool spaces_visit(struct nerdctl_walk *w, const char *store, const char *space)
{
	_cleanup_buf_ struct buf path = {};
	_cleanup_dir_ DIR *list = NULL;
	struct file_version version;
	const struct dirent *e;
	bool over = false;

	buf_printf(&path, "%s/names", store);
	if (!*space && hostile_folder(w->folder, path.data ?: "", w->owner, w->flags, &list, &version) < 0)
		return false;
	for (size_t n = 0; n < SPACES_MAX && !over && !path.failed; n++) {
		const char *one = space;

		if (list) {
			e = readdir(list);
			if (!e)
				break;
			one = e->d_name;
			if (!part_identifier((struct path_part){one, strlen(one)}))
				continue;
		}
		buf_reset(&path);
		buf_printf(&path, "%s/names/%s", store, one);
		over = !path.failed && names_visit(w, path.data, one);
		if (list)
			continue;
		/* nerdctl 2.1 left "names" out. */
		buf_reset(&path);
		buf_printf(&path, "%s/%s", store, one);
		return over || (!path.failed && names_visit(w, path.data, one));
	}
	return over;
}

static void nerdctl_walk(struct nerdctl_walk *w, const char *space)
{
	_cleanup_buf_ struct buf store = {};
	_cleanup_dir_ DIR *list = NULL;
	struct file_version version;
	const struct dirent *e;
	size_t n = 0;
	bool over = false;

	if (stores_note(w->s, hostile_folder(w->folder, w->root, w->owner, w->flags, &list, &version)) < 0)
		return;
	while (!over && n++ < NAMES_USER_MAX && (e = readdir(list))) {
		if (!part_hex((struct path_part){e->d_name, strlen(e->d_name)}, 8))
			continue;
		buf_reset(&store);
		buf_printf(&store, "%s/%s", w->root, e->d_name);
		over = !store.failed && spaces_visit(w, store.data, space);
	}
}

/* The root of the host's names, or the user's home folder. */
static int nerdctl_open(struct stores *s, int64_t uid, struct nerdctl_walk *ret)
{
	_cleanup_free_ char *home = NULL;
	int r = uid > 0 ? stores_home_folder(s, uid, &home) : 0;

	ret->s = s;
	ret->folder = -1;
	ret->root = uid > 0 ? NERDCTL_USER : ".";
	ret->owner = uid > 0 ? (uid_t)uid : s->host_owner;
	ret->flags = uid > 0 ? HOSTILE_SAME_MOUNT : 0;
	ret->names_left = uid > 0 ? NAMES_USER_MAX : NAMES_MAX;
	return r < 0 ? r : trusted_folder_open(s->root, uid > 0 ? home : NERDCTL, &ret->folder);
}

static char *nerdctl_name(struct stores *s, const struct store_question *q, const char *space, const char *hint,
			  struct store_version *version)
{
	struct nerdctl_walk w;

	if (nerdctl_open(s, q->uid, &w) < 0)
		return NULL;
	w.id = q->id;
	w.hint = hint;
	w.version = version;
	w.name = NULL;
	w.compare = w.differs = false;
	nerdctl_walk(&w, space);
	closep(&w.folder);
	return w.name;
}

bool nerdctl_changed(struct stores *s, const struct store_question *q, struct store_version *v)
{
	struct nerdctl_walk w;

	if (nerdctl_open(s, q->uid, &w) < 0)
		return false;
	w.version = v;
	w.compare = true;
	w.differs = false;
	nerdctl_walk(&w, v->space);
	closep(&w.folder);
	return w.differs;
}

/* ---- look-ups ---- */

static int task_fill(struct stores *s, const struct store_question *q, const char *space, const json_t *bundle,
		     struct store_answer *ret)
{
	const json_t *notes = json_object_get(bundle, "annotations");
	const char *made_as = json_text(notes, "nerdctl/name");
	struct path_part id = {q->id, strlen(q->id)};

	if ((*q->pod_uid || strcmp(space, "k8s.io") == 0) && !*made_as)
		return cri_fill(notes, ret);
	if (*made_as)
		ret->name = nerdctl_name(s, q, space, made_as, &ret->version);
	if (!ret->name)
		ret->name = strndup(*made_as ? made_as : q->id, *made_as || !part_hex(id, 64) ? IDENTITY_ID_MAX : 12);
	ret->runtime = "containerd";
	return ret->name ? 0 : -ENOMEM;
}

int containerd_lookup(struct stores *s, const struct store_question *q, struct store_answer *ret)
{
	_cleanup_json_ json_t *bundle = NULL;
	char space[IDENTITY_SPACE_MAX] = "";
	int r;

	if (!part_identifier((struct path_part){q->id, strlen(q->id)}))
		return -EINVAL;
	if (q->uid > 0) {
		/* Its bundles are where only the user's processes see them. */
		ret->name = nerdctl_name(s, q, "", "", &ret->version);
		ret->runtime = "containerd";
		return ret->name ? 0 : -ENOENT;
	}
	r = bundle_find(s, q, space, &bundle);
	return r < 0 ? r : task_fill(s, q, space, bundle, ret);
}
