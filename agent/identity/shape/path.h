/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * path.h - finds the home of a cgroup by its path alone. Pure: reads no file, allocates nothing. Used by the cache in
 * identity.c; the shapes of each runtime are in the file of that runtime.
 */
#ifndef SYSSCOPE_IDENTITY_PATH_H
#define SYSSCOPE_IDENTITY_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sysscope/sample.h"

#define IDENTITY_ID_MAX	   256	/* one path component and its NUL */
#define IDENTITY_NAME_MAX  1024 /* a chain of container names */
#define IDENTITY_SPACE_MAX 77	/* a namespace or an id of containerd's and its NUL */

/* Runtimes whose files may have more about an id; bits of identity_match.stores. */
enum identity_store {
	STORE_DOCKER = 1 << 0,
	STORE_PODMAN = 1 << 1,
	STORE_CONTAINERD = 1 << 2, /* its bundles, and nerdctl's files */
	STORE_CRIO = 1 << 3,
	STORE_KUBELET = 1 << 4, /* its folders of logs */
};
/* Whichever runtime a kubelet may have told to make it. */
#define STORES_OF_PODS (STORE_DOCKER | STORE_CONTAINERD | STORE_CRIO | STORE_KUBELET)
/* Users have these; the others are the host's alone. */
#define STORES_OF_USERS (STORE_DOCKER | STORE_PODMAN | STORE_CONTAINERD)

struct identity_match {
	enum home_kind kind;
	size_t home_len; /* the home is a prefix of the path, of this length */
	size_t instance_at; /* a unit made for one connection, a step of a build: its home's path is without this part of */
	size_t instance_len; /* it, so that all of the kind are one home; 0: no such part */
	size_t parent_len;   /* so is the container around it; 0: none */
	const char *runtime; /* static, "" if not known */
	char id[IDENTITY_ID_MAX];
	char name[IDENTITY_NAME_MAX];	/* unless a store has another; "": the home's path is its name */
	char pod[13];			/* short id of a Podman pod */
	char pod_uid[37];		/* of a Kubernetes pod, with its dashes */
	char space[IDENTITY_SPACE_MAX]; /* containerd's namespace, "" if the path does not show it */
	int64_t uid;			/* the user whose slice it is in, -1: none */
	bool nested;			/* inside of a container, which chose the names */
	unsigned int stores;		/* stores that may have the id; 0 if anybody could have chosen the id */
};

/* The path was read from /proc, which appends " (deleted)" to the path of a removed cgroup. */
#define IDENTITY_PATH_FROM_PROC 1u
/* On a host of Talos: its services are /system/NAME and /podruntime/NAME, which mean nothing elsewhere. */
#define IDENTITY_PATH_ON_TALOS 2u

/* What the path alone does not say. */
struct identity_facts {
	/*
	 * Whether nobody but root can make, rename or remove cgroups in the one that the first `len` bytes of the path name.
	 * Asked only where a unit or a user's slice is above it; NULL: nobody knows.
	 */
	bool (*only_root)(void *ctx, const char *path, size_t len);
	void *ctx;
	/* Whether containerd runs a container of this id in this namespace. Asked only about /NAMESPACE/ID; may be NULL. */
	bool (*is_task)(void *ctx, const char *space, const char *id);
	void *task_ctx;
};

/* `facts` may be NULL: then units and users are taken to have made what is below them. */
void identity_from_path(const char *path, unsigned int flags, const struct identity_facts *facts,
			struct identity_match *ret);

#endif
