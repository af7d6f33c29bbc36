/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * folder.h - the folder of a recording: its mark, its lock, the names of its segments. Used by store.c and archive.c. What is in
 * the folder may be hostile: symbolic links are not followed, and nothing but a regular file is opened.
 */
#ifndef SYSSCOPE_RECORD_FOLDER_H
#define SYSSCOPE_RECORD_FOLDER_H

#include "base/list.h"
#include "base/util.h"
#include "record/format.h"

struct folder_segment {
	char name[SEGMENT_NAME_LEN];
	uint32_t number;
	uint64_t time_ns; /* of its begin, from the name */
	uint64_t bytes;
};

struct folder_segments {
	LIST(struct folder_segment) list;
};

/* In the order of writing. Other files are left out. 0 or negative errno. */
int folder_segments_list(int folder, struct folder_segments *ret);
void folder_segments_free(struct folder_segments *s);

/* Opens the folder to write: makes it and its mark, and locks it. *ret_mark holds the lock while it is open. */
int folder_take(const char *path, int *ret_folder, int *ret_mark, struct buf *error);
/* Opens it to read: -ENODATA: there is no recording in it. */
int folder_open(const char *path, int *ret_folder, struct buf *error);
/* Somebody records into it at this moment. */
bool folder_busy(int folder);
/* It is open here, and nobody can find it any more. */
bool folder_removed(int folder);

/* A regular file of the folder, to read. */
int folder_file(int folder, const char *name, int *ret, uint64_t *ret_bytes);

#endif
