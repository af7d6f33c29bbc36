/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crio.c - what CRI-O keeps on disk about a container or a pod's sandbox: the config.json of its bundle, which is with the
 * storage of its images, shared with Podman. Called by stores.c. Never talks to the daemon.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "identity/shape/family.h"
#include "identity/store/stores.h"

#define KUBERNETES(what) "io.kubernetes." what
#define CRIO(what)	 "io.kubernetes.cri-o." what
/* Of what runs; it is gone when the machine starts again. The same files are below the storage's root. */
#define RUN_ROOT "/run/containers/storage"

/* A JSON object in a string. Old versions wrote some that are none: then there are no labels. */
static int crio_labels(const json_t *annotations, struct store_answer *a)
{
	const json_t *text = json_object_get(annotations, CRIO("Labels"));
	_cleanup_json_ json_t *labels = NULL;

	if (!json_is_string(text) || hostile_json(json_string_value(text), json_string_length(text), &labels) < 0 ||
	    !json_object_size(labels))
		return 0;
	a->labels = labels_text(labels);
	return a->labels ? 0 : -ENOMEM;
}

static int crio_fill(const json_t *bundle, struct store_answer *ret)
{
	const json_t *annotations = json_object_get(bundle, "annotations");
	const char *container = json_text(annotations, KUBERNETES("container.name"));
	const char *pod = json_text(annotations, KUBERNETES("pod.name"));
	bool sandbox = strcmp(json_text(annotations, CRIO("ContainerType")), "sandbox") == 0;
	const char *name = sandbox ? pod : container;
	struct store_answer a = {.runtime = "cri-o", .pod_sandbox = sandbox};
	int r;

	/* A container of Podman's has a bundle there, too. */
	if (!*name)
		return -ENOENT;
	r = copy_text(&a.name, name);
	r |= copy_text(&a.pod, pod);
	r |= copy_text(&a.pod_namespace, json_text(annotations, KUBERNETES("pod.namespace")));
	r |= copy_text(&a.image, json_text(annotations, CRIO("ImageName")));
	r |= crio_labels(annotations, &a);
	if (r < 0) {
		store_answer_free(&a);
		return -ENOMEM;
	}
	*ret = a;
	return 0;
}

static int bundle_read(struct stores *s, const char *root, const char *id, json_t **ret)
{
	int r = -ENOENT;

	for (size_t i = 0; i < STORAGE_DRIVERS && r == -ENOENT; i++) {
		char below[160];

		snprintf(below, sizeof(below), "%s-containers/%s/userdata/config.json", storage_drivers[i], id);
		r = store_json(s, root, below, ret);
	}
	return r;
}

int crio_lookup(struct stores *s, const char *id, struct store_answer *ret)
{
	_cleanup_json_ json_t *bundle = NULL;
	int r;

	if (!part_hex((struct path_part){id, strlen(id)}, 64))
		return -EINVAL;
	r = bundle_read(s, RUN_ROOT, id, &bundle);
	for (size_t i = 0; i < s->podman_roots.n && r == -ENOENT; i++)
		r = bundle_read(s, s->podman_roots.paths[i], id, &bundle);
	return r < 0 ? r : crio_fill(bundle, ret);
}
