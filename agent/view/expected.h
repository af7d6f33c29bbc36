/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * expected.h - which namespace transitions container runtimes make in normal operation, judged by what they do and by
 * name; and the names of the calls. Pure; used by the model and by outputs that show facts.
 */
#ifndef SYSSCOPE_EXPECTED_H
#define SYSSCOPE_EXPECTED_H

#include <stdbool.h>
#include <stdint.h>

#include "sysscope/sample.h"

/* enum ss_namespace_how: "unknown", "clone", "unshare", "setns", "exec". */
const char *namespace_how_name(uint32_t how);

/*
 * Whether a thread of this name (SS_COMM_LEN bytes, from outside) in such a home is expected to make transitions. `signs`
 * (enum ss_runtime_sign): what it was seen to do. A process chooses its own name and may do what runtimes do, so this
 * classifies and proves nothing.
 */
bool namespace_transition_expected(const char *comm, enum home_kind kind, uint32_t signs);

/* By name alone: what is not a change of a namespace. */
bool runtime_named(const char *comm, enum home_kind kind);

#endif
