/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * asker.c - see asker.h. One lock, held for a few instructions at a time and never while a file is read. The thread takes the
 * queue as a whole, so that what belongs to one moment is asked in one moment, and gives back each answer at once.
 */
#include <errno.h>
#include <signal.h>
#include <time.h>
#include <utlist.h>

#include "confine/confine.h"
#include "identity/asker.h"

#define SECOND	     1000000000ULL
#define STOP_WAIT_NS (SECOND / 5)
#define NEVER	     UINT64_MAX

static void ask_answer(struct stores *s, struct ask *k)
{
	k->differs = false;
	if (k->compare) {
		stores_moment(s, k->now_ns);
		k->differs = store_changed(s, &k->question, &k->version);
	} else {
		k->result = stores_ask(s, &k->question, k->now_ns, &k->answer);
	}
}

/* So much later than now. */
static struct timespec later(clockid_t clock, uint64_t ns)
{
	struct timespec t;

	clock_gettime(clock, &t);
	ns += (uint64_t)t.tv_nsec;
	t.tv_sec += (time_t)(ns / SECOND);
	t.tv_nsec = (long)(ns % SECOND);
	return t;
}

int asker_init(struct asker *a, struct stores *stores)
{
	pthread_condattr_t attributes;

	*a = (struct asker){.stores = stores, .given_up = NEVER};
	if (pthread_condattr_init(&attributes))
		return -ENOMEM;
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->work, &attributes);
	pthread_cond_init(&a->answered, &attributes);
	pthread_condattr_destroy(&attributes);
	return 0;
}

/* ---- the thread ---- */

/* What was sent up to now; NULL: the end. When there is nothing to do it keeps no folder open. */
static struct ask *queue_wait(struct asker *a)
{
	struct ask *mine;

	pthread_mutex_lock(&a->lock);
	if (!a->queue && !a->stop) {
		pthread_mutex_unlock(&a->lock);
		stores_moment(a->stores, 0);
		pthread_mutex_lock(&a->lock);
	}
	while (!a->queue && !a->stop)
		pthread_cond_wait(&a->work, &a->lock);
	mine = a->stop ? NULL : a->queue;
	if (mine)
		a->queue = NULL;
	pthread_mutex_unlock(&a->lock);
	return mine;
}

/* False: the rest is not to be asked, and is left in the queue. */
static bool ask_may_begin(struct asker *a, struct ask *rest)
{
	bool go;

	pthread_mutex_lock(&a->lock);
	go = !a->stop;
	if (!go)
		DL_CONCAT(a->queue, rest);
	pthread_mutex_unlock(&a->lock);
	return go;
}

static void ask_end(struct asker *a, struct ask *k)
{
	pthread_mutex_lock(&a->lock);
	DL_APPEND(a->done, k);
	a->n_answered++;
	/* Who waits does so for all of them. */
	if (--a->open == 0)
		pthread_cond_signal(&a->answered);
	pthread_mutex_unlock(&a->lock);
}

static void *asker_run(void *data)
{
	struct asker *a = data;
	struct ask *mine, *k;

	/* Whether that works or not: it never writes. */
	confine_rights(RIGHTS_NAMES);
	while ((mine = queue_wait(a))) {
		while (mine) {
			if (!ask_may_begin(a, mine))
				return NULL;
			k = mine;
			DL_DELETE(mine, k);
			ask_answer(a->stores, k);
			ask_end(a, k);
		}
	}
	return NULL;
}

int asker_start(struct asker *a)
{
	sigset_t all, before;
	int r;

	/* Signals are for the thread that waits for them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&a->thread, NULL, asker_run, a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return -r;
	a->threaded = true;
	pthread_setname_np(a->thread, "names");
	return 0;
}

/* ---- the others ---- */

void asker_send(struct asker *a, struct ask **list)
{
	struct ask *k;
	size_t n;

	if (!*list)
		return;
	if (!a->threaded) {
		DL_FOREACH (*list, k)
			ask_answer(a->stores, k);
		DL_CONCAT(a->done, *list);
		*list = NULL;
		return;
	}
	DL_COUNT(*list, k, n);
	pthread_mutex_lock(&a->lock);
	a->open += n;
	DL_CONCAT(a->queue, *list);
	pthread_mutex_unlock(&a->lock);
	pthread_cond_signal(&a->work);
	*list = NULL;
}

struct ask *asker_take(struct asker *a)
{
	struct ask *done;

	pthread_mutex_lock(&a->lock);
	done = a->done;
	a->done = NULL;
	pthread_mutex_unlock(&a->lock);
	return done;
}

bool asker_wait(struct asker *a, uint64_t ns)
{
	const struct timespec until = later(CLOCK_MONOTONIC, ns);
	bool answered;

	pthread_mutex_lock(&a->lock);
	while (a->open && a->given_up != a->n_answered)
		if (pthread_cond_timedwait(&a->answered, &a->lock, &until))
			a->given_up = a->n_answered;
	answered = a->done != NULL;
	pthread_mutex_unlock(&a->lock);
	return answered;
}

static bool thread_end(struct asker *a)
{
	const struct timespec until = later(CLOCK_REALTIME, STOP_WAIT_NS);

	pthread_mutex_lock(&a->lock);
	a->stop = true;
	pthread_cond_signal(&a->work);
	pthread_mutex_unlock(&a->lock);
	if (pthread_timedjoin_np(a->thread, NULL, &until) == 0)
		return true;
	pthread_detach(a->thread);
	return false;
}

bool asker_stop(struct asker *a, struct ask **ret_left)
{
	if (a->threaded && !thread_end(a))
		return false;
	DL_CONCAT(a->queue, a->done);
	*ret_left = a->queue;
	pthread_mutex_destroy(&a->lock);
	pthread_cond_destroy(&a->work);
	pthread_cond_destroy(&a->answered);
	return true;
}
