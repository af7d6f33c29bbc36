/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fold.c - the keys that fold rows of a tree and unfold them, and which are folded: by identity, so that they stay so from snapshot
 * to snapshot.
 */
#include <stdio.h>
#include <string.h>

#include "top/keys.h"

/* Two rows with one key would be folded together, which nobody can bring about who does not know the seed. */
static uint64_t fold_key(const struct top_state *t, const struct row_id *id)
{
	const struct hash_seed *seed = &t->fold_seed;
	uint64_t hash = hash_number(seed, seed->begin, view_index(t->choice.view));

	hash = hash_number(seed, hash, id->pid);
	hash = hash_number(seed, hash, id->start_ns);
	hash = hash_text(seed, hash, id->cgroup ?: "");
	return hash_text(seed, hash, id->other ?: "");
}

/* Where the key is, or where it would be. */
static size_t fold_position(const struct top_state *t, uint64_t key)
{
	size_t low = 0, high = t->n_folds;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (t->folds[middle] < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool fold_has(const struct top_state *t, uint64_t key)
{
	size_t at = fold_position(t, key);

	return at < t->n_folds && t->folds[at] == key;
}

bool top_state_folded(void *ctx, const struct row_id *id)
{
	const struct top_state *t = ctx;

	return fold_has(t, fold_key(t, id));
}

static void fold_add(struct top_state *t, uint64_t key)
{
	size_t at = fold_position(t, key);

	if (fold_has(t, key))
		return;
	if (t->n_folds == FOLDS_MAX) {
		snprintf(t->message, sizeof(t->message), "no more than %d rows can be folded", FOLDS_MAX);
		return;
	}
	memmove(&t->folds[at + 1], &t->folds[at], (t->n_folds - at) * sizeof(t->folds[0]));
	t->folds[at] = key;
	t->n_folds++;
}

static void fold_drop(struct top_state *t, uint64_t key)
{
	size_t at = fold_position(t, key);

	if (!fold_has(t, key))
		return;
	t->n_folds--;
	memmove(&t->folds[at], &t->folds[at + 1], (t->n_folds - at) * sizeof(t->folds[0]));
}

static bool has_children(const struct table_rows *rows, size_t position)
{
	return position + 1 < rows->n && rows->depth[position + 1] > rows->depth[position];
}

static uint64_t key_at(const struct key_press *p, size_t position)
{
	const struct row_id id = p->t->choice.view->id(p->s, p->rows->index[position]);

	return fold_key(p->t, &id);
}

/* A row with nothing to fold below it goes into its parent, which is selected then. */
static void fold_selected(const struct key_press *p)
{
	struct top_state *t = p->t;
	size_t at = t->selected;

	if (!has_children(p->rows, at)) {
		if (!p->rows->depth[at])
			return;
		while (at > 0 && p->rows->depth[at] >= p->rows->depth[t->selected])
			at--;
	}
	t->selected = at;
	top_state_remember(t, p->s, p->rows);
	fold_add(t, key_at(p, at));
}

static bool any_below(const struct table_rows *rows)
{
	for (size_t i = 0; rows->below && i < rows->n; i++)
		if (rows->below[i])
			return true;
	return false;
}

/* All that are folded unfold; if none is, all fold. Others than these may be folded in another view, or have ended. */
static void fold_all(const struct key_press *p)
{
	struct top_state *t = p->t;

	if (any_below(p->rows)) {
		t->n_folds = 0;
		return;
	}
	for (size_t i = 0; i < p->rows->n && !t->message[0]; i++)
		if (has_children(p->rows, i))
			fold_add(t, key_at(p, i));
}

void key_fold(const struct key_press *p)
{
	struct top_state *t = p->t;

	if (!t->choice.tree || !t->choice.view->parents) {
		snprintf(t->message, sizeof(t->message), "there is no tree here to fold%s",
			 t->choice.view->parents ? ": e shows it" : "");
		return;
	}
	if (t->selected >= p->rows->n)
		return;
	if (p->key == '-')
		fold_selected(p);
	else if (p->key == '+')
		fold_drop(t, key_at(p, t->selected));
	else
		fold_all(p);
	t->choice.folded = t->n_folds ? top_state_folded : NULL;
	t->choice.fold_ctx = t;
}
