/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * family.h - what the runtime families share while a path is matched, component by component, from the root
 * downwards. Internal to identity/: path.c walks and asks each family about each component; a family claims it or
 * lets it pass.
 */
#ifndef SYSSCOPE_IDENTITY_FAMILY_H
#define SYSSCOPE_IDENTITY_FAMILY_H

#include "identity/shape/path.h"

struct part {
	const char *s;
	size_t len;
};

/* Where the walk is. It decides how much a name is worth. */
enum walk_place {
	PLACE_TOP,	 /* only root makes cgroups here */
	PLACE_UNIT,	 /* inside of a service or scope, which may have been delegated */
	PLACE_USER,	 /* inside of a user's slice: that user may have made all of it */
	PLACE_CONTAINER, /* inside of a container: its root may have */
};

struct path_walk {
	struct identity_match *m;
	struct part part, prev, prev2; /* empty where there is none, and across a container's border */
	size_t index;		       /* of `part`, from the root or from the container's border */
	size_t end;		       /* where `part` ends in the path */
	size_t container_len;	       /* home of the innermost container, 0: none */
	char pod_uid[37], pod[13];     /* of the pod around `part`, for the next claim */
	enum walk_place place;
	bool claimed;	   /* m holds a home */
	bool in_pod;	   /* prev is the cgroup of a Kubernetes pod */
	bool part_is_pod;  /* part is */
	bool user_manager; /* below user@UID.service and in none of its units yet */
	bool entered;	   /* part is the border of a container */
	bool done;	   /* whatever is below belongs to this home */
};

/* ---- one component ---- */
bool part_is(struct part p, const char *s);
bool part_starts(struct part p, const char *prefix);
bool part_ends(struct part p, const char *suffix); /* and has something before it */
bool part_between(struct part p, const char *prefix, const char *suffix, struct part *ret); /* never empty */
bool part_digits(struct part p);
bool part_hex(struct part p, size_t digits); /* exactly so many lower-case hex digits */
bool part_uuid(struct part p, char separator);
void part_copy(struct part p, char *to, size_t size);
/* systemd's \xNN; never longer than the part. */
void part_unescape(struct part p, char *to, size_t size);

/* ---- shapes that several runtimes share: prefix-ID.scope, and NAME.slice:prefix:ID of mismatched drivers ---- */
bool walk_scope(struct path_walk *w, const char *prefix, struct part *ret_id);

/* ---- claims ---- */
void walk_claim(struct path_walk *w, enum home_kind kind, const char *runtime, struct part id, const char *name);
void walk_container(struct path_walk *w, const char *runtime, struct part id, unsigned int stores);
/* A container or VM whose name is in the path; inside of a container it is called OUTER/NAME. */
void walk_named(struct path_walk *w, enum home_kind kind, const char *runtime, struct part id, const char *name);
/* Monitors exist for us outside of containers only. */
void walk_monitor(struct path_walk *w, const char *runtime, const char *what, struct part id);

/* ---- families, in the order in which they are asked ---- */
bool kubernetes_match(struct path_walk *w);
bool podman_match(struct path_walk *w);
bool docker_match(struct path_walk *w);
bool containerd_match(struct path_walk *w);
bool crio_match(struct path_walk *w);
bool lxc_match(struct path_walk *w);
bool vm_match(struct path_walk *w);
bool nspawn_match(struct path_walk *w);
bool other_match(struct path_walk *w);
bool systemd_match(struct path_walk *w);

/* UID of kubepods[-QOS]-podUID.slice; false when it is none. */
bool kubernetes_pod_slice(struct part slice, char uid[37]);

#endif
