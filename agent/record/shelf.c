/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shelf.c - see shelf.h. What could not be written whole is taken back, so that a disk without room leaves no torn block behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/shelf.h"

void shelf_init(struct shelf *s, uint64_t keep_bytes, double keep_seconds)
{
	*s = (struct shelf){.keep_bytes = keep_bytes,
			    .keep_ns = (uint64_t)(keep_seconds * 1e9),
			    .folder = -1,
			    .mark = -1,
			    .fd = -1};
}

int shelf_open(struct shelf *s, const char *path, struct buf *error)
{
	int r = folder_take(path, &s->folder, &s->mark, error);

	if (r < 0)
		return r;
	r = folder_segments_list(s->folder, &s->segments);
	for (size_t i = 0; i < s->segments.list.n; i++)
		s->kept_bytes += s->segments.list.at[i].bytes;
	if (s->segments.list.n)
		s->number = s->segments.list.at[s->segments.list.n - 1].number;
	return r;
}

static void shelf_drop(struct shelf *s)
{
	closep(&s->fd);
	s->fd = -1;
}

void shelf_end(struct shelf *s)
{
	if (s->fd < 0)
		return;
	fsync(s->fd);
	shelf_drop(s);
}

void shelf_close(struct shelf *s)
{
	shelf_end(s);
	folder_segments_free(&s->segments);
	if (s->mark >= 0)
		closep(&s->mark);
	if (s->folder >= 0)
		closep(&s->folder);
	s->mark = s->folder = -1;
}

/* ---- bytes ---- */

/* What is written to a file that has no name any more is seen by nobody. */
static bool file_is_gone(const struct shelf *s)
{
	struct stat st;

	return fstat(s->fd, &st) == 0 && st.st_nlink == 0;
}

/* The open file is no longer one of the folder. */
static void file_forget(struct shelf *s)
{
	s->kept_bytes -= s->segments.list.at[--s->segments.list.n].bytes;
	shelf_drop(s);
}

int shelf_append(struct shelf *s, const void *bytes, size_t n)
{
	const char *p = bytes;
	size_t done = 0;

	if (s->fd < 0)
		return -ENOENT;
	if (file_is_gone(s)) {
		file_forget(s);
		return -ENOENT;
	}
	while (done < n) {
		ssize_t w = pwrite(s->fd, p + done, n - done, (off_t)(s->end + done));

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			int r = w < 0 ? -errno : -EIO;

			/* Where even this fails, the reader finds a torn block. */
			if (done && ftruncate(s->fd, (off_t)s->end) < 0)
				s->end += done;
			return r;
		}
		done += (size_t)w;
	}
	s->end += n;
	s->bytes += n;
	s->kept_bytes += n;
	s->segments.list.at[s->segments.list.n - 1].bytes = s->end;
	return 0;
}

int shelf_begin(struct shelf *s, const struct segment_header *h)
{
	struct folder_segment segment = {.number = s->number + 1, .time_ns = h->time_ns};
	uint8_t header[SEGMENT_HEADER_BYTES];
	int r = list_reserve(&s->segments.list, s->segments.list.n + 1);

	if (r < 0)
		return r;
	if (s->number == UINT32_MAX)
		return -EOVERFLOW;
	segment_header_write(h, header);
	segment_name_write(segment.name, segment.number, h->time_ns);
	s->fd = openat(s->folder, segment.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s->fd < 0)
		return -errno;
	s->segments.list.at[s->segments.list.n++] = segment;
	s->number = segment.number;
	s->end = 0;
	r = shelf_append(s, header, sizeof(header));
	/* A segment without its header is no segment. */
	if (r < 0 && s->fd >= 0) {
		unlinkat(s->folder, segment.name, 0);
		file_forget(s);
	}
	return r;
}

/* ---- what is kept ---- */

static void oldest_remove(struct shelf *s)
{
	struct folder_segment *oldest = s->segments.list.at;

	/* If it cannot be removed it is forgotten: it is no longer ours to count. */
	unlinkat(s->folder, oldest->name, 0);
	s->kept_bytes -= oldest->bytes;
	memmove(oldest, oldest + 1, --s->segments.list.n * sizeof(*oldest));
}

/* A closed segment ends where the next one begins. */
void shelf_trim(struct shelf *s, uint64_t now_ns)
{
	while (s->segments.list.n > 1) {
		bool large = s->keep_bytes && s->kept_bytes > s->keep_bytes;
		bool old = s->keep_ns && sub_sat(now_ns, s->segments.list.at[1].time_ns) > s->keep_ns;

		if (!large && !old)
			return;
		oldest_remove(s);
	}
}
