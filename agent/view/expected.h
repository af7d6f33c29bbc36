/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * expected.h - what is known of namespace transitions by name alone: how they are called, and which of them runtimes
 * make in the ordinary course of things. Pure; used by the model and by whatever shows facts.
 */
#ifndef SYSSCOPE_NAMESPACES_H
#define SYSSCOPE_NAMESPACES_H

#include <stdbool.h>
#include <stdint.h>

#include "sysscope/sample.h"

/* enum ss_namespace_how: "unknown", "clone", "unshare", "setns", "exec". */
const char *namespace_how_name(uint32_t how);

/*
 * Whether a thread of this name (SS_COMM_LEN bytes, from outside) in such a home makes transitions as a matter of course.
 * A process chooses its name, so this tells apart and proves nothing.
 */
bool namespace_transition_expected(const char *comm, enum home_kind kind);

#endif
