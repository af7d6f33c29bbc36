/* SPDX-License-Identifier: GPL-2.0-or-later */
/* format.c - see format.h. All numbers are little-endian. */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <zlib.h>
#include <zstd.h>

#include "base/util.h"
#include "record/format.h"

static const uint8_t segment_magic[8] = {'s', 's', 'r', 'e', 'c', '\r', '\n', 0x1a};
static const uint8_t trailer_magic[4] = {'s', 's', 'i', 'x'};
const uint8_t block_magic[BLOCK_MAGIC_BYTES] = {0xf5, 's', 's', 'b'};

/* ---- numbers ---- */

static void put32(uint8_t *out, uint32_t v)
{
	v = htole32(v);
	memcpy(out, &v, sizeof(v));
}

static void put64(uint8_t *out, uint64_t v)
{
	v = htole64(v);
	memcpy(out, &v, sizeof(v));
}

static uint32_t get32(const uint8_t *in)
{
	uint32_t v;

	memcpy(&v, in, sizeof(v));
	return le32toh(v);
}

static uint64_t get64(const uint8_t *in)
{
	uint64_t v;

	memcpy(&v, in, sizeof(v));
	return le64toh(v);
}

static uint32_t crc_of(const void *data, size_t length)
{
	return (uint32_t)crc32_z(0, data, length);
}

/* ---- names ---- */

void segment_name_write(char *out, uint32_t number, uint64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / 1000000000ULL);
	struct tm tm = {};

	gmtime_r(&seconds, &tm);
	/* Four digits: a clock that is wrong by millennia makes no longer name. */
	snprintf(out, SEGMENT_NAME_LEN, "%08u-%04u%02u%02uT%02u%02u%02uZ.ssrec", number,
		 (unsigned int)(tm.tm_year + 1900) % 10000U, (unsigned int)(tm.tm_mon + 1) % 100U,
		 (unsigned int)tm.tm_mday % 100U, (unsigned int)tm.tm_hour % 100U, (unsigned int)tm.tm_min % 100U,
		 (unsigned int)tm.tm_sec % 100U);
}

bool segment_name_read(const char *name, uint32_t *ret_number, uint64_t *ret_time_ns)
{
	size_t digits = strspn(name, "0123456789");
	char number[16] = "", again[SEGMENT_NAME_LEN];
	struct tm tm = {};
	uint64_t n;
	char *end;

	if (digits < 8 || digits > 10 || name[digits] != '-')
		return false;
	memcpy(number, name, digits);
	end = strptime(name + digits + 1, "%Y%m%dT%H%M%SZ", &tm);
	if (!end || strcmp(end, ".ssrec") != 0 || parse_u64(number, 1, UINT32_MAX, &n) < 0)
		return false;
	*ret_number = (uint32_t)n;
	*ret_time_ns = (uint64_t)timegm(&tm) * 1000000000ULL;
	/* A name that we would not have written is somebody else's file. */
	segment_name_write(again, *ret_number, *ret_time_ns);
	return strcmp(name, again) == 0;
}

/* ---- segments ---- */

enum {
	SEGMENT_AT_VERSION = 8,
	SEGMENT_AT_TIME = 16,
	SEGMENT_AT_INTERVAL = 24,
	SEGMENT_AT_TEXTS = 32,
	SEGMENT_AT_FACTS = 208
};
#define SEGMENT_AT_CRC (SEGMENT_HEADER_BYTES - 4)

void segment_header_write(const struct segment_header *h, uint8_t *out)
{
	uint8_t *text = out + SEGMENT_AT_TEXTS;

	memset(out, 0, SEGMENT_HEADER_BYTES);
	memcpy(out, segment_magic, sizeof(segment_magic));
	put32(out + SEGMENT_AT_VERSION, h->version);
	put64(out + SEGMENT_AT_TIME, h->time_ns);
	put64(out + SEGMENT_AT_INTERVAL, h->interval_ns);
	snprintf((char *)text, sizeof(h->sysscope), "%s", h->sysscope);
	snprintf((char *)text + sizeof(h->sysscope), sizeof(h->host), "%s", h->host);
	snprintf((char *)text + sizeof(h->sysscope) + sizeof(h->host), sizeof(h->kernel), "%s", h->kernel);
	put32(out + SEGMENT_AT_FACTS, h->fact_kinds);
	put32(out + SEGMENT_AT_CRC, crc_of(out, SEGMENT_AT_CRC));
}

