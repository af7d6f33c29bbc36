/* SPDX-License-Identifier: GPL-2.0-or-later */
/* redact.c - see redact.h. */
#include <errno.h>
#include <regex.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "events/redact.h"

/* In names; upper and lower case are the same. */
#define SECRET_NAMES                                                                                          \
	"pass(w|phrase|code|$)|pwd|secret|token|jwt|credential|authorization|auth$|cookie|bearer|signature$|" \
	"session[-_]?(id|key)|(api|access|account|shared|private|master|license|encryption|signing)[-_]?key"
/* Up to the last @, since a password may contain one. */
#define URL_PASSWORD "://[^/@: ]*:([^ ]+)@"

struct redactor {
	regex_t names, url;
	regex_t *more;
	size_t n;
};

static int pattern_compile(regex_t *to, const char *pattern, struct buf *error)
{
	int r = regcomp(to, pattern, REG_EXTENDED | REG_ICASE);
	char why[128];

	if (r == 0)
		return 0;
	regerror(r, to, why, sizeof(why));
	buf_printf(error, "%s", why);
	return -EINVAL;
}

int redactor_open(struct redactor **ret, const char *const *patterns, size_t n, struct buf *error)
{
	struct redactor *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->more = calloc(n + 1, sizeof(*r->more));
	if (!r->more || regcomp(&r->names, SECRET_NAMES, REG_EXTENDED | REG_ICASE | REG_NOSUB)) {
		free(r->more);
		free(r);
		return -ENOMEM;
	}
	if (regcomp(&r->url, URL_PASSWORD, REG_EXTENDED)) {
		regfree(&r->names);
		free(r->more);
		free(r);
		return -ENOMEM;
	}
	for (; r->n < n; r->n++) {
		int error_code = pattern_compile(&r->more[r->n], patterns[r->n], error);

		if (error_code < 0) {
			redactor_close(r);
			return error_code;
		}
	}
	*ret = r;
	return 0;
}

void redactor_close(struct redactor *r)
{
	if (!r)
		return;
	regfree(&r->names);
	regfree(&r->url);
	for (size_t i = 0; i < r->n; i++)
		regfree(&r->more[i]);
	free(r->more);
	free(r);
}

/* Whether these bytes (without a NUL) are the name of a secret. */
static bool is_secret(const struct redactor *r, const char *name, size_t length)
{
	char copy[256];

	/* No real name is that long; its end decides. */
	if (length >= sizeof(copy)) {
		name += length - (sizeof(copy) - 1);
		length = sizeof(copy) - 1;
	}
	memcpy(copy, name, length);
	copy[length] = '\0';
	return regexec(&r->names, copy, 0, NULL, 0) == 0;
}

/* Appends `text` with each match, or with `group` the match of its first group, hidden. */
static void hide_matches(const regex_t *pattern, bool group, const char *text, struct buf *out)
{
	regmatch_t m[2];
	int flags = 0;

	while (*text && regexec(pattern, text, 2, m, flags) == 0) {
		const regmatch_t *hidden = group ? &m[1] : &m[0];

		if (m[0].rm_eo == 0) { /* an empty match, which would never end */
			buf_char(out, *text++);
			flags = REG_NOTBOL;
			continue;
		}
		buf_add(out, text, (size_t)hidden->rm_so);
		buf_str(out, REDACTED);
		buf_add(out, text + hidden->rm_eo, (size_t)(m[0].rm_eo - hidden->rm_eo));
		text += m[0].rm_eo;
		flags = REG_NOTBOL;
	}
	buf_str(out, text);
}

/* Hides passwords in URLs, and matches of the patterns. */
static void hide_patterns(const struct redactor *r, const char *text, struct buf *out)
{
	struct buf now = {0}, next = {0};

	hide_matches(&r->url, true, text, &now);
	for (size_t i = 0; i < r->n; i++) {
		buf_reset(&next);
		hide_matches(&r->more[i], false, now.data ? now.data : "", &next);
		buf_reset(&now);
		buf_str(&now, next.data ? next.data : "");
	}
	if (now.failed || next.failed)
		buf_str(out, REDACTED);
	else
		buf_str(out, now.data ? now.data : "");
	buf_free(&now);
	buf_free(&next);
}

#define BLANKS " \t\n\r\v\f"
#define QUOTES "'\""

/* What to hide next: the rest of an open quote, a word or quote, the part of it after a colon, or everything. */
enum hidden { HIDE_NOTHING, HIDE_QUOTE, HIDE_WORD, HIDE_USER, HIDE_ALL };

