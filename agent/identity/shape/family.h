/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * family.h - shared by the runtime families: a path is matched component by component, from the root downwards.
 * path.c walks and calls each family for each component; a family claims it or returns false.
 */
#ifndef SYSSCOPE_IDENTITY_FAMILY_H
#define SYSSCOPE_IDENTITY_FAMILY_H

#include "identity/shape/path.h"

struct path_part {
	const char *s;
	size_t len;
};

/* Where the walk is: this decides how far a name can be trusted. */
enum walk_place {
	PLACE_TOP,	 /* only root creates cgroups here */
	PLACE_UNIT,	 /* inside of a service or scope, which may have been delegated */
	PLACE_USER,	 /* inside of a user's slice: the user may have created all of it */
	PLACE_CONTAINER, /* inside of a container: its root may have created all of it */
};

struct path_walk {
	struct identity_match *m;
	const char *path;
	const struct identity_facts *facts;
	struct path_part part, prev, prev2; /* empty if there is none, or if it is outside of the container */
	size_t index;			    /* of `part`, counted from the root or from the container's own cgroup */
	size_t end;			    /* where `part` ends in the path */
	size_t guarded_len;		    /* where the unit or the user's slice ends in the path */
	size_t container_len;		    /* length of the innermost container's home, 0: none */
	char pod_uid[37], pod[13];	    /* of the pod around `part`, for the next claim */
	enum walk_place place;
	enum { ROOTS_UNKNOWN, ROOTS_NO, ROOTS_YES } roots; /* what walk_by_root() found for `part` */
	bool on_talos;
	bool claimed;	   /* `m` has a home */
	bool in_pod;	   /* prev is the cgroup of a Kubernetes pod */
	bool part_is_pod;  /* `part` is one */
	bool user_manager; /* below user@UID.service, and not in one of its units yet */
	bool entered;	   /* `part` is a container's own cgroup */
	bool done;	   /* everything below belongs to this home */
};

/* ---- one component ---- */
bool part_is(struct path_part p, const char *s);
bool part_starts(struct path_part p, const char *prefix);
bool part_ends(struct path_part p, const char *suffix); /* and more before it */
bool part_between(struct path_part p, const char *prefix, const char *suffix, struct path_part *ret); /* never empty */
bool part_digits(struct path_part p);
bool part_hex(struct path_part p, size_t digits); /* exactly this many lower-case hex digits */
bool part_uuid(struct path_part p, char separator);
bool part_identifier(struct path_part p); /* containerd's: of a namespace or a container */
void part_copy(struct path_part p, char *to, size_t size);
/* Replaces systemd's \xNN; the result is never longer than the part. */
void part_unescape(struct path_part p, char *to, size_t size);

/* ---- shapes that several runtimes share: prefix-ID.scope, and NAME.slice:prefix:ID of mismatched drivers ---- */
bool walk_scope(struct path_walk *w, const char *prefix, struct path_part *ret_id);

/* ---- who made it ---- */

/* From here on a unit, or the user of a slice, may have made the cgroups. */
void walk_guard(struct path_walk *w, enum walk_place place);
/* Only root can have made `part`: no other may write to any cgroup from the unit or the slice down to it. */
bool walk_by_root(struct path_walk *w);

/* ---- claims ---- */
void walk_claim(struct path_walk *w, enum home_kind kind, const char *runtime, struct path_part id, const char *name);
/* The stores are for containers that root made, and for those of the user whose slice it is. */
void walk_container(struct path_walk *w, const char *runtime, struct path_part id, unsigned int stores);
/* A container or VM whose name is in the path; inside of a container it is called OUTER/NAME. */
void walk_named(struct path_walk *w, enum home_kind kind, const char *runtime, struct path_part id, const char *name);
/* A runtime's monitor; claimed outside of containers only. */
void walk_monitor(struct path_walk *w, const char *runtime, const char *what, struct path_part id);

/* ---- families, in the order in which they are called ---- */
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

/* The uid in kubepods[-QOS]-podUID.slice; false for any other slice. */
bool kubernetes_pod_slice(struct path_part slice, char uid[37]);

#endif
