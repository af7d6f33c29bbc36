/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * format.h - the bytes of a recording: the header of a segment file, the headers of its blocks, the index at its end. Used by
 * store.c, which writes them, and by segment.c, which reads them; opens no file. docs/recording.md describes the same.
 */
#ifndef SYSSCOPE_RECORD_FORMAT_H
#define SYSSCOPE_RECORD_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORDING_VERSION 2
/* The file that says that its folder is a recording, and that the one who writes has locked. */
#define RECORDING_MARK	    "sysscope-recording"
#define RECORDING_MARK_TEXT "This folder is a recording of sysscope; `sysscope top --replay` shows it.\n"

/* A state that is larger is not written, and a block that claims to be is not read. */
#define BLOCK_SIZE_MAX (256u << 20)
/* The most samples that begin with one whole state: what a damaged byte costs. */
#define FRAME_SAMPLES 60

#define SEGMENT_NAME_LEN 40 /* with the NUL */
/* "00000007-20261130T050000Z.ssrec": the names sort in the order of writing, whatever the clock did. */
void segment_name_write(char *out, uint32_t number, uint64_t time_ns);
/* False: this is no name of a segment. */
bool segment_name_read(const char *name, uint32_t *ret_number, uint64_t *ret_time_ns);

/* At the begin of a segment. The texts are of who recorded. */
#define SEGMENT_HEADER_BYTES 256
struct segment_header {
	uint32_t version;
	uint64_t time_ns, interval_ns; /* when it was begun; between two samples */
	char sysscope[32], host[72], kernel[72];
	uint32_t fact_kinds; /* that it has, a bit each by number in abi/facts.def; 0: it has no facts */
};
void segment_header_write(const struct segment_header *h, uint8_t *out);
/* -EBADMSG: damaged; -EPROTONOSUPPORT: of a later version, ret->version says which. */
int segment_header_read(const uint8_t *in, struct segment_header *ret);

enum block_kind { BLOCK_STATE = 1, BLOCK_FACTS, BLOCK_INDEX };

#define BLOCK_BEGINS_FRAME 1u

#define BLOCK_HEADER_BYTES 40
struct block_header {
	enum block_kind kind;
	uint8_t flags;
	uint32_t length; /* of the bytes that follow */
	uint32_t size;	 /* of what they are uncompressed */
	uint32_t number; /* of samples in this segment so far, this one included */
	uint64_t time_ns;
	uint32_t payload_crc;
};
void block_header_write(const struct block_header *h, uint8_t *out);
/* -EBADMSG: these bytes are no header. */
int block_header_read(const uint8_t *in, struct block_header *ret);
uint32_t block_crc(const void *payload, size_t length);
/* The most bytes that a payload of so many uncompressed bytes may have. */
size_t block_length_max(uint32_t size);

/* A frame: a whole state and what follows it, up to the next one. */
struct frame_entry {
	uint64_t offset; /* of its first block in the segment */
	uint64_t first_ns, last_ns;
	uint32_t samples;
};
#define FRAME_ENTRY_BYTES 32
void frame_entry_write(const struct frame_entry *f, uint8_t *out);
void frame_entry_read(const uint8_t *in, struct frame_entry *ret);

/* Behind the index, the last bytes of a segment that was closed: where the index is. */
#define SEGMENT_TRAILER_BYTES 16
void segment_trailer_write(uint64_t index_offset, uint8_t *out);
int segment_trailer_read(const uint8_t *in, uint64_t *ret_index_offset);

#define BLOCK_MAGIC_BYTES 4
extern const uint8_t block_magic[BLOCK_MAGIC_BYTES];

#endif
