/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * home.c - one home: found by its path or made, with the identity that the sample says: see home.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "homes/home.h"

/* Copies the identity; the strings live as long as the home or until they change. */
static int home_describe(struct home *h, const struct identity *who)
{
	int r = text_keep(&h->name, who->name);

	r |= text_keep(&h->id, who->id);
	r |= text_keep(&h->runtime, who->runtime);
	r |= text_keep(&h->image, who->image);
	r |= text_keep(&h->pod, who->pod);
	r |= text_keep(&h->pod_namespace, who->pod_namespace);
	r |= text_keep(&h->labels, who->labels);
	r |= text_keep(&h->parent_path, who->parent);
	h->kind = who->kind;
	h->uid = who->uid;
	h->cpu_shares = who->cpu_shares;
	h->instances = who->instances;
	h->generation = who->generation;
	return r < 0 ? -ENOMEM : 0;
}

void home_free(struct home *h)
{
	free(h->path);
	free(h->name);
	free(h->id);
	free(h->runtime);
	free(h->image);
	free(h->pod);
	free(h->pod_namespace);
	free(h->labels);
	free(h->parent_path);
	free(h);
}

struct home *home_get(struct homes *homes, const struct moment *now, const char *path, const struct identity *who)
{
	struct home *h;
	size_t length = strlen(path);

	HASH_FIND(hh, homes->all, path, length, h);
	if (h) {
		if (h->generation == who->generation)
			return h;
		homes->described++;
		return home_describe(h, who) < 0 ? NULL : h;
	}
	h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->path = strdup(path);
	if (!h->path || home_describe(h, who) < 0) {
		home_free(h);
		return NULL;
	}
	h->first_sample = now->number;
	h->held_start = VALUE_ABSENT;
	for (int i = 0; i < CONTAINER_METRICS; i++)
		h->before[i] = h->held[i] = VALUE_ABSENT;
	HASH_ADD_KEYPTR(hh, homes->all, h->path, length, h);
	if (!h->hh.tbl) {
		home_free(h);
		return NULL;
	}
	homes->described++;
	return h;
}
