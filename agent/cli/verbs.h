/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verbs.h - the verbs: one row each, defined in the file of that name, listed in main.c's table, run by run_verb. */
#ifndef SYSSCOPE_VERBS_H
#define SYSSCOPE_VERBS_H

#include "options/options.h"

extern const struct verb verb_top, verb_diagnose, verb_serve, verb_events, verb_capabilities, verb_doctor, verb_record,
	verb_bugreport;

#endif
