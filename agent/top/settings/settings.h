/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * settings.h - the columns that somebody has chosen on the live screen, kept in $XDG_CONFIG_HOME/sysscope/columns, else in
 * ~/.config. The file may be anything: it is read only if it is a small regular one of this user, and believed as a whole or not at
 * all. Used by screen.c; never logs.
 */
#ifndef SYSSCOPE_TOP_SETTINGS_H
#define SYSSCOPE_TOP_SETTINGS_H

#include "exporters/views/views.h"
#include "exporters/table/table.h"

/* Of each view. 0, also if there is no file; else negative errno and a line in `error`, and every view has its own columns. */
int settings_load(struct table_chosen chosen[VIEWS], struct buf *error);
/* The file is there as it was or as it is to be, never in between. 0, or negative errno and a line in `error`. */
int settings_save(const struct table_chosen chosen[VIEWS], struct buf *error);

/* The text of the file, of n bytes; for tests and for the fuzzer: see settings_load. */
int settings_parse(struct table_chosen chosen[VIEWS], const char *text, size_t n, struct buf *error);

#endif
