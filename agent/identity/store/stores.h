/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stores.h - what the runtimes keep on disk about their containers. The cache (identity.c) calls it; docker.c, podman.c,
 * containerd.c, crio.c and kubelet.c read, through hostile_file.h. Only ids of 64 hex digits, and containerd's identifiers
 * (part_identifier), become parts of file paths.
 */
#ifndef SYSSCOPE_IDENTITY_STORES_H
#define SYSSCOPE_IDENTITY_STORES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "identity/shape/path.h"
#include "identity/store/hostile_file.h"

#define DATA_ROOTS_MAX	    16
#define STORES_PODMAN_FILES 256 /* up to ten per user and root */
#define ROOTLESS_FILE_MAX   (1u << 20)
#define STORAGE_DRIVERS	    4

/* Of containers/storage, which Podman and CRI-O use: it has a folder DRIVER-containers. */
extern const char *const storage_drivers[STORAGE_DRIVERS];

struct podman_file;
struct kubelet_names;
struct podman_pod;

/* Absolute paths, in the order in which they are tried. */
struct data_roots {
	char *paths[DATA_ROOTS_MAX];
	size_t n;
};

struct stores {
	int root;	  /* O_PATH; -1: none */
	uid_t host_owner; /* owner of the host's files: root; in tests, the owner of the folder */
	struct data_roots docker_roots, podman_roots; /* of the host's */
	struct data_roots containerd_states;  /* folders of containerd's state: never changed after stores_init */
	uint64_t searched_ns, search_next_ns; /* further ones were searched for; may be from then on */
	struct podman_file *podman[STORES_PODMAN_FILES];
	size_t n_podman, podman_next;
	uint64_t podman_versions;	/* lists read so far */
	struct podman_pod *podman_pods; /* that were found */
	struct kubelet_names *kubelet;	/* NULL: nothing was read */
	uint64_t refused;

	/* What need not be looked up again within a moment; see stores_moment(). */
	uint64_t moment_ns;
	int64_t home_uid;
	char *home;	      /* the folder of home_uid; NULL: not known */
	int docker_folder;    /* -1: none */
	size_t docker_opened; /* which of docker_roots it is */
};

/* What was read last of what is known about a container: says whether there is anything new. */
struct store_version {
	unsigned int store;		/* enum identity_store; 0: no file was found */
	size_t root;			/* Docker: index in docker_roots */
	char space[IDENTITY_SPACE_MAX]; /* nerdctl: the namespace whose folder of names `file` is */
	struct file_version file;
	uint64_t lists; /* Podman: versions of the user's lists */
};

/* Which container, or pod, is meant. */
struct store_question {
	unsigned int stores; /* that may know it: enum identity_store */
	int64_t uid;	     /* -1 or 0: the host's stores, else this user's */
	const char *id;
	const char *space;   /* containerd's namespace, "" if it may be any */
	const char *pod_uid; /* of its Kubernetes pod, "" without */
	const char *pod;     /* short id of its Podman pod, "" without */
	bool is_pod;	     /* it is the pod itself */
	/* When it was first seen, for a search for further places; 0: none. */
	uint64_t first_ns;
};

/* What a store has about one container; "" or NULL: not known. Pod and namespace may be there when nothing else is. */
struct store_answer {
	char *name, *image, *pod, *pod_namespace, *labels;
	const char *runtime;	      /* static; NULL: whoever knows it does not say */
	bool pod_sandbox;	      /* a pause container, or the pod itself */
	bool places_found;	      /* there are new places to look, for others too */
	uint64_t cpu_shares;	      /* that the runtime was asked for, 0: none, or not known */
	struct store_version version; /* also if nothing is known, as long as there was a file to read */
};
void store_answer_free(struct store_answer *a);

int stores_init(struct stores *s, const char *root);
void stores_free(struct stores *s);

/* Folders and lists are looked up once per moment; 0: each time. Another moment than the last one forgets and closes them. */
void stores_moment(struct stores *s, uint64_t now_ns);

