/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * promcheck - checks Prometheus text 0.0.4 strictly: `promcheck [FILE]`, standard input without a file;
 * `promcheck --compare OLD NEW` also checks that no counter went down from one scrape to the next. Prints what is
 * wrong with line numbers on stderr and `N series, N families` on stdout; exit 1 when something is wrong.
 */
#include "lib/promcheck.h"

static char *read_all(const char *path, size_t *ret_len)
{
	FILE *f = path && strcmp(path, "-") != 0 ? fopen(path, "re") : stdin;
	size_t len = 0, size = 1 << 16, n;
	char *text;

	if (!f) {
		fprintf(stderr, "promcheck: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	text = prom_alloc(NULL, size);
	while ((n = fread(text + len, 1, size - len, f)) > 0) {
		len += n;
		if (len == size)
			text = prom_alloc(text, size *= 2);
	}
	if (ferror(f)) {
		fprintf(stderr, "promcheck: cannot read\n");
		exit(2);
	}
	if (f != stdin)
		fclose(f);
	*ret_len = len;
	return text;
}

static int check(struct prom_check *c, const char *path)
{
	size_t len;
	char *text = read_all(path, &len);
	int n;

	n = prom_check_text(c, text, len);
	free(text);
	return n;
}

int main(int argc, char **argv)
{
	struct prom_check c = {.errors = stderr}, old = {.errors = stderr};
	bool compare = argc == 4 && strcmp(argv[1], "--compare") == 0;

	if (!compare && (argc > 2 || (argc == 2 && strncmp(argv[1], "--", 2) == 0))) {
		fprintf(stderr, "usage: promcheck [FILE] | promcheck --compare OLD NEW\n");
		return 2;
	}
	if (compare)
		check(&old, argv[2]);
	check(&c, compare ? argv[3] : argv[1]);
	if (compare)
		prom_compare(&old, &c);
	printf("%zu series, %zu families\n", c.n_samples, c.n_families);
	c.n_errors += old.n_errors;
	if (c.n_errors)
		fprintf(stderr, "promcheck: %d errors\n", c.n_errors);
	argc = c.n_errors;
	prom_check_free(&old);
	prom_check_free(&c);
	return argc ? 1 : 0;
}
