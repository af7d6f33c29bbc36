/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metrics_doc - prints docs/metrics.md. Run by `make docs`.
 */
#include <stdio.h>

#include "lib/metrics_doc.h"

int main(void)
{
	_cleanup_buf_ struct buf out = {0};

	metrics_doc(&out);
	if (out.failed || fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout)) {
		fprintf(stderr, "metrics_doc: cannot write\n");
		return 1;
	}
	return 0;
}
