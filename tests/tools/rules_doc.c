/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules_doc - prints the part of docs/diagnose.md that is made from the table of rules. Run by `make docs`.
 */
#include <stdio.h>

#include "lib/rules_doc.h"

int main(void)
{
	_cleanup_buf_ struct buf out = {0};

	rules_doc(&out);
	if (out.failed || fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout)) {
		fprintf(stderr, "rules_doc: cannot write\n");
		return 1;
	}
	return 0;
}
