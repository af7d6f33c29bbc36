/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verbs.h - the verbs: one row each, defined in the file of that name, run by run_verb. Their list is for main.c, and for
 * deploy/pages, which makes the manual and the shells' completions of it.
 */
#ifndef SYSSCOPE_VERBS_H
#define SYSSCOPE_VERBS_H

#include "options/options.h"

extern const struct verb verb_top, verb_diagnose, verb_serve, verb_events, verb_capabilities, verb_doctor, verb_record,
	verb_bugreport;

#define VERBS                                                                                                         \
	{                                                                                                             \
		&verb_top, &verb_diagnose, &verb_serve, &verb_record, &verb_events, &verb_capabilities, &verb_doctor, \
			&verb_bugreport                                                                               \
	}

#endif
