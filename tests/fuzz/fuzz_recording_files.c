/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_recording_files.c - a segment of a recording: nothing is read past the ends, reading comes to an end, and a block that is
 * delivered has the size that it says. The first byte chooses whether checksums are made right, so that what lies behind them is
 * reached, too.
 */
#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <zlib.h>

#include "record/archive.h"
#include "fuzz.h"

static char fuzz_folder[64], fuzz_segment[128];

static void folder_remove(void)
{
	unlink(fuzz_segment);
	rmdir(fuzz_folder);
}

static void folder_prepare(void)
{
	strcpy(fuzz_folder,
	       access("/dev/shm", W_OK) == 0 ? "/dev/shm/sysscope-fuzz-XXXXXX" : "/tmp/sysscope-fuzz-XXXXXX");
	must(mkdtemp(fuzz_folder));
	atexit(folder_remove);
	snprintf(fuzz_segment, sizeof(fuzz_segment), "%s/00000001-20261130T050000Z.ssrec", fuzz_folder);
}

static void file_write(const char *data, size_t size)
{
	int fd = open(fuzz_segment, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
}

static void crc_set(char *at, const char *data, size_t size)
{
	uint32_t crc = htole32((uint32_t)crc32_z(0, (const void *)data, size));

	memcpy(at, &crc, sizeof(crc));
}

/* The checksums of the headers and of the payloads that are there. */
static void crcs_mend(char *data, size_t size)
{
	for (size_t at = SEGMENT_HEADER_BYTES; at + BLOCK_HEADER_BYTES <= size;) {
		uint32_t length;

		memcpy(data + at, block_magic, BLOCK_MAGIC_BYTES);
		memcpy(&length, data + at + 8, sizeof(length));
		length = le32toh(length);
		if (length > size - at - BLOCK_HEADER_BYTES)
			length = (uint32_t)(size - at - BLOCK_HEADER_BYTES);
		crc_set(data + at + 32, data + at + BLOCK_HEADER_BYTES, length);
		crc_set(data + at + 36, data + at, 36);
		at += BLOCK_HEADER_BYTES + length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = fuzz_string(data, size);
	struct archive_block b;
	struct buf error = {0};
	struct archive *a = NULL;
	uint64_t blocks = 0, sum = 0;

	if (!fuzz_folder[0])
		folder_prepare();
	if (size && copy[0] & 1)
		crcs_mend(copy, size);
	file_write(copy, size);
	if (archive_open(&a, fuzz_folder, &error) == 0) {
		while (archive_next(a, false, &b) == 1) {
			for (size_t i = 0; i < b.n; i++)
				sum += ((const unsigned char *)b.bytes)[i];
			must(++blocks <= size);
		}
		must(archive_refresh(a) == 0);
		archive_close(a);
	} else {
		must(error.len);
	}
	must(sum != UINT64_MAX);
	buf_free(&error);
	free(copy);
	return 0;
}
