/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * known.h - what the cache keeps: shared by identity.c (homes and cgroups) and lookup.c (their names), and by nobody else.
 * While a home is asked about, asker.c's thread reads its texts that never change, and writes its `ask`.
 */
#ifndef SYSSCOPE_IDENTITY_KNOWN_H
#define SYSSCOPE_IDENTITY_KNOWN_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "identity/asker.h"
#include "identity/identity.h"
#include "identity/shape/path.h"
#include "identity/store/stores.h"

struct known_home {
	struct identity who; /* first: callers hold a pointer to it */
	char *path;	     /* who.home */
	char *parent, *id, *name, *image, *pod, *pod_namespace, *labels;
	char *pod_uid, *pod_id, *space; /* for the stores: see struct store_question */
	bool is_pod;
	unsigned int stores;
	struct store_version version; /* of the file that was read last */
	size_t cgroups;		      /* how many share it */
	unsigned int attempts;
	uint64_t first_ns, due_ns;
	bool pending;
	struct ask ask;
	bool asked;					/* `ask` is under way: nothing else may touch it */
	bool again;					/* ask once more when it is answered */
	bool dropped;					/* free it when it is answered */
	struct known_home *prev, *next;			/* pending */
	struct known_home *checked_prev, *checked_next; /* checked */
	UT_hash_handle hh;
};

struct known_cgroup {
	uint64_t id;
	struct known_home *home;
	UT_hash_handle hh;
};

struct identities {
	struct identity_facts facts;
	unsigned int path_flags;
	struct stores stores; /* of the asker, once its thread runs */
	struct asker asker;
	struct ask *asks; /* to be sent */
	bool waited;	  /* for the first answers */
	struct known_home *homes, *pending;
	struct known_home *checked; /* those with a version of a file, the one first that was compared longest ago */
	size_t n_checked;
	uint64_t check_due_ns;
	bool retry_all; /* there is a new place to look */
	struct known_cgroup *cgroups;
	uint32_t generation;
	uint64_t due_ns; /* of the earliest pending home; UINT64_MAX: none */
	uint64_t rootless_second_ns;
	unsigned int rootless_used;
	uint64_t failures, overflow;
	struct identity other;
};

/* At most IDENTITY_TEXT_MAX bytes; texts that differ only after that get different hashes. */
char *text_capped(const char *s, size_t len);

/* Lets the home's `who` point to the strings that the home owns, with a new generation. */
void home_publish(struct identities *ids, struct known_home *h);

/* A home that has just come, or was started again: looks it up, and again later if nothing is known of it. */
void home_look_up(struct identities *ids, struct known_home *h, uint64_t now_ns);

/* Asks again for all that have no name, at the next refresh. */
void homes_retry(struct identities *ids);

/* Its file is not compared any more. */
void home_unchecked(struct identities *ids, struct known_home *h);

/* Also of one that was dropped while it was asked about. */
void known_home_free(struct known_home *h);

/* Ends what is asked. False: something of it never ends, and has to stay with all that it uses. */
bool answers_stop(struct identities *ids);

/* Nobody looks for it any more. */
void home_settle(struct identities *ids, struct known_home *h);

#endif