int segment_header_read(const uint8_t *in, struct segment_header *ret)
{
	const uint8_t *text = in + SEGMENT_AT_TEXTS;

	*ret = (struct segment_header){};
	if (memcmp(in, segment_magic, sizeof(segment_magic)) != 0 ||
	    get32(in + SEGMENT_AT_CRC) != crc_of(in, SEGMENT_AT_CRC))
		return -EBADMSG;
	ret->version = get32(in + SEGMENT_AT_VERSION);
	if (ret->version > RECORDING_VERSION)
		return -EPROTONOSUPPORT;
	ret->time_ns = get64(in + SEGMENT_AT_TIME);
	ret->interval_ns = get64(in + SEGMENT_AT_INTERVAL);
	ret->fact_kinds = get32(in + SEGMENT_AT_FACTS);
	/* The last byte of each stays a NUL. */
	memcpy(ret->sysscope, text, sizeof(ret->sysscope) - 1);
	memcpy(ret->host, text + sizeof(ret->sysscope), sizeof(ret->host) - 1);
	memcpy(ret->kernel, text + sizeof(ret->sysscope) + sizeof(ret->host), sizeof(ret->kernel) - 1);
	return 0;
}

void segment_trailer_write(uint64_t index_offset, uint8_t *out)
{
	memcpy(out, trailer_magic, sizeof(trailer_magic));
	put64(out + 8, index_offset);
	put32(out + 4, crc_of(out + 8, sizeof(uint64_t)));
}

int segment_trailer_read(const uint8_t *in, uint64_t *ret_index_offset)
{
	if (memcmp(in, trailer_magic, sizeof(trailer_magic)) != 0 || get32(in + 4) != crc_of(in + 8, sizeof(uint64_t)))
		return -EBADMSG;
	*ret_index_offset = get64(in + 8);
	return 0;
}

/* ---- blocks ---- */

enum {
	BLOCK_AT_KIND = 4,
	BLOCK_AT_FLAGS = 5,
	BLOCK_AT_LENGTH = 8,
	BLOCK_AT_SIZE = 12,
	BLOCK_AT_NUMBER = 16,
	BLOCK_AT_TIME = 24,
	BLOCK_AT_PAYLOAD_CRC = 32,
	BLOCK_AT_CRC = 36
};

void block_header_write(const struct block_header *h, uint8_t *out)
{
	memset(out, 0, BLOCK_HEADER_BYTES);
	memcpy(out, block_magic, BLOCK_MAGIC_BYTES);
	out[BLOCK_AT_KIND] = (uint8_t)h->kind;
	out[BLOCK_AT_FLAGS] = h->flags;
	put32(out + BLOCK_AT_LENGTH, h->length);
	put32(out + BLOCK_AT_SIZE, h->size);
	put32(out + BLOCK_AT_NUMBER, h->number);
	put64(out + BLOCK_AT_TIME, h->time_ns);
	put32(out + BLOCK_AT_PAYLOAD_CRC, h->payload_crc);
	put32(out + BLOCK_AT_CRC, crc_of(out, BLOCK_AT_CRC));
}

int block_header_read(const uint8_t *in, struct block_header *ret)
{
	if (memcmp(in, block_magic, BLOCK_MAGIC_BYTES) != 0 || get32(in + BLOCK_AT_CRC) != crc_of(in, BLOCK_AT_CRC))
		return -EBADMSG;
	*ret = (struct block_header){
		.kind = in[BLOCK_AT_KIND],
		.flags = in[BLOCK_AT_FLAGS],
		.length = get32(in + BLOCK_AT_LENGTH),
		.size = get32(in + BLOCK_AT_SIZE),
		.number = get32(in + BLOCK_AT_NUMBER),
		.time_ns = get64(in + BLOCK_AT_TIME),
		.payload_crc = get32(in + BLOCK_AT_PAYLOAD_CRC),
	};
	return ret->size <= BLOCK_SIZE_MAX && ret->length <= block_length_max(ret->size) ? 0 : -EBADMSG;
}

uint32_t block_crc(const void *payload, size_t length)
{
	return crc_of(payload, length);
}

/* A flush adds the header of an empty block, and the first one that of the stream. */
size_t block_length_max(uint32_t size)
{
	return ZSTD_compressBound(size) + 64;
}

void frame_entry_write(const struct frame_entry *f, uint8_t *out)
{
	memset(out, 0, FRAME_ENTRY_BYTES);
	put64(out, f->offset);
	put64(out + 8, f->first_ns);
	put64(out + 16, f->last_ns);
	put32(out + 24, f->samples);
}

void frame_entry_read(const uint8_t *in, struct frame_entry *ret)
{
	*ret = (struct frame_entry){
		.offset = get64(in), .first_ns = get64(in + 8), .last_ns = get64(in + 16), .samples = get32(in + 24)};
}
