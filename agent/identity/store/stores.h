/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stores.h - what the runtimes keep on disk about their containers. The cache (identity.c) calls it; docker.c and
 * podman.c read, through hostile_file.h. Only ids of 64 hex digits become parts of file paths.
 */
#ifndef SYSSCOPE_IDENTITY_STORES_H
#define SYSSCOPE_IDENTITY_STORES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define STORES_DOCKER_ROOTS 8
#define STORES_PODMAN_FILES 64 /* two per user */
#define ROOTLESS_FILE_MAX   (1u << 20)

struct podman_file;

struct stores {
	int root;	  /* O_PATH; -1: none */
	uid_t host_owner; /* owner of the host's files: root; in tests, the owner of the folder */
	char *docker_roots[STORES_DOCKER_ROOTS];
	size_t n_docker_roots;
	struct podman_file *podman[STORES_PODMAN_FILES];
	size_t n_podman, podman_next;
	uint64_t refused;
};

/* What a store has about one container; "" or NULL: not known. */
struct store_answer {
	char *name, *image, *pod, *pod_namespace, *labels;
	bool pod_sandbox; /* a pause container */
};
void store_answer_free(struct store_answer *a);

int stores_init(struct stores *s, const char *root);
void stores_free(struct stores *s);

/* The uid's home folder from /etc/passwd, malloc'ed. Not by a name service, which could use a socket. */
int stores_home_folder(struct stores *s, int64_t uid, char **ret);

/* Counts the error if the file was rejected. Returns the error. */
int stores_note(struct stores *s, int error);

/* 0, -ENOENT or another error. uid -1 or 0: the host's store, else the user's. */
int docker_roots_init(struct stores *s);
int docker_root_add(struct stores *s, const char *path);
int docker_lookup(struct stores *s, int64_t uid, const char *id, bool in_pod, struct store_answer *ret);
int podman_lookup(struct stores *s, int64_t uid, const char *id, struct store_answer *ret);
void podman_file_free(struct podman_file *f);

#endif
