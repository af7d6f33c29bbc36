/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wire.c - see wire.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "record/shape/wire.h"
#include "sysscope/metric.h"

void wire_put(struct buf *out, uint64_t v)
{
	uint8_t bytes[10];
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		bytes[n++] = (uint8_t)(v | 0x80);
	bytes[n++] = (uint8_t)v;
	buf_add(out, bytes, n);
}

uint64_t wire_get(struct wire_input *in)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; shift < 64 && in->at < in->end; shift += 7) {
		uint8_t byte = *in->at++;

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	in->bad = true;
	return 0;
}

const void *wire_take(struct wire_input *in, uint64_t n)
{
	const void *at = in->at;

	if (in->bad || n > wire_left(in)) {
		in->bad = true;
		return NULL;
	}
	in->at += n;
	return at;
}

/* ---- real numbers ---- */

uint64_t wire_real_bits(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

double wire_real(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

/* How the number is written: the lowest bits of the first varint. */
enum real_form { REAL_WHOLE, REAL_RATE, REAL_BITS, REAL_ABSENT };
#define REAL_FORM_BITS 2
/* Whole numbers up to here are exact. */
#define REAL_WHOLE_MAX 9007199254740992.0

/* A rate is a whole number of nanoseconds or things, divided by the interval in one of these ways. */
enum { RATE_OF_NS, RATE_OF_THINGS, RATE_NS_SECONDS, RATE_WAYS };

static double rate_of(int64_t n, unsigned int way, double interval)
{
	switch (way) {
	case RATE_OF_NS:
		return (double)n / (interval * 1e9);
	case RATE_OF_THINGS:
		return (double)n / interval;
	default:
		return (double)n / 1e9 / interval;
	}
}

static bool whole_of(uint64_t bits, int64_t *ret)
{
	double v = wire_real(bits);

	/* Not a number is in no range. */
	if (!(v > -REAL_WHOLE_MAX && v < REAL_WHOLE_MAX))
		return false;
	*ret = (int64_t)v;
	return wire_real_bits((double)*ret) == bits;
}

static bool rate_find(uint64_t bits, double interval, uint64_t *ret)
{
	double v = wire_real(bits);

	if (!(interval > 0))
		return false;
	for (unsigned int way = 0; way < RATE_WAYS; way++) {
		double n = rint(v * interval * (way == RATE_OF_THINGS ? 1 : 1e9));

		if (!(n > -1e15 && n < 1e15) || wire_real_bits(rate_of((int64_t)n, way, interval)) != bits)
			continue;
		*ret = wire_zigzag((uint64_t)(int64_t)n) << 2 | way;
		return true;
	}
	return false;
}

void wire_put_real(struct buf *out, uint64_t bits, uint64_t before, double interval)
{
	uint64_t different = bits ^ before, rate;
	int64_t now, then;
	unsigned int low = 0, n = 0;

	if (bits == wire_real_bits(VALUE_ABSENT)) {
		wire_put(out, REAL_ABSENT);
		return;
	}
	if (whole_of(bits, &now)) {
		if (!whole_of(before, &then))
			then = 0;
		wire_put(out, wire_zigzag((uint64_t)(now - then)) << REAL_FORM_BITS | REAL_WHOLE);
		return;
	}
	if (rate_find(bits, interval, &rate)) {
		wire_put(out, rate << REAL_FORM_BITS | REAL_RATE);
		return;
	}
	for (; different && !(different & 0xff); different >>= 8)
		low++;
	while (n < 8 && different >> (8 * n))
		n++;
	wire_put(out, (low << 4 | n) << REAL_FORM_BITS | REAL_BITS);
	for (unsigned int i = 0; i < n; i++)
		buf_char(out, (char)(different >> (8 * i)));
}

static uint64_t real_get_bits(struct wire_input *in, uint64_t v)
{
	unsigned int low = (unsigned int)(v >> 4 & 0xf), n = (unsigned int)(v & 0xf);
	const uint8_t *bytes;
	uint64_t different = 0;

	if (v > 0xff || low + n > 8 || low > 7) {
		in->bad = true;
		return 0;
	}
	bytes = wire_take(in, n);
	for (unsigned int i = 0; bytes && i < n; i++)
		different |= (uint64_t)bytes[i] << (8 * (low + i));
	return different;
}

uint64_t wire_get_real(struct wire_input *in, uint64_t before, double interval)
{
	uint64_t v = wire_get(in), payload = v >> REAL_FORM_BITS;
	int64_t then;

	switch ((enum real_form)(v & 3)) {
	case REAL_WHOLE:
		if (!whole_of(before, &then))
			then = 0;
		return wire_real_bits((double)(int64_t)((uint64_t)then + wire_unzigzag(payload)));
	case REAL_RATE:
		if (!(interval > 0) || (payload & 3) >= RATE_WAYS)
			in->bad = true;
		else
			return wire_real_bits(rate_of((int64_t)wire_unzigzag(payload >> 2), payload & 3, interval));
		return 0;
	case REAL_BITS:
		return before ^ real_get_bits(in, payload);
	default:
		return wire_real_bits(VALUE_ABSENT);
	}
}

/* ---- texts ---- */

void wire_texts_free(struct wire_texts *t)
{
	for (size_t i = 0; i < t->all.n; i++)
		free(t->all.at[i]);
	list_free(&t->all);
	free(t->slots);
	t->slots = NULL;
	t->n_slots = 0;
}

const char *wire_text(const struct wire_texts *t, uint64_t number)
{
	return number && number <= t->all.n ? t->all.at[number - 1] : NULL;
}

int wire_text_add(struct wire_texts *t, const char *text, size_t n)
{
	char *copy;

	if (list_reserve(&t->all, t->all.n + 1) < 0)
		return -ENOMEM;
	copy = strndup(text, n);
	if (!copy)
		return -ENOMEM;
	t->all.at[t->all.n++] = copy;
	return 0;
}

static uint32_t *slot_of(struct wire_texts *t, const char *text)
{
	size_t i = hash_text(&t->seed, t->seed.begin, text) & (t->n_slots - 1);

	while (t->slots[i] && strcmp(wire_text(t, t->slots[i]), text) != 0)
		i = (i + 1) & (t->n_slots - 1);
	return &t->slots[i];
}

static int slots_grow(struct wire_texts *t)
{
	size_t n = t->n_slots ? t->n_slots * 2 : 1024;
	uint32_t *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	if (!t->n_slots)
		hash_seed_make(&t->seed);
	free(t->slots);
	t->slots = slots;
	t->n_slots = n;
	for (uint32_t i = 0; i < t->all.n; i++)
		*slot_of(t, t->all.at[i]) = i + 1;
	return 0;
}

int wire_text_number(struct wire_texts *t, const char *text, uint64_t *ret)
{
	uint32_t *slot;
	int r;

	if (t->all.n * 2 >= t->n_slots) {
		r = slots_grow(t);
		if (r < 0)
			return r;
	}
	slot = slot_of(t, text);
	if (!*slot) {
		r = wire_text_add(t, text, strlen(text));
		if (r < 0)
			return r;
		*slot = (uint32_t)t->all.n;
	}
	*ret = *slot;
	return 0;
}
