/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kubernetes.c - pods, in the shapes of the kubelet's systemd and cgroupfs drivers, and the containers in a cgroupfs
 * pod, whose path does not show their runtime. Called by path.c; reads no file.
 */
#include <string.h>

#include "identity/shape/family.h"

static bool pod_uid(struct path_part p, char separator, char uid[37])
{
	if (!part_uuid(p, separator) && !part_hex(p, 32))
		return false;
	part_copy(p, uid, 37);
	for (char *c = uid; *c; c++)
		if (*c == '_')
			*c = '-';
	return true;
}

bool kubernetes_pod_slice(struct path_part slice, char uid[37])
{
	static const char *const qos[] = {"-burstable", "-besteffort"};
	struct path_part rest;

	if (!part_between(slice, "", ".slice", &rest))
		return false;
	/* The kubelet's --cgroup-root comes first: kubelet-kubepods-... */
	while (!part_starts(rest, "kubepods-")) {
		const char *dash = memchr(rest.s, '-', rest.len);

		if (!dash)
			return false;
		rest.len -= (size_t)(dash + 1 - rest.s);
		rest.s = dash + 1;
	}
	rest.s += strlen("kubepods");
	rest.len -= strlen("kubepods");
	for (size_t i = 0; i < 2; i++) {
		if (part_starts(rest, qos[i])) {
			rest.s += strlen(qos[i]);
			rest.len -= strlen(qos[i]);
			break;
		}
	}
	return part_between(rest, "-pod", "", &rest) && pod_uid(rest, '_', uid);
}

static bool pod_folder(const struct path_walk *w, char uid[37])
{
	bool qos = part_is(w->prev, "burstable") || part_is(w->prev, "besteffort") || part_is(w->prev, "guaranteed");
	struct path_part rest;

	if (!part_is(w->prev, "kubepods") && !(qos && part_is(w->prev2, "kubepods")))
		return false;
	return part_between(w->part, "pod", "", &rest) && pod_uid(rest, '-', uid);
}

bool kubernetes_match(struct path_walk *w)
{
	char name[sizeof("pod") + 36] = "pod", uid[37];

	if (w->in_pod && part_hex(w->part, 64)) {
		walk_container(w, "", w->part, STORES_OF_PODS);
		return true;
	}
	if (!kubernetes_pod_slice(w->part, uid) && !pod_folder(w, uid))
		return false;
	memcpy(w->pod_uid, uid, sizeof(uid));
	w->part_is_pod = true;
	/* In a container that is a Kubernetes node (kind), only pods with a container have homes of their own. */
	if (w->place == PLACE_CONTAINER)
		return true;
	strcat(name, uid);
	walk_claim(w, HOME_POD, "", (struct path_part){"", 0}, name);
	w->m->stores = w->place != PLACE_USER && walk_by_root(w) ? STORE_KUBELET : 0;
	return true;
}
