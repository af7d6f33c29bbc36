/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "promcheck.h"
#include "promcheck_histogram.h"

void prom_error(struct prom_check *c, int line, const char *format, ...)
{
	va_list args;

	c->n_errors++;
	if (!c->errors)
		return;
	fprintf(c->errors, "line %d: ", line);
	va_start(args, format);
	vfprintf(c->errors, format, args);
	va_end(args);
	fputc('\n', c->errors);
}

void *prom_alloc(void *p, size_t size)
{
	p = realloc(p, size);
	if (!p)
		abort();
	return p;
}

char *prom_strndup(const char *s, size_t n)
{
	char *p = prom_alloc(NULL, n + 1);

	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

void prom_check_free(struct prom_check *c)
{
	for (size_t i = 0; i < c->n_families; i++)
		free(c->families[i].name);
	for (size_t i = 0; i < c->n_samples; i++) {
		for (size_t j = 0; j < c->samples[i].n_labels; j++)
			free(c->samples[i].labels[j]);
		free(c->samples[i].labels);
		free(c->samples[i].name);
		free(c->samples[i].series);
	}
	free(c->families);
	free(c->samples);
	*c = (struct prom_check){.errors = c->errors};
}

/* ---- bytes ---- */
static size_t prom_utf8_len(const unsigned char *s, size_t left)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
	unsigned long c = n == 1 ? s[0] : s[0] & (0x7fU >> n);

	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if ((n == 3 && c < 0x800) || (n == 4 && c < 0x10000) || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return n;
}

static void prom_check_bytes(struct prom_check *c, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	int line = 1;

	for (size_t i = 0, n; i < len; i += n) {
		n = prom_utf8_len(p + i, len - i);
		if (n == 0) {
			prom_error(c, line, "byte 0x%02x is no valid UTF-8", p[i]);
			n = 1;
		} else if (p[i] == '\n') {
			line++;
		} else if (p[i] < 0x20 || p[i] == 0x7f || (p[i] == 0xc2 && p[i + 1] < 0xa0)) {
			prom_error(c, line, "control character 0x%02x", n == 1 ? p[i] : p[i + 1]);
		}
	}
	if (len == 0 || text[len - 1] != '\n')
		prom_error(c, line, "the last line does not end with a line feed");
}

static bool prom_name_valid(const char *s)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";

	if (!*s || !strchr(first, *s))
		return false;
	for (; *s; s++)
		if (!strchr(first, *s) && (*s < '0' || *s > '9'))
			return false;
	return true;
}

bool prom_ends(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && strcmp(s + n - m, end) == 0;
}

/* ---- comment lines ---- */
static struct prom_family *prom_current(struct prom_check *c)
{
	return c->n_families ? &c->families[c->n_families - 1] : NULL;
}

static void prom_family_end(struct prom_check *c)
{
	struct prom_family *f = prom_current(c);

	if (!f)
		return;
	if (!f->type[0])
		prom_error(c, f->line, "family %s has no TYPE", f->name);
	if (!f->samples)
		prom_error(c, f->line, "family %s has no sample", f->name);
}

static void prom_help(struct prom_check *c, const char *name, const char *text)
{
	prom_family_end(c);
	if (!prom_name_valid(name))
		prom_error(c, c->line, "bad family name '%s'", name);
	for (size_t i = 0; i < c->n_families; i++)
		if (strcmp(c->families[i].name, name) == 0)
			prom_error(c, c->line, "family %s stood already on line %d", name, c->families[i].line);
	if (!text || !*text)
		prom_error(c, c->line, "family %s has an empty HELP", name);
	for (; text && *text; text++)
		if (*text == '\\' && *++text != '\\' && *text != 'n') {
			prom_error(c, c->line, "bad escape in HELP of %s", name);
			break;
		}
	c->families = prom_alloc(c->families, (c->n_families + 1) * sizeof(*c->families));
	c->families[c->n_families++] = (struct prom_family){.name = prom_strndup(name, strlen(name)), .line = c->line};
}

