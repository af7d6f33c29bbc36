/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hash.h - hashes of names that others choose: without the seed nobody can aim them at one slot of a table.
 */
#ifndef SYSSCOPE_HASH_H
#define SYSSCOPE_HASH_H

#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include "base/util.h"

struct hash_seed {
	uint64_t begin, factor;
};

/* Early in the boot there may be no entropy: then a table is only easier to attack. */
static inline void hash_seed_make(struct hash_seed *seed)
{
	if (getrandom(seed, sizeof(*seed), GRND_NONBLOCK) != sizeof(*seed))
		seed->begin = seed->factor = clock_boot_ns();
	seed->factor |= 1;
}

/* `number` must not be a hash of the same seed that may equal `hash`. */
static inline uint64_t hash_number(const struct hash_seed *seed, uint64_t hash, uint64_t number)
{
	unsigned __int128 wide = (unsigned __int128)(hash ^ number ^ 0x9e3779b97f4a7c15ULL) * seed->factor;

	return (uint64_t)wide ^ (uint64_t)(wide >> 64);
}

/* Of what `hash` stands for, followed by this; begin with seed->begin. */
static inline uint64_t hash_data(const struct hash_seed *seed, uint64_t hash, const void *data, size_t length)
{
	const unsigned char *p = data;

	hash ^= length;
	for (; length >= sizeof(uint64_t); length -= sizeof(uint64_t), p += sizeof(uint64_t)) {
		uint64_t chunk;

		memcpy(&chunk, p, sizeof(chunk));
		hash = hash_number(seed, hash, chunk);
	}
	if (length) {
		uint64_t chunk = 0;

		memcpy(&chunk, p, length);
		hash = hash_number(seed, hash, chunk);
	}
	return hash;
}

static inline uint64_t hash_text(const struct hash_seed *seed, uint64_t hash, const char *text)
{
	return hash_data(seed, hash, text, strlen(text));
}

#endif
