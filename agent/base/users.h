/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * users.h - names of users by number, from /etc/passwd alone. Called by cmd_top.c. Never asks NSS: a directory service
 * that does not answer would stop the screen, and a monitor must not need the network to say who is slow. Users who are
 * only in LDAP or the like are shown by number.
 */
#ifndef SYSSCOPE_USERS_H
#define SYSSCOPE_USERS_H

#include <stdint.h>

struct users;

/* Names of the file `path`, which users_refresh reads. NULL: no memory. */
struct users *users_new(const char *path);
void users_free(struct users *u); /* NULL is fine */

/* Reads the file if it has changed since. To be called once a sample; frees what users_name returned. */
void users_refresh(struct users *u);

/* Raw, from outside; NULL: that number has no name. `ctx` is a struct users. */
const char *users_name(void *ctx, uint32_t uid);

#endif
