/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_conf.c - configuration in YAML: a tree within its bounds, or one line that says what is wrong. */
#include "config/conf.h"
#include "fuzz.h"

static void tree_check(const struct conf *c, unsigned depth)
{
	must(depth <= CONF_DEPTH_MAX);
	must(c->line > 0 || !depth);
	must((c->kind == CONF_TEXT) == (c->text != NULL));
	for (size_t i = 0; i < c->parts.n; i++) {
		must((c->kind == CONF_MAP) == (c->parts.at[i].key != NULL));
		tree_check(&c->parts.at[i], depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	const struct conf *part = NULL;
	bool truth;
	const struct conf_field fields[] = {
		{"tls_server_config", CONF_FIELD_MAP, &part},
		{"basic_auth_users", CONF_FIELD_NAMED, &part},
		{"list", CONF_FIELD_TEXTS, &part},
		{"truth", CONF_FIELD_TRUTH, &truth},
	};
	struct conf *c = NULL;
	struct buf error = {0};

	if (conf_parse(&c, text, size, "a.yml", &error) == 0) {
		tree_check(c, 0);
		if (conf_fields(c, "a.yml", fields, sizeof(fields) / sizeof(fields[0]), &error) < 0)
			must(error.len && !strchr(error.data, '\n'));
	} else {
		must(!c && error.len && !strchr(error.data, '\n'));
	}
	conf_free(c);
	buf_free(&error);
	free(text);
	return 0;
}
