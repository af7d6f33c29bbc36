/* SPDX-License-Identifier: GPL-2.0-or-later */
/* home.h - one home: found by its path or made. Called by homes.c and incarnations.c. */
#ifndef SYSSCOPE_HOMES_HOME_H
#define SYSSCOPE_HOMES_HOME_H

#include "homes/homes.h"

/* The home of this path, with the identity `who`, made if there is none. NULL: no memory. */
struct home *home_get(struct homes *homes, const struct moment *now, const char *path, const struct identity *who);

/* It is in no table any more, and has no groups. */
void home_free(struct home *h);

#endif
