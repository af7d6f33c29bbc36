/* SPDX-License-Identifier: GPL-2.0-or-later */
/* asks.c - see asks.h. The lock is held for moving pointers only. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "serve/api/asks.h"

/* First in, first out. */
struct ask_queue {
	struct ask_job *at[ASKS_MAX];
	size_t n;
};

struct asks {
	char *path;
	pthread_t thread;
	bool threaded;
	int fd;
	volatile sig_atomic_t stop;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t more;
	struct ask_queue waiting, done;
	bool reading; /* one more is between the two */
};

static struct ask_job *queue_take(struct ask_queue *q)
{
	struct ask_job *job = q->n ? q->at[0] : NULL;

	if (job)
		memmove(q->at, q->at + 1, --q->n * sizeof(q->at[0]));
	return job;
}

static void *asks_thread(void *arg)
{
	struct asks *k = arg;
	const uint64_t one = 1;
	struct ask_job *job;

	pthread_mutex_lock(&k->lock);
	while (!k->stop) {
		job = queue_take(&k->waiting);
		if (!job) {
			pthread_cond_wait(&k->more, &k->lock);
			continue;
		}
		k->reading = true;
		pthread_mutex_unlock(&k->lock);
		range_answer_make(&job->answer, k->path, &job->range, &k->stop);
		pthread_mutex_lock(&k->lock);
		k->reading = false;
		job->done = true;
		k->done.at[k->done.n++] = job; /* there is room: asks_add counts all three */
		if (write(k->fd, &one, sizeof(one)) < 0)
			continue; /* it is readable anyway */
	}
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

int asks_open(struct asks **ret, const char *path)
{
	struct asks *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->more, NULL);
	k->path = strdup(path);
	k->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!k->path || k->fd < 0) {
		asks_close(k);
		return -ENOMEM;
	}
	*ret = k;
	return 0;
}

void asks_stop(struct asks *k)
{
	pthread_mutex_lock(&k->lock);
	k->stop = 1;
	pthread_cond_signal(&k->more);
	pthread_mutex_unlock(&k->lock);
	if (k->threaded)
		pthread_join(k->thread, NULL);
	k->threaded = false;
}

void asks_close(struct asks *k)
{
	struct ask_job *job;

	if (!k)
		return;
	asks_stop(k);
	while ((job = asks_drop(k)))
		ask_job_free(job);
	closep(&k->fd);
	free(k->path);
	pthread_cond_destroy(&k->more);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

int asks_fd(const struct asks *k)
{
	return k->fd;
}

void ask_job_free(struct ask_job *job)
{
	if (!job)
		return;
	range_ask_free(&job->range);
	buf_free(&job->answer.text);
	free(job);
}

struct ask_job *asks_add(struct asks *k, struct range_ask *range, void *who)
{
	struct ask_job *job = calloc(1, sizeof(*job));
	bool room;

	if (!job) {
		range_ask_free(range);
		return NULL;
	}
	job->range = *range;
	range->container = NULL;
	job->who = who;
	if (!k->threaded && !k->stop)
		k->threaded = pthread_create(&k->thread, NULL, asks_thread, k) == 0;
	pthread_mutex_lock(&k->lock);
	room = k->threaded && k->waiting.n + k->done.n + k->reading < ASKS_MAX;
	if (room)
		k->waiting.at[k->waiting.n++] = job;
	pthread_cond_signal(&k->more);
	pthread_mutex_unlock(&k->lock);
	if (room)
		return job;
	ask_job_free(job);
	return NULL;
}

struct ask_job *asks_done(struct asks *k)
{
	struct ask_job *job;
	uint64_t some;

	pthread_mutex_lock(&k->lock);
	job = queue_take(&k->done);
	if (!k->done.n && read(k->fd, &some, sizeof(some)) < 0)
		some = 0; /* it was not readable */
	pthread_mutex_unlock(&k->lock);
	return job;
}

struct ask_job *asks_drop(struct asks *k)
{
	struct ask_job *job;

	pthread_mutex_lock(&k->lock);
	job = queue_take(&k->waiting);
	pthread_mutex_unlock(&k->lock);
	return job ?: asks_done(k);
}
