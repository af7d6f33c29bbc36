/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keys.h - what makes a row of one snapshot the same one as a row of another: a hash of what names it. Used by window.c.
 */
#ifndef SYSSCOPE_DIAGNOSE_KEYS_H
#define SYSSCOPE_DIAGNOSE_KEYS_H

#include "base/hash.h"
#include "sysscope/view.h"

/* What the keys of a snapshot's rows are made from. */
struct row_keys {
	const struct snapshot *s;
	uint64_t *homes; /* hash of each container's path, which is read once for all its rows */
	struct hash_seed seed;
};

/* The key of row `i` of its kind. */
typedef uint64_t row_key(const struct row_keys *k, size_t i);
uint64_t container_key(const struct row_keys *k, size_t i);
uint64_t process_key(const struct row_keys *k, size_t i);
uint64_t outside_key(const struct row_keys *k, size_t i);
uint64_t group_key(const struct row_keys *k, size_t i);
uint64_t loop_key(const struct row_keys *k, size_t i);
uint64_t neighbour_key(const struct row_keys *k, size_t i);
uint64_t disk_key(const struct row_keys *k, size_t i);
uint64_t disk_neighbour_key(const struct row_keys *k, size_t i);
uint64_t device_key(const struct row_keys *k, size_t i);
uint64_t port_key(const struct row_keys *k, size_t i);
uint64_t interface_key(const struct row_keys *k, size_t i);

/* Fills homes, which have room for the containers. */
void homes_hash(struct row_keys *k);

#endif
