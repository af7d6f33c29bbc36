/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_files.c - the page at /: its three files, agent/serve/page/, which the assembler puts into the binary. Called by pages.c.
 * The page may load itself and ask this server, and nothing else.
 */
#include <errno.h>
#include <string.h>

#include "serve/answer.h"

/* The Makefile names these files as what this object is made from. */
#define EMBED(NAME, FILE)                                                                                            \
	__asm__(".pushsection .rodata\n" #NAME ":\n.incbin \"agent/serve/page/" FILE "\"\n" #NAME "_end:\n.byte 0\n" \
		".popsection\n");                                                                                    \
	extern const char NAME[], NAME##_end[]

EMBED(page_html, "index.html");
EMBED(page_css, "page.css");
EMBED(page_js, "page.js");

static const struct page_file {
	const char *path, *type;
	const char *begin, *end;
} page_files[] = {
	{"/", TYPE_HTML, page_html, page_html_end},
	{"/page.css", "text/css; charset=utf-8", page_css, page_css_end},
	{"/page.js", "text/javascript; charset=utf-8", page_js, page_js_end},
};

static const struct header page_headers[] = {
	{"Content-Security-Policy",
	 "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
	 "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
	{"Referrer-Policy", "no-referrer"},
	{MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache"},
	{}};

/* Up to the mark, which has to be there, and then `text`. Behind the mark. */
static const char *copy_until(struct buf *out, const char *from, const char *mark, const char *text)
{
	const char *at = strstr(from, mark);

	if (!at)
		return from;
	buf_add(out, from, (size_t)(at - from));
	buf_str(out, text);
	return at + strlen(mark);
}

int landing_write(struct buf *out, const char *telemetry_path, bool recorded)
{
	const char *at = page_html;

	/* Nothing needs escaping: telemetry_path_valid has checked the path. */
	at = copy_until(out, at, "@RECORDED@", recorded ? "yes" : "no");
	at = copy_until(out, at, "@VERSION@", SYSSCOPE_VERSION " (" SYSSCOPE_REVISION ")");
	at = copy_until(out, at, "@METRICS@", telemetry_path + 1);
	buf_str(out, at);
	return out->failed ? -ENOMEM : 0;
}

static const struct page_file *page_file_find(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(page_files); i++)
		if (strcmp(path, page_files[i].path) == 0)
			return &page_files[i];
	return NULL;
}

bool page_file_there(const char *path)
{
	return page_file_find(path) != NULL;
}

enum MHD_Result page_file_answer(const struct asked *r, const char *path)
{
	const struct page_file *f = page_file_find(path);
	const struct buf *filled = &r->http->landing;

	if (f->begin == page_html)
		return answer_queue(r, MHD_HTTP_OK,
				    MHD_create_response_from_buffer(filled->len, filled->data, MHD_RESPMEM_PERSISTENT),
				    f->type, page_headers);
	return answer_queue(r, MHD_HTTP_OK,
			    MHD_create_response_from_buffer((size_t)(f->end - f->begin), (void *)(uintptr_t)f->begin,
							    MHD_RESPMEM_PERSISTENT),
			    f->type, page_headers);
}
