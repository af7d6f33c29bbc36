/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules_doc.c - see rules_doc.h. */
#include "diagnose/case/rules.h"
#include "rules_doc.h"

static bool has_threshold(size_t rule)
{
	for (size_t t = 0; t < THRESHOLDS; t++)
		if (thresholds[t].rule == rule)
			return true;
	return false;
}

void rules_doc(struct buf *out)
{
	buf_str(out, "\nFrom `agent/diagnose/case/rules.def`; `make docs` writes this part again.\n");
	for (size_t i = 0; i < RULES; i++) {
		buf_printf(out, "\n### %s\n\nFinds that %s.\n\n", rules[i].name, rules[i].what);
		buf_printf(out, "- How it is told apart: %s\n- What it cannot see: %s\n- Collectors: %s.\n",
			   rules[i].apart, rules[i].blind, *rules[i].needs ? rules[i].needs : "none");
		if (!has_threshold(i))
			continue;
		buf_str(out, "\n| threshold | value | unit | why |\n| --- | --- | --- | --- |\n");
		for (size_t t = 0; t < THRESHOLDS; t++)
			if (thresholds[t].rule == i)
				buf_printf(out, "| `%s` | %g | %s | %s |\n", thresholds[t].name, thresholds[t].value,
					   thresholds[t].unit, thresholds[t].why);
	}
}
