/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_stream.c - the bytes of the task iterator, in pieces: whole records are taken, the sample stays consistent. */
#include <errno.h>

#include "fuzz.h"
#include "sample/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream t = {};
	struct sample s = {};
	char *bytes = fuzz_string(data, size);
	ssize_t taken = stream_take(&t, &s, bytes, size / 2), again;

	must(taken >= -ESTALE && taken <= (ssize_t)(size / 2));
	if (taken >= 0) {
		/* The next pass refers to this one. */
		stream_pass_begin(&t, &s);
		again = stream_take(&t, &s, bytes, size);
		must(again == -ESTALE || (again >= 0 && (size_t)again <= size));
		stream_pass_end(&t);
		taken = again;
	}
	if (taken >= 0)
		must((size_t)taken >= s.n_threads * sizeof(struct ss_thread_same));
	for (size_t i = 0; i < s.n_threads; i++)
		must(s.threads[i].told && s.threads[i].told->record->tid == s.threads[i].tid);
	for (size_t i = 0; i < s.n_loops; i++)
		must(s.loops[i].thread < s.n_threads && (i == 0 || s.loops[i].thread > s.loops[i - 1].thread));
	stream_drop(&t, &s);
	free(bytes);
	return 0;
}
