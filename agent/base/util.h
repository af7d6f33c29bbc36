/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * util.h - what every part of the agent uses: scope cleanup, growing buffers, whole-and-in-range
 * number parsers, bounded file reads and clocks. Nothing here logs.
 */
#ifndef SYSSCOPE_UTIL_H
#define SYSSCOPE_UTIL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- scope cleanup ---- */
#define cleanup(f) __attribute__((cleanup(f)))
void freep(void *p);  /* for char *, void * ... : free(*p) */
void closep(int *fd); /* close(*fd) if >= 0, errno kept */
#define _cleanup_free_	cleanup(freep)
#define _cleanup_close_ cleanup(closep)

/* ---- growing text buffer; after a failed allocation `failed` is set and further adds do nothing ---- */
struct buf {
	char *data; /* always NUL-terminated once anything was added */
	size_t len, cap;
	bool failed;
};
void buf_free(struct buf *b);
void buf_reset(struct buf *b); /* empty, memory kept */
void buf_add(struct buf *b, const void *data, size_t len);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define _cleanup_buf_ cleanup(buf_free)

/* ---- numbers from outside: whole and in range or refused with -EINVAL / -ERANGE; *ret untouched then ---- */
int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret);
int parse_double(const char *s, double min, double max, double *ret);

/*
 * Reads at most `cap` bytes of the file into *ret (malloc'ed, NUL-terminated), -EFBIG when there is more.
 * For kernel files (/proc, /sys), which report no size.
 */
int read_file(const char *path, size_t cap, char **ret, size_t *ret_len);

/* Saturating difference of two counters: 0 when `now` is behind. */
static inline uint64_t sub_sat(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

uint64_t clock_boot_ns(void); /* CLOCK_BOOTTIME */
uint64_t clock_wall_ns(void); /* CLOCK_REALTIME */
/*
 * Wall clock at boot: CLOCK_REALTIME - CLOCK_BOOTTIME. `before`, what it was last (0: nothing), where it is off by less than a
 * millisecond: so times of the same moment stay equal, and a process keeps its start time.
 */
uint64_t clock_wall_at_boot_ns(uint64_t before);

#endif
