/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tar.h - writes a tar archive (ustar), which every system unpacks. Used by `sysscope bugreport`. */
#ifndef SYSSCOPE_PAST_TAR_H
#define SYSSCOPE_PAST_TAR_H

#include <stddef.h>
#include <stdint.h>

/* Of owner 0, readable by the owner only. `name` has at most 99 bytes. 0 or negative errno. */
int tar_folder(int out, const char *name, uint64_t time);
int tar_file(int out, const char *name, uint64_t time, const void *bytes, size_t n);
/* All of an open file. */
int tar_file_from(int out, const char *name, uint64_t time, int in);
int tar_end(int out);

#endif