static void prom_type(struct prom_check *c, const char *name, const char *type)
{
	static const char *const known[] = {"counter", "gauge", "histogram", "summary", "untyped"};
	struct prom_family *f = prom_current(c);
	bool total = prom_ends(name, "_total"), found = false;

	if (!f || strcmp(f->name, name) != 0 || f->type[0] || f->samples) {
		prom_error(c, c->line, "TYPE of %s does not follow its HELP", name);
		return;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		found = found || (type && strcmp(type, known[i]) == 0);
	if (!found) {
		prom_error(c, c->line, "unknown type of %s", name);
		type = "untyped";
	}
	snprintf(f->type, sizeof(f->type), "%s", type);
	/* Compatible with cAdvisor, which has this one counter without the suffix. */
	if (strcmp(type, "counter") == 0 && !total && strcmp(name, "container_memory_failcnt") != 0 &&
	    strcmp(name, "container_hugetlb_failcnt") != 0)
		prom_error(c, c->line, "counter %s does not end with _total", name);
	if (strcmp(type, "counter") != 0 && total)
		prom_error(c, c->line, "%s %s ends with _total", type, name);
}

static void prom_comment(struct prom_check *c, char *text)
{
	bool help = strncmp(text, "# HELP ", 7) == 0;
	char *name = text + 7, *rest;

	if (!help && strncmp(text, "# TYPE ", 7) != 0) {
		prom_error(c, c->line, "a comment that is neither HELP nor TYPE");
		return;
	}
	rest = strchr(name, ' ');
	if (rest)
		*rest++ = '\0';
	if (help)
		prom_help(c, name, rest);
	else
		prom_type(c, name, rest);
}

/* ---- samples ---- */
static int prom_compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One label at *at: name="value". False: the line cannot be read on. */
static bool prom_label(struct prom_check *c, struct prom_sample *s, char **at)
{
	char *eq = strchr(*at, '='), *p, *text, *out;

	if (!eq || eq[1] != '"') {
		prom_error(c, c->line, "label without =\"");
		return false;
	}
	*eq = '\0';
	if (!prom_name_valid(*at) || strncmp(*at, "__", 2) == 0)
		prom_error(c, c->line, "bad label name '%s'", *at);
	text = prom_alloc(NULL, strlen(*at) + strlen(eq + 1) + 2);
	out = text + sprintf(text, "%s=", *at);
	for (p = eq + 2; *p && *p != '"'; p++) {
		if (*p == '\\') {
			p++;
			if (*p != '\\' && *p != '"' && *p != 'n') {
				prom_error(c, c->line, "bad escape in label '%s'", *at);
				free(text);
				return false;
			}
			*out++ = *p == 'n' ? '\n' : *p;
		} else {
			*out++ = *p;
		}
	}
	*out = '\0';
	s->labels = prom_alloc(s->labels, (s->n_labels + 1) * sizeof(*s->labels));
	s->labels[s->n_labels++] = text;
	if (*p != '"') {
		prom_error(c, c->line, "label '%s' does not end", *at);
		return false;
	}
	*at = p + 1;
	return true;
}

static bool prom_labels(struct prom_check *c, struct prom_sample *s, char **at)
{
	for (;;) {
		(*at)++; /* the brace or the comma */
		if (!prom_label(c, s, at))
			return false;
		if (**at == '}')
			break;
		if (**at != ',') {
			prom_error(c, c->line, "neither comma nor brace after a label");
			return false;
		}
	}
	(*at)++;
	qsort(s->labels, s->n_labels, sizeof(*s->labels), prom_compare_text);
	for (size_t i = 1; i < s->n_labels; i++) {
		size_t n = strcspn(s->labels[i], "=") + 1;

		if (strncmp(s->labels[i - 1], s->labels[i], n) == 0)
			prom_error(c, c->line, "a label twice: %.*s", (int)n - 1, s->labels[i]);
	}
	return true;
}

/* Does a sample of this name belong to the family? */
static bool prom_belongs(const struct prom_family *f, const char *name)
{
	size_t n = strlen(f->name);
	const char *end = name + n;

	if (strncmp(name, f->name, n) != 0)
		return false;
	if (strcmp(f->type, "histogram") == 0)
		return strcmp(end, "_bucket") == 0 || strcmp(end, "_sum") == 0 || strcmp(end, "_count") == 0;
	if (strcmp(f->type, "summary") == 0)
		return !*end || strcmp(end, "_sum") == 0 || strcmp(end, "_count") == 0;
	return !*end;
}

static void prom_series(struct prom_sample *s)
{
	size_t size = strlen(s->name) + 1;
	char *p;

	for (size_t i = 0; i < s->n_labels; i++)
		size += strlen(s->labels[i]) + 1;
	p = s->series = prom_alloc(NULL, size);
	p += sprintf(p, "%s", s->name);
	/* No control character but LF is left in a label, so this byte separates. */
	for (size_t i = 0; i < s->n_labels; i++)
		p += sprintf(p, "\x01%s", s->labels[i]);
}

static void prom_value(struct prom_check *c, struct prom_sample *s, const char *text)
{
	struct prom_family *f = prom_current(c);
	bool special = strcmp(text, "+Inf") == 0 || strcmp(text, "-Inf") == 0 || strcmp(text, "NaN") == 0;
	char *end;

	s->value = strtod(text, &end);
	if (!special && (!*text || text[strspn(text, "0123456789+-.eE")] || *end))
		prom_error(c, c->line, "bad value (or a timestamp) '%s'", text);
	if (f && strcmp(f->type, "counter") == 0 && !(s->value >= 0))
		prom_error(c, c->line, "counter with value %s", text);
}

static void prom_sample(struct prom_check *c, char *text)
{
	struct prom_family *f = prom_current(c);
	struct prom_sample s = {.line = c->line};
	size_t n = strcspn(text, "{ ");
	char *at = text + n;

	s.name = prom_strndup(text, n);
	if (!prom_name_valid(s.name))
		prom_error(c, c->line, "bad sample name '%s'", s.name);
	if (!f || !prom_belongs(f, s.name)) {
		prom_error(c, c->line, "sample %s is outside its family", s.name);
	} else {
		f->samples++;
		s.family = c->n_families - 1;
	}
	if (*at != '{' || prom_labels(c, &s, &at)) {
		if (*at == ' ')
			prom_value(c, &s, at + 1);
		else
			prom_error(c, c->line, "no blank before the value");
	}
	prom_series(&s);
	if (c->n_samples == c->cap_samples) {
		c->cap_samples = c->cap_samples ? 2 * c->cap_samples : 1024;
		c->samples = prom_alloc(c->samples, c->cap_samples * sizeof(*c->samples));
	}
	c->samples[c->n_samples++] = s;
}

/* ---- the whole ---- */
static int prom_compare_series(const void *a, const void *b)
{
	const struct prom_sample *x = a, *y = b;
	int r = strcmp(x->series, y->series);

	return r ? r : x->line - y->line;
}

int prom_check_text(struct prom_check *c, const char *text, size_t len)
{
	prom_check_bytes(c, text, len);
	for (size_t i = 0; i < len;) {
		const char *lf = memchr(text + i, '\n', len - i);
		size_t n = lf ? (size_t)(lf - text) - i : len - i;
		char *line = prom_strndup(text + i, n);

		c->line++;
		if (strlen(line) != n)
			prom_error(c, c->line, "NUL in the line");
		else if (!*line)
			prom_error(c, c->line, "empty line");
		else if (*line == '#')
			prom_comment(c, line);
		else
			prom_sample(c, line);
		free(line);
		i += n + 1;
	}
	prom_family_end(c);
	prom_histograms(c);
	if (c->n_samples)
		qsort(c->samples, c->n_samples, sizeof(*c->samples), prom_compare_series);
	for (size_t i = 1; i < c->n_samples; i++)
		if (strcmp(c->samples[i - 1].series, c->samples[i].series) == 0)
			prom_error(c, c->samples[i].line, "series of %s stood already on line %d", c->samples[i].name,
				   c->samples[i - 1].line);
	return c->n_errors;
}

const struct prom_sample *prom_find(const struct prom_check *c, const char *series)
{
	size_t low = 0, high = c->n_samples;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int r = strcmp(c->samples[middle].series, series);

		if (r == 0)
			return &c->samples[middle];
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

int prom_compare(struct prom_check *before, struct prom_check *after)
{
	for (size_t i = 0; i < before->n_samples; i++) {
		const struct prom_sample *old = &before->samples[i], *new = prom_find(after, old->series);
		const char *type = before->n_families ? before->families[old->family].type : "";

		if (!new || (strcmp(type, "counter") != 0 && strcmp(type, "histogram") != 0))
			continue;
		if (new->value < old->value) {
			char *text = prom_strndup(old->series, strlen(old->series));

			for (char *p = text; *p; p++)
				*p = *p == '\x01' ? ' ' : *p;
			prom_error(after, new->line, "went down from %.17g to %.17g: %s", old->value, new->value, text);
			free(text);
		}
	}
	return after->n_errors;
}
