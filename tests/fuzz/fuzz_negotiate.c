/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_negotiate.c - headers of HTTP clients: a quality is a quality. */
#include <string.h>

#include "fuzz.h"
#include "serve/text/negotiate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *header = fuzz_string(data, size);
	int q = accept_quality(header, "gzip");
	bool escaping;

	must(q == ACCEPT_UNMENTIONED || (q >= 0 && q <= 1000));
	accept_gzip(header);
	must(!accept_openmetrics(header, &escaping) || strcasestr(header, "openmetrics"));
	free(header);
	return 0;
}
