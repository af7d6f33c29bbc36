/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * asker.h - a thread that asks the stores, so that a file system that is slow, or never answers, holds up nobody else. Used by
 * lookup.c: the asker and what it was sent belong to it until they are taken back. Without the thread it asks at once.
 */
#ifndef SYSSCOPE_IDENTITY_ASKER_H
#define SYSSCOPE_IDENTITY_ASKER_H

#include <pthread.h>

#include "identity/store/stores.h"

/* One question and its answer. */
struct ask {
	void *owner;
	struct store_question question; /* its texts stay as they are until the ask is taken back */
	uint64_t now_ns;
	bool compare; /* only: is there another version than this one? */
	struct store_version version;
	bool differs;		    /* compare: there is, and `version` is it */
	int result;		    /* else that of stores_ask */
	struct store_answer answer; /* of the taker to free */
	struct ask *prev, *next;
};

struct asker {
	struct stores *stores; /* of the thread alone, once it runs */
	bool threaded, stop;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work, answered;
	struct ask *queue, *done;
	size_t open; /* sent and not answered */
	uint64_t n_answered;
	uint64_t given_up; /* n_answered when the next answer was last waited for in vain */
};

int asker_init(struct asker *a, struct stores *stores);

/* 0, or negative errno: it goes on without a thread. */
int asker_start(struct asker *a);

/* Sends all of the list, which is empty then. */
void asker_send(struct asker *a, struct ask **list);

/* A list of those that are answered. */
struct ask *asker_take(struct asker *a);

/*
 * Waits until all are answered, at most so long; not at all while what was waited for in vain is still not answered. Whether
 * there are any to take.
 */
bool asker_wait(struct asker *a, uint64_t ns);

/*
 * Ends the thread. *ret_left has what was sent and not taken. False: it does not end, since a file system does not answer:
 * everything that it uses has to stay.
 */
bool asker_stop(struct asker *a, struct ask **ret_left);

#endif
