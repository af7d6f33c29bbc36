/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lookup.c - the names of homes: asks the runtimes' stores (store/), asks again for those that are late, and compares the
 * files of the others with what was read. Called by identity.c; opens no file itself.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "identity/known.h"

#define MS     1000000ULL
#define SECOND (1000 * MS)
/* After the first look-up; then every RETRY_LATE_NS. */
static const uint64_t retry_after_ns[] = {100 * MS, 500 * MS, 2 * SECOND, 10 * SECOND};
#define RETRY_LATE_NS (60 * SECOND)
/* Look-ups per refresh: thousands of containers without a name must not delay a sample. */
#define REFRESH_MAX 256
/* Files per check that are compared with what was read, one stat() each: it takes 2,000 containers to be a sample late. */
#define CHECK_MAX      1024
#define CHECK_EVERY_NS SECOND /* where no sample is taken */
/* A user can create cgroups and files at any rate: their look-ups must not cost more than a few percent of a CPU. */
#define ROOTLESS_PER_SECOND 8

/* ---- names from files ---- */

/* Takes a string that is neither empty nor the same as before, and sets *changed then. */
static void text_take(char **to, char **from, bool *changed)
{
	char *capped;

	if (!*from || !**from || (*to && strcmp(*to, *from) == 0))
		return;
	capped = text_capped(*from, strlen(*from));
	if (!capped)
		return;
	free(*to);
	*to = capped;
	*changed = true;
}

/* Of which pod it is may be known before its own name. */
static bool home_learn_pod(struct known_home *h, struct store_answer *a)
{
	bool changed = false;

	text_take(&h->pod, &a->pod, &changed);
	text_take(&h->pod_namespace, &a->pod_namespace, &changed);
	return changed;
}

static bool home_learn(struct identities *ids, struct known_home *h, struct store_answer *a)
{
	enum home_kind kind = a->pod_sandbox ? HOME_POD : HOME_CONTAINER;
	bool changed = !h->who.resolved || h->who.kind != kind;

	text_take(&h->name, &a->name, &changed);
	text_take(&h->image, &a->image, &changed);
	changed |= home_learn_pod(h, a);
	if (strcmp(h->labels ?: "", a->labels ?: "") != 0) {
		/* The store has limited its size: cut text would not be JSON. */
		free(h->labels);
		h->labels = a->labels;
		a->labels = NULL;
		changed = true;
	}
	changed |= h->who.cpu_shares != a->cpu_shares;
	h->who.cpu_shares = a->cpu_shares;
	h->who.kind = kind;
	if (a->runtime)
		h->who.runtime = a->runtime;
	h->who.resolved = true;
	if (changed)
		home_publish(ids, h);
	return changed;
}

/* False: too many files of users were read within this second. */
static bool rootless_allowed(struct identities *ids, uint64_t now_ns)
{
	if (now_ns < ids->rootless_second_ns || now_ns - ids->rootless_second_ns >= SECOND) {
		ids->rootless_second_ns = now_ns;
		ids->rootless_used = 0;
	}
	if (ids->rootless_used >= ROOTLESS_PER_SECOND)
		return false;
	ids->rootless_used++;
	return true;
}

void home_settle(struct identities *ids, struct known_home *h)
{
	if (h->pending)
		DL_DELETE(ids->pending, h);
	h->pending = false;
}

static void home_retry_at(struct identities *ids, struct known_home *h, uint64_t due_ns)
{
	if (!h->pending)
		DL_APPEND(ids->pending, h);
	h->pending = true;
	h->due_ns = due_ns;
	if (due_ns < ids->due_ns)
		ids->due_ns = due_ns;
}

/* Keeps which version of the file was read, also of one that says nothing. */
static void home_versioned(struct identities *ids, struct known_home *h, const struct store_version *v)
{
	if (!v->store)
		return;
	if (!h->version.store) {
		DL_APPEND2(ids->checked, h, checked_prev, checked_next);
		ids->n_checked++;
	}
	h->version = *v;
}

void home_unchecked(struct identities *ids, struct known_home *h)
{
	if (!h->version.store)
		return;
	DL_DELETE2(ids->checked, h, checked_prev, checked_next);
	ids->n_checked--;
	h->version.store = 0;
}

