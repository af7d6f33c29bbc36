/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * passwords.h - who may ask: users with bcrypt hashes. A check takes 50 ms and more, so a thread of its own makes them, one at a
 * time, and few may wait for it: a flood of wrong passwords delays neither those who are known nor the loop. Called by
 * agent/serve/; all functions on one thread. Never logs.
 */
#ifndef SYSSCOPE_SERVE_PASSWORDS_H
#define SYSSCOPE_SERVE_PASSWORDS_H

#include <stdbool.h>

struct conf;
struct passwords;

enum password_answer {
	PASSWORD_RIGHT,
	PASSWORD_WRONG,
	PASSWORD_WAITS, /* being checked: passwords_done tells */
	PASSWORD_BUSY,	/* too many wait already */
};

/*
 * `list`: a map of names and hashes, copied. `fd` of passwords_fd is readable when a check is done. 0 or negative errno.
 */
int passwords_open(struct passwords **ret, const struct conf *list);
/* NULL: does nothing. */
void passwords_close(struct passwords *u);
/* There are no more checks after the one that is being made. The second one waits for that. */
void passwords_end(struct passwords *u);
void passwords_stop(struct passwords *u);
/* After passwords_end, and once passwords_drop has given back all: closes it, without waiting for the check that is being made. */
void passwords_leave(struct passwords *u);
/* Whether they are those of this list (NULL: nobody). */
bool passwords_same(const struct passwords *u, const struct conf *list);
int passwords_fd(const struct passwords *u);

/*
 * Whether this name has this password. What was right or wrong a moment ago is known; else, with PASSWORD_WAITS, `who` is asked
 * about until passwords_done or passwords_drop gives it back. Who is unknown takes as long as who is known.
 */
enum password_answer passwords_check(struct passwords *u, const char *name, const char *password, void *who);
/* One whose check is done; NULL: none. */
void *passwords_done(struct passwords *u, bool *ret_right);
/* After passwords_end or passwords_stop: gives back one of those who wait; NULL: nobody does. */
void *passwords_drop(struct passwords *u);

#endif
