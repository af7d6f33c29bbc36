/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tar.c - see tar.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "past/tar.h"

#define TAR_BLOCK 512

/* As POSIX has it: numbers are octal, in ASCII. */
struct tar_header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a header is a block");

static int header_put(int out, const char *name, uint64_t time, uint64_t size, char type)
{
	struct tar_header h = {.type = type, .magic = "ustar", .version = {'0', '0'}};
	char number[32];
	unsigned int sum = 0;

	if (strlen(name) >= sizeof(h.name))
		return -ENAMETOOLONG;
	if (size >= 1ULL << 33)
		return -EFBIG;
	memcpy(h.name, name, strlen(name));
	memcpy(h.mode, type == '5' ? "0000700" : "0000600", 7);
	memcpy(h.uid, "0000000", 7);
	memcpy(h.gid, "0000000", 7);
	snprintf(number, sizeof(number), "%011llo", (unsigned long long)size);
	memcpy(h.size, number, 11);
	snprintf(number, sizeof(number), "%011llo", (unsigned long long)time & 077777777777ULL);
	memcpy(h.mtime, number, 11);
	memset(h.checksum, ' ', sizeof(h.checksum));
	for (size_t i = 0; i < sizeof(h); i++)
		sum += ((const unsigned char *)&h)[i];
	snprintf(number, sizeof(number), "%06o", sum & 0777777);
	memcpy(h.checksum, number, 7);
	return write_all(out, &h, sizeof(h));
}

static int padding_put(int out, uint64_t size)
{
	static const char zeros[TAR_BLOCK];

	return size % TAR_BLOCK ? write_all(out, zeros, TAR_BLOCK - size % TAR_BLOCK) : 0;
}

int tar_folder(int out, const char *name, uint64_t time)
{
	return header_put(out, name, time, 0, '5');
}

int tar_file(int out, const char *name, uint64_t time, const void *bytes, size_t n)
{
	int r = header_put(out, name, time, n, '0');

	r = r ?: write_all(out, bytes, n);
	return r ?: padding_put(out, n);
}

int tar_file_from(int out, const char *name, uint64_t time, int in)
{
	char bytes[65536];
	uint64_t left;
	struct stat st;
	int r;

	if (fstat(in, &st) < 0)
		return -errno;
	left = (uint64_t)st.st_size;
	r = header_put(out, name, time, left, '0');
	while (!r && left) {
		ssize_t n = read(in, bytes, left < sizeof(bytes) ? left : sizeof(bytes));

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		r = write_all(out, bytes, (size_t)n);
		left -= (size_t)n;
	}
	return r ?: padding_put(out, (uint64_t)st.st_size);
}

int tar_end(int out)
{
	static const char zeros[2 * TAR_BLOCK];

	return write_all(out, zeros, sizeof(zeros));
}