static struct store_question home_question(const struct known_home *h)
{
	return (struct store_question){.stores = h->stores,
				       .uid = h->who.uid,
				       .id = h->id,
				       .space = h->space,
				       .pod_uid = h->pod_uid,
				       .first_ns = h->who.resolved ? 0 : h->first_ns};
}

void homes_retry(struct identities *ids)
{
	struct known_home *h;

	ids->retry_all = false;
	DL_FOREACH (ids->pending, h)
		h->due_ns = 0;
	ids->due_ns = 0;
}

/* Nothing is known, or not the name: what is known of its pod is kept, and it is asked again later. */
static bool home_unknown(struct identities *ids, struct known_home *h, struct store_answer *a, uint64_t now_ns)
{
	uint64_t due_ns = now_ns + RETRY_LATE_NS;
	bool changed;

	ids->failures++;
	if (h->who.resolved) {
		/* It keeps the name that it had when it was last started. */
		home_settle(ids, h);
		return false;
	}
	while (h->attempts < ARRAY_SIZE(retry_after_ns) && h->first_ns + retry_after_ns[h->attempts] <= now_ns)
		h->attempts++;
	if (h->attempts < ARRAY_SIZE(retry_after_ns))
		due_ns = h->first_ns + retry_after_ns[h->attempts];
	home_retry_at(ids, h, due_ns);
	changed = home_learn_pod(h, a);
	if (changed)
		home_publish(ids, h);
	return changed;
}

/* One look-up in the stores. Whether anything changed. */
static bool home_ask(struct identities *ids, struct known_home *h, uint64_t now_ns)
{
	const struct store_question question = home_question(h);
	struct store_answer answer = {};
	bool changed;
	int r;

	if (h->who.uid > 0 && !rootless_allowed(ids, now_ns)) {
		home_retry_at(ids, h, now_ns + SECOND);
		return false;
	}
	r = stores_ask(&ids->stores, &question, now_ns, &answer);
	ids->retry_all |= answer.places_found;
	home_versioned(ids, h, &answer.version);
	if (r == 0) {
		home_settle(ids, h);
		changed = home_learn(ids, h, &answer);
	} else {
		changed = home_unknown(ids, h, &answer, now_ns);
	}
	store_answer_free(&answer);
	return changed;
}

void home_look_up(struct identities *ids, struct known_home *h, uint64_t now_ns)
{
	h->first_ns = now_ns;
	h->attempts = 0;
	home_ask(ids, h, now_ns);
	if (ids->retry_all)
		homes_retry(ids);
}

/* Files are looked at in turn, and only those that were replaced are read. */
static int files_compare(struct identities *ids, uint64_t now_ns)
{
	size_t left = ids->n_checked < CHECK_MAX ? ids->n_checked : CHECK_MAX;
	int changed = 0;

	ids->check_due_ns = now_ns + CHECK_EVERY_NS;
	stores_moment(&ids->stores, now_ns);
	while (left--) {
		struct known_home *h = ids->checked;
		const struct store_question question = home_question(h);

		DL_DELETE2(ids->checked, h, checked_prev, checked_next);
		DL_APPEND2(ids->checked, h, checked_prev, checked_next);
		if (store_changed(&ids->stores, &question, &h->version))
			changed += home_ask(ids, h, now_ns);
	}
	stores_moment(&ids->stores, 0);
	return changed;
}

static int pending_ask(struct identities *ids, uint64_t now_ns)
{
	struct known_home *h, *next;
	int changed = 0, asked = 0;
	uint64_t due_ns = UINT64_MAX;

	if (now_ns < ids->due_ns)
		return 0;
	ids->due_ns = UINT64_MAX;
	DL_FOREACH_SAFE (ids->pending, h, next) {
		/* Homes of users have a budget of their own. */
		if (h->due_ns <= now_ns && (h->who.uid > 0 || asked++ < REFRESH_MAX))
			changed += home_ask(ids, h, now_ns);
		if (h->pending && h->due_ns < due_ns)
			due_ns = h->due_ns;
	}
	ids->due_ns = due_ns;
	if (ids->retry_all)
		homes_retry(ids);
	return changed;
}

int identities_refresh(struct identities *ids, uint64_t now_ns)
{
	int changed = pending_ask(ids, now_ns);

	if (now_ns >= ids->check_due_ns)
		changed += files_compare(ids, now_ns);
	return changed;
}

int identities_check(struct identities *ids, uint64_t now_ns)
{
	return pending_ask(ids, now_ns) + files_compare(ids, now_ns);
}