/* Asks the stores in turn, each at this moment. 0, -ENOENT or another error; the answer is to be freed in any case. */
int stores_ask(struct stores *s, const struct store_question *q, uint64_t now_ns, struct store_answer *ret);

/* Whether there is another version now, which *v becomes: each one is reported once. */
bool store_changed(struct stores *s, const struct store_question *q, struct store_version *v);

/* Whether the host runs Talos: its first process, alone of all systems', is in the cgroup /init. */
bool stores_on_talos(struct stores *s);

/* The uid's home folder from /etc/passwd, malloc'ed. Not by a name service, which could use a socket. */
int stores_home_folder(struct stores *s, int64_t uid, char **ret);

/*
 * Of a path in a user's configuration the part below the home folder ($HOME may stand for it), malloc'ed; NULL: it is
 * elsewhere, where a file system could be one that never answers.
 */
char *stores_below_home(const char *path, const char *home);

/* Counts the error if the file was rejected. Returns the error. */
int stores_note(struct stores *s, int error);

/* 0, also if it is known already; -EINVAL: not absolute; -ENOSPC, -ENOMEM. */
int data_root_add(struct data_roots *roots, const char *path);
void data_roots_free(struct data_roots *roots);
/* The usual places, and what the configuration files say. */
int roots_init(struct stores *s);
/*
 * Searches for further places, for a container that was first seen at `since_ns` and that no store knows. Seldom: returns at
 * once if a search is not due. Whether there are new ones.
 */
bool roots_search(struct stores *s, uint64_t now_ns, uint64_t since_ns);
/*
 * KEY = "TEXT" of a TOML file, in the section "[NAME]", or before all sections (""); NULL: there is none. Changes the text,
 * and points into it.
 */
char *toml_text(char *text, const char *section, const char *key);
/* A file of root's at an absolute path; links on the way to it are followed. */
int root_file_read(struct stores *s, const char *path, char **ret, size_t *ret_len);

/* A file of the host's below a folder that only root can have created; an error is counted. */
int store_json(struct stores *s, const char *folder, const char *below, json_t **ret);
/* A copy in *to. 0 or -ENOMEM. */
int copy_text(char **to, const char *s);
/* An object as JSON text; those of its members that do not fit are left out. NULL if out of memory. */
char *labels_text(json_t *labels);

/* 0, -ENOENT or another error. uid -1 or 0: the host's store, else the user's. */
int docker_lookup(struct stores *s, int64_t uid, const char *id, bool in_pod, struct store_answer *ret);
int podman_lookup(struct stores *s, int64_t uid, const char *id, struct store_answer *ret);
int containerd_lookup(struct stores *s, const struct store_question *q, struct store_answer *ret);
int crio_lookup(struct stores *s, const char *id, struct store_answer *ret);
int kubelet_lookup(struct stores *s, const struct store_question *q, struct store_answer *ret);
bool docker_changed(struct stores *s, int64_t uid, const char *id, struct store_version *v);
bool podman_changed(struct stores *s, int64_t uid, struct store_version *v);
bool nerdctl_changed(struct stores *s, const struct store_question *q, struct store_version *v);
void podman_file_free(struct podman_file *f);

/*
 * Calls `visit` for each place where the host, or a user, keeps Podman's storage until it returns true: what is `below` the
 * folder, which is one of podman_roots, or (NULL) the user's home. 0, or why no place of the user's can be visited.
 */
typedef bool storage_visit(void *ctx, int folder, const char *root, const char *below);
int podman_storages(struct stores *s, int64_t uid, storage_visit *visit, void *ctx);

/* The name of a Podman pod by its short id, malloc'ed; NULL: not known. */
char *podman_pod_name(struct stores *s, int64_t uid, const char *pod);
void podman_pods_free(struct podman_pod *pods);
void kubelet_names_free(struct kubelet_names *k);

/* Where containerd keeps its state: the usual places, and what its configuration says. */
int containerd_init(struct stores *s);
/* Whether containerd has a bundle of this container. May be called at any time, from any thread. */
bool containerd_is_task(void *stores, const char *space, const char *id);

#endif
