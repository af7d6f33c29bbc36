/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_text.c - the sanitisers: whatever a name is, nothing goes out that an output cannot take; and the name of a guest in a
 * command line.
 */
#include "fuzz.h"
#include "base/text.h"
#include "base/util.h"
#include "machine/programs.h"

/* Bytes that a terminal would take for a command, or that would end a line. */
static void no_controls(const struct buf *out)
{
	for (size_t i = 0; i < out->len; i++)
		must((unsigned char)out->data[i] >= 0x20 && (unsigned char)out->data[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	char name[GUEST_NAME_MAX];
	struct buf out = {};

	guest_name_find(text, size, name);
	must(strlen(name) < sizeof(name));
	text_terminal(&out, text, size);
	no_controls(&out);
	buf_reset(&out);
	text_label(&out, text, size);
	no_controls(&out);
	/* A quote or the end of the text never stands behind an odd number of backslashes. */
	for (size_t i = 0, slashes = 0; i <= out.len && out.len; i++) {
		if (i == out.len || out.data[i] == '"')
			must(slashes % 2 == (i < out.len));
		slashes = i < out.len && out.data[i] == '\\' ? slashes + 1 : 0;
	}
	buf_reset(&out);
	text_csv(&out, text, size);
	no_controls(&out);
	buf_reset(&out);
	text_utf8(&out, text, size);
	buf_free(&out);
	free(text);
	return 0;
}
