/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pseudonyms.h - names in a recording replaced, each by the same one everywhere: "shop-db" by "container-3", its cgroup by a path
 * of as many parts. A text is kept only where its field holds words of sysscope or of the kernel, or if it is the name of a
 * container runtime or the like; whatever is not known here is replaced. Used by `sysscope bugreport --redact`.
 */
#ifndef SYSSCOPE_PAST_PSEUDONYMS_H
#define SYSSCOPE_PAST_PSEUDONYMS_H

struct buf;
struct pseudonyms;

struct pseudonyms *pseudonyms_new(void); /* NULL: no memory */
void pseudonyms_free(struct pseudonyms *p);

/*
 * A codec_rename: what stands for this text of a field of a recording. Valid until the next call. Without memory it is "?", and
 * pseudonyms_failed tells.
 */
const char *pseudonym(void *pseudonyms, const char *table, const char *field, const char *text);
int pseudonyms_failed(const struct pseudonyms *p); /* 0 or -ENOMEM */

/* Appends the text of a page of sysscope's own; paths in it are replaced, but for those that every machine has. */
void pseudonyms_page(struct pseudonyms *p, struct buf *out, const char *page);

/* A field of a recording whose texts are kept. */
int pseudonym_is_kept(const char *table, const char *field);

#endif
