/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire.h - numbers and texts of a state as bytes: varints, differences of values, the dictionary of texts. What it reads comes from
 * a file: nothing is read beyond its end, and what is wrong there sets `bad`.
 */
#ifndef SYSSCOPE_RECORD_WIRE_H
#define SYSSCOPE_RECORD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/util.h"

struct wire_input {
	const uint8_t *at, *end;
	bool bad;
};

static inline size_t wire_left(const struct wire_input *in)
{
	return (size_t)(in->end - in->at);
}

void wire_put(struct buf *out, uint64_t v);
uint64_t wire_get(struct wire_input *in); /* 0 if bad */
/* Bytes of the input, which stay its own; NULL: there are not so many. */
const void *wire_take(struct wire_input *in, uint64_t n);

/* The difference, positive or negative, modulo 2^64. */
static inline uint64_t wire_zigzag(uint64_t difference)
{
	return difference << 1 ^ (uint64_t) - (int64_t)(difference >> 63);
}

static inline uint64_t wire_unzigzag(uint64_t v)
{
	return v >> 1 ^ (uint64_t) - (int64_t)(v & 1);
}

/* A real number, exact to the bit, as the difference to `before`; `interval`: seconds, for rates. */
void wire_put_real(struct buf *out, uint64_t bits, uint64_t before, double interval);
uint64_t wire_get_real(struct wire_input *in, uint64_t before, double interval);

uint64_t wire_real_bits(double v);
double wire_real(uint64_t bits);

/* ---- texts by number; number 0 is no text ---- */
struct wire_texts {
	LIST(char *) all; /* owned; that of number 1 is the first */
	uint32_t *slots;  /* a power of two, at most half of them used */
	size_t n_slots;
	struct hash_seed seed;
};
void wire_texts_free(struct wire_texts *t);
const char *wire_text(const struct wire_texts *t, uint64_t number); /* NULL: no text */
/* Its number, of a text that is there already or is added. -ENOMEM. */
int wire_text_number(struct wire_texts *t, const char *text, uint64_t *ret);
/* Adds a text that may be there already. 0 or -ENOMEM. */
int wire_text_add(struct wire_texts *t, const char *text, size_t n);

#endif
