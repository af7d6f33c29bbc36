/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * path.h - from a cgroup's path to its home, by the path alone. Pure: no file is read, nothing is allocated. Used by
 * the cache in identity.c; the shapes of each runtime are in the file of that runtime.
 */
#ifndef SYSSCOPE_IDENTITY_PATH_H
#define SYSSCOPE_IDENTITY_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sysscope/sample.h"

#define IDENTITY_ID_MAX	  256  /* one path component and its NUL */
#define IDENTITY_NAME_MAX 1024 /* a chain of container names */

/* Runtime files that may know more about an id; bits of identity_match.stores. */
enum identity_store {
	STORE_DOCKER = 1 << 0,
	STORE_PODMAN = 1 << 1,
};

struct identity_match {
	enum home_kind kind;
	size_t home_len;     /* the home is this long a prefix of the path */
	size_t parent_len;   /* so is the container around it; 0: none */
	const char *runtime; /* static, "" when not known */
	char id[IDENTITY_ID_MAX];
	char name[IDENTITY_NAME_MAX]; /* until a store knows better; "": the home's path is its name */
	char pod[13];		      /* short id of a Podman pod */
	char pod_uid[37];	      /* of a Kubernetes pod, with dashes where it has them */
	int64_t uid;		      /* whose slice it is in, -1: nobody's */
	bool nested;		      /* inside of a container: whoever is in there chose the names */
	unsigned int stores; /* where to ask for the id; 0 when that would trust a name that anybody can choose */
};

/* The path was read from /proc, which appends " (deleted)" to the path of a removed cgroup. */
#define IDENTITY_PATH_FROM_PROC 1u

void identity_from_path(const char *path, unsigned int flags, struct identity_match *ret);

#endif
