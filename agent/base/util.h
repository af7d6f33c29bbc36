/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * util.h - what every part of the agent uses: scope cleanup, growing buffers, strict number parsers, bounded file reads and
 * clocks. Keeps no state, never logs.
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

/* The descriptor is the caller's: whoever would have closed it no longer has it. */
static inline int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* ---- growing text buffer; a failed allocation sets `failed`, after which nothing more is added ---- */
struct buf {
	char *data; /* NUL-terminated; NULL until something was added */
	size_t len, cap;
	bool failed;
};
void buf_free(struct buf *b);
void buf_reset(struct buf *b); /* empties it, keeps the memory */
/* Room for `more` bytes and a NUL behind `len`, for what is written in place; false: failed. */
bool buf_room(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *data, size_t len);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define _cleanup_buf_ cleanup(buf_free)

/* ---- numbers from outside: the whole text is a number in range, or -EINVAL / -ERANGE and *ret is untouched ---- */
int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret);
int parse_double(const char *s, double min, double max, double *ret);

/* Writes all of it, however often it takes. 0 or negative errno. */
int write_all(int fd, const void *bytes, size_t n);

/*
 * Reads a file of at most `cap` bytes into *ret (malloc'ed, NUL-terminated); -EFBIG: it is longer. For kernel files (/proc,
 * /sys), which report no size.
 */
int read_file(const char *path, size_t cap, char **ret, size_t *ret_len);

/* Whether the cgroup `path` is `top` or below it. */
bool path_within(const char *path, const char *top);

/* Saturating difference of two counters: 0 if `now` is smaller. */
static inline uint64_t sub_sat(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

uint64_t clock_boot_ns(void); /* CLOCK_BOOTTIME */
uint64_t clock_wall_ns(void); /* CLOCK_REALTIME */
/*
 * The wall clock at boot: CLOCK_REALTIME - CLOCK_BOOTTIME. `before` is the previous result (0: none), which is returned again
 * if the new one differs by less than a millisecond: a process then keeps its start time.
 */
uint64_t clock_wall_at_boot_ns(uint64_t before);

#endif
