/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_stream.c - the bytes of the task iterator, in pieces: whole records are taken, the sample stays consistent. */
#include "fuzz.h"
#include "sample/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream_room room = {};
	struct sample s = {};
	char *bytes = fuzz_string(data, size);
	ssize_t taken = stream_take(&room, &s, bytes, size);

	must(taken >= 0 && (size_t)taken <= size);
	must((size_t)taken >= s.n_threads * sizeof(struct ss_thread_record));
	for (size_t i = 0; i < s.n_waits; i++)
		must(s.waits[i].thread < s.n_threads && (i == 0 || s.waits[i].thread >= s.waits[i - 1].thread));
	for (size_t i = 0; i < s.n_names; i++)
		must(s.names[i].thread < s.n_threads && (i == 0 || s.names[i].thread > s.names[i - 1].thread));
	for (size_t i = 0; i < s.n_loops; i++)
		must(s.loops[i].thread < s.n_threads && (i == 0 || s.loops[i].thread > s.loops[i - 1].thread));
	free(s.threads);
	free(s.names);
	free(s.waits);
	free(s.loops);
	free(bytes);
	return 0;
}