/* The quote that is open at the end of these bytes; 0: none. */
static char quote_open(const char *text, size_t length)
{
	char open = 0;

	for (size_t i = 0; i < length; i++) {
		if (open)
			open = text[i] == open ? '\0' : open;
		else if (text[i] == '\'' || text[i] == '"')
			open = text[i];
	}
	return open;
}

/* An option with the value USER:PASSWORD, such as curl's. */
static bool is_user(const char *word, size_t length)
{
	static const char *const names[] = {"-u", "-U", "--user", "--proxy-user"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == length && memcmp(word, names[i], length) == 0)
			return true;
	return false;
}

/* One word. The name of a secret hides its value, or all that follows it: --header=X-Token: VALUE. */
static enum hidden redact_word(const struct redactor *r, const char *word, size_t length, struct buf *out)
{
	size_t begin = 0, end;

	for (; begin < length; begin = end + 1) {
		begin += strspn(word + begin, QUOTES);
		end = begin + strcspn(word + begin, "=:");
		if (end < length && is_user(word + begin, end - begin) && memchr(word + end, ':', length - end))
			end = (size_t)((const char *)memchr(word + end, ':', length - end) - word);
		else if (end < length && !is_secret(r, word + begin, end - begin))
			continue;
		if (end >= length) /* no value in this word: --password VALUE */
			break;
		buf_add(out, word, end + 1);
		if (end + 1 < length)
			buf_str(out, REDACTED);
		/* Authorization: Bearer VALUE, with or without the blank. */
		return word[end] == ':' || end + 1 == length ? HIDE_ALL : HIDE_QUOTE;
	}
	buf_add(out, word, length);
	if (is_user(word, length))
		return HIDE_USER;
	return begin < length && word[begin] == '-' && is_secret(r, word + begin, length - begin) ? HIDE_WORD
												  : HIDE_NOTHING;
}

/* The end of the hidden part that begins here with a word of `length` bytes. */
static const char *hidden_end(const char *text, size_t length)
{
	char quote = quote_open(text, length);
	const char *end = quote ? strchr(text + length, quote) : NULL;

	if (!quote)
		return text + length;
	return end ? end + 1 : text + strlen(text);
}

/* One argument, word by word, since it may be a script. Returns what to hide of the next one. */
static enum hidden redact_one(const struct redactor *r, const char *text, enum hidden hidden, struct buf *out)
{
	struct buf words = {0};

	if (hidden == HIDE_ALL && *text) {
		buf_str(out, REDACTED);
		return HIDE_NOTHING;
	}
	if (hidden == HIDE_USER && strchr(text, ':')) {
		buf_add(out, text, strcspn(text, ":") + 1);
		buf_str(out, REDACTED);
		return HIDE_NOTHING;
	}
	while (*text) {
		size_t blanks = strspn(text, BLANKS), length;

		buf_add(&words, text, blanks);
		text += blanks;
		length = strcspn(text, BLANKS);
		if (!length)
			break;
		if (hidden == HIDE_WORD) {
			buf_str(&words, REDACTED);
			text = hidden_end(text, length);
			hidden = HIDE_NOTHING;
			continue;
		}
		if (hidden == HIDE_USER && memchr(text, ':', length)) {
			buf_add(&words, text, strcspn(text, ":") + 1);
			buf_str(&words, REDACTED);
			text = hidden_end(text, length);
			hidden = HIDE_NOTHING;
			continue;
		}
		hidden = redact_word(r, text, length, &words);
		if (hidden == HIDE_ALL) {
			if (text[length])
				buf_str(&words, " " REDACTED);
			break;
		}
		if (hidden == HIDE_QUOTE)
			text = hidden_end(text, length);
		else
			text += length;
	}
	if (words.failed)
		buf_str(out, REDACTED);
	else
		hide_patterns(r, words.data ? words.data : "", out);
	buf_free(&words);
	/* --password as the last word: all of the next argument is the value, blanks included. */
	if (hidden == HIDE_USER)
		return HIDE_USER;
	return hidden == HIDE_WORD ? HIDE_ALL : HIDE_NOTHING;
}

void redact(const struct redactor *r, const char *arguments, size_t bytes, struct buf *out)
{
	enum hidden next = HIDE_NOTHING;

	for (size_t at = 0; at < bytes;) {
		size_t length = strnlen(arguments + at, bytes - at);
		char *text = strndup(arguments + at, length);

		if (!text)
			buf_str(out, REDACTED);
		else
			next = redact_one(r, text, next, out);
		buf_add(out, "", 1);
		free(text);
		at += length + 1;
	}
}
