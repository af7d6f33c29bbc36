/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper.c - see keeper.h. The recorder belongs to one side at a time: to the thread from the moment that a sample was taken
 * (`busy`) until it is written, else to the caller. The lock is held for a few instructions only.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "confine/confine.h"
#include "record/keeper.h"

#define SECOND 1000000000ULL
/* For a folder to be opened at the start, so that a wrong one is said at once. */
#define BEGIN_WAIT_NS SECOND

struct keeper {
	const char *path; /* of the folder */
	struct recorder *recorder;
	pthread_t thread;
	bool threaded;
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	struct buf why; /* the folder could not be opened */
	/* Under the lock. */
	bool busy, stop;
	bool begun; /* the folder was tried for the first time */
	int error;  /* of the latest attempt */
	uint64_t errors, missed, unwritten;
	struct store_counts counts; /* after it */
	/* Of the caller. */
	bool late; /* the latest sample came while the one before was being written */
};

/* ---- the thread ---- */

/* With the lock. The recorder is nobody's. */
static void keeper_took(struct keeper *k, int error)
{
	k->error = error;
	k->errors += error < 0;
	k->counts = *recorder_counts(k->recorder);
	k->busy = false;
	k->begun = true;
	pthread_cond_signal(&k->done);
}

/* Nothing comes any more: what is left is written or counted. */
static void keeper_end(struct keeper *k)
{
	uint64_t unwritten = recorder_flush(k->recorder);

	pthread_mutex_lock(&k->lock);
	k->counts = *recorder_counts(k->recorder);
	k->unwritten = unwritten;
	pthread_mutex_unlock(&k->lock);
	recorder_close(k->recorder);
}

static void *keeper_run(void *data)
{
	struct keeper *k = data;
	bool begun, confined = false;
	int error;

	/* Root can write into a folder of others; whose this one is, is known later. */
	confine_rights(RIGHT(DAC_OVERRIDE) | RIGHT(SETPCAP));
	pthread_mutex_lock(&k->lock);
	for (;;) {
		while (!k->busy && !k->stop)
			pthread_cond_wait(&k->work, &k->lock);
		if (!k->busy)
			break;
		begun = k->begun;
		pthread_mutex_unlock(&k->lock);
		error = begun ? recorder_put(k->recorder) : recorder_begin(k->recorder, &k->why);
		if (!confined && !error) {
			confine_rights(confine_folder_is_ours(k->path) ? 0 : RIGHT(DAC_OVERRIDE));
			confined = true;
		}
		pthread_mutex_lock(&k->lock);
		keeper_took(k, error);
	}
	pthread_mutex_unlock(&k->lock);
	keeper_end(k);
	return NULL;
}

/* Without it, everything is done at once. */
static void keeper_start(struct keeper *k)
{
	sigset_t all, before;

	/* Signals are for the thread that waits for them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	k->threaded = pthread_create(&k->thread, NULL, keeper_run, k) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (k->threaded)
		pthread_setname_np(k->thread, "recording");
}

/* ---- the caller ---- */

/* What neither time nor room will mend. */
static bool error_is_final(int error)
{
	return error == -ENOMEM || error == -ENOTEMPTY || error == -ENOTDIR;
}

static struct timespec time_from_now(uint64_t ns)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	ns += (uint64_t)t.tv_nsec;
	t.tv_sec += (time_t)(ns / SECOND);
	t.tv_nsec = (long)(ns % SECOND);
	return t;
}

static void keeper_free(struct keeper *k)
{
	pthread_mutex_destroy(&k->lock);
	pthread_cond_destroy(&k->work);
	pthread_cond_destroy(&k->done);
	buf_free(&k->why);
	free(k);
}

/* Opens the folder, and waits a moment for that. 0 or negative errno; -EINPROGRESS: it has not been opened yet. */
static int keeper_begin(struct keeper *k, struct buf *error)
{
	const struct timespec until = time_from_now(BEGIN_WAIT_NS);
	int r;

	k->busy = true;
	keeper_start(k);
	pthread_mutex_lock(&k->lock);
	if (!k->threaded)
		keeper_took(k, recorder_begin(k->recorder, &k->why));
	while (k->busy && pthread_cond_timedwait(&k->done, &k->lock, &until) == 0)
		;
	r = k->busy ? -EINPROGRESS : k->error;
	if (k->busy)
		buf_str(error, "it yet: the disk does not answer");
	else
		buf_str(error, k->why.data ?: "");
	pthread_mutex_unlock(&k->lock);
	return r;
}

int keeper_open(struct keeper **ret, const struct store_options *o, struct buf *error)
{
	struct keeper *k = calloc(1, sizeof(*k));
	struct keeper_state state;
	int r = k ? recorder_new(&k->recorder, o) : -ENOMEM;

	if (r < 0) {
		free(k);
		buf_str(error, strerror(-r));
		return r;
	}
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->work, NULL);
	pthread_cond_init(&k->done, NULL);
	k->path = o->path;
	r = keeper_begin(k, error);
	if (error_is_final(r)) {
		keeper_close(k, SECOND, &state);
		return r;
	}
	k->late = r == -EINPROGRESS;
	*ret = k;
	return 0;
}

void keeper_missed(struct keeper *k)
{
	pthread_mutex_lock(&k->lock);
	k->missed++;
	pthread_mutex_unlock(&k->lock);
}

void keeper_note(struct keeper *k, const struct snapshot *s)
{
	int error;

	pthread_mutex_lock(&k->lock);
	k->late = k->busy;
	pthread_mutex_unlock(&k->lock);
	if (k->late) {
		keeper_missed(k);
		return;
	}
	error = recorder_take(k->recorder, s);
	if (error == 0 && !k->threaded)
		error = recorder_put(k->recorder);
	pthread_mutex_lock(&k->lock);
	if (error < 0 || !k->threaded)
		keeper_took(k, error);
	else
		k->busy = true;
	pthread_mutex_unlock(&k->lock);
	pthread_cond_signal(&k->work);
}

int keeper_fact(struct keeper *k, const struct event *e)
{
	return recorder_fact(k->recorder, e);
}

/* With the lock. */
static void keeper_tell(const struct keeper *k, struct keeper_state *ret)
{
	*ret = (struct keeper_state){.counts = k->counts,
				     .records = k->error == 0 && !k->late,
				     .errors = k->errors,
				     .unwritten_events = k->unwritten};
	ret->counts.lost += k->missed;
	if (k->late)
		ret->refusal = "the disk is too slow, or does not answer";
	else if (k->error < 0)
		ret->refusal = k->error == -EBUSY ? "another sysscope records into this folder" : strerror(-k->error);
}

void keeper_look(struct keeper *k, struct keeper_state *ret)
{
	pthread_mutex_lock(&k->lock);
	keeper_tell(k, ret);
	pthread_mutex_unlock(&k->lock);
}

static bool thread_join_within(struct keeper *k, uint64_t ns)
{
	const struct timespec until = time_from_now(ns);

	if (pthread_timedjoin_np(k->thread, NULL, &until) == 0)
		return true;
	pthread_detach(k->thread);
	return false;
}

bool keeper_close(struct keeper *k, uint64_t ns, struct keeper_state *ret)
{
	bool ended = true;

	if (k->threaded) {
		pthread_mutex_lock(&k->lock);
		k->stop = true;
		pthread_mutex_unlock(&k->lock);
		pthread_cond_signal(&k->work);
		ended = thread_join_within(k, ns);
	} else {
		keeper_end(k);
	}
	keeper_look(k, ret);
	/* What a thread still uses stays. */
	if (ended)
		keeper_free(k);
	return ended;
}
