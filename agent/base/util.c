/* SPDX-License-Identifier: GPL-2.0-or-later */
/* util.c - see util.h. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"

#define BUF_FIRST_CAP	 256
#define READ_FIRST_BYTES 4096

/*
 * ncurses needs the user's locale, but numbers that are read or written here must not have a decimal comma. For "C" glibc
 * returns a static object: nothing is allocated or must be freed.
 */
static locale_t locale_plain(void)
{
	return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* ---- scope cleanup ---- */
void freep(void *p)
{
	free(*(void **)p);
}

void closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

/* ---- buffer ---- */
void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

/* Room for `more` bytes and the NUL. */
bool buf_room(struct buf *b, size_t more)
{
	size_t need, cap = b->cap ? b->cap : BUF_FIRST_CAP;
	char *data;

	if (b->failed)
		return false;
	if (__builtin_add_overflow(b->len, more, &need) || need > SIZE_MAX / 2 - 1) {
		b->failed = true;
		return false;
	}
	if (need < b->cap)
		return true;
	while (cap <= need)
		cap *= 2;
	data = realloc(b->data, cap);
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->cap = cap;
	return true;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	if (!buf_room(b, len))
		return;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *format, ...)
{
	locale_t before;
	va_list args;
	int n;

	if (!buf_room(b, 64))
		return;
	before = uselocale(locale_plain());
	va_start(args, format);
	n = vsnprintf(b->data + b->len, b->cap - b->len, format, args);
	va_end(args);
	if (n >= 0 && (size_t)n >= b->cap - b->len && buf_room(b, (size_t)n)) {
		va_start(args, format);
		n = vsnprintf(b->data + b->len, b->cap - b->len, format, args);
		va_end(args);
	}
	uselocale(before);
	if (n < 0)
		b->failed = true;
	if (b->failed)
		b->data[b->len] = '\0'; /* drop what was written in part */
	else
		b->len += (size_t)n;
}

/* ---- numbers ---- */
int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!s || !*s)
		return -EINVAL;
	for (const char *p = s; *p; p++)
		if (*p < '0' || *p > '9')
			return -EINVAL;
	for (; *s; s++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return -ERANGE;
	if (v < min || v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

int parse_double(const char *s, double min, double max, double *ret)
{
	char *end;
	double v;

	/* strtod also accepts blanks, hexadecimal numbers, "inf" and "nan": not what a person means. */
	if (!s || !*s || s[strspn(s, "0123456789+-.eE")] != '\0' || *s == '+')
		return -EINVAL;
	v = strtod_l(s, &end, locale_plain());
	if (end == s || *end)
		return -EINVAL;
	if (!isfinite(v) || v < min || v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

int write_all(int fd, const void *bytes, size_t n)
{
	for (const char *at = bytes; n;) {
		ssize_t done = write(fd, at, n);

		if (done < 0 && errno != EINTR)
			return -errno;
		at += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
	return 0;
}

/* ---- files ---- */
int read_file(const char *path, size_t cap, char **ret, size_t *ret_len)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_free_ char *data = NULL;
	size_t size = 0, len = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n;

		/* One byte more than `cap` shows that the file is longer; another one is for the NUL. */
		if (len == size) {
			size_t grown = size ? size * 2 : READ_FIRST_BYTES;
			char *p;

			if (grown > cap + 1 || grown < size)
				grown = cap + 1;
			p = realloc(data, grown + 1);
			if (!p)
				return -ENOMEM;
			data = p;
			size = grown;
		}
		n = read(fd, data + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > cap)
			return -EFBIG;
	}
	data[len] = '\0';
	*ret = data;
	data = NULL;
	if (ret_len)
		*ret_len = len;
	return 0;
}

/* ---- clocks ---- */
static uint64_t clock_ns(clockid_t id)
{
	struct timespec t = {0};

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

uint64_t clock_boot_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

uint64_t clock_wall_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

uint64_t clock_wall_at_boot_ns(uint64_t before)
{
	uint64_t now = clock_wall_ns() - clock_boot_ns();

	return before && now - before + 1000000 < 2000000 ? before : now;
}

bool path_within(const char *path, const char *top)
{
	size_t length = strlen(top);

	return strncmp(path, top, length) == 0 && (!path[length] || path[length] == '/');
}
