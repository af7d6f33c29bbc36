/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lookup.c - the names of homes: asks the runtimes' stores (store/, through asker.c), asks again for those that are late, and
 * compares the files of the others with what was read. Called by identity.c; opens no file itself.
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
/* How long answers are waited for: files are read in far less, unless a file system is slow or a CPU cannot be had. */
#define WAIT_FIRST_NS SECOND
#define WAIT_NS	      (50 * MS)
#define WAIT_BORN_NS  (20 * MS)

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
				       .pod = h->pod_id,
				       .is_pod = h->is_pod,
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

static void home_send(struct identities *ids, struct known_home *h, bool compare, uint64_t now_ns)
{
	h->ask = (struct ask){
		.owner = h, .question = home_question(h), .now_ns = now_ns, .compare = compare, .version = h->version};
	h->asked = true;
	DL_APPEND(ids->asks, &h->ask);
}

/* One look-up in the stores. */
static void home_ask(struct identities *ids, struct known_home *h, uint64_t now_ns)
{
	if (h->asked) {
		h->again = true;
		return;
	}
	if (h->who.uid > 0 && !rootless_allowed(ids, now_ns)) {
		home_retry_at(ids, h, now_ns + SECOND);
		return;
	}
	home_settle(ids, h);
	home_send(ids, h, false, now_ns);
}

/* ---- answers ---- */

/* Whether anything changed. */
static bool home_answered(struct identities *ids, struct known_home *h, struct store_answer *a)
{
	const struct ask *k = &h->ask;

	if (k->compare) {
		if (k->differs && h->version.store)
			h->version = k->version;
		if (k->differs)
			home_ask(ids, h, k->now_ns);
		return false;
	}
	ids->retry_all |= a->places_found;
	home_versioned(ids, h, &a->version);
	if (k->result == 0)
		return home_learn(ids, h, a);
	return home_unknown(ids, h, a, k->now_ns);
}

static bool answer_take(struct identities *ids, struct ask *k)
{
	struct known_home *h = k->owner;
	struct store_answer answer = k->answer;
	bool changed = false;

	h->asked = false;
	if (h->dropped) {
		known_home_free(h);
	} else {
		changed = home_answered(ids, h, &answer);
		if (h->again && !h->asked) {
			h->again = false;
			home_ask(ids, h, k->now_ns);
		}
	}
	store_answer_free(&answer);
	return changed;
}

/* Sends what is to be asked, and takes what is answered, and what follows from that. Returns how many homes changed. */
static int answers_take(struct identities *ids)
{
	int changed = 0;

	do {
		struct ask *done, *k, *next;

		asker_send(&ids->asker, &ids->asks);
		done = asker_take(&ids->asker);
		DL_FOREACH_SAFE (done, k, next)
			changed += answer_take(ids, k);
	} while (ids->asks);
	if (ids->retry_all)
		homes_retry(ids);
	return changed;
}

static int answers_wait(struct identities *ids, uint64_t ns)
{
	const uint64_t until_ns = clock_boot_ns() + ns;
	int changed = answers_take(ids);
	uint64_t now_ns;

	while ((now_ns = clock_boot_ns()) < until_ns && asker_wait(&ids->asker, until_ns - now_ns))
		changed += answers_take(ids);
	return changed;
}

bool answers_stop(struct identities *ids)
{
	struct ask *left, *k, *next;

	if (!asker_stop(&ids->asker, &left))
		return false;
	DL_CONCAT(left, ids->asks);
	DL_FOREACH_SAFE (left, k, next) {
		struct known_home *h = k->owner;

		h->asked = false;
		store_answer_free(&k->answer);
		if (h->dropped)
			known_home_free(h);
	}
	return true;
}

/* ---- when ---- */

void home_look_up(struct identities *ids, struct known_home *h, uint64_t now_ns)
{
	h->first_ns = now_ns;
	h->attempts = 0;
	home_ask(ids, h, now_ns);
	answers_take(ids);
}

/* Files are looked at in turn, and only those that were replaced are read. */
static void files_compare(struct identities *ids, uint64_t now_ns)
{
	size_t left = ids->n_checked < CHECK_MAX ? ids->n_checked : CHECK_MAX;

	ids->check_due_ns = now_ns + CHECK_EVERY_NS;
	while (left--) {
		struct known_home *h = ids->checked;

		DL_DELETE2(ids->checked, h, checked_prev, checked_next);
		DL_APPEND2(ids->checked, h, checked_prev, checked_next);
		if (!h->asked)
			home_send(ids, h, true, now_ns);
	}
}

static void pending_ask(struct identities *ids, uint64_t now_ns)
{
	struct known_home *h, *next;
	uint64_t due_ns = UINT64_MAX;
	int asked = 0;

	if (now_ns < ids->due_ns)
		return;
	ids->due_ns = UINT64_MAX;
	DL_FOREACH_SAFE (ids->pending, h, next) {
		/* Homes of users have a budget of their own. */
		if (h->due_ns <= now_ns && (h->who.uid > 0 || asked++ < REFRESH_MAX))
			home_ask(ids, h, now_ns);
		if (h->pending && h->due_ns < due_ns)
			due_ns = h->due_ns;
	}
	ids->due_ns = due_ns;
}

int identities_refresh(struct identities *ids, uint64_t now_ns)
{
	pending_ask(ids, now_ns);
	if (now_ns >= ids->check_due_ns)
		files_compare(ids, now_ns);
	return answers_take(ids);
}

int identities_wait(struct identities *ids)
{
	return answers_wait(ids, WAIT_BORN_NS);
}

int identities_check(struct identities *ids, uint64_t now_ns)
{
	const bool first = !ids->waited;

	pending_ask(ids, now_ns);
	files_compare(ids, now_ns);
	ids->waited = true;
	return answers_wait(ids, first ? WAIT_FIRST_NS : WAIT_NS);
}
