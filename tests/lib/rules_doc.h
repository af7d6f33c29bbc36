/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules_doc.h - the part of docs/diagnose.md that is made from the table of rules. Used by tests/tools/rules_doc and the test. */
#ifndef SYSSCOPE_TESTS_RULES_DOC_H
#define SYSSCOPE_TESTS_RULES_DOC_H

#include "base/util.h"

/* The line of docs/diagnose.md behind which it stands. */
#define RULES_DOC_HEADING "\n## Rules\n"

void rules_doc(struct buf *out);

#endif
