/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * users.h - user names by uid, from /etc/passwd only. Called by agent/cli/top.c. Never uses NSS: a directory service that does
 * not answer would block the screen, and a monitor must work without the network. Users that exist only in LDAP or the like
 * are shown by number.
 */
#ifndef SYSSCOPE_USERS_H
#define SYSSCOPE_USERS_H

#include <stdint.h>

struct users;

/* For the file `path`, which users_refresh reads. NULL: out of memory. */
struct users *users_new(const char *path);
void users_free(struct users *u); /* NULL: does nothing */

/* Reads the file if it has changed. Call it once per sample; what users_name returned is then invalid. */
void users_refresh(struct users *u);

/* The name as it is in the file, not sanitised; NULL: none. `ctx` is a struct users. */
const char *users_name(void *ctx, uint32_t uid);

#endif
