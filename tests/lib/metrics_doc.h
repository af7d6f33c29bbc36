/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metrics_doc.h - writes docs/metrics.md from the descriptors. Used by tools/metrics_doc, which prints it, and by
 * test_metrics.c, which fails when the file in the tree is stale.
 */
#ifndef SYSSCOPE_TESTS_METRICS_DOC_H
#define SYSSCOPE_TESTS_METRICS_DOC_H

#include <string.h>

#include "base/util.h"
#include "sysscope/view.h"

void metrics_doc(struct buf *out);

#endif
